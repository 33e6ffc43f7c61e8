//! EfficientNet-Lite0 (Tan and Le 2019, in TensorFlow's Lite form: ReLU6, no squeeze-and-excitation, stem and head of fixed
//! width) as timm defines it, twice.
//!
//! `tf_efficientnet_lite0` is the graph of the released TensorFlow weights: strided convolutions pad as TensorFlow's `SAME`
//! does, the odd zero below and to the right, and batch norms have an eps of 1e-3. `efficientnet_lite0` pads evenly, with an
//! eps of 1e-5. Names and shapes of their tensors are the same, so that a file without a card does not tell which one it
//! is of; the wrong one gives plausible, worse results.

use crate::builder::{Builder, Initial};
use crate::definition::{Backbone, Definition, IMAGENET, Stage, stage};
use crate::geometry::{Window, conv3x3, convs3x3};
use crate::layers::{BatchNorm2d, Conv2d, Padding};
use crate::pass::Pass;
use crate::tap::Tap;
use candle_core::Result;
use cyborg_ops::{After, Relu6, Value};

/// timm's `tf_efficientnet_lite0`, with the normalisation of the TensorFlow release: (x - 127) / 128 on 0 to 255.
pub(crate) const TF_EFFICIENTNET_LITE0: Definition = Definition {
    name: "tf_efficientnet_lite0",
    normalisation: ([127.0 / 255.0; 3], [128.0 / 255.0; 3]),
    eps: 1e-3,
    build: |builder| Ok(Box::new(EfficientNetLite::new(builder, Padding::Same)?)),
    ..EFFICIENTNET_LITE0
};

/// timm's `efficientnet_lite0`.
pub(crate) const EFFICIENTNET_LITE0: Definition = Definition {
    name: "efficientnet_lite0",
    input_px: 224,
    normalisation: IMAGENET,
    // `SAME` padding gives the same sizes.
    stages: &STAGES,
    channels: HEAD,
    classifier: "classifier",
    convolutions: Initial::NormalFanOut,
    classifier_initial: (Initial::UniformFanOut, Initial::Zero),
    eps: 1e-5,
    dropout: 0.0,
    build: |builder| Ok(Box::new(EfficientNetLite::new(builder, Padding::Even)?)),
};

/// Channels behind the stem, and behind the last convolution.
const STEM: usize = 32;
const HEAD: usize = 1280;
/// Channels inside a block over those of its input; the first stage's block has no such expansion.
const EXPANSION: usize = 6;

/// One of the seven groups of blocks, `blocks.N`. The first block of a group has its stride.
struct Group {
    n_blocks: usize,
    channels: usize,
    kernel: usize,
    stride: usize,
}

const GROUPS: [Group; 7] = [
    Group { n_blocks: 1, channels: 16, kernel: 3, stride: 1 },
    Group { n_blocks: 2, channels: 24, kernel: 3, stride: 2 },
    Group { n_blocks: 2, channels: 40, kernel: 5, stride: 2 },
    Group { n_blocks: 3, channels: 80, kernel: 3, stride: 2 },
    Group { n_blocks: 3, channels: 112, kernel: 5, stride: 1 },
    Group { n_blocks: 4, channels: 192, kernel: 5, stride: 2 },
    Group { n_blocks: 1, channels: 320, kernel: 3, stride: 1 },
];

const fn conv5x5(stride: usize) -> Window {
    Window { kernel: 5, stride, padding: 2 }
}

/// The stem, and the depthwise convolutions of each group.
const STAGES: [Stage; 8] = [
    stage("bn1", STEM, &[conv3x3(2)]),
    stage("blocks.0", 16, &[conv3x3(1)]),
    stage("blocks.1", 24, &convs3x3::<2>(2)),
    stage("blocks.2", 40, &[conv5x5(2), conv5x5(1)]),
    stage("blocks.3", 80, &convs3x3::<3>(2)),
    stage("blocks.4", 112, &[conv5x5(1), conv5x5(1), conv5x5(1)]),
    stage("blocks.5", 192, &[conv5x5(2), conv5x5(1), conv5x5(1), conv5x5(1)]),
    stage("blocks.6", 320, &[conv3x3(1)]),
];

#[derive(Debug)]
struct EfficientNetLite {
    conv_stem: Conv2d,
    bn1: BatchNorm2d,
    /// Each group with the tap of its output.
    groups: Vec<(Tap, Vec<Block>)>,
    conv_head: Conv2d,
    bn2: BatchNorm2d,
}

impl EfficientNetLite {
    fn new(builder: &mut Builder, padding: Padding) -> Result<Self> {
        let conv_stem = builder.conv2d_padded("conv_stem", [STEM, 3, 3, 3], 2, 1, padding)?;
        let bn1 = builder.batch_norm("bn1", STEM)?;
        let mut n_in = STEM;
        let groups = builder.within("blocks", |builder| {
            let group = |(index, group): (usize, &Group)| {
                let expansion = if index == 0 { 1 } else { EXPANSION };
                let blocks = builder.within(index, |builder| {
                    let block = |block| {
                        let stride = if block == 0 { group.stride } else { 1 };
                        let n_in = if block == 0 { n_in } else { group.channels };
                        builder.within(block, |builder| {
                            Block::new(
                                builder,
                                [n_in, n_in * expansion, group.channels],
                                group.kernel,
                                stride,
                                padding,
                            )
                        })
                    };
                    (0..group.n_blocks).map(block).collect::<Result<Vec<_>>>()
                })?;
                n_in = group.channels;
                Ok((STAGES[index + 1].tap, blocks))
            };
            GROUPS.iter().enumerate().map(group).collect::<Result<Vec<_>>>()
        })?;
        Ok(Self {
            conv_stem,
            bn1,
            groups,
            conv_head: builder.conv2d("conv_head", n_in, HEAD, 1, 1, 0)?,
            bn2: builder.batch_norm("bn2", HEAD)?,
        })
    }
}

impl Backbone for EfficientNetLite {
    /// [`Tap::RELEASED`] is the pooled tensor: no released CYBORG code has this network.
    fn forward(&self, images: &Value, pass: &Pass) -> Result<Value> {
        let mut features = conv_norm_relu6(&self.conv_stem, &self.bn1, images, pass)?;
        pass.keep(STAGES[0].tap, &features);
        for (tap, blocks) in &self.groups {
            for block in blocks {
                features = block.forward(&features, pass)?;
            }
            pass.keep(*tap, &features);
        }
        features = conv_norm_relu6(&self.conv_head, &self.bn2, &features, pass)?;
        pass.keep(Tap::RELEASED, &features);
        Ok(features)
    }
}

/// An inverted residual block: 1x1 up, depthwise, 1x1 down, each with a batch norm, the first two with ReLU6. timm calls the
/// one without expansion a depthwise separable block, in which the batch norms count from the depthwise one.
#[derive(Debug)]
struct Block {
    expand: Option<(Conv2d, BatchNorm2d)>,
    depthwise: (Conv2d, BatchNorm2d),
    project: (Conv2d, BatchNorm2d),
    /// This says whether the block's input is added to its output, as it is where neither size nor channels change.
    is_residual: bool,
}

impl Block {
    /// `channels` of its input, inside and of its output.
    fn new(
        builder: &mut Builder,
        [n_in, inside, n_out]: [usize; 3],
        kernel: usize,
        stride: usize,
        padding: Padding,
    ) -> Result<Self> {
        let is_expanded = inside != n_in;
        let [depthwise_norm, project, project_norm] =
            if is_expanded { ["bn2", "conv_pwl", "bn3"] } else { ["bn1", "conv_pw", "bn2"] };
        let expand = if is_expanded {
            Some((builder.conv2d("conv_pw", n_in, inside, 1, 1, 0)?, builder.batch_norm("bn1", inside)?))
        } else {
            None
        };
        let shape = [inside, 1, kernel, kernel];
        Ok(Self {
            expand,
            depthwise: (
                builder.conv2d_padded("conv_dw", shape, stride, inside, padding)?,
                builder.batch_norm(depthwise_norm, inside)?,
            ),
            project: (
                builder.conv2d(project, inside, n_out, 1, 1, 0)?,
                builder.batch_norm(project_norm, n_out)?,
            ),
            is_residual: stride == 1 && n_in == n_out,
        })
    }

    fn forward(&self, input: &Value, pass: &Pass) -> Result<Value> {
        let expanded = match &self.expand {
            None => input.clone(),
            Some((conv, norm)) => conv_norm_relu6(conv, norm, input, pass)?,
        };
        let (conv, norm) = &self.depthwise;
        let inner = conv_norm_relu6(conv, norm, &expanded, pass)?;
        let (conv, norm) = &self.project;
        let after = if self.is_residual { After::Add(input) } else { After::Nothing };
        conv.forward_norm(norm, &inner, after, pass)
    }
}

fn conv_norm_relu6(conv: &Conv2d, norm: &BatchNorm2d, input: &Value, pass: &Pass) -> Result<Value> {
    let normalised = conv.forward_norm(norm, input, After::Nothing, pass)?;
    pass.tape.apply(Relu6, &[&normalised], &[])
}
