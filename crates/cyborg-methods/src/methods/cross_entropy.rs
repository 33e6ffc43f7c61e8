//! The classical baseline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Memory, Method, MethodError, Needs, Over, Step, Terms};
use cyborg_settings::Settings;

/// Cross-entropy alone: the classical baseline.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrossEntropy {}

impl Settings for CrossEntropy {
    const NAME: &'static str = "cross-entropy";
}

impl Method for CrossEntropy {
    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn terms(&self, step: &Step<'_>, _: &mut Memory) -> Result<Terms, MethodError> {
        let cross_entropy = step.cross_entropy()?;
        Ok(Terms::of(cross_entropy.clone()).with("cross_entropy", &cross_entropy, Over::Images))
    }
}
