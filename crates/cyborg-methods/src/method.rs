//! What a way of training is.

use std::collections::BTreeMap;

use candle_core::Tensor;
use cyborg_settings::AnySettings;

use crate::{Alteration, MethodError, Step, Terms};

/// A way of training: its settings are the type that implements it, and everything that others must know of it is asked
/// through this trait. Nothing outside this crate distinguishes methods by name.
pub trait Method: AnySettings {
    /// What a training step has to provide, beside logits, labels and the class activation map's features.
    fn needs(&self) -> Needs;

    /// The loss of one step as named terms.
    ///
    /// `memory` keeps tensors from step to step; they are part of the checkpoint, so a resumed training finds them again.
    ///
    /// # Errors
    /// What the loss functions refuse; [`MethodError::NotDeclared`] is a defect of the method.
    fn terms(&self, step: &Step<'_>, memory: &mut Memory) -> Result<Terms, MethodError>;

    /// A short name for the folder of a run, made of characters that a file name can have.
    fn label(&self) -> String {
        self.name().to_owned()
    }
}

/// Named tensors that a method keeps between steps.
pub type Memory = BTreeMap<String, Tensor>;

/// What a method asks of a training step.
#[derive(Debug, Default)]
pub struct Needs {
    /// Whether people's maps are used, on the grid of the class activation map.
    pub maps: MapUse,
    /// Whether people's maps are also used at the resolution of the images.
    pub image_maps: bool,
    /// Names of taps whose features are used beside those of the class activation map.
    pub taps: Vec<String>,
    /// The network sees images changed in this way in place of the originals, in training only.
    pub altered_input: Option<Box<dyn Alteration>>,
    /// The network runs a second time, on images changed in this way.
    pub second_pass: Option<Box<dyn Alteration>>,
}

/// How a method uses people's maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapUse {
    /// The method learns nothing from maps; the training reports how far the model's attention is from them.
    #[default]
    Never,
    /// The method learns from the maps that there are, and is refused on data without any.
    Required,
}

impl Needs {
    /// The needs of a method that learns from people's maps.
    #[must_use]
    pub fn maps() -> Self {
        Self { maps: MapUse::Required, ..Self::default() }
    }

    /// Adds maps at the resolution of the images.
    #[must_use]
    pub fn with_image_maps(mut self) -> Self {
        self.image_maps = true;
        self
    }

    /// Adds the features of a tap.
    #[must_use]
    pub fn with_tap(mut self, name: impl Into<String>) -> Self {
        self.taps.push(name.into());
        self
    }

    /// Shows the network changed images in place of the originals. Maps at the images' resolution come with it.
    #[must_use]
    pub fn with_altered_input(mut self, alteration: impl Alteration + 'static) -> Self {
        self.altered_input = Some(Box::new(alteration));
        self.with_image_maps()
    }

    /// Runs the network a second time, on changed images. Maps at the images' resolution come with it.
    #[must_use]
    pub fn with_second_pass(mut self, alteration: impl Alteration + 'static) -> Self {
        self.second_pass = Some(Box::new(alteration));
        self.with_image_maps()
    }
}
