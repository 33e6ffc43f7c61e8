//! What a training is, down to everything that can change a number.

use crate::TrainError;
use cyborg_backbones::{Architecture, Tap};
use cyborg_loss::CamClass;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Cross-entropy alone: the classical baseline.
    CrossEntropy,
    /// `alpha * cross-entropy + (1 - alpha) * MSE(CAM, human map)`.
    Cyborg {
        /// Weight of cross-entropy, in `[0, 1]`; released: 0.5.
        alpha: f64,
        /// Whose CAM is compared with the map.
        cam_class: CamClass,
    },
}

/// One training. Everything here can change a number.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSettings {
    /// The network.
    pub architecture: Architecture,
    /// safetensors to start from instead of a random initialisation.
    pub pretrained: Option<PathBuf>,
    /// Classes, at least 2.
    pub n_classes: usize,
    /// Side of the square input in pixels.
    pub input_px: usize,
    /// What is minimised.
    pub method: Method,
    /// Where the CAM's features are taken.
    pub tap: Tap,
    /// Passes over the training set, at least 1.
    pub epochs: usize,
    /// Images a step, at least 1; the last batch of an epoch may be shorter.
    pub batch_size: usize,
    /// Of the first epoch, above 0.
    pub learning_rate: f64,
    /// In `[0, 1)`.
    pub momentum: f64,
    /// L2 penalty as `torch.optim.SGD` adds it to the gradient, at least 0.
    pub weight_decay: f64,
    /// StepLR: every so many epochs (at least 1) ...
    pub lr_step_epochs: usize,
    /// ... the rate is multiplied by this, above 0.
    pub lr_step_factor: f64,
    /// A new order each epoch, or the order of the items.
    pub shuffle: bool,
    /// Dropout where the network has it ([`Architecture::dropout`]: Inception-v3); drawn anew each step, from the seed.
    pub dropout: bool,
    /// Take the CAM's features from a second forward pass, as the released DenseNet-121 code does: the running statistics
    /// move twice a step ([`TrainingPass`](cyborg_backbones::TrainingPass)). Not part of the method.
    pub features_from_second_pass: bool,
    /// Decides initial weights and orders. Trainings that differ in [`Method`] alone share both: comparing them seed
    /// by seed is a paired comparison.
    pub seed: u64,
}

impl TrainSettings {
    /// Refuses what no training can have.
    ///
    /// # Errors
    /// [`TrainError::Setting`], naming the first such field, its value and what it may be.
    pub fn check(&self) -> Result<(), TrainError> {
        let at_least = |field, found: usize, least: usize| {
            demand(found >= least, field, found, format!("a whole number of at least {least}"))
        };
        at_least("n_classes", self.n_classes, 2)?;
        at_least("epochs", self.epochs, 1)?;
        at_least("batch_size", self.batch_size, 1)?;
        at_least("lr_step_epochs", self.lr_step_epochs, 1)?;
        let positive = |field, found: f64| {
            demand(found.is_finite() && found > 0.0, field, found, "a finite number above 0")
        };
        positive("learning_rate", self.learning_rate)?;
        positive("lr_step_factor", self.lr_step_factor)?;
        demand((0.0..1.0).contains(&self.momentum), "momentum", self.momentum, "a number from 0 to below 1")?;
        demand(
            self.weight_decay.is_finite() && self.weight_decay >= 0.0,
            "weight_decay",
            self.weight_decay,
            "a finite number of at least 0",
        )?;
        if let Method::Cyborg { alpha, .. } = self.method {
            demand((0.0..=1.0).contains(&alpha), "alpha", alpha, "a number from 0 to 1")?;
        }
        self.grid().map(|_| ())
    }

    /// Side of the CAM grid.
    ///
    /// # Errors
    /// [`TrainError::Setting`] where the input is too small for the network.
    pub fn grid(&self) -> Result<usize, TrainError> {
        self.architecture.grid(self.input_px).ok_or_else(|| TrainError::Setting {
            field: "input_px",
            found: self.input_px.to_string(),
            expected: format!(
                "a larger side: `{}` has no CAM grid there (its usual side is {})",
                self.architecture.name(),
                self.architecture.default_input_px()
            ),
        })
    }

    /// The rate of an epoch (from 0), as `torch.optim.lr_scheduler.StepLR` computes it: multiplied once more every
    /// [`lr_step_epochs`](Self::lr_step_epochs) (a power would differ in the last bits).
    pub fn learning_rate_at(&self, epoch: usize) -> f64 {
        (0..epoch / self.lr_step_epochs.max(1)).fold(self.learning_rate, |rate, _| rate * self.lr_step_factor)
    }

    /// By name, for telling a resumed training what differs. The pretrained file is identified by its content.
    pub(crate) fn described(&self, pretrained_digest: Option<&str>) -> BTreeMap<String, String> {
        let method = match self.method {
            Method::CrossEntropy => "cross-entropy".to_owned(),
            Method::Cyborg { alpha, cam_class } => format!("cyborg, alpha {alpha}, cam class {cam_class:?}"),
        };
        let mut described: BTreeMap<String, String> = [
            ("architecture", self.architecture.name().to_owned()),
            ("pretrained", pretrained_digest.unwrap_or("none").to_owned()),
            ("n_classes", self.n_classes.to_string()),
            ("input_px", self.input_px.to_string()),
            ("method", method),
            ("tap", format!("{:?}", self.tap)),
            ("epochs", self.epochs.to_string()),
            ("batch_size", self.batch_size.to_string()),
            ("learning_rate", self.learning_rate.to_string()),
            ("momentum", self.momentum.to_string()),
            ("weight_decay", self.weight_decay.to_string()),
            ("lr_step_epochs", self.lr_step_epochs.to_string()),
            ("lr_step_factor", self.lr_step_factor.to_string()),
            ("shuffle", self.shuffle.to_string()),
            ("seed", self.seed.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        // Only where they change something, so that a training begun before they were known can be resumed.
        if self.architecture.dropout() > 0.0 {
            described.insert("dropout".to_owned(), self.dropout.to_string());
        }
        if self.features_from_second_pass {
            described.insert("features_from_second_pass".to_owned(), true.to_string());
        }
        described
    }
}

fn demand(
    holds: bool,
    field: &'static str,
    found: impl ToString,
    expected: impl Into<String>,
) -> Result<(), TrainError> {
    if holds {
        return Ok(());
    }
    Err(TrainError::Setting { field, found: found.to_string(), expected: expected.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::tiny_settings;

    #[test]
    fn every_impossible_setting_is_refused_by_name() {
        tiny_settings().check().expect("these are possible");
        let check = |expected_field: &str, change: &dyn Fn(&mut TrainSettings)| {
            let mut settings = tiny_settings();
            change(&mut settings);
            match settings.check() {
                Err(TrainError::Setting { field, .. }) => assert_eq!(field, expected_field),
                other => panic!("`{expected_field}`: {other:?}"),
            }
        };
        check("n_classes", &|s| s.n_classes = 1);
        check("epochs", &|s| s.epochs = 0);
        check("batch_size", &|s| s.batch_size = 0);
        check("lr_step_epochs", &|s| s.lr_step_epochs = 0);
        for bad in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            check("learning_rate", &|s| s.learning_rate = bad);
            check("lr_step_factor", &|s| s.lr_step_factor = bad);
        }
        for bad in [1.0, -0.1, f64::NAN] {
            check("momentum", &|s| s.momentum = bad);
        }
        for bad in [-1e-6, f64::NAN, f64::INFINITY] {
            check("weight_decay", &|s| s.weight_decay = bad);
        }
        for bad in [1.5, -0.1, f64::NAN] {
            check("alpha", &|s| s.method = Method::Cyborg { alpha: bad, cam_class: CamClass::True });
        }
        check("input_px", &|s| s.input_px = 0);
    }

    #[test]
    fn the_learning_rate_steps_as_in_pytorch() {
        let mut settings = tiny_settings();
        (settings.learning_rate, settings.lr_step_epochs, settings.lr_step_factor) = (0.005, 12, 0.1);
        assert_eq!(settings.learning_rate_at(0), 0.005);
        assert_eq!(settings.learning_rate_at(11), 0.005);
        // PyTorch 2.15.0: repr(optimizer.param_groups[0]["lr"]) after 12, 24, 36 and 48 steps of
        // StepLR(SGD(lr=0.005), 12, 0.1). The power 0.005 * 0.1 ** 2 is 5.000000000000001e-05 instead.
        assert_eq!(settings.learning_rate_at(12), 0.0005);
        assert_eq!(settings.learning_rate_at(24), 5e-05);
        assert_eq!(settings.learning_rate_at(36), 5e-06);
        assert_eq!(settings.learning_rate_at(48), 5.000000000000001e-07);
    }
}
