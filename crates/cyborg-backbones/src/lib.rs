//! CNNs with a CAM tap, seeded initialisation and torchvision weight names; no loss.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use candle_core::{Tensor, Var};
use cyborg_seed::Seed;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum BackboneError {
    #[error("cannot use weights `{path}`: {reason}")]
    Weights { path: PathBuf, reason: String },
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// The networks, by the names that experiment files use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// `thin-resnet8`: a CIFAR-style ResNet-8 (widths 16, 32, 64; stem 3x3 stride 2), for quick work at small inputs.
    ThinResNet8,
    ResNet18,
    ResNet50,
}
impl Architecture {
    pub const ALL: &'static [Self] = &[Self::ThinResNet8, Self::ResNet18, Self::ResNet50];
    /// `thin-resnet8`, `resnet18`, `resnet50`.
    pub fn name(self) -> &'static str {
        todo!()
    }
    pub fn from_name(name: &str) -> Option<Self> {
        todo!()
    }
    /// Side of the square input that the papers use with it.
    pub fn default_input_px(self) -> usize {
        todo!()
    }
    /// Side of the CAM grid for a square input, or None where the input is too small.
    pub fn grid(self, input_px: usize) -> Option<usize> {
        todo!()
    }
    /// Mean and standard deviation per RGB channel, on `[0, 1]`.
    pub fn normalisation(self) -> ([f32; 3], [f32; 3]) {
        todo!()
    }
}

/// Which tensor the class activation map is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tap {
    /// Where the released code takes it.
    Released,
    /// The tensor that global average pooling sees.
    Pooled,
}

#[derive(Clone, Debug)]
pub struct Output {
    /// `(batch, classes)`
    pub logits: Tensor,
    /// `(batch, channels, grid, grid)`, from the tap
    pub features: Tensor,
}

#[derive(Debug)]
pub struct Network {
    architecture: Architecture,
}
impl Network {
    pub fn new(architecture: Architecture, n_classes: usize, seed: &Seed) -> Result<Self, BackboneError> {
        todo!()
    }
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }
    /// Batch statistics; moves the running statistics once.
    pub fn forward_train(&self, images: &Tensor, tap: Tap) -> Result<Output, BackboneError> {
        todo!()
    }
    /// Running statistics; changes nothing.
    pub fn forward_eval(&self, images: &Tensor, tap: Tap) -> Result<Output, BackboneError> {
        todo!()
    }
    /// `(classes, channels)`: the weight of the last linear layer, part of the graph.
    pub fn classifier_weight(&self) -> &Tensor {
        todo!()
    }
    /// Trainable, named and ordered as torchvision's `named_parameters()`.
    pub fn parameters(&self) -> &[(String, Var)] {
        todo!()
    }
    /// Parameters and buffers (running statistics, `num_batches_tracked`), named as in torchvision's `state_dict()`.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>, BackboneError> {
        todo!()
    }
    /// Strict: every name present, no extra, every shape right; otherwise all faults are listed by name and nothing
    /// is changed.
    pub fn load_tensors(&self, tensors: &BTreeMap<String, Tensor>) -> Result<(), BackboneError> {
        todo!()
    }
    /// safetensors, the same names, deterministic bytes (metadata sorted), written whole.
    pub fn save(&self, path: &Path, metadata: &BTreeMap<String, String>) -> Result<(), BackboneError> {
        todo!()
    }
    /// Strict load of a safetensors file.
    pub fn load(&self, path: &Path) -> Result<(), BackboneError> {
        todo!()
    }
    /// For starting from ImageNet: a classifier of another number of classes is left as initialised; everything else
    /// is strict. Returns true if the classifier was replaced.
    pub fn load_pretrained(&self, path: &Path) -> Result<bool, BackboneError> {
        todo!()
    }
}
