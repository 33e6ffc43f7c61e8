//! The same learning rate from the first step to the last.

use cyborg_settings::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Schedule};

/// The optimiser's learning rate throughout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConstantRate {}

impl Settings for ConstantRate {
    const NAME: &'static str = "constant";
}

impl Schedule for ConstantRate {
    fn learning_rate(&self, base: f64, _: Moment) -> f64 {
        base
    }
}
