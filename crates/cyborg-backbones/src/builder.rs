//! Makes and names the tensors of a network: torchvision's names, torchvision's distributions, our random streams.

use crate::layers::{BatchNorm2d, Conv2d, Linear, RunningStatistics};
use candle_core::{DType, Device, Result, Tensor, Var};
use cyborg_ops::Conv2dConfig;
use cyborg_seed::Seed;
use std::sync::Arc;

/// Hands out layers and remembers every tensor in the order of torchvision's `named_parameters()`.
pub(crate) struct Builder {
    seed: Seed,
    device: Device,
    /// Module path in front of the names that are given next; empty or ending in a dot.
    prefix: String,
    pub(crate) parameters: Vec<(String, Var)>,
    pub(crate) running: Vec<(String, Arc<RunningStatistics>)>,
}

impl Builder {
    pub(crate) fn new(seed: Seed, device: Device) -> Self {
        Self { seed, device, prefix: String::new(), parameters: Vec::new(), running: Vec::new() }
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

    /// A square convolution without bias; weight from N(0, 2 / (out * kernel^2)), torchvision's
    /// `kaiming_normal_(mode="fan_out", nonlinearity="relu")`.
    pub(crate) fn conv2d(
        &mut self,
        module: &str,
        n_in: usize,
        n_out: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Conv2d> {
        let deviation = (2.0 / (n_out * kernel * kernel) as f64).sqrt();
        let name = self.name(module, "weight");
        let mut stream = self.seed.stream(&format!("init/{name}"));
        let values =
            (0..n_out * n_in * kernel * kernel).map(|_| (stream.normal() * deviation) as f32).collect();
        let weight = self.parameter(name, values, &[n_out, n_in, kernel, kernel])?;
        let config =
            Conv2dConfig { stride: (stride, stride), padding: (padding, padding), ..Conv2dConfig::default() };
        Ok(Conv2d { weight, config })
    }

    /// Batch normalisation: weight 1, bias 0, running mean 0, running variance 1.
    pub(crate) fn batch_norm(&mut self, module: &str, channels: usize) -> Result<BatchNorm2d> {
        let weight = self.parameter(self.name(module, "weight"), vec![1.0; channels], &[channels])?;
        let bias = self.parameter(self.name(module, "bias"), vec![0.0; channels], &[channels])?;
        let running = Arc::new(RunningStatistics::new(
            Tensor::zeros(channels, DType::F32, &self.device)?,
            Tensor::ones(channels, DType::F32, &self.device)?,
        ));
        self.running.push((format!("{}{module}", self.prefix), Arc::clone(&running)));
        Ok(BatchNorm2d { weight, bias, running })
    }

    /// A linear layer; weight and bias from U(-1 / sqrt(in), 1 / sqrt(in)), PyTorch's default.
    pub(crate) fn linear(&mut self, module: &str, n_in: usize, n_out: usize) -> Result<Linear> {
        let bound = 1.0 / (n_in as f64).sqrt();
        let [weight, bias] = ["weight", "bias"].map(|kind| self.name(module, kind));
        let draw = |name: &str, n: usize| {
            let mut stream = self.seed.stream(&format!("init/{name}"));
            (0..n).map(|_| stream.uniform_in(-bound, bound) as f32).collect()
        };
        let (weight_values, bias_values) = (draw(&weight, n_out * n_in), draw(&bias, n_out));
        let weight = self.parameter(weight, weight_values, &[n_out, n_in])?;
        let bias = self.parameter(bias, bias_values, &[n_out])?;
        Ok(Linear { weight, bias })
    }

    fn name(&self, module: &str, kind: &str) -> String {
        format!("{}{module}.{kind}", self.prefix)
    }

    fn parameter(&mut self, name: String, values: Vec<f32>, shape: &[usize]) -> Result<Var> {
        let parameter = Var::from_vec(values, shape, &self.device)?;
        self.parameters.push((name, parameter.clone()));
        Ok(parameter)
    }
}
