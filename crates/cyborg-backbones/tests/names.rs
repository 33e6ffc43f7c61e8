//! Every network's tensors are called and shaped as in torchvision and Cadene's Xception, and a file of them is told for
//! what it is.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{DType, Device, Tensor};
use cyborg_backbones::{Architecture, BackboneError, Card, LoadReport, Network};
use cyborg_weights::{Format, Weights};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Name, number of tensors and digest of each network, from `golden/names.py`.
const GOLDEN: &str = include_str!("golden/names.txt");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The network's tensors, all zero, with 5 classes.
fn tensors_of(architecture: Architecture) -> BTreeMap<String, Tensor> {
    Network::blank(architecture, 5).unwrap().tensors().unwrap()
}

/// What becomes of a file of these tensors. Files of all networks together have a GiB; here they are read already.
fn open(
    tensors: &BTreeMap<String, Tensor>,
    architecture: Option<Architecture>,
) -> Result<(Network, Card, LoadReport), BackboneError> {
    let weights = Weights {
        tensors: tensors.clone(),
        stored_as: BTreeMap::new(),
        metadata: BTreeMap::new(),
        format: Format::Safetensors,
        wrapper: None,
        prefix: None,
        ignored: Vec::new(),
    };
    Network::from_weights(weights, Path::new("file"), architecture)
}

fn refusal(tensors: &BTreeMap<String, Tensor>, architecture: Option<Architecture>) -> String {
    open(tensors, architecture).unwrap_err().to_string()
}

/// Old names of a DenseNet's dense layers: `norm1` was `norm.1`.
fn as_before_pytorch_0_4(name: &str) -> String {
    if !name.contains(".denselayer") {
        return name.to_owned();
    }
    ["norm", "conv"].iter().fold(name.to_owned(), |name, kind| {
        [1, 2].iter().fold(name, |name, n| name.replace(&format!(".{kind}{n}."), &format!(".{kind}.{n}.")))
    })
}

fn renamed(tensors: &BTreeMap<String, Tensor>, rename: impl Fn(&str) -> String) -> BTreeMap<String, Tensor> {
    tensors.iter().map(|(name, tensor)| (rename(name), tensor.clone())).collect()
}

#[test]
fn names_and_shapes_are_the_originals() {
    let mut n_checked = 0;
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        let [name, n_tensors, digest] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let architecture = Architecture::from_name(name).unwrap();
        let tensors = tensors_of(architecture);
        assert_eq!(tensors.len().to_string(), n_tensors, "{name}");
        let lines = tensors.iter().fold(String::new(), |mut lines, (name, tensor)| {
            let kind = if tensor.dtype() == DType::I64 { "I64" } else { "F32" };
            writeln!(lines, "{name} {kind} {:?}", tensor.dims()).unwrap();
            lines
        });
        assert_eq!(
            hex(ring::digest::digest(&ring::digest::SHA256, lines.as_bytes()).as_ref()),
            digest,
            "{name}"
        );

        // Names do not tell timm's two EfficientNet-Lite0 apart.
        let said = name.contains("efficientnet").then_some(architecture);
        let (_, card, report) = open(&tensors, said).unwrap();
        assert_eq!((card.architecture, card.n_classes), (architecture, 5), "{name}");
        assert!(report.lines().is_empty(), "{name}: {:?}", report.lines());
        n_checked += 1;
    }
    // All but our own small one.
    assert_eq!(n_checked, Architecture::ALL.len() - 1);
    let error = refusal(&tensors_of(Architecture::EfficientNetLite0), None);
    assert!(
        error.ends_with(
            "its tensors could be those of `tf_efficientnet_lite0` or `efficientnet_lite0`; name the network"
        ),
        "{error}"
    );
}

#[test]
fn other_names_and_shapes_of_the_same_networks_are_taken() {
    let check = |tensors: &BTreeMap<String, Tensor>, architecture: Architecture, lines: &[&str]| {
        let (_, card, report) = open(tensors, None).unwrap();
        assert_eq!((card.architecture, card.n_classes), (architecture, 5));
        assert_eq!(report.lines(), lines);
    };

    // timm's Xception has `fc`; Cadene's file stores 1x1 convolutions as matrices.
    let xception = tensors_of(Architecture::Xception);
    let timm = renamed(&xception, |name| name.replace("last_linear", "fc"));
    let two = "2 renamed: `fc.bias` to `last_linear.bias`, `fc.weight` to `last_linear.weight`";
    check(&timm, Architecture::Xception, &[two]);
    let cadene: BTreeMap<_, _> = timm
        .iter()
        .filter(|(name, _)| !name.ends_with("num_batches_tracked"))
        .map(|(name, tensor)| {
            let is_point = name.ends_with("pointwise.weight");
            let tensor =
                if is_point { tensor.squeeze(3).unwrap().squeeze(2).unwrap() } else { tensor.clone() };
            (name.clone(), tensor)
        })
        .collect();
    // Blocks 1 to 3 and 12 have two separable convolutions, 4 to 11 three, and then `conv3` and `conv4`: 4 * 2 + 8 * 3 + 2.
    let matrices = "34 matrices taken as 1x1 convolutions: `block1.rep.0.pointwise.weight`, \
                    `block1.rep.3.pointwise.weight`, `block10.rep.1.pointwise.weight`, \
                    `block10.rep.4.pointwise.weight`, ...";
    let counts = "it has no `num_batches_tracked`; counting starts at 0";
    check(&cadene, Architecture::Xception, &[two, matrices, counts]);

    let densenet = tensors_of(Architecture::DenseNet121);
    let old = renamed(&densenet, as_before_pytorch_0_4);
    let (_, card, report) = open(&old, None).unwrap();
    assert_eq!((card.architecture, card.n_classes), (Architecture::DenseNet121, 5));
    // 58 dense layers of two batch norms (5 tensors each) and two convolutions.
    assert_eq!(report.renamed.len(), 58 * (2 * 5 + 2));

    // Inception with its auxiliary classifier.
    let mut inception = tensors_of(Architecture::InceptionV3);
    for name in ["AuxLogits.conv0.conv.weight", "AuxLogits.fc.bias", "AuxLogits.fc.weight"] {
        inception.insert(name.to_owned(), Tensor::zeros(5, DType::F32, &Device::Cpu).unwrap());
    }
    let ignored = "3 ignored: `AuxLogits.conv0.conv.weight` (auxiliary classifier), `AuxLogits.fc.bias` (auxiliary \
                   classifier), `AuxLogits.fc.weight` (auxiliary classifier)";
    check(&inception, Architecture::InceptionV3, &[ignored]);

    // Counts as floats, as careless converters leave them; what is no count is named.
    let resnet = tensors_of(Architecture::ResNet18);
    let with_count = |count: f32| {
        let mut tensors = resnet.clone();
        tensors.insert("bn1.num_batches_tracked".to_owned(), Tensor::new(count, &Device::Cpu).unwrap());
        tensors
    };
    check(&with_count(7.0), Architecture::ResNet18, &[]);
    let error = refusal(&with_count(0.5), None);
    assert!(error.contains("`bn1.num_batches_tracked` is f32 [], expected i64 []"), "{error}");

    // Two names for one tensor.
    let mut twice = resnet.clone();
    twice.insert("last_linear.bias".to_owned(), twice["fc.bias"].clone());
    let error = refusal(&twice, None);
    assert!(error.ends_with("two of its tensors are the network's `fc.bias`"), "{error}");
}

#[test]
fn relatives_are_not_taken_for_networks_that_are_here() {
    let refused = |tensors: &BTreeMap<String, Tensor>| {
        let error = refusal(tensors, None);
        assert!(error.contains("are of none of the networks here"), "{error}");
    };
    let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    let resnet50 = tensors_of(Architecture::ResNet50);
    // ResNeXt-50 32x4d and Wide ResNet-50 differ in the second convolution of a bottleneck.
    for dims in [[128, 4, 3, 3], [128, 128, 3, 3]] {
        let mut relative = resnet50.clone();
        relative.insert("layer1.0.conv2.weight".to_owned(), zeros(&dims));
        refused(&relative);
    }
    // timm's resnet50d has another stem.
    let mut deep = resnet50.clone();
    deep.insert("conv1.0.weight".to_owned(), deep["conv1.weight"].clone());
    deep.remove("conv1.weight");
    refused(&deep);
    // DenseNet-169 has the same stem and a longer third block.
    let mut densenet169 = tensors_of(Architecture::DenseNet121);
    densenet169.insert("features.denseblock3.denselayer25.conv2.weight".to_owned(), zeros(&[32, 128, 3, 3]));
    refused(&densenet169);
    // One block fewer: of no network.
    let mut short = resnet50;
    short.retain(|name, _| !name.starts_with("layer3.5."));
    refused(&short);
    let error = refusal(&short, Some(Architecture::ResNet50));
    assert!(error.contains("missing: `layer3.5.bn1.bias`"), "{error}");
}
