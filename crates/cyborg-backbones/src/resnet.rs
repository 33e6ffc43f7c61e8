//! ResNets (He et al. 2016) as torchvision defines them: 18, 34, 50, 101 and 152; stride on the 3x3 of a bottleneck.

use crate::builder::{Builder, Initial};
use crate::definition::{Backbone, Build, Definition, IMAGENET, Stage, stage};
use crate::geometry::{Window, convs3x3};
use crate::layers::{BatchNorm2d, Conv2d};
use crate::pass::Pass;
use crate::tap::Tap;
use candle_core::Result;
use cyborg_ops::{After, Value};

const STEM_CONV: Window = Window { kernel: 7, stride: 2, padding: 3 };
const STEM_POOL: Window = Window { kernel: 3, stride: 2, padding: 1 };

/// torchvision's `resnet18`.
pub(crate) const RESNET18: Definition = Definition {
    stages: &stages::<BasicBlock>([
        &convs3x3::<4>(1),
        &convs3x3::<4>(2),
        &convs3x3::<4>(2),
        &convs3x3::<4>(2),
    ]),
    ..definition::<BasicBlock>("resnet18", |builder| {
        Ok(Box::new(ResNet::<BasicBlock>::new(builder, [2, 2, 2, 2])?))
    })
};

/// torchvision's `resnet34`.
pub(crate) const RESNET34: Definition = Definition {
    stages: &stages::<BasicBlock>([
        &convs3x3::<6>(1),
        &convs3x3::<8>(2),
        &convs3x3::<12>(2),
        &convs3x3::<6>(2),
    ]),
    ..definition::<BasicBlock>("resnet34", |builder| {
        Ok(Box::new(ResNet::<BasicBlock>::new(builder, [3, 4, 6, 3])?))
    })
};

/// torchvision's `resnet50`.
pub(crate) const RESNET50: Definition = Definition {
    stages: &stages::<Bottleneck>([
        &convs3x3::<3>(1),
        &convs3x3::<4>(2),
        &convs3x3::<6>(2),
        &convs3x3::<3>(2),
    ]),
    ..definition::<Bottleneck>("resnet50", |builder| {
        Ok(Box::new(ResNet::<Bottleneck>::new(builder, [3, 4, 6, 3])?))
    })
};

/// torchvision's `resnet101`.
pub(crate) const RESNET101: Definition = Definition {
    stages: &stages::<Bottleneck>([
        &convs3x3::<3>(1),
        &convs3x3::<4>(2),
        &convs3x3::<23>(2),
        &convs3x3::<3>(2),
    ]),
    ..definition::<Bottleneck>("resnet101", |builder| {
        Ok(Box::new(ResNet::<Bottleneck>::new(builder, [3, 4, 23, 3])?))
    })
};

/// torchvision's `resnet152`.
pub(crate) const RESNET152: Definition = Definition {
    stages: &stages::<Bottleneck>([
        &convs3x3::<3>(1),
        &convs3x3::<8>(2),
        &convs3x3::<36>(2),
        &convs3x3::<3>(2),
    ]),
    ..definition::<Bottleneck>("resnet152", |builder| {
        Ok(Box::new(ResNet::<Bottleneck>::new(builder, [3, 8, 36, 3])?))
    })
};

/// What all of them share.
const fn definition<B: Block>(name: &'static str, build: Build) -> Definition {
    Definition {
        name,
        input_px: 224,
        normalisation: IMAGENET,
        stages: &[],
        channels: 512 * B::EXPANSION,
        classifier: "fc",
        convolutions: Initial::NormalFanOut,
        classifier_initial: (Initial::Uniform, Initial::Uniform),
        eps: 1e-5,
        dropout: 0.0,
        build,
    }
}

/// The stem, and the four layers with their 3x3 convolutions.
const fn stages<B: Block>(convolutions: [&'static [Window]; 4]) -> [Stage; 5] {
    [
        stage("maxpool", 64, &[STEM_CONV, STEM_POOL]),
        stage("layer1", 64 * B::EXPANSION, convolutions[0]),
        stage("layer2", 128 * B::EXPANSION, convolutions[1]),
        stage("layer3", 256 * B::EXPANSION, convolutions[2]),
        stage("layer4", 512 * B::EXPANSION, convolutions[3]),
    ]
}

/// Stem, four layers.
#[derive(Debug)]
struct ResNet<B> {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    layers: [Layer<B>; 4],
}

impl<B: Block> ResNet<B> {
    fn new(builder: &mut Builder, n_blocks: [usize; 4]) -> Result<Self> {
        let Window { kernel, stride, padding } = STEM_CONV;
        Ok(Self {
            conv1: builder.conv2d("conv1", 3, 64, kernel, stride, padding)?,
            bn1: builder.batch_norm("bn1", 64)?,
            layers: [
                Layer::new(builder, "layer1", 64, 64, n_blocks[0], 1)?,
                Layer::new(builder, "layer2", 64 * B::EXPANSION, 128, n_blocks[1], 2)?,
                Layer::new(builder, "layer3", 128 * B::EXPANSION, 256, n_blocks[2], 2)?,
                Layer::new(builder, "layer4", 256 * B::EXPANSION, 512, n_blocks[3], 2)?,
            ],
        })
    }
}

impl<B: Block> Backbone for ResNet<B> {
    fn forward(&self, images: &Value, pass: &Pass) -> Result<Value> {
        let stem = self.conv1.forward_norm(&self.bn1, images, After::Relu, pass)?;
        let stem = pass.max_pool2d(&stem, STEM_POOL)?;
        pass.keep(Tap::new("maxpool"), &stem);
        run_layers(&self.layers, stem, pass)
    }
}

/// A residual block. `channels` is the width inside; it gives `channels * EXPANSION`.
pub(crate) trait Block: std::fmt::Debug + Send + Sync + Sized {
    /// Output channels over the width inside.
    const EXPANSION: usize;

    /// Makes the tensors, named below the builder's module.
    fn new(builder: &mut Builder, n_in: usize, channels: usize, stride: usize) -> Result<Self>;

    /// Runs the block. `has_tap`: the output of its last convolution is [`Tap::RELEASED`].
    fn forward(&self, input: &Value, has_tap: bool, pass: &Pass) -> Result<Value>;
}

/// The blocks of one stage, with the name that torchvision gives it.
#[derive(Debug)]
pub(crate) struct Layer<B> {
    module: &'static str,
    blocks: Vec<B>,
}

impl<B: Block> Layer<B> {
    /// A stage of `n_blocks` blocks, the first with the stride.
    pub(crate) fn new(
        builder: &mut Builder,
        module: &'static str,
        n_in: usize,
        channels: usize,
        n_blocks: usize,
        stride: usize,
    ) -> Result<Self> {
        let blocks = builder.within(module, |builder| {
            (0..n_blocks)
                .map(|index| {
                    let (n_in, stride) =
                        if index == 0 { (n_in, stride) } else { (channels * B::EXPANSION, 1) };
                    builder.within(index, |builder| B::new(builder, n_in, channels, stride))
                })
                .collect::<Result<_>>()
        })?;
        Ok(Self { module, blocks })
    }
}

/// All layers, one after the other. The last convolution of the last block is [`Tap::RELEASED`].
pub(crate) fn run_layers<B: Block>(layers: &[Layer<B>], stem: Value, pass: &Pass) -> Result<Value> {
    let mut maps = stem;
    for (layer_index, layer) in layers.iter().enumerate() {
        for (index, block) in layer.blocks.iter().enumerate() {
            let is_last = layer_index + 1 == layers.len() && index + 1 == layer.blocks.len();
            maps = block.forward(&maps, is_last, pass)?;
        }
        pass.keep(Tap::new(layer.module), &maps);
    }
    Ok(maps)
}

/// The last convolution of a block, batch norm, sum with the shortcut, ReLU. The convolution is kept apart from what
/// follows only where its output was asked for.
fn end_of_block(
    (conv, bn): (&Conv2d, &BatchNorm2d),
    input: &Value,
    shortcut: &Value,
    has_tap: bool,
    pass: &Pass,
) -> Result<Value> {
    let after = After::AddRelu(shortcut);
    if has_tap && pass.wants(Tap::RELEASED) {
        let released = conv.forward(input, pass)?;
        pass.keep(Tap::RELEASED, &released);
        return bn.forward(&released, after, pass);
    }
    conv.forward_norm(bn, input, after, pass)
}

/// Two 3x3 convolutions.
#[derive(Debug)]
pub(crate) struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    downsample: Option<Downsample>,
}

impl Block for BasicBlock {
    const EXPANSION: usize = 1;

    fn new(builder: &mut Builder, n_in: usize, channels: usize, stride: usize) -> Result<Self> {
        Ok(Self {
            conv1: builder.conv2d("conv1", n_in, channels, 3, stride, 1)?,
            bn1: builder.batch_norm("bn1", channels)?,
            conv2: builder.conv2d("conv2", channels, channels, 3, 1, 1)?,
            bn2: builder.batch_norm("bn2", channels)?,
            downsample: Downsample::new_if_needed(builder, n_in, channels, stride)?,
        })
    }

    fn forward(&self, input: &Value, has_tap: bool, pass: &Pass) -> Result<Value> {
        let inner = self.conv1.forward_norm(&self.bn1, input, After::Relu, pass)?;
        let shortcut = shortcut(self.downsample.as_ref(), input, pass)?;
        end_of_block((&self.conv2, &self.bn2), &inner, &shortcut, has_tap, pass)
    }
}

/// 1x1 down, 3x3, 1x1 up.
#[derive(Debug)]
pub(crate) struct Bottleneck {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    conv3: Conv2d,
    bn3: BatchNorm2d,
    downsample: Option<Downsample>,
}

impl Block for Bottleneck {
    const EXPANSION: usize = 4;

    fn new(builder: &mut Builder, n_in: usize, channels: usize, stride: usize) -> Result<Self> {
        let n_out = channels * Self::EXPANSION;
        Ok(Self {
            conv1: builder.conv2d("conv1", n_in, channels, 1, 1, 0)?,
            bn1: builder.batch_norm("bn1", channels)?,
            conv2: builder.conv2d("conv2", channels, channels, 3, stride, 1)?,
            bn2: builder.batch_norm("bn2", channels)?,
            conv3: builder.conv2d("conv3", channels, n_out, 1, 1, 0)?,
            bn3: builder.batch_norm("bn3", n_out)?,
            downsample: Downsample::new_if_needed(builder, n_in, n_out, stride)?,
        })
    }

    fn forward(&self, input: &Value, has_tap: bool, pass: &Pass) -> Result<Value> {
        let inner = self.conv1.forward_norm(&self.bn1, input, After::Relu, pass)?;
        let inner = self.conv2.forward_norm(&self.bn2, &inner, After::Relu, pass)?;
        let shortcut = shortcut(self.downsample.as_ref(), input, pass)?;
        end_of_block((&self.conv3, &self.bn3), &inner, &shortcut, has_tap, pass)
    }
}

/// 1x1 convolution and batch norm where a block changes shape: `downsample.0` and `downsample.1`.
#[derive(Debug)]
struct Downsample {
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl Downsample {
    fn new_if_needed(
        builder: &mut Builder,
        n_in: usize,
        n_out: usize,
        stride: usize,
    ) -> Result<Option<Self>> {
        if stride == 1 && n_in == n_out {
            return Ok(None);
        }
        let conv = builder.conv2d("downsample.0", n_in, n_out, 1, stride, 0)?;
        let bn = builder.batch_norm("downsample.1", n_out)?;
        Ok(Some(Self { conv, bn }))
    }
}

fn shortcut(downsample: Option<&Downsample>, input: &Value, pass: &Pass) -> Result<Value> {
    match downsample {
        None => Ok(input.clone()),
        Some(Downsample { conv, bn }) => conv.forward_norm(bn, input, After::Nothing, pass),
    }
}
