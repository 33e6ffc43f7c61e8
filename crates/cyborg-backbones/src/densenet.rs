//! DenseNet-121 (Huang et al. 2017) as torchvision defines it.

use crate::architecture::{Backbone, Definition, FeatureMaps, IMAGENET};
use crate::builder::{Builder, Initial};
use crate::geometry::{Window, conv3x3};
use crate::layers::{BatchNorm2d, Conv2d, Pass};
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
    windows: &windows(),
    channels: 1024,
    classifier: "classifier",
    convolutions: Initial::NormalFanIn,
    classifier_initial: (Initial::Uniform, Initial::Zero),
    eps: 1e-5,
    dropout: 0.0,
    build: |builder| Ok(Box::new(builder.within("features", DenseNet::new)?)),
};

/// The stem, and then each dense layer's 3x3 convolution, with a pool between blocks.
const fn windows() -> [Window; 2 + 6 + 1 + 12 + 1 + 24 + 1 + 16] {
    let mut windows = [conv3x3(1); 2 + 6 + 1 + 12 + 1 + 24 + 1 + 16];
    windows[0] = STEM_CONV;
    windows[1] = STEM_POOL;
    let (mut next, mut block) = (2, 0);
    while block < LAYERS.len() - 1 {
        next += LAYERS[block];
        windows[next] = TRANSITION_POOL;
        next += 1;
        block += 1;
    }
    windows
}

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
            let transition = if index < LAYERS.len() {
                let name = format!("transition{index}");
                let transition = builder.within(name, |builder| Transition::new(builder, channels))?;
                channels /= 2;
                Some(transition)
            } else {
                None
            };
            blocks.push((layers, transition));
        }
        let norm5 = builder.batch_norm("norm5", channels)?;
        Ok(Self { conv0, norm0, blocks, norm5 })
    }
}

impl Backbone for DenseNet {
    /// `released`: what torchvision calls `features`, before the last ReLU.
    fn forward(&self, images: &Value, pass: &Pass) -> Result<FeatureMaps> {
        let stem = self.conv0.forward_norm(&self.norm0, images, After::Relu, pass)?;
        let mut features = pass.max_pool2d(&stem, STEM_POOL)?;
        for (layers, transition) in &self.blocks {
            // All layers of a block write into one buffer, and read what is there.
            let channels = features.dims()[1] + layers.len() * GROWTH;
            let mut growing = pass.tape.growing(&features, channels)?;
            for layer in layers {
                let new = layer.forward(&growing, pass)?;
                pass.tape.grow(&mut growing, &new)?;
            }
            features = pass.tape.grown(growing)?;
            if let Some(transition) = transition {
                features = transition.forward(&features, pass)?;
            }
        }
        let released = self.norm5.forward(&features, After::Nothing, pass)?;
        let pooled = pass.tape.relu(&released);
        Ok(FeatureMaps { released, pooled })
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
    norm: BatchNorm2d,
    conv: Conv2d,
}

impl Transition {
    fn new(builder: &mut Builder, n_in: usize) -> Result<Self> {
        Ok(Self {
            norm: builder.batch_norm("norm", n_in)?,
            conv: builder.conv2d("conv", n_in, n_in / 2, 1, 1, 0)?,
        })
    }

    fn forward(&self, input: &Value, pass: &Pass) -> Result<Value> {
        let features = self.conv.forward(&self.norm.forward(input, After::Relu, pass)?, pass)?;
        pass.avg_pool2d(&features, TRANSITION_POOL)
    }
}
