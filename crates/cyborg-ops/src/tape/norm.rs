//! Batch normalisation, with what often stands behind it.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::growing::Later;
use super::{Gradients, Growing, Slot, Tape, Value};
use crate::conv2d::{Geometry, plan};
use crate::gemm::Finish;
use crate::maps::{Maps, Shape};
use crate::norm::{self, AddGradients, Lines, Statistics};
use crate::plain::{checked, per_channel, tensor, with_both, with_values};
use crate::view::View;
use crate::{BatchStatistics, Conv2dConfig, OpsError, pointwise, recycle};

/// What follows a batch norm, in the same passes over memory and with the same bits as one after the other.
#[derive(Clone, Copy, Debug)]
pub enum After<'a> {
    /// Nothing.
    Nothing,
    /// ReLU.
    Relu,
    /// The sum with other maps of the same shape.
    Add(&'a Value),
    /// The sum with other maps of the same shape, then ReLU: the end of a residual block.
    AddRelu(&'a Value),
}

impl<'a> After<'a> {
    fn other(self) -> Option<&'a Value> {
        match self {
            Self::Nothing | Self::Relu => None,
            Self::Add(other) | Self::AddRelu(other) => Some(other),
        }
    }

    fn relu(self) -> bool {
        matches!(self, Self::Relu | Self::AddRelu(_))
    }
}

/// What a batch norm takes: all channels of a [`Value`], or those that a [`Growing`] has so far.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a>(Of<'a>);

#[derive(Clone, Copy, Debug)]
enum Of<'a> {
    Whole(&'a Value),
    Part(&'a Growing),
}

impl<'a> From<&'a Value> for Channels<'a> {
    fn from(value: &'a Value) -> Self {
        Self(Of::Whole(value))
    }
}

impl<'a> From<&'a Growing> for Channels<'a> {
    fn from(growing: &'a Growing) -> Self {
        Self(Of::Part(growing))
    }
}

impl<'a> Channels<'a> {
    fn shape(self) -> Shape {
        match self.0 {
            Of::Whole(value) => value.shape(),
            Of::Part(growing) => growing.shape(),
        }
    }

    fn view(self) -> View<'a> {
        match self.0 {
            Of::Whole(value) => value.view(),
            Of::Part(growing) => growing.view(),
        }
    }

    fn slot(self) -> Option<Slot> {
        match self.0 {
            Of::Whole(value) => value.slot(),
            Of::Part(growing) => growing.slot(),
        }
    }

    fn source(self) -> Source {
        match self.0 {
            Of::Whole(value) => Source::Whole(Arc::clone(&value.maps)),
            Of::Part(growing) => growing.source(),
        }
    }

    fn statistics(self) -> Arc<Statistics> {
        match self.0 {
            Of::Whole(value) => match &value.statistics {
                Some(statistics) => Arc::clone(statistics),
                None => Arc::new(norm::statistics(value.view())),
            },
            Of::Part(growing) => Arc::new(growing.statistics()),
        }
    }
}

/// Where the way back finds the input of a batch norm.
#[derive(Clone)]
pub(super) enum Source {
    Whole(Arc<Maps>),
    /// The first channels of maps that were not whole yet.
    Part(Later, usize),
}

impl Source {
    fn shape(&self) -> Shape {
        match self {
            Self::Whole(maps) => maps.shape,
            Self::Part(later, channels) => Shape { channels: *channels, ..later.shape() },
        }
    }

    fn view(&self) -> Result<View<'_>> {
        match self {
            Self::Whole(maps) => Ok(maps.view()),
            Self::Part(later, channels) => {
                let maps = later.maps()?;
                Ok(View::part(&maps.values, maps.shape.channels, 0, *channels))
            }
        }
    }

    /// Adds to the gradient of these channels.
    fn add(&self, slot: Option<Slot>, gradient: Vec<f32>, gradients: &mut Gradients) {
        match (self, slot) {
            (Self::Part(later, channels), Some(slot)) => {
                pointwise::add_place(View::dense(&gradient, *channels), later.gradient(slot, gradients));
                recycle::give(gradient);
            }
            _ => gradients.add(slot, gradient),
        }
    }
}

/// What a batch norm was made of: it is cheaper to make it again than to keep it.
#[derive(Clone)]
pub(super) struct Normalised {
    input: Source,
    lines: Arc<Lines>,
    relu: bool,
}

/// Maps that a gradient will need.
pub(super) enum Kept {
    Whole(Arc<Maps>),
    Normalised(Normalised),
}

impl Kept {
    /// The maps, as they were in the forward pass.
    pub(super) fn restore(self) -> Result<Arc<Maps>> {
        match self {
            Self::Whole(maps) => Ok(maps),
            Self::Normalised(Normalised { input, lines, relu }) => {
                let (shape, view) = (input.shape(), input.view()?);
                Ok(Arc::new(Maps::new(shape, norm::normalise(view, &lines, relu))))
            }
        }
    }

    /// Calls `work` with the values.
    pub(super) fn with<T>(self, work: impl FnOnce(&[f32]) -> T) -> Result<T> {
        match self {
            Self::Whole(maps) => Ok(work(&maps.values)),
            Self::Normalised(Normalised { input, lines, relu }) => {
                let values = norm::normalise(input.view()?, &lines, relu);
                let result = work(&values);
                recycle::give(values);
                Ok(result)
            }
        }
    }
}

impl Value {
    /// What to hold for a gradient that needs these maps.
    pub(super) fn keep(&self) -> Kept {
        match &self.normalised {
            Some(normalised) => Kept::Normalised(normalised.clone()),
            None => Kept::Whole(Arc::clone(&self.maps)),
        }
    }
}

impl Tape {
    /// [`crate::batch_norm_train`], and what follows.
    ///
    /// # Errors
    /// As there; if the other maps have another shape.
    pub fn batch_norm_train<'a>(
        &self,
        input: impl Into<Channels<'a>>,
        gamma: &Tensor,
        beta: &Tensor,
        eps: f64,
        after: After<'_>,
    ) -> Result<(Value, BatchStatistics)> {
        let op = if after.relu() { "batch_norm_relu_train" } else { "batch_norm_train" };
        let input = input.into();
        let shape = input.shape();
        check(op, shape, [gamma, beta], eps, after)?;
        let n = shape.rows();
        if n < 2 {
            return Err(OpsError::TooFewValues { op, found: n }.into());
        }
        let found = input.statistics();
        let statistics = BatchStatistics {
            mean: tensor(found.rounded_mean(), &[shape.channels])?,
            variance: tensor(found.unbiased_variance(), &[shape.channels])?,
        };
        let lines = |gamma: &[f32], beta: &[f32]| Lines::of_batch(&found, gamma, beta, eps);
        Ok((self.normalise(op, input, [gamma, beta], lines, after)?, statistics))
    }

    /// [`crate::batch_norm_eval`], and what follows.
    ///
    /// # Errors
    /// As there; if the other maps have another shape.
    pub fn batch_norm_eval<'a>(
        &self,
        input: impl Into<Channels<'a>>,
        norm: [&Tensor; 4],
        eps: f64,
        after: After<'_>,
    ) -> Result<Value> {
        let op = if after.relu() { "batch_norm_relu_eval" } else { "batch_norm_eval" };
        let input = input.into();
        let lines = running_lines(op, input.shape(), norm, eps, after)?;
        let [gamma, beta, ..] = norm;
        self.normalise(op, input, [gamma, beta], |_, _| lines, after)
    }

    /// [`Tape::conv2d`] and then [`Tape::batch_norm_eval`]; in one pass over memory where nothing is recorded, to the same
    /// bits.
    ///
    /// # Errors
    /// As there.
    pub fn conv2d_batch_norm_eval(
        &self,
        input: &Value,
        weight: &Tensor,
        config: Conv2dConfig,
        norm: [&Tensor; 4],
        eps: f64,
        after: After<'_>,
    ) -> Result<Value> {
        if self.records {
            return self.batch_norm_eval(&self.conv2d(input, weight, config)?, norm, eps, after);
        }
        let op = if after.relu() { "batch_norm_relu_eval" } else { "batch_norm_eval" };
        let geometry = Geometry::of(input.dims(), weight.dims(), config)?;
        let shape = Shape::of(geometry.output_shape());
        let lines = running_lines(op, shape, norm, eps, after)?;
        let weight = checked("conv2d", "weight", weight)?;
        let values = with_values(&weight, |weight| {
            let finish = Finish {
                centre: &lines.centre,
                scale: &lines.scale,
                shift: &lines.shift,
                other: after.other().map(Value::values),
                relu: after.relu(),
            };
            plan::forward_and(&geometry, input.values(), weight, Some(finish))
        })?;
        Ok(self.push(Maps::new(shape, values), false, |_, _| Ok(())))
    }

    /// By the lines of all channels, made of gamma and beta.
    fn normalise(
        &self,
        op: &'static str,
        input: Channels<'_>,
        [gamma, beta]: [&Tensor; 2],
        lines: impl FnOnce(&[f32], &[f32]) -> Lines,
        after: After<'_>,
    ) -> Result<Value> {
        let (of_gamma, of_beta) = (self.parameter(gamma), self.parameter(beta));
        let (gamma, beta) = (checked(op, "gamma", gamma)?, checked(op, "beta", beta)?);
        let lines = Arc::new(with_both(&gamma, &beta, lines)?);
        let (other, relu) = (after.other(), after.relu());
        let values = match other {
            None => norm::normalise(input.view(), &lines, relu),
            Some(other) => norm::normalise_add(input.view(), &lines, other.values(), relu),
        };
        let maps = Arc::new(Maps::new(input.shape(), values));
        let (slot, other_slot) = (input.slot(), other.and_then(Value::slot));
        let wanted = slot.is_some() || other_slot.is_some() || of_gamma.is_some() || of_beta.is_some();
        let source = input.source();
        let normalised = (wanted && other.is_none()).then(|| Normalised {
            input: source.clone(),
            lines: Arc::clone(&lines),
            relu,
        });
        // Behind a sum, ReLU's mask is that of the result; else the line says it.
        let out = (other.is_some() && relu).then(|| Arc::clone(&maps));
        let is_sum = other.is_some();
        let mut value = self.push_shared(maps, wanted, move |gradient, gradients| {
            let x = source.view()?;
            let own = match (&source, slot) {
                _ if is_sum => {
                    let out = out.as_ref().map_or(&[][..], |out| &out.values);
                    let AddGradients { mut own, shortcut } =
                        norm::gradients_add(x, out, gradient, &lines, relu);
                    gradients.add(other_slot, shortcut);
                    source.add(slot, std::mem::take(&mut own.input), gradients);
                    own
                }
                (Source::Part(later, _), Some(slot)) => {
                    let own =
                        norm::gradients_into(x, &gradient, &lines, relu, later.gradient(slot, gradients));
                    recycle::give(gradient);
                    own
                }
                _ => {
                    let mut own = norm::gradients(x, gradient, &lines, relu);
                    gradients.add(slot, std::mem::take(&mut own.input));
                    own
                }
            };
            gradients.add_parameter(of_gamma, own.gamma);
            gradients.add_parameter(of_beta, own.beta);
            Ok(())
        });
        value.normalised = normalised;
        Ok(value)
    }
}

/// The lines of gamma, beta, running mean and running variance.
fn running_lines(
    op: &'static str,
    shape: Shape,
    [gamma, beta, running_mean, running_var]: [&Tensor; 4],
    eps: f64,
    after: After<'_>,
) -> Result<Lines> {
    check(op, shape, [gamma, beta], eps, after)?;
    per_channel(op, "running_mean", running_mean, shape.channels)?;
    per_channel(op, "running_var", running_var, shape.channels)?;
    let (mean, variance) =
        (checked(op, "running_mean", running_mean)?, checked(op, "running_var", running_var)?);
    let (gamma, beta) = (checked(op, "gamma", gamma)?, checked(op, "beta", beta)?);
    with_both(&mean, &variance, |mean, variance| {
        with_both(&gamma, &beta, |gamma, beta| Lines::of_running(mean, variance, gamma, beta, eps))
    })?
}

fn check(
    op: &'static str,
    shape: Shape,
    [gamma, beta]: [&Tensor; 2],
    eps: f64,
    after: After<'_>,
) -> Result<()> {
    per_channel(op, "gamma", gamma, shape.channels)?;
    per_channel(op, "beta", beta, shape.channels)?;
    if !(eps.is_finite() && eps >= 0.0) {
        let expected = "finite and not negative";
        return Err(OpsError::Range { op, what: "eps", expected, found: eps.to_string() }.into());
    }
    match after.other() {
        Some(other) if other.shape() != shape => {
            let (expected, found) =
                (format!("the shape of `input`, {:?}", shape.dims()), format!("{:?}", other.dims()));
            Err(OpsError::Shape { op, tensor: "other", expected, found }.into())
        }
        _ => Ok(()),
    }
}
