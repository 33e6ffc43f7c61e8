//! Gradient clipping, as `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_` define it.

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor};
use cyborg_settings::{Fault, Positive, Settings};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::optimiser::CHUNK;
use crate::{OptimError, Parameter};

/// Bounds of the gradients of a step: of each number, of all numbers together, or of both in this order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clip {
    /// Each number of a gradient is brought into the range from minus this number to this number, above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Positive>,
    /// All gradients are shortened by one factor so that their Euclidean norm together is at most this number,
    /// above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_norm: Option<Positive>,
}

impl Settings for Clip {
    const NAME: &'static str = "clip";

    fn check(&self) -> Result<(), Fault> {
        if self.value.is_some() || self.global_norm.is_some() {
            return Ok(());
        }
        Err(Fault {
            path: Vec::new(),
            message: "clipping needs a bound, found none".to_owned(),
            hint: Some("set `global_norm` (1.0 is usual), `value`, or both".to_owned()),
        })
    }
}

impl Clip {
    /// Clips the gradients of these parameters by value and then by their global norm, as far as either is set. The
    /// result is the norm before the second, where that is set.
    ///
    /// # Errors
    /// As [`clip_by_value`] and [`clip_by_global_norm`].
    pub fn apply(
        &self,
        parameters: &[Parameter],
        gradients: &mut GradStore,
    ) -> Result<Option<f64>, OptimError> {
        if let Some(value) = self.value {
            clip_by_value(parameters, gradients, value)?;
        }
        self.global_norm.map(|norm| clip_by_global_norm(parameters, gradients, norm)).transpose()
    }
}

/// Multiplies the gradients of these parameters by `max_norm / (norm + 1e-6)` where that is below 1, and returns
/// `norm`: the Euclidean norm of all of them together, before clipping.
///
/// Squares are added in f64 in an order that does not depend on the number of threads (`clip_grad_norm_` adds in
/// f32). A norm that is infinite or not a number is returned as it is, and the gradients are no use any more, as in
/// PyTorch.
///
/// # Errors
/// [`OptimError::Shape`] where a gradient has another shape than its parameter, [`OptimError::Storage`] where it is
/// not f32 on the CPU.
pub fn clip_by_global_norm(
    parameters: &[Parameter],
    gradients: &mut GradStore,
    max_norm: Positive,
) -> Result<f64, OptimError> {
    let mut squares = 0.0;
    for parameter in parameters {
        if let Some(gradient) = parameter.gradient(gradients)? {
            squares += sum_of_squares(&gradient.flatten_all()?.to_vec1()?);
        }
    }
    let norm = squares.sqrt();
    let factor = max_norm.get() / (norm + 1e-6);
    if factor < 1.0 || factor.is_nan() {
        let factor = factor as f32;
        replace(parameters, gradients, |number| number * factor)?;
    }
    Ok(norm)
}

/// Brings every number of the gradients of these parameters into the range from `-max` to `max`. What is not a
/// number stays so.
///
/// # Errors
/// [`OptimError::Shape`] where a gradient has another shape than its parameter, [`OptimError::Storage`] where it is
/// not f32 on the CPU.
pub fn clip_by_value(
    parameters: &[Parameter],
    gradients: &mut GradStore,
    max: Positive,
) -> Result<(), OptimError> {
    let max = max.get() as f32;
    replace(parameters, gradients, |number| number.clamp(-max, max))
}

/// Puts new tensors into the store. Writing in place is not possible: gradients may share their memory.
fn replace(
    parameters: &[Parameter],
    gradients: &mut GradStore,
    change: impl Fn(f32) -> f32 + Sync,
) -> Result<(), OptimError> {
    for parameter in parameters {
        if let Some(gradient) = parameter.gradient(gradients)? {
            let mut numbers: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
            numbers.par_chunks_mut(CHUNK).for_each(|chunk| {
                for number in chunk {
                    *number = change(*number);
                }
            });
            let changed = Tensor::from_vec(numbers, gradient.shape(), &Device::Cpu)?;
            gradients.insert(parameter.var.as_tensor(), changed);
        }
    }
    Ok(())
}

/// The sum of squares in f64. Chunks have a fixed length and are added in their order, so the number of threads has
/// no say.
fn sum_of_squares(numbers: &[f32]) -> f64 {
    /// Partial sums that the processor can add at the same time.
    const LANES: usize = 8;
    let of_chunk = |chunk: &[f32]| {
        let mut sums = [0.0; LANES];
        for group in chunk.chunks(LANES) {
            for (sum, &number) in sums.iter_mut().zip(group) {
                *sum += f64::from(number) * f64::from(number);
            }
        }
        sums.iter().sum::<f64>()
    };
    let sums: Vec<f64> = numbers.par_chunks(CHUNK).map(of_chunk).collect();
    sums.iter().sum()
}
