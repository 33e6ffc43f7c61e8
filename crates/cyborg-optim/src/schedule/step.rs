//! A learning rate that drops at equal distances, as `torch.optim.lr_scheduler.StepLR` computes it.

use cyborg_settings::{AtLeastOne, Positive, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Schedule};

/// The learning rate is multiplied by a factor every so many epochs (PyTorch's `StepLR`). The defaults are those of
/// the released CYBORG code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StepDecay {
    /// The number of epochs from one drop to the next, 1 or more.
    pub every_epochs: AtLeastOne,
    /// The learning rate is multiplied by this number, above 0, at every drop.
    pub factor: Positive,
}

impl Default for StepDecay {
    fn default() -> Self {
        const EVERY: AtLeastOne = AtLeastOne::new(12).expect("at least 1");
        const FACTOR: Positive = Positive::new(0.1).expect("above 0");
        Self { every_epochs: EVERY, factor: FACTOR }
    }
}

impl Settings for StepDecay {
    const NAME: &'static str = "step";
}

impl Schedule for StepDecay {
    fn learning_rate(&self, base: f64, at: Moment) -> f64 {
        // Multiplied once more at every drop, as PyTorch does: a power would differ in the last bits.
        (0..at.epoch / self.every_epochs.get()).fold(base, |rate, _| rate * self.factor.get())
    }
}
