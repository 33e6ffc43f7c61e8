//! A convolution: points of inputs, products with those of windows, outputs.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::outputs::{FromPoints, Outputs};
use super::tiles::{AREA, Block, Blocks, Grid, Input, LINE, Maps, aligned, to_points};
use super::weights::{Panel, Weights};
use crate::fresh::{as_unwritten, written};
use crate::gemm::{Finish, Rows, Run, multiply};
use crate::parallel::{for_each, for_each_piece};
use crate::scratch::with_scratch;
use crate::simd::Level;

/// Points of tiles that a core's own cache of 1 MiB holds beside some of the weights, in values.
const OWN_CACHE: usize = 256 << 10;
/// Points of inputs that a cache shared by all cores holds beside weights and outputs.
const SHARED_CACHE: usize = 3 << 19;
/// With more points of weights than these, each is used for as many tiles as possible as soon as it is there.
const MANY_WEIGHTS: usize = 5 << 19;
/// Tiles that a product works on at once.
const PRODUCT_ROWS: usize = 6;

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
    fn new(grid: Grid, channels_in: usize, channels_out: usize) -> Self {
        let (across, rows) = (grid.across.max(1), grid.rows.max(1));
        if AREA * channels_in * channels_out > MANY_WEIGHTS {
            let room = SHARED_CACHE / (AREA * channels_in * across).max(1);
            // Jobs of about the same size.
            let rows = rows.div_ceil(rows.div_ceil(room.max(1)));
            return Self { rows, block: 8_usize.div_ceil(across).min(rows), together: true };
        }
        let panel = channels_out.min(64);
        let room = (OWN_CACHE / (AREA * (channels_in + panel) * across).max(1)).max(1);
        // Products leave rows empty where tiles are not a multiple of what they work on.
        let waste = |rows: usize| {
            let tiles = rows * across;
            (tiles.next_multiple_of(PRODUCT_ROWS) * 1000 / tiles, rows.abs_diff(room))
        };
        let rows =
            (room.div_ceil(2)..=room + room / 2).min_by_key(|&rows| waste(rows)).unwrap_or(room).min(rows);
        Self { rows, block: rows, together: false }
    }
}

/// The convolution of `source` with `weights`.
pub(super) fn convolve(
    level: Level,
    batch: usize,
    source: Maps<'_>,
    weights: Weights<'_>,
    outputs: Outputs,
    finish: Option<Finish<'_>>,
) -> Vec<f32> {
    let grid = Grid::new(batch, outputs.height, outputs.width);
    let cut = Cut::new(grid, source.channels, outputs.channels);
    let panels = &weights.panels(outputs.channels);
    let work = Convolution { level, source, weights, panels, outputs, grid, cut, finish };
    let write = |out: &mut [MaybeUninit<f32>]| {
        let jobs = work.strips((0..grid.rows, out), cut.rows);
        if cut.together {
            for strip in jobs {
                work.job(strip, None);
            }
        } else {
            let len = panels.last().map_or(0, |panel| panel.end);
            with_scratch(len + LINE, |packed| {
                let packed = aligned(packed, len);
                let mut rest = &mut *packed;
                let mut places = Vec::with_capacity(panels.len());
                for &panel in panels {
                    let (here, after) = rest.split_at_mut(panel.len());
                    places.push((panel, here));
                    rest = after;
                }
                for_each(places, |(panel, points)| weights.pack(level, panel, points));
                let packed = &*packed;
                for_each(jobs, |strip| work.job(strip, Some(packed)));
            });
        }
    };
    // SAFETY: the strips are all pixels, and each job writes all of its own.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(batch * outputs.height * outputs.width * outputs.channels, write)
    }
}

/// Rows of tiles and their pixels.
type Strip<'a> = (Range<usize>, &'a mut [MaybeUninit<f32>]);

struct Convolution<'a> {
    level: Level,
    source: Maps<'a>,
    weights: Weights<'a>,
    panels: &'a [Panel],
    outputs: Outputs,
    grid: Grid,
    cut: Cut,
    finish: Option<Finish<'a>>,
}

impl Convolution<'_> {
    /// Cuts the pixels of rows of tiles into those of `step` rows each.
    fn strips<'a>(&self, (rows, mut pixels): Strip<'a>, step: usize) -> Vec<Strip<'a>> {
        let Outputs { height, width, channels } = self.outputs;
        let starts = rows.clone().step_by(step);
        starts
            .map(|start| {
                let end = (start + step).min(rows.end);
                let down = self.grid.pixel_row(end, height) - self.grid.pixel_row(start, height);
                let (here, after) = std::mem::take(&mut pixels).split_at_mut(down * width * channels);
                pixels = after;
                (start..end, here)
            })
            .collect()
    }

    /// Writes the pixels of some rows of tiles, with all points of all panels or with those that it packs itself.
    fn job(&self, (rows, out): Strip<'_>, packed: Option<&[f32]>) {
        let tiles = rows.len() * self.grid.across;
        let blocks = Blocks::new(self.grid, rows.clone(), self.cut.block, self.source.channels);
        let widest = self.panels.iter().map(|panel| panel.columns).max().unwrap_or(0);
        let product_len = Block { tiles, channels: widest }.len();
        let packed_len =
            if packed.is_some() { 0 } else { self.panels.iter().map(Panel::len).max().unwrap_or(0) };
        with_scratch(blocks.len() + product_len + packed_len + 3 * LINE, |scratch| {
            let (v, scratch) = scratch.split_at_mut(blocks.len() + LINE);
            let (products, own) = scratch.split_at_mut(product_len + LINE);
            let v = aligned(v, blocks.len());
            let own = aligned(own, packed_len);
            let products = aligned(products, product_len);
            self.pieces(v, blocks.block.len(), |index, out| {
                to_points(self.level, Input, self.source, self.grid, blocks.rows(index), blocks.block, out);
            });
            let bases = blocks.bases(tiles);
            for panel in self.panels {
                let points = if let Some(packed) = packed {
                    &packed[panel.start..panel.end]
                } else {
                    let own = &mut own[..panel.len()];
                    self.weights.pack(self.level, *panel, own);
                    &*own
                };
                let product = Block { tiles, channels: panel.columns };
                let targets: Vec<usize> = (0..tiles).map(|tile| tile * product.tile()).collect();
                let runs = [Run { offset: 0, len: self.source.channels }];
                let products = &mut products[..product.len()];
                self.pieces(products, product.point(), |point, out| {
                    let a = Rows { values: &v[point * blocks.block.point()..], bases: &bases };
                    multiply(a, &runs, panel.layout(), panel.at(points, point), as_unwritten(out), &targets);
                });
                self.write(&rows, product, panel.first, products, out);
            }
        });
        if let Some(finish) = self.finish {
            let Outputs { height, width, channels } = self.outputs;
            let row = width * channels;
            let start = self.grid.pixel_row(rows.start, height) * row;
            let work = |(index, out): (usize, &mut [MaybeUninit<f32>])| finish.rows(start + index * row, out);
            if self.cut.together {
                for_each(out.chunks_mut(row).enumerate().collect(), work);
            } else {
                out.chunks_mut(row).enumerate().for_each(work);
            }
        }
    }

    /// Writes some channels of the pixels.
    fn write(
        &self,
        rows: &Range<usize>,
        block: Block,
        channel: usize,
        points: &[f32],
        out: &mut [MaybeUninit<f32>],
    ) {
        let Self { grid, outputs, .. } = *self;
        let start = rows.start;
        let work = |(rows, out): Strip<'_>| {
            let first = (rows.start - start) * grid.across;
            FromPoints { points, block, first, grid, outputs, channel, rows, out }.run_on(self.level);
        };
        if self.cut.together {
            for_each(self.strips((rows.clone(), out), self.cut.block), work);
        } else {
            work((rows.clone(), out));
        }
    }

    /// Calls `work` with the index and the values of each piece, on all threads or on this one.
    fn pieces(&self, values: &mut [f32], piece: usize, work: impl Fn(usize, &mut [f32]) + Sync + Send) {
        if self.cut.together {
            for_each_piece(values, piece, work);
        } else {
            values.chunks_mut(piece).enumerate().for_each(|(index, values)| work(index, values));
        }
    }
}
