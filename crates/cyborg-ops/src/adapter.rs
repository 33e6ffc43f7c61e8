//! Operations of a tape as operations on candle's tensors, one at a time.
//!
//! The way back runs the operation again, this time recorded: so it can be taken any number of times, and nothing but the
//! inputs is kept.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use crate::layout;
use crate::plain::{tensor, with_values};
use crate::tape::{Tape, Value};

/// The result of `operation` on one to three tensors, as a tensor of (batch, channels, height, width).
pub(crate) fn run<const N: usize>(
    name: &'static str,
    inputs: [&Tensor; N],
    operation: impl Fn(&Tape, [&Tensor; N]) -> Result<Value> + Send + Sync + 'static,
) -> Result<Tensor> {
    let value = operation(&Tape::new(false), inputs)?;
    attach(name, inputs, value, operation)
}

/// [`run`], with these dimensions.
pub(crate) fn run_shaped<const N: usize>(
    name: &'static str,
    inputs: [&Tensor; N],
    dims: &[usize],
    operation: impl Fn(&Tape, [&Tensor; N]) -> Result<Value> + Send + Sync + 'static,
) -> Result<Tensor> {
    let value = operation(&Tape::new(false), inputs)?;
    attach_shaped(name, inputs, &value, dims, operation)
}

/// The tensor of `value`, which is the result of `operation`.
pub(crate) fn attach<const N: usize>(
    name: &'static str,
    inputs: [&Tensor; N],
    value: Value,
    operation: impl Fn(&Tape, [&Tensor; N]) -> Result<Value> + Send + Sync + 'static,
) -> Result<Tensor> {
    attach_shaped(name, inputs, &value, &value.dims(), operation)
}

fn attach_shaped<const N: usize>(
    name: &'static str,
    inputs: [&Tensor; N],
    value: &Value,
    dims: &[usize],
    operation: impl Fn(&Tape, [&Tensor; N]) -> Result<Value> + Send + Sync + 'static,
) -> Result<Tensor> {
    let shape = value.shape();
    let values = layout::planes_from_pixels(value.values(), shape.channels, shape.plane());
    if !inputs.iter().any(|input| input.track_op()) {
        return tensor(values, dims);
    }
    let operation = move |tape: &Tape, inputs: &[&Tensor]| match <[&Tensor; N]>::try_from(inputs) {
        Ok(inputs) => operation(tape, inputs),
        Err(_) => candle_core::bail!("internal error in cyborg-ops: {N} inputs, found {}", inputs.len()),
    };
    let adapter = Adapter {
        name,
        result: Mutex::new(Some((values, Shape::from(dims.to_vec())))),
        operation: Box::new(operation),
    };
    match *inputs.as_slice() {
        [a] => a.apply_op1(adapter),
        [a, b] => a.apply_op2(b, adapter),
        [a, b, c] => a.apply_op3(b, c, adapter),
        _ => candle_core::bail!("internal error in cyborg-ops: an operation of {N} inputs"),
    }
}

type Operation = dyn Fn(&Tape, &[&Tensor]) -> Result<Value> + Send + Sync;

struct Adapter {
    name: &'static str,
    /// Until candle has it.
    result: Mutex<Option<(Vec<f32>, Shape)>>,
    operation: Box<Operation>,
}

impl Adapter {
    fn result(&self) -> Result<(CpuStorage, Shape)> {
        match self.result.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some((values, shape)) => Ok((CpuStorage::F32(values), shape)),
            None => candle_core::bail!("internal error in cyborg-ops: `{}` was run twice", self.name),
        }
    }

    fn gradients(&self, inputs: &[&Tensor], gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let tape = Tape::new(true);
        let value = (self.operation)(&tape, inputs)?;
        let shape = value.shape();
        let gradient =
            with_values(gradient, |g| layout::pixels_from_planes(g, shape.channels, shape.plane()))?;
        let results = value.slot().map(|slot| (slot, gradient)).into_iter().collect();
        drop(value);
        let recording = tape.into_recording();
        let parameters = recording.parameters.clone();
        let mut gradients = recording.run(results)?;
        let mut of_input = |input: &&Tensor| {
            let index = parameters.iter().position(|parameter| parameter.id() == input.id());
            // `take`: the same tensor twice gets its gradient once.
            index.and_then(|index| gradients[index].take()).map(|g| tensor(g, input.dims())).transpose()
        };
        inputs.iter().map(&mut of_input).collect()
    }
}

impl CustomOp1 for Adapter {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.result()
    }

    fn bwd(&self, a: &Tensor, _res: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.gradients(&[a], grad)?.pop().flatten())
    }
}

impl CustomOp2 for Adapter {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.result()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.gradients(&[a, b], grad)?;
        let b = gradients.pop().flatten();
        Ok((gradients.pop().flatten(), b))
    }
}

impl CustomOp3 for Adapter {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.result()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        _res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.gradients(&[a, b, c], grad)?;
        let c = gradients.pop().flatten();
        let b = gradients.pop().flatten();
        Ok((gradients.pop().flatten(), b, c))
    }
}
