//! Sums over one channel of all images: in f32 over blocks, many sums side by side, in f64 from block to block.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use super::Line;
use crate::simd::dispatch;

/// Values that are summed in f32 before the sum goes into f64; small enough to stay in the first cache.
const BLOCK: usize = 4096;
/// Sums kept side by side, whatever the width of the vectors: the order of a sum is the same on every processor.
const LANES: usize = 32;

/// The sizes of a batch of images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Images {
    pub(super) batch: usize,
    pub(super) channels: usize,
    /// Values of one channel of one image.
    pub(super) plane: usize,
}

/// Of one channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statistics {
    pub(super) mean: f64,
    /// Sum of squared deviations from the mean.
    pub(super) deviations: f64,
}

/// Of one channel.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GradientSums {
    /// Of the gradient.
    pub(super) plain: f64,
    /// Of the gradient times `x - centre`.
    pub(super) weighted: f64,
}

impl Images {
    /// One channel's values, in blocks of at most [`BLOCK`], image by image.
    fn blocks<'a>(&self, values: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> {
        let (plane, stride) = (self.plane, self.channels * self.plane);
        (0..self.batch).flat_map(move |image| {
            let start = image * stride + channel * plane;
            values[start..start + plane].chunks(BLOCK)
        })
    }

    /// Mean and deviations, block by block, joined by the formula of Chan et al. (1979), which unlike a difference of
    /// sums loses nothing where the mean is large against the spread.
    pub(super) fn mean_and_deviations(&self, values: &[f32], channel: usize) -> Statistics {
        let (mut count, mut mean, mut deviations) = (0.0_f64, 0.0_f64, 0.0_f64);
        for block in self.blocks(values, channel) {
            let n = block.len() as f64;
            // Around a value of the block: what a sum in f32 loses is then small against the spread, not the mean.
            let origin = block[0];
            let block_mean = f64::from(origin) + sum(block, |x| x - origin) / n;
            let centre = block_mean as f32;
            let shift = block_mean - f64::from(centre);
            let block_deviations = sum(block, |x| (x - centre) * (x - centre)) - n * shift * shift;
            let delta = block_mean - mean;
            let total = count + n;
            mean += delta * n / total;
            deviations += block_deviations + delta * delta * count * n / total;
            count = total;
        }
        Statistics { mean, deviations: deviations.max(0.0) }
    }

    /// Sums of the gradient `g`, masked where ReLU was zero if `relu`.
    pub(super) fn gradient_sums(
        &self,
        x: &[f32],
        g: &[f32],
        channel: usize,
        line: Line,
        relu: bool,
    ) -> GradientSums {
        let blocks = self.blocks(x, channel).zip(self.blocks(g, channel));
        blocks.fold(GradientSums::default(), |sums, (x, g)| {
            let (plain, weighted) = if relu {
                two_sums(x, g, line.centre, |x, g| line.masked(x, g, true))
            } else {
                two_sums(x, g, line.centre, |_, g| g)
            };
            GradientSums { plain: sums.plain + plain, weighted: sums.weighted + weighted }
        })
    }
}

fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f64 {
    let mut lanes = [0.0; LANES];
    dispatch(AddTerms { values, term, lanes: &mut lanes });
    total(&lanes)
}

/// Sums of `g` and of `g * (x - centre)`, each `g` as `masked` says.
fn two_sums(x: &[f32], g: &[f32], centre: f32, masked: impl Fn(f32, f32) -> f32) -> (f64, f64) {
    let (mut plain, mut weighted) = ([0.0; LANES], [0.0; LANES]);
    dispatch(AddTwoTerms { x, g, centre, masked, plain: &mut plain, weighted: &mut weighted });
    (total(&plain), total(&weighted))
}

struct AddTerms<'a, F> {
    values: &'a [f32],
    term: F,
    lanes: &'a mut [f32; LANES],
}

impl<F: Fn(f32) -> f32> WithSimd for AddTerms<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let chunks = self.values.chunks_exact(LANES);
        let rest = chunks.remainder();
        let mut lanes = *self.lanes;
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane += (self.term)(x);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane += (self.term)(x);
        }
        *self.lanes = lanes;
    }
}

struct AddTwoTerms<'a, F> {
    x: &'a [f32],
    g: &'a [f32],
    centre: f32,
    masked: F,
    plain: &'a mut [f32; LANES],
    weighted: &'a mut [f32; LANES],
}

impl<F: Fn(f32, f32) -> f32> WithSimd for AddTwoTerms<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let (x, g) = (self.x.chunks_exact(LANES), self.g.chunks_exact(LANES));
        let (x_rest, g_rest) = (x.remainder(), g.remainder());
        let (mut plain, mut weighted) = (*self.plain, *self.weighted);
        let mut add = |x: &[f32], g: &[f32]| {
            for (((p, w), &x), &g) in plain.iter_mut().zip(&mut weighted).zip(x).zip(g) {
                let g = (self.masked)(x, g);
                *p += g;
                *w += g * (x - self.centre);
            }
        };
        for (x, g) in x.zip(g) {
            add(x, g);
        }
        add(x_rest, g_rest);
        (*self.plain, *self.weighted) = (plain, weighted);
    }
}

fn total(lanes: &[f32; LANES]) -> f64 {
    lanes.iter().map(|&lane| f64::from(lane)).sum()
}
