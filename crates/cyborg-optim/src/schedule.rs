//! Learning-rate schedules: settings that a file chooses by name, each a function of where a training is.

mod constant;
mod cosine;
mod multi_step;
mod step;
mod warm_up;

use cyborg_settings::{AnySettings, Choice, choices};

pub use constant::ConstantRate;
pub use cosine::{CosineDecay, CosineInterval};
pub use multi_step::MultiStepDecay;
pub use step::StepDecay;
pub use warm_up::WarmUp;

/// The schedules that a file can choose from; [`WarmUp`] goes in front of any of them.
pub const SCHEDULES: &[Choice<dyn Schedule>] =
    choices![dyn Schedule; ConstantRate, StepDecay, MultiStepDecay, CosineDecay];

/// A learning rate that depends on nothing but where the training is, so that a resumed training needs no saved
/// state.
pub trait Schedule: AnySettings {
    /// The learning rate of the step at `at`, where `base` is the optimiser's own rate. It is finite and not
    /// negative if `base` is.
    fn learning_rate(&self, base: f64, at: Moment) -> f64;
}

/// Where a training is: before the step of these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The number of epochs of the whole training, at least 1.
    pub n_epochs: usize,
    /// The step within the epoch, from 0.
    pub step: usize,
    /// The number of steps of an epoch, at least 1.
    pub steps_per_epoch: usize,
}

impl Moment {
    /// The number of steps before this one, over all epochs.
    pub fn steps_before(&self) -> usize {
        self.epoch * self.steps_per_epoch + self.step
    }
}
