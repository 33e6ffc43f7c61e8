//! Gradients of batch normalisation, with those of the rectification and the sum that may follow it.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::Lines;
use super::lines::{Folded, at};
use super::sums::{MaskAndSumUp, SumUp, Sums};
use crate::fresh::written;
use crate::parallel::{for_each, for_each_piece, map};
use crate::vectors::{Formula, dispatch, unless_stopped, update, write};
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
        let mut sums = Sums::zero(channels);
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

    /// Centre, scale, shift, slope and constant of each value.
    fn all(&self) -> [&[f32]; 5] {
        let Self { lines: Folded { centre, scale, shift }, slope, constant } = self;
        [centre, scale, shift, slope, constant]
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
    fn with_simd<S: Simd>(self, simd: S) {
        let [centre, scale, shift, slope, constant] = self.parameters.all();
        for (row, g) in self.g.chunks_mut(self.x.width().max(1)).enumerate() {
            let others = [self.x.row(row), centre, scale, shift, slope, constant];
            update(simd, g, others, InputGradient::<RELU>);
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
    fn with_simd<S: Simd>(self, simd: S) {
        let [centre, scale, shift, slope, constant] = self.parameters.all();
        let width = self.x.width();
        for (row, into) in self.into.chunks_exact_mut(self.stride).enumerate() {
            let (into, g) = (&mut into[self.first..][..width], &self.g[row * width..][..width]);
            let others = [g, self.x.row(row), centre, scale, shift, slope, constant];
            update(simd, into, others, AddInputGradient::<RELU>);
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
    fn with_simd<S: Simd>(self, simd: S) {
        let [centre, scale, shift, slope, constant] = self.parameters.all();
        let width = self.x.width();
        for (row, dx) in self.dx.chunks_mut(width.max(1)).enumerate() {
            let others = [self.x.row(row), centre, scale, shift, slope, constant];
            write(simd, dx, &self.g[row * width..], others, InputGradient::<false>);
        }
    }
}

/// Beside a gradient: value, centre, scale, shift, slope and constant.
#[derive(Clone, Copy)]
struct InputGradient<const RELU: bool>;

impl<const RELU: bool> Formula<6> for InputGradient<RELU> {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, g: S::f32s, others: [S::f32s; 6]) -> S::f32s {
        let [x, centre, scale, shift, slope, constant] = others;
        let g = if RELU { unless_stopped(simd, at(simd, x, [centre, scale, shift]), g) } else { g };
        let through = simd.mul_f32s(simd.sub_f32s(x, centre), slope);
        simd.mul_f32s(scale, simd.sub_f32s(simd.sub_f32s(g, constant), through))
    }
}

/// Beside a sum: gradient, value, centre, scale, shift, slope and constant.
#[derive(Clone, Copy)]
struct AddInputGradient<const RELU: bool>;

impl<const RELU: bool> Formula<7> for AddInputGradient<RELU> {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, sum: S::f32s, [g, others @ ..]: [S::f32s; 7]) -> S::f32s {
        simd.add_f32s(sum, InputGradient::<RELU>.at(simd, g, others))
    }
}
