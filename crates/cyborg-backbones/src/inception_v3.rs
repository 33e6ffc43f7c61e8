//! Inception-v3 (Szegedy et al. 2016) as torchvision defines it, without the auxiliary classifier.
//!
//! DIFFERENCE: the released code feeds images normalised with ImageNet's mean and deviation to a network with torchvision's
//! `transform_input`, which then undoes that and normalises to mean 0.5 and deviation 0.5. Here images are normalised to
//! 0.5 / 0.5 at once, and the network takes them as they are. That is the same but for rounding. For torchvision: load
//! the weights with `transform_input=False` (its default) and normalise by 0.5 / 0.5, or with `True` and ImageNet's.

use crate::builder::{Builder, Initial};
use crate::definition::{Backbone, Definition, HALF, stage};
use crate::geometry::{Window, conv3x3};
use crate::layers::{BatchNorm2d, Conv2d};
use crate::pass::Pass;
use crate::tap::Tap;
use candle_core::Result;
use cyborg_ops::{After, Conv2dConfig, Value};

const REDUCTION: Window = Window { kernel: 3, stride: 2, padding: 0 };
const UNPADDED: Window = Window { kernel: 3, stride: 1, padding: 0 };
const SEVEN: Window = Window { kernel: 7, stride: 1, padding: 3 };

/// torchvision's `inception_v3(aux_logits=False)`.
pub(crate) const INCEPTION_V3: Definition = Definition {
    name: "inception_v3",
    input_px: 299,
    normalisation: HALF,
    stages: &[
        stage("maxpool2", 192, &[REDUCTION, UNPADDED, conv3x3(1), REDUCTION, UNPADDED, REDUCTION]),
        // The longest way goes through branch3x3dbl.
        stage("Mixed_5b", 256, &[conv3x3(1), conv3x3(1)]),
        stage("Mixed_5c", 288, &[conv3x3(1), conv3x3(1)]),
        stage("Mixed_5d", 288, &[conv3x3(1), conv3x3(1)]),
        stage("Mixed_6a", 768, &[conv3x3(1), REDUCTION]),
        // The longest way goes through branch7x7dbl: two windows of seven in each direction.
        stage("Mixed_6b", 768, &[SEVEN, SEVEN]),
        stage("Mixed_6c", 768, &[SEVEN, SEVEN]),
        stage("Mixed_6d", 768, &[SEVEN, SEVEN]),
        stage("Mixed_6e", 768, &[SEVEN, SEVEN]),
        // The longest way goes through branch7x7x3.
        stage("Mixed_7a", 1280, &[SEVEN, REDUCTION]),
        // The longest way goes through branch3x3dbl.
        stage("Mixed_7b", 2048, &[conv3x3(1), conv3x3(1)]),
        stage("Mixed_7c", 2048, &[conv3x3(1), conv3x3(1)]),
    ],
    channels: 2048,
    classifier: "fc",
    convolutions: Initial::Truncated { deviation: 0.1 },
    classifier_initial: (Initial::Truncated { deviation: 0.1 }, Initial::Uniform),
    eps: 1e-3,
    dropout: 0.5,
    build: |builder| Ok(Box::new(InceptionV3::new(builder)?)),
};

/// Stem and eleven mixed modules.
#[derive(Debug)]
struct InceptionV3 {
    conv2d_1a: ConvNormRelu,
    conv2d_2a: ConvNormRelu,
    conv2d_2b: ConvNormRelu,
    conv2d_3b: ConvNormRelu,
    conv2d_4a: ConvNormRelu,
    /// Each with the tap of its output.
    mixed: Vec<(Tap, Mixed)>,
}

impl InceptionV3 {
    fn new(builder: &mut Builder) -> Result<Self> {
        Ok(Self {
            conv2d_1a: square(builder, "Conv2d_1a_3x3", 3, 32, REDUCTION)?,
            conv2d_2a: square(builder, "Conv2d_2a_3x3", 32, 32, UNPADDED)?,
            conv2d_2b: square(builder, "Conv2d_2b_3x3", 32, 64, conv3x3(1))?,
            conv2d_3b: square(builder, "Conv2d_3b_1x1", 64, 80, POINT)?,
            conv2d_4a: square(builder, "Conv2d_4a_3x3", 80, 192, UNPADDED)?,
            mixed: vec![
                mixed(builder, "Mixed_5b", |builder| mixed_a(builder, 192, 32))?,
                mixed(builder, "Mixed_5c", |builder| mixed_a(builder, 256, 64))?,
                mixed(builder, "Mixed_5d", |builder| mixed_a(builder, 288, 64))?,
                mixed(builder, "Mixed_6a", |builder| mixed_b(builder, 288))?,
                mixed(builder, "Mixed_6b", |builder| mixed_c(builder, 768, 128))?,
                mixed(builder, "Mixed_6c", |builder| mixed_c(builder, 768, 160))?,
                mixed(builder, "Mixed_6d", |builder| mixed_c(builder, 768, 160))?,
                mixed(builder, "Mixed_6e", |builder| mixed_c(builder, 768, 192))?,
                mixed(builder, "Mixed_7a", |builder| mixed_d(builder, 768))?,
                mixed(builder, "Mixed_7b", |builder| mixed_e(builder, 1280))?,
                mixed(builder, "Mixed_7c", |builder| mixed_e(builder, 2048))?,
            ],
        })
    }
}

impl Backbone for InceptionV3 {
    /// [`Tap::RELEASED`] is the output of `Mixed_7c`.
    fn forward(&self, images: &Value, pass: &Pass) -> Result<Value> {
        let mut features = self.conv2d_1a.forward(images, pass)?;
        features = self.conv2d_2a.forward(&features, pass)?;
        features = pass.max_pool2d(&self.conv2d_2b.forward(&features, pass)?, REDUCTION)?;
        features = self.conv2d_3b.forward(&features, pass)?;
        features = pass.max_pool2d(&self.conv2d_4a.forward(&features, pass)?, REDUCTION)?;
        pass.keep(Tap::new("maxpool2"), &features);
        for (tap, mixed) in &self.mixed {
            features = mixed.forward(&features, pass)?;
            pass.keep(*tap, &features);
        }
        pass.keep(Tap::RELEASED, &features);
        Ok(features)
    }
}

/// A module of this name, with the tap of its output.
fn mixed(
    builder: &mut Builder,
    module: &'static str,
    build: impl FnOnce(&mut Builder) -> Result<Mixed>,
) -> Result<(Tap, Mixed)> {
    Ok((Tap::new(module), builder.within(module, build)?))
}

/// Branches side by side, their channels one after the other.
#[derive(Debug)]
struct Mixed(Vec<Branch>);

impl Mixed {
    fn forward(&self, input: &Value, pass: &Pass) -> Result<Value> {
        let outputs: Vec<_> =
            self.0.iter().map(|branch| branch.forward(input, pass)).collect::<Result<_>>()?;
        pass.tape.concat_channels(&outputs.iter().collect::<Vec<_>>())
    }
}

/// A way through a module.
#[derive(Debug)]
struct Branch {
    pool: Option<Pool>,
    layers: Vec<ConvNormRelu>,
    /// The last two, side by side, where a branch forks.
    fork: Option<[ConvNormRelu; 2]>,
}

#[derive(Clone, Copy, Debug)]
enum Pool {
    /// 3x3, stride 1, the padding counted as zeros.
    Mean,
    /// 3x3, stride 2, no padding.
    Max,
}

impl Branch {
    fn forward(&self, input: &Value, pass: &Pass) -> Result<Value> {
        let mut features = match self.pool {
            None => input.clone(),
            Some(Pool::Mean) => pass.avg_pool2d(input, conv3x3(1))?,
            Some(Pool::Max) => pass.max_pool2d(input, REDUCTION)?,
        };
        for layer in &self.layers {
            features = layer.forward(&features, pass)?;
        }
        if let Some([a, b]) = &self.fork {
            features =
                pass.tape.concat_channels(&[&a.forward(&features, pass)?, &b.forward(&features, pass)?])?;
        }
        Ok(features)
    }
}

/// torchvision's `BasicConv2d`.
#[derive(Debug)]
struct ConvNormRelu {
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl ConvNormRelu {
    fn forward(&self, input: &Value, pass: &Pass) -> Result<Value> {
        self.conv.forward_norm(&self.bn, input, After::Relu, pass)
    }
}

const POINT: Window = Window { kernel: 1, stride: 1, padding: 0 };
const FIVE: Window = Window { kernel: 5, stride: 1, padding: 2 };

/// A square one.
fn square(
    builder: &mut Builder,
    module: &str,
    n_in: usize,
    n_out: usize,
    window: Window,
) -> Result<ConvNormRelu> {
    let Window { kernel, stride, padding } = window;
    let config =
        Conv2dConfig { stride: (stride, stride), padding: (padding, padding), ..Conv2dConfig::default() };
    conv_norm_relu(builder, module, [n_out, n_in, kernel, kernel], config)
}

/// One of this many rows and columns, an odd number each; keeps the size.
fn oblong(
    builder: &mut Builder,
    module: &str,
    n_in: usize,
    n_out: usize,
    (rows, columns): (usize, usize),
) -> Result<ConvNormRelu> {
    let config = Conv2dConfig { padding: (rows / 2, columns / 2), ..Conv2dConfig::default() };
    conv_norm_relu(builder, module, [n_out, n_in, rows, columns], config)
}

fn conv_norm_relu(
    builder: &mut Builder,
    module: &str,
    shape: [usize; 4],
    config: Conv2dConfig,
) -> Result<ConvNormRelu> {
    builder.within(module, |builder| {
        Ok(ConvNormRelu {
            conv: builder.conv2d_with("conv", shape, config)?,
            bn: builder.batch_norm("bn", shape[0])?,
        })
    })
}

fn layers(layers: Vec<ConvNormRelu>) -> Branch {
    Branch { pool: None, layers, fork: None }
}

/// `branch_pool`: the mean, then 1x1.
fn mean_branch(builder: &mut Builder, n_in: usize, n_out: usize) -> Result<Branch> {
    let conv = square(builder, "branch_pool", n_in, n_out, POINT)?;
    Ok(Branch { pool: Some(Pool::Mean), layers: vec![conv], fork: None })
}

fn max_branch() -> Branch {
    Branch { pool: Some(Pool::Max), layers: Vec::new(), fork: None }
}

/// torchvision's `InceptionA`.
fn mixed_a(b: &mut Builder, n_in: usize, n_pool: usize) -> Result<Mixed> {
    Ok(Mixed(vec![
        layers(vec![square(b, "branch1x1", n_in, 64, POINT)?]),
        layers(vec![square(b, "branch5x5_1", n_in, 48, POINT)?, square(b, "branch5x5_2", 48, 64, FIVE)?]),
        layers(vec![
            square(b, "branch3x3dbl_1", n_in, 64, POINT)?,
            square(b, "branch3x3dbl_2", 64, 96, conv3x3(1))?,
            square(b, "branch3x3dbl_3", 96, 96, conv3x3(1))?,
        ]),
        mean_branch(b, n_in, n_pool)?,
    ]))
}

/// torchvision's `InceptionB`.
fn mixed_b(b: &mut Builder, n_in: usize) -> Result<Mixed> {
    Ok(Mixed(vec![
        layers(vec![square(b, "branch3x3", n_in, 384, REDUCTION)?]),
        layers(vec![
            square(b, "branch3x3dbl_1", n_in, 64, POINT)?,
            square(b, "branch3x3dbl_2", 64, 96, conv3x3(1))?,
            square(b, "branch3x3dbl_3", 96, 96, REDUCTION)?,
        ]),
        max_branch(),
    ]))
}

/// torchvision's `InceptionC`, with `c` channels inside.
fn mixed_c(b: &mut Builder, n_in: usize, c: usize) -> Result<Mixed> {
    Ok(Mixed(vec![
        layers(vec![square(b, "branch1x1", n_in, 192, POINT)?]),
        layers(vec![
            square(b, "branch7x7_1", n_in, c, POINT)?,
            oblong(b, "branch7x7_2", c, c, (1, 7))?,
            oblong(b, "branch7x7_3", c, 192, (7, 1))?,
        ]),
        layers(vec![
            square(b, "branch7x7dbl_1", n_in, c, POINT)?,
            oblong(b, "branch7x7dbl_2", c, c, (7, 1))?,
            oblong(b, "branch7x7dbl_3", c, c, (1, 7))?,
            oblong(b, "branch7x7dbl_4", c, c, (7, 1))?,
            oblong(b, "branch7x7dbl_5", c, 192, (1, 7))?,
        ]),
        mean_branch(b, n_in, 192)?,
    ]))
}

/// torchvision's `InceptionD`.
fn mixed_d(b: &mut Builder, n_in: usize) -> Result<Mixed> {
    Ok(Mixed(vec![
        layers(vec![
            square(b, "branch3x3_1", n_in, 192, POINT)?,
            square(b, "branch3x3_2", 192, 320, REDUCTION)?,
        ]),
        layers(vec![
            square(b, "branch7x7x3_1", n_in, 192, POINT)?,
            oblong(b, "branch7x7x3_2", 192, 192, (1, 7))?,
            oblong(b, "branch7x7x3_3", 192, 192, (7, 1))?,
            square(b, "branch7x7x3_4", 192, 192, REDUCTION)?,
        ]),
        max_branch(),
    ]))
}

/// torchvision's `InceptionE`.
fn mixed_e(b: &mut Builder, n_in: usize) -> Result<Mixed> {
    Ok(Mixed(vec![
        layers(vec![square(b, "branch1x1", n_in, 320, POINT)?]),
        Branch {
            pool: None,
            layers: vec![square(b, "branch3x3_1", n_in, 384, POINT)?],
            fork: Some([
                oblong(b, "branch3x3_2a", 384, 384, (1, 3))?,
                oblong(b, "branch3x3_2b", 384, 384, (3, 1))?,
            ]),
        },
        Branch {
            pool: None,
            layers: vec![
                square(b, "branch3x3dbl_1", n_in, 448, POINT)?,
                square(b, "branch3x3dbl_2", 448, 384, conv3x3(1))?,
            ],
            fork: Some([
                oblong(b, "branch3x3dbl_3a", 384, 384, (1, 3))?,
                oblong(b, "branch3x3dbl_3b", 384, 384, (3, 1))?,
            ]),
        },
        mean_branch(b, n_in, 192)?,
    ]))
}
