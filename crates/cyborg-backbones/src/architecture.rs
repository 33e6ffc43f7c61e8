//! Which networks there are and what is known of each without building it.

use crate::definition::Definition;
use crate::error::BackboneError;
use crate::geometry::{output_side, receptive_field};
use crate::tap::{Tap, TapInfo};
use crate::{densenet, efficientnet_lite, inception_v3, resnet, thin_resnet8, xception};
use candle_core::Tensor;

/// The networks, by the names that experiment files use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// `thin-resnet8`: a CIFAR-style ResNet-8 (widths 16, 32, 64; stem 3x3 stride 2), for quick work at small inputs.
    ThinResNet8,
    /// `resnet18`, as torchvision defines it.
    ResNet18,
    /// `resnet34`, as torchvision defines it.
    ResNet34,
    /// `resnet50`, as torchvision defines it.
    ResNet50,
    /// `resnet101`, as torchvision defines it.
    ResNet101,
    /// `resnet152`, as torchvision defines it.
    ResNet152,
    /// `densenet121`, as torchvision defines it.
    DenseNet121,
    /// `inception_v3`, as torchvision defines it, without the auxiliary classifier.
    InceptionV3,
    /// `xception`, as Cadene's port for PyTorch defines it.
    Xception,
    /// `tf_efficientnet_lite0`, as timm defines it: with TensorFlow's `SAME` padding.
    TfEfficientNetLite0,
    /// `efficientnet_lite0`, as timm defines it: with even padding, and the same tensors.
    EfficientNetLite0,
}

impl Architecture {
    /// Every architecture there is.
    pub const ALL: &'static [Self] = &[
        Self::ThinResNet8,
        Self::ResNet18,
        Self::ResNet34,
        Self::ResNet50,
        Self::ResNet101,
        Self::ResNet152,
        Self::DenseNet121,
        Self::InceptionV3,
        Self::Xception,
        Self::TfEfficientNetLite0,
        Self::EfficientNetLite0,
    ];

    pub(crate) fn definition(self) -> &'static Definition {
        match self {
            Self::ThinResNet8 => &thin_resnet8::DEFINITION,
            Self::ResNet18 => &resnet::RESNET18,
            Self::ResNet34 => &resnet::RESNET34,
            Self::ResNet50 => &resnet::RESNET50,
            Self::ResNet101 => &resnet::RESNET101,
            Self::ResNet152 => &resnet::RESNET152,
            Self::DenseNet121 => &densenet::DENSENET121,
            Self::InceptionV3 => &inception_v3::INCEPTION_V3,
            Self::Xception => &xception::XCEPTION,
            Self::TfEfficientNetLite0 => &efficientnet_lite::TF_EFFICIENTNET_LITE0,
            Self::EfficientNetLite0 => &efficientnet_lite::EFFICIENTNET_LITE0,
        }
    }

    /// As experiment files write it: `resnet50`.
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
    /// ResNets and EfficientNets pad every window, so they take any input from one pixel up; `densenet121` takes 29 and more,
    /// `inception_v3` 75, `xception` 7. On a grid of one cell (up to 32 pixels for ResNets and EfficientNets, 60 for `densenet121`, 106
    /// for `inception_v3`, 38 for `xception`, 8 for `thin-resnet8`) every CAM is flat.
    pub fn grid(self, input_px: usize) -> Option<usize> {
        self.grid_at(&Tap::POOLED, input_px)
    }

    /// Side in cells of the maps at `tap` for a square input of `input_px`, or None where the network has no such tap or
    /// the input is too small for the whole network ([`Architecture::smallest_input_px`]).
    pub fn grid_at(self, tap: &Tap, input_px: usize) -> Option<usize> {
        let definition = self.definition();
        let (n_stages, _) = definition.find(*tap)?;
        output_side(definition.windows(definition.stages.len()), input_px)?;
        output_side(definition.windows(n_stages), input_px)
    }

    /// Number of channels of the maps at `tap`, or None where the network has no such tap.
    pub fn channels_at(self, tap: &Tap) -> Option<usize> {
        self.definition().find(*tap).map(|(_, channels)| channels)
    }

    /// The places at which feature maps can be taken out of a pass: the output of each stage from the image on, and then
    /// [`Tap::RELEASED`] and [`Tap::POOLED`].
    pub fn taps(self) -> Vec<TapInfo> {
        let definition = self.definition();
        let stages = definition.stages.iter().map(|stage| stage.tap);
        let info = |tap| {
            let (n_stages, channels) = definition.find(tap)?;
            let receptive_field_px = receptive_field(definition.windows(n_stages));
            Some(TapInfo { tap, channels, receptive_field_px })
        };
        stages.chain([Tap::RELEASED, Tap::POOLED]).filter_map(info).collect()
    }

    /// The network's tap of that name, exactly as [`Tap::name`] gives it.
    pub fn tap(self, name: &str) -> Option<Tap> {
        self.taps().into_iter().map(|info| info.tap).find(|tap| tap.name() == name)
    }

    /// Side of the smallest input that the network takes, in pixels: the first with a [`Architecture::grid`].
    pub fn smallest_input_px(self) -> usize {
        let usual = self.default_input_px();
        (1..usual).find(|&px| self.grid(px).is_some()).unwrap_or(usual)
    }

    /// Side in pixels of the input square that one cell of the CAM can see: 47 for `thin-resnet8`, 427 for `resnet50`,
    /// more than the input for most.
    pub fn receptive_field_px(self) -> usize {
        let definition = self.definition();
        receptive_field(definition.windows(definition.stages.len()))
    }

    /// Probability with which dropout sets a pooled channel to 0 in training, before the classifier: 0.5 for
    /// `inception_v3`, 0 (no dropout) for the others.
    pub fn dropout(self) -> f64 {
        self.definition().dropout
    }

    /// Mean and standard deviation per RGB channel, on `[0, 1]`: ImageNet's, but 0.5 and 0.5 for `inception_v3` (as
    /// torchvision's `transform_input` makes of ImageNet's) and `xception`, and 127/255 and 128/255 for
    /// `tf_efficientnet_lite0`.
    pub fn normalisation(self) -> ([f32; 3], [f32; 3]) {
        self.definition().normalisation
    }
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Fails unless `architecture` has all these taps.
pub(crate) fn expect_taps(architecture: Architecture, taps: &[Tap]) -> Result<(), BackboneError> {
    let known = architecture.taps();
    match taps.iter().find(|tap| known.iter().all(|info| info.tap != **tap)) {
        None => Ok(()),
        Some(&found) => {
            let names: Vec<_> = known.iter().map(|info| info.tap.name()).collect();
            Err(BackboneError::unknown_tap(architecture.name(), found, &names))
        }
    }
}

/// Fails unless `images` is a batch that `architecture` can take.
pub(crate) fn expect_images(architecture: Architecture, images: &Tensor) -> Result<(), BackboneError> {
    let fits = matches!(images.dims(), &[batch, 3, height, width]
        if batch > 0 && architecture.grid(height).is_some() && architecture.grid(width).is_some());
    if fits {
        return Ok(());
    }
    Err(BackboneError::Images {
        architecture: architecture.name(),
        smallest: architecture.smallest_input_px(),
        found: images.dims().to_vec(),
    })
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
        for architecture in [Architecture::ResNet18, Architecture::ResNet34, Architecture::ResNet152] {
            let grids: Vec<_> = [0, 1, 32, 33, 64, 65, 224, 299].map(|px| architecture.grid(px)).into();
            let expected = [None, Some(1), Some(1), Some(2), Some(2), Some(3), Some(7), Some(10)];
            assert_eq!(grids, expected, "{architecture}");
        }
        // EfficientNet: the same five halvings, `SAME` or even.
        for architecture in [Architecture::TfEfficientNetLite0, Architecture::EfficientNetLite0] {
            let grids: Vec<_> = [0, 1, 32, 33, 64, 65, 224].map(|px| architecture.grid(px)).into();
            assert_eq!(grids, [None, Some(1), Some(1), Some(2), Some(2), Some(3), Some(7)], "{architecture}");
        }
        // Three halvings.
        let thin: Vec<_> = [0, 1, 8, 9, 48, 64, 65].map(|px| Architecture::ThinResNet8.grid(px)).into();
        assert_eq!(thin, [None, Some(1), Some(1), Some(2), Some(6), Some(8), Some(9)]);
        // DenseNet: two halvings that round up, three that round down; 29 -> 15 -> 8 -> 4 -> 2 -> 1 is the smallest, as
        // torchvision says (`min_size`).
        let dense: Vec<_> = [28, 29, 60, 61, 224, 299].map(|px| Architecture::DenseNet121.grid(px)).into();
        assert_eq!(dense, [None, Some(1), Some(1), Some(2), Some(7), Some(9)]);
        // Inception: 75 -> 37 -> 35 -> 35 -> 17 -> 15 -> 7 -> 3 -> 1 is the smallest, as torchvision says.
        let inception: Vec<_> =
            [74, 75, 106, 107, 224, 299].map(|px| Architecture::InceptionV3.grid(px)).into();
        assert_eq!(inception, [None, Some(1), Some(1), Some(2), Some(5), Some(8)]);
        // Xception: 7 -> 3 -> 1 -> 1 -> 1 -> 1 -> 1; 39 -> 19 -> 17 -> 9 -> 5 -> 3 -> 2.
        let xception: Vec<_> = [6, 7, 38, 39, 224, 299].map(|px| Architecture::Xception.grid(px)).into();
        assert_eq!(xception, [None, Some(1), Some(1), Some(2), Some(7), Some(10)]);
        let smallest: Vec<_> = Architecture::ALL.iter().map(|a| a.smallest_input_px()).collect();
        assert_eq!(smallest, [1, 1, 1, 1, 1, 1, 29, 75, 7, 1, 1]);
    }

    #[test]
    fn receptive_fields_are_the_known_ones() {
        // thin-resnet8 by hand: 3 (stem) + 2 * 2 * 2 (layer1) + 2 * 2 + 2 * 4 (layer2) + 2 * 4 + 2 * 8 (layer3) = 47.
        // resnet18: 7 + 2 * 2 + 4 * 2 * 4 + (8 + 3 * 16) + (16 + 3 * 32) + (32 + 3 * 64) = 435; the pool adds 2 * 2,
        // the first convolution of a stage 2 times the jump before its stride, the other three 2 times the one after.
        // resnet50: 11 + 3 * 2 * 4 + (8 + 3 * 16) + (16 + 5 * 32) + (32 + 2 * 64) = 427.
        // densenet121: 11 + 6 * 8 + 4 + 12 * 16 + 8 + 24 * 32 + 16 + 16 * 64 = 2071, pools adding half a jump's step.
        // inception_v3: 1311 in Araujo et al. (2019), Computing Receptive Fields of Convolutional Neural Networks.
        // xception: 3 + 4 + (8 + 4) + (16 + 8) + (32 + 16) + 24 * 32 + (64 + 32) + 2 * 64 = 1083.
        let fields: Vec<_> = Architecture::ALL.iter().map(|a| (a.name(), a.receptive_field_px())).collect();
        let expected = [
            ("thin-resnet8", 47),
            ("resnet18", 435),
            // 11 + 6 * 8 + (8 + 7 * 16) + (16 + 11 * 32) + (32 + 5 * 64)
            ("resnet34", 899),
            ("resnet50", 427),
            // 11 + 3 * 8 + (8 + 3 * 16) + (16 + 22 * 32) + (32 + 2 * 64)
            ("resnet101", 971),
            // 11 + 3 * 8 + (8 + 7 * 16) + (16 + 35 * 32) + (32 + 2 * 64)
            ("resnet152", 1451),
            ("densenet121", 2071),
            ("inception_v3", 1311),
            ("xception", 1083),
            // 3 + 2 * 2 + 2 * 2 + 4 * 2 + 4 * 4 + 8 * 4 + 8 * 2 + 2 * 16 * 2 + 3 * 16 * 4 + 16 * 4 + 3 * 32 * 4 + 32 * 2:
            // stem, blocks.0, then each first convolution by the jump before its stride and the others by the one after.
            ("tf_efficientnet_lite0", 851),
            ("efficientnet_lite0", 851),
        ];
        assert_eq!(fields, expected);
    }
}
