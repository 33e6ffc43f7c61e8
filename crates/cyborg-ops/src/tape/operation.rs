//! Operations that are written elsewhere: a forward pass and the backward pass that belongs to it.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::norm::Kept;
use super::{Gradients, Parameter, Slot, Tape, Value};
use crate::OpsError;
use crate::maps::{Maps, Shape};
use crate::plain::{checked, with_values};

/// What an operation reads in its backward pass. What it does not read is not kept for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The maps that it was applied to.
    pub inputs: bool,
    /// The maps that it gave.
    pub output: bool,
}

/// An operation on feature maps, with its gradient.
///
/// A value of the type is one application: it holds the settings, and may hold what the forward pass finds out for the
/// backward pass. [`Tape::apply`] runs it. The same inputs must give the same bits whatever the number of threads.
///
/// ```
/// use candle_core::{DType, Device, Result, Var};
/// use cyborg_ops::{Backward, Maps, Needs, Operation, Tape};
///
/// /// `x^2`, element by element.
/// struct Square;
///
/// impl Operation for Square {
///     fn name(&self) -> &'static str {
///         "square"
///     }
///
///     fn needs(&self) -> Needs {
///         Needs { inputs: true, output: false }
///     }
///
///     fn forward(&mut self, inputs: &[&Maps], _parameters: &[&[f32]]) -> Result<Maps> {
///         let values = inputs[0].values().iter().map(|x| x * x).collect();
///         Ok(Maps::from_values(inputs[0].shape(), values)?)
///     }
///
///     fn backward(self, mut gradient: Maps, backward: &mut Backward<'_>) -> Result<()> {
///         let x = backward.input(0)?;
///         for (gradient, x) in gradient.values_mut().iter_mut().zip(x.values()) {
///             *gradient *= 2.0 * x;
///         }
///         backward.add_input(0, gradient)
///     }
/// }
///
/// let x = Var::new(&[[[[1.0_f32, -3.0]]]], &Device::Cpu)?;
/// let tape = Tape::new(true);
/// let squares = tape.apply(Square, &[&tape.input(&x)?], &[])?;
/// let [squares] = tape.finish([&squares])?;
/// let gradients = squares.sum_all()?.backward()?;
/// let gradient = gradients.get(&x).map(|gradient| gradient.flatten_all()?.to_vec1::<f32>()).transpose()?;
/// assert_eq!(gradient, Some(vec![2.0, -6.0]));
/// # Ok::<(), candle_core::Error>(())
/// ```
pub trait Operation: Sized + Send + 'static {
    /// The name that errors give it.
    fn name(&self) -> &'static str;

    /// What [`Operation::backward`] reads.
    fn needs(&self) -> Needs;

    /// The result for these maps and the values of these parameters, each in the order of its tensor.
    ///
    /// # Errors
    /// On shapes that do not go together ([`OpsError::Shape`] and the like).
    fn forward(&mut self, inputs: &[&Maps], parameters: &[&[f32]]) -> Result<Maps>;

    /// Adds to the gradients of those inputs and parameters of which `backward` says that they are wanted, given the
    /// gradient of the result. It runs only if one is.
    ///
    /// # Errors
    /// Those of `backward`, which are faults of the operation.
    fn backward(self, gradient: Maps, backward: &mut Backward<'_>) -> Result<()>;
}

/// What the backward pass of an operation reads and where it puts gradients.
pub struct Backward<'a> {
    name: &'static str,
    inputs: Vec<Arc<Maps>>,
    output: Option<Arc<Maps>>,
    parameters: &'a [&'a [f32]],
    slots: &'a [Option<Slot>],
    shapes: &'a [Shape],
    wanted: &'a [Option<Parameter>],
    gradients: &'a mut Gradients,
}

impl Backward<'_> {
    /// Input number `index`, as it was in the forward pass.
    ///
    /// # Errors
    /// If the operation did not say that it needs its inputs, or has no such one.
    pub fn input(&self, index: usize) -> Result<Arc<Maps>> {
        let found = self.inputs.get(index).cloned();
        found.ok_or_else(|| self.fault(&format!("reads its input {index}, which it did not ask for")))
    }

    /// The result of the forward pass.
    ///
    /// # Errors
    /// If the operation did not say that it needs its output.
    pub fn output(&self) -> Result<Arc<Maps>> {
        let found = self.output.clone();
        found.ok_or_else(|| self.fault("reads its output, which it did not ask for"))
    }

    /// The values of parameter number `index`.
    ///
    /// # Errors
    /// If the operation has no such one.
    pub fn parameter(&self, index: usize) -> Result<&[f32]> {
        let found = self.parameters.get(index).copied();
        found.ok_or_else(|| self.fault(&format!("reads its parameter {index}, which it does not have")))
    }

    /// The shape of input number `index`, whether it was kept or not.
    ///
    /// # Errors
    /// If the operation has no such input.
    pub fn input_shape(&self, index: usize) -> Result<Shape> {
        let found = self.shapes.get(index).copied();
        found.ok_or_else(|| self.fault(&format!("reads its input {index}, which it does not have")))
    }

    /// Whether anybody wants the gradient of input number `index`.
    pub fn wants_input(&self, index: usize) -> bool {
        self.slots.get(index).is_some_and(Option::is_some)
    }

    /// Whether anybody wants the gradient of parameter number `index`.
    pub fn wants_parameter(&self, index: usize) -> bool {
        self.wanted.get(index).is_some_and(Option::is_some)
    }

    /// Adds to the gradient of input number `index`. What nobody wants is dropped.
    ///
    /// # Errors
    /// If the gradient has another shape than the input.
    pub fn add_input(&mut self, index: usize, gradient: Maps) -> Result<()> {
        let expected = self.input_shape(index)?;
        if gradient.shape != expected {
            let found = gradient.shape;
            return Err(self.fault(&format!("gives input {index} of {expected:?} a gradient of {found:?}")));
        }
        self.gradients.add(self.slots[index], gradient.into_values());
        Ok(())
    }

    /// Adds to the gradient of parameter number `index`. What nobody wants is dropped.
    ///
    /// # Errors
    /// If there are more or fewer values than the parameter has.
    pub fn add_parameter(&mut self, index: usize, gradient: Vec<f32>) -> Result<()> {
        let (expected, found) = (self.parameter(index)?.len(), gradient.len());
        if expected != found {
            return Err(
                self.fault(&format!("gives parameter {index} {found} gradients instead of {expected}"))
            );
        }
        self.gradients.add_parameter(self.wanted[index], gradient);
        Ok(())
    }

    fn fault(&self, what: &str) -> candle_core::Error {
        candle_core::Error::Msg(format!(
            "the backward pass of `{}` {what}: correct its `Operation`",
            self.name
        ))
    }
}

impl Tape {
    /// The result of an operation on maps and parameters.
    ///
    /// # Errors
    /// Those of the operation; on parameters that are not f32 on the CPU.
    pub fn apply<O: Operation>(
        &self,
        mut operation: O,
        inputs: &[&Value],
        parameters: &[&Tensor],
    ) -> Result<Value> {
        let (name, needs) = (operation.name(), operation.needs());
        let tensors: Vec<Tensor> =
            parameters.iter().map(|tensor| checked(name, "parameter", tensor)).collect::<Result<_>>()?;
        let maps: Vec<&Maps> = inputs.iter().map(|input| &*input.maps).collect();
        let maps = Arc::new(with_all(&tensors, &mut |parameters| operation.forward(&maps, parameters))??);
        let slots: Vec<_> = inputs.iter().map(|input| input.slot()).collect();
        let shapes: Vec<_> = inputs.iter().map(|input| input.shape()).collect();
        let wanted: Vec<_> = parameters.iter().map(|tensor| self.parameter(tensor)).collect();
        let is_wanted = slots.iter().any(Option::is_some) || wanted.iter().any(Option::is_some);
        if !is_wanted {
            return Ok(Value::new(maps, None));
        }
        let kept: Vec<Kept> =
            if needs.inputs { inputs.iter().map(|input| input.keep()).collect() } else { Vec::new() };
        let (shape, output) = (maps.shape, needs.output.then(|| Arc::clone(&maps)));
        Ok(self.push_shared(maps, true, move |gradient, gradients| {
            let inputs = kept.into_iter().map(Kept::restore).collect::<Result<_>>()?;
            let gradient = Maps::new(shape, gradient);
            let mut operation = Some(operation);
            let mut rest = Some((gradient, inputs, output));
            with_all(&tensors, &mut |parameters| {
                let (Some(operation), Some((gradient, inputs, output))) = (operation.take(), rest.take())
                else {
                    candle_core::bail!("internal error in cyborg-ops: a backward pass was run twice");
                };
                let (slots, shapes, wanted) = (&slots, &shapes, &wanted);
                let gradients = &mut *gradients;
                operation.backward(
                    gradient,
                    &mut Backward { name, inputs, output, parameters, slots, shapes, wanted, gradients },
                )
            })?
        }))
    }
}

/// Calls `work` with the values of all tensors.
fn with_all<T>(tensors: &[Tensor], work: &mut dyn FnMut(&[&[f32]]) -> T) -> Result<T> {
    fn next<'a, T>(
        tensors: &[Tensor],
        so_far: &mut Vec<&'a [f32]>,
        work: &mut dyn FnMut(&[&[f32]]) -> T,
    ) -> Result<T> {
        let Some((tensor, rest)) = tensors.split_first() else { return Ok(work(so_far)) };
        with_values(tensor, |values| {
            let mut so_far: Vec<&[f32]> = so_far.clone();
            so_far.push(values);
            next(rest, &mut so_far, work)
        })?
    }
    next(tensors, &mut Vec::new(), work)
}

/// Fails unless an operation got as many inputs as it takes.
pub(crate) fn expect_inputs<'a, const N: usize>(
    op: &'static str,
    inputs: &[&'a Maps],
) -> Result<[&'a Maps; N]> {
    <[&Maps; N]>::try_from(inputs).map_err(|_| {
        let what = "the number of inputs";
        OpsError::Size { op, what, expected: N, found: inputs.len() }.into()
    })
}
