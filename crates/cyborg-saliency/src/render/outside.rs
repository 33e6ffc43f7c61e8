//! Marks beside the image, and what may have put them there.

use crate::{Mark, Placement};

/// How many marks with coordinates lie wholly outside the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Marks with coordinates.
    pub n_marks: usize,
    /// Of these, marks that no pixel of the image can show.
    pub n_outside: usize,
    /// Marks that the image would show if x and y changed places.
    pub n_inside_if_swapped: usize,
}

impl Outside {
    /// Adds another annotation's.
    pub fn add(&mut self, other: Self) {
        self.n_marks += other.n_marks;
        self.n_outside += other.n_outside;
        self.n_inside_if_swapped += other.n_inside_if_swapped;
    }
}

/// Counts the marks of one annotation.
pub(crate) fn outside(marks: &[Mark], placement: &Placement) -> Outside {
    let mut counts = Outside::default();
    for mark in marks {
        let inside = match mark {
            Mark::Point { x, y, .. } => by_swap(|swapped| is_point_inside((*x, *y), swapped, placement)),
            Mark::Stroke { points, width_px } => {
                let reach = width_px.unwrap_or(0.0) / 2.0;
                by_swap(|swapped| is_box_inside(points.iter().copied(), reach, swapped, placement))
            }
            Mark::Polygon { rings, .. } => {
                by_swap(|swapped| is_box_inside(rings.iter().flatten().copied(), 0.0, swapped, placement))
            }
            &Mark::Rectangle { left, top, right, bottom } => by_swap(|swapped| {
                is_box_inside([(left, top), (right, bottom)].into_iter(), 0.0, swapped, placement)
            }),
            Mark::Map(_) | Mark::Stored(_) => continue,
        };
        counts.n_marks += 1;
        counts.n_outside += usize::from(!inside[0]);
        counts.n_inside_if_swapped += usize::from(inside[1]);
    }
    counts
}

/// As it is, and with x and y swapped.
fn by_swap(is_inside: impl Fn(bool) -> bool) -> [bool; 2] {
    [is_inside(false), is_inside(true)]
}

fn placed(point: (f64, f64), swapped: bool, placement: &Placement) -> (f64, f64) {
    placement.map(if swapped { (point.1, point.0) } else { point })
}

/// By the same rule as densities: the right and lower edge are outside.
fn is_point_inside(point: (f64, f64), swapped: bool, placement: &Placement) -> bool {
    let (width, height) = placement.size_px();
    let (x, y) = placed(point, swapped, placement);
    (0.0..f64::from(width)).contains(&x) && (0.0..f64::from(height)).contains(&y)
}

/// True if the box around the points, and so perhaps what is drawn, meets the image.
fn is_box_inside(
    points: impl Iterator<Item = (f64, f64)>,
    reach: f64,
    swapped: bool,
    placement: &Placement,
) -> bool {
    let (width, height) = placement.size_px();
    let matrix = placement.matrix();
    let (reach_x, reach_y) = (reach * matrix.a.hypot(matrix.c), reach * matrix.b.hypot(matrix.d));
    let mut bounds: Option<[f64; 4]> = None;
    for point in points {
        let (x, y) = placed(point, swapped, placement);
        bounds = Some(match bounds {
            None => [x, y, x, y],
            Some([left, top, right, bottom]) => [left.min(x), top.min(y), right.max(x), bottom.max(y)],
        });
    }
    bounds.is_some_and(|[left, top, right, bottom]| {
        left - reach_x < f64::from(width)
            && right + reach_x > 0.0
            && top - reach_y < f64::from(height)
            && bottom + reach_y > 0.0
    })
}
