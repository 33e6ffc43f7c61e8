//! Parameters that are taken out of training.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{Device, Tensor};
use cyborg_backbones::{Architecture, BackboneError, Network, ParameterRole, Tap};
use cyborg_seed::Seed;
use std::collections::BTreeMap;

fn thin() -> Network {
    Network::new(Architecture::ThinResNet8, 2, &Seed::new(0)).unwrap()
}

fn images() -> Tensor {
    let mut stream = Seed::new(1).stream("images");
    let values: Vec<f32> = (0..2 * 3 * 19 * 22).map(|_| stream.normal() as f32).collect();
    Tensor::from_vec(values, (2, 3, 19, 22), &Device::Cpu).unwrap()
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

fn patterns(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|&pattern| pattern.to_owned()).collect()
}

/// The gradients that a training pass gives, by parameter, and the network's tensors afterwards.
fn pass(network: &Network) -> (BTreeMap<String, Vec<u32>>, BTreeMap<String, Tensor>) {
    let output = network.forward_train(&images(), &[Tap::RELEASED]).unwrap();
    // As the CYBORG loss does: features, logits and the classifier's weight in one graph.
    let features = output.features(&Tap::RELEASED).unwrap();
    let weight = network.classifier_weight().sum_all().unwrap();
    let loss = (output.logits.sqr().unwrap().sum_all().unwrap() + features.sqr().unwrap().sum_all().unwrap())
        .and_then(|loss| loss * weight)
        .unwrap();
    let gradients = loss.backward().unwrap();
    let gradient = |(name, parameter): &(String, _)| {
        let parameter: &candle_core::Var = parameter;
        Some((name.clone(), bits(gradients.get(parameter)?)))
    };
    (network.parameters().iter().filter_map(gradient).collect(), network.tensors().unwrap())
}

#[test]
fn frozen_parameters_get_no_gradient_and_the_others_the_same_bits() {
    let (all, after) = pass(&thin());
    assert_eq!(all.len(), thin().parameters().len());
    type Matches = fn(&str) -> bool;
    let cases: [(&[&str], Matches); 4] = [
        // From the image on: nothing is recorded there.
        (&["conv1.*", "bn1.*", "layer1.*"], |name| {
            name.starts_with("conv1.") || name.starts_with("bn1.") || name.starts_with("layer1.")
        }),
        (&["*bn*", "layer2.0.downsample.1.*"], |name| {
            name.contains("bn") || name.starts_with("layer2.0.downsample.1.")
        }),
        (&["layer3.0.conv2.weight"], |name| name == "layer3.0.conv2.weight"),
        (&["fc.*"], |name| name.starts_with("fc.")),
    ];
    for (frozen, is_frozen) in cases {
        let mut network = thin();
        network.freeze(&patterns(frozen)).unwrap();
        let (found, frozen_after) = pass(&network);
        let expected: BTreeMap<_, _> = all
            .iter()
            .filter(|(name, _)| !is_frozen(name))
            .map(|(name, bits)| (name.clone(), bits.clone()))
            .collect();
        assert!(found == expected, "{frozen:?}: {:?}", found.keys().collect::<Vec<_>>());
        let trainable: Vec<String> =
            network.trainable_parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(trainable.len(), expected.len());
        assert!(trainable.iter().all(|name| expected.contains_key(name)));
        // Weights files hold everything, and the statistics of frozen batch norms have moved as ever.
        assert_eq!(frozen_after.len(), after.len());
        for (name, tensor) in after.iter().filter(|(name, _)| name.contains("running")) {
            assert_eq!(bits(&frozen_after[name]), bits(tensor), "{name}");
        }
    }
}

#[test]
fn nothing_is_recorded_where_all_is_frozen() {
    let mut network = thin();
    network.freeze(&patterns(&["conv1.*", "bn1.*", "layer1.*"])).unwrap();
    let [layer1, layer2] = ["layer1", "layer2"].map(|name| Architecture::ThinResNet8.tap(name).unwrap());
    let output = network.forward_train(&images(), &[layer1, layer2]).unwrap();
    assert!(!output.features(&layer1).unwrap().track_op());
    assert!(output.features(&layer2).unwrap().track_op());
    // Everything: a pass of constants.
    network.freeze(&patterns(&["*"])).unwrap();
    assert!(network.trainable_parameters().is_empty());
    let output = network.forward_train(&images(), &[layer2]).unwrap();
    assert!(!output.logits.track_op() && !network.classifier_weight().track_op());
}

#[test]
fn a_frozen_parameter_can_be_loaded_and_seen() {
    let mut network = thin();
    network.freeze(&patterns(&["*"])).unwrap();
    let other = Network::new(Architecture::ThinResNet8, 2, &Seed::new(1)).unwrap();
    network.load_tensors(&other.tensors().unwrap()).unwrap();
    let [found, expected] =
        [&network, &other].map(|network| bits(&network.forward_train(&images(), &[]).unwrap().logits));
    assert_eq!(found, expected);
}

#[test]
fn a_pattern_that_matches_nothing_is_refused() {
    let mut network = thin();
    let error = network.freeze(&patterns(&["layer1.*", "layer4.*"])).unwrap_err();
    assert!(matches!(error, BackboneError::UnknownParameters { .. }));
    assert_eq!(
        error.to_string(),
        "no parameter of `thin-resnet8` matches `layer4.*`: did you mean `layer1.*`? `*` stands for any characters, and \
         its modules are `bn1.*`, `conv1.*`, `fc.*`, `layer1.*`, `layer2.*`, `layer3.*`"
    );
    // Not even what did match.
    assert_eq!(network.trainable_parameters().len(), network.parameters().len());
    let error = network.freeze(&patterns(&["layer2"])).unwrap_err().to_string();
    assert!(error.contains("did you mean `layer2.*`?"), "{error}");
}

#[test]
fn roles_are_those_of_the_layers() {
    let network = Network::blank(Architecture::DenseNet121, 2).unwrap();
    let roles: BTreeMap<String, _> =
        network.parameter_roles().into_iter().map(|info| (info.name.clone(), info)).collect();
    let role = |name: &str| (roles[name].role, roles[name].is_classifier);
    assert_eq!(role("features.conv0.weight"), (ParameterRole::Weight, false));
    assert_eq!(role("features.denseblock1.denselayer1.norm1.weight"), (ParameterRole::Norm, false));
    assert_eq!(role("features.norm5.bias"), (ParameterRole::Norm, false));
    assert_eq!(role("classifier.weight"), (ParameterRole::Weight, true));
    assert_eq!(role("classifier.bias"), (ParameterRole::Bias, true));
    assert_eq!(roles.values().filter(|info| info.is_classifier).count(), 2);
    assert!(roles.values().all(|info| !info.is_frozen));
    // torchvision's densenet121 has 120 convolutions, 121 batch norms and the classifier.
    let count = |role| roles.values().filter(|info| info.role == role).count();
    assert_eq!(
        [ParameterRole::Weight, ParameterRole::Norm, ParameterRole::Bias].map(count),
        [121, 2 * 121, 1]
    );
}
