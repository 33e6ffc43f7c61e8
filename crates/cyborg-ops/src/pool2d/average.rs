//! The mean of each window.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::{for_blocks, rows_per_job};
use crate::fresh::written;
use crate::parallel::for_each_piece;
use crate::vectors::dispatch;
use crate::windows::Windows;

/// The mean of each window; with `count_include_pad` the padding counts as zeros. As in PyTorch, what ceil mode adds beyond
/// the padding is not counted.
///
/// # Shapes
/// - `x`: `(batch, height, width, channels)`
/// - returns: `(batch, windows down, windows across, channels)`
///
/// # Panics
/// If `x` is of another size.
pub(crate) fn avg_pool(windows: &Windows, x: &[f32], count_include_pad: bool) -> Vec<f32> {
    assert_eq!(x.len(), windows.input_len());
    let shares = shares(windows, count_include_pad);
    let row_len = windows.across.output * windows.channels;
    let rows = rows_per_job(row_len);
    // SAFETY: the pieces are all rows of the output, and of each row all windows are written.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(windows.output_len(), |out| {
            for_each_piece(out, rows * row_len, |index, out| {
                dispatch(Means { windows, shares: &shares, x, first_row: index * rows, out });
            });
        })
    }
}

/// The gradient of the input from that of the output, `g`.
///
/// # Panics
/// If `g` is not of the output's size.
pub(crate) fn avg_pool_gradient(windows: &Windows, g: &[f32], count_include_pad: bool) -> Vec<f32> {
    assert_eq!(g.len(), windows.output_len());
    let shares = shares(windows, count_include_pad);
    let row_len = windows.across.input * windows.channels;
    let rows = rows_per_job(row_len);
    // SAFETY: the pieces are all rows of the input, and of each row all cells are written.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(windows.input_len(), |dx| {
            for_each_piece(dx, rows * row_len, |index, dx| {
                dispatch(Spread { windows, shares: &shares, g, first_row: index * rows, dx });
            });
        })
    }
}

/// One over the number of cells of each window of an image.
fn shares(windows: &Windows, count_include_pad: bool) -> Vec<f32> {
    let Windows { down, across, .. } = windows;
    let cells = |row, column| {
        if count_include_pad {
            down.padded_cells(row) * across.padded_cells(column)
        } else {
            down.cells(row).len() * across.cells(column).len()
        }
    };
    let rows = 0..down.output;
    rows.flat_map(|row| (0..across.output).map(move |column| 1.0 / cells(row, column) as f32)).collect()
}

/// Some rows of the output, counted through all images.
struct Means<'a> {
    windows: &'a Windows,
    shares: &'a [f32],
    x: &'a [f32],
    first_row: usize,
    out: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Means<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { windows, shares, x, first_row, out } = self;
        let Windows { channels, down, across, .. } = *windows;
        for (index, out) in out.chunks_exact_mut(channels).enumerate() {
            let (row, column) = (first_row + index / across.output, index % across.output);
            let (image, row) = (row / down.output, row % down.output);
            let (rows, columns) = (down.cells(row), across.cells(column));
            let share = shares[row * across.output + column];
            for_blocks!(channels, |channel, N| {
                let mut sum = [0.0_f32; N];
                for y in rows.clone() {
                    for column in columns.clone() {
                        let at = ((image * down.input + y) * across.input + column) * channels + channel;
                        for (sum, &x) in sum.iter_mut().zip(&x[at..][..N]) {
                            *sum += x;
                        }
                    }
                }
                for (out, sum) in out[channel..][..N].iter_mut().zip(sum) {
                    out.write(sum * share);
                }
            });
        }
    }
}

/// Some rows of the input, counted through all images: each cell adds up its shares.
struct Spread<'a> {
    windows: &'a Windows,
    shares: &'a [f32],
    g: &'a [f32],
    first_row: usize,
    dx: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { windows, shares, g, first_row, dx } = self;
        let Windows { channels, down, across, .. } = *windows;
        for (index, dx) in dx.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (first_row + index / across.input, index % across.input);
            let (image, y) = (y / down.input, y % down.input);
            let (rows, columns) = (down.windows(y), across.windows(x));
            for_blocks!(channels, |channel, N| {
                let mut sum = [0.0_f32; N];
                for row in rows.clone() {
                    for column in columns.clone() {
                        let share = shares[row * across.output + column];
                        let at = ((image * down.output + row) * across.output + column) * channels + channel;
                        for (sum, &g) in sum.iter_mut().zip(&g[at..][..N]) {
                            *sum += g * share;
                        }
                    }
                }
                for (dx, sum) in dx[channel..][..N].iter_mut().zip(sum) {
                    dx.write(sum);
                }
            });
        }
    }
}
