//! The layers that networks are made of: tensors and how they are used, nothing about names.

use crate::parameter::Parameter;
use crate::pass::{Mode, Pass};
use candle_core::{Device, Result, Tensor};
use cyborg_ops::{After, BatchStatistics, Channels, Conv2dConfig, Value};
use cyborg_seed::Seed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many zeros a convolution adds around its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// The same number on each side, whatever the input.
    Even,
    /// As TensorFlow's `SAME`: as many as it takes for `ceil(side / stride)` windows, an odd one below and to the right.
    Same,
}

/// A convolution without bias.
#[derive(Debug)]
pub(crate) struct Conv2d {
    pub(crate) weight: Parameter,
    /// Without the padding, where that is [`Padding::Same`].
    pub(crate) config: Conv2dConfig,
    pub(crate) padding: Padding,
}

impl Conv2d {
    /// How the window moves over this input.
    fn config(&self, input: &Value) -> Conv2dConfig {
        if self.padding == Padding::Even {
            return self.config;
        }
        let ([.., height, width], kernel) = (input.dims(), self.weight.constant().dims());
        let zeros = |side: usize, kernel: usize, stride: usize, dilation: usize| {
            let last = (side.div_ceil(stride).max(1) - 1) * stride;
            (last + dilation * (kernel - 1) + 1).saturating_sub(side)
        };
        let Conv2dConfig { stride, dilation, .. } = self.config;
        let down = zeros(height, kernel[2], stride.0, dilation.0);
        let across = zeros(width, kernel[3], stride.1, dilation.1);
        let (padding, extra_padding) = ((down / 2, across / 2), (down % 2, across % 2));
        Conv2dConfig { padding, extra_padding, ..self.config }
    }

    pub(crate) fn forward(&self, input: &Value, pass: &Pass) -> Result<Value> {
        pass.tape.conv2d(input, self.weight.view(pass.mode), self.config(input))
    }

    /// With a batch norm behind it, and what follows that.
    pub(crate) fn forward_norm(
        &self,
        norm: &BatchNorm2d,
        input: &Value,
        after: After<'_>,
        pass: &Pass,
    ) -> Result<Value> {
        if pass.mode == Mode::Train {
            return norm.forward(&self.forward(input, pass)?, after, pass);
        }
        let weight = self.weight.view(pass.mode);
        let (gamma, beta) = (norm.weight.view(pass.mode), norm.bias.view(pass.mode));
        let Running { mean, variance, .. } = norm.running.read();
        let lines = [gamma, beta, &mean, &variance];
        pass.tape.conv2d_batch_norm_eval(input, weight, self.config(input), lines, norm.eps, after)
    }
}

/// A linear layer: `input (batch, in)`, `weight (out, in)`, `bias (out)`.
#[derive(Debug)]
pub(crate) struct Linear {
    pub(crate) weight: Parameter,
    pub(crate) bias: Parameter,
}

impl Linear {
    pub(crate) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor> {
        input.matmul(&self.weight.view(mode).t()?)?.broadcast_add(self.bias.view(mode))
    }
}

/// Sets each value to 0 with this probability and scales the others by `1 / (1 - probability)`. Which ones is decided by
/// the stream `dropout` of `seed` alone: image by image, value by value.
pub(crate) fn dropout(input: &Tensor, probability: f64, seed: &Seed) -> Result<Tensor> {
    let mut stream = seed.stream("dropout");
    let kept = (1.0 / (1.0 - probability)) as f32;
    let mask: Vec<f32> =
        (0..input.elem_count()).map(|_| if stream.bernoulli(probability) { 0.0 } else { kept }).collect();
    input * Tensor::from_vec(mask, input.dims(), &Device::Cpu)?
}

/// Batch normalisation over `(batch, height, width)`.
#[derive(Debug)]
pub(crate) struct BatchNorm2d {
    pub(crate) weight: Parameter,
    pub(crate) bias: Parameter,
    pub(crate) running: Arc<RunningStatistics>,
    pub(crate) eps: f64,
}

/// PyTorch's default, which every network here keeps.
const MOMENTUM: f64 = 0.1;

impl BatchNorm2d {
    /// With what follows it: the same bits as one after the other, in fewer passes over memory.
    pub(crate) fn forward<'a>(
        &self,
        input: impl Into<Channels<'a>>,
        after: After<'_>,
        pass: &Pass,
    ) -> Result<Value> {
        let (weight, bias) = (self.weight.view(pass.mode), self.bias.view(pass.mode));
        match pass.mode {
            Mode::Train => {
                let (output, batch) = pass.tape.batch_norm_train(input, weight, bias, self.eps, after)?;
                self.running.update(&batch)?;
                Ok(output)
            }
            Mode::Eval => {
                let Running { mean, variance, .. } = self.running.read();
                pass.tape.batch_norm_eval(input, [weight, bias, &mean, &variance], self.eps, after)
            }
        }
    }
}

/// What one batch norm has seen so far.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    /// `(channels)`
    pub(crate) mean: Tensor,
    /// `(channels)`, unbiased
    pub(crate) variance: Tensor,
    /// `num_batches_tracked`
    pub(crate) n_batches: i64,
}

/// [`Running`], replaced as a whole: a reader has one moment's values and they never change under it.
#[derive(Debug)]
pub(crate) struct RunningStatistics(Mutex<Running>);

impl RunningStatistics {
    pub(crate) fn new(mean: Tensor, variance: Tensor) -> Self {
        Self(Mutex::new(Running { mean, variance, n_batches: 0 }))
    }

    pub(crate) fn read(&self) -> Running {
        self.lock().clone()
    }

    pub(crate) fn set(&self, running: Running) {
        *self.lock() = running;
    }

    fn update(&self, batch: &BatchStatistics) -> Result<()> {
        let mut running = self.lock();
        let mean = moved(&running.mean, &batch.mean)?;
        let variance = moved(&running.variance, &batch.variance)?;
        *running = Running { mean, variance, n_batches: running.n_batches + 1 };
        Ok(())
    }

    /// A panic elsewhere cannot leave half a value: it is replaced in one assignment.
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn moved(running: &Tensor, batch: &Tensor) -> Result<Tensor> {
    (running * (1.0 - MOMENTUM))? + (batch.detach() * MOMENTUM)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    #[test]
    fn dropout_keeps_the_mean_and_passes_gradients_where_it_kept() -> Result<()> {
        let ones = Var::ones((20, 1000), candle_core::DType::F32, &Device::Cpu)?;
        let output = dropout(&ones, 0.25, &Seed::new(3))?;
        let values = output.flatten_all()?.to_vec1::<f32>()?;
        let kept = values.iter().filter(|v| **v > 0.0).count() as f64;
        assert!(values.iter().all(|v| *v == 0.0 || *v == 4.0 / 3.0));
        // 20,000 draws of probability 0.75: standard deviation 61; five of them.
        assert!((kept - 15_000.0).abs() < 306.0, "{kept}");
        let gradients = output.sum_all()?.backward()?;
        let gradient = gradients.get(&ones).expect("a gradient").flatten_all()?.to_vec1::<f32>()?;
        assert_eq!(gradient, values);
        Ok(())
    }
}
