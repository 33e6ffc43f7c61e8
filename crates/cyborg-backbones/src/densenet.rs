//! DenseNet-121 (Huang et al. 2017) as torchvision defines it.

use crate::builder::{Builder, Initial};
use crate::definition::{Backbone, Definition, IMAGENET, stage};
use crate::geometry::{Window, convs3x3};
use crate::layers::{BatchNorm2d, Conv2d};
use crate::pass::Pass;
use crate::tap::Tap;
use candle_core::Result;
use cyborg_ops::{After, Growing, Value};

const STEM_CONV: Window = Window { kernel: 7, stride: 2, padding: 3 };
const STEM_POOL: Window = Window { kernel: 3, stride: 2, padding: 1 };
const TRANSITION_POOL: Window = Window { kernel: 2, stride: 2, padding: 0 };
/// Dense layers in each block.
const LAYERS: [usize; 4] = [6, 12, 24, 16];
/// Channels that each dense layer adds.
const GROWTH: usize = 32;
/// Channels between the two convolutions of a dense layer.
const BOTTLENECK: usize = 4 * GROWTH;

/// torchvision's `densenet121`.
pub(crate) const DENSENET121: Definition = Definition {
    name: "densenet121",
    input_px: 224,
    normalisation: IMAGENET,
    // Each dense layer is here by its 3x3 convolution: the 1x1 before it sees no further.
    stages: &[
        stage("pool0", 64, &[STEM_CONV, STEM_POOL]),
        stage("denseblock1", 256, &convs3x3::<{ LAYERS[0] }>(1)),
        stage("transition1", 128, &[TRANSITION_POOL]),
        stage("denseblock2", 512, &convs3x3::<{ LAYERS[1] }>(1)),
        stage("transition2", 256, &[TRANSITION_POOL]),
        stage("denseblock3", 1024, &convs3x3::<{ LAYERS[2] }>(1)),
        stage("transition3", 512, &[TRANSITION_POOL]),
        stage("denseblock4", 1024, &convs3x3::<{ LAYERS[3] }>(1)),
    ],
    channels: 1024,
    classifier: "classifier",
    convolutions: Initial::NormalFanIn,
    classifier_initial: (Initial::Uniform, Initial::Zero),
    eps: 1e-5,
    dropout: 0.0,
    build: |builder| Ok(Box::new(builder.within("features", DenseNet::new)?)),
};

/// The output of each block.
const BLOCK_TAPS: [Tap; LAYERS.len()] =
    [Tap::new("denseblock1"), Tap::new("denseblock2"), Tap::new("denseblock3"), Tap::new("denseblock4")];
/// The output of the transition behind each block but the last.
const TRANSITION_TAPS: [Tap; LAYERS.len() - 1] =
    [Tap::new("transition1"), Tap::new("transition2"), Tap::new("transition3")];

/// `features`: stem, four dense blocks with transitions between them, a last batch norm.
#[derive(Debug)]
struct DenseNet {
    conv0: Conv2d,
    norm0: BatchNorm2d,
    /// Each block, and the transition to the next.
    blocks: Vec<(Vec<DenseLayer>, Option<Transition>)>,
    norm5: BatchNorm2d,
}

impl DenseNet {
    fn new(builder: &mut Builder) -> Result<Self> {
        let Window { kernel, stride, padding } = STEM_CONV;
        let mut channels = 64;
        let conv0 = builder.conv2d("conv0", 3, channels, kernel, stride, padding)?;
        let norm0 = builder.batch_norm("norm0", channels)?;
        let mut blocks = Vec::new();
        for (index, n_layers) in (1..).zip(LAYERS) {
            let layers = builder.within(format_args!("denseblock{index}"), |builder| {
                let layer = |layer| {
                    let n_in = channels + layer * GROWTH;
                    let name = format!("denselayer{}", layer + 1);
                    builder.within(name, |builder| DenseLayer::new(builder, n_in))
                };
                (0..n_layers).map(layer).collect::<Result<Vec<_>>>()
            })?;
            channels += n_layers * GROWTH;
            let transition = match TRANSITION_TAPS.get(index - 1) {
                None => None,
                Some(&tap) => {
                    let transition =
                        builder.within(tap, |builder| Transition::new(builder, tap, channels))?;
                    channels /= 2;
                    Some(transition)
                }
            };
            blocks.push((layers, transition));
        }
        let norm5 = builder.batch_norm("norm5", channels)?;
        Ok(Self { conv0, norm0, blocks, norm5 })
    }
}

impl Backbone for DenseNet {
    /// [`Tap::RELEASED`] is what torchvision calls `features`, before the last ReLU.
    fn forward(&self, images: &Value, pass: &Pass) -> Result<Value> {
        let stem = self.conv0.forward_norm(&self.norm0, images, After::Relu, pass)?;
        let mut features = pass.max_pool2d(&stem, STEM_POOL)?;
        pass.keep(Tap::new("pool0"), &features);
        for ((layers, transition), tap) in self.blocks.iter().zip(BLOCK_TAPS) {
            // All layers of a block write into one buffer, and read what is there.
            let channels = features.dims()[1] + layers.len() * GROWTH;
            let mut growing = pass.tape.growing(&features, channels)?;
            for layer in layers {
                let new = layer.forward(&growing, pass)?;
                pass.tape.grow(&mut growing, &new)?;
            }
            features = pass.tape.grown(growing)?;
            pass.keep(tap, &features);
            if let Some(transition) = transition {
                features = transition.forward(&features, pass)?;
                pass.keep(transition.tap, &features);
            }
        }
        if !pass.wants(Tap::RELEASED) {
            return self.norm5.forward(&features, After::Relu, pass);
        }
        let released = self.norm5.forward(&features, After::Nothing, pass)?;
        pass.keep(Tap::RELEASED, &released);
        Ok(pass.tape.relu(&released))
    }
}

/// 1x1 and 3x3 convolution, each behind batch norm and ReLU: what a layer adds to its input.
#[derive(Debug)]
struct DenseLayer {
    norm1: BatchNorm2d,
    conv1: Conv2d,
    norm2: BatchNorm2d,
    conv2: Conv2d,
}

impl DenseLayer {
    fn new(builder: &mut Builder, n_in: usize) -> Result<Self> {
        Ok(Self {
            norm1: builder.batch_norm("norm1", n_in)?,
            conv1: builder.conv2d("conv1", n_in, BOTTLENECK, 1, 1, 0)?,
            norm2: builder.batch_norm("norm2", BOTTLENECK)?,
            conv2: builder.conv2d("conv2", BOTTLENECK, GROWTH, 3, 1, 1)?,
        })
    }

    fn forward(&self, input: &Growing, pass: &Pass) -> Result<Value> {
        let input = self.norm1.forward(input, After::Relu, pass)?;
        let inner = self.conv1.forward_norm(&self.norm2, &input, After::Relu, pass)?;
        self.conv2.forward(&inner, pass)
    }
}

/// Half the channels, half the side.
#[derive(Debug)]
struct Transition {
    /// Its output.
    tap: Tap,
    norm: BatchNorm2d,
    conv: Conv2d,
}

impl Transition {
    fn new(builder: &mut Builder, tap: Tap, n_in: usize) -> Result<Self> {
        Ok(Self {
            tap,
            norm: builder.batch_norm("norm", n_in)?,
            conv: builder.conv2d("conv", n_in, n_in / 2, 1, 1, 0)?,
        })
    }

    fn forward(&self, input: &Value, pass: &Pass) -> Result<Value> {
        let features = self.conv.forward(&self.norm.forward(input, After::Relu, pass)?, pass)?;
        pass.avg_pool2d(&features, TRANSITION_POOL)
    }
}
