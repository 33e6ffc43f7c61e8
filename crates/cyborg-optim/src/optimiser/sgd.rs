//! Stochastic gradient descent with momentum and weight decay, as `torch.optim.SGD` defines it.

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor};
use cyborg_settings::{BelowOne, Fault, NonNegative, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::in_place::update_in_place;
use super::{Optimiser, OptimiserState, Parameter};
use crate::OptimError;

/// Stochastic gradient descent: `torch.optim.SGD` with dampening 0. The defaults are those of the released CYBORG
/// code.
///
/// For a parameter `p` with gradient `g`: `d = g + weight_decay * p`; `b = d` at the parameter's first step and `b
/// = momentum * b + d` after it; then `p -= learning_rate * b`, or `p -= learning_rate * (d + momentum * b)` with
/// Nesterov's momentum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// The learning rate before the schedule, above 0.
    pub learning_rate: Positive,
    /// The share of the last step's direction that is kept, from 0 to below 1.
    pub momentum: BelowOne,
    /// The L2 penalty that is added to the gradient: this number times the parameter, 0 or more.
    pub weight_decay: NonNegative,
    /// Whether the step looks ahead along the momentum (Nesterov's variant, in the form of Sutskever et al., ICML
    /// 2013).
    pub nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        const DEFAULT: (Positive, BelowOne, NonNegative) = (
            Positive::new(0.005).expect("above 0"),
            BelowOne::new(0.9).expect("below 1"),
            NonNegative::new(1e-6).expect("above 0"),
        );
        let (learning_rate, momentum, weight_decay) = DEFAULT;
        Self { learning_rate, momentum, weight_decay, nesterov: false }
    }
}

impl Settings for Sgd {
    const NAME: &'static str = "sgd";

    fn check(&self) -> Result<(), Fault> {
        if self.nesterov && self.momentum.get() == 0.0 {
            let hint = "set `momentum` above 0 (0.9 is usual), or `nesterov` to false".to_owned();
            return Err(Fault::of_field(
                "nesterov",
                "Nesterov's variant needs momentum, found 0",
                Some(hint),
            ));
        }
        Ok(())
    }
}

impl Optimiser for Sgd {
    fn learning_rate(&self) -> f64 {
        self.learning_rate.get()
    }

    fn start(&self, parameters: &[Parameter]) -> Box<dyn OptimiserState> {
        let with_momentum = |parameter: &Parameter| (parameter.clone(), Vec::new());
        Box::new(SgdState {
            settings: self.clone(),
            parameters: parameters.iter().map(with_momentum).collect(),
        })
    }
}

#[derive(Debug)]
struct SgdState {
    settings: Sgd,
    /// Each parameter with its momentum: empty before the parameter's first step, and always if momentum is 0.
    parameters: Vec<(Parameter, Vec<f32>)>,
}

const MOMENTUM: &str = "momentum";

impl OptimiserState for SgdState {
    fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<(), OptimError> {
        let momentum = self.settings.momentum.get() as f32;
        for (parameter, velocities) in &mut self.parameters {
            let Some(gradient) = parameter.gradient(gradients)? else { continue };
            let rate = (learning_rate * parameter.learning_rate_factor) as f32;
            let decay = (self.settings.weight_decay.get() * parameter.weight_decay_factor) as f32;
            if momentum == 0.0 {
                update_in_place(parameter, &gradient, [], |values, gradients, []| {
                    for (value, &gradient) in values.iter_mut().zip(gradients) {
                        *value -= rate * (gradient + decay * *value);
                    }
                })?;
                continue;
            }
            // 0 * 0 + d is d: the first step needs no branch of its own.
            let kept = if velocities.is_empty() { 0.0 } else { momentum };
            velocities.resize(parameter.var.elem_count(), 0.0);
            if self.settings.nesterov {
                update_in_place(parameter, &gradient, [velocities], |values, gradients, [velocities]| {
                    for ((value, &gradient), velocity) in values.iter_mut().zip(gradients).zip(velocities) {
                        let decayed = gradient + decay * *value;
                        *velocity = kept * *velocity + decayed;
                        *value -= rate * (decayed + momentum * *velocity);
                    }
                })?;
            } else {
                update_in_place(parameter, &gradient, [velocities], |values, gradients, [velocities]| {
                    for ((value, &gradient), velocity) in values.iter_mut().zip(gradients).zip(velocities) {
                        *velocity = kept * *velocity + (gradient + decay * *value);
                        *value -= rate * *velocity;
                    }
                })?;
            }
        }
        Ok(())
    }

    fn tensors(&self) -> Result<Vec<(String, Tensor)>, OptimError> {
        let moved = self.parameters.iter().filter(|(_, velocities)| !velocities.is_empty());
        let as_tensor = |(parameter, velocities): &(Parameter, Vec<f32>)| {
            let tensor = Tensor::from_slice(velocities, parameter.var.shape(), &Device::Cpu)?;
            Ok((format!("{MOMENTUM}/{}", parameter.name), tensor))
        };
        moved.map(as_tensor).collect()
    }

    fn restore(&mut self, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<(), OptimError> {
        for (parameter, velocities) in &mut self.parameters {
            *velocities = match find(&format!("{MOMENTUM}/{}", parameter.name)) {
                Some(tensor) => parameter.saved_values(MOMENTUM, &tensor)?,
                None => Vec::new(),
            };
        }
        Ok(())
    }
}
