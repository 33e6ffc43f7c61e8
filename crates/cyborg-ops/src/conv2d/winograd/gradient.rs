//! The gradient of the windows.

use std::ops::Range;

use super::tiles::{AREA, Blocks, Grid, Input, LINE, Maps, OutputGradient, aligned, to_points};
use super::weights::{FromPoints, WINDOW};
use crate::gemm::{Rows, Run, outer};
use crate::parallel::{for_each, for_each_piece};
use crate::scratch::with_scratch;
use crate::simd::Level;

/// Sums that a core's own cache holds, in values.
const FEW_SUMS: usize = 600 << 10;
/// Sums that are too many for a cache shared by all cores.
const MANY_SUMS: usize = 4 << 20;
/// Points of inputs and of gradients of outputs that are in memory at the same time beside few sums,
const FEW_POINTS: usize = 1 << 20;
/// and beside more, which should be gone through as rarely as possible.
const MANY_POINTS: usize = 7 << 20;
/// Input channels of a job, of whose sums all output channels are added up at once,
const STRIP: usize = 256;
/// and input and output channels of sums that stay in a core's own cache until they are windows.
const PART: usize = 64;

/// The gradient of the weights from inputs and from gradients of outputs.
pub(super) fn of_weights(level: Level, batch: usize, inputs: Maps<'_>, gradients: Maps<'_>) -> Vec<f32> {
    let grid = Grid::new(batch, gradients.height, gradients.width);
    let mut weight = vec![0.0; inputs.channels * gradients.channels * WINDOW];
    if grid.rows == 0 {
        return weight;
    }
    let work = Gradient { level, grid, inputs, gradients };
    let sums = AREA * inputs.channels * gradients.channels;
    let room = if sums > FEW_SUMS { MANY_POINTS } else { FEW_POINTS };
    let row = AREA * (inputs.channels + gradients.channels) * grid.across;
    let rows = (room / row.max(1)).clamp(1, grid.rows);
    // Of about the same size.
    let rows = grid.rows.div_ceil(grid.rows.div_ceil(rows));
    if sums > MANY_SUMS && rows == grid.rows {
        work.at_once(&mut weight);
    } else {
        work.in_steps(rows, &mut weight);
    }
    weight
}

struct Gradient<'a> {
    level: Level,
    grid: Grid,
    inputs: Maps<'a>,
    gradients: Maps<'a>,
}

/// The points of some rows of tiles.
struct Points<'a> {
    inputs: &'a [f32],
    input_bases: Vec<usize>,
    /// Values of `inputs` from one point to the next.
    input_step: usize,
    gradients: &'a [f32],
    gradient_bases: Vec<usize>,
    gradient_step: usize,
}

/// Some of the weights: rows of (input channels, 3, 3), one for each of the output channels.
struct Part<'a> {
    inputs: Range<usize>,
    outputs: Range<usize>,
    rows: Vec<&'a mut [f32]>,
}

impl Gradient<'_> {
    /// Adds to `sums` (input channels, output channels), for all tiles, what a point gives for these channels.
    fn add(points: &Points<'_>, point: usize, inputs: Range<usize>, outputs: Range<usize>, sums: &mut [f32]) {
        let a = Rows { values: &points.inputs[point * points.input_step..], bases: &points.input_bases };
        let values = &points.gradients[point * points.gradient_step + outputs.start..];
        let b = Rows { values, bases: &points.gradient_bases };
        outer(a, Run { offset: inputs.start, len: inputs.len() }, b, outputs.len(), sums);
    }

    /// All tiles at once, some channels after the other: their sums stay in the cache until they are windows.
    fn at_once(&self, weight: &mut [f32]) {
        self.with_points(0..self.grid.rows, |points| {
            for_each(self.parts(weight), |Part { inputs, outputs, rows }| {
                let columns = outputs.len();
                let len = inputs.len() * columns;
                let step = len.next_multiple_of(LINE) + LINE;
                with_scratch(AREA * step + LINE, |sums| {
                    let sums = aligned(sums, AREA * step);
                    for (point, sums) in sums.chunks_mut(step).enumerate() {
                        let sums = &mut sums[..len];
                        sums.fill(0.0);
                        Self::add(points, point, inputs.clone(), outputs.clone(), sums);
                    }
                    FromPoints { points: sums, step, columns, first: 0, out: rows }.run_on(self.level);
                });
            });
        });
    }

    /// Some rows of tiles after the other, all channels at once.
    fn in_steps(&self, rows: usize, weight: &mut [f32]) {
        let (channels_in, channels_out) = (self.inputs.channels, self.gradients.channels);
        let len = channels_in * channels_out;
        let step = len.next_multiple_of(LINE) + LINE;
        with_scratch(AREA * step + LINE, |sums| {
            let sums = aligned(sums, AREA * step);
            for start in (0..self.grid.rows).step_by(rows) {
                self.with_points(start..(start + rows).min(self.grid.rows), |points| {
                    let mut jobs = Vec::new();
                    for (point, sums) in sums.chunks_mut(step).enumerate() {
                        for (strip, sums) in sums[..len].chunks_mut(STRIP * channels_out).enumerate() {
                            jobs.push((point, strip * STRIP, sums));
                        }
                    }
                    for_each(jobs, |(point, first, sums)| {
                        if start == 0 {
                            sums.fill(0.0);
                        }
                        let inputs = first..first + sums.len() / channels_out;
                        Self::add(points, point, inputs, 0..channels_out, sums);
                    });
                });
            }
            let sums = &*sums;
            for_each(self.parts(weight), |Part { inputs, outputs, rows }| {
                let points = &sums[inputs.start * channels_out..];
                FromPoints { points, step, columns: channels_out, first: outputs.start, out: rows }
                    .run_on(self.level);
            });
        });
    }

    /// Cuts the weights into strips of channels.
    fn parts<'a>(&self, weight: &'a mut [f32]) -> Vec<Part<'a>> {
        let (channels_in, channels_out) = (self.inputs.channels, self.gradients.channels);
        let mut parts = Vec::new();
        for (strip, weight) in weight.chunks_mut(PART * channels_in * WINDOW).enumerate() {
            let outputs = strip * PART..((strip + 1) * PART).min(channels_out);
            let first = parts.len();
            for inputs in (0..channels_in).step_by(PART) {
                let inputs = inputs..(inputs + PART).min(channels_in);
                parts.push(Part {
                    inputs,
                    outputs: outputs.clone(),
                    rows: Vec::with_capacity(outputs.len()),
                });
            }
            for row in weight.chunks_mut(channels_in * WINDOW) {
                for (part, row) in parts[first..].iter_mut().zip(row.chunks_mut(PART * WINDOW)) {
                    part.rows.push(row);
                }
            }
        }
        parts
    }

    /// Calls `work` with the points of these rows of tiles.
    fn with_points(&self, rows: Range<usize>, work: impl FnOnce(&Points<'_>)) {
        let Self { level, grid, inputs, gradients } = *self;
        let block = 8_usize.div_ceil(grid.across.max(1)).min(rows.len());
        let tiles = rows.len() * grid.across;
        let v_blocks = Blocks::new(grid, rows.clone(), block, inputs.channels);
        let w_blocks = Blocks::new(grid, rows, block, gradients.channels);
        with_scratch(v_blocks.len() + w_blocks.len() + 2 * LINE, |scratch| {
            let (v, w) = scratch.split_at_mut(v_blocks.len() + LINE);
            let (v, w) = (aligned(v, v_blocks.len()), aligned(w, w_blocks.len()));
            for_each_piece(v, v_blocks.block.len(), |index, out| {
                to_points(level, Input, inputs, grid, v_blocks.rows(index), v_blocks.block, out);
            });
            for_each_piece(w, w_blocks.block.len(), |index, out| {
                to_points(level, OutputGradient, gradients, grid, w_blocks.rows(index), w_blocks.block, out);
            });
            work(&Points {
                inputs: v,
                input_bases: v_blocks.bases(tiles),
                input_step: v_blocks.block.point(),
                gradients: w,
                gradient_bases: w_blocks.bases(tiles),
                gradient_step: w_blocks.block.point(),
            });
        });
    }
}
