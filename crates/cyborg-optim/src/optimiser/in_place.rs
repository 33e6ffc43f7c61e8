//! Writes new values into a parameter, in chunks that threads share among them.

use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor};
use rayon::prelude::*;
use std::cell::RefCell;

use super::Parameter;
use crate::OptimError;

/// The number of elements in a task; for fewer elements one thread is faster.
pub(crate) const CHUNK: usize = 1 << 16;

/// Calls `update(values, gradients, state)` once for each chunk of the parameter, with chunks of equal length of
/// the parameter's values, its gradient and the `N` buffers of the optimiser, each as long as the parameter.
///
/// The elements of a parameter do not depend on each other, so that how they are split cannot change a bit.
pub(super) fn update_in_place<const N: usize>(
    parameter: &Parameter,
    gradient: &Tensor,
    state: [&mut [f32]; N],
    update: impl Fn(&mut [f32], &[f32], [&mut [f32]; N]) + Sync,
) -> Result<(), OptimError> {
    parameter.expect_storage("value", parameter.var.as_tensor(), candle_core::DType::F32)?;
    let operation = Operation { state: RefCell::new(Some(state)), update };
    Ok(parameter.var.as_tensor().inplace_op2(gradient, &operation)?)
}

/// candle's in-place operation is the only way to write a variable without a copy.
struct Operation<'a, const N: usize, F> {
    /// Taken by the one call that candle makes, which has the operation behind a shared reference only.
    state: RefCell<Option<[&'a mut [f32]; N]>>,
    update: F,
}

impl<const N: usize, F> InplaceOp2 for Operation<'_, N, F>
where
    F: Fn(&mut [f32], &[f32], [&mut [f32]; N]) + Sync,
{
    fn name(&self) -> &'static str {
        "optimiser-step"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        values_layout: &Layout,
        gradients: &CpuStorage,
        gradients_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), CpuStorage::F32(gradients)) = (values, gradients) else {
            candle_core::bail!("a step of an optimiser: parameters and gradients must be f32")
        };
        let (Some((start, end)), Some((gradient_start, gradient_end)), Some(state)) = (
            values_layout.contiguous_offsets(),
            gradients_layout.contiguous_offsets(),
            self.state.borrow_mut().take(),
        ) else {
            candle_core::bail!("a step of an optimiser: parameters and gradients must be contiguous")
        };
        let (values, gradients) = (&mut values[start..end], &gradients[gradient_start..gradient_end]);
        if values.len() <= CHUNK {
            (self.update)(values, gradients, state);
            return Ok(());
        }
        let update = &self.update;
        let mut state = state.map(|buffer| buffer.chunks_mut(CHUNK));
        let tasks: Vec<_> = values
            .chunks_mut(CHUNK)
            .zip(gradients.chunks(CHUNK))
            .map(|(values, gradients)| {
                (values, gradients, state.each_mut().map(|chunks| chunks.next().unwrap_or_default()))
            })
            .collect();
        tasks.into_par_iter().for_each(|(values, gradients, state)| update(values, gradients, state));
        Ok(())
    }
}
