//! What a training step gives a method to compute its loss of.

use std::collections::BTreeMap;

use candle_core::Tensor;
use cyborg_loss::{
    CamClass, Classification, HumanSaliency, cam_from_features, min_max_normalise, predicted_class,
    saliency_mse,
};

use crate::MethodError;

/// What one run of the network over a batch gave.
#[derive(Clone, Debug)]
pub struct Pass {
    /// `(batch, classes)`
    pub logits: Tensor,
    /// `(batch, channels, height, width)` by the name of the tap.
    pub features: BTreeMap<String, Tensor>,
}

/// One batch after the network has seen it.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// The name of the method, for messages.
    pub method: &'static str,
    /// The network's answer to the images.
    pub pass: &'a Pass,
    /// Its answer to changed images, if [`Needs::second_pass`](crate::Needs) asks for it.
    pub second_pass: Option<&'a Pass>,
    /// `(classes, channels)`, of the last linear layer.
    pub classifier_weight: &'a Tensor,
    /// `(batch)` u32
    pub labels: &'a Tensor,
    /// The tap whose features the class activation map is made of.
    pub cam_tap: &'a str,
    /// People's maps on the grid of the class activation map.
    pub human: &'a HumanSaliency,
    /// People's maps at the resolution of the images, if the needs ask for them.
    pub image_human: Option<&'a HumanSaliency>,
    /// How cross-entropy is computed: label smoothing and class weights are settings of the training, not of a method.
    pub classification: &'a Classification,
}

impl Step<'_> {
    /// Cross-entropy of the first pass with the training's label smoothing and class weights, a scalar.
    ///
    /// # Errors
    /// What tensor operations refuse.
    pub fn cross_entropy(&self) -> Result<Tensor, MethodError> {
        Ok(self.classification.cross_entropy(&self.pass.logits, self.labels)?)
    }

    /// The features of a tap, `(batch, channels, height, width)`, in the graph.
    ///
    /// # Errors
    /// [`MethodError::NotDeclared`] for a tap that the needs do not name.
    pub fn features(&self, tap: &str) -> Result<&Tensor, MethodError> {
        self.features_of(self.pass, tap)
    }

    /// The network's answer to the changed images.
    ///
    /// # Errors
    /// [`MethodError::NotDeclared`] if the needs name no second pass.
    pub fn second_pass(&self) -> Result<&Pass, MethodError> {
        self.second_pass.ok_or_else(|| self.not_declared("a second pass".to_owned()))
    }

    /// People's maps at the resolution of the images.
    ///
    /// # Errors
    /// [`MethodError::NotDeclared`] if the needs do not name them.
    pub fn image_human(&self) -> Result<&HumanSaliency, MethodError> {
        self.image_human.ok_or_else(|| self.not_declared("maps at the images' resolution".to_owned()))
    }

    /// The features of a tap in either pass.
    ///
    /// # Errors
    /// [`MethodError::NotDeclared`] for a tap that the needs do not name.
    pub fn features_of<'b>(&self, pass: &'b Pass, tap: &str) -> Result<&'b Tensor, MethodError> {
        pass.features.get(tap).ok_or_else(|| self.not_declared(format!("features of the tap `{tap}`")))
    }

    /// The class activation map of each image, `(batch, height, width)`, in the graph: no bias, no ReLU, not normalised.
    ///
    /// # Errors
    /// [`MethodError::NoCam`] where the tap's channels are not the classifier's.
    pub fn cam(&self, class: CamClass) -> Result<Tensor, MethodError> {
        let features = self.features(self.cam_tap)?;
        let class_idx = match class {
            CamClass::Predicted => predicted_class(&self.pass.logits)?,
            CamClass::True => self.labels.clone(),
        };
        let (_, channels, _, _) = features.dims4()?;
        let (_, expected) = self.classifier_weight.dims2()?;
        if channels != expected {
            return Err(MethodError::NoCam { tap: self.cam_tap.to_owned(), channels, expected });
        }
        Ok(cam_from_features(features, self.classifier_weight, &class_idx)?)
    }

    /// [`Step::cam`], per image minus its minimum and then divided by its maximum, as CYBORG's released code does.
    ///
    /// # Errors
    /// As [`Step::cam`].
    pub fn normalised_cam(&self, class: CamClass) -> Result<Tensor, MethodError> {
        Ok(min_max_normalise(&self.cam(class)?)?)
    }

    /// Mean squared distance between the normalised CAM and people's maps, over the images that have one.
    ///
    /// # Errors
    /// As [`Step::cam`].
    pub fn saliency_mse(&self, class: CamClass) -> Result<Tensor, MethodError> {
        Ok(saliency_mse(&self.normalised_cam(class)?, &self.human.maps, &self.human.has_map)?)
    }

    /// The same step outside the graph: what is computed of it is reported and not learned from.
    ///
    /// `f` gets a step whose tensors carry no gradient.
    ///
    /// # Errors
    /// What `f` gives.
    pub fn detached<T>(&self, f: impl FnOnce(&Step<'_>) -> Result<T, MethodError>) -> Result<T, MethodError> {
        let features = self.pass.features.iter().map(|(tap, map)| (tap.clone(), map.detach())).collect();
        let pass = Pass { logits: self.pass.logits.detach(), features };
        let weight = self.classifier_weight.detach();
        f(&Step { pass: &pass, second_pass: None, classifier_weight: &weight, ..self.clone() })
    }

    fn not_declared(&self, what: String) -> MethodError {
        MethodError::NotDeclared { method: self.method, what }
    }
}
