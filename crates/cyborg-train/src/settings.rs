//! What a training is, down to everything that can change a number.

use std::path::PathBuf;
use std::sync::Arc;

use crate::{ClassWeights, Protocol, TrainError};
use cyborg_backbones::{Architecture, Network, Tap};
use cyborg_methods::Method;
use serde_json::{Value, json};

/// One training. Everything here can change a number.
#[derive(Clone, Debug)]
pub struct TrainSettings {
    /// The network.
    pub architecture: Architecture,
    /// Weights to start from instead of a random initialisation.
    pub pretrained: Option<PathBuf>,
    /// Number of classes, at least 2.
    pub n_classes: usize,
    /// Side of the square input in pixels.
    pub input_px: usize,
    /// What is minimised.
    pub method: Arc<dyn Method>,
    /// Where the features of the class activation map are taken, in training and in scoring.
    pub cam_tap: Tap,
    /// How the network is trained.
    pub protocol: Protocol,
    /// The seed of initial weights, orders and everything else that is drawn. Trainings that differ in the method alone
    /// share these: comparing them seed by seed is a paired comparison.
    pub seed: u64,
}

impl TrainSettings {
    /// Refuses what no training can have.
    ///
    /// # Errors
    /// [`TrainError::Setting`], naming the first such field, its value and what it may be.
    pub fn check(&self) -> Result<(), TrainError> {
        let fault =
            |field, found: String, expected: String| Err(TrainError::Setting { field, found, expected });
        if self.n_classes < 2 {
            return fault("n_classes", self.n_classes.to_string(), "at least 2 classes".to_owned());
        }
        if let ClassWeights::Given(weights) = &self.protocol.class_weights {
            if weights.len() != self.n_classes {
                let found = format!("a list of {} weights", weights.len());
                return fault(
                    "class_weights",
                    found,
                    format!("one weight for each of {} classes", self.n_classes),
                );
            }
            if weights.iter().all(|weight| weight.get() == 0.0) {
                return fault(
                    "class_weights",
                    "0 for each class".to_owned(),
                    "a class that counts".to_owned(),
                );
            }
        }
        let classifier_channels = self.architecture.channels_at(&Tap::POOLED);
        let channels = self.architecture.channels_at(&self.cam_tap);
        if channels.is_none() || channels != classifier_channels {
            let taps: Vec<String> = self
                .architecture
                .taps()
                .iter()
                .filter(|info| Some(info.channels) == classifier_channels)
                .map(|info| format!("`{}`", info.tap))
                .collect();
            let found = format!("`{}`", self.cam_tap);
            return fault(
                "tap",
                found,
                format!(
                    "a tap of `{}` with as many channels as its classifier takes: {}",
                    self.architecture.name(),
                    taps.join(", ")
                ),
            );
        }
        for name in self.method.needs().taps {
            if self.architecture.tap(&name).is_none() {
                let taps: Vec<&str> = self.architecture.taps().iter().map(|info| info.tap.name()).collect();
                let expected = format!(
                    "a tap of `{}`; {}",
                    self.architecture.name(),
                    cyborg_settings::nearest(&name, &taps)
                );
                return fault("taps", format!("`{name}`"), expected);
            }
        }
        self.check_parameter_names()?;
        self.grid().map(|_| ())
    }

    /// Patterns of parameter names fit the network's names, and something is left to train.
    fn check_parameter_names(&self) -> Result<(), TrainError> {
        let Protocol { freeze, groups, .. } = &self.protocol;
        if freeze.is_empty() && *groups == cyborg_optim::ParameterGroups::default() {
            return Ok(());
        }
        let fault = |field, expected: String| TrainError::Setting {
            field,
            found: "not what the network has".to_owned(),
            expected,
        };
        let mut network = Network::blank(self.architecture, self.n_classes)?;
        network.freeze(freeze).map_err(|error| fault("freeze", error.to_string()))?;
        let parameters = crate::fit::network_parameters(&network);
        if parameters.is_empty() {
            return Err(fault("freeze", "patterns that leave a parameter to train".to_owned()));
        }
        groups.apply(&parameters).map_err(|error| fault("parameter_groups", error.to_string()))?;
        Ok(())
    }

    /// Side of the CAM grid.
    ///
    /// # Errors
    /// [`TrainError::Setting`] where the input is too small for the network.
    pub fn grid(&self) -> Result<usize, TrainError> {
        self.architecture.grid_at(&self.cam_tap, self.input_px).ok_or_else(|| TrainError::Setting {
            field: "input_px",
            found: self.input_px.to_string(),
            expected: format!(
                "a larger side: `{}` has no CAM grid there (its usual side is {})",
                self.architecture.name(),
                self.architecture.default_input_px()
            ),
        })
    }

    /// Everything that can change a number, but for the data; `pretrained_blake3` is the digest of the file of weights.
    ///
    /// Where a setting has no effect (dropout in a network without it) it is absent.
    pub fn identity(&self, pretrained_blake3: Option<&str>) -> Value {
        let mut identity = json!({
            "backbone": self.architecture.name(),
            "pretrained_blake3": pretrained_blake3,
            "n_classes": self.n_classes,
            "input_px": self.input_px,
            "loss": self.method.identity(),
            "tap": self.cam_tap.name(),
        });
        if let Value::Object(fields) = &mut identity {
            fields.append(&mut self.protocol.identity());
            if self.architecture.dropout() > 0.0 {
                fields.insert("dropout".to_owned(), json!(self.protocol.dropout));
            }
            fields.insert("seed".to_owned(), json!(self.seed));
        }
        identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::tiny_settings;
    use cyborg_settings::NonNegative;

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
        let weights = |values: &[f64]| {
            ClassWeights::Given(
                values.iter().map(|&value| NonNegative::new(value).expect("0 or more")).collect(),
            )
        };
        check("n_classes", &|s| s.n_classes = 1);
        check("input_px", &|s| s.input_px = 0);
        check("class_weights", &|s| s.protocol.class_weights = weights(&[1.0]));
        check("class_weights", &|s| s.protocol.class_weights = weights(&[0.0, 0.0]));
        check("freeze", &|s| s.protocol.freeze = vec!["layer9.*".to_owned()]);
        check("freeze", &|s| s.protocol.freeze = vec!["*".to_owned()]);
        check("parameter_groups", &|s| {
            s.protocol.groups = serde_json::from_value(json!({"patterns": [{"match": "layer9.*"}]})).expect("valid");
        });
        // layer1 of thin-resnet8 has 16 channels, its classifier takes 64.
        check("tap", &|s| s.cam_tap = s.architecture.tap("layer1").expect("it has one"));
        check("tap", &|s| s.cam_tap = Architecture::InceptionV3.tap("Mixed_6e").expect("it has one"));
    }

    #[test]
    fn the_identity_names_what_is_used_and_nothing_else() {
        let settings = tiny_settings();
        let identity = settings.identity(None);
        assert_eq!(identity["loss"], json!({"name": "cyborg", "alpha": 0.5, "cam_class": "predicted"}));
        assert_eq!(identity["optimiser"]["name"], "sgd");
        assert!(identity.get("dropout").is_none() && identity.get("clip").is_none());
        let mut other = settings.clone();
        other.protocol.dropout = false;
        assert_eq!(other.identity(None), identity, "thin-resnet8 has no dropout");
        other.protocol.label_smoothing = cyborg_settings::Fraction::new(0.1).expect("in range");
        assert_eq!(other.identity(None)["label_smoothing"], json!(0.1));
    }
}
