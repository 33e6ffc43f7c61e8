//! Mean and spread of each channel, in one pass over the values.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use pulp::{Scalar, Simd, WithSimd};

use crate::parallel::map;
use crate::vectors::{cut, dispatch, vectors_and_rest};
use crate::view::{Strip, View};

/// Values whose sums are taken in f32 before they go into f64.
const BLOCK: usize = 1 << 15;
/// Rows of a block at most, so that the sums in f32 stay short.
const BLOCK_ROWS: usize = 256;

/// Rows of a block.
pub(super) fn block_rows(width: usize) -> usize {
    (BLOCK / width.max(1)).clamp(4, BLOCK_ROWS)
}

/// Mean and sum of squared deviations from it, of each channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics {
    /// Values of a channel.
    pub(crate) rows: usize,
    pub(crate) mean: Vec<f64>,
    /// Sums of squared deviations from the mean.
    pub(crate) deviations: Vec<f64>,
}

impl Statistics {
    fn empty(channels: usize) -> Self {
        Self { rows: 0, mean: vec![0.0; channels], deviations: vec![0.0; channels] }
    }

    /// Appends other channels of the same rows: the statistics of a concatenation.
    ///
    /// # Panics
    /// If both have channels, of different numbers of rows.
    pub(crate) fn extend(&mut self, channels: &Self) {
        assert!(self.mean.is_empty() || self.rows == channels.rows);
        self.rows = channels.rows;
        self.mean.extend_from_slice(&channels.mean);
        self.deviations.extend_from_slice(&channels.deviations);
    }

    /// As PyTorch puts it into `running_mean`.
    pub(crate) fn rounded_mean(&self) -> Vec<f32> {
        self.mean.iter().map(|&mean| mean as f32).collect()
    }

    /// Divided by n - 1, as PyTorch puts it into `running_var`.
    pub(crate) fn unbiased_variance(&self) -> Vec<f32> {
        let divisor = self.rows as f64 - 1.0;
        self.deviations.iter().map(|deviations| (deviations / divisor) as f32).collect()
    }

    /// Joins those of further rows, by the formula of Chan et al. (1979). All channels have the same number of values, so
    /// that the factors are the same for all.
    #[inline(always)]
    fn join(&mut self, rows: usize, channels: impl Iterator<Item = (f64, f64)>) {
        let (n, count) = (rows as f64, self.rows as f64);
        let total = n + count;
        let (weight, factor) = (n / total, count * n / total);
        for ((mean, deviations), (other_mean, other_deviations)) in
            self.mean.iter_mut().zip(&mut self.deviations).zip(channels)
        {
            let delta = other_mean - *mean;
            *mean += delta * weight;
            *deviations += other_deviations + delta * delta * factor;
        }
        self.rows += rows;
    }
}

/// Statistics of all channels of a view.
pub(crate) fn statistics(x: View<'_>) -> Statistics {
    let (rows, fold, channels) = (x.rows_per_sum(), x.fold(), x.channels());
    let parts = map(x.rows().div_ceil(rows), |index| {
        let rows = x.part_rows(index, rows);
        let all = rows.len();
        dispatch(OfPart { strip: x.strip(rows, fold), rows: all, channels, fold })
    });
    let mut all = Statistics::empty(channels);
    for part in parts {
        all.join(part.rows, part.mean.iter().copied().zip(part.deviations.iter().copied()));
    }
    for deviations in &mut all.deviations {
        *deviations = deviations.max(0.0);
    }
    all
}

/// Statistics of rows that one thread does.
struct OfPart<'a> {
    strip: Strip<'a>,
    /// Pixels.
    rows: usize,
    channels: usize,
    fold: usize,
}

impl WithSimd for OfPart<'_> {
    type Output = Statistics;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Statistics {
        let Self { strip, rows, channels, fold } = self;
        let width = strip.width();
        let mut found = Statistics::empty(channels);
        let (mut origin, mut sums, mut squares) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
        let block = block_rows(width);
        for first in (0..strip.rows()).step_by(block) {
            let part = strip.part(first..first + block);
            let pixels = (block * fold).min(rows - first * fold);
            let inverse = 1.0 / pixels as f64;
            if first == 0 {
                // Around a value of each channel first, to find an origin close to the mean.
                tile(&mut origin, part.row(0)[..channels].iter().copied());
                add_moments(simd, part, &origin, &mut sums, &mut squares);
                fold_sums(&mut sums, channels);
                for (origin, &sum) in origin.iter_mut().zip(&sums[..channels]) {
                    *origin = (f64::from(*origin) + f64::from(sum) * inverse) as f32;
                }
                let (head, tail) = origin.split_at_mut(channels);
                tile(tail, head.iter().copied());
            } else {
                // Around the mean so far. Where that is far from the block's own, the variance is as large as what a
                // sum in f32 loses by it is small.
                tile(&mut origin, found.mean.iter().map(|&mean| mean as f32));
            }
            sums.fill(0.0);
            squares.fill(0.0);
            add_moments(simd, part, &origin, &mut sums, &mut squares);
            fold_sums(&mut sums, channels);
            fold_sums(&mut squares, channels);
            let moments = origin.iter().zip(&sums).zip(&squares).map(|((&origin, &sum), &square)| {
                let (sum, square) = (f64::from(sum), f64::from(square));
                let mean = sum * inverse;
                (f64::from(origin) + mean, square - sum * mean)
            });
            found.join(pixels, moments.take(channels));
        }
        found
    }
}

/// Repeats values until `out` is full.
#[inline(always)]
fn tile(out: &mut [f32], values: impl ExactSizeIterator<Item = f32> + Clone) {
    for chunk in out.chunks_mut(values.len().max(1)) {
        for (out, value) in chunk.iter_mut().zip(values.clone()) {
            *out = value;
        }
    }
}

/// Adds what stands for each channel further right to the first `channels` sums.
#[inline(always)]
pub(super) fn fold_sums(sums: &mut [f32], channels: usize) {
    let (head, tail) = sums.split_at_mut(channels);
    for chunk in tail.chunks_exact(channels.max(1)) {
        for (head, &tail) in head.iter_mut().zip(chunk) {
            *head += tail;
        }
    }
}

/// Adds sums of `x - origin` and of its square.
#[inline(always)]
fn add_moments<S: Simd>(simd: S, strip: Strip<'_>, origin: &[f32], sums: &mut [f32], squares: &mut [f32]) {
    // Four streams, each through its quarter of the rows.
    let quarter = strip.full_rows() / 4;
    for row in 0..quarter {
        add_rows(simd, strip.four_rows(row, quarter), origin, sums, squares);
    }
    for row in 4 * quarter..strip.rows() {
        add_rows(simd, [strip.row(row)], origin, sums, squares);
    }
}

/// Rows of one length, which may be short.
#[inline(always)]
fn add_rows<S: Simd, const N: usize>(
    simd: S,
    x: [&[f32]; N],
    origin: &[f32],
    sums: &mut [f32],
    squares: &mut [f32],
) {
    let len = x[0].len();
    let (x, x_rest) = vectors_and_rest::<S, N>(x, len);
    let (origin, origin_rest) = S::as_simd_f32s(&origin[..len]);
    let (sums, sums_rest) = S::as_mut_simd_f32s(&mut sums[..len]);
    let (squares, squares_rest) = S::as_mut_simd_f32s(&mut squares[..len]);
    add_each(simd, x, origin, sums, squares);
    if !origin_rest.is_empty() {
        add_each(Scalar, x_rest, origin_rest, sums_rest, squares_rest);
    }
}

#[inline(always)]
fn add_each<S: Simd, const N: usize>(
    simd: S,
    x: [&[S::f32s]; N],
    origin: &[S::f32s],
    sums: &mut [S::f32s],
    squares: &mut [S::f32s],
) {
    let n = sums.len();
    let (x, [origin]) = (cut(x, n), cut([origin], n));
    for (i, (sum, square)) in sums.iter_mut().zip(squares).enumerate() {
        let (mut s, mut q) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
        for x in x {
            let d = simd.sub_f32s(x[i], origin[i]);
            s = simd.add_f32s(s, d);
            q = simd.add_f32s(q, simd.mul_f32s(d, d));
        }
        *sum = simd.add_f32s(*sum, s);
        *square = simd.add_f32s(*square, q);
    }
}
