//! Convolution of each channel with a window of its own, channels last: all three passes.
//!
//! A vector is neighbouring channels of one pixel, so nothing is ever shuffled, and a border is a tap that is left out.
//! There is one loop for windows of 3x3 at stride 1 ([`three`]), which reads each pixel about once, and one for every
//! other window ([`any`]). The gradient of the input is a convolution of the gradient of the output: at stride 1 with the
//! window turned, otherwise with those taps that hit.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

mod any;
#[cfg(test)]
mod tests;
mod three;

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::geometry::Geometry;
use crate::fresh::written;
use crate::parallel::{for_each, map};
use crate::simd::{Level, levels, run_on};

/// Rows of a band at most.
const MAX_BAND: usize = 32;
/// Rows of a band at least, unless there are fewer: each band reads the rows beside it as well.
const MIN_BAND: usize = 4;
/// Bands that there should be, so that several threads have work.
const BANDS: usize = 16;

/// The output of a depthwise convolution.
///
/// # Shapes
/// - `x`: (batch, height, width, channels)
/// - `weight`: (channels, 1, kernel height, kernel width)
/// - returns: (batch, windows down, windows across, channels)
///
/// # Panics
/// If `g` has groups of several channels, or a length is another than `g` says.
pub(super) fn forward(g: &Geometry, x: &[f32], weight: &[f32]) -> Vec<f32> {
    forward_on(Vectors::best(g.groups), g, x, weight)
}

/// The gradient of the input of [`forward`]; shapes and panics as there, `dy` as its output.
pub(super) fn input_gradient(g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    input_gradient_on(Vectors::best(g.groups), g, weight, dy)
}

/// The gradient of the weight of [`forward`]; shapes and panics as there, `dy` as its output.
///
/// Sums are `f32` within a band of rows of one image, `f64` over bands and images.
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    weight_gradient_on(Vectors::best(g.groups), g, x, dy)
}

fn forward_on(vectors: Vectors, g: &Geometry, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let (source, target) = (Plane::of_input(g), Plane::of_output(g));
    let window = match three::padding(g) {
        Some(padding) => Window::Three(padding),
        None => Window::Any(any::Line::of_output(g.down), any::Line::of_output(g.across)),
    };
    gather(vectors, g, &window, &by_vector(vectors, g, weight, false), (source, x), target)
}

fn input_gradient_on(vectors: Vectors, g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let (source, target) = (Plane::of_output(g), Plane::of_input(g));
    let (window, turned) = match three::padding(g) {
        Some((down, across)) => (Window::Three((2 - down, 2 - across)), true),
        None => (Window::Any(any::Line::of_input(g.down), any::Line::of_input(g.across)), false),
    };
    gather(vectors, g, &window, &by_vector(vectors, g, weight, turned), (source, dy), target)
}

fn weight_gradient_on(vectors: Vectors, g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let (input, output) = (Plane::of_input(g), Plane::of_output(g));
    assert_eq!((g.group_in, g.group_out), (1, 1));
    assert_eq!((x.len(), dy.len()), (g.batch * input.len(), g.batch * output.len()));
    let (taps, lanes, starts) = (g.down.kernel * g.across.kernel, vectors.lanes, vectors.starts(g.groups));
    let bands = bands(g.batch, output.rows);
    let sums = map(bands.len(), |band| {
        let (image, rows) = bands[band].clone();
        let mut sums = vec![0.0_f32; starts.len() * taps * lanes];
        let x = &x[image * input.len()..][..input.len()];
        let dy = &dy[image * output.len()..][rows.start * output.row()..rows.end * output.row()];
        vectors.run(Weigh { g, x, dy, rows, starts: &starts, sums: &mut sums });
        sums
    });
    let mut totals = vec![0.0_f64; starts.len() * taps * lanes];
    for sums in &sums {
        totals.iter_mut().zip(sums).for_each(|(total, &sum)| *total += f64::from(sum));
    }
    let mut gradient = vec![0.0; g.groups * taps];
    for (&start, totals) in starts.iter().zip(totals.chunks_exact(taps * lanes)) {
        for (tap, totals) in totals.chunks_exact(lanes).enumerate() {
            for (lane, &total) in totals.iter().enumerate() {
                gradient[(start + lane) * taps + tap] = total as f32;
            }
        }
    }
    gradient
}

/// Which pixels of the source each pixel of the target is a sum of.
enum Window {
    /// 3x3 at stride 1: the first tap of the first pixel lies so far before the source's (down, across).
    Three((isize, isize)),
    /// Down and across.
    Any(any::Line, any::Line),
}

/// The rows, columns and channels of an image.
#[derive(Clone, Copy, Debug)]
struct Plane {
    rows: usize,
    columns: usize,
    channels: usize,
}

impl Plane {
    fn of_input(g: &Geometry) -> Self {
        Self { rows: g.down.input, columns: g.across.input, channels: g.groups }
    }

    fn of_output(g: &Geometry) -> Self {
        Self { rows: g.down.output, columns: g.across.output, channels: g.groups }
    }

    /// Values of a row.
    fn row(&self) -> usize {
        self.columns * self.channels
    }

    /// Values of an image.
    fn len(&self) -> usize {
        self.rows * self.row()
    }
}

/// Sums over a window, for rows `rows` of an image.
struct Gather<'a> {
    window: &'a Window,
    /// Vector, then tap, then lane.
    weights: &'a [f32],
    /// An image.
    source: &'a [f32],
    plane: Plane,
    rows: Range<usize>,
    columns: usize,
    starts: &'a [usize],
    out: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.plane.channels;
        // What the loops rely on.
        assert_eq!(self.source.len(), self.plane.len());
        assert_eq!(self.out.len(), self.rows.len() * self.columns * channels);
        assert!(self.starts.iter().all(|start| start + S::F32_LANES <= channels));
        match self.window {
            Window::Three(padding) => three::gather(simd, self, *padding),
            Window::Any(down, across) => any::gather(simd, self, down, across),
        }
    }
}

/// `out` as a sum over windows of each image of a batch.
fn gather(
    vectors: Vectors,
    g: &Geometry,
    window: &Window,
    weights: &[f32],
    (plane, sources): (Plane, &[f32]),
    target: Plane,
) -> Vec<f32> {
    assert_eq!((g.group_in, g.group_out), (1, 1));
    assert_eq!(sources.len(), g.batch * plane.len());
    let starts = vectors.starts(g.groups);
    // SAFETY: the bands are all rows of all images, and `Gather` writes every channel of every column of its rows: the
    // starts of vectors cover all channels.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(g.batch * target.len(), |mut out| {
            let mut jobs = Vec::new();
            for (image, rows) in bands(g.batch, target.rows) {
                let (here, rest) = out.split_at_mut(rows.len() * target.row());
                jobs.push((image, rows, here));
                out = rest;
            }
            for_each(jobs, |(image, rows, out)| {
                let source = &sources[image * plane.len()..][..plane.len()];
                let columns = target.columns;
                vectors.run(Gather { window, weights, source, plane, rows, columns, starts: &starts, out });
            });
        })
    }
}

/// Sums of products of `x` and `dy`, for rows `rows` of `dy`, into `sums`: vector, then tap, then lane.
struct Weigh<'a> {
    g: &'a Geometry,
    x: &'a [f32],
    dy: &'a [f32],
    rows: Range<usize>,
    starts: &'a [usize],
    sums: &'a mut [f32],
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // What the loops rely on.
        assert_eq!(self.x.len(), Plane::of_input(self.g).len());
        assert_eq!(self.dy.len(), self.rows.len() * Plane::of_output(self.g).row());
        assert!(self.starts.iter().all(|start| start + S::F32_LANES <= self.g.groups));
        match three::padding(self.g) {
            Some(padding) => three::weigh(simd, self, padding),
            None => any::weigh(simd, self),
        }
    }
}

/// (image, rows of it) for each piece of work, in order. Depends on shapes only.
fn bands(batch: usize, rows: usize) -> Vec<(usize, Range<usize>)> {
    let wanted = BANDS.div_ceil(batch.max(1)).min(rows / MIN_BAND);
    let n = rows.div_ceil(MAX_BAND).max(wanted).max(1);
    let of_image = |image| (0..n).map(move |i| (image, i * rows / n..(i + 1) * rows / n));
    (0..batch).flat_map(of_image).collect()
}

/// The weights vector by vector, then tap by tap; from the last tap to the first if `turned`.
fn by_vector(vectors: Vectors, g: &Geometry, weight: &[f32], turned: bool) -> Vec<f32> {
    let taps = g.down.kernel * g.across.kernel;
    assert_eq!(weight.len(), g.groups * taps);
    let mut weights = Vec::with_capacity(vectors.starts(g.groups).len() * taps * vectors.lanes);
    for start in vectors.starts(g.groups) {
        for tap in 0..taps {
            let tap = if turned { taps - 1 - tap } else { tap };
            weights.extend((start..start + vectors.lanes).map(|channel| weight[channel * taps + tap]));
        }
    }
    weights
}

/// The instruction set for so many channels: no vector of it is longer than they are.
#[derive(Clone, Copy, Debug)]
struct Vectors {
    /// Single values if there is none.
    level: Option<Level>,
    lanes: usize,
}

impl Vectors {
    fn best(channels: usize) -> Self {
        Self::all(channels).last().unwrap_or(Self { level: None, lanes: 1 })
    }

    /// From the shortest on.
    fn all(channels: usize) -> impl Iterator<Item = Self> {
        let single = std::iter::once(Self { level: None, lanes: 1 });
        let levels = levels().map(|level| Self { level: Some(level), lanes: run_on(level, Lanes) });
        single.chain(levels).filter(move |vectors| vectors.lanes <= channels)
    }

    fn run<W: WithSimd>(self, work: W) -> W::Output {
        match self.level {
            Some(level) => run_on(level, work),
            None => work.with_simd(pulp::Scalar),
        }
    }

    /// Where vectors begin. The last one shares channels with the one before it unless all are whole.
    fn starts(self, channels: usize) -> Vec<usize> {
        (0..channels.div_ceil(self.lanes)).map(|v| (v * self.lanes).min(channels - self.lanes)).collect()
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> usize {
        S::F32_LANES
    }
}

/// Writes the vector that begins at `at`.
///
/// # Safety
/// `at + S::F32_LANES <= out.len()`
#[expect(unsafe_code, reason = "a bounds check for each vector would cost as much as the arithmetic")]
#[inline(always)]
unsafe fn store<S: Simd>(_simd: S, out: &mut [MaybeUninit<f32>], at: usize, vector: S::f32s) {
    debug_assert!(at + S::F32_LANES <= out.len());
    // SAFETY: the caller sees to it that the vector lies within the slice; `write_unaligned` asks for no alignment.
    unsafe { out.as_mut_ptr().add(at).cast::<S::f32s>().write_unaligned(vector) }
}
