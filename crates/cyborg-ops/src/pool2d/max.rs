//! The largest value under each window.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Simd, WithSimd, bytemuck};

use super::{for_blocks, rows_per_job};
use crate::fresh::written;
use crate::parallel::{for_each, for_each_piece};
use crate::vectors::dispatch;
use crate::windows::Windows;

/// Cells of a window whose numbers fit into a byte.
const SMALL: usize = 255;

/// For each value of the output, which cell of its window won, in reading order, padding included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Winners {
    /// Of windows of at most 255 cells.
    Small(Vec<u8>),
    /// Of larger ones.
    Large(Vec<u32>),
}

/// The largest value under each window, and which it was. NaN wins over every number; of equals the first wins.
///
/// # Shapes
/// - `x`: `(batch, height, width, channels)`
/// - returns: `(batch, windows down, windows across, channels)`
///
/// # Panics
/// If `x` is of another size.
pub(crate) fn max_pool(windows: &Windows, x: &[f32]) -> (Vec<f32>, Winners) {
    assert_eq!(x.len(), windows.input_len());
    if windows.kernel_cells() <= SMALL {
        let (out, winners) = found(windows, x);
        (out, Winners::Small(winners))
    } else {
        let (out, winners) = found(windows, x);
        (out, Winners::Large(winners))
    }
}

/// The gradient of the input from that of the output, `g`: each value's goes to the winner.
///
/// # Panics
/// If `g` or `winners` are not of the output's size.
pub(crate) fn max_pool_gradient(windows: &Windows, winners: &Winners, g: &[f32]) -> Vec<f32> {
    match winners {
        Winners::Small(winners) => gathered(windows, winners, g),
        Winners::Large(winners) => gathered(windows, winners, g),
    }
}

/// The number of a cell of a window.
trait Cell: Copy + PartialEq + Send + Sync {
    fn of(cell: u32) -> Self;
}

impl Cell for u8 {
    #[inline(always)]
    fn of(cell: u32) -> Self {
        cell as u8
    }
}

impl Cell for u32 {
    #[inline(always)]
    fn of(cell: u32) -> Self {
        cell
    }
}

fn found<C: Cell>(windows: &Windows, x: &[f32]) -> (Vec<f32>, Vec<C>) {
    let len = windows.output_len();
    let row_len = windows.across.output * windows.channels;
    let (rows, mut winners) = (rows_per_job(row_len), Vec::with_capacity(len));
    let piece = (rows * row_len).max(1);
    // SAFETY: the pieces are all rows of the output and of the winners, and of each row all windows are written.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        let out = written(len, |out| {
            let winners = winners.spare_capacity_mut()[..len].chunks_mut(piece);
            let jobs = out.chunks_mut(piece).zip(winners).enumerate();
            for_each(jobs.collect(), |(index, (out, winners))| {
                dispatch(Largest { windows, x, first_row: index * rows, out, winners });
            });
        });
        winners.set_len(len);
        (out, winners)
    }
}

/// Some rows of the output, counted through all images.
struct Largest<'a, C> {
    windows: &'a Windows,
    x: &'a [f32],
    first_row: usize,
    out: &'a mut [MaybeUninit<f32>],
    winners: &'a mut [MaybeUninit<C>],
}

impl<C: Cell> WithSimd for Largest<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { windows, x, first_row, out, winners } = self;
        let Windows { channels, down, across, .. } = *windows;
        let kernel_width = windows.kernel_width();
        let pixels = out.chunks_exact_mut(channels).zip(winners.chunks_exact_mut(channels));
        for (index, (out, winners)) in pixels.enumerate() {
            let (row, column) = (first_row + index / across.output, index % across.output);
            let (image, row) = (row / down.output, row % down.output);
            let (rows, columns) = (down.cells(row), across.cells(column));
            let window = Window {
                // The image's first value, and what lies between rows.
                start: image * down.input * across.input * channels,
                pitch: across.input * channels,
                channels,
                first: (down.place(row, rows.start) * kernel_width + across.place(column, columns.start))
                    as u32,
                kernel_width: kernel_width as u32,
                rows,
                columns,
            };
            let mut channel = 0;
            while channel + 2 * S::F32_LANES <= channels {
                let end = channel + 2 * S::F32_LANES;
                window.largest::<S, 2, C>(
                    simd,
                    x,
                    channel,
                    &mut out[channel..end],
                    &mut winners[channel..end],
                );
                channel = end;
            }
            while channel < channels {
                let end = (channel + S::F32_LANES).min(channels);
                window.largest::<S, 1, C>(
                    simd,
                    x,
                    channel,
                    &mut out[channel..end],
                    &mut winners[channel..end],
                );
                channel = end;
            }
        }
    }
}

/// One window of one image.
struct Window {
    start: usize,
    pitch: usize,
    channels: usize,
    /// The number of its first cell that is not padding.
    first: u32,
    kernel_width: u32,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Window {
    /// The largest values of `V` vectors of channels from `channel` on, of which the last may be partly empty.
    #[inline(always)]
    fn largest<S: Simd, const V: usize, C: Cell>(
        &self,
        simd: S,
        x: &[f32],
        channel: usize,
        out: &mut [MaybeUninit<f32>],
        winners: &mut [MaybeUninit<C>],
    ) {
        let len = out.len();
        let at = |row: usize, column: usize| {
            let at = self.start + row * self.pitch + column * self.channels + channel;
            vectors::<S, V>(simd, &x[at..at + len])
        };
        let mut best = at(self.rows.start, self.columns.start);
        let mut winner = [simd.splat_u32s(self.first); V];
        for (row, first) in self.rows.clone().zip((self.first..).step_by(self.kernel_width as usize)) {
            for (column, cell) in self.columns.clone().zip(first..) {
                let (values, cell) = (at(row, column), simd.splat_u32s(cell));
                for ((best, winner), value) in best.iter_mut().zip(&mut winner).zip(values) {
                    let larger = simd.greater_than_f32s(value, *best);
                    let number = simd.equal_f32s(value, value);
                    *best = simd.select_f32s(number, simd.select_f32s(larger, value, *best), value);
                    *winner = simd.select_u32s(number, simd.select_u32s(larger, cell, *winner), cell);
                }
            }
        }
        let best: &[f32] = bytemuck::cast_slice(&best);
        let winner: &[u32] = bytemuck::cast_slice(&winner);
        for (out, &best) in out.iter_mut().zip(&best[..len]) {
            out.write(best);
        }
        for (out, &winner) in winners.iter_mut().zip(&winner[..len]) {
            out.write(C::of(winner));
        }
    }
}

/// `V` vectors of values, the last filled up with zeros.
#[inline(always)]
fn vectors<S: Simd, const V: usize>(simd: S, values: &[f32]) -> [S::f32s; V] {
    let (whole, rest) = S::as_simd_f32s(values);
    let mut vectors = [simd.splat_f32s(0.0); V];
    if whole.len() == V {
        vectors.copy_from_slice(whole);
    } else {
        vectors[0] = simd.partial_load_f32s(rest);
    }
    vectors
}

fn gathered<C: Cell>(windows: &Windows, winners: &[C], g: &[f32]) -> Vec<f32> {
    assert!(g.len() == windows.output_len() && winners.len() == g.len());
    let row_len = windows.across.input * windows.channels;
    let rows = rows_per_job(row_len);
    // SAFETY: the pieces are all rows of the input, and of each row all cells are written.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(windows.input_len(), |dx| {
            for_each_piece(dx, rows * row_len, |index, dx| {
                dispatch(Gather { windows, winners, g, first_row: index * rows, dx });
            });
        })
    }
}

/// Some rows of the input, counted through all images: each cell adds up what it won.
struct Gather<'a, C> {
    windows: &'a Windows,
    winners: &'a [C],
    g: &'a [f32],
    first_row: usize,
    dx: &'a mut [MaybeUninit<f32>],
}

impl<C: Cell> WithSimd for Gather<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { windows, winners, g, first_row, dx } = self;
        let Windows { channels, down, across, .. } = *windows;
        let kernel_width = windows.kernel_width();
        for (index, dx) in dx.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (first_row + index / across.input, index % across.input);
            let (image, y) = (y / down.input, y % down.input);
            let (rows, columns) = (down.windows(y), across.windows(x));
            for_blocks!(channels, |channel, N| {
                let mut sum = [0.0_f32; N];
                for row in rows.clone() {
                    for column in columns.clone() {
                        let cell =
                            C::of((down.place(row, y) * kernel_width + across.place(column, x)) as u32);
                        let at = ((image * down.output + row) * across.output + column) * channels + channel;
                        for ((sum, &g), &winner) in sum.iter_mut().zip(&g[at..][..N]).zip(&winners[at..][..N])
                        {
                            *sum += if winner == cell { g } else { 0.0 };
                        }
                    }
                }
                for (dx, sum) in dx[channel..][..N].iter_mut().zip(sum) {
                    dx.write(sum);
                }
            });
        }
    }
}
