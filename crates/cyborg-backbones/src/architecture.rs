//! Which networks there are and what is known of each without building it.

use crate::builder::Builder;
use crate::error::BackboneError;
use crate::geometry::{Window, output_side, receptive_field};
use crate::layers::Mode;
use crate::{resnet, thin_resnet8};
use candle_core::Tensor;

/// The networks, by the names that experiment files use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// `thin-resnet8`: a CIFAR-style ResNet-8 (widths 16, 32, 64; stem 3x3 stride 2), for quick work at small inputs.
    ThinResNet8,
    /// `resnet18`, as torchvision defines it.
    ResNet18,
    /// `resnet50`, as torchvision defines it.
    ResNet50,
}

/// Which tensor the class activation map is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tap {
    /// Where the released code takes it: for a ResNet the output of the last convolution, before its batch norm, the
    /// residual sum and the ReLU (released for resnet50; the same place in the others).
    Released,
    /// The tensor that global average pooling sees: a class activation map in the sense of Zhou et al. (2016).
    Pooled,
}

/// Everything about one architecture. A further network is one file with one of these, a line in
/// [`Architecture`] and one in [`Architecture::definition`].
pub(crate) struct Definition {
    /// As experiment files call it.
    pub(crate) name: &'static str,
    /// Side of the square input that the papers use with it.
    pub(crate) input_px: usize,
    /// Mean and standard deviation per channel.
    pub(crate) normalisation: ([f32; 3], [f32; 3]),
    /// Convolutions and pools on the longest way from the image to the last feature map.
    pub(crate) windows: &'static [Window],
    /// Channels that the classifier takes.
    pub(crate) channels: usize,
    /// The classifier's module name: torchvision calls it `fc` in ResNets.
    pub(crate) classifier: &'static str,
    /// Builds everything before the classifier.
    pub(crate) build: fn(&mut Builder) -> Result<Box<dyn Backbone>, candle_core::Error>,
}

/// Everything of a network before global average pooling and the classifier.
pub(crate) trait Backbone: std::fmt::Debug + Send + Sync {
    /// `images (batch, 3, height, width)`.
    fn forward(&self, images: &Tensor, mode: Mode) -> Result<FeatureMaps, candle_core::Error>;
}

/// The two tensors that a tap can be on, `(batch, channels, grid, grid)` both.
pub(crate) struct FeatureMaps {
    pub(crate) released: Tensor,
    pub(crate) pooled: Tensor,
}

/// ImageNet's, on `[0, 1]`.
pub(crate) const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

impl Architecture {
    /// Every architecture there is.
    pub const ALL: &'static [Self] = &[Self::ThinResNet8, Self::ResNet18, Self::ResNet50];

    pub(crate) fn definition(self) -> &'static Definition {
        match self {
            Self::ThinResNet8 => &thin_resnet8::DEFINITION,
            Self::ResNet18 => &resnet::RESNET18,
            Self::ResNet50 => &resnet::RESNET50,
        }
    }

    /// `thin-resnet8`, `resnet18`, `resnet50`.
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// The architecture of that name, exactly as [`Architecture::name`] gives it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|architecture| architecture.name() == name)
    }

    /// Side of the square input that the papers use with it, in pixels; for `thin-resnet8`, which is not in them, what
    /// it is meant for.
    pub fn default_input_px(self) -> usize {
        self.definition().input_px
    }

    /// Side of the CAM grid for a square input of `input_px`, or None where the input is too small for the network.
    ///
    /// ResNets pad every window, so they take any input from one pixel up; on a grid of one cell (32 pixels and less
    /// for `resnet18` and `resnet50`, 8 for `thin-resnet8`) every CAM is flat.
    pub fn grid(self, input_px: usize) -> Option<usize> {
        output_side(self.definition().windows, input_px)
    }

    /// Side in pixels of the input square that one cell of the CAM can see: 47 for `thin-resnet8`, 435 for `resnet18`,
    /// 427 for `resnet50`.
    pub fn receptive_field_px(self) -> usize {
        receptive_field(self.definition().windows)
    }

    /// Mean and standard deviation per RGB channel, on `[0, 1]`.
    pub fn normalisation(self) -> ([f32; 3], [f32; 3]) {
        self.definition().normalisation
    }
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Fails unless `images` is a batch that `architecture` can take.
pub(crate) fn expect_images(architecture: Architecture, images: &Tensor) -> Result<(), BackboneError> {
    let fits = matches!(images.dims(), &[batch, 3, height, width]
        if batch > 0 && architecture.grid(height).is_some() && architecture.grid(width).is_some());
    if fits {
        return Ok(());
    }
    Err(BackboneError::Images { architecture: architecture.name(), found: images.dims().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for architecture in Architecture::ALL {
            assert_eq!(Architecture::from_name(architecture.name()), Some(*architecture));
        }
        assert_eq!(Architecture::from_name("ResNet50"), None);
    }

    #[test]
    fn grids_follow_the_strides() {
        // ResNet: five halvings, each rounding up: 224 / 32 = 7; 65 -> 33 -> 17 -> 9 -> 5 -> 3.
        for architecture in [Architecture::ResNet18, Architecture::ResNet50] {
            let grids: Vec<_> = [0, 1, 32, 33, 64, 65, 224, 299].map(|px| architecture.grid(px)).into();
            let expected = [None, Some(1), Some(1), Some(2), Some(2), Some(3), Some(7), Some(10)];
            assert_eq!(grids, expected, "{architecture}");
        }
        // Three halvings.
        let thin: Vec<_> = [0, 1, 8, 9, 48, 64, 65].map(|px| Architecture::ThinResNet8.grid(px)).into();
        assert_eq!(thin, [None, Some(1), Some(1), Some(2), Some(6), Some(8), Some(9)]);
    }

    #[test]
    fn receptive_fields_are_the_known_ones() {
        // thin-resnet8 by hand: 3 (stem) + 2 * 2 * 2 (layer1) + 2 * 2 + 2 * 4 (layer2) + 2 * 4 + 2 * 8 (layer3) = 47.
        // resnet18: 7 + 2 * 2 + 4 * 2 * 4 + (8 + 3 * 16) + (16 + 3 * 32) + (32 + 3 * 64) = 435; the pool adds 2 * 2,
        // the first convolution of a stage 2 times the jump before its stride, the other three 2 times the one after.
        // resnet50: 11 + 3 * 2 * 4 + (8 + 3 * 16) + (16 + 5 * 32) + (32 + 2 * 64) = 427.
        let fields: Vec<_> = Architecture::ALL.iter().map(|a| a.receptive_field_px()).collect();
        assert_eq!(fields, [47, 435, 427]);
    }
}
