//! Which network a file's tensors are of, told by a few names and shapes.

use crate::adapt::{Found, our_name};
use crate::architecture::Architecture;
use std::collections::BTreeMap;

/// What only this network's files have.
struct Signature {
    architecture: Architecture,
    /// Tensors with their shapes.
    has: &'static [(&'static str, &'static [usize])],
    /// Names of larger relatives' tensors.
    lacks: &'static [&'static str],
}

const RESNET_STEM: (&str, &[usize]) = ("conv1.weight", &[64, 3, 7, 7]);
/// The second convolution tells plain bottlenecks (64) from wide (128) and grouped (4) ones.
const BOTTLENECK: (&str, &[usize]) = ("layer1.0.conv2.weight", &[64, 64, 3, 3]);

/// Without `se` modules, and with stem and head of the first of the Lite networks.
const EFFICIENTNET_LITE0: &[(&str, &[usize])] = &[
    ("conv_stem.weight", &[32, 3, 3, 3]),
    ("blocks.3.2.conv_dw.weight", &[480, 1, 3, 3]),
    ("blocks.5.3.conv_dw.weight", &[1152, 1, 5, 5]),
    ("blocks.6.0.conv_pwl.weight", &[320, 1152, 1, 1]),
    ("conv_head.weight", &[1280, 320, 1, 1]),
];

/// EfficientNet-B0 has the sizes of Lite0, and squeeze-and-excitation; Lite1 and larger have more blocks.
const LARGER_EFFICIENTNETS: &[&str] = &["blocks.0.0.se.conv_reduce.weight", "blocks.1.2.conv_pw.weight"];

const SIGNATURES: &[Signature] = &[
    Signature {
        architecture: Architecture::ThinResNet8,
        has: &[("conv1.weight", &[16, 3, 3, 3]), ("layer3.0.conv2.weight", &[64, 64, 3, 3])],
        lacks: &["layer3.1.conv1.weight", "layer4.0.conv1.weight"],
    },
    Signature {
        architecture: Architecture::ResNet18,
        has: &[
            RESNET_STEM,
            ("layer1.1.conv1.weight", &[64, 64, 3, 3]),
            ("layer3.1.conv2.weight", &[256, 256, 3, 3]),
        ],
        lacks: &["layer1.0.conv3.weight", "layer1.2.conv1.weight", "layer3.2.conv1.weight"],
    },
    Signature {
        architecture: Architecture::ResNet34,
        has: &[
            RESNET_STEM,
            ("layer1.2.conv1.weight", &[64, 64, 3, 3]),
            ("layer3.5.conv2.weight", &[256, 256, 3, 3]),
        ],
        lacks: &["layer1.0.conv3.weight", "layer3.6.conv1.weight"],
    },
    Signature {
        architecture: Architecture::ResNet50,
        has: &[RESNET_STEM, BOTTLENECK, ("layer3.5.conv3.weight", &[1024, 256, 1, 1])],
        lacks: &["layer3.6.conv1.weight"],
    },
    Signature {
        architecture: Architecture::ResNet101,
        has: &[RESNET_STEM, BOTTLENECK, ("layer3.22.conv3.weight", &[1024, 256, 1, 1])],
        lacks: &["layer3.23.conv1.weight"],
    },
    Signature {
        architecture: Architecture::ResNet152,
        has: &[RESNET_STEM, BOTTLENECK, ("layer3.35.conv3.weight", &[1024, 256, 1, 1])],
        lacks: &["layer3.36.conv1.weight"],
    },
    Signature {
        architecture: Architecture::DenseNet121,
        has: &[
            ("features.conv0.weight", &[64, 3, 7, 7]),
            ("features.denseblock3.denselayer24.conv2.weight", &[32, 128, 3, 3]),
            ("features.norm5.weight", &[1024]),
        ],
        lacks: &["features.denseblock3.denselayer25.conv2.weight"],
    },
    Signature {
        architecture: Architecture::InceptionV3,
        has: &[
            ("Conv2d_1a_3x3.conv.weight", &[32, 3, 3, 3]),
            ("Mixed_7c.branch_pool.conv.weight", &[192, 2048, 1, 1]),
        ],
        lacks: &[],
    },
    Signature {
        architecture: Architecture::Xception,
        has: &[
            ("conv1.weight", &[32, 3, 3, 3]),
            ("block12.rep.1.conv1.weight", &[728, 1, 3, 3]),
            ("conv4.conv1.weight", &[1536, 1, 3, 3]),
        ],
        lacks: &["block13.rep.1.conv1.weight"],
    },
    // The two have the same tensors: only a card or the caller can tell them apart.
    Signature {
        architecture: Architecture::TfEfficientNetLite0,
        has: EFFICIENTNET_LITE0,
        lacks: LARGER_EFFICIENTNETS,
    },
    Signature {
        architecture: Architecture::EfficientNetLite0,
        has: EFFICIENTNET_LITE0,
        lacks: LARGER_EFFICIENTNETS,
    },
];

/// The network whose tensors these are, and the number of its classes; or why that cannot be told.
pub(crate) fn infer(found: &BTreeMap<String, Found>) -> Result<(Architecture, usize), String> {
    let fitting: Vec<Architecture> = SIGNATURES
        .iter()
        .filter(|signature| fits(signature, found))
        .map(|signature| signature.architecture)
        .collect();
    match fitting.as_slice() {
        [architecture] => Ok((*architecture, n_classes(*architecture, found)?)),
        [] => {
            let names: Vec<_> = found.keys().take(3).map(|name| format!("`{name}`")).collect();
            let known: Vec<_> = Architecture::ALL.iter().map(|known| format!("`{known}`")).collect();
            Err(format!(
                "its {} tensors ({}, ...) are of none of the networks here: {}; if it is one of them under other \
                 names, name the network and every difference is listed",
                found.len(),
                names.join(", "),
                known.join(", ")
            ))
        }
        several => {
            let names: Vec<_> = several.iter().map(|one| format!("`{one}`")).collect();
            Err(format!("its tensors could be those of {}; name the network", names.join(" or ")))
        }
    }
}

/// Rows of the classifier's weight.
pub(crate) fn n_classes(
    architecture: Architecture,
    found: &BTreeMap<String, Found>,
) -> Result<usize, String> {
    let weight = format!("{}.weight", architecture.definition().classifier);
    let theirs = found.iter().find(|(name, _)| our_name(architecture, name) == weight);
    match theirs.map(|(_, tensor)| tensor.dims.as_slice()) {
        Some(&[n_classes, _]) if n_classes > 0 => Ok(n_classes),
        Some(dims) => {
            Err(format!("the classifier's `{weight}` has shape {dims:?}, expected (classes, channels)"))
        }
        None => Err(format!(
            "it has no classifier `{weight}`: it can be trained from (`pretrained`), but it predicts nothing"
        )),
    }
}

fn fits(signature: &Signature, found: &BTreeMap<String, Found>) -> bool {
    let dims = |wanted: &str| {
        let same = |name: &str| our_name(signature.architecture, name) == wanted;
        found.iter().find(|(name, _)| same(name)).map(|(_, tensor)| tensor.dims.as_slice())
    };
    signature.has.iter().all(|(name, expected)| dims(name) == Some(*expected))
        && signature.lacks.iter().all(|name| dims(name).is_none())
}
