//! What every network must do, and what it must refuse.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{DType, Device, Tensor, Var};
use cyborg_backbones::{Architecture, BackboneError, Network, Tap};
use cyborg_seed::Seed;
use std::collections::BTreeMap;

fn network(architecture: Architecture, n_classes: usize) -> Network {
    Network::new(architecture, n_classes, &Seed::new(0)).unwrap()
}

fn images(batch: usize, height: usize, width: usize) -> Tensor {
    let mut stream = Seed::new(1).stream("images");
    let values: Vec<f32> = (0..batch * 3 * height * width).map(|_| stream.normal() as f32).collect();
    Tensor::from_vec(values, (batch, 3, height, width), &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn bits(tensors: &BTreeMap<String, Tensor>) -> BTreeMap<String, Vec<u32>> {
    let bits = |t: &Tensor| values(&t.to_dtype(DType::F32).unwrap()).into_iter().map(f32::to_bits).collect();
    tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
}

#[test]
fn shapes_values_and_gradients_are_what_they_should_be() {
    // Sides that no stride divides, not square.
    for (architecture, channels) in
        [(Architecture::ThinResNet8, 64), (Architecture::ResNet18, 512), (Architecture::ResNet50, 2048)]
    {
        let network = network(architecture, 4);
        let grid = |px| architecture.grid(px).unwrap();
        let output = network.forward_train(&images(2, 45, 70), Tap::Pooled).unwrap();
        assert_eq!(output.logits.dims(), [2, 4], "{architecture}");
        assert_eq!(output.features.dims(), [2, channels, grid(45), grid(70)], "{architecture}");
        assert_eq!(network.classifier_weight().dims(), [4, channels]);
        assert!(values(&output.logits).iter().all(|v| v.is_finite()));
        assert!(values(&output.features).iter().all(|v| *v >= 0.0), "the pooled tap is after a ReLU");

        let gradients = output.logits.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        for (name, parameter) in network.parameters() {
            let gradient = values(gradients.get(parameter.as_tensor()).expect(name));
            assert!(gradient.iter().all(|g| g.is_finite()), "{architecture}, {name}");
            assert!(gradient.iter().any(|g| *g != 0.0), "{architecture}, {name}");
        }
    }
}

#[test]
fn parameter_counts_are_torchvisions() {
    // torchvision's documentation, 1,000 classes; thin-resnet8 by hand: stem 432 + 32, layer1 2 * 2304 + 64,
    // layer2 4608 + 9216 + 512 + 192, layer3 18432 + 36864 + 2048 + 384, fc 2 * 64 + 2.
    for (architecture, n_classes, expected) in [
        (Architecture::ThinResNet8, 2, 77_522),
        (Architecture::ResNet18, 1000, 11_689_512),
        (Architecture::ResNet34, 1000, 21_797_672),
        (Architecture::ResNet50, 1000, 25_557_032),
        (Architecture::ResNet101, 1000, 44_549_160),
        (Architecture::ResNet152, 1000, 60_192_808),
        (Architecture::DenseNet121, 1000, 7_978_856),
        // 27,161,264 less 3,326,696 of the auxiliary classifier.
        (Architecture::InceptionV3, 1000, 23_834_568),
        (Architecture::Xception, 1000, 22_855_952),
    ] {
        let network = network(architecture, n_classes);
        let count: usize = network.parameters().iter().map(|(_, p)| p.elem_count()).sum();
        assert_eq!(count, expected, "{architecture}");
    }
}

#[test]
fn training_moves_running_statistics_once_and_evaluation_nothing() {
    let network = network(Architecture::ThinResNet8, 2);
    let batch = images(3, 16, 16);
    let at_start = network.tensors().unwrap();
    network.forward_eval(&batch, Tap::Released).unwrap();
    assert_eq!(bits(&network.tensors().unwrap()), bits(&at_start));
    network.forward_train(&batch, Tap::Released).unwrap();
    let after = network.tensors().unwrap();
    for (name, tensor) in &after {
        if name.ends_with("num_batches_tracked") {
            assert_eq!(tensor.to_scalar::<i64>().unwrap(), 1, "{name}");
        } else {
            let moved = values(tensor) != values(&at_start[name]);
            assert_eq!(moved, name.contains(".running_"), "{name}");
        }
    }
}

#[test]
fn evaluation_keeps_no_graph_but_lets_gradients_reach_the_images() {
    let network = network(Architecture::ThinResNet8, 2);
    let output = network.forward_eval(&images(1, 16, 16), Tap::Pooled).unwrap();
    assert!(!output.logits.track_op() && !output.features.track_op());
    let batch = Var::from_tensor(&images(1, 16, 16)).unwrap();
    let output = network.forward_eval(&batch, Tap::Pooled).unwrap();
    let gradients = output.logits.sum_all().unwrap().backward().unwrap();
    assert!(gradients.get(batch.as_tensor()).is_some());
    assert!(network.parameters().iter().all(|(_, p)| gradients.get(p.as_tensor()).is_none()));
}

#[test]
fn what_a_network_cannot_take_is_refused() {
    assert!(matches!(
        Network::new(Architecture::ResNet18, 0, &Seed::new(0)),
        Err(BackboneError::NoClasses { architecture: "resnet18" })
    ));
    let network = network(Architecture::ThinResNet8, 2);
    for shape in [vec![1, 1, 8, 8], vec![3, 8, 8], vec![0, 3, 8, 8], vec![1, 3, 0, 8]] {
        let batch = Tensor::zeros(shape.as_slice(), DType::F32, &Device::Cpu).unwrap();
        let error = network.forward_eval(&batch, Tap::Pooled).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot run `thin-resnet8` on images of shape {shape:?}: expected (batch, 3, height, width), none \
                 of them 0"
            )
        );
    }
    // One value per channel has no variance.
    assert!(matches!(network.forward_train(&images(1, 8, 8), Tap::Pooled), Err(BackboneError::Tensor(_))));
}
