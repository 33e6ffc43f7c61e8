//! Padded images as the inner loops read them, and where each tap of the window lies in them.
//!
//! A plane is one channel of one image with its padding, row after row. The zeros behind a row are the zeros before the
//! next, so there is one border between two rows, not two. Position `y * pitch + x` stands for window `(y, x)`; adding
//! the offset of a tap gives the cell that the tap sees. With a stride, a channel is dealt out to `stride x stride`
//! planes, so that neighbouring windows see neighbouring values in each.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use super::geometry::{Axis, Geometry};
use crate::scratch::with_scratch;
use crate::simd::{MAX_LANES, dispatch};

/// What one tap of the window reads, in one direction.
#[derive(Clone, Copy, Debug)]
struct Tap {
    phase: usize,
    shift: usize,
}

/// How one direction of an image is dealt out to planes.
#[derive(Clone, Copy, Debug)]
struct Deal {
    /// Cells of the image.
    cells: usize,
    /// Zeros before them.
    padding: usize,
    stride: usize,
}

impl Deal {
    /// Zeros before the first cell of the image in planes of this phase.
    fn zeros_before(&self, phase: usize) -> usize {
        self.padding.saturating_sub(phase).div_ceil(self.stride)
    }

    /// The cell of the image at an index of such a plane, which may lie behind the image's end.
    fn cell(&self, phase: usize, index: usize) -> usize {
        index * self.stride + phase - self.padding
    }

    /// Cells of the image in such a plane, of the first `end` indices.
    fn cells(&self, phase: usize, end: usize) -> usize {
        let before = self.zeros_before(phase);
        let cells = (self.cells + self.padding).saturating_sub(phase).div_ceil(self.stride);
        cells.min(end).saturating_sub(before)
    }
}

/// One set of windows over a plane: a convolution has one; the gradient of its input one for each remainder of the
/// cells modulo the stride.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    /// Windows down and across.
    pub(super) size: (usize, usize),
    /// Offset of each tap: channel, then row, then column of the window.
    pub(super) offsets: Vec<usize>,
    /// Taps of one channel as (row, column) of the window.
    pub(super) taps: Vec<(usize, usize)>,
    /// Where results go: first row and column, and steps from one to the next.
    pub(super) target: Target,
}

impl Windows {
    /// Positions from the first window to the last, borders between included.
    pub(super) fn positions(&self, pitch: usize) -> usize {
        if self.size.0 == 0 || self.size.1 == 0 { 0 } else { (self.size.0 - 1) * pitch + self.size.1 }
    }
}

/// Cells of an image, a step apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) first: (usize, usize),
    pub(super) step: (usize, usize),
    /// Cells in a row of the image.
    pub(super) width: usize,
}

/// The planes of one image.
#[derive(Clone, Debug)]
pub(super) struct Planes {
    channels: usize,
    /// Which (row, column) phases there are, in order.
    phases: Vec<(usize, usize)>,
    down: Deal,
    across: Deal,
    rows: usize,
    pub(super) pitch: usize,
    /// Values of one plane.
    plane: usize,
    /// The planes are the image as it is.
    is_image: bool,
}

/// Taps of one direction that see cells of one remainder, for one set of windows.
#[derive(Clone, Debug)]
struct Line {
    windows: usize,
    /// (tap of the window, what it reads)
    taps: Vec<(usize, Tap)>,
}

impl Line {
    fn reach(&self, phase: usize) -> usize {
        let shifts = self.taps.iter().filter(|(_, tap)| tap.phase == phase).map(|(_, tap)| tap.shift);
        shifts.max().map_or(0, |shift| shift + self.windows)
    }
}

impl Planes {
    /// The input of a convolution, and its windows.
    pub(super) fn of_input(g: &Geometry) -> (Self, Windows) {
        let line = |axis: Axis| {
            let tap =
                |t| Tap { phase: t * axis.dilation % axis.stride, shift: t * axis.dilation / axis.stride };
            Line { windows: axis.output, taps: (0..axis.kernel).map(|t| (t, tap(t))).collect() }
        };
        let deal = |axis: Axis| Deal { cells: axis.input, padding: axis.padding, stride: axis.stride };
        let (down, across) = (line(g.down), line(g.across));
        let planes = Self::new(
            g.group_in,
            (deal(g.down), deal(g.across)),
            std::slice::from_ref(&down),
            std::slice::from_ref(&across),
        );
        let target = Target { first: (0, 0), step: (1, 1), width: g.across.output };
        let windows = planes.windows(&down, &across, target);
        (planes, windows)
    }

    /// The gradient of a convolution's output, and the windows of it that give the gradient of the input.
    ///
    /// Cell `y` of the input is seen by tap `t` of window `o` where `y + padding = o * stride + t * dilation`. With
    /// `y + padding = b * stride + f` and `t * dilation = q * stride + f` (the same remainder, or there is no such
    /// window) that is `o = b - q`: a convolution of stride 1, for each remainder `f`.
    pub(super) fn of_output_gradient(g: &Geometry) -> (Self, Vec<Windows>) {
        let lines = |axis: Axis| {
            let farthest = (axis.kernel - 1) * axis.dilation / axis.stride;
            let line = |f: usize| {
                let first = axis.padding.saturating_sub(f).div_ceil(axis.stride);
                let end = (axis.input + axis.padding).saturating_sub(f).div_ceil(axis.stride);
                let taps = (0..axis.kernel).filter(|t| t * axis.dilation % axis.stride == f);
                let tap = |t| Tap { phase: 0, shift: first + farthest - t * axis.dilation / axis.stride };
                let line =
                    Line { windows: end.saturating_sub(first), taps: taps.map(|t| (t, tap(t))).collect() };
                (line, first * axis.stride + f)
            };
            let mut lines: Vec<(Line, usize)> = (0..axis.stride).map(line).collect();
            // Zeros that no tap sees are left out.
            let shifts = lines.iter().flat_map(|(line, _)| line.taps.iter().map(|(_, tap)| tap.shift));
            let unseen = shifts.min().unwrap_or(0).min(farthest);
            for (_, tap) in lines.iter_mut().flat_map(|(line, _)| &mut line.taps) {
                tap.shift -= unseen;
            }
            (lines, Deal { cells: axis.output, padding: farthest - unseen, stride: 1 })
        };
        let ((down, deal_down), (across, deal_across)) = (lines(g.down), lines(g.across));
        let only_lines =
            |lines: &[(Line, usize)]| lines.iter().map(|(line, _)| line.clone()).collect::<Vec<_>>();
        let planes =
            Self::new(g.group_out, (deal_down, deal_across), &only_lines(&down), &only_lines(&across));
        let mut sets = Vec::new();
        for (line_down, first_down) in &down {
            for (line_across, first_across) in &across {
                if line_down.taps.is_empty() || line_across.taps.is_empty() {
                    continue;
                }
                let target = Target {
                    first: (first_down - g.down.padding, first_across - g.across.padding),
                    step: (g.down.stride, g.across.stride),
                    width: g.across.input,
                };
                sets.push(planes.windows(line_down, line_across, target));
            }
        }
        (planes, sets)
    }

    fn new(
        channels: usize,
        (down, across): (Deal, Deal),
        lines_down: &[Line],
        lines_across: &[Line],
    ) -> Self {
        let phases_of = |lines: &[Line]| {
            let mut phases: Vec<usize> =
                lines.iter().flat_map(|l| l.taps.iter().map(|(_, tap)| tap.phase)).collect();
            phases.sort_unstable();
            phases.dedup();
            phases
        };
        let (phases_down, phases_across) = (phases_of(lines_down), phases_of(lines_across));
        let reach = |lines: &[Line], phase| lines.iter().map(|line| line.reach(phase)).max().unwrap_or(0);
        let rows = phases_down.iter().map(|&phase| reach(lines_down, phase)).max().unwrap_or(0);
        // A row must hold its windows and its cells; what windows read beyond it must be the zeros before the next row.
        let mut pitch = lines_across.iter().map(|line| line.windows).max().unwrap_or(0).max(1);
        for &phase in &phases_across {
            let (reach, before) = (reach(lines_across, phase), across.zeros_before(phase));
            pitch = pitch.max(before + across.cells(phase, reach)).max(reach.saturating_sub(before));
        }
        // The image as it is will do if windows are its cells, in whole vectors, and planes do not all begin in the same
        // place of the first cache (as multiples of a page do).
        let cells = down.cells * across.cells;
        let pointwise = |lines: &[Line], deal: Deal| {
            deal.padding == 0
                && deal.stride == 1
                && lines.iter().all(|line| line.windows == deal.cells && line.reach(0) == deal.cells)
        };
        let is_image = pointwise(lines_down, down)
            && pointwise(lines_across, across)
            && cells.is_multiple_of(MAX_LANES)
            && !cells.is_multiple_of(256);
        if is_image {
            let (rows, pitch) = (down.cells, across.cells);
            return Self {
                channels,
                phases: vec![(0, 0)],
                down,
                across,
                rows,
                pitch,
                plane: cells,
                is_image,
            };
        }
        // Otherwise readable for a vector beyond the last position; whole cache lines; not a multiple of the size of a page, which
        // would put all planes in the same few places of the first cache.
        let reach_across = phases_across.iter().map(|&phase| reach(lines_across, phase)).max().unwrap_or(0);
        let mut plane = (rows * pitch + reach_across + MAX_LANES).next_multiple_of(MAX_LANES);
        if plane.is_multiple_of(256) {
            plane += MAX_LANES;
        }
        let phases = phases_down.iter().flat_map(|&y| phases_across.iter().map(move |&x| (y, x))).collect();
        Self { channels, phases, down, across, rows, pitch, plane, is_image }
    }

    fn windows(&self, down: &Line, across: &Line, target: Target) -> Windows {
        let mut windows =
            Windows { size: (down.windows, across.windows), offsets: Vec::new(), taps: Vec::new(), target };
        for channel in 0..self.channels {
            for (tap_y, y) in &down.taps {
                for (tap_x, x) in &across.taps {
                    let phase =
                        self.phases.iter().position(|&phase| phase == (y.phase, x.phase)).unwrap_or(0);
                    let plane = channel * self.phases.len() + phase;
                    windows.offsets.push(plane * self.plane + y.shift * self.pitch + x.shift);
                    if channel == 0 {
                        windows.taps.push((*tap_y, *tap_x));
                    }
                }
            }
        }
        windows
    }

    /// Values of the planes of one image.
    pub(super) fn len(&self) -> usize {
        self.channels * self.phases.len() * self.plane
    }

    /// Calls `work` with the planes of consecutive images, laid out in scratch memory unless they are so already.
    ///
    /// `images` are the channels of one group; in `source` they lie `stride` apart.
    pub(super) fn with_images<T>(
        &self,
        source: &[f32],
        stride: usize,
        images: usize,
        work: impl FnOnce(&[f32]) -> T,
    ) -> T {
        if self.is_image && (stride == self.len() || images == 1) {
            return work(&source[..images * self.len()]);
        }
        with_scratch(images * self.len(), |planes| {
            for (image, planes) in planes.chunks_exact_mut(self.len()).enumerate() {
                self.fill(&source[image * stride..], planes);
            }
            work(planes)
        })
    }

    /// Lays out an image of this many channels; every value of `planes` is written.
    fn fill(&self, image: &[f32], planes: &mut [f32]) {
        dispatch(Fill { layout: self, image, planes });
    }

    #[inline(always)]
    fn fill_here(&self, image: &[f32], planes: &mut [f32]) {
        let (height, width) = (self.down.cells, self.across.cells);
        let stride = self.across.stride;
        for (channel, planes) in planes.chunks_exact_mut(self.phases.len() * self.plane).enumerate() {
            let image = &image[channel * height * width..][..height * width];
            for (&(phase_y, phase_x), plane) in self.phases.iter().zip(planes.chunks_exact_mut(self.plane)) {
                let (above, before) = (self.down.zeros_before(phase_y), self.across.zeros_before(phase_x));
                let inside = above..above + self.down.cells(phase_y, self.rows);
                let cells = self.across.cells(phase_x, self.pitch);
                if cells == 0 {
                    plane.fill(0.0);
                    continue;
                }
                let (rows_above, rest) = plane.split_at_mut(inside.start * self.pitch);
                let (rows, rows_below) = rest.split_at_mut(inside.len() * self.pitch);
                rows_above.fill(0.0);
                rows_below.fill(0.0);
                let first = self.across.cell(phase_x, before);
                for (row, index) in rows.chunks_exact_mut(self.pitch).zip(inside) {
                    let (zeros, row) = row.split_at_mut(before);
                    let (row, border) = row.split_at_mut(cells);
                    zeros.fill(0.0);
                    border.fill(0.0);
                    let image = &image[self.down.cell(phase_y, index) * width + first..];
                    match stride {
                        1 => row.copy_from_slice(&image[..cells]),
                        // Known to the compiler, so that it can use vectors.
                        2 => every(2, &image[..=2 * (cells - 1)], row),
                        _ => every(stride, &image[..=stride * (cells - 1)], row),
                    }
                }
            }
        }
    }
}

struct Fill<'a> {
    layout: &'a Planes,
    image: &'a [f32],
    planes: &'a mut [f32],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        self.layout.fill_here(self.image, self.planes);
    }
}

/// `to[i] = from[i * step]`
#[inline(always)]
fn every(step: usize, from: &[f32], to: &mut [f32]) {
    let Some((last, to)) = to.split_last_mut() else { return };
    *last = from[to.len() * step];
    for (to, from) in to.iter_mut().zip(from.chunks_exact(step)) {
        *to = from[0];
    }
}
