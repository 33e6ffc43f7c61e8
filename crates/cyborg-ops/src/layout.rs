//! Between planes of channels (NCHW, as candle has them) and pixels of channels (NHWC, as the kernels have them).

use std::mem::MaybeUninit;

use crate::fresh::written;
use crate::parallel::for_each_piece;

/// Side of the blocks that are turned at a time.
const SIDE: usize = 16;

/// `(batch, channels, plane)` to `(batch, plane, channels)`.
///
/// # Panics
/// If `x` is not whole images.
pub(crate) fn pixels_from_planes(x: &[f32], channels: usize, plane: usize) -> Vec<f32> {
    transposed(x, channels, plane)
}

/// `(batch, plane, channels)` to `(batch, channels, plane)`.
///
/// # Panics
/// If `x` is not whole images.
pub(crate) fn planes_from_pixels(x: &[f32], channels: usize, plane: usize) -> Vec<f32> {
    transposed(x, plane, channels)
}

/// Each of the matrices `(rows, columns)` that follow each other, transposed.
fn transposed(x: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let len = rows * columns;
    assert!(len == 0 && x.is_empty() || len != 0 && x.len().is_multiple_of(len));
    // SAFETY: the pieces are all of the rows of all results, and each is written row by row.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(x.len(), |out| {
            for_each_piece(out, len, |index, out| transpose(&x[index * len..][..len], rows, columns, out));
        })
    }
}

fn transpose(x: &[f32], rows: usize, columns: usize, out: &mut [MaybeUninit<f32>]) {
    for (block, out) in out.chunks_mut(SIDE * rows).enumerate() {
        let first = block * SIDE;
        for start in (0..rows).step_by(SIDE) {
            let end = (start + SIDE).min(rows);
            for (column, out) in out.chunks_exact_mut(rows).enumerate() {
                for (row, out) in (start..end).zip(&mut out[start..end]) {
                    out.write(x[row * columns + first + column]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::testing::{noise, on_threads};

    #[test]
    fn values_keep_image_channel_and_pixel() {
        for (batch, channels, plane) in
            [(1, 1, 1), (2, 3, 50), (3, 17, 16), (2, 64, 49), (1, 100, 33), (2, 5, 0)]
        {
            let planes = noise(batch * channels * plane, 1);
            let pixels = pixels_from_planes(&planes, channels, plane);
            assert_eq!(pixels.len(), planes.len());
            for image in 0..batch {
                for channel in 0..channels {
                    for pixel in 0..plane {
                        let found = pixels[(image * plane + pixel) * channels + channel];
                        assert_eq!(found, planes[(image * channels + channel) * plane + pixel]);
                    }
                }
            }
            assert_eq!(planes_from_pixels(&pixels, channels, plane), planes);
            assert_eq!(on_threads(2, || pixels_from_planes(&planes, channels, plane)), pixels);
        }
    }
}
