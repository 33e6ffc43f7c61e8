//! Adam (Kingma and Ba, ICLR 2015), as `torch.optim.Adam` defines it.

use cyborg_settings::{BelowOne, Fault, NonNegative, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moments::{BETAS, Decay, EPS, LEARNING_RATE, MomentSettings, MomentState, check_eps};
use super::{Optimiser, OptimiserState, Parameter};

/// Adam (Kingma and Ba, ICLR 2015): `torch.optim.Adam` with its defaults, without AMSGrad.
///
/// For a parameter `p` with gradient `g` at the parameter's step `t`, from 1: `d = g + weight_decay * p`;
/// `m = beta1 * m + (1 - beta1) * d`; `v = beta2 * v + (1 - beta2) * d * d`; then
/// `p -= learning_rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// The learning rate before the schedule, above 0.
    pub learning_rate: Positive,
    /// The shares of the running means of the gradient and of its square that are kept at a step, each from 0 to
    /// below 1.
    pub betas: [BelowOne; 2],
    /// This number, above 0, is added to the denominator, so that a gradient of 0 divides nothing by 0.
    pub eps: Positive,
    /// The L2 penalty that is added to the gradient: this number times the parameter, 0 or more.
    pub weight_decay: NonNegative,
}

impl Default for Adam {
    fn default() -> Self {
        const WEIGHT_DECAY: NonNegative = NonNegative::new(0.0).expect("not negative");
        Self { learning_rate: LEARNING_RATE, betas: BETAS, eps: EPS, weight_decay: WEIGHT_DECAY }
    }
}

impl Settings for Adam {
    const NAME: &'static str = "adam";

    fn check(&self) -> Result<(), Fault> {
        check_eps(self.eps)
    }
}

impl Optimiser for Adam {
    fn learning_rate(&self) -> f64 {
        self.learning_rate.get()
    }

    fn start(&self, parameters: &[Parameter]) -> Box<dyn OptimiserState> {
        let settings = MomentSettings {
            betas: self.betas.map(BelowOne::get),
            eps: self.eps.get(),
            weight_decay: self.weight_decay.get(),
            decay: Decay::Gradient,
        };
        Box::new(MomentState::new(settings, parameters))
    }
}
