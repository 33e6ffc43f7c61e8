//! How finely a map says where people looked (Grains of Saliency, Crum, Webster and Czajka, IJCB 2024).
//!
//! The paper's words are features, area and boundary of interest. What exactly its area of interest is, its released code
//! does not say (it reads finished maps); the definitions here are ours and stated with each.

use crate::SaliencyMap;

/// From fine to coarse. The thresholds are shares of the map's greatest value in `[0, 1)`: a pixel is marked if its value is
/// above. 0 suits drawn regions; densities, which are above 0 nearly everywhere, need more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Granularity {
    /// Features of interest: the aggregated map as it is.
    Features,
    /// Area of interest: one region, 1 inside and 0 outside, around everything that is marked. Here the convex hull of the
    /// marked pixels' centres.
    Area {
        /// Marked is what is above.
        threshold: f32,
    },
    /// Boundary of interest: the smallest upright box around everything that is marked, 1 inside and 0 outside.
    Boundary {
        /// Marked is what is above.
        threshold: f32,
    },
}

impl Granularity {
    /// The map at this granularity. An empty map stays empty.
    ///
    /// # Examples
    /// ```
    /// use cyborg_saliency::{Granularity, SaliencyMap};
    /// let map = SaliencyMap { width_px: 4, height_px: 1, values: vec![0.0, 0.5, 0.0, 0.2] };
    /// assert_eq!(Granularity::Boundary { threshold: 0.0 }.of(map.clone()).values, [0.0, 1.0, 1.0, 1.0]);
    /// assert_eq!(Granularity::Boundary { threshold: 0.5 }.of(map).values, [0.0, 1.0, 0.0, 0.0]);
    /// ```
    #[must_use]
    pub fn of(self, map: SaliencyMap) -> SaliencyMap {
        match self {
            Self::Features => map,
            Self::Area { threshold } => convex_hull(&map, threshold),
            Self::Boundary { threshold } => bounding_box(&map, threshold),
        }
    }
}

/// For each row its first and last marked column; nothing where no pixel is marked.
fn row_ends(map: &SaliencyMap, threshold: f32) -> Vec<Option<(i64, i64)>> {
    let limit = threshold * map.values.iter().copied().fold(0.0, f32::max);
    let rows = map.values.chunks(map.width_px.max(1));
    rows.map(|row| {
        let first = row.iter().position(|&value| value > limit)?;
        let last = row.iter().rposition(|&value| value > limit)?;
        Some((first as i64, last as i64))
    })
    .collect()
}

fn bounding_box(map: &SaliencyMap, threshold: f32) -> SaliencyMap {
    let ends = row_ends(map, threshold);
    let marked = || ends.iter().flatten();
    let mut boxed = SaliencyMap::filled(map.width_px, map.height_px, 0.0);
    let (Some(top), Some(bottom)) =
        (ends.iter().position(Option::is_some), ends.iter().rposition(Option::is_some))
    else {
        return boxed;
    };
    let left = marked().map(|&(first, _)| first).min().unwrap_or(0) as usize;
    let right = marked().map(|&(_, last)| last).max().unwrap_or(0) as usize;
    for row in boxed.values.chunks_mut(map.width_px).take(bottom + 1).skip(top) {
        row[left..=right].fill(1.0);
    }
    boxed
}

/// All pixels whose centre is in the hull of the marked pixels' centres or on its edge, in whole numbers: exact.
fn convex_hull(map: &SaliencyMap, threshold: f32) -> SaliencyMap {
    let ends = row_ends(map, threshold);
    let mut filled = SaliencyMap::filled(map.width_px, map.height_px, 0.0);
    // (row, column): sorted by row, so the two chains are the hull's left and right sides.
    let mut left: Vec<(i64, i64)> = Vec::new();
    let mut right: Vec<(i64, i64)> = Vec::new();
    for (row, ends) in ends.iter().enumerate() {
        let Some((first, last)) = *ends else { continue };
        push_outer(&mut left, (row as i64, first), 1);
        push_outer(&mut right, (row as i64, last), -1);
    }
    let (Some(&(top, _)), Some(&(bottom, _))) = (left.first(), left.last()) else { return filled };
    for row in top..=bottom {
        let first = column_at(&left, row, true);
        let last = column_at(&right, row, false);
        let start = row as usize * map.width_px;
        if first <= last {
            filled.values[start + first as usize..=start + last as usize].fill(1.0);
        }
    }
    filled
}

/// Adds a point below the others to one side of the hull and takes off those that no longer stick out; `sign` is 1 for the
/// left side and -1 for the right.
fn push_outer(side: &mut Vec<(i64, i64)>, point: (i64, i64), sign: i64) {
    while let [.., a, b] = side[..] {
        // b stays if it lies strictly outside of the line from a to the new point.
        let cross = (b.1 - a.1) * (point.0 - a.0) - (point.1 - a.1) * (b.0 - a.0);
        if cross * sign < 0 {
            break;
        }
        side.pop();
    }
    side.push(point);
}

/// Where a side of the hull crosses a row, rounded into the hull.
fn column_at(side: &[(i64, i64)], row: i64, round_up: bool) -> i64 {
    let after = side.partition_point(|&(at, _)| at < row);
    let (row_b, column_b) = side[after];
    if row_b == row {
        return column_b;
    }
    let (row_a, column_a) = side[after - 1];
    let (rise, run) = ((column_b - column_a) * (row - row_a), row_b - row_a);
    let whole = rise.div_euclid(run);
    column_a + whole + i64::from(round_up && rise.rem_euclid(run) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map(width_px: usize, rows: &[&str]) -> SaliencyMap {
        let values = rows.iter().flat_map(|row| row.bytes().map(|byte| f32::from(byte == b'#'))).collect();
        SaliencyMap { width_px, height_px: rows.len(), values }
    }

    #[test]
    fn a_hull_fills_what_lies_between() {
        let marks = map(7, &[".......", "#......", "......#", ".......", "..#....", "......."]);
        // The hull of (0,1), (6,2), (2,4) as (column, row). Row 2: left edge from (0,1) to (2,4) at 2/3, so from 1 to 6.
        // Row 3: left edge at 4/3, so from 2; right edge from (6,2) to (2,4) at 4.
        let hull = map(7, &[".......", "#......", ".######", "..###..", "..#....", "......."]);
        assert_eq!(Granularity::Area { threshold: 0.0 }.of(marks.clone()), hull);
        let boxed = map(7, &[".......", "#######", "#######", "#######", "#######", "......."]);
        assert_eq!(Granularity::Boundary { threshold: 0.0 }.of(marks.clone()), boxed);
        assert_eq!(Granularity::Features.of(marks.clone()), marks);
    }

    #[test]
    fn an_empty_map_stays_empty() {
        for granularity in [Granularity::Area { threshold: 0.5 }, Granularity::Boundary { threshold: 0.5 }] {
            assert_eq!(granularity.of(SaliencyMap::filled(3, 2, 0.0)), SaliencyMap::filled(3, 2, 0.0));
            let nothing = SaliencyMap { width_px: 0, height_px: 0, values: vec![] };
            assert_eq!(granularity.of(nothing.clone()), nothing);
        }
    }

    proptest! {
        /// A pixel is in the hull unless a line through two marked pixels has it on one side and all marked pixels on the
        /// other side or on the line.
        #[test]
        fn a_hull_is_what_no_line_cuts_off(bits in prop::collection::vec(0u8..12, 42)) {
            let values = bits.iter().map(|&bit| f32::from(bit == 0)).collect();
            let map = SaliencyMap { width_px: 7, height_px: 6, values };
            let hull = Granularity::Area { threshold: 0.0 }.of(map.clone());
            let marked: Vec<(i64, i64)> = (0..42)
                .filter(|&at| map.values[at] > 0.0)
                .map(|at| ((at % 7) as i64, (at / 7) as i64))
                .collect();
            let side = |a: (i64, i64), b: (i64, i64), p: (i64, i64)| (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0);
            for at in 0..42 {
                let pixel = ((at % 7) as i64, (at / 7) as i64);
                let cut_off = marked.is_empty() || marked.iter().any(|&a| {
                    marked.iter().any(|&b| {
                        // A degenerate hull (a point or a segment) is also left by going along or off its line.
                        let here = side(a, b, pixel);
                        a != b && here < 0 && marked.iter().all(|&m| side(a, b, m) >= 0)
                    })
                }) || degenerate_outside(&marked, pixel);
                prop_assert_eq!(hull.values[at] == 0.0, cut_off, "{:?}", pixel);
            }
        }
    }

    /// All marked pixels on one line, and the pixel not between two of them.
    fn degenerate_outside(marked: &[(i64, i64)], pixel: (i64, i64)) -> bool {
        let cross = |a: (i64, i64), b: (i64, i64), p: (i64, i64)| {
            (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0)
        };
        let (Some(&first), Some(&last)) = (marked.iter().min(), marked.iter().max()) else { return true };
        if marked.iter().any(|&m| cross(first, last, m) != 0) {
            return false;
        }
        cross(first, last, pixel) != 0 || pixel < first || pixel > last
    }
}
