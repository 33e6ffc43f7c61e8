//! Tiles of outputs from their points, over vectors of channels.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Scalar, Simd, WithSimd};

use super::points::{self, OUTPUTS, POINTS};
use super::tiles::{Block, Grid};
use crate::simd::{Level, load, run_on};

/// Maps that tiles are put together to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outputs {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

/// Writes some channels of the pixels of the tiles of `rows`. Of the tiles that `points` has, laid out as `block` says,
/// that of the first pixel is number `first`; `out` begins with the first pixel of `rows`, and of its channels those from
/// `channel` on are written, as many as `block` has.
pub(super) struct FromPoints<'a> {
    pub(super) points: &'a [f32],
    pub(super) block: Block,
    pub(super) first: usize,
    pub(super) grid: Grid,
    pub(super) outputs: Outputs,
    pub(super) channel: usize,
    pub(super) rows: Range<usize>,
    pub(super) out: &'a mut [MaybeUninit<f32>],
}

impl FromPoints<'_> {
    pub(super) fn run_on(self, level: Level) {
        assert!(self.first + self.rows.len() * self.grid.across <= self.block.tiles);
        assert!(self.block.len() <= self.points.len());
        assert!(self.channel + self.block.channels <= self.outputs.channels);
        run_on(level, self);
    }
}

impl WithSimd for FromPoints<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.block.channels < S::F32_LANES { self.run(Scalar) } else { self.run(simd) }
    }
}

impl FromPoints<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { points, block, first, grid, outputs, channel: first_channel, rows, out } = self;
        let Outputs { height, width, channels: column } = outputs;
        let first_row = grid.pixel_row(rows.start, height);
        for row in rows.clone() {
            let down = OUTPUTS.min(height - row % grid.down * OUTPUTS);
            for across in 0..grid.across {
                let tile = first + (row - rows.start) * grid.across + across;
                let points = &points[tile * block.tile()..];
                let across = across * OUTPUTS;
                let pixels =
                    Pixels { down, across: OUTPUTS.min(width - across), row: width * column, column };
                let at =
                    ((grid.pixel_row(row, height) - first_row) * width + across) * column + first_channel;
                let out = &mut out[at..];
                let last = (pixels.down - 1) * pixels.row + (pixels.across - 1) * pixels.column;
                assert!(last + block.channels <= out.len());
                let mut channel = 0;
                loop {
                    // SAFETY: `channel + F32_LANES <= block.channels`, which each pixel that exists has (just checked) and
                    // each point (`points` has all of `block`, as `run_on` has checked).
                    #[expect(unsafe_code, reason = "a bounds check for each vector")]
                    unsafe {
                        tile_from_points(
                            simd,
                            &points[channel..],
                            block.point(),
                            &mut out[channel..],
                            pixels,
                        );
                    }
                    if channel + S::F32_LANES >= block.channels {
                        break;
                    }
                    // The last vector may do some channels again.
                    channel = (channel + S::F32_LANES).min(block.channels - S::F32_LANES);
                }
            }
        }
    }
}

/// The pixels of a tile that exist, and the values from one to the next.
#[derive(Clone, Copy)]
struct Pixels {
    down: usize,
    across: usize,
    row: usize,
    column: usize,
}

/// # Safety
/// A vector can be read at each of the points, `stride` apart, and written to each pixel.
#[expect(unsafe_code, reason = "a bounds check for each vector would cost as much as the arithmetic")]
#[inline(always)]
unsafe fn tile_from_points<S: Simd>(
    simd: S,
    points: &[f32],
    stride: usize,
    out: &mut [MaybeUninit<f32>],
    pixels: Pixels,
) {
    let zero = simd.splat_f32s(0.0);
    let mut half = [[zero; OUTPUTS]; POINTS];
    for (j, half) in half.iter_mut().enumerate() {
        let mut column = [zero; POINTS];
        for (i, value) in column.iter_mut().enumerate() {
            // SAFETY: as the caller promises.
            *value = unsafe { load(simd, points, (i * POINTS + j) * stride) };
        }
        *half = points::output(simd, column);
    }
    let out = out.as_mut_ptr();
    for i in 0..pixels.down {
        let mut row = [zero; POINTS];
        for (value, half) in row.iter_mut().zip(&half) {
            *value = half[i];
        }
        let row = points::output(simd, row);
        for (j, &value) in row[..pixels.across].iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { out.add(i * pixels.row + j * pixels.column).cast::<S::f32s>().write_unaligned(value) };
        }
    }
}
