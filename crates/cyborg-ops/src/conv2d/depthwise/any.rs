//! Windows of any size, stride, padding and dilation.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::ops::Range;

use pulp::Simd;

use super::{Gather, Plane, Weigh, store};
use crate::conv2d::geometry::Axis;
use crate::simd::load;

/// For each place of the target, in one direction: the taps that hit a cell of the source, and which.
pub(super) struct Line {
    /// (tap, cell), all places one after the other.
    hits: Vec<(usize, usize)>,
    /// Where those of each place begin.
    starts: Vec<usize>,
    taps: usize,
}

impl Line {
    fn new(axis: Axis, places: usize, hit: impl Fn(usize, usize) -> Option<usize>) -> Self {
        let mut line = Self { hits: Vec::new(), starts: vec![0], taps: axis.kernel };
        for place in 0..places {
            line.hits.extend((0..axis.kernel).filter_map(|tap| Some((tap, hit(place, tap)?))));
            line.starts.push(line.hits.len());
        }
        line
    }

    /// The cells of the input under each window.
    pub(super) fn of_output(axis: Axis) -> Self {
        Self::new(axis, axis.output, |window, tap| {
            let cell = (window * axis.stride + tap * axis.dilation).checked_sub(axis.padding)?;
            (cell < axis.input).then_some(cell)
        })
    }

    /// The windows over each cell of the input.
    pub(super) fn of_input(axis: Axis) -> Self {
        Self::new(axis, axis.input, |cell, tap| {
            let start = (cell + axis.padding).checked_sub(tap * axis.dilation)?;
            let window = start / axis.stride;
            (start.is_multiple_of(axis.stride) && window < axis.output).then_some(window)
        })
    }

    #[inline(always)]
    fn at(&self, place: usize) -> &[(usize, usize)] {
        &self.hits[self.starts[place]..self.starts[place + 1]]
    }

    fn fits(&self, places: usize, cells: usize) -> bool {
        self.starts.len() > places && self.hits.iter().all(|&(_, cell)| cell < cells)
    }
}

#[inline(always)]
pub(super) fn gather<S: Simd>(simd: S, work: Gather<'_>, down: &Line, across: &Line) {
    let Plane { rows, columns, channels } = work.plane;
    // What the loop relies on.
    assert!(down.fits(work.rows.end, rows) && across.fits(work.columns, columns));
    let taps = down.taps * across.taps;
    let (weights, _) = S::as_simd_f32s(work.weights);
    assert_eq!(weights.len(), taps * work.starts.len());
    for (index, row) in work.rows.clone().enumerate() {
        for column in 0..work.columns {
            for (&start, weights) in work.starts.iter().zip(weights.chunks_exact(taps)) {
                let mut sum = simd.splat_f32s(0.0);
                for &(tap_down, y) in down.at(row) {
                    for &(tap_across, x) in across.at(column) {
                        let tap = tap_down * across.taps + tap_across;
                        // SAFETY: the pixel exists, as checked above, and so do the vector's channels.
                        #[expect(unsafe_code, reason = "see `load`")]
                        let x = unsafe { load(simd, work.source, (y * columns + x) * channels + start) };
                        sum = simd.mul_add_e_f32s(weights[tap], x, sum);
                    }
                }
                // SAFETY: `out` holds all columns of all rows of this work, and the vector's channels exist.
                #[expect(unsafe_code, reason = "see `store`")]
                unsafe {
                    store(simd, work.out, (index * work.columns + column) * channels + start, sum);
                }
            }
        }
    }
}

/// The windows whose tap sees a cell of the input.
fn windows(axis: Axis, tap: usize) -> Range<usize> {
    let offset = tap * axis.dilation;
    let start = axis.padding.saturating_sub(offset).div_ceil(axis.stride);
    let end = (axis.input + axis.padding).saturating_sub(offset).div_ceil(axis.stride).min(axis.output);
    start.min(end)..end
}

#[inline(always)]
pub(super) fn weigh<S: Simd>(simd: S, work: Weigh<'_>) {
    let (down, across, channels) = (work.g.down, work.g.across, work.g.groups);
    let (vectors, _) = S::as_mut_simd_f32s(work.sums);
    let taps = down.kernel * across.kernel;
    assert_eq!(vectors.len(), taps * work.starts.len());
    for (&start, sums) in work.starts.iter().zip(vectors.chunks_exact_mut(taps)) {
        for (index, row) in work.rows.clone().enumerate() {
            for tap_down in (0..down.kernel).filter(|&tap| windows(down, tap).contains(&row)) {
                let y = row * down.stride + tap_down * down.dilation - down.padding;
                for tap_across in 0..across.kernel {
                    let mut sum = simd.splat_f32s(0.0);
                    for column in windows(across, tap_across) {
                        let x = column * across.stride + tap_across * across.dilation - across.padding;
                        // SAFETY: both pixels exist, as `windows` says, and so do the vector's channels.
                        #[expect(unsafe_code, reason = "see `load`")]
                        let (x, dy) = unsafe {
                            let dy = load(simd, work.dy, (index * across.output + column) * channels + start);
                            (load(simd, work.x, (y * across.input + x) * channels + start), dy)
                        };
                        sum = simd.mul_add_e_f32s(x, dy, sum);
                    }
                    let total = &mut sums[tap_down * across.kernel + tap_across];
                    *total = simd.add_f32s(*total, sum);
                }
            }
        }
    }
}
