//! What batch normalisation does to a value, as a straight line for each channel.

use pulp::Simd;

use super::Statistics;

/// `(x - centre) * scale + shift` normalises, scales by gamma and shifts by beta; one of each a channel.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    /// The mean, rounded: what values have subtracted first, exactly where they are close to it.
    pub(crate) centre: Vec<f32>,
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    /// What rounding took from the mean.
    pub(super) rest: Vec<f64>,
    pub(super) inverse_std: Vec<f64>,
    /// Whether mean and standard deviation depend on the values.
    pub(super) through_statistics: bool,
}

impl Lines {
    /// By the mean and the (biased) variance of the batch itself. There may be more channels in `statistics` than in
    /// `gamma`; the first are meant then.
    ///
    /// # Panics
    /// If `gamma` and `beta` are not of one length, or `statistics` has fewer channels.
    pub(crate) fn of_batch(statistics: &Statistics, gamma: &[f32], beta: &[f32], eps: f64) -> Self {
        let n = statistics.rows as f64;
        let variances = statistics.deviations.iter().map(|deviations| deviations / n);
        let moments = statistics.mean.iter().copied().zip(variances);
        Self::new(moments, gamma, beta, eps, true)
    }

    /// By running statistics, which are constants.
    ///
    /// # Panics
    /// If not all are of one length.
    pub(crate) fn of_running(mean: &[f32], variance: &[f32], gamma: &[f32], beta: &[f32], eps: f64) -> Self {
        assert!(mean.len() == variance.len() && mean.len() == gamma.len());
        let moments = mean.iter().zip(variance).map(|(&mean, &variance)| (mean.into(), variance.into()));
        Self::new(moments, gamma, beta, eps, false)
    }

    fn new(
        moments: impl Iterator<Item = (f64, f64)>,
        gamma: &[f32],
        beta: &[f32],
        eps: f64,
        through_statistics: bool,
    ) -> Self {
        assert_eq!(gamma.len(), beta.len());
        let n = gamma.len();
        let mut lines = Self {
            centre: Vec::with_capacity(n),
            scale: Vec::with_capacity(n),
            shift: Vec::with_capacity(n),
            rest: Vec::with_capacity(n),
            inverse_std: Vec::with_capacity(n),
            through_statistics,
        };
        for (((mean, variance), &gamma), &beta) in moments.zip(gamma).zip(beta) {
            let centre = mean as f32;
            let rest = mean - f64::from(centre);
            let inverse_std = 1.0 / (variance + eps).sqrt();
            let scale = f64::from(gamma) * inverse_std;
            lines.centre.push(centre);
            lines.scale.push(scale as f32);
            lines.shift.push((f64::from(beta) - rest * scale) as f32);
            lines.rest.push(rest);
            lines.inverse_std.push(inverse_std);
        }
        assert_eq!(lines.centre.len(), n, "fewer statistics than channels");
        lines
    }

    pub(crate) fn channels(&self) -> usize {
        self.centre.len()
    }

    /// For rows of `fold` pixels.
    pub(super) fn folded(&self, fold: usize) -> Folded {
        Folded {
            centre: self.centre.repeat(fold),
            scale: self.scale.repeat(fold),
            shift: self.shift.repeat(fold),
        }
    }
}

/// [`Lines`] for rows of several pixels.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) centre: Vec<f32>,
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

/// The value of a line; forward and backward must agree on it to the bit.
#[expect(clippy::inline_always, reason = "vector instructions reach only what is inlined")]
#[inline(always)]
pub(super) fn at<S: Simd>(simd: S, x: S::f32s, [centre, scale, shift]: [S::f32s; 3]) -> S::f32s {
    simd.add_f32s(simd.mul_f32s(simd.sub_f32s(x, centre), scale), shift)
}
