//! Windows to their points, packed for the product, and gradients of windows from those of their points.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use pulp::{Scalar, Simd, WithSimd};

use super::points::{self, FACTORS, POINTS, TAPS};
use super::tiles::{ALIGNMENT, AREA, Panels, aligned};
use crate::gemm::{PackedBlock, PackedLayout};
use crate::parallel::for_each;
use crate::simd::{Level, MAX_LANES, load, run_on};

/// Taps of a window.
const WINDOW: usize = TAPS * TAPS;
/// Rows whose windows are collected at once.
const ROWS: usize = 16;
/// Values between the packed matrices of two points, against points that lie a multiple of 4096 bytes apart.
const GAP: usize = 16;

/// Which windows a product multiplies with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Windows {
    /// Those of the weights, from input to output channels.
    Forward,
    /// The same turned half around, from output to input channels.
    Turned,
}

/// The windows of a convolution at their points: for each panel of columns and each point a packed matrix.
#[derive(Debug)]
pub(super) struct Weights {
    values: Vec<f32>,
    panels: Vec<Panel>,
}

#[derive(Clone, Copy, Debug)]
struct Panel {
    layout: PackedLayout,
    start: usize,
}

impl Weights {
    /// From `weight` of (output channels, input channels, 3, 3).
    pub(super) fn new(
        level: Level,
        windows: Windows,
        weight: &[f32],
        channels_in: usize,
        channels_out: usize,
        panels: Panels,
    ) -> Self {
        assert_eq!(weight.len(), channels_in * channels_out * WINDOW);
        let (k, steps) = match windows {
            Windows::Forward => (channels_in, (WINDOW, channels_in * WINDOW)),
            Windows::Turned => (channels_out, (channels_in * WINDOW, WINDOW)),
        };
        let mut places = Vec::with_capacity(panels.count());
        let mut len = 0;
        for panel in 0..panels.count() {
            let layout = PackedLayout::new(k, panels.channels(panel).len());
            places.push(Panel { layout, start: len });
            len += AREA * (layout.len() + GAP);
        }
        let mut values = vec![0.0; len + ALIGNMENT];
        let mut rest = aligned(&mut values, len);
        let mut work = Vec::with_capacity(places.len());
        for (panel, place) in places.iter().enumerate() {
            let (out, after) = rest.split_at_mut(AREA * (place.layout.len() + GAP));
            rest = after;
            work.push((panels.channels(panel).start, place.layout, out));
        }
        for_each(work, |(first, layout, out)| {
            for block in layout.blocks() {
                let source = Source { weight, windows, steps, first: first + block.first };
                run_on(level, Pack { source, k, block, stride: layout.len() + GAP, out: &mut *out });
            }
        });
        let start = values.as_ptr().align_offset(ALIGNMENT * size_of::<f32>());
        places.iter_mut().for_each(|place| place.start += start);
        Self { values, panels: places }
    }

    /// The packed matrix of a point.
    pub(super) fn at(&self, panel: usize, point: usize) -> (PackedLayout, &[f32]) {
        let Panel { layout, start } = self.panels[panel];
        (layout, &self.values[start + point * (layout.len() + GAP)..][..layout.len()])
    }
}

/// The windows of some columns.
struct Source<'a> {
    weight: &'a [f32],
    windows: Windows,
    /// Weights from one row to the next, and from one column to the next.
    steps: (usize, usize),
    /// The first column.
    first: usize,
}

impl Source<'_> {
    /// Tap by tap, row by row: the windows of neighbouring columns of the rows from `k` on.
    #[inline(always)]
    fn collect(&self, k: usize, rows: usize, block: PackedBlock, out: &mut [f32]) {
        for column in 0..block.columns {
            for row in 0..rows {
                let at = (k + row) * self.steps.0 + (self.first + column) * self.steps.1;
                let window = &self.weight[at..at + WINDOW];
                for (tap, &value) in window.iter().enumerate() {
                    let tap = match self.windows {
                        Windows::Forward => tap,
                        Windows::Turned => WINDOW - 1 - tap,
                    };
                    out[(tap * ROWS + row) * block.width + column] = value;
                }
            }
        }
    }
}

struct Pack<'a> {
    source: Source<'a>,
    k: usize,
    block: PackedBlock,
    /// Values from one point to the next.
    stride: usize,
    out: &'a mut [f32],
}

impl WithSimd for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.block.width.is_multiple_of(S::F32_LANES) { self.run(simd) } else { self.run(Scalar) }
    }
}

impl Pack<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let width = self.block.width;
        let mut taps = vec![0.0; WINDOW * ROWS * width];
        for k in (0..self.k).step_by(ROWS) {
            let rows = ROWS.min(self.k - k);
            self.source.collect(k, rows, self.block, &mut taps);
            for row in 0..rows {
                for column in (0..width).step_by(S::F32_LANES) {
                    let from = &taps[row * width + column..];
                    let at = self.block.start + (k + row) * width + column;
                    assert!(at + (AREA - 1) * self.stride + S::F32_LANES <= self.out.len());
                    assert!((WINDOW - 1) * ROWS * width + S::F32_LANES <= from.len());
                    // SAFETY: just checked.
                    #[expect(unsafe_code, reason = "a bounds check for each vector")]
                    unsafe {
                        window_to_points(simd, from, ROWS * width, self.out[at..].as_mut_ptr(), self.stride);
                    }
                }
            }
        }
    }
}

/// One over what the transforms of two directions lack.
fn factor(point: usize) -> f32 {
    (FACTORS[point / POINTS] * FACTORS[point % POINTS]) as f32
}

/// # Safety
/// A vector can be read at each tap, `step` apart, and written to each point, `stride` apart.
#[expect(unsafe_code, reason = "a bounds check for each vector would cost as much as the arithmetic")]
#[inline(always)]
unsafe fn window_to_points<S: Simd>(simd: S, taps: &[f32], step: usize, out: *mut f32, stride: usize) {
    let zero = simd.splat_f32s(0.0);
    let mut half = [[zero; POINTS]; TAPS];
    for (j, half) in half.iter_mut().enumerate() {
        let mut column = [zero; TAPS];
        for (i, value) in column.iter_mut().enumerate() {
            // SAFETY: as the caller promises.
            *value = unsafe { load(simd, taps, (i * TAPS + j) * step) };
        }
        *half = points::window(simd, column);
    }
    for i in 0..POINTS {
        let row = points::window(simd, [half[0][i], half[1][i], half[2][i]]);
        for (j, &value) in row.iter().enumerate() {
            let point = i * POINTS + j;
            let value = simd.mul_f32s(simd.splat_f32s(factor(point)), value);
            // SAFETY: as the caller promises.
            unsafe { out.add(point * stride).cast::<S::f32s>().write_unaligned(value) };
        }
    }
}

/// The gradient of the weights, (output channels, input channels, 3, 3), from that of their points: for each point,
/// `stride` apart, (input channels, output channels).
pub(super) fn from_points(
    level: Level,
    points: &[f32],
    stride: usize,
    channels_in: usize,
    channels_out: usize,
) -> Vec<f32> {
    assert!((AREA - 1) * stride + channels_in * channels_out <= points.len());
    let mut gradient = vec![0.0; channels_in * channels_out * WINDOW];
    let strips = gradient.chunks_mut((MAX_LANES * channels_in * WINDOW).max(1)).enumerate().collect();
    for_each(strips, |(strip, out): (usize, &mut [f32])| {
        run_on(level, Unpack { points, stride, channels_in, channels_out, first: strip * MAX_LANES, out });
    });
    gradient
}

struct Unpack<'a> {
    points: &'a [f32],
    stride: usize,
    channels_in: usize,
    channels_out: usize,
    /// The first output channel of `out`.
    first: usize,
    out: &'a mut [f32],
}

impl WithSimd for Unpack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let columns = self.out.len() / (self.channels_in * WINDOW);
        if columns.is_multiple_of(S::F32_LANES) { self.run(simd) } else { self.run(Scalar) }
    }
}

impl Unpack<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let row = self.channels_in * WINDOW;
        let columns = self.out.len() / row;
        let zero = simd.splat_f32s(0.0);
        for channel in 0..self.channels_in {
            for column in (0..columns).step_by(S::F32_LANES) {
                let from = &self.points[channel * self.channels_out + self.first + column..];
                assert!((AREA - 1) * self.stride + S::F32_LANES <= from.len());
                let mut taps = [[zero; TAPS]; TAPS];
                // SAFETY: just checked.
                #[expect(unsafe_code, reason = "a bounds check for each vector")]
                unsafe {
                    window_from_points(simd, from, self.stride, &mut taps);
                }
                for (tap, &value) in taps.as_flattened().iter().enumerate() {
                    let mut lanes = [0.0; MAX_LANES];
                    S::as_mut_simd_f32s(&mut lanes).0[0] = value;
                    for (lane, &value) in lanes[..S::F32_LANES].iter().enumerate() {
                        self.out[(column + lane) * row + channel * WINDOW + tap] = value;
                    }
                }
            }
        }
    }
}

/// # Safety
/// A vector can be read at each point, `stride` apart.
#[expect(unsafe_code, reason = "a bounds check for each vector would cost as much as the arithmetic")]
#[inline(always)]
unsafe fn window_from_points<S: Simd>(
    simd: S,
    points: &[f32],
    stride: usize,
    taps: &mut [[S::f32s; TAPS]; TAPS],
) {
    let zero = simd.splat_f32s(0.0);
    let mut half = [[zero; TAPS]; POINTS];
    for (j, half) in half.iter_mut().enumerate() {
        let mut column = [zero; POINTS];
        for (i, value) in column.iter_mut().enumerate() {
            let point = i * POINTS + j;
            // SAFETY: as the caller promises.
            let value_here = unsafe { load(simd, points, point * stride) };
            *value = simd.mul_f32s(simd.splat_f32s(factor(point)), value_here);
        }
        *half = points::window_gradient(simd, column);
    }
    for (i, taps) in taps.iter_mut().enumerate() {
        let mut row = [zero; POINTS];
        for (value, half) in row.iter_mut().zip(&half) {
            *value = half[i];
        }
        *taps = points::window_gradient(simd, row);
    }
}
