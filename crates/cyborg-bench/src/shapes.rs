//! Every convolution of a network at its real size: what a step has to multiply.
//!
//! The one place that walks through the networks. Its tests hold it against the parameters of the networks themselves
//! and against published counts.

use cyborg_backbones::Architecture;
use serde::{Deserialize, Serialize};

/// A convolution without bias, and how often the network has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvShape {
    /// Module of the first one in the network, as in `conv1` of `conv1.weight`.
    pub name: String,
    /// How many of the network's are of this shape.
    pub count: usize,
    /// Channels, height and width of its input.
    pub input: [usize; 3],
    /// As PyTorch has it: output channels, input channels of a group, height, width.
    pub weight: [usize; 4],
    /// Down and right.
    pub stride: [usize; 2],
    /// Above and below, left and right.
    pub padding: [usize; 2],
    /// Output channels see the input channels of their group only.
    pub groups: usize,
    /// False for the first of a network: images get no gradient.
    pub needs_input_gradient: bool,
}

impl ConvShape {
    /// Channels, height and width of its output.
    pub fn output(&self) -> [usize; 3] {
        let side = |axis: usize| {
            (self.input[1 + axis] + 2 * self.padding[axis] - self.weight[2 + axis]) / self.stride[axis] + 1
        };
        [self.weight[0], side(0), side(1)]
    }

    /// Multiply-adds of one of its three products (output, input gradient, weight gradient) for one image. Products with
    /// the padding count, as is usual.
    pub fn multiply_adds(&self) -> u64 {
        let [channels, height, width] = self.output();
        let window: usize = self.weight[1..].iter().product();
        (channels * height * width * window) as u64
    }

    /// Such as `64->128 56x56 3x3 /2`.
    pub fn label(&self) -> String {
        let ([input, height, width], [output, _, rows, columns]) = (self.input, self.weight);
        let stride = if self.stride == [1, 1] { String::new() } else { format!(" /{}", self.stride[0]) };
        let what = if self.groups == 1 { format!("{input}->{output}") } else { format!("{input} depthwise") };
        let unpadded = if self.padding == [0, 0] && rows * columns > 1 { " unpadded" } else { "" };
        format!("{what} {height}x{width} {rows}x{columns}{stride}{unpadded}")
    }
}

/// Multiply-adds of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// All convolutions and the classifier, forward.
    pub forward: u64,
    /// Forward, and the gradients of inputs and weights, but for the gradient of the images.
    pub train: u64,
}

impl Work {
    /// Of a network with this many classes.
    pub fn of(architecture: Architecture, input_px: usize, n_classes: usize) -> Self {
        let (layers, channels) = layers(architecture, input_px);
        let forward =
            layers.iter().map(ConvShape::multiply_adds).sum::<u64>() + (channels * n_classes) as u64;
        let images = layers.iter().filter(|layer| !layer.needs_input_gradient);
        Self { forward, train: 3 * forward - images.map(ConvShape::multiply_adds).sum::<u64>() }
    }
}

/// The distinct convolutions, in the order in which a forward pass first meets them.
pub fn convolutions(architecture: Architecture, input_px: usize) -> Vec<ConvShape> {
    let mut distinct: Vec<ConvShape> = Vec::new();
    for layer in layers(architecture, input_px).0 {
        let same = |known: &&mut ConvShape| {
            ConvShape { name: layer.name.clone(), count: 1, ..(**known).clone() } == layer
        };
        match distinct.iter_mut().find(same) {
            Some(known) => known.count += 1,
            None => distinct.push(layer),
        }
    }
    distinct
}

/// Every convolution by name, and the channels that the classifier takes.
fn layers(architecture: Architecture, input_px: usize) -> (Vec<ConvShape>, usize) {
    let mut walk = Walk { found: Vec::new() };
    let images = Maps { channels: 3, height: input_px, width: input_px };
    let last = match architecture {
        Architecture::ThinResNet8 => thin_resnet8(&mut walk, images),
        Architecture::ResNet18 => resnet(&mut walk, images, [2, 2, 2, 2], false),
        Architecture::ResNet34 => resnet(&mut walk, images, [3, 4, 6, 3], false),
        Architecture::ResNet50 => resnet(&mut walk, images, [3, 4, 6, 3], true),
        Architecture::ResNet101 => resnet(&mut walk, images, [3, 4, 23, 3], true),
        Architecture::ResNet152 => resnet(&mut walk, images, [3, 8, 36, 3], true),
        Architecture::DenseNet121 => densenet121(&mut walk, images),
        Architecture::InceptionV3 => inception_v3(&mut walk, images),
        Architecture::Xception => xception(&mut walk, images),
        Architecture::TfEfficientNetLite0 | Architecture::EfficientNetLite0 => {
            efficientnet_lite0(&mut walk, images)
        }
    };
    (walk.found, last.channels)
}

/// Size of the feature maps of one image.
#[derive(Clone, Copy)]
struct Maps {
    channels: usize,
    height: usize,
    width: usize,
}

impl Maps {
    fn with_channels(self, channels: usize) -> Self {
        Self { channels, ..self }
    }

    /// A square pool.
    fn pool(self, kernel: usize, stride: usize, padding: usize) -> Self {
        let side = |side: usize| (side + 2 * padding - kernel) / stride + 1;
        Self { channels: self.channels, height: side(self.height), width: side(self.width) }
    }
}

struct Walk {
    found: Vec<ConvShape>,
}

impl Walk {
    /// A square convolution.
    fn conv(
        &mut self,
        name: impl Into<String>,
        from: Maps,
        n_out: usize,
        [kernel, stride, padding]: [usize; 3],
    ) -> Maps {
        self.push(name.into(), from, [n_out, from.channels, kernel, kernel], stride, [padding; 2], 1)
    }

    /// Any window that keeps the size.
    fn oblong(&mut self, name: impl Into<String>, from: Maps, n_out: usize, kernel: [usize; 2]) -> Maps {
        let [rows, columns] = kernel;
        self.push(name.into(), from, [n_out, from.channels, rows, columns], 1, [rows / 2, columns / 2], 1)
    }

    /// 3x3 within each channel, then 1x1 across them.
    fn separable(&mut self, name: &str, from: Maps, n_out: usize) -> Maps {
        let n_in = from.channels;
        let inner = self.push(format!("{name}.conv1"), from, [n_in, 1, 3, 3], 1, [1, 1], n_in);
        self.conv(format!("{name}.pointwise"), inner, n_out, [1, 1, 0])
    }

    fn push(
        &mut self,
        name: String,
        from: Maps,
        weight: [usize; 4],
        stride: usize,
        padding: [usize; 2],
        groups: usize,
    ) -> Maps {
        let shape = ConvShape {
            name,
            count: 1,
            input: [from.channels, from.height, from.width],
            weight,
            stride: [stride; 2],
            padding,
            groups,
            needs_input_gradient: !self.found.is_empty(),
        };
        let [channels, height, width] = shape.output();
        self.found.push(shape);
        Maps { channels, height, width }
    }
}

fn thin_resnet8(walk: &mut Walk, images: Maps) -> Maps {
    let mut maps = walk.conv("conv1", images, 16, [3, 2, 1]);
    for (stage, width) in (1..).zip([16, 32, 64]) {
        maps = residual_stage(walk, maps, stage, width, 1, false);
    }
    maps
}

fn resnet(walk: &mut Walk, images: Maps, n_blocks: [usize; 4], bottleneck: bool) -> Maps {
    let mut maps = walk.conv("conv1", images, 64, [7, 2, 3]).pool(3, 2, 1);
    for (stage, n_blocks) in (1..).zip(n_blocks) {
        maps = residual_stage(walk, maps, stage, 32 << stage, n_blocks, bottleneck);
    }
    maps
}

fn residual_stage(
    walk: &mut Walk,
    mut maps: Maps,
    stage: usize,
    width: usize,
    n_blocks: usize,
    bottleneck: bool,
) -> Maps {
    for block in 0..n_blocks {
        let stride = if block == 0 && stage > 1 { 2 } else { 1 };
        let name = |layer: &str| format!("layer{stage}.{block}.{layer}");
        let from = maps;
        if bottleneck {
            maps = walk.conv(name("conv1"), maps, width, [1, 1, 0]);
            maps = walk.conv(name("conv2"), maps, width, [3, stride, 1]);
            maps = walk.conv(name("conv3"), maps, 4 * width, [1, 1, 0]);
        } else {
            maps = walk.conv(name("conv1"), maps, width, [3, stride, 1]);
            maps = walk.conv(name("conv2"), maps, width, [3, 1, 1]);
        }
        if stride == 2 || from.channels != maps.channels {
            walk.conv(name("downsample.0"), from, maps.channels, [1, stride, 0]);
        }
    }
    maps
}

fn densenet121(walk: &mut Walk, images: Maps) -> Maps {
    let mut maps = walk.conv("features.conv0", images, 64, [7, 2, 3]).pool(3, 2, 1);
    for (block, n_layers) in (1..).zip([6, 12, 24, 16]) {
        for layer in 1..=n_layers {
            let name = format!("features.denseblock{block}.denselayer{layer}");
            let inner = walk.conv(format!("{name}.conv1"), maps, 128, [1, 1, 0]);
            walk.conv(format!("{name}.conv2"), inner, 32, [3, 1, 1]);
            maps = maps.with_channels(maps.channels + 32);
        }
        if block < 4 {
            let name = format!("features.transition{block}.conv");
            maps = walk.conv(name, maps, maps.channels / 2, [1, 1, 0]).pool(2, 2, 0);
        }
    }
    maps
}

fn inception_v3(walk: &mut Walk, images: Maps) -> Maps {
    let mut maps = walk.conv("Conv2d_1a_3x3.conv", images, 32, [3, 2, 0]);
    maps = walk.conv("Conv2d_2a_3x3.conv", maps, 32, [3, 1, 0]);
    maps = walk.conv("Conv2d_2b_3x3.conv", maps, 64, [3, 1, 1]).pool(3, 2, 0);
    maps = walk.conv("Conv2d_3b_1x1.conv", maps, 80, [1, 1, 0]);
    maps = walk.conv("Conv2d_4a_3x3.conv", maps, 192, [3, 1, 0]).pool(3, 2, 0);
    for (name, n_pool) in [("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)] {
        maps = mixed_a(walk, name, maps, n_pool);
    }
    maps = mixed_b(walk, maps);
    for (name, inside) in [("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)] {
        maps = mixed_c(walk, name, maps, inside);
    }
    maps = mixed_d(walk, maps);
    maps = mixed_e(walk, "Mixed_7b", maps);
    mixed_e(walk, "Mixed_7c", maps)
}

const POINT: [usize; 3] = [1, 1, 0];

fn mixed_a(walk: &mut Walk, name: &str, maps: Maps, n_pool: usize) -> Maps {
    let name = |layer: &str| format!("{name}.{layer}.conv");
    walk.conv(name("branch1x1"), maps, 64, POINT);
    let branch = walk.conv(name("branch5x5_1"), maps, 48, POINT);
    walk.conv(name("branch5x5_2"), branch, 64, [5, 1, 2]);
    let branch = walk.conv(name("branch3x3dbl_1"), maps, 64, POINT);
    let branch = walk.conv(name("branch3x3dbl_2"), branch, 96, [3, 1, 1]);
    walk.conv(name("branch3x3dbl_3"), branch, 96, [3, 1, 1]);
    walk.conv(name("branch_pool"), maps, n_pool, POINT);
    maps.with_channels(64 + 64 + 96 + n_pool)
}

fn mixed_b(walk: &mut Walk, maps: Maps) -> Maps {
    let name = |layer: &str| format!("Mixed_6a.{layer}.conv");
    let small = walk.conv(name("branch3x3"), maps, 384, [3, 2, 0]);
    let branch = walk.conv(name("branch3x3dbl_1"), maps, 64, POINT);
    let branch = walk.conv(name("branch3x3dbl_2"), branch, 96, [3, 1, 1]);
    walk.conv(name("branch3x3dbl_3"), branch, 96, [3, 2, 0]);
    small.with_channels(384 + 96 + maps.channels)
}

fn mixed_c(walk: &mut Walk, name: &str, maps: Maps, inside: usize) -> Maps {
    let name = |layer: &str| format!("{name}.{layer}.conv");
    walk.conv(name("branch1x1"), maps, 192, POINT);
    let branch = walk.conv(name("branch7x7_1"), maps, inside, POINT);
    let branch = walk.oblong(name("branch7x7_2"), branch, inside, [1, 7]);
    walk.oblong(name("branch7x7_3"), branch, 192, [7, 1]);
    let mut branch = walk.conv(name("branch7x7dbl_1"), maps, inside, POINT);
    for (layer, kernel) in [("dbl_2", [7, 1]), ("dbl_3", [1, 7]), ("dbl_4", [7, 1])] {
        branch = walk.oblong(name(&format!("branch7x7{layer}")), branch, inside, kernel);
    }
    walk.oblong(name("branch7x7dbl_5"), branch, 192, [1, 7]);
    walk.conv(name("branch_pool"), maps, 192, POINT);
    maps.with_channels(4 * 192)
}

fn mixed_d(walk: &mut Walk, maps: Maps) -> Maps {
    let name = |layer: &str| format!("Mixed_7a.{layer}.conv");
    let branch = walk.conv(name("branch3x3_1"), maps, 192, POINT);
    walk.conv(name("branch3x3_2"), branch, 320, [3, 2, 0]);
    let branch = walk.conv(name("branch7x7x3_1"), maps, 192, POINT);
    let branch = walk.oblong(name("branch7x7x3_2"), branch, 192, [1, 7]);
    let branch = walk.oblong(name("branch7x7x3_3"), branch, 192, [7, 1]);
    let small = walk.conv(name("branch7x7x3_4"), branch, 192, [3, 2, 0]);
    small.with_channels(320 + 192 + maps.channels)
}

fn mixed_e(walk: &mut Walk, name: &str, maps: Maps) -> Maps {
    let name = |layer: &str| format!("{name}.{layer}.conv");
    walk.conv(name("branch1x1"), maps, 320, POINT);
    let branch = walk.conv(name("branch3x3_1"), maps, 384, POINT);
    walk.oblong(name("branch3x3_2a"), branch, 384, [1, 3]);
    walk.oblong(name("branch3x3_2b"), branch, 384, [3, 1]);
    let branch = walk.conv(name("branch3x3dbl_1"), maps, 448, POINT);
    let branch = walk.conv(name("branch3x3dbl_2"), branch, 384, [3, 1, 1]);
    walk.oblong(name("branch3x3dbl_3a"), branch, 384, [1, 3]);
    walk.oblong(name("branch3x3dbl_3b"), branch, 384, [3, 1]);
    walk.conv(name("branch_pool"), maps, 192, POINT);
    maps.with_channels(320 + 2 * 2 * 384 + 192)
}

fn xception(walk: &mut Walk, images: Maps) -> Maps {
    let mut maps = walk.conv("conv1", images, 32, [3, 2, 0]);
    maps = walk.conv("conv2", maps, 64, [3, 1, 0]);
    maps = xception_block(walk, 1, maps, &[128, 128], false);
    maps = xception_block(walk, 2, maps, &[256, 256], true);
    maps = xception_block(walk, 3, maps, &[728, 728], true);
    for index in 4..12 {
        maps = xception_block(walk, index, maps, &[728, 728, 728], true);
    }
    maps = xception_block(walk, 12, maps, &[728, 1024], true);
    maps = walk.separable("conv3", maps, 1536);
    walk.separable("conv4", maps, 2048)
}

/// Ends in a pool where it changes the channels.
fn xception_block(
    walk: &mut Walk,
    index: usize,
    from: Maps,
    channels: &[usize],
    starts_with_relu: bool,
) -> Maps {
    let mut maps = from;
    for (layer, &n_out) in channels.iter().enumerate() {
        // ReLU, convolution and batch norm count.
        let at = 3 * layer + usize::from(starts_with_relu);
        maps = walk.separable(&format!("block{index}.rep.{at}"), maps, n_out);
    }
    if maps.channels == from.channels {
        return maps;
    }
    walk.conv(format!("block{index}.skip"), from, maps.channels, [1, 2, 0]);
    maps.pool(3, 2, 1)
}

/// With even padding, whatever the network's: `SAME` gives the same sizes.
fn efficientnet_lite0(walk: &mut Walk, images: Maps) -> Maps {
    let mut maps = walk.conv("conv_stem", images, 32, [3, 2, 1]);
    // Blocks, channels, kernel and stride of each stage.
    let stages = [
        [1, 16, 3, 1],
        [2, 24, 3, 2],
        [2, 40, 5, 2],
        [3, 80, 3, 2],
        [3, 112, 5, 1],
        [4, 192, 5, 2],
        [1, 320, 3, 1],
    ];
    for (stage, [n_blocks, n_out, kernel, stride]) in stages.into_iter().enumerate() {
        for block in 0..n_blocks {
            let name = |layer: &str| format!("blocks.{stage}.{block}.{layer}");
            let project = if stage == 0 { "conv_pw" } else { "conv_pwl" };
            if stage > 0 {
                maps = walk.conv(name("conv_pw"), maps, 6 * maps.channels, POINT);
            }
            let (inside, stride) = (maps.channels, if block == 0 { stride } else { 1 });
            let weight = [inside, 1, kernel, kernel];
            maps = walk.push(name("conv_dw"), maps, weight, stride, [kernel / 2; 2], inside);
            maps = walk.conv(name(project), maps, n_out, POINT);
        }
    }
    walk.conv("conv_head", maps, 1280, POINT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyborg_backbones::Network;
    use std::collections::BTreeMap;

    #[test]
    fn it_has_the_convolutions_of_the_networks() {
        for &architecture in Architecture::ALL {
            let (layers, channels) = layers(architecture, architecture.default_input_px());
            let network = Network::blank(architecture, 2).expect("a network");
            let weights: BTreeMap<String, Vec<usize>> = network
                .parameters()
                .iter()
                .filter(|(_, parameter)| parameter.rank() == 4)
                .map(|(name, parameter)| (name.clone(), parameter.dims().to_vec()))
                .collect();
            let found: BTreeMap<String, Vec<usize>> = layers
                .iter()
                .map(|layer| (format!("{}.weight", layer.name), layer.weight.to_vec()))
                .collect();
            assert_eq!(found, weights, "{architecture}");
            assert_eq!(layers.len(), weights.len(), "{architecture}: each once");
            assert_eq!(network.classifier_weight().dims(), [2, channels], "{architecture}");
            let distinct = convolutions(architecture, architecture.default_input_px());
            assert_eq!(distinct.iter().map(|shape| shape.count).sum::<usize>(), layers.len());
            assert!(distinct.len() < layers.len() || architecture == Architecture::ThinResNet8);
        }
    }

    #[test]
    fn it_ends_on_the_grid_of_the_networks() {
        for &architecture in Architecture::ALL {
            for px in [architecture.default_input_px(), 160, 171] {
                let last = layers(architecture, px).0.pop().expect("layers").output();
                // The last convolution of `densenet121` and the others' lie on the last grid.
                assert_eq!(Some(last[1]), architecture.grid(px), "{architecture}, {px} px");
            }
        }
    }

    #[test]
    fn multiply_adds_are_the_published_ones() {
        // With ImageNet's 1,000 classes. torchvision's model pages (`GFLOPS` of the weights' entries count multiply-adds);
        // Xception: pretrained-models.pytorch counts 8.42 with its operations other than convolutions.
        for (architecture, published, digits) in [
            (Architecture::ResNet18, 1.81, 0.005),
            (Architecture::ResNet34, 3.66, 0.005),
            (Architecture::ResNet50, 4.09, 0.005),
            (Architecture::ResNet101, 7.80, 0.005),
            (Architecture::ResNet152, 11.51, 0.005),
            (Architecture::DenseNet121, 2.83, 0.005),
            (Architecture::InceptionV3, 5.71, 0.005),
            (Architecture::Xception, 8.4, 0.05),
            // torch.utils.flop_counter over timm's network (torch 2.15.0, timm 1.0.31): 385,187,552.
            (Architecture::TfEfficientNetLite0, 0.385_187_552, 1e-12),
        ] {
            let work = Work::of(architecture, architecture.default_input_px(), 1000);
            let giga = work.forward as f64 * 1e-9;
            assert!((giga - published).abs() <= digits, "{architecture}: {giga}, published {published}");
        }
    }

    #[test]
    fn a_step_is_three_forward_passes_less_the_gradient_of_the_images() {
        // The stem of resnet18: 64 channels on 112 x 112 from 3 channels and 7 x 7.
        let work = Work::of(Architecture::ResNet18, 224, 2);
        assert_eq!(3 * work.forward - work.train, 64 * 112 * 112 * 3 * 49);
    }

    #[test]
    fn distinct_shapes_are_counted() {
        let shapes = convolutions(Architecture::ResNet50, 224);
        let wide = shapes.iter().find(|shape| shape.label() == "64->64 56x56 3x3").expect("in layer1");
        assert_eq!((wide.count, wide.name.as_str()), (3, "layer1.0.conv2"));
        // 1 stem; layer1: 64->64 1x1, 3x3, 64->256 (with the shortcut), 256->64; layers 2 to 4: the first block's 1x1, its
        // 3x3 of stride 2, 1x1 up, shortcut, then 1x1 down and 3x3 of the others.
        assert_eq!(shapes.len(), 1 + 4 + 3 * 6);
        assert_eq!(shapes.iter().map(|shape| shape.count).sum::<usize>(), 53);
    }
}
