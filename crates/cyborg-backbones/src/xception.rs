//! Xception (Chollet 2017) as in Cadene's port for PyTorch (pretrained-models.pytorch), which the released code uses by
//! way of FaceForensics++.
//!
//! The port calls its classifier `last_linear`, though its file of ImageNet weights says `fc`; the released checkpoints have
//! `model.` before every name.

use crate::builder::{Builder, Initial};
use crate::definition::{Backbone, Definition, HALF, Stage, stage};
use crate::geometry::{Window, conv3x3};
use crate::layers::{BatchNorm2d, Conv2d};
use crate::pass::Pass;
use crate::tap::Tap;
use candle_core::Result;
use cyborg_ops::{After, Conv2dConfig, Value};

const STEM_1: Window = Window { kernel: 3, stride: 2, padding: 0 };
const STEM_2: Window = Window { kernel: 3, stride: 1, padding: 0 };
/// The pool at the end of a block that halves the side.
const POOL: Window = conv3x3(2);

/// Cadene's `xception`.
pub(crate) const XCEPTION: Definition = Definition {
    name: "xception",
    input_px: 299,
    normalisation: HALF,
    stages: &[
        // The port has no module for the end of the stem.
        stage("block1", 128, &[STEM_1, STEM_2, conv3x3(1), conv3x3(1), POOL]),
        stage("block2", 256, HALVING),
        stage("block3", 728, HALVING),
        middle(MIDDLE[0]),
        middle(MIDDLE[1]),
        middle(MIDDLE[2]),
        middle(MIDDLE[3]),
        middle(MIDDLE[4]),
        middle(MIDDLE[5]),
        middle(MIDDLE[6]),
        middle(MIDDLE[7]),
        stage("block12", 1024, HALVING),
        stage("conv4", 2048, &[conv3x3(1), conv3x3(1)]),
    ],
    channels: 2048,
    classifier: "last_linear",
    convolutions: Initial::Uniform,
    classifier_initial: (Initial::Uniform, Initial::Uniform),
    eps: 1e-5,
    dropout: 0.0,
    build: |builder| Ok(Box::new(Xception::new(builder)?)),
};

/// A block of two convolutions and a pool.
const HALVING: &[Window] = &[conv3x3(1), conv3x3(1), POOL];

/// A block of three convolutions.
const KEEPING: &[Window] = &[conv3x3(1), conv3x3(1), conv3x3(1)];

/// The blocks of the middle flow, which change neither the number of channels nor the size.
const MIDDLE: [&str; 8] = ["block4", "block5", "block6", "block7", "block8", "block9", "block10", "block11"];

/// A block of the middle flow.
const fn middle(module: &'static str) -> Stage {
    stage(module, 728, KEEPING)
}

#[derive(Debug)]
struct Xception {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    blocks: Vec<Block>,
    conv3: Separable,
    bn3: BatchNorm2d,
    conv4: Separable,
    bn4: BatchNorm2d,
}

impl Xception {
    fn new(builder: &mut Builder) -> Result<Self> {
        let [conv1, conv2] = [("conv1", 3, 32, STEM_1), ("conv2", 32, 64, STEM_2)];
        let mut stem = |(module, n_in, n_out, Window { kernel, stride, padding }): (_, _, _, Window), bn| {
            let conv = builder.conv2d(module, n_in, n_out, kernel, stride, padding)?;
            Ok::<_, candle_core::Error>((conv, builder.batch_norm(bn, n_out)?))
        };
        let (conv1, bn1) = stem(conv1, "bn1")?;
        let (conv2, bn2) = stem(conv2, "bn2")?;
        let mut blocks = vec![
            Block::new(builder, "block1", &[64, 128, 128], false)?,
            Block::new(builder, "block2", &[128, 256, 256], true)?,
            Block::new(builder, "block3", &[256, 728, 728], true)?,
        ];
        for module in MIDDLE {
            blocks.push(Block::new(builder, module, &[728, 728, 728, 728], true)?);
        }
        blocks.push(Block::new(builder, "block12", &[728, 728, 1024], true)?);
        Ok(Self {
            conv1,
            bn1,
            conv2,
            bn2,
            blocks,
            conv3: Separable::new(builder, "conv3", 1024, 1536)?,
            bn3: builder.batch_norm("bn3", 1536)?,
            conv4: Separable::new(builder, "conv4", 1536, 2048)?,
            bn4: builder.batch_norm("bn4", 2048)?,
        })
    }
}

impl Backbone for Xception {
    /// [`Tap::RELEASED`] is the output of `conv4`, before `bn4` and the ReLU.
    fn forward(&self, images: &Value, pass: &Pass) -> Result<Value> {
        let mut features = self.conv1.forward_norm(&self.bn1, images, After::Relu, pass)?;
        features = self.conv2.forward_norm(&self.bn2, &features, After::Relu, pass)?;
        for block in &self.blocks {
            features = block.forward(&features, pass)?;
            pass.keep(block.tap, &features);
        }
        features = self.conv3.forward_norm(&self.bn3, &features, After::Relu, pass)?;
        let conv4 = Tap::new("conv4");
        if !(pass.wants(conv4) || pass.wants(Tap::RELEASED)) {
            return self.conv4.forward_norm(&self.bn4, &features, After::Relu, pass);
        }
        let released = self.conv4.forward(&features, pass)?;
        pass.keep(conv4, &released);
        pass.keep(Tap::RELEASED, &released);
        self.bn4.forward(&released, After::Relu, pass)
    }
}

/// Separable convolutions with a batch norm each and a ReLU before each, beside a shortcut. No ReLU behind the sum.
#[derive(Debug)]
struct Block {
    /// Its output.
    tap: Tap,
    /// 1x1 convolution and batch norm where the block changes shape: `skip` and `skipbn`.
    skip: Option<(Conv2d, BatchNorm2d)>,
    rep: Vec<(Separable, BatchNorm2d)>,
    starts_with_relu: bool,
}

impl Block {
    /// `channels` before, between and behind its convolutions. Where these change, the block ends in a pool.
    fn new(
        builder: &mut Builder,
        module: &'static str,
        channels: &[usize],
        starts_with_relu: bool,
    ) -> Result<Self> {
        let (n_in, n_out) = (channels[0], channels[channels.len() - 1]);
        builder.within(module, |builder| {
            let skip = if n_in == n_out {
                None
            } else {
                Some((builder.conv2d("skip", n_in, n_out, 1, 2, 0)?, builder.batch_norm("skipbn", n_out)?))
            };
            let rep = builder.within("rep", |builder| {
                // The port counts ReLU, convolution and batch norm.
                let first = usize::from(starts_with_relu);
                let layer = |(index, pair): (usize, &[usize])| {
                    let at = 3 * index + first;
                    let conv = Separable::new(builder, &at.to_string(), pair[0], pair[1])?;
                    Ok((conv, builder.batch_norm(&(at + 1).to_string(), pair[1])?))
                };
                channels.windows(2).enumerate().map(layer).collect::<Result<Vec<_>>>()
            })?;
            Ok(Self { tap: Tap::new(module), skip, rep, starts_with_relu })
        })
    }

    fn forward(&self, input: &Value, pass: &Pass) -> Result<Value> {
        let mut features = if self.starts_with_relu { pass.tape.relu(input) } else { input.clone() };
        for (index, (conv, bn)) in self.rep.iter().enumerate() {
            let after = match &self.skip {
                _ if index + 1 < self.rep.len() => After::Relu,
                Some(_) => After::Nothing,
                None => After::Add(input),
            };
            features = conv.forward_norm(bn, &features, after, pass)?;
        }
        match &self.skip {
            None => Ok(features),
            Some((conv, bn)) => {
                let pooled = pass.max_pool2d(&features, POOL)?;
                conv.forward_norm(bn, input, After::Add(&pooled), pass)
            }
        }
    }
}

/// 3x3 within each channel (`conv1`), then 1x1 across channels (`pointwise`), nothing between.
#[derive(Debug)]
struct Separable {
    depthwise: Conv2d,
    pointwise: Conv2d,
}

impl Separable {
    fn new(builder: &mut Builder, module: &str, n_in: usize, n_out: usize) -> Result<Self> {
        let config = Conv2dConfig { padding: (1, 1), groups: n_in, ..Conv2dConfig::default() };
        builder.within(module, |builder| {
            Ok(Self {
                depthwise: builder.conv2d_with("conv1", [n_in, 1, 3, 3], config)?,
                pointwise: builder.conv2d("pointwise", n_in, n_out, 1, 1, 0)?,
            })
        })
    }

    fn forward(&self, input: &Value, pass: &Pass) -> Result<Value> {
        self.pointwise.forward(&self.depthwise.forward(input, pass)?, pass)
    }

    /// With a batch norm behind it, and what follows that.
    fn forward_norm(
        &self,
        norm: &BatchNorm2d,
        input: &Value,
        after: After<'_>,
        pass: &Pass,
    ) -> Result<Value> {
        self.pointwise.forward_norm(norm, &self.depthwise.forward(input, pass)?, after, pass)
    }
}
