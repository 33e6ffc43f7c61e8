//! Tiles of maps, to their points and back, over vectors of channels.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::ops::Range;

use pulp::{Scalar, Simd, WithSimd};

use super::points::{self, OUTPUTS, POINTS};
use crate::simd::{Level, load, run_on};

/// Points of a tile.
pub(super) const AREA: usize = POINTS * POINTS;
/// Values of a line of the cache: vectors that lie across two lines take twice as long.
pub(super) const LINE: usize = 16;

/// `len` of these values, of which there must be [`LINE`] more, from the first of a line of the cache on.
pub(super) fn aligned(values: &mut [f32], len: usize) -> &mut [f32] {
    let start = values.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
    &mut values[start..start + len]
}

/// The tiles of a batch of maps, each of 4 x 4 pixels; the last of a row or column may overhang.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Tiles of a map.
    pub(super) down: usize,
    pub(super) across: usize,
    /// Rows of tiles of all maps.
    pub(super) rows: usize,
}

impl Grid {
    pub(super) fn new(batch: usize, height: usize, width: usize) -> Self {
        let down = height.div_ceil(OUTPUTS);
        Self { down, across: width.div_ceil(OUTPUTS), rows: batch * down }
    }

    /// The row of pixels at which a row of tiles begins; rows of all maps, of `height` each, are counted on.
    pub(super) fn pixel_row(&self, row: usize, height: usize) -> usize {
        row / self.down * height + row % self.down * OUTPUTS
    }
}

/// Where the points of some tiles lie: point by point, tile by tile, channel by channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) tiles: usize,
    pub(super) channels: usize,
}

impl Block {
    /// Values from one tile to the next: an odd number of lines, so that those of neighbouring tiles do not fall into the
    /// same few sets of the first cache.
    pub(super) fn tile(&self) -> usize {
        (self.channels.div_ceil(LINE) | 1) * LINE
    }

    /// Values from one point to the next; for the same reason there is a line between them.
    pub(super) fn point(&self) -> usize {
        self.tiles * self.tile() + LINE
    }

    /// Values of all points.
    pub(super) fn len(&self) -> usize {
        AREA * self.point()
    }
}

/// The points of some rows of tiles, in blocks of rows.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    rows: Range<usize>,
    /// Rows of tiles of a block; the last may have fewer.
    step: usize,
    pub(super) block: Block,
}

impl Blocks {
    pub(super) fn new(grid: Grid, rows: Range<usize>, step: usize, channels: usize) -> Self {
        Self { rows, step, block: Block { tiles: step * grid.across, channels } }
    }

    /// Values of all blocks.
    pub(super) fn len(&self) -> usize {
        self.rows.len().div_ceil(self.step) * self.block.len()
    }

    /// The rows of a block.
    pub(super) fn rows(&self, index: usize) -> Range<usize> {
        let start = self.rows.start + index * self.step;
        start..(start + self.step).min(self.rows.end)
    }

    /// Where each tile begins, from the first value of a point on.
    pub(super) fn bases(&self, tiles: usize) -> Vec<usize> {
        let block = self.block;
        (0..tiles).map(|tile| tile / block.tiles * block.len() + tile % block.tiles * block.tile()).collect()
    }
}

/// Maps that are cut into tiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maps<'a> {
    pub(super) values: &'a [f32],
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Rows and columns of zeros before the first.
    pub(super) padding: (usize, usize),
    /// As many as there are channels.
    pub(super) zeros: &'a [f32],
}

impl<'a> Maps<'a> {
    /// The `N` x `N` pixels of a tile; zeros outside the map.
    #[inline(always)]
    fn pixels<const N: usize>(
        &self,
        grid: Grid,
        row: usize,
        across: usize,
        pixels: &mut [[&'a [f32]; N]; N],
    ) {
        let (image, down) = (row / grid.down, row % grid.down);
        for (i, pixels) in pixels.iter_mut().enumerate() {
            *pixels = [self.zeros; N];
            let y = (down * OUTPUTS + i).wrapping_sub(self.padding.0);
            if y >= self.height {
                continue;
            }
            let start = (image * self.height + y) * self.width;
            for (j, pixel) in pixels.iter_mut().enumerate() {
                let x = (across * OUTPUTS + j).wrapping_sub(self.padding.1);
                if x < self.width {
                    *pixel = &self.values[(start + x) * self.channels..][..self.channels];
                }
            }
        }
    }
}

/// How `N` values become points.
pub(super) trait Along<const N: usize> {
    fn points<S: Simd>(simd: S, values: [S::f32s; N]) -> [S::f32s; POINTS];
}

/// Overlapping tiles of what a window slides over.
pub(super) struct Input;

impl Along<POINTS> for Input {
    #[inline(always)]
    fn points<S: Simd>(simd: S, values: [S::f32s; POINTS]) -> [S::f32s; POINTS] {
        points::input(simd, values)
    }
}

/// Gradients of outputs, for the gradient of the window.
pub(super) struct OutputGradient;

impl Along<OUTPUTS> for OutputGradient {
    #[inline(always)]
    fn points<S: Simd>(simd: S, values: [S::f32s; OUTPUTS]) -> [S::f32s; POINTS] {
        points::output_gradient(simd, values)
    }
}

/// The points of the tiles of `rows`, laid out as `block` says, which may have room for more.
pub(super) fn to_points<const N: usize, A: Along<N>>(
    level: Level,
    _along: A,
    maps: Maps<'_>,
    grid: Grid,
    rows: Range<usize>,
    block: Block,
    out: &mut [f32],
) {
    assert_eq!(block.channels, maps.channels);
    assert_eq!(block.channels, maps.zeros.len());
    assert!(rows.len() * grid.across <= block.tiles);
    assert!(block.len() <= out.len());
    run_on(level, ToPoints::<N, A> { maps, grid, rows, block, out, along: std::marker::PhantomData });
}

struct ToPoints<'a, const N: usize, A> {
    maps: Maps<'a>,
    grid: Grid,
    rows: Range<usize>,
    block: Block,
    out: &'a mut [f32],
    along: std::marker::PhantomData<A>,
}

impl<const N: usize, A: Along<N>> WithSimd for ToPoints<'_, N, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.maps.channels < S::F32_LANES { self.run(Scalar) } else { self.run(simd) }
    }
}

impl<const N: usize, A: Along<N>> ToPoints<'_, N, A> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let channels = self.maps.channels;
        let mut start = 0;
        let mut pixels = [[self.maps.zeros; N]; N];
        for row in self.rows.clone() {
            for across in 0..self.grid.across {
                self.maps.pixels(self.grid, row, across, &mut pixels);
                let mut channel = 0;
                loop {
                    // SAFETY: each pixel has all channels, and `channel + F32_LANES <= channels`; `to_points` has checked
                    // that `out` has all points of all tiles.
                    #[expect(unsafe_code, reason = "a bounds check for each vector")]
                    unsafe {
                        self.tile(simd, &pixels, channel, start + channel);
                    }
                    if channel + S::F32_LANES >= channels {
                        break;
                    }
                    // The last vector may do some channels again.
                    channel = (channel + S::F32_LANES).min(channels - S::F32_LANES);
                }
                start += self.block.tile();
            }
        }
    }

    /// # Safety
    /// Each pixel has a vector at `channel`, and each point of `out` one at `start`.
    #[expect(unsafe_code, reason = "a bounds check for each vector would cost as much as the arithmetic")]
    #[inline(always)]
    unsafe fn tile<S: Simd>(&mut self, simd: S, pixels: &[[&[f32]; N]; N], channel: usize, start: usize) {
        let zero = simd.splat_f32s(0.0);
        let mut half = [[zero; POINTS]; N];
        for (j, half) in half.iter_mut().enumerate() {
            let mut column = [zero; N];
            for (value, row) in column.iter_mut().zip(pixels) {
                // SAFETY: as the caller promises.
                *value = unsafe { load(simd, row[j], channel) };
                if j + OUTPUTS >= N {
                    // A pixel of the next tile.
                    prefetch(row[j].as_ptr().wrapping_add(OUTPUTS * self.maps.channels + channel));
                }
            }
            *half = A::points(simd, column);
        }
        let stride = self.block.point();
        let mut out = self.out[start..].as_mut_ptr();
        for i in 0..POINTS {
            let mut row = [zero; N];
            for (value, half) in row.iter_mut().zip(&half) {
                *value = half[i];
            }
            for value in A::points(simd, row) {
                // SAFETY: as the caller promises; the pointer moves on to the same place of the next point.
                unsafe {
                    out.cast::<S::f32s>().write_unaligned(value);
                    out = out.wrapping_add(stride);
                }
            }
        }
    }
}

/// Begins to load a line that will soon be needed; any address will do.
#[inline(always)]
fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing that the program sees.
        #[expect(unsafe_code, reason = "a hint to the processor")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(at.cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
