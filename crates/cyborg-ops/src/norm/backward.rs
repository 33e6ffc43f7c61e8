//! Gradients of batch normalisation, with those of the rectification and the sum that may follow it.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::Lines;
use super::lines::{Folded, at};
use super::statistics::{block_rows, fold_sums};
use crate::fresh::written;
use crate::parallel::{for_each, for_each_piece, map};
use crate::vectors::dispatch;
use crate::view::{Strip, View, ViewMut};

/// Gradients of [`super::normalise`].
#[derive(Debug)]
pub(crate) struct Gradients {
    /// `(rows, channels)`; empty after [`gradients_into`], which has added it elsewhere.
    pub(crate) input: Vec<f32>,
    /// `(channels)`
    pub(crate) gamma: Vec<f32>,
    /// `(channels)`
    pub(crate) beta: Vec<f32>,
}

/// Gradients of [`super::normalise_add`].
#[derive(Debug)]
pub(crate) struct AddGradients {
    /// As those of [`super::normalise`].
    pub(crate) own: Gradients,
    /// `(rows, channels)`
    pub(crate) shortcut: Vec<f32>,
}

/// Gradients from the gradient `g` of the output, `(rows, channels)`, which is overwritten with the input's. What ReLU
/// stopped is found from `x` again.
///
/// # Panics
/// If `lines` are of another number of channels, or `g` of another size.
pub(crate) fn gradients(x: View<'_>, mut g: Vec<f32>, lines: &Lines, relu: bool) -> Gradients {
    let (parameters, gamma, beta) = Parameters::found(x, &g, lines, relu);
    let (rows, fold) = (x.rows_per_job(), x.fold());
    for_each_piece(&mut g, rows * x.channels(), |index, g| {
        let x = x.strip(x.part_rows(index, rows), fold);
        if relu {
            dispatch(InPlace::<true> { x, g, parameters: &parameters });
        } else {
            dispatch(InPlace::<false> { x, g, parameters: &parameters });
        }
    });
    Gradients { input: g, gamma, beta }
}

/// As [`gradients`], but adds the input's gradient to the channels of a wider buffer.
///
/// # Panics
/// As [`gradients`], or if `into` has other rows than `x`.
pub(crate) fn gradients_into(
    x: View<'_>,
    g: &[f32],
    lines: &Lines,
    relu: bool,
    into: ViewMut<'_>,
) -> Gradients {
    let (parameters, gamma, beta) = Parameters::found(x, g, lines, relu);
    let ViewMut { values, stride, first } = into;
    let channels = x.channels();
    assert!(first + channels <= stride && values.len() == x.rows() * stride);
    // Rows of the buffer are apart: none are put together, so the parameters are those of one pixel, at the front.
    let rows = x.rows_per_job();
    for_each_piece(values, rows * stride, |index, into| {
        let rows = x.part_rows(index, rows);
        let g = &g[rows.start * channels..rows.end * channels];
        let x = x.strip(rows, 1);
        if relu {
            dispatch(Added::<true> { x, g, parameters: &parameters, into, stride, first });
        } else {
            dispatch(Added::<false> { x, g, parameters: &parameters, into, stride, first });
        }
    });
    Gradients { input: Vec::new(), gamma, beta }
}

/// Gradients of [`super::normalise_add`] from its output `out` and the gradient `g` of that, which becomes the shortcut's:
/// zero where ReLU, if `relu`, stopped it.
///
/// # Panics
/// If `lines` are of another number of channels, or `out` or `g` of another size.
pub(crate) fn gradients_add(
    x: View<'_>,
    out: &[f32],
    mut g: Vec<f32>,
    lines: &Lines,
    relu: bool,
) -> AddGradients {
    let (parameters, gamma, beta) = if relu {
        Parameters::masking(x, out, &mut g, lines)
    } else {
        Parameters::found(x, &g, lines, false)
    };
    let (rows, fold, channels) = (x.rows_per_job(), x.fold(), x.channels());
    // SAFETY: the pieces are all of the values, and each is written row by row.
    #[expect(unsafe_code, reason = "see `written`")]
    let input = unsafe {
        written(x.len(), |dx| {
            for_each_piece(dx, rows * channels, |index, dx| {
                let rows = x.part_rows(index, rows);
                let g = &g[rows.start * channels..rows.end * channels];
                dispatch(Fresh { x: x.strip(rows, fold), g, parameters: &parameters, dx });
            });
        })
    };
    AddGradients { own: Gradients { input, gamma, beta }, shortcut: g }
}

/// What makes the gradient of the input out of the output's, for rows of `fold` pixels.
struct Parameters {
    lines: Folded,
    slope: Vec<f32>,
    constant: Vec<f32>,
}

impl Parameters {
    /// With the gradients of gamma and beta.
    fn found(x: View<'_>, g: &[f32], lines: &Lines, relu: bool) -> (Self, Vec<f32>, Vec<f32>) {
        let (rows, fold, channels) = (x.rows_per_sum(), x.fold(), x.channels());
        assert!(channels == lines.channels() && g.len() == x.len());
        let folded = lines.folded(fold);
        let sums = map(x.rows().div_ceil(rows), |index| {
            let rows = x.part_rows(index, rows);
            let g = Strip::dense(&g[rows.start * channels..rows.end * channels], channels * fold);
            let x = x.strip(rows, fold);
            if relu {
                dispatch(SumUp::<true> { x, g, lines: &folded, channels })
            } else {
                dispatch(SumUp::<false> { x, g, lines: &folded, channels })
            }
        });
        Self::new(x, lines, folded, sums)
    }

    /// With the gradients of gamma and beta; what ReLU stopped by its output is taken from `g`.
    fn masking(x: View<'_>, out: &[f32], g: &mut [f32], lines: &Lines) -> (Self, Vec<f32>, Vec<f32>) {
        let (rows, fold, channels) = (x.rows_per_sum(), x.fold(), x.channels());
        assert!(channels == lines.channels() && g.len() == x.len() && out.len() == x.len());
        let folded = lines.folded(fold);
        let mut sums = vec![Sums::default(); x.rows().div_ceil(rows)];
        let piece = (rows * channels).max(1);
        let jobs = sums.iter_mut().zip(g.chunks_mut(piece)).zip(out.chunks(piece)).enumerate();
        for_each(jobs.collect(), |(index, ((sums, g), out))| {
            let x = x.strip(x.part_rows(index, rows), fold);
            *sums = dispatch(MaskAndSumUp { x, out, g, lines: &folded, channels });
        });
        Self::new(x, lines, folded, sums)
    }

    fn new(x: View<'_>, lines: &Lines, folded: Folded, parts: Vec<Sums>) -> (Self, Vec<f32>, Vec<f32>) {
        let (n, channels, fold) = (x.rows() as f64, x.channels(), x.fold());
        let mut sums = Sums { plain: vec![0.0; channels], weighted: vec![0.0; channels] };
        for part in parts {
            sums.add(&part.plain, &part.weighted);
        }
        let (mut slope, mut constant) = (vec![0.0; channels], vec![0.0; channels]);
        let (mut gamma, mut beta) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
        for channel in 0..channels {
            let (rest, inverse_std) = (lines.rest[channel], lines.inverse_std[channel]);
            let plain = sums.plain[channel];
            let weighted = sums.weighted[channel] - rest * plain;
            // dx = scale * (g - mean(g) - x_hat * mean(g * x_hat)), x_hat = (x - mean) * inverse_std; without the means
            // where the statistics are constants.
            if lines.through_statistics {
                let by = weighted / n * inverse_std * inverse_std;
                slope[channel] = by as f32;
                constant[channel] = (plain / n - rest * by) as f32;
            }
            gamma.push((weighted * inverse_std) as f32);
            beta.push(plain as f32);
        }
        (Self { lines: folded, slope: slope.repeat(fold), constant: constant.repeat(fold) }, gamma, beta)
    }

    /// Centre, scale, shift, slope and constant, value after value.
    #[inline(always)]
    fn each(&self) -> impl Iterator<Item = [f32; 5]> {
        let Self { lines: Folded { centre, scale, shift }, slope, constant } = self;
        let lines = centre.iter().zip(scale).zip(shift).zip(slope.iter().zip(constant));
        lines
            .map(|(((&centre, &scale), &shift), (&slope, &constant))| [centre, scale, shift, slope, constant])
    }
}

/// Sums of each channel.
#[derive(Clone, Default)]
struct Sums {
    /// Of the gradient.
    plain: Vec<f64>,
    /// Of the gradient times `x - centre`.
    weighted: Vec<f64>,
}

impl Sums {
    #[inline(always)]
    fn add<T: Copy + Into<f64>>(&mut self, plain: &[T], weighted: &[T]) {
        for (sum, &value) in self.plain.iter_mut().zip(plain) {
            *sum += value.into();
        }
        for (sum, &value) in self.weighted.iter_mut().zip(weighted) {
            *sum += value.into();
        }
    }
}

/// In f32 over a block of rows.
struct BlockSums {
    plain: Vec<f32>,
    weighted: Vec<f32>,
}

impl BlockSums {
    fn new(width: usize) -> Self {
        Self { plain: vec![0.0; width], weighted: vec![0.0; width] }
    }

    /// Moves what has been summed up, of several pixels in a row, to the sums of channels.
    #[inline(always)]
    fn move_to(&mut self, sums: &mut Sums, channels: usize) {
        fold_sums(&mut self.plain, channels);
        fold_sums(&mut self.weighted, channels);
        sums.add(&self.plain[..channels], &self.weighted[..channels]);
        self.plain.fill(0.0);
        self.weighted.fill(0.0);
    }
}

/// The gradient before ReLU: that after it, unless the value was not positive (NaN passes, as in PyTorch).
#[inline(always)]
fn masked<const RELU: bool>(y: f32, g: f32) -> f32 {
    if RELU && y <= 0.0 { 0.0 } else { g }
}

struct SumUp<'a, const RELU: bool> {
    x: Strip<'a>,
    g: Strip<'a>,
    lines: &'a Folded,
    channels: usize,
}

impl<const RELU: bool> SumUp<'_, RELU> {
    #[inline(always)]
    fn add(&self, rows: std::ops::Range<usize>, sums: &mut BlockSums) {
        let Folded { centre, scale, shift } = self.lines;
        let (x, g) = (self.x.part(rows.clone()), self.g.part(rows));
        let BlockSums { plain, weighted } = sums;
        // Four streams, each through its quarter of the rows.
        let quarter = x.full_rows().min(g.full_rows()) / 4;
        for row in 0..quarter {
            let [x0, x1, x2, x3] = [0, 1, 2, 3].map(|n| x.full_row(row + n * quarter));
            let [g0, g1, g2, g3] = [0, 1, 2, 3].map(|n| g.full_row(row + n * quarter));
            let lines = centre.iter().zip(scale).zip(shift);
            let x = x0.iter().zip(x1).zip(x2).zip(x3);
            let g = g0.iter().zip(g1).zip(g2).zip(g3);
            for (
                (((plain, weighted), ((&centre, &scale), &shift)), (((x0, x1), x2), x3)),
                (((g0, g1), g2), g3),
            ) in plain.iter_mut().zip(&mut *weighted).zip(lines).zip(x).zip(g)
            {
                let g0 = masked::<RELU>(at(*x0, centre, scale, shift), *g0);
                let g1 = masked::<RELU>(at(*x1, centre, scale, shift), *g1);
                let g2 = masked::<RELU>(at(*x2, centre, scale, shift), *g2);
                let g3 = masked::<RELU>(at(*x3, centre, scale, shift), *g3);
                *plain += (g0 + g1) + (g2 + g3);
                *weighted +=
                    (g0 * (x0 - centre) + g1 * (x1 - centre)) + (g2 * (x2 - centre) + g3 * (x3 - centre));
            }
        }
        for row in 4 * quarter..x.rows() {
            let lines = centre.iter().zip(scale).zip(shift);
            for ((((plain, weighted), ((&centre, &scale), &shift)), &x), &g) in
                plain.iter_mut().zip(&mut *weighted).zip(lines).zip(x.row(row)).zip(g.row(row))
            {
                let g = masked::<RELU>(at(x, centre, scale, shift), g);
                *plain += g;
                *weighted += g * (x - centre);
            }
        }
    }
}

impl<const RELU: bool> WithSimd for SumUp<'_, RELU> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Sums {
        let (channels, width) = (self.channels, self.x.width());
        let mut found = Sums { plain: vec![0.0; channels], weighted: vec![0.0; channels] };
        let mut sums = BlockSums::new(width);
        let block = block_rows(width);
        for first in (0..self.x.rows()).step_by(block) {
            self.add(first..first + block, &mut sums);
            sums.move_to(&mut found, channels);
        }
        found
    }
}

struct MaskAndSumUp<'a> {
    x: Strip<'a>,
    out: &'a [f32],
    g: &'a mut [f32],
    lines: &'a Folded,
    channels: usize,
}

impl WithSimd for MaskAndSumUp<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Sums {
        let Self { x, out, g, lines: Folded { centre, .. }, channels } = self;
        let width = x.width();
        let mut found = Sums { plain: vec![0.0; channels], weighted: vec![0.0; channels] };
        let mut sums = BlockSums::new(width);
        let block = block_rows(width);
        let rows = g.chunks_mut(width.max(1)).zip(out.chunks(width.max(1)));
        for (row, (g, out)) in rows.enumerate() {
            for ((((plain, weighted), &centre), &x), (g, &out)) in sums
                .plain
                .iter_mut()
                .zip(&mut sums.weighted)
                .zip(centre)
                .zip(x.row(row))
                .zip(g.iter_mut().zip(out))
            {
                let kept = masked::<true>(out, *g);
                *g = kept;
                *plain += kept;
                *weighted += kept * (x - centre);
            }
            if (row + 1).is_multiple_of(block) {
                sums.move_to(&mut found, channels);
            }
        }
        sums.move_to(&mut found, channels);
        found
    }
}

struct InPlace<'a, const RELU: bool> {
    x: Strip<'a>,
    g: &'a mut [f32],
    parameters: &'a Parameters,
}

impl<const RELU: bool> WithSimd for InPlace<'_, RELU> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (row, g) in self.g.chunks_mut(self.x.width().max(1)).enumerate() {
            let values = g.iter_mut().zip(self.x.row(row));
            for ((g, &x), [centre, scale, shift, slope, constant]) in values.zip(self.parameters.each()) {
                let kept = masked::<RELU>(at(x, centre, scale, shift), *g);
                *g = scale * ((kept - constant) - (x - centre) * slope);
            }
        }
    }
}

struct Added<'a, const RELU: bool> {
    x: Strip<'a>,
    g: &'a [f32],
    parameters: &'a Parameters,
    into: &'a mut [f32],
    stride: usize,
    first: usize,
}

impl<const RELU: bool> WithSimd for Added<'_, RELU> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let width = self.x.width();
        for (row, into) in self.into.chunks_exact_mut(self.stride).enumerate() {
            let into = &mut into[self.first..][..width];
            let values = into.iter_mut().zip(self.x.row(row)).zip(&self.g[row * width..][..width]);
            for (((into, &x), &g), [centre, scale, shift, slope, constant]) in
                values.zip(self.parameters.each())
            {
                let g = masked::<RELU>(at(x, centre, scale, shift), g);
                *into += scale * ((g - constant) - (x - centre) * slope);
            }
        }
    }
}

struct Fresh<'a> {
    x: Strip<'a>,
    g: &'a [f32],
    parameters: &'a Parameters,
    dx: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Fresh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let width = self.x.width();
        let Parameters { lines, slope, constant } = self.parameters;
        assert!(lines.centre.len() == width && lines.scale.len() == width);
        assert!(slope.len() == width && constant.len() == width);
        for (row, dx) in self.dx.chunks_mut(width.max(1)).enumerate() {
            let (x, g) = (self.x.row(row), &self.g[row * width..][..dx.len()]);
            assert_eq!(x.len(), dx.len());
            for (((dx, &x), &g), [centre, scale, _, slope, constant]) in
                dx.iter_mut().zip(x).zip(g).zip(self.parameters.each())
            {
                dx.write(scale * ((g - constant) - (x - centre) * slope));
            }
        }
    }
}
