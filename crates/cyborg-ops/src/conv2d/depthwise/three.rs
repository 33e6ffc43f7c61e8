//! Windows of 3x3 at stride 1.
//!
//! A tile is a few rows and columns of the target, for one vector of channels. All its sums (or, for the weights'
//! gradient, all its values) stay in registers while the pixels of the source go by: each is read once and meets its
//! taps at once. Neighbouring vectors of a tile come next, so that memory is read in order.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::ops::Range;

use pulp::Simd;

use super::{Gather, Plane, Weigh, store};
use crate::conv2d::geometry::Geometry;
use crate::simd::load;

/// The padding before an image, down and across, if the window is one of these.
pub(super) fn padding(g: &Geometry) -> Option<(isize, isize)> {
    let fits = [g.down, g.across].iter().all(|axis| (axis.kernel, axis.stride, axis.dilation) == (3, 1, 1));
    fits.then_some((g.down.padding as isize, g.across.padding as isize))
}

/// The part of an image that a tile reads.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// The image, or those rows of it that the work is about.
    source: &'a [f32],
    plane: Plane,
    /// Row and column of its first pixel, which need not exist.
    first: (isize, isize),
}

impl Part<'_> {
    /// Which of the first `n` rows and columns exist.
    #[inline(always)]
    fn valid(&self, rows: usize, columns: usize) -> (Range<usize>, Range<usize>) {
        let valid = |first: isize, len: usize, n: usize| {
            let start = (-first).clamp(0, n as isize);
            start as usize..(len as isize - first).clamp(start, n as isize) as usize
        };
        (valid(self.first.0, self.plane.rows, rows), valid(self.first.1, self.plane.columns, columns))
    }

    /// The vector from `channel` on, of a pixel that exists, counted from `first`.
    #[inline(always)]
    fn vector<S: Simd>(&self, simd: S, row: usize, column: usize, channel: usize) -> S::f32s {
        let (row, column) = (self.first.0 + row as isize, self.first.1 + column as isize);
        let pixel = (row * self.plane.columns as isize + column) as usize;
        // SAFETY: the caller gives a pixel that `source` holds: `Gather` and `Weigh` have checked its length, and that the
        // vector's channels exist.
        #[expect(unsafe_code, reason = "see `load`")]
        unsafe {
            load(simd, self.source, pixel * self.plane.channels + channel)
        }
    }
}

/// Rows of a tile at most. With nine weights and a pixel, a tile fits into 32 registers; where there are 16, weights are
/// read from the first cache.
const MAX_ROWS: usize = 6;

/// Columns of a tile at most. Two columns read fewer pixels twice, one reads memory more in order, which is faster where
/// pixels are small and planes large (measured: 1.3 times at 128 channels, 147 x 147; 0.9 times at 728, 19 x 19).
#[inline(always)]
fn max_columns<S: Simd>(channels: usize) -> usize {
    if S::REGISTER_COUNT >= 32 && channels > 512 { 2 } else { 1 }
}

/// Pieces whose lengths differ by one at most.
#[inline(always)]
fn pieces(len: usize, max: usize) -> impl Iterator<Item = Range<usize>> {
    let n = len.div_ceil(max);
    (0..n).map(move |i| i * len / n..(i + 1) * len / n)
}

/// Calls a function for tiles of this many rows and columns.
macro_rules! for_tile {
    ($rows:expr, $columns:expr, $tile:ident::<$simd:ident>$arguments:tt) => {
        if $simd::REGISTER_COUNT >= 32 && $columns == 2 {
            for_tile!(@ $rows, 2, $tile $simd $arguments)
        } else {
            for_tile!(@ $rows, 1, $tile $simd $arguments)
        }
    };
    (@ $rows:expr, $columns:literal, $tile:ident $simd:ident ($($argument:expr),*)) => {
        match $rows {
            1 => $tile::<$simd, 1, $columns>($($argument),*),
            2 => $tile::<$simd, 2, $columns>($($argument),*),
            3 => $tile::<$simd, 3, $columns>($($argument),*),
            4 => $tile::<$simd, 4, $columns>($($argument),*),
            5 => $tile::<$simd, 5, $columns>($($argument),*),
            _ => $tile::<$simd, MAX_ROWS, $columns>($($argument),*),
        }
    };
}

/// Runs the body for each row of the source that a tile of `$rows` rows reads, with `$row` a constant: only then are all
/// indices known, and sums stay in registers.
macro_rules! for_source_rows {
    ($rows:ident, $row:ident => $body:block) => {
        for_source_rows!(@ $rows, $row => $body; 0 1 2 3 4 5 6 7);
    };
    (@ $rows:ident, $row:ident => $body:block; $($number:literal)*) => {
        $(if $number < $rows + 2 {
            let $row: usize = $number;
            $body
        })*
    };
}

#[inline(always)]
pub(super) fn gather<S: Simd>(simd: S, mut work: Gather<'_>, (down, across): (isize, isize)) {
    let (weights, _) = S::as_simd_f32s(work.weights);
    assert_eq!(weights.len(), 9 * work.starts.len());
    for rows in pieces(work.rows.len(), MAX_ROWS) {
        for columns in pieces(work.columns, max_columns::<S>(work.plane.channels)) {
            let first = ((work.rows.start + rows.start) as isize - down, columns.start as isize - across);
            let part = Part { source: work.source, plane: work.plane, first };
            let first = (rows.start, columns.start);
            for_tile!(rows.len(), columns.len(), gather_tile::<S>(simd, &mut work, part, first, weights));
        }
    }
}

#[inline(always)]
fn gather_tile<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    simd: S,
    work: &mut Gather<'_>,
    part: Part<'_>,
    first: (usize, usize),
    weights: &[S::f32s],
) {
    let channels = work.plane.channels;
    let (valid_rows, valid_columns) = part.valid(ROWS + 2, COLUMNS + 2);
    for (&channel, weights) in work.starts.iter().zip(weights.as_chunks::<9>().0) {
        let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; ROWS];
        for_source_rows!(ROWS, row => {
            if valid_rows.contains(&row) {
                for column in 0..COLUMNS + 2 {
                    if valid_columns.contains(&column) {
                        let x = part.vector(simd, row, column, channel);
                        for (tap, &weight) in weights.iter().enumerate() {
                            if let Some((row, column)) = seen::<ROWS, COLUMNS>(row, column, tap) {
                                sums[row][column] = simd.mul_add_e_f32s(x, weight, sums[row][column]);
                            }
                        }
                    }
                }
            }
        });
        for (row, sums) in sums.iter().enumerate() {
            for (column, &sum) in sums.iter().enumerate() {
                let pixel = (first.0 + row) * work.columns + first.1 + column;
                // SAFETY: `out` holds all columns of all rows of this work, and the vector's channels exist.
                #[expect(unsafe_code, reason = "see `store`")]
                unsafe {
                    store(simd, work.out, pixel * channels + channel, sum);
                }
            }
        }
    }
}

/// The pixel of the tile whose tap sees this pixel of the source, if there is one.
#[inline(always)]
fn seen<const ROWS: usize, const COLUMNS: usize>(
    row: usize,
    column: usize,
    tap: usize,
) -> Option<(usize, usize)> {
    let (row, column) = (row.wrapping_sub(tap / 3), column.wrapping_sub(tap % 3));
    (row < ROWS && column < COLUMNS).then_some((row, column))
}

#[inline(always)]
pub(super) fn weigh<S: Simd>(simd: S, work: Weigh<'_>, (down, across): (isize, isize)) {
    let Weigh { g, x, dy, rows: band, starts, sums } = work;
    let (totals, _) = S::as_mut_simd_f32s(sums);
    assert_eq!(totals.len(), 9 * starts.len());
    let (input, output) = (Plane::of_input(g), Plane::of_output(g));
    for rows in pieces(band.len(), MAX_ROWS) {
        for columns in pieces(output.columns, max_columns::<S>(output.channels)) {
            let first = ((band.start + rows.start) as isize - down, columns.start as isize - across);
            let part = Part { source: x, plane: input, first };
            let dy = Part { source: dy, plane: output, first: (rows.start as isize, columns.start as isize) };
            for_tile!(rows.len(), columns.len(), weigh_tile::<S>(simd, part, dy, starts, totals));
        }
    }
}

#[inline(always)]
fn weigh_tile<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    simd: S,
    part: Part<'_>,
    tile: Part<'_>,
    starts: &[usize],
    totals: &mut [S::f32s],
) {
    let (valid_rows, valid_columns) = part.valid(ROWS + 2, COLUMNS + 2);
    for (&channel, totals) in starts.iter().zip(totals.as_chunks_mut::<9>().0) {
        let zero = simd.splat_f32s(0.0);
        let mut dy = [[zero; COLUMNS]; ROWS];
        for (row, dy) in dy.iter_mut().enumerate() {
            for (column, dy) in dy.iter_mut().enumerate() {
                *dy = tile.vector(simd, row, column, channel);
            }
        }
        let mut sums = [zero; 9];
        for_source_rows!(ROWS, row => {
            if valid_rows.contains(&row) {
                for column in 0..COLUMNS + 2 {
                    if valid_columns.contains(&column) {
                        let x = part.vector(simd, row, column, channel);
                        for (tap, sum) in sums.iter_mut().enumerate() {
                            if let Some((row, column)) = seen::<ROWS, COLUMNS>(row, column, tap) {
                                *sum = simd.mul_add_e_f32s(x, dy[row][column], *sum);
                            }
                        }
                    }
                }
            }
        });
        for (total, &sum) in totals.iter_mut().zip(&sums) {
            *total = simd.add_f32s(*total, sum);
        }
    }
}
