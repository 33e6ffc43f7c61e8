//! Any convolution as products of rows: windows are runs of neighbouring values, read where they lie.
//!
//! In rows of pixels of channels, the cells that a window sees in one row of the image are neighbours, so that a window is
//! as many runs as it has rows. Only a border of zeros has to be laid around the images first, where there is one.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

use super::geometry::{Axis, Geometry};
use crate::fresh::{written, written_for_good};
use crate::gemm::{Finish, PackedLayout, Rows, Run, multiply_and, outer};
use crate::parallel::{for_each, for_each_piece, map};
use crate::recycle;

/// The convolution itself: `x` `(batch, height, width, in)`, `weight` `(out, in / groups, kernel height, kernel width)`,
/// result `(batch, height, width, out)`, finished if there is how.
pub(super) fn forward(g: &Geometry, x: &[f32], weight: &[f32], finish: Option<Finish<'_>>) -> Vec<f32> {
    let window = Window::of(g, x);
    let out_channels = g.channels_out();
    let layout = PackedLayout::new(g.window(), g.group_out);
    let sets = map(g.groups, |group| {
        let weight = &weight[group * g.group_out * g.window()..];
        Set {
            runs: window.runs(group),
            weights: layout.pack(|block, values| {
                let weight = &weight[block.first * g.window()..][..block.columns * g.window()];
                transpose_weights(g, weight, block.width, values);
            }),
            layout,
            first: group * g.group_out,
        }
    });
    let n_cells = g.batch * g.output_plane();
    // SAFETY: the pieces are all cells, and the sets' columns are all channels of a cell.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(n_cells * out_channels, |out| {
            let cells = cells_a_job(n_cells);
            for_each_piece(out, cells * out_channels, |job, out| {
                let n = out.len() / out_channels;
                let bases = window.bases(job * cells..job * cells + n);
                let targets: Vec<usize> = (0..n).map(|cell| cell * out_channels).collect();
                let finish = finish.map(|finish| finish.from(job * cells * out_channels));
                for set in &sets {
                    set.multiply(&window.image.values, &bases, out, &targets, finish);
                }
            });
        })
    }
}

/// The gradient of the input; `dy` is laid out as the convolution's result.
///
/// Cell `y` of the input is seen by tap `t` of window `o` where `y + padding = o * stride + t * dilation`. With
/// `y + padding = b * stride + f` and `t * dilation = q * stride + f` (the same remainder, or there is no such window)
/// that is `o = b - q`: a convolution of stride 1 with the window turned, for each remainder `f`.
pub(super) fn input_gradient(g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let (down, across) = (Turned::new(g.down), Turned::new(g.across));
    let dims = [g.batch, g.down.output, g.across.output, g.channels_out()];
    let image = Bordered::new(dy, dims, down.border, across.border);
    let (area, in_channels) = (g.down.kernel * g.across.kernel, g.channels_in());
    let n_phases = down.phases.len() * across.phases.len();
    let sets = map(g.groups * n_phases, |index| {
        let (group, phase) = (index / n_phases, index % n_phases);
        let (rows, columns) =
            (&down.phases[phase / across.phases.len()], &across.phases[phase % across.phases.len()]);
        let pairs = || rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
        let first = group * g.group_out;
        let offsets = pairs().map(|(row, column)| image.offset(row.shift, column.shift) + first);
        let taps: Vec<usize> = pairs().map(|(row, column)| row.tap * g.across.kernel + column.tap).collect();
        let layout = PackedLayout::new(taps.len() * g.group_out, g.group_in);
        Set {
            runs: runs(offsets, g.group_out),
            weights: layout.pack(|block, values| {
                for (k, values) in values.chunks_exact_mut(block.width).enumerate() {
                    let (tap, out) = (taps[k / g.group_out], first + k % g.group_out);
                    let weight = &weight[out * g.window() + block.first * area + tap..];
                    gather(weight, area, &mut values[..block.columns]);
                }
            }),
            layout,
            first: group * g.group_in,
        }
    });
    let (height, width) = (g.down.input, g.across.input);
    let n_cells = g.batch * height * width;
    // SAFETY: the pieces are all cells, each is of one phase, and the columns of all groups' sets of a phase are all channels.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(n_cells * in_channels, |out| {
            let cells = cells_a_job(n_cells);
            for_each_piece(out, cells * in_channels, |job, out| {
                let mut of_phase = vec![(Vec::new(), Vec::new()); n_phases];
                for row in 0..out.len() / in_channels {
                    let (image_index, y, x) = place(job * cells + row, height, width);
                    let (y, x) = (&down.cells[y], &across.cells[x]);
                    let (bases, targets) = &mut of_phase[y.phase * across.phases.len() + x.phase];
                    bases.push(image.base(image_index, y.base, x.base));
                    targets.push(row * in_channels);
                }
                for (index, set) in sets.iter().enumerate() {
                    let (bases, targets) = &of_phase[index % n_phases];
                    set.multiply(&image.values, bases, out, targets, None);
                }
            });
        })
    }
}

/// Values that all partial sums of a weight gradient together may use.
const VALUES_OF_SUMS: usize = 1 << 22;
/// Cells of a partial sum at least.
const CELLS_A_SUM: usize = 512;
/// Jobs of a weight gradient, about.
const JOBS: usize = 16;
/// Elements of the window in a job at least: the gradients of the result are laid out anew for each job.
const ELEMENTS_A_JOB: usize = 48;

/// The gradient of the weights, laid out as these: sums over ranges of cells in parallel, then the sum of those, in order.
/// How many ranges depends on sizes only, so that the result does not depend on threads.
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let window = Window::of(g, x);
    let (n_taps, out_channels, columns) = (window.taps.len(), g.channels_out(), g.group_out);
    let n_cells = g.batch * g.output_plane();
    let bases = window.bases(0..n_cells);
    let elements = n_taps * g.group_in;
    let n_ranges = (VALUES_OF_SUMS / (elements * out_channels)).min(n_cells / CELLS_A_SUM).clamp(1, JOBS);
    let n_pieces = JOBS.div_ceil(n_ranges * g.groups).min(elements / ELEMENTS_A_JOB).max(1);
    let piece = elements.div_ceil(n_pieces).next_multiple_of(12);
    let n_pieces = elements.div_ceil(piece);
    // Of each range of cells, group and piece of the window: (element, output channel of the group).
    let mut parts = map(n_ranges * g.groups * n_pieces, |job| {
        let (range, group, part) = (job / n_pieces / g.groups, job / n_pieces % g.groups, job % n_pieces);
        let cells = range * n_cells / n_ranges..(range + 1) * n_cells / n_ranges;
        let rows: Vec<usize> = cells.clone().map(|cell| cell * out_channels + group * columns).collect();
        let (a, b) =
            (Rows { values: &window.image.values, bases: &bases[cells] }, Rows { values: dy, bases: &rows });
        let wanted = part * piece..((part + 1) * piece).min(elements);
        let mut sums = recycle::zeros(wanted.len() * columns);
        let (mut first, mut rest) = (0, sums.as_mut_slice());
        for run in window.runs(group) {
            let here = wanted.start.max(first)..wanted.end.min(first + run.len);
            if !here.is_empty() {
                let (sums, later) = rest.split_at_mut(here.len() * columns);
                outer(a, Run { offset: run.offset + here.start - first, len: here.len() }, b, columns, sums);
                rest = later;
            }
            first += run.len;
        }
        sums
    });
    let rest = parts.split_off(g.groups * n_pieces);
    for_each(parts.iter_mut().enumerate().collect(), |(index, sums): (usize, &mut Vec<f32>)| {
        for part in rest.iter().skip(index).step_by(g.groups * n_pieces) {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
    });
    // SAFETY: the pieces are all weights, and the parts are all elements of each.
    #[expect(unsafe_code, reason = "see `written_for_good`")]
    let dw = unsafe {
        written_for_good(out_channels * elements, |dw| {
            for_each_piece(dw, columns * elements, |group, dw| {
                // As many channels at once as share a cache line of the sums.
                for_each_piece(dw, OUT_AT_ONCE * elements, |job, dw| {
                    for (part, sums) in parts[group * n_pieces..][..n_pieces].iter().enumerate() {
                        for (element, sums) in (part * piece..).zip(sums.chunks_exact(columns)) {
                            let weight = element % g.group_in * n_taps + element / g.group_in;
                            let dw = dw[weight..].iter_mut().step_by(elements);
                            for (dw, &sum) in dw.zip(&sums[job * OUT_AT_ONCE..]) {
                                dw.write(sum);
                            }
                        }
                    }
                });
            });
        })
    };
    parts.into_iter().chain(rest).for_each(recycle::give);
    dw
}

/// Output channels whose weight gradients are laid out together.
const OUT_AT_ONCE: usize = 16;

/// Weights (out, in, tap) as rows (tap, in) of columns (out), `width` apart; a few input channels at once, so that what is
/// read and what is written stays in the first cache.
fn transpose_weights(g: &Geometry, weight: &[f32], width: usize, to: &mut [f32]) {
    let area = g.window() / g.group_in;
    let together = (32 / area).max(1);
    for first in (0..g.group_in).step_by(together) {
        let channels = first..(first + together).min(g.group_in);
        for (column, weight) in weight.chunks_exact(g.window()).enumerate() {
            let weight = &weight[channels.start * area..channels.end * area];
            for (channel, weight) in channels.clone().zip(weight.chunks_exact(area)) {
                for (tap, &weight) in weight.iter().enumerate() {
                    to[(tap * g.group_in + channel) * width + column] = weight;
                }
            }
        }
    }
}

/// Cells of a job: whole tiles of any height, as much as stays in the second cache, and jobs for many threads.
fn cells_a_job(n_cells: usize) -> usize {
    n_cells.div_ceil(64).next_multiple_of(24).min(192)
}

/// (image, row, column) of a cell.
fn place(cell: usize, height: usize, width: usize) -> (usize, usize, usize) {
    (cell / width / height, cell / width % height, cell % width)
}

/// Every `step`-th value.
fn gather(from: &[f32], step: usize, to: &mut [f32]) {
    if step == 1 {
        return to.copy_from_slice(&from[..to.len()]);
    }
    to.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &from)| *to = from);
}

/// Runs of `len` values from these offsets on; what lies next to each other becomes one.
fn runs(offsets: impl Iterator<Item = usize>, len: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for offset in offsets {
        match runs.last_mut() {
            Some(run) if run.offset + run.len == offset => run.len += len,
            _ => runs.push(Run { offset, len }),
        }
    }
    runs
}

/// Weights for some cells of some channels, and what they are multiplied with.
struct Set {
    runs: Vec<Run>,
    layout: PackedLayout,
    weights: Vec<f32>,
    /// The first channel of the result.
    first: usize,
}

impl Drop for Set {
    fn drop(&mut self) {
        recycle::give(std::mem::take(&mut self.weights));
    }
}

impl Set {
    fn multiply(
        &self,
        values: &[f32],
        bases: &[usize],
        out: &mut [MaybeUninit<f32>],
        targets: &[usize],
        finish: Option<Finish<'_>>,
    ) {
        if bases.is_empty() {
            return;
        }
        let out = &mut out[self.first..];
        let finish = finish
            .map(|finish| finish.columns(self.first..self.first + self.layout.columns()).from(self.first));
        multiply_and(Rows { values, bases }, &self.runs, self.layout, &self.weights, out, targets, finish);
    }
}

/// The input of a convolution and where its windows lie in it.
struct Window<'a> {
    g: &'a Geometry,
    image: Bordered<'a>,
    /// (row, column)
    taps: Vec<(usize, usize)>,
}

impl<'a> Window<'a> {
    fn of(g: &'a Geometry, x: &'a [f32]) -> Self {
        let dims = [g.batch, g.down.input, g.across.input, g.channels_in()];
        let border = |axis: Axis| [axis.padding, axis.reached_padding()];
        let image = Bordered::new(x, dims, border(g.down), border(g.across));
        let taps = (0..g.down.kernel).flat_map(|y| (0..g.across.kernel).map(move |x| (y, x))).collect();
        Self { g, image, taps }
    }

    /// What a window sees, from its base: tap by tap, the channels of this group.
    fn runs(&self, group: usize) -> Vec<Run> {
        let (g, image) = (self.g, &self.image);
        let offset = |&(y, x): &(usize, usize)| {
            image.offset(y * g.down.dilation, x * g.across.dilation) + group * g.group_in
        };
        runs(self.taps.iter().map(offset), g.group_in)
    }

    /// Where the windows of these cells of the result begin.
    fn bases(&self, cells: Range<usize>) -> Vec<usize> {
        let (down, across) = (self.g.down, self.g.across);
        let base = |cell| {
            let (image, y, x) = place(cell, down.output, across.output);
            self.image.base(image, y * down.stride, x * across.stride)
        };
        cells.map(base).collect()
    }
}

/// Images in a border of zeros.
struct Bordered<'a> {
    values: Cow<'a, [f32]>,
    /// Cells of an image and of a row.
    plane: usize,
    pitch: usize,
    channels: usize,
}

impl Drop for Bordered<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(values) = std::mem::take(&mut self.values) {
            recycle::give(values);
        }
    }
}

impl<'a> Bordered<'a> {
    /// `dims` are (batch, height, width, channels); zeros before and behind, down and across.
    fn new(x: &'a [f32], dims: [usize; 4], down: [usize; 2], across: [usize; 2]) -> Self {
        let [batch, height, width, channels] = dims;
        let (rows, pitch) = (down[0] + height + down[1], across[0] + width + across[1]);
        let plane = rows * pitch;
        if plane == height * width {
            return Self { values: Cow::Borrowed(x), plane, pitch, channels };
        }
        let row = pitch * channels;
        let (before, inside) = (across[0] * channels, width * channels);
        // SAFETY: the pieces are all rows, and each is written from its first value to its last.
        #[expect(unsafe_code, reason = "see `written`")]
        let values = unsafe {
            written(batch * rows * row, |out| {
                for_each_piece(out, row, |index, out| {
                    let (image, y) = (index / rows, (index % rows).checked_sub(down[0]));
                    let Some(y) = y.filter(|&y| y < height) else { return zero(out) };
                    let (zeros, out) = out.split_at_mut(before);
                    let (cells, border) = out.split_at_mut(inside);
                    zero(zeros);
                    cells.write_copy_of_slice(&x[(image * height + y) * inside..][..inside]);
                    zero(border);
                });
            })
        };
        Self { values: Cow::Owned(values), plane, pitch, channels }
    }

    fn offset(&self, y: usize, x: usize) -> usize {
        (y * self.pitch + x) * self.channels
    }

    fn base(&self, image: usize, y: usize, x: usize) -> usize {
        (image * self.plane + y * self.pitch + x) * self.channels
    }
}

fn zero(values: &mut [MaybeUninit<f32>]) {
    values.fill(MaybeUninit::new(0.0));
}

/// One direction of the gradient of an input: see [`input_gradient`].
struct Turned {
    /// The taps of each remainder, by their place in a row of the gradient.
    phases: Vec<Vec<TurnedTap>>,
    /// Each cell of the input.
    cells: Vec<TurnedCell>,
    /// Zeros before and behind the gradient.
    border: [usize; 2],
}

#[derive(Clone, Copy, Debug)]
struct TurnedTap {
    tap: usize,
    /// From a cell's base.
    shift: usize,
}

#[derive(Clone, Copy, Debug)]
struct TurnedCell {
    phase: usize,
    /// Where its taps begin, border included.
    base: usize,
}

impl Turned {
    fn new(axis: Axis) -> Self {
        let Axis { input, output, kernel, stride, padding, dilation } = axis;
        // Windows that see a cell lie between `b - last` and `b`.
        let last = (kernel - 1) * dilation / stride;
        let before = last.saturating_sub(padding / stride);
        let end = (input - 1 + padding) / stride + 1;
        let phases = (0..stride).map(|phase| {
            let taps = (0..kernel).rev().filter(|tap| tap * dilation % stride == phase);
            taps.map(|tap| TurnedTap { tap, shift: last - tap * dilation / stride }).collect()
        });
        let cell = |y: usize| {
            let (b, phase) = ((y + padding) / stride, (y + padding) % stride);
            TurnedCell { phase, base: b + before - last }
        };
        Self {
            phases: phases.collect(),
            cells: (0..input).map(cell).collect(),
            border: [before, end.saturating_sub(output)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(input: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Axis {
        let output = (input + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
        Axis { input, output, kernel, stride, padding, dilation }
    }

    /// Multiples of 1/16 between -1 and 1: their products and the sums of a few thousand of these are exact in f32.
    fn values(len: usize, factor: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * factor + 3) % 33) as f32 / 16.0 - 1.0).collect()
    }

    /// Calls `each(index of x, of the weight, of the result)` for every product of the definition.
    fn products(g: &Geometry, mut each: impl FnMut(usize, usize, usize)) {
        let (down, across) = (g.down, g.across);
        for (cell, out) in
            (0..g.batch * g.output_plane()).flat_map(|cell| (0..g.channels_out()).map(move |out| (cell, out)))
        {
            let (image, oy, ox) = place(cell, down.output, across.output);
            let taps = (0..down.kernel).flat_map(|ky| (0..across.kernel).map(move |kx| (ky, kx)));
            for (ky, kx) in taps {
                let (y, x) =
                    (oy * down.stride + ky * down.dilation, ox * across.stride + kx * across.dilation);
                let (Some(y), Some(x)) = (y.checked_sub(down.padding), x.checked_sub(across.padding)) else {
                    continue;
                };
                if y >= down.input || x >= across.input {
                    continue;
                }
                for channel in 0..g.group_in {
                    let pixel = (image * down.input + y) * across.input + x;
                    let from = pixel * g.channels_in() + out / g.group_out * g.group_in + channel;
                    let weight = ((out * g.group_in + channel) * down.kernel + ky) * across.kernel + kx;
                    each(from, weight, cell * g.channels_out() + out);
                }
            }
        }
    }

    #[test]
    fn all_passes_are_the_definition() {
        let cases = [
            (2, 1, 3, 5, axis(9, 3, 1, 1, 1), axis(7, 3, 1, 1, 1)),
            (1, 1, 17, 33, axis(5, 1, 1, 0, 1), axis(6, 1, 1, 0, 1)),
            (3, 1, 4, 130, axis(8, 1, 2, 0, 1), axis(9, 1, 2, 0, 1)),
            (2, 1, 3, 20, axis(19, 7, 2, 3, 1), axis(18, 7, 2, 3, 1)),
            (2, 2, 3, 8, axis(11, 3, 2, 1, 2), axis(10, 5, 3, 4, 1)),
            (1, 1, 6, 7, axis(9, 1, 1, 0, 1), axis(9, 7, 1, 3, 1)),
            (1, 3, 2, 1, axis(4, 2, 3, 5, 1), axis(12, 3, 4, 0, 2)),
            (2, 1, 130, 9, axis(3, 3, 1, 1, 1), axis(2, 3, 1, 2, 1)),
            (40, 1, 5, 4, axis(6, 3, 2, 0, 1), axis(7, 3, 1, 0, 1)),
        ];
        for (batch, groups, group_in, group_out, down, across) in cases {
            let g = Geometry { batch, groups, group_in, group_out, down, across };
            let x = values(batch * g.input_image(), 7);
            let weight = values(g.channels_out() * g.window(), 5);
            let dy = values(batch * g.output_image(), 11);
            let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; weight.len()]);
            products(&g, |from, w, to| {
                y[to] += x[from] * weight[w];
                dx[from] += dy[to] * weight[w];
                dw[w] += x[from] * dy[to];
            });
            assert_eq!(forward(&g, &x, &weight, None), y, "forward, {g:?}");
            assert_eq!(input_gradient(&g, &weight, &dy), dx, "input gradient, {g:?}");
            assert_eq!(weight_gradient(&g, &x, &dy), dw, "weight gradient, {g:?}");
        }
    }
}
