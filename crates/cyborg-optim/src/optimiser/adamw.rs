//! Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), as `torch.optim.AdamW` defines it.

use cyborg_settings::{BelowOne, Fault, NonNegative, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moments::{BETAS, Decay, EPS, LEARNING_RATE, MomentSettings, MomentState, check_eps};
use super::{Optimiser, OptimiserState, Parameter};

/// AdamW (Loshchilov and Hutter, ICLR 2019): `torch.optim.AdamW` with its defaults, without AMSGrad.
///
/// A step is that of Adam without the penalty in the gradient, after
/// `p *= 1 - learning_rate * weight_decay`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// The learning rate before the schedule, above 0.
    pub learning_rate: Positive,
    /// The shares of the running means of the gradient and of its square that are kept at a step, each from 0 to
    /// below 1.
    pub betas: [BelowOne; 2],
    /// This number, above 0, is added to the denominator, so that a gradient of 0 divides nothing by 0.
    pub eps: Positive,
    /// The share of the parameter, times the learning rate, that every step takes away, 0 or more.
    pub weight_decay: NonNegative,
}

impl Default for AdamW {
    fn default() -> Self {
        const WEIGHT_DECAY: NonNegative = NonNegative::new(1e-2).expect("not negative");
        Self { learning_rate: LEARNING_RATE, betas: BETAS, eps: EPS, weight_decay: WEIGHT_DECAY }
    }
}

impl Settings for AdamW {
    const NAME: &'static str = "adamw";

    fn check(&self) -> Result<(), Fault> {
        check_eps(self.eps)
    }
}

impl Optimiser for AdamW {
    fn learning_rate(&self) -> f64 {
        self.learning_rate.get()
    }

    fn start(&self, parameters: &[Parameter]) -> Box<dyn OptimiserState> {
        let settings = MomentSettings {
            betas: self.betas.map(BelowOne::get),
            eps: self.eps.get(),
            weight_decay: self.weight_decay.get(),
            decay: Decay::Decoupled,
        };
        Box::new(MomentState::new(settings, parameters))
    }
}
