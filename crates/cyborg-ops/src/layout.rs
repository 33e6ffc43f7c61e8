//! Between planes of channels (NCHW, as candle has them) and pixels of channels (NHWC, as the kernels have them).

use std::mem::MaybeUninit;

use crate::fresh::written;
use crate::parallel::for_each_piece;

/// Rows and columns that are turned at a time.
const HEIGHT: usize = 16;
const WIDTH: usize = 64;
/// Columns so few that they are read where they lie: an image's three colours.
const NARROW: usize = 8;

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
    // Lines of memory are read once, several neighbours at a time, and written whole.
    let mut tile = [[0.0; WIDTH]; HEIGHT];
    for (block, out) in out.chunks_mut(WIDTH * rows).enumerate() {
        let (first, width) = (block * WIDTH, out.len() / rows);
        if width < NARROW {
            for (column, out) in out.chunks_exact_mut(rows).enumerate() {
                for (out, row) in out.iter_mut().zip(x.chunks_exact(columns)) {
                    out.write(row[first + column]);
                }
            }
            continue;
        }
        for start in (0..rows).step_by(HEIGHT) {
            let height = HEIGHT.min(rows - start);
            for (index, tile) in tile[..height].iter_mut().enumerate() {
                tile[..width].copy_from_slice(&x[(start + index) * columns + first..][..width]);
            }
            for (column, out) in out.chunks_exact_mut(rows).enumerate() {
                let out = &mut out[start..start + height];
                for (out, tile) in out.iter_mut().zip(&tile) {
                    out.write(tile[column]);
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
            [(1, 1, 1), (2, 3, 50), (3, 17, 16), (2, 64, 49), (1, 100, 33), (1, 67, 20), (2, 5, 0)]
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
