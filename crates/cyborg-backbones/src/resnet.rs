//! ResNets (He et al. 2016) as torchvision defines them: 18, 34, 50, 101 and 152; stride on the 3x3 of a bottleneck.

use crate::architecture::{Backbone, Build, Definition, FeatureMaps, IMAGENET};
use crate::builder::{Builder, Initial};
use crate::geometry::{Window, conv3x3};
use crate::layers::{BatchNorm2d, Conv2d, Pass};
use candle_core::Result;
use cyborg_ops::{After, Value};

const STEM_CONV: Window = Window { kernel: 7, stride: 2, padding: 3 };
const STEM_POOL: Window = Window { kernel: 3, stride: 2, padding: 1 };

/// torchvision's `resnet18`.
pub(crate) const RESNET18: Definition = Definition {
    windows: &windows::<18>([4, 4, 4, 4]),
    ..definition::<BasicBlock>("resnet18", |builder| {
        Ok(Box::new(ResNet::<BasicBlock>::new(builder, [2, 2, 2, 2])?))
    })
};

/// torchvision's `resnet34`.
pub(crate) const RESNET34: Definition = Definition {
    windows: &windows::<34>([6, 8, 12, 6]),
    ..definition::<BasicBlock>("resnet34", |builder| {
        Ok(Box::new(ResNet::<BasicBlock>::new(builder, [3, 4, 6, 3])?))
    })
};

/// torchvision's `resnet50`.
pub(crate) const RESNET50: Definition = Definition {
    windows: &windows::<18>([3, 4, 6, 3]),
    ..definition::<Bottleneck>("resnet50", |builder| {
        Ok(Box::new(ResNet::<Bottleneck>::new(builder, [3, 4, 6, 3])?))
    })
};

/// torchvision's `resnet101`.
pub(crate) const RESNET101: Definition = Definition {
    windows: &windows::<35>([3, 4, 23, 3]),
    ..definition::<Bottleneck>("resnet101", |builder| {
        Ok(Box::new(ResNet::<Bottleneck>::new(builder, [3, 4, 23, 3])?))
    })
};

/// torchvision's `resnet152`.
pub(crate) const RESNET152: Definition = Definition {
    windows: &windows::<52>([3, 8, 36, 3]),
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
        windows: &[],
        channels: 512 * B::EXPANSION,
        classifier: "fc",
        convolutions: Initial::NormalFanOut,
        classifier_initial: (Initial::Uniform, Initial::Uniform),
        eps: 1e-5,
        dropout: 0.0,
        build,
    }
}

/// The stem and then, for each stage, its 3x3 convolutions; the first of a stage has stride 2, but for layer1.
const fn windows<const N: usize>(n_conv3x3: [usize; 4]) -> [Window; N] {
    let mut windows = [conv3x3(1); N];
    windows[0] = STEM_CONV;
    windows[1] = STEM_POOL;
    let (mut next, mut stage) = (2, 0);
    while stage < 4 {
        if stage > 0 {
            windows[next] = conv3x3(2);
        }
        next += n_conv3x3[stage];
        stage += 1;
    }
    assert!(next == N, "the number of windows is 2 and the sum of the stages");
    windows
}

/// Stem, four stages.
#[derive(Debug)]
struct ResNet<B> {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    layer1: Vec<B>,
    layer2: Vec<B>,
    layer3: Vec<B>,
    layer4: Vec<B>,
}

impl<B: Block> ResNet<B> {
    fn new(builder: &mut Builder, n_blocks: [usize; 4]) -> Result<Self> {
        let Window { kernel, stride, padding } = STEM_CONV;
        Ok(Self {
            conv1: builder.conv2d("conv1", 3, 64, kernel, stride, padding)?,
            bn1: builder.batch_norm("bn1", 64)?,
            layer1: layer(builder, "layer1", 64, 64, n_blocks[0], 1)?,
            layer2: layer(builder, "layer2", 64 * B::EXPANSION, 128, n_blocks[1], 2)?,
            layer3: layer(builder, "layer3", 128 * B::EXPANSION, 256, n_blocks[2], 2)?,
            layer4: layer(builder, "layer4", 256 * B::EXPANSION, 512, n_blocks[3], 2)?,
        })
    }
}

impl<B: Block> Backbone for ResNet<B> {
    fn forward(&self, images: &Value, pass: &Pass) -> Result<FeatureMaps> {
        let stem = self.conv1.forward_norm(&self.bn1, images, After::Relu, pass)?;
        let stem = pass.max_pool2d(&stem, STEM_POOL)?;
        let blocks = self.layer1.iter().chain(&self.layer2).chain(&self.layer3).chain(&self.layer4);
        run_blocks(blocks, stem, pass)
    }
}

/// A residual block. `channels` is the width inside; it gives `channels * EXPANSION`.
pub(crate) trait Block: std::fmt::Debug + Send + Sync + Sized {
    /// Output channels over the width inside.
    const EXPANSION: usize;

    /// Makes the tensors, named below the builder's module.
    fn new(builder: &mut Builder, n_in: usize, channels: usize, stride: usize) -> Result<Self>;

    /// `released`: the output of the last convolution if this is the last block; `pooled`: the block's.
    fn forward(&self, input: &Value, is_last: bool, pass: &Pass) -> Result<FeatureMaps>;
}

/// A stage of `n_blocks` blocks, the first with the stride.
pub(crate) fn layer<B: Block>(
    builder: &mut Builder,
    module: &str,
    n_in: usize,
    channels: usize,
    n_blocks: usize,
    stride: usize,
) -> Result<Vec<B>> {
    builder.within(module, |builder| {
        (0..n_blocks)
            .map(|index| {
                let (n_in, stride) = if index == 0 { (n_in, stride) } else { (channels * B::EXPANSION, 1) };
                builder.within(index, |builder| B::new(builder, n_in, channels, stride))
            })
            .collect()
    })
}

/// All blocks, one after the other; the taps of the last.
pub(crate) fn run_blocks<'a, B: Block + 'a>(
    blocks: impl Iterator<Item = &'a B>,
    stem: Value,
    pass: &Pass,
) -> Result<FeatureMaps> {
    let mut maps = FeatureMaps { released: stem.clone(), pooled: stem };
    let mut blocks = blocks.peekable();
    while let Some(block) = blocks.next() {
        maps = block.forward(&maps.pooled, blocks.peek().is_none(), pass)?;
    }
    Ok(maps)
}

/// The last convolution of a block, batch norm, sum with the shortcut, ReLU. Only the last block's convolution is a tap:
/// that of others need not be kept apart from what follows.
fn end_of_block(
    (conv, bn): (&Conv2d, &BatchNorm2d),
    input: &Value,
    shortcut: &Value,
    is_last: bool,
    pass: &Pass,
) -> Result<FeatureMaps> {
    let after = After::AddRelu(shortcut);
    if is_last {
        let released = conv.forward(input, pass)?;
        let pooled = bn.forward(&released, after, pass)?;
        return Ok(FeatureMaps { released, pooled });
    }
    let pooled = conv.forward_norm(bn, input, after, pass)?;
    Ok(FeatureMaps { released: pooled.clone(), pooled })
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

    fn forward(&self, input: &Value, is_last: bool, pass: &Pass) -> Result<FeatureMaps> {
        let inner = self.conv1.forward_norm(&self.bn1, input, After::Relu, pass)?;
        let shortcut = shortcut(self.downsample.as_ref(), input, pass)?;
        end_of_block((&self.conv2, &self.bn2), &inner, &shortcut, is_last, pass)
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

    fn forward(&self, input: &Value, is_last: bool, pass: &Pass) -> Result<FeatureMaps> {
        let inner = self.conv1.forward_norm(&self.bn1, input, After::Relu, pass)?;
        let inner = self.conv2.forward_norm(&self.bn2, &inner, After::Relu, pass)?;
        let shortcut = shortcut(self.downsample.as_ref(), input, pass)?;
        end_of_block((&self.conv3, &self.bn3), &inner, &shortcut, is_last, pass)
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
