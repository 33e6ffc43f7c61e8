//! Tiles of maps, to their points and back, over vectors of channels.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Scalar, Simd, WithSimd};

use super::points::{self, OUTPUTS, POINTS};
use crate::simd::{Level, load, run_on};

/// Points of a tile.
pub(super) const AREA: usize = POINTS * POINTS;
/// Values between the points of a block: without them, points would often lie a multiple of 4096 bytes apart, all of a
/// tile in the same set of the first cache.
const GAP: usize = 16;

/// Values of a line of the cache: vectors that lie across two lines take twice as long.
pub(super) const ALIGNMENT: usize = 16;

/// `len` of these values, of which there must be [`ALIGNMENT`] more, from the first of a line of the cache on.
pub(super) fn aligned(values: &mut [f32], len: usize) -> &mut [f32] {
    let start = values.as_ptr().align_offset(ALIGNMENT * size_of::<f32>()).min(ALIGNMENT);
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
    /// Values from one point to the next.
    pub(super) fn stride(&self) -> usize {
        self.tiles * self.channels + GAP
    }

    /// Values of all points.
    pub(super) fn len(&self) -> usize {
        AREA * self.stride()
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
    fn pixels<const N: usize>(&self, grid: Grid, row: usize, across: usize) -> [[&'a [f32]; N]; N] {
        let (image, down) = (row / grid.down, row % grid.down);
        let mut pixels = [[self.zeros; N]; N];
        for (i, pixels) in pixels.iter_mut().enumerate() {
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
        pixels
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
        for row in self.rows.clone() {
            for across in 0..self.grid.across {
                let pixels = self.maps.pixels::<N>(self.grid, row, across);
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
                start += channels;
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
            }
            *half = A::points(simd, column);
        }
        let stride = self.block.stride();
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

/// Where points of outputs lie: blocks of points for some channels after each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panels {
    /// All channels.
    pub(super) channels: usize,
    /// Channels of a panel; the last may have fewer.
    pub(super) width: usize,
}

impl Panels {
    /// Channels of a panel, at most: as many as make whole blocks of the product on every instruction set.
    const WIDEST: usize = 64;

    pub(super) fn new(channels: usize) -> Self {
        let panels = channels.div_ceil(Self::WIDEST).max(1);
        Self { channels, width: channels.div_ceil(panels).next_multiple_of(16).min(channels) }
    }

    pub(super) fn count(&self) -> usize {
        self.channels.div_ceil(self.width.max(1))
    }

    /// The channels of a panel.
    pub(super) fn channels(&self, panel: usize) -> Range<usize> {
        panel * self.width..((panel + 1) * self.width).min(self.channels)
    }

    /// The points of one panel.
    pub(super) fn block(&self, tiles: usize) -> Block {
        Block { tiles, channels: self.width }
    }
}

/// Maps that tiles are put together to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outputs {
    pub(super) height: usize,
    pub(super) width: usize,
}

/// The pixels of the tiles of `rows` from their points: `tiles` are those that `points` has, of which the first of `rows`
/// is number `first`; `out` begins with the first pixel of `rows`.
#[expect(clippy::too_many_arguments, reason = "two layouts and two places")]
pub(super) fn from_points(
    level: Level,
    points: &[f32],
    panels: Panels,
    tiles: usize,
    first: usize,
    grid: Grid,
    outputs: Outputs,
    rows: Range<usize>,
    out: &mut [MaybeUninit<f32>],
) {
    assert!(first + rows.len() * grid.across <= tiles);
    assert!(panels.count() * panels.block(tiles).len() <= points.len());
    run_on(level, FromPoints { points, panels, tiles, first, grid, outputs, rows, out });
}

struct FromPoints<'a> {
    points: &'a [f32],
    panels: Panels,
    tiles: usize,
    first: usize,
    grid: Grid,
    outputs: Outputs,
    rows: Range<usize>,
    out: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for FromPoints<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for panel in 0..self.panels.count() {
            if self.panels.channels(panel).len() < S::F32_LANES {
                self.panel(Scalar, panel);
            } else {
                self.panel(simd, panel);
            }
        }
    }
}

impl FromPoints<'_> {
    #[inline(always)]
    fn panel<S: Simd>(&mut self, simd: S, panel: usize) {
        let Outputs { height, width } = self.outputs;
        let (grid, panels) = (self.grid, self.panels);
        let (block, channels) = (panels.block(self.tiles), panels.channels(panel));
        let first_row = grid.pixel_row(self.rows.start, height);
        for row in self.rows.clone() {
            let y = grid.pixel_row(row, height);
            let existing = OUTPUTS.min(height - row % grid.down * OUTPUTS);
            for across in 0..grid.across {
                let tile = self.first + (row - self.rows.start) * grid.across + across;
                let points = &self.points[panel * block.len()..][..block.len()];
                let points = &points[tile * block.channels..];
                let pixels = Pixels {
                    rows: existing,
                    columns: OUTPUTS.min(width - across * OUTPUTS),
                    row: width * panels.channels,
                    column: panels.channels,
                };
                let at = ((y - first_row) * width + across * OUTPUTS) * panels.channels + channels.start;
                let out = &mut self.out[at..];
                assert!(
                    (pixels.rows - 1) * pixels.row + (pixels.columns - 1) * pixels.column + channels.len()
                        <= out.len()
                );
                let mut channel = 0;
                loop {
                    // SAFETY: `channel + F32_LANES` is no more than the channels of this panel, which each pixel that
                    // exists has (checked above), and each point (a block has all of its points).
                    #[expect(unsafe_code, reason = "a bounds check for each vector")]
                    unsafe {
                        tile_from_points(
                            simd,
                            &points[channel..],
                            block.stride(),
                            &mut out[channel..],
                            pixels,
                        );
                    }
                    if channel + S::F32_LANES >= channels.len() {
                        break;
                    }
                    channel = (channel + S::F32_LANES).min(channels.len() - S::F32_LANES);
                }
            }
        }
    }
}

/// The pixels of a tile that exist, and the values from one to the next.
#[derive(Clone, Copy, Debug)]
struct Pixels {
    rows: usize,
    columns: usize,
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
    for i in 0..pixels.rows {
        let mut row = [zero; POINTS];
        for (value, half) in row.iter_mut().zip(&half) {
            *value = half[i];
        }
        let row = points::output(simd, row);
        for (j, &value) in row[..pixels.columns].iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { out.add(i * pixels.row + j * pixels.column).cast::<S::f32s>().write_unaligned(value) };
        }
    }
}
