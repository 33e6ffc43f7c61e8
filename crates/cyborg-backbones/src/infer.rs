//! Which network a file's tensors are of, and what stands in front of their names, told by a few names and shapes.

use crate::adapt::{Found, our_name};
use crate::architecture::Architecture;
use cyborg_causes::shown;
use std::collections::{BTreeMap, BTreeSet};

/// Modules that may hold a network in one file; more are not looked into.
const MAX_MODULES: usize = 16;

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

/// A network found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inferred {
    pub(crate) architecture: Architecture,
    /// Rows of its classifier.
    pub(crate) n_classes: usize,
    /// What stands in front of its tensors' names, as `densenet121.`; empty where nothing does. Other tensors are not the
    /// network's.
    pub(crate) prefix: String,
}

/// The network whose tensors these are, the number of its classes and what its names begin with; or why that cannot be told.
pub(crate) fn infer(found: &BTreeMap<String, Found>) -> Result<Inferred, String> {
    let mut fitting: Vec<(Architecture, String)> = Vec::new();
    for signature in SIGNATURES {
        fitting.extend(prefixes(signature, found).into_iter().map(|prefix| (signature.architecture, prefix)));
    }
    let (architecture, prefix) = the_only(fitting, found)?;
    let n_classes = n_classes(architecture, found, &prefix)?;
    Ok(Inferred { architecture, n_classes, prefix })
}

/// What the names of a known network's tensors begin with; empty where nothing shows it.
///
/// # Errors
/// If the file holds the network several times.
pub(crate) fn prefix_of(
    architecture: Architecture,
    found: &BTreeMap<String, Found>,
) -> Result<String, String> {
    let signature = SIGNATURES.iter().find(|signature| signature.architecture == architecture);
    let fitting = signature.map(|signature| prefixes(signature, found)).unwrap_or_default();
    if fitting.is_empty() {
        return Ok(String::new());
    }
    the_only(fitting.into_iter().map(|prefix| (architecture, prefix)).collect(), found)
        .map(|(_, prefix)| prefix)
}

fn the_only(
    fitting: Vec<(Architecture, String)>,
    found: &BTreeMap<String, Found>,
) -> Result<(Architecture, String), String> {
    // A network at the outside is the file's; what is beside it is named when it is loaded.
    let outside: Vec<_> = fitting.iter().filter(|(_, prefix)| prefix.is_empty()).cloned().collect();
    let fitting = if outside.is_empty() { fitting } else { outside };
    match fitting.as_slice() {
        [only] => Ok(only.clone()),
        [] => {
            let names: Vec<_> = found.keys().take(3).map(|name| format!("`{}`", shown(name))).collect();
            let known: Vec<_> = Architecture::ALL.iter().map(|known| format!("`{known}`")).collect();
            Err(format!(
                "its {} tensors ({}, ...) are of none of the networks here: {}; if it is one of them under other \
                 names, name the network and the differences are listed",
                found.len(),
                names.join(", "),
                known.join(", ")
            ))
        }
        several if several.iter().all(|(_, prefix)| *prefix == several[0].1) => {
            let names: Vec<_> = several.iter().map(|(one, _)| format!("`{one}`")).collect();
            Err(format!("its tensors could be those of {}; name the network", names.join(" or ")))
        }
        several => {
            let names: Vec<_> =
                several.iter().map(|(one, prefix)| format!("`{}` ({one})", shown(prefix))).collect();
            Err(format!(
                "it holds several networks: {}; save the one that is wanted in a file of its own",
                names.join(", ")
            ))
        }
    }
}

/// Rows of the classifier's weight.
pub(crate) fn n_classes(
    architecture: Architecture,
    found: &BTreeMap<String, Found>,
    prefix: &str,
) -> Result<usize, String> {
    let weight = format!("{}.weight", architecture.definition().classifier);
    let names = Names::behind(prefix, architecture, found);
    match names.dims(&weight) {
        Some(&[n_classes, _]) if n_classes > 0 => Ok(n_classes),
        Some(dims) => {
            Err(format!("the classifier's `{weight}` has shape {dims:?}, expected (classes, channels)"))
        }
        None => Err(format!(
            "it has no classifier `{weight}`: it can be trained from (`pretrained`), but it predicts nothing"
        )),
    }
}

/// What may stand in front of the names so that they are the signature's.
fn prefixes(signature: &Signature, found: &BTreeMap<String, Found>) -> Vec<String> {
    let (stem, dims) = signature.has[0];
    let candidates: BTreeSet<(usize, &str)> = found
        .iter()
        .filter(|(_, tensor)| tensor.dims == dims)
        .filter_map(|(name, _)| name.strip_suffix(stem))
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        .map(|prefix| (prefix.len(), prefix))
        .collect();
    let fits = |prefix: &str| {
        let names = Names::behind(prefix, signature.architecture, found);
        signature.has.iter().all(|(name, expected)| names.dims(name) == Some(*expected))
            && signature.lacks.iter().all(|name| names.dims(name).is_none())
    };
    candidates
        .into_iter()
        .take(MAX_MODULES)
        .filter(|(_, prefix)| fits(prefix))
        .map(|(_, prefix)| prefix.to_owned())
        .collect()
}

/// Shapes by our names.
struct Names<'a>(BTreeMap<String, &'a [usize]>);

impl<'a> Names<'a> {
    fn behind(prefix: &str, architecture: Architecture, found: &'a BTreeMap<String, Found>) -> Self {
        let behind = found.range(prefix.to_owned()..).take_while(|(name, _)| name.starts_with(prefix));
        let ours = behind
            .map(|(name, tensor)| (our_name(architecture, &name[prefix.len()..]), tensor.dims.as_slice()));
        Self(ours.collect())
    }

    fn dims(&self, name: &str) -> Option<&'a [usize]> {
        self.0.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tensors that tell `architecture`, and a classifier of so many rows.
    fn told(architecture: Architecture, prefix: &str, n_classes: usize) -> BTreeMap<String, Found> {
        let signature = SIGNATURES.iter().find(|one| one.architecture == architecture).expect("known");
        let classifier = format!("{}.weight", architecture.definition().classifier);
        let channels = architecture.definition().channels;
        let mut found: BTreeMap<String, Found> = signature
            .has
            .iter()
            .map(|(name, dims)| (format!("{prefix}{name}"), Found { dims: dims.to_vec() }))
            .collect();
        found.insert(format!("{prefix}{classifier}"), Found { dims: vec![n_classes, channels] });
        found
    }

    #[test]
    fn a_prefix_of_any_depth_and_name_is_found() {
        for &architecture in Architecture::ALL {
            for prefix in ["", "densenet121.", "module.net.encoder.", "a.b.c.d.e."] {
                let mut found = told(architecture, prefix, 3);
                if !prefix.is_empty() {
                    found.insert("criterion.pos_weight".to_owned(), Found { dims: vec![1] });
                }
                // The two EfficientNets have the same tensors: their names do not tell them apart.
                let twins = [Architecture::TfEfficientNetLite0, Architecture::EfficientNetLite0];
                if twins.contains(&architecture) {
                    assert!(infer(&found).is_err_and(|reason| reason.contains("name the network")));
                } else {
                    let inferred = Inferred { architecture, n_classes: 3, prefix: prefix.to_owned() };
                    assert_eq!(infer(&found), Ok(inferred), "{architecture} behind `{prefix}`");
                }
                assert_eq!(prefix_of(architecture, &found).as_deref(), Ok(prefix));
            }
        }
    }

    #[test]
    fn two_networks_are_not_guessed_between() {
        let mut found = told(Architecture::ResNet18, "model.", 2);
        found.extend(told(Architecture::ResNet18, "model_ema.", 2));
        let reason = infer(&found).expect_err("which?");
        assert!(reason.contains("`model.` (resnet18), `model_ema.` (resnet18)"), "{reason}");
        // The one at the outside is the file's own.
        found.extend(told(Architecture::ResNet18, "", 2));
        assert_eq!(infer(&found).map(|inferred| inferred.prefix).as_deref(), Ok(""));
    }

    #[test]
    fn names_from_elsewhere_forge_nothing() {
        let found = BTreeMap::from([("a\u{1b}[2J\nerror: b".to_owned(), Found { dims: vec![1] })]);
        let reason = infer(&found).expect_err("no network");
        assert!(reason.contains(r"`a\u{1b}[2J\nerror: b`"), "{reason}");
    }
}
