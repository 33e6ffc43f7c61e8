//! Operations on feature maps, and the way back through them.

mod conv;
mod gradients;
mod growing;
mod norm;
mod operation;
mod pointwise;
mod pool;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{Result, Tensor, TensorId};

use crate::layout;
use crate::maps::{Maps, Shape};
use crate::norm::Statistics;
use crate::plain::{checked, dims4, with_values};
use crate::view::View;
pub(crate) use gradients::{Gradients, Parameter, Slot};
pub use growing::Growing;
use norm::Normalised;
pub use norm::{After, Channels};
pub(crate) use operation::expect_inputs;
pub use operation::{Backward, Needs, Operation};

/// Feature maps that an operation of a [`Tape`] gave: (batch, height, width, channels). A clone shares them.
#[derive(Clone)]
pub struct Value {
    maps: Arc<Maps>,
    /// Where its gradient is collected; none where nobody wants it.
    slot: Option<Slot>,
    /// How to make the same maps again from others that are kept anyway.
    normalised: Option<Normalised>,
    /// Of all channels, where they have been found already.
    statistics: Option<Arc<Statistics>>,
}

impl Value {
    /// `[batch, channels, height, width]`, the order that tensors have.
    pub fn dims(&self) -> [usize; 4] {
        self.shape().dims()
    }

    pub(crate) fn shape(&self) -> Shape {
        self.maps.shape
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.maps.values
    }

    /// Of maps that are the result of no operation.
    fn new(maps: Arc<Maps>, slot: Option<Slot>) -> Self {
        Self { maps, slot, normalised: None, statistics: None }
    }

    fn view(&self) -> View<'_> {
        self.maps.view()
    }

    pub(crate) fn slot(&self) -> Option<Slot> {
        self.slot
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({:?})", self.maps.shape)
    }
}

/// One step back.
type Step = Box<dyn FnOnce(&mut Gradients) -> Result<()> + Send>;

/// Runs operations on feature maps and records what their gradients need.
///
/// Maps are laid out with channels last, and operations run at once. [`Tape::finish`] makes tensors of results, which
/// are part of candle's graph: `backward` of a loss gives the gradient of every parameter as if each operation were one
/// of candle's. What an operation records holds only what its gradient needs, and is dropped when that is done.
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use cyborg_ops::{Conv2dConfig, Tape};
///
/// let images = Tensor::ones((2, 3, 8, 8), DType::F32, &Device::Cpu)?;
/// let weight = Var::ones((4, 3, 3, 3), DType::F32, &Device::Cpu)?;
/// let tape = Tape::new(true);
/// let maps = tape.conv2d(&tape.input(&images)?, &weight, Conv2dConfig::default())?;
/// let pooled = tape.global_avg_pool2d(&tape.relu(&maps))?;
/// let [maps, pooled] = tape.finish([&maps, &pooled])?;
/// assert_eq!(maps.dims(), [2, 4, 6, 6]);
/// assert_eq!(pooled.dims(), [2, 4, 1, 1]);
/// let gradients = pooled.sum_all()?.backward()?;
/// assert_eq!(gradients.get(&weight).map(Tensor::dims), Some([4, 3, 3, 3].as_slice()));
/// # Ok::<(), candle_core::Error>(())
/// ```
pub struct Tape {
    records: bool,
    recording: RefCell<Recording>,
}

/// What the way back takes.
#[derive(Default)]
pub(crate) struct Recording {
    /// One for each slot.
    steps: Vec<Step>,
    /// Tensors whose gradients are wanted.
    pub(crate) parameters: Vec<Tensor>,
    indices: HashMap<TensorId, Parameter>,
}

impl Tape {
    /// An empty tape. Without `records` nothing is kept for a way back, whatever the tensors are.
    pub fn new(records: bool) -> Self {
        crate::recycle::begin_pass();
        Self { records, recording: RefCell::default() }
    }

    /// The values of a tensor, for operations of this tape. Its gradient is computed if it is a variable or depends on one.
    ///
    /// # Shapes
    /// - `tensor`: `(batch, channels, height, width)`
    ///
    /// # Errors
    /// On another rank, type or device.
    pub fn input(&self, tensor: &Tensor) -> Result<Value> {
        self.input_of("Tape::input", "tensor", tensor)
    }

    /// [`Tape::input`], for an operation that calls the tensor so.
    pub(crate) fn input_of(&self, op: &'static str, name: &'static str, tensor: &Tensor) -> Result<Value> {
        let dims = dims4(op, name, tensor)?;
        self.input_as(op, name, tensor, dims)
    }

    /// The values of a tensor as if it had these dimensions.
    pub(crate) fn input_as(
        &self,
        op: &'static str,
        name: &'static str,
        tensor: &Tensor,
        dims: [usize; 4],
    ) -> Result<Value> {
        let shape = Shape::of(dims);
        let values = with_values(&checked(op, name, tensor)?, |values| {
            layout::pixels_from_planes(values, shape.channels, shape.plane())
        })?;
        let parameter = self.parameter(tensor);
        Ok(self.push(Maps::new(shape, values), parameter.is_some(), move |gradient, gradients| {
            let gradient = layout::planes_from_pixels(&gradient, shape.channels, shape.plane());
            gradients.add_parameter(parameter, gradient);
            Ok(())
        }))
    }

    /// Where the gradient of this tensor goes, if there will be one.
    fn parameter(&self, tensor: &Tensor) -> Option<Parameter> {
        if !self.records || !tensor.track_op() {
            return None;
        }
        let mut recording = self.recording.borrow_mut();
        let next = Parameter(recording.parameters.len());
        let parameter = *recording.indices.entry(tensor.id()).or_insert(next);
        if parameter == next {
            recording.parameters.push(tensor.clone());
        }
        Some(parameter)
    }

    /// The result of an operation, and how to pass its gradient on if anybody before it wants one.
    fn push(
        &self,
        maps: Maps,
        wanted: bool,
        backward: impl FnOnce(Vec<f32>, &mut Gradients) -> Result<()> + Send + 'static,
    ) -> Value {
        self.push_shared(Arc::new(maps), wanted, backward)
    }

    /// The same for maps that are kept for the way back.
    fn push_shared(
        &self,
        maps: Arc<Maps>,
        wanted: bool,
        backward: impl FnOnce(Vec<f32>, &mut Gradients) -> Result<()> + Send + 'static,
    ) -> Value {
        let slot = wanted.then(|| {
            self.step(|slot| {
                move |gradients: &mut Gradients| match gradients.take(slot) {
                    Some(gradient) => backward(gradient, gradients),
                    None => Ok(()),
                }
            })
        });
        Value::new(maps, slot)
    }

    /// Records what `step` makes of the slot that is its own.
    fn step<F: FnOnce(&mut Gradients) -> Result<()> + Send + 'static>(
        &self,
        step: impl FnOnce(Slot) -> F,
    ) -> Slot {
        let steps = &mut self.recording.borrow_mut().steps;
        let slot = Slot(steps.len());
        steps.push(Box::new(step(slot)));
        slot
    }

    pub(crate) fn into_recording(self) -> Recording {
        self.recording.into_inner()
    }
}

impl Recording {
    /// The gradient of each of [`Recording::parameters`], given those of some results. None where none arrives.
    pub(crate) fn run(self, results: Vec<(Slot, Vec<f32>)>) -> Result<Vec<Option<Vec<f32>>>> {
        let mut gradients = Gradients::new(self.steps.len(), self.parameters.len());
        for (slot, gradient) in results {
            gradients.add(Some(slot), gradient);
        }
        for step in self.steps.into_iter().rev() {
            step(&mut gradients)?;
        }
        Ok(gradients.into_parameters())
    }
}
