//! Windows to their points, packed for the product, and gradients of windows from those of their points.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use pulp::{Scalar, Simd, WithSimd};

use super::points::{self, FACTORS, POINTS, TAPS};
use super::tiles::{AREA, LINE};
use crate::gemm::{PackedBlock, PackedLayout};
use crate::parallel::for_each;
use crate::scratch::with_scratch;
use crate::simd::{Level, MAX_LANES, load, run_on};

/// Taps of a window.
pub(super) const WINDOW: usize = TAPS * TAPS;
/// Rows whose windows are collected at once.
const ROWS: usize = 16;
/// Which windows a product multiplies with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Windows {
    /// Those of the weights, from input to output channels.
    Forward,
    /// The same turned half around, from output to input channels.
    Turned,
}

/// The windows of a convolution as the right operands of products.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights<'a> {
    /// (output channels, input channels, 3, 3)
    weight: &'a [f32],
    windows: Windows,
    /// Rows of the operands: channels that are summed over.
    k: usize,
    /// Weights from one row to the next, and from one column to the next.
    steps: (usize, usize),
}

/// Neighbouring columns, packed: one matrix for each point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pub(super) first: usize,
    pub(super) columns: usize,
    width: usize,
    k: usize,
    /// Where its points begin, and how far the points of all panels reach.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Panel {
    pub(super) fn layout(&self) -> PackedLayout {
        PackedLayout::new(self.k, self.columns)
    }

    /// Values from one point to the next.
    fn point(&self) -> usize {
        self.k * self.width + LINE
    }

    /// The matrix of a point.
    pub(super) fn at<'a>(&self, points: &'a [f32], point: usize) -> &'a [f32] {
        &points[point * self.point()..][..self.k * self.width]
    }

    /// Values of all points.
    pub(super) fn len(&self) -> usize {
        AREA * self.point()
    }
}

impl<'a> Weights<'a> {
    pub(super) fn new(weight: &'a [f32], windows: Windows, channels_in: usize, channels_out: usize) -> Self {
        assert_eq!(weight.len(), channels_in * channels_out * WINDOW);
        let (k, steps) = match windows {
            Windows::Forward => (channels_in, (WINDOW, channels_in * WINDOW)),
            Windows::Turned => (channels_out, (channels_in * WINDOW, WINDOW)),
        };
        Self { weight, windows, k, steps }
    }

    /// `columns` cut into panels of one block each.
    pub(super) fn panels(&self, columns: usize) -> Vec<Panel> {
        let mut end = 0;
        let blocks = PackedLayout::new(self.k, columns).blocks();
        blocks
            .map(|PackedBlock { first, columns, width, .. }| {
                let mut panel = Panel { first, columns, width, k: self.k, start: end, end };
                end += panel.len();
                panel.end = end;
                panel
            })
            .collect()
    }

    /// Packs one panel.
    pub(super) fn pack(&self, level: Level, panel: Panel, points: &mut [f32]) {
        let strips = self.k.div_ceil(ROWS);
        let mut jobs: Vec<(usize, Vec<&mut [f32]>)> =
            (0..strips).map(|strip| (strip * ROWS, Vec::with_capacity(AREA))).collect();
        for point in points.chunks_mut(panel.point()).take(AREA) {
            for (job, rows) in
                jobs.iter_mut().zip(point[..self.k * panel.width].chunks_mut(ROWS * panel.width))
            {
                job.1.push(rows);
            }
        }
        let step = ROWS * panel.width + LINE;
        let work = |(k, points)| {
            with_scratch(WINDOW * step, |taps| {
                run_on(level, Pack { weights: *self, panel, k, points, taps, step });
            });
        };
        for_each(jobs, work);
    }
}

struct Pack<'a> {
    weights: Weights<'a>,
    panel: Panel,
    /// The first row.
    k: usize,
    /// The same rows of each point.
    points: Vec<&'a mut [f32]>,
    /// Room for the rows of each tap, `step` apart.
    taps: &'a mut [f32],
    step: usize,
}

impl WithSimd for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.panel.width.is_multiple_of(S::F32_LANES) { self.run(simd) } else { self.run(Scalar) }
    }
}

impl Pack<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let len = self.points[0].len();
        assert!(self.points.len() == AREA && self.points.iter().all(|points| points.len() == len));
        let step = self.step;
        assert!((WINDOW - 1) * step + len <= self.taps.len());
        self.collect();
        for at in (0..len).step_by(S::F32_LANES) {
            // SAFETY: `at` is within the rows, which are whole vectors (checked by `with_simd`); each point and each tap has
            // as many (checked above).
            #[expect(unsafe_code, reason = "a bounds check for each vector")]
            unsafe {
                window_to_points(simd, &self.taps[at..], step, &mut self.points, at);
            }
        }
    }

    /// Tap by tap, row by row: the windows of neighbouring columns; zeros where there are none.
    #[inline(always)]
    fn collect(&mut self) {
        let step = self.step;
        let taps = &mut *self.taps;
        let Panel { first, columns, width, .. } = self.panel;
        let Weights { weight, windows, steps, .. } = self.weights;
        let rows = self.points[0].len() / width;
        if columns < width {
            taps.fill(0.0);
        }
        for column in 0..columns {
            for row in 0..rows {
                let at = (self.k + row) * steps.0 + (first + column) * steps.1;
                let window = &weight[at..at + WINDOW];
                let taps = &mut taps[row * width + column..][..=(WINDOW - 1) * step];
                for (tap, &value) in window.iter().enumerate() {
                    let tap = match windows {
                        Windows::Forward => tap,
                        Windows::Turned => WINDOW - 1 - tap,
                    };
                    taps[tap * step] = value;
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
/// A vector can be read at each tap, `step` apart, and written to each point at `at`.
#[expect(unsafe_code, reason = "a bounds check for each vector would cost as much as the arithmetic")]
#[inline(always)]
unsafe fn window_to_points<S: Simd>(simd: S, taps: &[f32], step: usize, out: &mut [&mut [f32]], at: usize) {
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
    for (i, out) in out.chunks_exact_mut(POINTS).enumerate() {
        let row = points::window(simd, [half[0][i], half[1][i], half[2][i]]);
        for (j, (out, &value)) in out.iter_mut().zip(&row).enumerate() {
            let value = simd.mul_f32s(simd.splat_f32s(factor(i * POINTS + j)), value);
            // SAFETY: as the caller promises.
            unsafe { out.as_mut_ptr().add(at).cast::<S::f32s>().write_unaligned(value) };
        }
    }
}

/// Gradients of windows from those of their points.
pub(super) struct FromPoints<'a> {
    /// For each point, `step` apart: (input channels, `columns`).
    pub(super) points: &'a [f32],
    pub(super) step: usize,
    pub(super) columns: usize,
    /// The first of the columns to be read, for the first of `out`.
    pub(super) first: usize,
    /// For each output channel: (input channels, 3, 3).
    pub(super) out: Vec<&'a mut [f32]>,
}

impl FromPoints<'_> {
    pub(super) fn run_on(self, level: Level) {
        let len = self.out.first().map_or(0, |out| out.len());
        assert!(self.out.iter().all(|out| out.len() == len));
        assert!(self.first + self.out.len() <= self.columns);
        assert!((AREA - 1) * self.step + len / WINDOW * self.columns <= self.points.len());
        run_on(level, self);
    }
}

impl WithSimd for FromPoints<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.out.len().is_multiple_of(S::F32_LANES) { self.run(simd) } else { self.run(Scalar) }
    }
}

impl FromPoints<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        let mut lanes = [[0.0; MAX_LANES]; WINDOW];
        for (strip, out) in self.out.chunks_exact_mut(S::F32_LANES).enumerate() {
            for channel in 0..out[0].len() / WINDOW {
                let at = channel * self.columns + self.first + strip * S::F32_LANES;
                let mut taps = [[zero; TAPS]; TAPS];
                // SAFETY: the column, and as many after it as there are lanes, is one of `columns`, and each point has all
                // of these for each channel, as `run_on` has checked.
                #[expect(unsafe_code, reason = "a bounds check for each vector")]
                unsafe {
                    window_from_points(simd, &self.points[at..], self.step, &mut taps);
                }
                for (lanes, &value) in lanes.iter_mut().zip(taps.as_flattened()) {
                    S::as_mut_simd_f32s(lanes).0[0] = value;
                }
                for (lane, out) in out.iter_mut().enumerate() {
                    for (out, lanes) in out[channel * WINDOW..][..WINDOW].iter_mut().zip(&lanes) {
                        *out = lanes[lane];
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
