//! A learning rate that falls along half a cosine, as `torch.optim.lr_scheduler.CosineAnnealingLR` defines it.

use std::f64::consts::PI;

use cyborg_settings::{Fraction, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Schedule};

/// The learning rate falls along half a cosine over the whole training (PyTorch's `CosineAnnealingLR`; SGDR of
/// Loshchilov and Hutter, ICLR 2017, without restarts).
///
/// After the share `s` of the training the rate is `end + (base - end) * (1 + cos(pi * s)) / 2` with `end = to *
/// base`. The training's last epoch (or step) begins before `s` is 1, so that its rate is above `end`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CosineDecay {
    /// The rate that the curve ends at, as a share of the first one, from 0 to 1.
    pub to: Fraction,
    /// How often the rate changes.
    pub every: CosineInterval,
}

impl Default for CosineDecay {
    fn default() -> Self {
        const ZERO: Fraction = Fraction::new(0.0).expect("between 0 and 1");
        Self { to: ZERO, every: CosineInterval::Epoch }
    }
}

/// How often a cosine's rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CosineInterval {
    /// The rate changes from epoch to epoch.
    #[default]
    Epoch,
    /// The rate changes from step to step.
    Step,
}

impl Settings for CosineDecay {
    const NAME: &'static str = "cosine";
}

impl Schedule for CosineDecay {
    fn learning_rate(&self, base: f64, at: Moment) -> f64 {
        let (done, all) = match self.every {
            CosineInterval::Epoch => (at.epoch, at.n_epochs),
            CosineInterval::Step => (at.steps_before(), at.n_epochs * at.steps_per_epoch),
        };
        let all = all.max(1);
        let end = self.to.get() * base;
        // PyTorch has this closed form beside the recursion that its scheduler runs, which needs the rate of the
        // step before and differs from it by rounding alone. A resumed training has no step before.
        end + (base - end) * (1.0 + (PI * done.min(all) as f64 / all as f64).cos()) / 2.0
    }
}
