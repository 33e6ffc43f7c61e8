//! Stochastic gradient descent with momentum and weight decay, as `torch.optim.SGD` defines it.

use crate::TrainError;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, Device, InplaceOp2, Layout, Tensor, Var};
use rayon::prelude::*;
use std::cell::RefCell;

/// `torch.optim.SGD` with dampening 0 and without Nesterov's variant.
///
/// For each parameter `p` with gradient `g`:
/// `d = g + weight_decay * p`; `b = d` at the first step, `momentum * b + d` after; `p -= learning_rate * b`.
/// A parameter without a gradient is left alone. One pass over memory, in place.
#[derive(Debug)]
pub struct Sgd {
    momentum: f32,
    weight_decay: f32,
    parameters: Vec<Parameter>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    var: Var,
    /// Empty until the first step, and always without momentum.
    buffer: Vec<f32>,
}

impl Sgd {
    /// For these parameters; the variables stay shared with their network.
    pub fn new(parameters: &[(String, Var)], momentum: f64, weight_decay: f64) -> Self {
        let parameters = parameters
            .iter()
            .map(|(name, var)| Parameter { name: name.clone(), var: var.clone(), buffer: Vec::new() })
            .collect();
        Self { momentum: momentum as f32, weight_decay: weight_decay as f32, parameters }
    }

    /// Moves every parameter once.
    ///
    /// # Errors
    /// [`TrainError::Tensor`] where a gradient has another shape than its parameter, or a parameter is not a contiguous
    /// f32 tensor on the CPU.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<(), TrainError> {
        for parameter in &mut self.parameters {
            let Some(gradient) = gradients.get(parameter.var.as_tensor()) else { continue };
            parameter.check_shape("gradient", gradient)?;
            let update = Update {
                buffer: RefCell::new(&mut parameter.buffer),
                momentum: self.momentum,
                weight_decay: self.weight_decay,
                learning_rate: learning_rate as f32,
            };
            parameter.var.as_tensor().inplace_op2(&gradient.contiguous()?, &update)?;
        }
        Ok(())
    }

    /// The momentum buffers by parameter name, for the saved state.
    pub(crate) fn buffers(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        let with_buffer = self.parameters.iter().filter(|parameter| !parameter.buffer.is_empty());
        let as_tensor = |parameter: &Parameter| {
            let tensor = Tensor::from_slice(&parameter.buffer, parameter.var.shape(), &Device::Cpu)?;
            Ok((parameter.name.clone(), tensor))
        };
        with_buffer.map(as_tensor).collect()
    }

    /// Puts saved buffers back; parameters that `find` knows nothing of start afresh.
    pub(crate) fn restore(&mut self, find: impl Fn(&str) -> Option<Tensor>) -> Result<(), TrainError> {
        for parameter in &mut self.parameters {
            parameter.buffer = Vec::new();
            if let Some(tensor) = find(&parameter.name) {
                parameter.check_shape("momentum", &tensor)?;
                parameter.buffer = tensor.flatten_all()?.to_vec1()?;
            }
        }
        Ok(())
    }
}

impl Parameter {
    fn check_shape(&self, what: &str, tensor: &Tensor) -> candle_core::Result<()> {
        if tensor.dims() == self.var.dims() {
            return Ok(());
        }
        let (name, expected, found) = (&self.name, self.var.dims(), tensor.dims());
        candle_core::bail!("{what} of `{name}`: expected shape {expected:?}, found {found:?}")
    }
}

/// One step of one parameter, as candle's in-place operation (the only way to write a variable without a copy).
struct Update<'a> {
    buffer: RefCell<&'a mut Vec<f32>>,
    momentum: f32,
    weight_decay: f32,
    learning_rate: f32,
}

/// Elements a task; below that one thread is faster.
const CHUNK: usize = 1 << 16;

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        values_layout: &Layout,
        gradients: &CpuStorage,
        gradients_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), CpuStorage::F32(gradients)) = (values, gradients) else {
            candle_core::bail!("sgd: parameters and gradients must be f32")
        };
        let (Some((start, end)), Some((gradient_start, gradient_end))) =
            (values_layout.contiguous_offsets(), gradients_layout.contiguous_offsets())
        else {
            candle_core::bail!("sgd: parameters and gradients must be contiguous")
        };
        let (values, gradients) = (&mut values[start..end], &gradients[gradient_start..gradient_end]);
        let (momentum, decay, rate) = (self.momentum, self.weight_decay, self.learning_rate);
        if momentum == 0.0 {
            in_chunks(values, gradients).for_each(|(values, gradients)| {
                for (value, &gradient) in values.iter_mut().zip(gradients) {
                    *value -= rate * (gradient + decay * *value);
                }
            });
            return Ok(());
        }
        let mut buffer = self.buffer.borrow_mut();
        let first_step = buffer.is_empty();
        buffer.resize(values.len(), 0.0);
        // 0 * 0 + d is d: the first step needs no branch of its own.
        let momentum = if first_step { 0.0 } else { momentum };
        in_chunks(values, gradients).zip(buffer.par_chunks_mut(CHUNK)).for_each(
            |((values, gradients), buffer)| {
                for ((value, &gradient), velocity) in values.iter_mut().zip(gradients).zip(buffer) {
                    *velocity = momentum * *velocity + (gradient + decay * *value);
                    *value -= rate * *velocity;
                }
            },
        );
        Ok(())
    }
}

fn in_chunks<'a>(
    values: &'a mut [f32],
    gradients: &'a [f32],
) -> impl IndexedParallelIterator<Item = (&'a mut [f32], &'a [f32])> {
    values.par_chunks_mut(CHUNK).zip(gradients.par_chunks(CHUNK))
}
