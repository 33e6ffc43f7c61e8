//! What every network must do, and what it must refuse.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{DType, Device, Tensor, Var};
use cyborg_backbones::{Architecture, BackboneError, Network, Tap, TrainingPass};
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
    // Sides that no stride divides, not square. (The deeper ResNets are the same code.)
    for (architecture, channels, (height, width)) in [
        (Architecture::ThinResNet8, 64, (45, 70)),
        (Architecture::ResNet18, 512, (45, 70)),
        (Architecture::ResNet50, 2048, (45, 70)),
        (Architecture::DenseNet121, 1024, (45, 70)),
        (Architecture::InceptionV3, 2048, (76, 110)),
        (Architecture::Xception, 2048, (30, 44)),
        (Architecture::TfEfficientNetLite0, 1280, (45, 70)),
    ] {
        let network = network(architecture, 4);
        let grid = |px| architecture.grid(px).unwrap();
        let output = network.forward_train(&images(2, height, width), &[Tap::POOLED]).unwrap();
        assert_eq!(output.logits.dims(), [2, 4], "{architecture}");
        let features = output.features(&Tap::POOLED).unwrap();
        assert_eq!(features.dims(), [2, channels, grid(height), grid(width)], "{architecture}");
        assert_eq!(network.classifier_weight().dims(), [4, channels]);
        assert!(values(&output.logits).iter().all(|v| v.is_finite()));
        assert!(values(features).iter().all(|v| *v >= 0.0), "the pooled tap is after a ReLU");

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
        // timm's.
        (Architecture::TfEfficientNetLite0, 1000, 4_652_008),
        (Architecture::EfficientNetLite0, 1000, 4_652_008),
    ] {
        let network = Network::blank(architecture, n_classes).unwrap();
        let count: usize = network.parameters().iter().map(|(_, p)| p.elem_count()).sum();
        assert_eq!(count, expected, "{architecture}");
    }
}

#[test]
fn training_moves_running_statistics_once_and_evaluation_nothing() {
    let network = network(Architecture::ThinResNet8, 2);
    let batch = images(3, 16, 16);
    let at_start = network.tensors().unwrap();
    network.forward_eval(&batch, &[Tap::RELEASED]).unwrap();
    assert_eq!(bits(&network.tensors().unwrap()), bits(&at_start));
    network.forward_train(&batch, &[Tap::RELEASED]).unwrap();
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

/// The released DenseNet run: same values, statistics of two passes.
#[test]
fn a_second_pass_moves_running_statistics_twice_and_nothing_else() {
    let batch = images(3, 35, 40);
    let run = |features_from_second_pass: bool| {
        let network = network(Architecture::DenseNet121, 2);
        let pass = TrainingPass { features_from_second_pass, ..TrainingPass::default() };
        let output = network.forward_train_with(&batch, &[Tap::RELEASED], pass).unwrap();
        let features = output.features(&Tap::RELEASED).unwrap();
        let loss = (output.logits.sqr().unwrap().sum_all().unwrap()
            + features.sqr().unwrap().sum_all().unwrap())
        .unwrap();
        let gradients = loss.backward().unwrap();
        let name = "features.denseblock2.denselayer3.conv1.weight";
        let parameter = &network.parameters().iter().find(|(found, _)| found == name).unwrap().1;
        let gradient = values(gradients.get(parameter.as_tensor()).unwrap());
        (values(&output.logits), values(features), gradient, network.tensors().unwrap())
    };
    let (once, twice) = (run(false), run(true));
    assert_eq!((&once.0, &once.1), (&twice.0, &twice.1));
    let norm = once.2.iter().map(|g| g * g).sum::<f32>().sqrt();
    // The same terms in another order. Measured: 3e-7.
    assert!(once.2.iter().zip(&twice.2).all(|(a, b)| (a - b).abs() < 1e-5 * norm));
    for (name, after) in &twice.3 {
        if name.ends_with("num_batches_tracked") {
            assert_eq!(after.to_scalar::<i64>().unwrap(), 2, "{name}");
        } else if name.ends_with("running_mean") || name.ends_with("running_var") {
            // From the start s by momentum 0.1 to the batch's b: s + 0.1 (b - s) once, s + 0.19 (b - s) twice.
            let start = if name.ends_with("mean") { 0.0 } else { 1.0 };
            for (once, twice) in values(&once.3[name]).iter().zip(values(after)) {
                let expected = start + 1.9 * (once - start);
                assert!(
                    (twice - expected).abs() < 1e-5 * expected.abs().max(1.0),
                    "{name}: {twice}, {expected}"
                );
            }
        } else {
            assert_eq!(values(after), values(&once.3[name]), "{name}");
        }
    }
}

#[test]
fn dropout_is_decided_by_its_seed_alone() {
    let network = network(Architecture::InceptionV3, 2);
    let batch = images(2, 110, 76);
    let logits = |seed: Option<&Seed>| {
        let pass = TrainingPass { dropout: seed, ..TrainingPass::default() };
        values(&network.forward_train_with(&batch, &[Tap::POOLED], pass).unwrap().logits)
    };
    let [first, second] = [1, 2].map(|step| Seed::new(0).child(&format!("step/{step}")));
    let plain = logits(None);
    assert_eq!(plain, values(&network.forward_train(&batch, &[Tap::POOLED]).unwrap().logits));
    assert_ne!(logits(Some(&first)), plain);
    assert_ne!(logits(Some(&first)), logits(Some(&second)));
    // Again, after others were drawn.
    assert_eq!(logits(Some(&first)), logits(Some(&first)));
    // A network without it draws nothing.
    let thin = Network::new(Architecture::ThinResNet8, 2, &Seed::new(0)).unwrap();
    let pass = TrainingPass { dropout: Some(&first), ..TrainingPass::default() };
    assert_eq!(
        values(&thin.forward_train_with(&batch, &[Tap::POOLED], pass).unwrap().logits),
        values(&thin.forward_train(&batch, &[Tap::POOLED]).unwrap().logits)
    );
}

#[test]
fn evaluation_keeps_no_graph_but_lets_gradients_reach_the_images() {
    let network = network(Architecture::ThinResNet8, 2);
    let output = network.forward_eval(&images(1, 16, 16), &[Tap::POOLED]).unwrap();
    assert!(!output.logits.track_op() && !output.features(&Tap::POOLED).unwrap().track_op());
    let batch = Var::from_tensor(&images(1, 16, 16)).unwrap();
    let output = network.forward_eval(&batch, &[Tap::POOLED]).unwrap();
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
        let error = network.forward_eval(&batch, &[Tap::POOLED]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot run `thin-resnet8` on images of shape {shape:?}: expected (batch, 3, height, width), at \
                 least one image, height and width at least 1"
            )
        );
    }
    let small = images(1, 100, 74);
    let inception = Network::new(Architecture::InceptionV3, 2, &Seed::new(0)).unwrap();
    assert_eq!(
        inception.forward_train(&small, &[Tap::POOLED]).unwrap_err().to_string(),
        "cannot run `inception_v3` on images of shape [1, 3, 100, 74]: expected (batch, 3, height, width), at least one \
         image, height and width at least 75"
    );
    // One value per channel has no variance.
    assert!(matches!(network.forward_train(&images(1, 8, 8), &[Tap::POOLED]), Err(BackboneError::Tensor(_))));
}
