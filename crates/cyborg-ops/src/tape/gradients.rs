//! Gradients on their way back.

use crate::{pointwise, recycle};

/// A result of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) usize);

/// A tensor from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameter(pub(crate) usize);

/// Sums of what has arrived so far. The first is moved in, others are added in the order in which they come.
pub(crate) struct Gradients {
    slots: Vec<Option<Vec<f32>>>,
    parameters: Vec<Option<Vec<f32>>>,
}

impl Gradients {
    pub(super) fn new(n_slots: usize, n_parameters: usize) -> Self {
        Self { slots: vec![None; n_slots], parameters: vec![None; n_parameters] }
    }

    /// Adds to the gradient of a result, if it is wanted.
    pub(crate) fn add(&mut self, slot: Option<Slot>, gradient: Vec<f32>) {
        match slot {
            Some(Slot(index)) => accumulate(&mut self.slots[index], gradient),
            None => recycle::give(gradient),
        }
    }

    /// Adds to the gradient of a tensor, if it is wanted.
    pub(crate) fn add_parameter(&mut self, parameter: Option<Parameter>, gradient: Vec<f32>) {
        if let Some(Parameter(index)) = parameter {
            accumulate(&mut self.parameters[index], gradient);
        }
    }

    /// The gradient of a result so far.
    pub(super) fn get(&self, Slot(index): Slot) -> Option<&[f32]> {
        self.slots[index].as_deref()
    }

    /// The gradient of a result of `len` values, to add to.
    pub(super) fn sum(&mut self, Slot(index): Slot, len: usize) -> &mut [f32] {
        self.slots[index].get_or_insert_with(|| vec![0.0; len])
    }

    pub(super) fn take(&mut self, Slot(index): Slot) -> Option<Vec<f32>> {
        self.slots[index].take()
    }

    pub(super) fn into_parameters(self) -> Vec<Option<Vec<f32>>> {
        self.parameters
    }
}

fn accumulate(sum: &mut Option<Vec<f32>>, gradient: Vec<f32>) {
    match sum {
        None => *sum = Some(gradient),
        Some(sum) => {
            pointwise::add_into(sum, &gradient);
            recycle::give(gradient);
        }
    }
}
