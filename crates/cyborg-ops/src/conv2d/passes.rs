//! The three passes: output, gradient of the input, gradient of the weights.

use super::geometry::Geometry;
use super::kernel::{Gradients, MAX_LANES, MAX_POSITIONS, Tile, Weights, correlate, weigh};
use super::planes::{Planes, Windows};
use crate::parallel::{for_each, for_each_piece, map};
use crate::scratch::with_scratch;

/// The output channels, or input channels for the gradient, of one group of one image that are computed together.
struct Job<'a> {
    image: usize,
    group: usize,
    part: usize,
    first_channel: usize,
    out: &'a mut [f32],
}

/// Cuts a batch of images of `groups * channels` planes: by image, and with fewer images than threads by channels too.
/// No result depends on how, since no sum crosses a cut.
fn jobs(
    out: &mut [f32],
    batch: usize,
    groups: usize,
    channels: usize,
    plane: usize,
) -> (Vec<Job<'_>>, usize) {
    let threads = rayon::current_num_threads();
    let parts = if batch * groups >= threads { 1 } else { threads.div_ceil((batch * groups).max(1)) };
    let part_channels = channels.div_ceil(parts).next_multiple_of(8).max(1);
    let mut jobs = Vec::new();
    let mut rest = out;
    for image in 0..batch {
        for group in 0..groups {
            for (part, first_channel) in (0..channels).step_by(part_channels).enumerate() {
                let here = part_channels.min(channels - first_channel);
                let (out, behind) = std::mem::take(&mut rest).split_at_mut(here * plane);
                rest = behind;
                jobs.push(Job { image, group, part, first_channel, out });
            }
        }
    }
    (jobs, part_channels)
}

/// Writes a tile to the cells that its windows stand for.
#[expect(clippy::inline_always, reason = "to be compiled for the vectors of the loop that calls it")]
#[inline(always)]
fn place(
    tile: &Tile<'_>,
    windows: &Windows,
    pitch: usize,
    plane: usize,
    out: &mut [f32],
    bias: Option<&[f32]>,
) {
    let target = windows.target;
    let (mut y, mut x) = (tile.position / pitch, tile.position % pitch);
    let mut done = 0;
    while done < tile.positions {
        let here = (pitch - x).min(tile.positions - done);
        let cells = here.min(windows.size.1.saturating_sub(x));
        if cells > 0 {
            let first =
                (target.first.0 + y * target.step.0) * target.width + target.first.1 + x * target.step.1;
            for row in 0..tile.rows {
                let from = &tile.values[row * MAX_POSITIONS + done..][..cells];
                let to = &mut out[(tile.row + row) * plane + first..];
                let shift = bias.map_or(0.0, |bias| bias[tile.row + row]);
                if target.step.1 == 1 {
                    to[..cells].iter_mut().zip(from).for_each(|(to, &from)| *to = from + shift);
                } else {
                    to.iter_mut().step_by(target.step.1).zip(from).for_each(|(to, &from)| *to = from + shift);
                }
            }
        }
        done += here;
        y += 1;
        x = 0;
    }
}

/// The convolution itself.
pub(super) fn forward(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (planes, windows) = Planes::of_input(g);
    let (taps, plane) = (g.window(), g.output_plane());
    let mut out = vec![0.0_f32; g.batch * g.output_image()];
    let (jobs, part_channels) = jobs(&mut out, g.batch, g.groups, g.group_out, plane);
    let parts = g.group_out.div_ceil(part_channels);
    let weights = map(g.groups * parts, |index| {
        let first = index % parts * part_channels;
        let weight = &weight[(index / parts * g.group_out + first) * taps..];
        Weights::pack(part_channels.min(g.group_out - first), taps, |row, tap| weight[row * taps + tap])
    });
    for_each(jobs, |job| {
        let weights = &weights[job.group * parts + job.part];
        let bias = bias.map(|bias| &bias[job.group * g.group_out + job.first_channel..]);
        with_planes(g, &planes, x, job.image, job.group, |source| {
            correlate(weights, source, &windows.offsets, windows.positions(planes.pitch), |tile| {
                place(&tile, &windows, planes.pitch, plane, job.out, bias);
            });
        });
    });
    out
}

/// The gradient of the input.
pub(super) fn input_gradient(g: &Geometry, weight: &[f32], grad: &[f32]) -> Vec<f32> {
    let (planes, sets) = Planes::of_output_gradient(g);
    let (window, plane) = (g.window(), g.input_plane());
    let area = g.down.kernel * g.across.kernel;
    let mut dx = vec![0.0_f32; g.batch * g.input_image()];
    let (jobs, part_channels) = jobs(&mut dx, g.batch, g.groups, g.group_in, plane);
    let parts = g.group_in.div_ceil(part_channels);
    let weights = map(g.groups * parts * sets.len(), |index| {
        let windows = &sets[index % sets.len()];
        let (group, part) = (index / sets.len() / parts, index / sets.len() % parts);
        let first = part * part_channels;
        let weight = &weight[group * g.group_out * window..];
        let taps: Vec<usize> = windows.taps.iter().map(|(y, x)| y * g.across.kernel + x).collect();
        Weights::pack(part_channels.min(g.group_in - first), g.group_out * taps.len(), |row, tap| {
            weight[tap / taps.len() * window + (first + row) * area + taps[tap % taps.len()]]
        })
    });
    for_each(jobs, |job| {
        let group_output = g.group_out * g.output_plane();
        let grad = &grad[job.image * g.output_image() + job.group * group_output..][..group_output];
        with_scratch(planes.len(), |source| {
            planes.fill(grad, source);
            for (set, windows) in sets.iter().enumerate() {
                let weights = &weights[(job.group * parts + job.part) * sets.len() + set];
                correlate(weights, source, &windows.offsets, windows.positions(planes.pitch), |tile| {
                    place(&tile, windows, planes.pitch, plane, job.out, None);
                });
            }
        });
    });
    dx
}

/// Positions that a sum of weight gradients should go over before its vectors are added up, to make that cheap.
const POSITIONS_A_SUM: usize = 2048;
/// Values of scratch that a sum may use: they should stay in the second cache.
const VALUES_A_SUM: usize = 1 << 18;
/// Values that all partial sums together may use.
const VALUES_OF_SUMS: usize = 1 << 24;
/// Rows of the weight gradient that are computed together.
const ROWS_A_JOB: usize = 16;

/// The gradient of the weights: sums over a few images each, in parallel; then the sum of these, in order. How many
/// images depends on sizes only, so that the result does not depend on threads.
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], grad: &[f32]) -> Vec<f32> {
    let (planes, windows) = Planes::of_input(g);
    let taps = g.window();
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
            with_scratch(images * image_len, |scratch| {
                let (sources, gradients) = scratch.split_at_mut(images * planes.len());
                for image in 0..images {
                    let group_input = g.group_in * g.input_plane();
                    let x = &x[(first + image) * g.input_image() + group * group_input..][..group_input];
                    planes.fill(x, &mut sources[image * planes.len()..][..planes.len()]);
                    let group_output = g.group_out * g.output_plane();
                    let grad =
                        &grad[(first + image) * g.output_image() + group * group_output..][..group_output];
                    let gradients = &mut gradients[image * g.group_out * row..][..g.group_out * row];
                    spread(grad, g.output_plane(), g.across.output, gradients, row, planes.pitch);
                }
                let (sources, values) = (&*sources, &*gradients);
                let gradients = Gradients { values, image: g.group_out * row, row };
                for_each_piece(dw, ROWS_A_JOB * taps, |job, dw| {
                    weigh(gradients, job * ROWS_A_JOB, sources, planes.len(), images, &windows.offsets, dw);
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

/// Lays out rows of windows as positions, with zeros between them.
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

/// Calls `work` with the planes of one group of one image: the image itself where that will do.
fn with_planes(
    g: &Geometry,
    planes: &Planes,
    x: &[f32],
    image: usize,
    group: usize,
    work: impl FnOnce(&[f32]),
) {
    let group_input = g.group_in * g.input_plane();
    let x = &x[image * g.input_image() + group * group_input..][..group_input];
    with_scratch(planes.len(), |source| {
        planes.fill(x, source);
        work(source);
    });
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
