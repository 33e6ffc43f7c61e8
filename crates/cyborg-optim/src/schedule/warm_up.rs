//! A linear rise of the learning rate in front of any schedule.

use cyborg_settings::{Fraction, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Schedule};

/// The learning rate rises linearly, step by step, while the schedule goes on below it: the schedule's rate is
/// multiplied by a factor that grows from `from` to 1.
///
/// This is PyTorch's `ChainedScheduler` of a `LinearLR` and the schedule. The schedule counts its epochs from the
/// start of the training, not from the end of the warm-up, so that a drop at epoch 12 is a drop at epoch 12.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// The length of the rise in epochs, above 0, not necessarily whole.
    pub epochs: Positive,
    /// The factor of the first step, from 0 (which makes the first step a step of length 0) to 1.
    #[serde(default = "hundredth")]
    pub from: Fraction,
}

fn hundredth() -> Fraction {
    const HUNDREDTH: Fraction = Fraction::new(0.01).expect("between 0 and 1");
    HUNDREDTH
}

impl Settings for WarmUp {
    const NAME: &'static str = "warm-up";
}

impl WarmUp {
    /// The factor of the step at `at`: `from` at the first step, 1 from `epochs` on.
    pub fn factor(&self, at: Moment) -> f64 {
        let rise = self.epochs.get() * at.steps_per_epoch as f64;
        let from = self.from.get();
        from + (1.0 - from) * rise.min(at.steps_before() as f64) / rise
    }

    /// The learning rate of the step at `at` with this warm-up in front of `schedule`.
    pub fn learning_rate(&self, schedule: &dyn Schedule, base: f64, at: Moment) -> f64 {
        schedule.learning_rate(base, at) * self.factor(at)
    }
}
