//! Makes and names the tensors of a network: torchvision's names, torchvision's distributions, our random streams.

use crate::layers::{BatchNorm2d, Conv2d, Linear, Padding, RunningStatistics};
use crate::parameter::{Parameter, ParameterRole};
use candle_core::{DType, Device, Result, Tensor, Var};
use cyborg_ops::Conv2dConfig;
use cyborg_seed::{Seed, Stream};
use std::sync::Arc;

/// What the weights of a layer are drawn from. `n_in` and `n_out` count one cell of one group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Initial {
    /// N(0, 2 / (out * window)): `kaiming_normal_(mode="fan_out", nonlinearity="relu")`.
    NormalFanOut,
    /// N(0, 2 / (in * window)): `kaiming_normal_` as it comes.
    NormalFanIn,
    /// N(0, deviation^2), cut off at -2 and 2: `trunc_normal_(std=deviation, a=-2, b=2)`.
    Truncated {
        /// Standard deviation before the cut.
        deviation: f64,
    },
    /// U(-1 / sqrt(in * window), 1 / sqrt(in * window)): what PyTorch gives a layer that nobody touches.
    Uniform,
    /// U(-1 / sqrt(out), 1 / sqrt(out)): what timm gives the classifiers of EfficientNets.
    UniformFanOut,
    /// All 0.
    Zero,
}

impl Initial {
    /// Values of a tensor whose sums go over `fan_in` inputs and whose inputs go to `fan_out` outputs.
    fn draw(self, mut stream: Stream, n: usize, fan_in: usize, fan_out: usize) -> Vec<f32> {
        let mut normals = |deviation: f64| (0..n).map(|_| (stream.normal() * deviation) as f32).collect();
        match self {
            Self::NormalFanOut => normals((2.0 / fan_out as f64).sqrt()),
            Self::NormalFanIn => normals((2.0 / fan_in as f64).sqrt()),
            Self::Truncated { deviation } => {
                let value = |_| loop {
                    let value = stream.normal() * deviation;
                    if value.abs() <= 2.0 {
                        return value as f32;
                    }
                };
                (0..n).map(value).collect()
            }
            Self::Uniform | Self::UniformFanOut => {
                let fan = if matches!(self, Self::Uniform) { fan_in } else { fan_out };
                let bound = 1.0 / (fan as f64).sqrt();
                (0..n).map(|_| stream.uniform_in(-bound, bound) as f32).collect()
            }
            Self::Zero => vec![0.0; n],
        }
    }
}

/// Hands out layers and remembers every tensor in the order of torchvision's `named_parameters()`.
pub(crate) struct Builder {
    seed: Seed,
    device: Device,
    /// What weights of convolutions are drawn from.
    convolutions: Initial,
    /// Of every batch norm.
    eps: f64,
    /// Module path in front of the names that are given next; empty or ending in a dot.
    prefix: String,
    pub(crate) parameters: Vec<(String, Parameter)>,
    pub(crate) running: Vec<(String, Arc<RunningStatistics>)>,
}

impl Builder {
    /// A builder that draws weights of convolutions from `convolutions` and gives every batch norm this `eps`.
    pub(crate) fn new(convolutions: Initial, eps: f64, seed: Seed, device: Device) -> Self {
        let (parameters, running) = (Vec::new(), Vec::new());
        Self { seed, device, convolutions, eps, prefix: String::new(), parameters, running }
    }

    /// Runs `build` with `module` appended to the path: everything it makes is called `module.*`.
    pub(crate) fn within<T>(
        &mut self,
        module: impl std::fmt::Display,
        build: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let inside = format!("{}{module}.", self.prefix);
        let outside = std::mem::replace(&mut self.prefix, inside);
        let built = build(self);
        self.prefix = outside;
        built
    }

    /// A square convolution without bias.
    pub(crate) fn conv2d(
        &mut self,
        module: &str,
        n_in: usize,
        n_out: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Conv2d> {
        let config =
            Conv2dConfig { stride: (stride, stride), padding: (padding, padding), ..Conv2dConfig::default() };
        self.conv2d_with(module, [n_out, n_in, kernel, kernel], config)
    }

    /// Any convolution without bias; `shape` is its weight's, (out, in / groups, height, width).
    pub(crate) fn conv2d_with(
        &mut self,
        module: &str,
        shape: [usize; 4],
        config: Conv2dConfig,
    ) -> Result<Conv2d> {
        let [n_out, n_in, height, width] = shape;
        let name = self.name(module, "weight");
        let (fan_in, fan_out) = (n_in * height * width, n_out / config.groups * height * width);
        let weight = self.drawn(name, ParameterRole::Weight, self.convolutions, &shape, fan_in, fan_out)?;
        Ok(Conv2d { weight, config, padding: Padding::Even })
    }

    /// A square convolution without bias whose padding keeps the size but for the stride; `shape` as in
    /// [`Builder::conv2d_with`].
    pub(crate) fn conv2d_padded(
        &mut self,
        module: &str,
        shape: [usize; 4],
        stride: usize,
        groups: usize,
        padding: Padding,
    ) -> Result<Conv2d> {
        let even = (shape[2] / 2, shape[3] / 2);
        let config =
            Conv2dConfig { stride: (stride, stride), padding: even, groups, ..Conv2dConfig::default() };
        Ok(Conv2d { padding, ..self.conv2d_with(module, shape, config)? })
    }

    /// Batch normalisation: weight 1, bias 0, running mean 0, running variance 1.
    pub(crate) fn batch_norm(&mut self, module: &str, channels: usize) -> Result<BatchNorm2d> {
        let role = ParameterRole::Norm;
        let weight = self.parameter(self.name(module, "weight"), role, vec![1.0; channels], &[channels])?;
        let bias = self.parameter(self.name(module, "bias"), role, vec![0.0; channels], &[channels])?;
        let running = Arc::new(RunningStatistics::new(
            Tensor::zeros(channels, DType::F32, &self.device)?,
            Tensor::ones(channels, DType::F32, &self.device)?,
        ));
        self.running.push((format!("{}{module}", self.prefix), Arc::clone(&running)));
        Ok(BatchNorm2d { weight, bias, running, eps: self.eps })
    }

    /// A linear layer whose weight and bias are drawn from these.
    pub(crate) fn linear(
        &mut self,
        module: &str,
        n_in: usize,
        n_out: usize,
        (weight, bias): (Initial, Initial),
    ) -> Result<Linear> {
        let name = self.name(module, "weight");
        let weight = self.drawn(name, ParameterRole::Weight, weight, &[n_out, n_in], n_in, n_out)?;
        let bias = self.drawn(self.name(module, "bias"), ParameterRole::Bias, bias, &[n_out], n_in, n_out)?;
        Ok(Linear { weight, bias })
    }

    fn name(&self, module: &str, kind: &str) -> String {
        format!("{}{module}.{kind}", self.prefix)
    }

    fn drawn(
        &mut self,
        name: String,
        role: ParameterRole,
        initial: Initial,
        shape: &[usize],
        fan_in: usize,
        fan_out: usize,
    ) -> Result<Parameter> {
        let stream = self.seed.stream(&format!("init/{name}"));
        let values = initial.draw(stream, shape.iter().product(), fan_in, fan_out);
        self.parameter(name, role, values, shape)
    }

    fn parameter(
        &mut self,
        name: String,
        role: ParameterRole,
        values: Vec<f32>,
        shape: &[usize],
    ) -> Result<Parameter> {
        let parameter = Parameter::new(Var::from_vec(values, shape, &self.device)?, role);
        self.parameters.push((name, parameter.clone()));
        Ok(parameter)
    }
}
