//! The definition of a network: everything that is known of it without building it.

use crate::builder::{Builder, Initial};
use crate::geometry::Window;
use crate::pass::Pass;
use crate::tap::Tap;
use cyborg_ops::Value;

/// Everything about one architecture. A further network is one file with one of these, and a line in the list of
/// networks (`architecture.rs`).
pub(crate) struct Definition {
    /// The name that experiment files use.
    pub(crate) name: &'static str,
    /// Side of the square input that the papers use with it.
    pub(crate) input_px: usize,
    /// Mean and standard deviation per channel.
    pub(crate) normalisation: ([f32; 3], [f32; 3]),
    /// The stages from the image to the last feature map, whose sizes are those of `released` and `pooled` too.
    pub(crate) stages: &'static [Stage],
    /// Channels that the classifier takes.
    pub(crate) channels: usize,
    /// The classifier's module name: torchvision calls it `fc` in ResNets.
    pub(crate) classifier: &'static str,
    /// The distribution that initial weights of convolutions are drawn from.
    pub(crate) convolutions: Initial,
    /// The distributions that the classifier's initial weight and bias are drawn from.
    pub(crate) classifier_initial: (Initial, Initial),
    /// Added to the variance by every batch norm.
    pub(crate) eps: f64,
    /// Share of the pooled channels that dropout sets to 0 in training.
    pub(crate) dropout: f64,
    /// Builds everything before the classifier.
    pub(crate) build: Build,
}

/// See [`Definition::build`].
pub(crate) type Build = fn(&mut Builder) -> Result<Box<dyn Backbone>, candle_core::Error>;

/// A part of a network whose output is a tap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage {
    /// The tap, named as the original names the module whose output it is.
    pub(crate) tap: Tap,
    /// Channels of the output.
    pub(crate) channels: usize,
    /// Convolutions and pools on the longest way through the stage.
    pub(crate) windows: &'static [Window],
}

/// A stage whose output is that of the original's module `module`.
pub(crate) const fn stage(module: &'static str, channels: usize, windows: &'static [Window]) -> Stage {
    Stage { tap: Tap::new(module), channels, windows }
}

/// Everything of a network before global average pooling and the classifier.
pub(crate) trait Backbone: std::fmt::Debug + Send + Sync {
    /// Runs `images (batch, 3, height, width)` up to the tensor that is pooled, and keeps ([`Pass::keep`]) the output of
    /// every stage and what [`Tap::RELEASED`] names.
    fn forward(&self, images: &Value, pass: &Pass) -> Result<Value, candle_core::Error>;
}

/// ImageNet's, on `[0, 1]`.
pub(crate) const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
/// Maps `[0, 1]` to `[-1, 1]`.
pub(crate) const HALF: ([f32; 3], [f32; 3]) = ([0.5; 3], [0.5; 3]);

impl Definition {
    /// Number of stages up to a tap, and channels there; None where the network has no such tap.
    pub(crate) fn find(&self, tap: Tap) -> Option<(usize, usize)> {
        if tap == Tap::RELEASED || tap == Tap::POOLED {
            return Some((self.stages.len(), self.channels));
        }
        let index = self.stages.iter().position(|stage| stage.tap == tap)?;
        Some((index + 1, self.stages[index].channels))
    }

    /// The windows of the first stages.
    pub(crate) fn windows(&self, n_stages: usize) -> impl Iterator<Item = Window> {
        self.stages[..n_stages].iter().flat_map(|stage| stage.windows).copied()
    }
}
