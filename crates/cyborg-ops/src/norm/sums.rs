//! Sums over the rows of a gradient that batch normalisation's gradients are made of: in f32 over blocks of rows, in f64
//! from block to block.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::ops::Range;

use pulp::{Scalar, Simd, WithSimd};

use super::lines::{Folded, at};
use super::statistics::{block_rows, fold_sums};
use crate::vectors::{Formula, cut, unless_stopped, update, vectors_and_rest};
use crate::view::Strip;

/// Sums of each channel.
#[derive(Clone, Default)]
pub(super) struct Sums {
    /// Of the gradient.
    pub(super) plain: Vec<f64>,
    /// Of the gradient times `x - centre`.
    pub(super) weighted: Vec<f64>,
}

impl Sums {
    pub(super) fn zero(channels: usize) -> Self {
        Self { plain: vec![0.0; channels], weighted: vec![0.0; channels] }
    }

    #[inline(always)]
    pub(super) fn add<T: Copy + Into<f64>>(&mut self, plain: &[T], weighted: &[T]) {
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
    fn zero(width: usize) -> Self {
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

/// Sums up a gradient as it is or, if `RELU`, without what ReLU stopped, which is found from `x`.
pub(super) struct SumUp<'a, const RELU: bool> {
    pub(super) x: Strip<'a>,
    pub(super) g: Strip<'a>,
    pub(super) lines: &'a Folded,
    pub(super) channels: usize,
}

impl<const RELU: bool> WithSimd for SumUp<'_, RELU> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Sums {
        let width = self.x.width();
        let (mut found, mut sums) = (Sums::zero(self.channels), BlockSums::zero(width));
        let block = block_rows(width);
        for first in (0..self.x.rows()).step_by(block) {
            self.add(simd, first..first + block, &mut sums);
            sums.move_to(&mut found, self.channels);
        }
        found
    }
}

impl<const RELU: bool> SumUp<'_, RELU> {
    #[inline(always)]
    fn add<S: Simd>(&self, simd: S, rows: Range<usize>, sums: &mut BlockSums) {
        let (x, g) = (self.x.part(rows.clone()), self.g.part(rows));
        // Four streams, each through its quarter of the rows.
        let quarter = x.full_rows().min(g.full_rows()) / 4;
        for row in 0..quarter {
            self.add_rows(simd, x.four_rows(row, quarter), g.four_rows(row, quarter), sums);
        }
        for row in 4 * quarter..x.rows() {
            self.add_rows(simd, [x.row(row)], [g.row(row)], sums);
        }
    }

    /// Rows of one length, which may be short.
    #[inline(always)]
    fn add_rows<S: Simd, const N: usize>(
        &self,
        simd: S,
        x: [&[f32]; N],
        g: [&[f32]; N],
        sums: &mut BlockSums,
    ) {
        let len = x[0].len();
        let Folded { centre, scale, shift } = self.lines;
        let (x, x_rest) = vectors_and_rest::<S, N>(x, len);
        let (g, g_rest) = vectors_and_rest::<S, N>(g, len);
        let (lines, lines_rest) = vectors_and_rest::<S, 3>([centre, scale, shift], len);
        let (plain, plain_rest) = S::as_mut_simd_f32s(&mut sums.plain[..len]);
        let (weighted, weighted_rest) = S::as_mut_simd_f32s(&mut sums.weighted[..len]);
        add_each::<S, N, RELU>(simd, x, g, lines, plain, weighted);
        if !plain_rest.is_empty() {
            add_each::<Scalar, N, RELU>(Scalar, x_rest, g_rest, lines_rest, plain_rest, weighted_rest);
        }
    }
}

#[inline(always)]
fn add_each<S: Simd, const N: usize, const RELU: bool>(
    simd: S,
    x: [&[S::f32s]; N],
    g: [&[S::f32s]; N],
    lines: [&[S::f32s]; 3],
    plain: &mut [S::f32s],
    weighted: &mut [S::f32s],
) {
    let n = plain.len();
    let (x, g, lines) = (cut(x, n), cut(g, n), cut(lines, n));
    for (i, (plain, weighted)) in plain.iter_mut().zip(weighted).enumerate() {
        let line = [lines[0][i], lines[1][i], lines[2][i]];
        let (mut sum, mut weighted_sum) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
        for (x, g) in x.iter().zip(g) {
            let (x, g) = (x[i], g[i]);
            let g = if RELU { unless_stopped(simd, at(simd, x, line), g) } else { g };
            sum = simd.add_f32s(sum, g);
            weighted_sum = simd.add_f32s(weighted_sum, simd.mul_f32s(g, simd.sub_f32s(x, line[0])));
        }
        *plain = simd.add_f32s(*plain, sum);
        *weighted = simd.add_f32s(*weighted, weighted_sum);
    }
}

/// Takes what ReLU stopped, by its output `out`, from the gradient `g`, and sums the rest up.
pub(super) struct MaskAndSumUp<'a> {
    pub(super) x: Strip<'a>,
    pub(super) out: &'a [f32],
    pub(super) g: &'a mut [f32],
    pub(super) lines: &'a Folded,
    pub(super) channels: usize,
}

impl WithSimd for MaskAndSumUp<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Sums {
        let Self { x, out, g, lines, channels } = self;
        let width = x.width();
        let (mut found, mut sums) = (Sums::zero(channels), BlockSums::zero(width));
        let block = block_rows(width);
        let blocks = g.chunks_mut((block * width).max(1)).zip(out.chunks((block * width).max(1)));
        for (index, (g, out)) in blocks.enumerate() {
            let rows = index * block..(index + 1) * block;
            // The block is small enough to stay in the cache while it is masked and then summed up.
            update(simd, g, [out], Mask);
            let g = Strip::dense(g, width);
            SumUp::<false> { x: x.part(rows), g, lines, channels }.add(simd, 0..block, &mut sums);
            sums.move_to(&mut found, channels);
        }
        found
    }
}

/// Beside a gradient: the output of ReLU.
#[derive(Clone, Copy)]
struct Mask;

impl Formula<1> for Mask {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, g: S::f32s, [out]: [S::f32s; 1]) -> S::f32s {
        unless_stopped(simd, out, g)
    }
}
