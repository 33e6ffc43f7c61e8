//! Batch normalisation over (batch, height, width), by the batch's own statistics or by given ones.

mod sums;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use crate::OpsError;
use crate::fresh::collect;
use crate::parallel::map;
use crate::plain::{checked, dims4, per_channel, tensor, values, with_both, with_values};
use crate::relu::rectified;
use sums::Images;

/// What one training batch adds to the running statistics; per channel, no gradient.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// Mean over batch, height and width: `(channels)`.
    pub mean: Tensor,
    /// Variance, unbiased (divided by n - 1), as PyTorch puts it into `running_var`: `(channels)`.
    pub variance: Tensor,
}

/// Normalises by the mean and the (biased) variance of this batch, then scales by `gamma` and shifts by `beta`.
///
/// Gradients flow to `input`, through the statistics too, to `gamma` and to `beta`.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - `gamma`, `beta`: `(channels)`
/// - returns: as `input`, and the statistics for the running averages
///
/// # Errors
/// On other shapes, types or devices; on fewer than two values a channel; on an `eps` that is negative or not finite.
pub fn batch_norm_train(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    eps: f64,
) -> Result<(Tensor, BatchStatistics)> {
    train("batch_norm_train", input, gamma, beta, eps, false)
}

/// [`batch_norm_train`] followed by [`crate::relu()`], in the same passes over memory.
///
/// # Errors
/// As [`batch_norm_train`].
pub fn batch_norm_relu_train(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    eps: f64,
) -> Result<(Tensor, BatchStatistics)> {
    train("batch_norm_relu_train", input, gamma, beta, eps, true)
}

/// Normalises by running statistics, then scales by `gamma` and shifts by `beta`.
///
/// Gradients flow to `input`, `gamma` and `beta`; the statistics are constants.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - `gamma`, `beta`, `running_mean`, `running_var`: `(channels)`
/// - returns: as `input`
///
/// # Errors
/// On other shapes, types or devices; on an `eps` that is negative or not finite.
pub fn batch_norm_eval(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f64,
) -> Result<Tensor> {
    eval("batch_norm_eval", [input, gamma, beta, running_mean, running_var], eps, false)
}

/// [`batch_norm_eval`] followed by [`crate::relu()`], in the same pass over memory.
///
/// # Errors
/// As [`batch_norm_eval`].
pub fn batch_norm_relu_eval(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f64,
) -> Result<Tensor> {
    eval("batch_norm_relu_eval", [input, gamma, beta, running_mean, running_var], eps, true)
}

fn train(
    op: &'static str,
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    eps: f64,
    relu: bool,
) -> Result<(Tensor, BatchStatistics)> {
    let shape = images(op, input, gamma, beta, eps)?;
    let n = shape.batch * shape.plane;
    if n < 2 {
        return Err(OpsError::TooFewValues { op, found: n }.into());
    }
    let input = checked(op, "input", input)?;
    let found =
        with_values(&input, |x| map(shape.channels, |channel| shape.mean_and_deviations(x, channel)))?;
    let n = n as f64;
    let statistics = BatchStatistics {
        mean: tensor(found.iter().map(|s| s.mean as f32).collect(), &[shape.channels])?,
        variance: tensor(
            found.iter().map(|s| (s.deviations / (n - 1.0)) as f32).collect(),
            &[shape.channels],
        )?,
    };
    let channels = found.iter().map(|s| Channel::new(s.mean, s.deviations / n, eps)).collect();
    let normalise = Normalise { name: op, shape, channels, through_statistics: true, relu };
    Ok((input.apply_op3(&checked(op, "gamma", gamma)?, &checked(op, "beta", beta)?, normalise)?, statistics))
}

fn eval(
    op: &'static str,
    [input, gamma, beta, mean, variance]: [&Tensor; 5],
    eps: f64,
    relu: bool,
) -> Result<Tensor> {
    let shape = images(op, input, gamma, beta, eps)?;
    per_channel(op, "running_mean", mean, shape.channels)?;
    per_channel(op, "running_var", variance, shape.channels)?;
    let mean = with_values(&checked(op, "running_mean", mean)?, <[f32]>::to_vec)?;
    let variance = with_values(&checked(op, "running_var", variance)?, <[f32]>::to_vec)?;
    let channels = mean.iter().zip(&variance).map(|(&m, &v)| Channel::new(m.into(), v.into(), eps)).collect();
    let normalise = Normalise { name: op, shape, channels, through_statistics: false, relu };
    let (gamma, beta) = (checked(op, "gamma", gamma)?, checked(op, "beta", beta)?);
    checked(op, "input", input)?.apply_op3(&gamma, &beta, normalise)
}

fn images(op: &'static str, input: &Tensor, gamma: &Tensor, beta: &Tensor, eps: f64) -> Result<Images> {
    let [batch, channels, height, width] = dims4(op, "input", input)?;
    per_channel(op, "gamma", gamma, channels)?;
    per_channel(op, "beta", beta, channels)?;
    if !(eps.is_finite() && eps >= 0.0) {
        let expected = "finite and not negative";
        return Err(OpsError::Range { op, what: "eps", expected, found: eps.to_string() }.into());
    }
    Ok(Images { batch, channels, plane: height * width })
}

/// How the values of one channel are normalised.
#[derive(Clone, Copy, Debug)]
struct Channel {
    /// The mean, rounded: what values have subtracted first, exactly where they are close to it.
    centre: f32,
    /// What rounding took from the mean.
    rest: f64,
    inverse_std: f64,
}

impl Channel {
    fn new(mean: f64, variance: f64, eps: f64) -> Self {
        let centre = mean as f32;
        Self { centre, rest: mean - f64::from(centre), inverse_std: 1.0 / (variance + eps).sqrt() }
    }

    /// `(x - centre) * scale + shift` normalises, scales and shifts.
    fn line(&self, gamma: f32, beta: f32) -> Line {
        let scale = f64::from(gamma) * self.inverse_std;
        let shift = f64::from(beta) - self.rest * scale;
        Line { centre: self.centre, scale: scale as f32, shift: shift as f32 }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    centre: f32,
    scale: f32,
    shift: f32,
}

impl Line {
    #[inline]
    fn at(&self, x: f32) -> f32 {
        (x - self.centre) * self.scale + self.shift
    }

    /// The gradient that reaches the value before ReLU, which is computed again: cheaper than to read it again.
    #[inline]
    fn masked(&self, x: f32, g: f32, relu: bool) -> f32 {
        if relu && self.at(x) <= 0.0 { 0.0 } else { g }
    }
}

struct Normalise {
    name: &'static str,
    shape: Images,
    channels: Vec<Channel>,
    /// Whether mean and standard deviation depend on the input.
    through_statistics: bool,
    /// Whether ReLU follows.
    relu: bool,
}

impl CustomOp3 for Normalise {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, gamma, beta) = (values(s1, l1)?, values(s2, l2)?, values(s3, l3)?);
        let Images { channels, plane, .. } = self.shape;
        let line = |index: usize| {
            let channel = index % channels;
            self.channels[channel].line(gamma[channel], beta[channel])
        };
        let out = if self.relu {
            collect(x.len(), plane, |index, range| {
                let line = line(index);
                x[range].iter().map(move |&x| rectified(line.at(x)))
            })
        } else {
            collect(x.len(), plane, |index, range| {
                let line = line(index);
                x[range].iter().map(move |&x| line.at(x))
            })
        };
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let line = |gamma: &[f32], beta: &[f32]| {
            let channels = self.channels.iter().zip(gamma).zip(beta);
            channels.map(|((channel, &gamma), &beta)| channel.line(gamma, beta)).collect::<Vec<_>>()
        };
        let lines = with_both(gamma, beta, line)?;
        let (dx, dgamma, dbeta) = with_both(input, grad, |x, g| {
            if self.relu {
                self.gradients::<true>(x, g, &lines)
            } else {
                self.gradients::<false>(x, g, &lines)
            }
        })?;
        let channels = [self.shape.channels];
        Ok((
            Some(tensor(dx, input.dims())?),
            Some(tensor(dgamma, &channels)?),
            Some(tensor(dbeta, &channels)?),
        ))
    }
}

impl Normalise {
    /// Gradients for input, gamma and beta.
    fn gradients<const RELU: bool>(
        &self,
        x: &[f32],
        g: &[f32],
        lines: &[Line],
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let shape = self.shape;
        let Images { batch, channels, plane } = shape;
        // Per channel: sum of g, and of g * (x - mean).
        let sums = map(channels, |channel| {
            let sums = shape.gradient_sums(x, g, channel, lines[channel], RELU);
            (sums.plain, sums.weighted - self.channels[channel].rest * sums.plain)
        });
        let n = (batch * plane) as f64;
        let dx = collect(x.len(), plane, |index, range| {
            let channel = index % channels;
            let (plain, weighted) = sums[channel];
            let Channel { rest, inverse_std, .. } = self.channels[channel];
            let line = lines[channel];
            // dx = scale * (g - mean(g) - x_hat * mean(g * x_hat)), x_hat = (x - mean) * inverse_std; without the means
            // where the statistics are constants.
            let slope = if self.through_statistics { weighted / n * inverse_std * inverse_std } else { 0.0 };
            let constant = if self.through_statistics { plain / n - rest * slope } else { 0.0 };
            let (slope, constant) = (slope as f32, constant as f32);
            x[range.clone()].iter().zip(&g[range]).map(move |(&x, &g)| {
                let g = line.masked(x, g, RELU);
                line.scale * ((g - constant) - (x - line.centre) * slope)
            })
        });
        let dgamma = sums.iter().zip(&self.channels).map(|(s, c)| (s.1 * c.inverse_std) as f32).collect();
        let dbeta = sums.iter().map(|s| s.0 as f32).collect();
        (dx, dgamma, dbeta)
    }
}
