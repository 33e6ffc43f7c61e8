//! Batch normalisation over (batch, height, width), by the batch's own statistics or by given ones.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use crate::OpsError;
use crate::parallel::{for_each_piece, map};
use crate::plain::{checked, dims4, per_channel, tensor, values, with_values};

/// Values that are summed in f32 before the sum goes into f64; small enough to stay in the first cache.
const BLOCK: usize = 4096;
/// Sums kept side by side, so that the compiler can use vectors. Part of the definition of the sum's order.
const LANES: usize = 32;

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
    let op = "batch_norm_train";
    let shape = Images::of(op, input, gamma, beta, eps)?;
    let n = shape.batch * shape.plane;
    if n < 2 {
        return Err(OpsError::TooFewValues { op, found: n }.into());
    }
    let input = checked(op, "input", input)?;
    let statistics =
        with_values(&input, |x| map(shape.channels, |channel| shape.mean_and_deviations(x, channel)))?;
    let mean: Vec<f32> = statistics.iter().map(|s| s.0 as f32).collect();
    let inverse_std = statistics.iter().map(|s| (1.0 / (s.1 / n as f64 + eps).sqrt()) as f32).collect();
    let unbiased = statistics.iter().map(|s| (s.1 / (n as f64 - 1.0)) as f32).collect();
    let statistics = BatchStatistics {
        mean: tensor(mean.clone(), &[shape.channels])?,
        variance: tensor(unbiased, &[shape.channels])?,
    };
    let normalise = Normalise { name: op, shape, mean, inverse_std, through_statistics: true };
    Ok((input.apply_op3(&checked(op, "gamma", gamma)?, &checked(op, "beta", beta)?, normalise)?, statistics))
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
    let op = "batch_norm_eval";
    let shape = Images::of(op, input, gamma, beta, eps)?;
    per_channel(op, "running_mean", running_mean, shape.channels)?;
    per_channel(op, "running_var", running_var, shape.channels)?;
    let mean = with_values(&checked(op, "running_mean", running_mean)?, <[f32]>::to_vec)?;
    let inverse_std = with_values(&checked(op, "running_var", running_var)?, |variance| {
        variance.iter().map(|&v| (1.0 / (f64::from(v) + eps).sqrt()) as f32).collect()
    })?;
    let normalise = Normalise { name: op, shape, mean, inverse_std, through_statistics: false };
    let (gamma, beta) = (checked(op, "gamma", gamma)?, checked(op, "beta", beta)?);
    checked(op, "input", input)?.apply_op3(&gamma, &beta, normalise)
}

#[derive(Clone, Copy, Debug)]
struct Images {
    batch: usize,
    channels: usize,
    /// Values of one channel of one image.
    plane: usize,
}

impl Images {
    fn of(op: &'static str, input: &Tensor, gamma: &Tensor, beta: &Tensor, eps: f64) -> Result<Self> {
        let [batch, channels, height, width] = dims4(op, "input", input)?;
        per_channel(op, "gamma", gamma, channels)?;
        per_channel(op, "beta", beta, channels)?;
        if !(eps.is_finite() && eps >= 0.0) {
            let expected = "finite and not negative";
            return Err(OpsError::Range { op, what: "eps", expected, found: eps.to_string() }.into());
        }
        Ok(Self { batch, channels, plane: height * width })
    }

    /// One channel's values, in blocks of at most [`BLOCK`], image by image.
    fn blocks<'a>(&self, values: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> {
        let (plane, stride) = (self.plane, self.channels * self.plane);
        (0..self.batch).flat_map(move |image| {
            let start = image * stride + channel * plane;
            values[start..start + plane].chunks(BLOCK)
        })
    }

    /// Mean, and sum of squared deviations from it: block by block, joined by the formula of Chan et al. (1979), which
    /// unlike a difference of sums loses nothing where the mean is large against the spread.
    fn mean_and_deviations(&self, values: &[f32], channel: usize) -> (f64, f64) {
        let (mut count, mut mean, mut deviations) = (0.0_f64, 0.0_f64, 0.0_f64);
        for block in self.blocks(values, channel) {
            let n = block.len() as f64;
            let block_mean = sum(block, |x| x) / n;
            let centre = block_mean as f32;
            let shift = block_mean - f64::from(centre);
            let block_deviations = sum(block, |x| (x - centre) * (x - centre)) - n * shift * shift;
            let delta = block_mean - mean;
            let total = count + n;
            mean += delta * n / total;
            deviations += block_deviations + delta * delta * count * n / total;
            count = total;
        }
        (mean, deviations)
    }
}

fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f64 {
    let mut lanes = [0.0_f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += term(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += term(x);
    }
    lanes.iter().map(|&lane| f64::from(lane)).sum()
}

/// Sums of `g` and of `g * (x - mean)`.
fn gradient_sums(x: &[f32], g: &[f32], mean: f32) -> (f64, f64) {
    let (mut plain, mut weighted) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    let mut add = |x: &[f32], g: &[f32]| {
        for (((p, w), &x), &g) in plain.iter_mut().zip(&mut weighted).zip(x).zip(g) {
            *p += g;
            *w += g * (x - mean);
        }
    };
    let (x_chunks, g_chunks) = (x.chunks_exact(LANES), g.chunks_exact(LANES));
    let rest = (x_chunks.remainder(), g_chunks.remainder());
    x_chunks.zip(g_chunks).for_each(|(x, g)| add(x, g));
    add(rest.0, rest.1);
    let total = |lanes: [f32; LANES]| lanes.iter().map(|&lane| f64::from(lane)).sum();
    (total(plain), total(weighted))
}

struct Normalise {
    name: &'static str,
    shape: Images,
    mean: Vec<f32>,
    inverse_std: Vec<f32>,
    /// Whether mean and standard deviation depend on the input.
    through_statistics: bool,
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
        let mut out = vec![0.0_f32; x.len()];
        for_each_piece(&mut out, plane, |index, out| {
            let channel = index % channels;
            let x = &x[index * plane..(index + 1) * plane];
            let (mean, scale, shift) =
                (self.mean[channel], gamma[channel] * self.inverse_std[channel], beta[channel]);
            for (out, &x) in out.iter_mut().zip(x) {
                *out = (x - mean) * scale + shift;
            }
        });
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        gamma: &Tensor,
        _beta: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let shape = self.shape;
        let (dx, dgamma, dbeta) = with_values(input, |x| {
            with_values(gamma, |gamma| with_values(grad, |g| self.gradients(x, gamma, g)))
        })???;
        let channels = [shape.channels];
        Ok((
            Some(tensor(dx, input.dims())?),
            Some(tensor(dgamma, &channels)?),
            Some(tensor(dbeta, &channels)?),
        ))
    }
}

impl Normalise {
    /// Gradients for input, gamma and beta.
    fn gradients(&self, x: &[f32], gamma: &[f32], g: &[f32]) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let shape = self.shape;
        let Images { batch, channels, plane } = shape;
        // Per channel: sum of g, and of g * (x - mean).
        let sums = map(channels, |channel| {
            let blocks = shape.blocks(x, channel).zip(shape.blocks(g, channel));
            blocks.fold((0.0, 0.0), |(plain, weighted), (x, g)| {
                let (p, w) = gradient_sums(x, g, self.mean[channel]);
                (plain + p, weighted + w)
            })
        });
        let n = (batch * plane) as f64;
        let mut dx = vec![0.0_f32; x.len()];
        for_each_piece(&mut dx, plane, |index, dx| {
            let channel = index % channels;
            let range = index * plane..(index + 1) * plane;
            let (x, g) = (&x[range.clone()], &g[range]);
            let (plain, weighted) = sums[channel];
            let (mean, inverse_std) = (self.mean[channel], self.inverse_std[channel]);
            let scale = gamma[channel] * inverse_std;
            if self.through_statistics {
                // dx = scale * (g - mean(g) - x_hat * mean(g * x_hat)), x_hat = (x - mean) * inverse_std
                let g_mean = (plain / n) as f32;
                let slope = (weighted / n * f64::from(inverse_std) * f64::from(inverse_std)) as f32;
                for ((dx, &x), &g) in dx.iter_mut().zip(x).zip(g) {
                    *dx = scale * ((g - g_mean) - (x - mean) * slope);
                }
            } else {
                for (dx, &g) in dx.iter_mut().zip(g) {
                    *dx = scale * g;
                }
            }
        });
        let dgamma = sums.iter().zip(&self.inverse_std).map(|(s, &i)| (s.1 * f64::from(i)) as f32).collect();
        let dbeta = sums.iter().map(|s| s.0 as f32).collect();
        (dx, dgamma, dbeta)
    }
}
