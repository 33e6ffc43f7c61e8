//! 3x3 convolutions of stride 1 by Winograd's minimal filtering, F(4x4, 3x3): a quarter of the multiplications.
//!
//! The output is cut into tiles of 4 x 4 pixels. The 6 x 6 values that a tile depends on are transformed to 36 points
//! ([`points`], [`tiles`]); so is the window of each pair of channels ([`weights`]). At each point the convolution is a
//! product of matrices, (tiles, input channels) by (input channels, output channels), and its result is transformed back.
//! The gradient of the input is the same with the window turned around. For the gradient of the weights, the gradients of
//! the outputs are transformed to the points, multiplied with those of the inputs, and the windows transformed back.
//!
//! Where work is cut depends on shapes only, so that results have the same bits whatever the number of threads.

mod points;
mod tiles;
mod weights;

use std::mem::MaybeUninit;
use std::ops::Range;

use self::tiles::{ALIGNMENT, AREA, Block, Grid, Input, Maps, OutputGradient, Outputs, Panels, aligned};
use self::weights::{Weights, Windows};
use super::geometry::Geometry;
use crate::fresh::{as_unwritten, written};
use crate::gemm::{Rows, Run, multiply, outer};
use crate::parallel::{for_each, for_each_piece};
use crate::scratch::with_scratch;
use crate::simd::{Level, best};

/// The convolution itself.
///
/// # Shapes
/// - `x`: `(batch, height, width, channels in)`
/// - `weight`: `(channels out, channels in, 3, 3)`
/// - returns: `(batch, output height, output width, channels out)`
pub(super) fn forward(g: &Geometry, x: &[f32], weight: &[f32]) -> Vec<f32> {
    forward_on(best(), g, x, weight)
}

/// The gradient of the input.
///
/// # Shapes
/// As [`forward`]'s; `dy` as its result, the result as its `x`.
pub(super) fn input_gradient(g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    input_gradient_on(best(), g, weight, dy)
}

/// The gradient of the weights.
///
/// # Shapes
/// As [`forward`]'s; `dy` as its result, the result as its `weight`.
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    weight_gradient_on(best(), g, x, dy)
}

fn forward_on(level: Level, g: &Geometry, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let (channels_in, channels_out) = (g.channels_in(), g.channels_out());
    let panels = Panels::new(channels_out);
    let weights = Weights::new(level, Windows::Forward, weight, channels_in, channels_out, panels);
    let source = Maps {
        values: x,
        height: g.down.input,
        width: g.across.input,
        channels: channels_in,
        padding: (g.down.padding, g.across.padding),
        zeros: &vec![0.0; channels_in],
    };
    let outputs = Outputs { height: g.down.output, width: g.across.output };
    convolve(level, g.batch, source, &weights, panels, outputs)
}

fn input_gradient_on(level: Level, g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let (channels_in, channels_out) = (g.channels_in(), g.channels_out());
    let panels = Panels::new(channels_in);
    let weights = Weights::new(level, Windows::Turned, weight, channels_in, channels_out, panels);
    let source = Maps {
        values: dy,
        height: g.down.output,
        width: g.across.output,
        channels: channels_out,
        padding: (2_usize.wrapping_sub(g.down.padding), 2_usize.wrapping_sub(g.across.padding)),
        zeros: &vec![0.0; channels_out],
    };
    let outputs = Outputs { height: g.down.input, width: g.across.input };
    convolve(level, g.batch, source, &weights, panels, outputs)
}

/// A cache that is one core's own, in values: 1 MiB, of which some is left to weights and maps.
const OWN_CACHE: usize = 200 << 10;
/// What a shared cache holds beside weights.
const SHARED_CACHE: usize = 3 << 20;
/// Points of weights that a shared cache hands to each job anew: more than these are read once for all tiles.
const MANY_WEIGHTS: usize = 600 << 10;

/// How the rows of tiles are cut.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Rows of tiles of a job: their points are in memory at the same time.
    rows: usize,
    /// Rows of tiles of a block of a job.
    block: usize,
    /// Whether threads work on one job together, not each on its own.
    together: bool,
}

impl Cut {
    /// `values` for each tile.
    fn new(grid: Grid, values: usize, weights: usize) -> Self {
        let together = weights > MANY_WEIGHTS;
        let room = if together { SHARED_CACHE } else { OWN_CACHE };
        let rows = (room / (values * grid.across).max(1)).max(12_usize.div_ceil(grid.across.max(1)));
        // Jobs of about the same size.
        let rows = grid.rows.div_ceil(grid.rows.div_ceil(rows).max(1));
        let block = if together { 8_usize.div_ceil(grid.across.max(1)).min(rows) } else { rows };
        Self { rows, block, together }
    }
}

/// Calls `work` with the index and the values of each piece, on all threads or on this one.
fn pieces<T: Send>(
    values: &mut [T],
    piece: usize,
    together: bool,
    work: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    if together {
        for_each_piece(values, piece, work);
    } else {
        values.chunks_mut(piece).enumerate().for_each(|(index, values)| work(index, values));
    }
}

/// Rows of tiles and their pixels.
type Strip<'a> = (Range<usize>, &'a mut [MaybeUninit<f32>]);

/// Cuts the pixels of `rows` into those of `step` rows each.
fn strips<'a>(
    grid: Grid,
    height: usize,
    row: usize,
    (rows, mut pixels): Strip<'a>,
    step: usize,
) -> Vec<Strip<'a>> {
    let starts = rows.clone().step_by(step.max(1));
    starts
        .map(|start| {
            let end = (start + step).min(rows.end);
            let len = (grid.pixel_row(end, height) - grid.pixel_row(start, height)) * row;
            let (here, after) = std::mem::take(&mut pixels).split_at_mut(len);
            pixels = after;
            (start..end, here)
        })
        .collect()
}

fn convolve(
    level: Level,
    batch: usize,
    source: Maps<'_>,
    weights: &Weights,
    panels: Panels,
    outputs: Outputs,
) -> Vec<f32> {
    let grid = Grid::new(batch, outputs.height, outputs.width);
    let channels = source.channels + panels.channels;
    let cut = Cut::new(grid, AREA * channels, AREA * source.channels * panels.channels);
    let convolution = Convolution { level, source, weights, panels, outputs, grid, cut };
    let row = outputs.width * panels.channels;
    // SAFETY: the strips are all pixels, and each job writes all of its own.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(batch * outputs.height * row, |out| {
            let jobs = strips(grid, outputs.height, row, (0..grid.rows, out), cut.rows);
            if cut.together {
                jobs.into_iter().for_each(|strip| convolution.job(strip));
            } else {
                for_each(jobs, |strip| convolution.job(strip));
            }
        })
    }
}

struct Convolution<'a> {
    level: Level,
    source: Maps<'a>,
    weights: &'a Weights,
    panels: Panels,
    outputs: Outputs,
    grid: Grid,
    cut: Cut,
}

impl Convolution<'_> {
    /// Writes the pixels of some rows of tiles.
    fn job(&self, (rows, out): Strip<'_>) {
        let Self { level, source, weights, panels, outputs, grid, cut } = *self;
        let blocks = Blocks::new(grid, &rows, cut.block, source.channels);
        let tiles = rows.len() * grid.across;
        let product = panels.block(tiles);
        let (v_len, m_len) = (blocks.len(), panels.count() * product.len());
        with_scratch(v_len + m_len + 2 * ALIGNMENT, |scratch| {
            let (v, m) = scratch.split_at_mut(v_len + ALIGNMENT);
            let (v, m) = (aligned(v, v_len), aligned(m, m_len));
            pieces(v, blocks.block.len(), cut.together, |index, out| {
                let rows = blocks.rows(&rows, index);
                tiles::to_points(level, Input, source, grid, rows, blocks.block, out);
            });
            let bases = blocks.bases(tiles);
            let targets: Vec<usize> = (0..tiles).map(|tile| tile * product.channels).collect();
            pieces(m, product.stride(), cut.together, |index, out| {
                let (panel, point) = (index / AREA, index % AREA);
                let a = Rows { values: &v[point * blocks.block.stride()..], bases: &bases };
                let runs = [Run { offset: 0, len: source.channels }];
                let (layout, b) = weights.at(panel, point);
                multiply(a, &runs, layout, b, as_unwritten(out), &targets);
            });
            let m = &*m;
            let row = outputs.width * panels.channels;
            let start = rows.start;
            let work = |(rows, out): Strip<'_>| {
                let first = (rows.start - start) * grid.across;
                tiles::from_points(level, m, panels, tiles, first, grid, outputs, rows, out);
            };
            if cut.together {
                for_each(strips(grid, outputs.height, row, (rows, out), cut.block), work);
            } else {
                work((rows, out));
            }
        });
    }
}

/// The points of some rows of tiles, cut into blocks of rows.
#[derive(Clone, Copy, Debug)]
struct Blocks {
    /// Rows of tiles of a block; the last may have fewer.
    rows: usize,
    count: usize,
    block: Block,
}

impl Blocks {
    fn new(grid: Grid, rows: &Range<usize>, block: usize, channels: usize) -> Self {
        let tiles = block * grid.across;
        Self { rows: block, count: rows.len().div_ceil(block), block: Block { tiles, channels } }
    }

    fn len(&self) -> usize {
        self.count * self.block.len()
    }

    /// The rows of a block of `rows`.
    fn rows(&self, rows: &Range<usize>, index: usize) -> Range<usize> {
        let start = rows.start + index * self.rows;
        start..(start + self.rows).min(rows.end)
    }

    /// Where the channels of each tile begin, from the first value of a point on.
    fn bases(&self, tiles: usize) -> Vec<usize> {
        let Block { tiles: of_block, channels } = self.block;
        (0..tiles).map(|tile| tile / of_block * self.block.len() + tile % of_block * channels).collect()
    }
}

fn weight_gradient_on(level: Level, g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let (channels_in, channels_out) = (g.channels_in(), g.channels_out());
    let inputs = Maps {
        values: x,
        height: g.down.input,
        width: g.across.input,
        channels: channels_in,
        padding: (g.down.padding, g.across.padding),
        zeros: &vec![0.0; channels_in],
    };
    let gradients = Maps {
        values: dy,
        height: g.down.output,
        width: g.across.output,
        channels: channels_out,
        padding: (0, 0),
        zeros: &vec![0.0; channels_out],
    };
    let grid = Grid::new(g.batch, g.down.output, g.across.output);
    let per_row = AREA * (channels_in + channels_out) * grid.across;
    let rows = (SUPER / per_row.max(1)).clamp(1, grid.rows.max(1));
    let rows = grid.rows.div_ceil(grid.rows.div_ceil(rows).max(1)).max(1);
    let block = 8_usize.div_ceil(grid.across.max(1)).min(rows);
    let point = channels_in * channels_out;
    let stride = point + 16;
    let sums_len = AREA * stride;
    with_scratch(sums_len + ALIGNMENT, |sums| {
        let sums = aligned(sums, sums_len);
        if grid.rows == 0 {
            sums.fill(0.0);
        }
        for start in (0..grid.rows).step_by(rows) {
            let here = start..(start + rows).min(grid.rows);
            let tiles = here.len() * grid.across;
            let v_blocks = Blocks::new(grid, &here, block, channels_in);
            let w_blocks = Blocks::new(grid, &here, block, channels_out);
            let (v_len, w_len) = (v_blocks.len(), w_blocks.len());
            with_scratch(v_len + w_len + 2 * ALIGNMENT, |scratch| {
                let (v, w) = scratch.split_at_mut(v_len + ALIGNMENT);
                let (v, w) = (aligned(v, v_len), aligned(w, w_len));
                for_each_piece(v, v_blocks.block.len(), |index, out| {
                    let rows = v_blocks.rows(&here, index);
                    tiles::to_points(level, Input, inputs, grid, rows, v_blocks.block, out);
                });
                for_each_piece(w, w_blocks.block.len(), |index, out| {
                    let rows = w_blocks.rows(&here, index);
                    tiles::to_points(level, OutputGradient, gradients, grid, rows, w_blocks.block, out);
                });
                let (v_bases, w_bases) = (v_blocks.bases(tiles), w_blocks.bases(tiles));
                let (v, w) = (&*v, &*w);
                let strip = channels_in.div_ceil(channels_in.div_ceil(STRIP));
                let jobs = sums.chunks_mut(stride).enumerate();
                let jobs = jobs.flat_map(|(at, sums)| {
                    sums[..point]
                        .chunks_mut(strip * channels_out)
                        .enumerate()
                        .map(move |(i, s)| (at, i * strip, s))
                });
                for_each(jobs.collect(), |(at, offset, sums): (usize, usize, &mut [f32])| {
                    if start == 0 {
                        sums.fill(0.0);
                    }
                    let a = Rows { values: &v[at * v_blocks.block.stride()..], bases: &v_bases };
                    let b = Rows { values: &w[at * w_blocks.block.stride()..], bases: &w_bases };
                    let run = Run { offset, len: sums.len() / channels_out };
                    outer(a, run, b, channels_out, sums);
                });
            });
        }
        weights::from_points(level, sums, stride, channels_in, channels_out)
    })
}

/// Points of inputs and gradients of outputs that are in memory at the same time, in values.
const SUPER: usize = 1 << 20;
/// Input channels of a job of the product.
const STRIP: usize = 128;

#[cfg(test)]
mod tests;
