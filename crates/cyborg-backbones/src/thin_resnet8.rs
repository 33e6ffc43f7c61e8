//! `thin-resnet8`, a small network of ours for quick work at small inputs. It is in no paper.
//!
//! A ResNet-8 in the manner of He et al.'s CIFAR networks (one basic block per stage, widths 16, 32, 64), but with a
//! stem of stride 2, so that its CAM has one cell per 8x8 pixels: 8x8 cells at 64 pixels. One cell sees 47x47 pixels,
//! which keeps its evidence local. 77,522 parameters with two classes. Names as torchvision's ResNets.

use crate::builder::{Builder, Initial};
use crate::definition::{Backbone, Definition, IMAGENET, stage};
use crate::geometry::conv3x3;
use crate::layers::{BatchNorm2d, Conv2d};
use crate::pass::Pass;
use crate::resnet::{BasicBlock, Layer, run_layers};
use crate::tap::Tap;
use candle_core::Result;
use cyborg_ops::{After, Value};

/// Ours.
pub(crate) const DEFINITION: Definition = Definition {
    name: "thin-resnet8",
    input_px: 64,
    normalisation: IMAGENET,
    stages: &[
        stage("relu", 16, &[conv3x3(2)]),
        stage("layer1", 16, &[conv3x3(1), conv3x3(1)]),
        stage("layer2", 32, &[conv3x3(2), conv3x3(1)]),
        stage("layer3", 64, &[conv3x3(2), conv3x3(1)]),
    ],
    channels: 64,
    classifier: "fc",
    convolutions: Initial::NormalFanOut,
    classifier_initial: (Initial::Uniform, Initial::Uniform),
    eps: 1e-5,
    dropout: 0.0,
    build: |builder| Ok(Box::new(ThinResNet8::new(builder)?)),
};

/// Stem without a pool, three layers.
#[derive(Debug)]
struct ThinResNet8 {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    layers: [Layer<BasicBlock>; 3],
}

impl ThinResNet8 {
    fn new(builder: &mut Builder) -> Result<Self> {
        Ok(Self {
            conv1: builder.conv2d("conv1", 3, 16, 3, 2, 1)?,
            bn1: builder.batch_norm("bn1", 16)?,
            layers: [
                Layer::new(builder, "layer1", 16, 16, 1, 1)?,
                Layer::new(builder, "layer2", 16, 32, 1, 2)?,
                Layer::new(builder, "layer3", 32, 64, 1, 2)?,
            ],
        })
    }
}

impl Backbone for ThinResNet8 {
    fn forward(&self, images: &Value, pass: &Pass) -> Result<Value> {
        let stem = self.conv1.forward_norm(&self.bn1, images, After::Relu, pass)?;
        pass.keep(Tap::new("relu"), &stem);
        run_layers(&self.layers, stem, pass)
    }
}
