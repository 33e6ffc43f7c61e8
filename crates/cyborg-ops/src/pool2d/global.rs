//! The mean over the whole plane.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::fresh::written;
use crate::parallel::for_each_piece;
use crate::vectors::dispatch;
use crate::view::Strip;

/// The mean of each channel of each image, summed up in f64.
///
/// # Shapes
/// - `x`: `(batch, plane, channels)`
/// - returns: `(batch, channels)`
///
/// # Panics
/// If `x` is not whole images.
pub(crate) fn global_avg_pool(x: &[f32], plane: usize, channels: usize) -> Vec<f32> {
    let len = plane * channels;
    assert!(len == 0 && x.is_empty() || len != 0 && x.len().is_multiple_of(len));
    let batch = x.len() / len.max(1);
    let mut out = vec![0.0; batch * channels];
    for_each_piece(&mut out, channels, |image, out| {
        let strip = Strip::dense(&x[image * len..][..len], channels);
        dispatch(Mean { strip, out });
    });
    out
}

/// The gradient of the input from that of the output, `g`: `(batch, channels)` to `(batch, plane, channels)`.
///
/// # Panics
/// If `channels` does not divide the number of values of `g`.
pub(crate) fn global_avg_pool_gradient(g: &[f32], plane: usize, channels: usize) -> Vec<f32> {
    assert!(channels == 0 && g.is_empty() || g.len().is_multiple_of(channels));
    // SAFETY: the pieces are all images, and `copies` writes each whole.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(g.len() * plane, |dx| {
            for_each_piece(dx, plane * channels, |image, dx| {
                let shares: Vec<f32> =
                    g[image * channels..][..channels].iter().map(|&g| g / plane as f32).collect();
                copies(&shares, dx);
            });
        })
    }
}

fn copies(values: &[f32], out: &mut [MaybeUninit<f32>]) {
    for out in out.chunks_exact_mut(values.len()) {
        out.write_copy_of_slice(values);
    }
}

struct Mean<'a> {
    strip: Strip<'a>,
    out: &'a mut [f32],
}

impl WithSimd for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { strip, out } = self;
        let mut sums = vec![0.0_f64; strip.width()];
        let quarter = strip.full_rows() / 4;
        for row in 0..quarter {
            let [x0, x1, x2, x3] = strip.four_rows(row, quarter);
            for (sum, (((&x0, &x1), &x2), &x3)) in sums.iter_mut().zip(x0.iter().zip(x1).zip(x2).zip(x3)) {
                *sum += (f64::from(x0) + f64::from(x1)) + (f64::from(x2) + f64::from(x3));
            }
        }
        for row in 4 * quarter..strip.rows() {
            for (sum, &x) in sums.iter_mut().zip(strip.row(row)) {
                *sum += f64::from(x);
            }
        }
        let share = 1.0 / strip.rows() as f64;
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = (sum * share) as f32;
        }
    }
}
