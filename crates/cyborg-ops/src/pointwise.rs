//! Element by element: rectification, sums, masks; channels side by side.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::fresh::{collect, written};
use crate::parallel::for_each_piece;
use crate::vectors::dispatch;
use crate::view::{View, ViewMut};

/// Values that one thread does at a time.
const PIECE: usize = 1 << 15;

/// `max(x, 0)`; NaN stays NaN.
#[inline]
pub(crate) fn rectified(x: f32) -> f32 {
    if x <= 0.0 { 0.0 } else { x }
}

/// `max(x, 0)` in a new vector.
pub(crate) fn relu(x: &[f32]) -> Vec<f32> {
    collect(x.len(), PIECE, |_, range| x[range].iter().map(|&x| rectified(x)))
}

/// `max(a + b, 0)`: the end of a residual block.
///
/// # Panics
/// If they differ in length.
pub(crate) fn add_relu(a: &[f32], b: &[f32]) -> Vec<f32> {
    assert_eq!(a.len(), b.len());
    collect(a.len(), PIECE, |_, range| {
        a[range.clone()].iter().zip(&b[range]).map(|(&a, &b)| rectified(a + b))
    })
}

/// `a += b`.
///
/// # Panics
/// If they differ in length.
pub(crate) fn add_into(a: &mut [f32], b: &[f32]) {
    update(a, b, |a, b| a + b);
}

/// Sets the gradient `g` to zero where the output of a ReLU was; where that was NaN it stays, as in PyTorch.
///
/// # Panics
/// If they differ in length.
pub(crate) fn mask(g: &mut [f32], out: &[f32]) {
    update(g, out, |g, out| if out <= 0.0 { 0.0 } else { g });
}

/// `a = change(a, b)`, element by element.
fn update(a: &mut [f32], b: &[f32], change: impl Fn(f32, f32) -> f32 + Copy + Send + Sync) {
    assert_eq!(a.len(), b.len());
    for_each_piece(a, PIECE, |index, a| {
        let b = &b[index * PIECE..][..a.len()];
        dispatch(Update { a, b, change });
    });
}

/// The channels of all views side by side: `(rows, sum of the channels)`.
///
/// # Panics
/// If they differ in rows.
pub(crate) fn concat(views: &[View<'_>]) -> Vec<f32> {
    let rows = views.first().map_or(0, View::rows);
    assert!(views.iter().all(|view| view.rows() == rows), "maps with different numbers of rows");
    let stride: usize = views.iter().map(View::channels).sum();
    let rows_per_job = (PIECE / stride.max(1)).max(1);
    // SAFETY: the pieces are all rows, and the views' channels are all of a row.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(rows * stride, |out| {
            for_each_piece(out, rows_per_job * stride, |index, out| {
                let mut first = 0;
                for view in views {
                    copy_rows(*view, index * rows_per_job, out, stride, first);
                    first += view.channels();
                }
            });
        })
    }
}

/// The channels of a view without gaps: `(rows, channels)`.
pub(crate) fn take(view: View<'_>) -> Vec<f32> {
    concat(&[view])
}

/// Overwrites channels of a buffer with those of a view.
///
/// # Panics
/// If the buffer has other rows, or its rows have no room for the channels.
pub(crate) fn place(view: View<'_>, into: ViewMut<'_>) {
    let ViewMut { values, stride, first } = into;
    assert!(first + view.channels() <= stride && values.len() == view.rows() * stride);
    let rows_per_job = (PIECE / stride.max(1)).max(1);
    for_each_piece(values, rows_per_job * stride, |index, out| {
        for (row, out) in out.chunks_exact_mut(stride).enumerate() {
            out[first..first + view.channels()].copy_from_slice(view.row(index * rows_per_job + row));
        }
    });
}

/// Adds the channels of a view to those of a buffer.
///
/// # Panics
/// As [`place`].
pub(crate) fn add_place(view: View<'_>, into: ViewMut<'_>) {
    let ViewMut { values, stride, first } = into;
    assert!(first + view.channels() <= stride && values.len() == view.rows() * stride);
    let rows_per_job = (PIECE / stride.max(1)).max(1);
    for_each_piece(values, rows_per_job * stride, |index, out| {
        dispatch(AddRows { view, row: index * rows_per_job, out, stride, first });
    });
}

/// Writes channels `first ..` of all rows of `out` from those of a view, from row `row` of it on.
fn copy_rows(view: View<'_>, row: usize, out: &mut [MaybeUninit<f32>], stride: usize, first: usize) {
    for (index, out) in out.chunks_exact_mut(stride.max(1)).enumerate() {
        out[first..first + view.channels()].write_copy_of_slice(view.row(row + index));
    }
}

struct AddRows<'a> {
    view: View<'a>,
    row: usize,
    out: &'a mut [f32],
    stride: usize,
    first: usize,
}

impl WithSimd for AddRows<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "vector instructions reach only what is inlined here")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { view, row, out, stride, first } = self;
        for (index, out) in out.chunks_exact_mut(stride).enumerate() {
            for (out, &value) in out[first..first + view.channels()].iter_mut().zip(view.row(row + index)) {
                *out += value;
            }
        }
    }
}

struct Update<'a, F> {
    a: &'a mut [f32],
    b: &'a [f32],
    change: F,
}

impl<F: Fn(f32, f32) -> f32> WithSimd for Update<'_, F> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "vector instructions reach only what is inlined here")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (a, &b) in self.a.iter_mut().zip(self.b) {
            *a = (self.change)(*a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::testing::{noise, on_each_level, on_threads, spread};

    const LENGTHS: [usize; 5] = [0, 1, 37, PIECE, 2 * PIECE + 5];

    #[test]
    fn element_by_element() {
        on_each_level(|_| {
            for len in LENGTHS {
                let (a, b) = (noise(len, 1), noise(len, 2));
                let pairs = || a.iter().zip(&b);
                let expected: Vec<f32> = a.iter().map(|a| a.max(0.0)).collect();
                assert_eq!(relu(&a), expected);
                let expected: Vec<f32> = pairs().map(|(a, b)| a + b).collect();
                let mut sum = a.clone();
                add_into(&mut sum, &b);
                assert_eq!(sum, expected);
                let expected: Vec<f32> = expected.iter().map(|sum| sum.max(0.0)).collect();
                assert_eq!(add_relu(&a, &b), expected);
                let expected: Vec<f32> = pairs().map(|(&a, &b)| if b > 0.0 { a } else { 0.0 }).collect();
                let mut masked = a.clone();
                mask(&mut masked, &b);
                assert_eq!(masked, expected);
            }
        });
    }

    #[test]
    fn not_a_number_passes() {
        assert!(relu(&[f32::NAN])[0].is_nan() && add_relu(&[f32::NAN], &[1.0])[0].is_nan());
        let mut g = [2.0, 2.0, 2.0, 2.0];
        mask(&mut g, &[f32::NAN, 0.0, -0.0, 1e-30]);
        assert_eq!(g, [2.0, 0.0, 0.0, 2.0]);
    }

    #[test]
    fn channels_side_by_side_and_apart_again() {
        for rows in [1, 5, 3000] {
            let channels = [3, 1, 24];
            let parts = [noise(rows * 3, 3), noise(rows, 4), noise(rows * 24, 5)];
            let views = [0, 1, 2].map(|n| View::dense(&parts[n], channels[n]));
            let together = concat(&views);
            for (row, values) in together.chunks(28).enumerate() {
                let expected: Vec<f32> = views.iter().flat_map(|view| view.row(row)).copied().collect();
                assert_eq!(values, expected);
            }
            assert_eq!(together.len(), rows * 28);
            for (first, (part, n)) in [0, 3, 4].into_iter().zip(parts.iter().zip(channels)) {
                assert_eq!(&take(View::part(&together, 28, first, n)), part);
            }
            assert!(concat(&[]).is_empty());
        }
    }

    #[test]
    fn channels_of_a_wider_buffer() {
        on_each_level(|_| {
            for (rows, channels) in [(1, 1), (7, 5), (2000, 24)] {
                let (stride, first) = (channels + 9, 4);
                let values = noise(rows * channels, 6);
                let wide = spread(&values, channels, stride, first);
                let view = View::part(&wide, stride, first, channels);
                assert_eq!(take(view), values);
                let mut buffer = vec![1.0; rows * 30];
                place(view, ViewMut { values: &mut buffer, stride: 30, first: 2 });
                add_place(view, ViewMut { values: &mut buffer, stride: 30, first: 2 });
                for (row, values) in buffer.chunks(30).zip(values.chunks(channels)) {
                    let doubled: Vec<f32> = values.iter().map(|value| 2.0 * value).collect();
                    assert_eq!(row[2..2 + channels], doubled);
                    assert!(row[..2].iter().chain(&row[2 + channels..]).all(|&value| value == 1.0));
                }
            }
        });
    }

    #[test]
    fn threads_change_no_bit() {
        let (a, b) = (noise(3 * PIECE + 1, 7), noise(3 * PIECE + 1, 8));
        let all = |threads| on_threads(threads, || (add_relu(&a, &b), concat(&[View::dense(&a, 1); 2])));
        assert_eq!(all(1), all(3));
    }
}
