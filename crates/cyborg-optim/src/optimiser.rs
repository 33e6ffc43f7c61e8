//! Optimisers: settings that a file chooses by name, and the state that moves parameters step by step.

mod adam;
mod adamw;
mod in_place;
mod moments;
mod sgd;

use std::fmt::Debug;

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor, Var};
use cyborg_settings::{AnySettings, Choice, choices};

use crate::OptimError;

pub use adam::Adam;
pub use adamw::AdamW;
pub(crate) use in_place::CHUNK;
pub use sgd::Sgd;

/// The optimisers that a file can choose from.
pub const OPTIMISERS: &[Choice<dyn Optimiser>] = choices![dyn Optimiser; Sgd, Adam, AdamW];

/// The settings of an optimiser.
pub trait Optimiser: AnySettings {
    /// The learning rate before any schedule and any factor of a parameter, above 0.
    fn learning_rate(&self) -> f64;

    /// An optimiser that has not made a step yet. The variables stay shared with their network.
    fn start(&self, parameters: &[Parameter]) -> Box<dyn OptimiserState>;
}

/// A variable that an optimiser moves.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The name in errors and in the saved state; no two parameters may share one.
    pub name: String,
    /// The variable: contiguous, f32, on the CPU, of any shape.
    pub var: Var,
    /// The learning rate is multiplied by this number, 0 or more.
    pub learning_rate_factor: f64,
    /// The weight decay is multiplied by this number, 0 or more.
    pub weight_decay_factor: f64,
}

impl Parameter {
    /// A parameter that learns at the optimiser's own rate and decay.
    pub fn new(name: impl Into<String>, var: Var) -> Self {
        Self { name: name.into(), var, learning_rate_factor: 1.0, weight_decay_factor: 1.0 }
    }

    /// The gradient of this parameter, contiguous; `None` where the loss did not depend on it.
    pub(crate) fn gradient(&self, gradients: &GradStore) -> Result<Option<Tensor>, OptimError> {
        let Some(gradient) = gradients.get(self.var.as_tensor()) else { return Ok(None) };
        self.expect_shape("gradient", gradient, self.var.dims())?;
        let gradient = gradient.contiguous()?;
        self.expect_storage("gradient", &gradient, DType::F32)?;
        Ok(Some(gradient))
    }

    pub(crate) fn expect_shape(
        &self,
        what: &'static str,
        tensor: &Tensor,
        expected: &[usize],
    ) -> Result<(), OptimError> {
        if tensor.dims() == expected {
            return Ok(());
        }
        Err(OptimError::Shape {
            what,
            parameter: self.name.clone(),
            expected: expected.to_vec(),
            found: tensor.dims().to_vec(),
        })
    }

    pub(crate) fn expect_storage(
        &self,
        what: &'static str,
        tensor: &Tensor,
        expected: DType,
    ) -> Result<(), OptimError> {
        if tensor.dtype() == expected && tensor.device().is_cpu() && tensor.is_contiguous() {
            return Ok(());
        }
        let layout = if tensor.is_contiguous() { "contiguous" } else { "strided" };
        Err(OptimError::Storage {
            what,
            parameter: self.name.clone(),
            expected: expected.as_str(),
            found: format!("{layout} {} on {:?}", tensor.dtype().as_str(), tensor.device().location()),
        })
    }

    /// The numbers of a saved tensor that has the parameter's shape.
    pub(crate) fn saved_values(&self, what: &'static str, tensor: &Tensor) -> Result<Vec<f32>, OptimError> {
        self.expect_shape(what, tensor, self.var.dims())?;
        self.expect_storage(what, tensor, DType::F32)?;
        Ok(tensor.flatten_all()?.to_vec1()?)
    }
}

/// An optimiser at work: its parameters and what it remembers of their gradients.
pub trait OptimiserState: Debug + Send {
    /// Moves every parameter that has a gradient once, in place. A parameter without a gradient is left alone, and
    /// so is what the optimiser remembers of it. Parameters have the same bits whatever the number of threads.
    ///
    /// `learning_rate` is the rate of this step, 0 or more, before the parameters' own factors.
    ///
    /// # Errors
    /// [`OptimError::Shape`] where a gradient has another shape than its parameter, [`OptimError::Storage`] where
    /// one of the two is not f32 on the CPU; parameters before that one have moved by then.
    fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<(), OptimError>;

    /// All that has to be saved beside the parameters to go on with the same bits: tensors by name, such as
    /// `momentum/NAME` with the name of a parameter. A parameter that has not moved yet has none.
    ///
    /// # Errors
    /// [`OptimError::Tensor`] where the tensor library refuses.
    fn tensors(&self) -> Result<Vec<(String, Tensor)>, OptimError>;

    /// Puts back what [`tensors`](Self::tensors) gave. `find` looks a tensor up by name; a parameter none of whose
    /// tensors it knows starts afresh.
    ///
    /// # Errors
    /// [`OptimError::Shape`] and [`OptimError::Storage`] where a tensor does not fit its parameter,
    /// [`OptimError::StateIncomplete`] where only some of a parameter's tensors are there.
    fn restore(&mut self, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<(), OptimError>;
}
