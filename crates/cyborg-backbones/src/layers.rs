//! The layers that networks are made of: tensors and how they are used, nothing about names.

use candle_core::{Result, Tensor, Var};
use cyborg_ops::{BatchStatistics, Conv2dConfig};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Batch statistics, running statistics move, everything in the graph.
    Train,
    /// Running statistics, nothing moves, parameters are constants: no activation is kept.
    Eval,
}

impl Mode {
    /// The parameter as this pass uses it.
    fn view(self, parameter: &Var) -> Tensor {
        match self {
            Self::Train => parameter.as_tensor().clone(),
            Self::Eval => parameter.as_detached_tensor(),
        }
    }
}

/// A convolution without bias.
#[derive(Debug)]
pub(crate) struct Conv2d {
    pub(crate) weight: Var,
    pub(crate) config: Conv2dConfig,
}

impl Conv2d {
    pub(crate) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor> {
        cyborg_ops::conv2d(input, &mode.view(&self.weight), None, self.config)
    }
}

/// A linear layer: `input (batch, in)`, `weight (out, in)`, `bias (out)`.
#[derive(Debug)]
pub(crate) struct Linear {
    pub(crate) weight: Var,
    pub(crate) bias: Var,
}

impl Linear {
    pub(crate) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor> {
        input.matmul(&mode.view(&self.weight).t()?)?.broadcast_add(&mode.view(&self.bias))
    }
}

/// Batch normalisation over `(batch, height, width)`.
#[derive(Debug)]
pub(crate) struct BatchNorm2d {
    pub(crate) weight: Var,
    pub(crate) bias: Var,
    pub(crate) running: Arc<RunningStatistics>,
}

/// torchvision's (PyTorch's default) for every ResNet.
const EPS: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

impl BatchNorm2d {
    pub(crate) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor> {
        let (weight, bias) = (mode.view(&self.weight), mode.view(&self.bias));
        match mode {
            Mode::Train => {
                let (output, batch) = cyborg_ops::batch_norm_train(input, &weight, &bias, EPS)?;
                self.running.update(&batch)?;
                Ok(output)
            }
            Mode::Eval => {
                let Running { mean, variance, .. } = self.running.read();
                cyborg_ops::batch_norm_eval(input, &weight, &bias, &mean, &variance, EPS)
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
