//! The state that Adam and AdamW share: running means of each gradient and of its square.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use cyborg_settings::{BelowOne, Fault, Positive};

use super::in_place::update_in_place;
use super::{OptimiserState, Parameter};
use crate::OptimError;

/// The learning rate that `torch.optim.Adam` and `AdamW` have by default.
pub(super) const LEARNING_RATE: Positive = Positive::new(1e-3).expect("above 0");
/// The shares of the running means that both keep by default.
pub(super) const BETAS: [BelowOne; 2] =
    [BelowOne::new(0.9).expect("below 1"), BelowOne::new(0.999).expect("below 1")];
/// The number that both add to the denominator by default.
pub(super) const EPS: Positive = Positive::new(1e-8).expect("above 0");

/// What Adam and AdamW differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decay {
    /// The penalty is added to the gradient and goes through the running means (Adam).
    Gradient,
    /// The parameter is shrunk directly (AdamW).
    Decoupled,
}

/// The numbers of [`Adam`](super::Adam) or [`AdamW`](super::AdamW).
#[derive(Clone, Copy, Debug)]
pub(super) struct MomentSettings {
    pub(super) betas: [f64; 2],
    pub(super) eps: f64,
    pub(super) weight_decay: f64,
    pub(super) decay: Decay,
}

/// Refuses a number that is 0 once it is rounded to f32: a gradient of 0 would then divide 0 by 0.
pub(super) fn check_eps(eps: Positive) -> Result<(), Fault> {
    if eps.get() as f32 > 0.0 {
        return Ok(());
    }
    let message = format!("expected a number that is above 0 in 32 bits too, found {:?}", eps.get());
    Err(Fault::of_field("eps", message, Some("1e-8 is usual".to_owned())))
}

#[derive(Debug)]
pub(super) struct MomentState {
    settings: MomentSettings,
    parameters: Vec<(Parameter, Moments)>,
}

/// What is remembered of one parameter; empty before its first step.
#[derive(Debug, Default)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
    /// The steps that this parameter has made, which a step without a gradient is not.
    steps: u32,
}

const FIRST: &str = "first_moment";
const SECOND: &str = "second_moment";
const STEPS: &str = "step_count";

impl MomentState {
    pub(super) fn new(settings: MomentSettings, parameters: &[Parameter]) -> Self {
        let parameters = parameters.iter().map(|parameter| (parameter.clone(), Moments::default())).collect();
        Self { settings, parameters }
    }
}

impl OptimiserState for MomentState {
    fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<(), OptimError> {
        let MomentSettings { betas: [beta1, beta2], eps, weight_decay, decay } = self.settings;
        for (parameter, moments) in &mut self.parameters {
            let Some(gradient) = parameter.gradient(gradients)? else { continue };
            let rate = learning_rate * parameter.learning_rate_factor;
            let weight_decay = weight_decay * parameter.weight_decay_factor;
            moments.steps = moments.steps.saturating_add(1);
            moments.first.resize(parameter.var.elem_count(), 0.0);
            moments.second.resize(parameter.var.elem_count(), 0.0);
            // Factors are computed in f64 and rounded once, elements in f32, both as PyTorch does.
            let steps = f64::from(moments.steps);
            let step_size = (rate / (1.0 - beta1.powf(steps))) as f32;
            let second_correction = (1.0 - beta2.powf(steps)).sqrt() as f32;
            let (penalty, shrink) = match decay {
                Decay::Gradient => (weight_decay as f32, 1.0),
                Decay::Decoupled => (0.0, (1.0 - rate * weight_decay) as f32),
            };
            let (new_share, old_share) = ((1.0 - beta1) as f32, beta1 as f32);
            let (beta2, new_square_share, eps) = (beta2 as f32, (1.0 - beta2) as f32, eps as f32);
            let state = [moments.first.as_mut_slice(), moments.second.as_mut_slice()];
            update_in_place(parameter, &gradient, state, |values, gradients, [first, second]| {
                let moments = first.iter_mut().zip(second);
                for ((value, &gradient), (first, second)) in values.iter_mut().zip(gradients).zip(moments) {
                    let shrunk = shrink * *value;
                    let gradient = gradient + penalty * *value;
                    // torch.lerp starts from the nearer end.
                    *first = if new_share < 0.5 {
                        *first + new_share * (gradient - *first)
                    } else {
                        gradient - (gradient - *first) * old_share
                    };
                    *second = beta2 * *second + new_square_share * gradient * gradient;
                    *value = shrunk - step_size * *first / (second.sqrt() / second_correction + eps);
                }
            })?;
        }
        Ok(())
    }

    fn tensors(&self) -> Result<Vec<(String, Tensor)>, OptimError> {
        let mut tensors = Vec::new();
        for (parameter, moments) in self.parameters.iter().filter(|(_, moments)| moments.steps > 0) {
            let name = &parameter.name;
            for (what, values) in [(FIRST, &moments.first), (SECOND, &moments.second)] {
                let tensor = Tensor::from_slice(values, parameter.var.shape(), &Device::Cpu)?;
                tensors.push((format!("{what}/{name}"), tensor));
            }
            tensors.push((format!("{STEPS}/{name}"), Tensor::new(moments.steps, &Device::Cpu)?));
        }
        Ok(tensors)
    }

    fn restore(&mut self, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<(), OptimError> {
        for (parameter, moments) in &mut self.parameters {
            let saved =
                [FIRST, SECOND, STEPS].map(|what| (what, find(&format!("{what}/{}", parameter.name))));
            *moments = match saved {
                [(_, None), (_, None), (_, None)] => Moments::default(),
                [(_, Some(first)), (_, Some(second)), (_, Some(steps))] => {
                    parameter.expect_shape(STEPS, &steps, &[])?;
                    parameter.expect_storage(STEPS, &steps, DType::U32)?;
                    Moments {
                        first: parameter.saved_values(FIRST, &first)?,
                        second: parameter.saved_values(SECOND, &second)?,
                        steps: steps.to_scalar()?,
                    }
                }
                saved => {
                    let missing =
                        saved.iter().find(|(_, tensor)| tensor.is_none()).map_or("", |(what, _)| what);
                    return Err(OptimError::StateIncomplete {
                        parameter: parameter.name.clone(),
                        missing: format!("{missing}/{}", parameter.name),
                    });
                }
            };
        }
        Ok(())
    }
}
