//! The three passes: output, gradient of the input, gradient of the weights.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;

use super::correlate::{Emit, MAX_POSITIONS, Sources, Tile, Weights, correlate};
use super::geometry::Geometry;
use super::planes::{Planes, Windows};
use super::weigh::{Gradients, weigh};
use crate::fresh::{as_unwritten, written};
use crate::parallel::{for_each, for_each_piece, map};
use crate::scratch::with_scratch;
use crate::simd::MAX_LANES;

/// The convolution itself.
pub(super) fn forward(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (planes, windows) = Planes::of_input(g);
    let (taps, group_out) = (g.window(), g.group_out);
    let pass = Pass {
        planes,
        sets: vec![windows],
        covers: true,
        batch: g.batch,
        groups: g.groups,
        source: g.group_in * g.input_plane(),
        channels: group_out,
        plane: g.output_plane(),
        bias,
    };
    pass.run(x, |group, _, row, tap| weight[(group * group_out + row) * taps + tap])
}

/// The gradient of the input.
pub(super) fn input_gradient(g: &Geometry, weight: &[f32], grad: &[f32]) -> Vec<f32> {
    let (planes, sets) = Planes::of_output_gradient(g);
    let (window, area) = (g.window(), g.down.kernel * g.across.kernel);
    // (output channel, tap) of each row of the weights that a set uses.
    let places: Vec<Vec<usize>> = sets
        .iter()
        .map(|windows| {
            let taps = windows.taps.iter().map(|(y, x)| y * g.across.kernel + x);
            (0..g.group_out).flat_map(|out| taps.clone().map(move |tap| out * window + tap)).collect()
        })
        .collect();
    let pass = Pass {
        planes,
        covers: sets.len() == g.down.stride * g.across.stride,
        sets,
        batch: g.batch,
        groups: g.groups,
        source: g.group_out * g.output_plane(),
        channels: g.group_in,
        plane: g.input_plane(),
        bias: None,
    };
    pass.run(grad, |group, set, row, tap| {
        weight[group * g.group_out * window + places[set][tap] + row * area]
    })
}

/// Sums of weighted windows over the planes of each image: a convolution, or the gradient of its input.
struct Pass<'a> {
    planes: Planes,
    sets: Vec<Windows>,
    /// Whether each cell of the result is the target of a window.
    covers: bool,
    batch: usize,
    groups: usize,
    /// Values of one group of one image of the source.
    source: usize,
    /// Channels of one group of the result.
    channels: usize,
    /// Values of one channel of the result.
    plane: usize,
    bias: Option<&'a [f32]>,
}

/// Weights that outgrow the second cache: read once for several images.
const LARGE_WEIGHTS: usize = 1 << 17;
/// Values of planes of several images that share a reading of the weights.
const SHARED_PLANES: usize = 1 << 18;

/// What is computed together: some channels of one group, for some images.
struct Job<'a> {
    first_image: usize,
    group: usize,
    part: usize,
    /// The channels of each image.
    out: Vec<&'a mut [MaybeUninit<f32>]>,
}

impl Pass<'_> {
    /// `weight(group, set of windows, row, tap)`
    fn run(&self, source: &[f32], weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync) -> Vec<f32> {
        let len = self.batch * self.groups * self.channels * self.plane;
        if self.covers {
            // SAFETY: the jobs are all channels of all images, each cell of a channel is the target of one window of one
            // set, and `place` writes the targets of all windows.
            #[expect(unsafe_code, reason = "see `written`")]
            unsafe {
                written(len, |out| self.run_into(out, source, weight))
            }
        } else {
            let mut out = vec![0.0; len];
            self.run_into(as_unwritten(&mut out), source, weight);
            out
        }
    }

    fn run_into(
        &self,
        out: &mut [MaybeUninit<f32>],
        source: &[f32],
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    ) {
        let taps = self.sets.iter().map(|windows| windows.offsets.len()).max().unwrap_or(0);
        let images =
            if self.channels * taps > LARGE_WEIGHTS { SHARED_PLANES / self.planes.len().max(1) } else { 1 };
        let images = images.clamp(1, 8);
        // With fewer jobs than threads, cut by channels too. No sum crosses a cut, so no result depends on it.
        let jobs = self.batch.div_ceil(images) * self.groups;
        let parts = rayon::current_num_threads().div_ceil(jobs.max(1));
        let part = self.channels.div_ceil(parts).next_multiple_of(8);
        let parts = self.channels.div_ceil(part);
        let sets = self.sets.len();
        let weights = map(self.groups * parts * sets, |index| {
            let (group, first, set) = (index / sets / parts, index / sets % parts * part, index % sets);
            let rows = part.min(self.channels - first);
            Weights::pack(rows, self.sets[set].offsets.len(), |row, tap| weight(group, set, first + row, tap))
        });
        for_each(self.jobs(out, images, part), |mut job| {
            let images = job.out.len();
            let bias = self.bias.map(|bias| &bias[job.group * self.channels + job.part * part..]);
            let start = (job.first_image * self.groups + job.group) * self.source;
            self.planes.with_images(&source[start..], self.groups * self.source, images, |values| {
                let sources = Sources { values, images };
                for (set, windows) in self.sets.iter().enumerate() {
                    let weights = &weights[(job.group * parts + job.part) * sets + set];
                    let pitch = self.planes.pitch;
                    let place = Place { windows, pitch, plane: self.plane, out: &mut job.out, bias };
                    correlate(weights, sources, &windows.offsets, windows.positions(pitch), place);
                }
            });
        });
    }

    /// Jobs of `images` images and `part` channels of a group, fewer at the ends.
    fn jobs<'a>(&self, out: &'a mut [MaybeUninit<f32>], images: usize, part: usize) -> Vec<Job<'a>> {
        let (groups, parts) = (self.groups, self.channels.div_ceil(part));
        let mut jobs: Vec<Job<'a>> = Vec::with_capacity(self.batch.div_ceil(images) * groups * parts);
        let mut slices = out.chunks_mut((self.channels * self.plane).max(1));
        for image in 0..self.batch {
            let together = (image / images) * groups * parts;
            for (group, slice) in (&mut slices).take(groups).enumerate() {
                for (part, out) in slice.chunks_mut((part * self.plane).max(1)).enumerate() {
                    let index = together + group * parts + part;
                    if index == jobs.len() {
                        jobs.push(Job { first_image: image, group, part, out: Vec::with_capacity(images) });
                    }
                    jobs[index].out.push(out);
                }
            }
        }
        jobs
    }
}

/// Writes tiles to the cells that their windows stand for.
struct Place<'a, 'b> {
    windows: &'a Windows,
    pitch: usize,
    plane: usize,
    /// The channels of each image.
    out: &'a mut [&'b mut [MaybeUninit<f32>]],
    bias: Option<&'a [f32]>,
}

impl Emit for Place<'_, '_> {
    #[inline(always)]
    fn emit(&mut self, tile: &Tile<'_>) {
        let Windows { size, target, .. } = self.windows;
        let out = &mut *self.out[tile.image];
        let (mut y, mut x) = (tile.position / self.pitch, tile.position % self.pitch);
        let mut done = 0;
        while done < tile.positions {
            let here = (self.pitch - x).min(tile.positions - done);
            let cells = here.min(size.1.saturating_sub(x));
            if cells > 0 {
                let row = target.first.0 + y * target.step.0;
                let first = row * target.width + target.first.1 + x * target.step.1;
                for row in 0..tile.rows {
                    let from = &tile.values[row * MAX_POSITIONS + done..][..cells];
                    let shift = self.bias.map_or(0.0, |bias| bias[tile.row + row]);
                    let to = &mut out[(tile.row + row) * self.plane + first..];
                    match target.step.1 {
                        1 => every(1, from, shift, to),
                        2 => every(2, from, shift, to),
                        step => every(step, from, shift, to),
                    }
                }
            }
            done += here;
            y += 1;
            x = 0;
        }
    }
}

/// `to[i * step] = from[i] + shift`
#[inline(always)]
fn every(step: usize, from: &[f32], shift: f32, to: &mut [MaybeUninit<f32>]) {
    let Some((last, from)) = from.split_last() else { return };
    to[from.len() * step].write(last + shift);
    for (to, &from) in to.chunks_exact_mut(step).zip(from) {
        to[0].write(from + shift);
    }
}

/// Positions that a sum of weight gradients should go over before its vectors are added up, to make that cheap.
const POSITIONS_A_SUM: usize = 2048;
/// Values of scratch that a sum may use: they should stay in the caches.
const VALUES_A_SUM: usize = 1 << 20;
/// Values that all partial sums together may use.
const VALUES_OF_SUMS: usize = 1 << 24;
/// Rows of the weight gradient that are computed together.
const ROWS_A_JOB: usize = 16;

/// The gradient of the weights: sums over a few images each, in parallel; then the sum of these, in order. How many
/// images depends on sizes only, so that the result does not depend on threads.
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], grad: &[f32]) -> Vec<f32> {
    let (planes, windows) = Planes::of_input(g);
    let (taps, plane) = (g.window(), g.output_plane());
    let len = g.channels_out() * taps;
    let row = windows.positions(planes.pitch).next_multiple_of(MAX_LANES);
    let image_len = planes.len() + g.group_out * row;
    let images = POSITIONS_A_SUM.div_ceil(row).min(VALUES_A_SUM.div_ceil(image_len));
    let images = images.max((g.batch * len).div_ceil(VALUES_OF_SUMS)).clamp(1, g.batch.max(1));
    let partial_sums = map(g.batch.div_ceil(images), |sum| {
        let first = sum * images;
        let images = images.min(g.batch - first);
        let mut dw = vec![0.0_f32; len];
        for (group, dw) in dw.chunks_mut((g.group_out * taps).max(1)).enumerate() {
            let x = &x[first * g.input_image() + group * g.group_in * g.input_plane()..];
            let grad = &grad[first * g.output_image() + group * g.group_out * plane..];
            planes.with_images(x, g.input_image(), images, |sources| {
                let mut add = |gradients: Gradients<'_>| {
                    for_each_piece(dw, ROWS_A_JOB * taps, |job, dw| {
                        weigh(
                            gradients,
                            job * ROWS_A_JOB,
                            sources,
                            planes.len(),
                            images,
                            &windows.offsets,
                            dw,
                        );
                    });
                };
                if row == plane {
                    return add(Gradients { values: grad, image: g.output_image(), row });
                }
                with_scratch(images * g.group_out * row, |values| {
                    for (image, values) in values.chunks_exact_mut(g.group_out * row).enumerate() {
                        let grad = &grad[image * g.output_image()..][..g.group_out * plane];
                        spread(grad, plane, g.across.output, values, row, planes.pitch);
                    }
                    add(Gradients { values, image: g.group_out * row, row });
                });
            });
        }
        dw
    });
    let mut parts = partial_sums.into_iter();
    let mut dw = parts.next().unwrap_or_else(|| vec![0.0; len]);
    for part in parts {
        dw.iter_mut().zip(&part).for_each(|(sum, &value)| *sum += value);
    }
    dw
}

/// Lays out rows of windows as positions, with zeros between them. (Zero times infinity is NaN: an infinite input makes NaN
/// of the gradients of all weights of its channel, also of those that do not see it.)
fn spread(grad: &[f32], plane: usize, width: usize, out: &mut [f32], row: usize, pitch: usize) {
    for (grad, out) in grad.chunks_exact(plane).zip(out.chunks_exact_mut(row)) {
        let mut lines = out.chunks_mut(pitch);
        for (grad, line) in grad.chunks_exact(width).zip(&mut lines) {
            let (values, border) = line.split_at_mut(width);
            values.copy_from_slice(grad);
            border.fill(0.0);
        }
        lines.for_each(|line| line.fill(0.0));
    }
}

/// Sum over images and windows.
pub(super) fn bias_gradient(g: &Geometry, grad: &[f32]) -> Vec<f32> {
    let (channels, plane) = (g.channels_out(), g.output_plane());
    let mut sums = vec![0.0_f64; channels];
    for (index, grad) in grad.chunks(plane).enumerate() {
        sums[index % channels] += grad.iter().map(|&g| f64::from(g)).sum::<f64>();
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}
