//! Feature maps from the middle of networks: which there are, what they hold, what they cost.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod oracle;

use candle_core::{Device, Tensor, Var};
use cyborg_backbones::{Architecture, BackboneError, Network, Tap};
use cyborg_seed::Seed;
use oracle::{Expected, calm, pictures, tap_errors};
use safetensors::SafeTensors;

/// The smallest sizes at which every stage has more than one cell in some direction, as `NETWORKS` in the script has them.
const SMALL: [(Architecture, (usize, usize)); 11] = [
    (Architecture::ThinResNet8, (44, 37)),
    (Architecture::ResNet18, (96, 65)),
    (Architecture::ResNet34, (61, 80)),
    (Architecture::ResNet50, (65, 93)),
    (Architecture::ResNet101, (65, 96)),
    (Architecture::ResNet152, (96, 65)),
    (Architecture::DenseNet121, (93, 62)),
    (Architecture::InceptionV3, (131, 107)),
    (Architecture::Xception, (71, 60)),
    (Architecture::TfEfficientNetLite0, (98, 67)),
    (Architecture::EfficientNetLite0, (98, 67)),
];

fn names(architecture: Architecture) -> Vec<&'static str> {
    architecture.taps().iter().map(|info| info.tap.name()).collect()
}

fn all(architecture: Architecture) -> Vec<Tap> {
    architecture.taps().iter().map(|info| info.tap).collect()
}

fn noise(name: &str, shape: [usize; 4]) -> Tensor {
    let mut stream = Seed::new(1).stream(name);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| stream.normal() as f32).collect();
    Tensor::from_vec(values, &shape, &Device::Cpu).unwrap()
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

#[test]
fn networks_list_the_modules_of_their_originals() {
    let resnet = ["maxpool", "layer1", "layer2", "layer3", "layer4", "released", "pooled"];
    assert_eq!(names(Architecture::ResNet18), resnet);
    assert_eq!(names(Architecture::ResNet152), resnet);
    assert_eq!(
        names(Architecture::ThinResNet8),
        ["relu", "layer1", "layer2", "layer3", "released", "pooled"]
    );
    let resnet50 = Architecture::ResNet50;
    let layer3 = resnet50.tap("layer3").unwrap();
    // torchvision's resnet50 at 224 pixels: 14 x 14 cells of 1024 channels behind layer3.
    assert_eq!((resnet50.grid_at(&layer3, 224), resnet50.channels_at(&layer3)), (Some(14), Some(1024)));
    // 11 (stem and pool) + 3 * 2 * 4 + (8 + 3 * 16) + (16 + 5 * 32) pixels.
    assert_eq!(resnet50.taps()[3].receptive_field_px, 11 + 24 + 56 + 176);
    // A name from elsewhere, and an input that the network behind the tap cannot take.
    assert_eq!((resnet50.tap("Mixed_6e"), resnet50.tap("Layer3")), (None, None));
    let mixed = Architecture::InceptionV3.tap("Mixed_5b").unwrap();
    assert_eq!(Architecture::InceptionV3.grid_at(&mixed, 74), None);
    assert_eq!(resnet50.grid_at(&mixed, 224), None);
}

#[test]
fn maps_are_those_of_the_originals_modules() {
    let golden = include_bytes!("golden/taps.safetensors");
    for (architecture, size) in SMALL {
        let images = pictures(architecture, size, include_bytes!("golden/photo.safetensors"));
        let expected = Expected { file: SafeTensors::deserialize(golden).unwrap(), prefix: "" };
        let image = images.narrow(0, 0, 1).unwrap();
        for (tap, shape, error) in tap_errors(architecture, &image, calm(architecture), &expected) {
            let side = |px| architecture.grid_at(&tap, px).unwrap();
            let channels = architecture.channels_at(&tap).unwrap();
            assert_eq!(shape, [1, channels, side(size.0), side(size.1)], "{architecture}, {tap}");
            // Measured: at most 1e-6, as far as PyTorch's own float32 is off.
            assert!(error < 1e-5, "{architecture}, {tap}: {error:e}");
        }
    }
}

/// Asking for maps must not change anything that is computed, here or on the way back.
#[test]
fn a_tap_changes_no_bit() {
    for (architecture, size) in [
        (Architecture::ThinResNet8, (19, 22)),
        (Architecture::ResNet50, (40, 33)),
        (Architecture::DenseNet121, (40, 33)),
        (Architecture::InceptionV3, (107, 75)),
        (Architecture::Xception, (33, 40)),
    ] {
        let images = noise("images", [2, 3, size.0, size.1]);
        let run = |taps: &[Tap], read: Option<Tap>| {
            let network = Network::new(architecture, 2, &Seed::new(0)).unwrap();
            let eval = network.forward_eval(&images, taps).unwrap();
            let train = network.forward_train(&images, taps).unwrap();
            let gradients = train.logits.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let gradients = network.parameters().iter().map(|(_, p)| bits(gradients.get(p).unwrap()));
            let read = read.map(|tap| [&eval, &train].map(|output| bits(output.features(&tap).unwrap())));
            (bits(&eval.logits), bits(&train.logits), gradients.collect::<Vec<_>>(), read)
        };
        let none = run(&[], None);
        let one = run(&[Tap::RELEASED], Some(Tap::RELEASED));
        let every = run(&all(architecture), Some(Tap::RELEASED));
        assert!((&one.0, &one.1, &one.2) == (&none.0, &none.1, &none.2), "{architecture}");
        assert!(one == every, "{architecture}");
    }
}

#[test]
fn a_tap_of_another_network_and_one_that_was_not_asked_for_are_refused() {
    let network = Network::new(Architecture::ThinResNet8, 2, &Seed::new(0)).unwrap();
    let images = noise("images", [1, 3, 16, 16]);
    let foreign = Architecture::ResNet18.tap("layer4").unwrap();
    let error = network.forward_eval(&images, &[Tap::POOLED, foreign]).unwrap_err();
    assert!(matches!(error, BackboneError::UnknownTap { .. }));
    assert_eq!(
        error.to_string(),
        "cannot take features of `thin-resnet8` at `layer4`: did you mean `layer1`? its taps are `relu`, `layer1`, \
         `layer2`, `layer3`, `released`, `pooled`"
    );
    let output = network.forward_eval(&images, &[Tap::POOLED]).unwrap();
    assert_eq!(
        output.features(&Tap::RELEASED).unwrap_err().to_string(),
        "cannot read features of `thin-resnet8` at `released`: the pass was asked for `pooled`; name the tap when the \
         pass is run"
    );
    let output = network.forward_eval(&images, &[]).unwrap();
    let error = output.features(&Tap::POOLED).unwrap_err().to_string();
    assert!(error.contains("the pass was asked for no tap"), "{error}");
}

/// Two losses at two places reach the images, in training and in evaluation, as finite differences say.
#[test]
fn gradients_of_the_images_are_those_of_finite_differences() {
    let network = Network::new(Architecture::ThinResNet8, 2, &Seed::new(3)).unwrap();
    let layer2 = Architecture::ThinResNet8.tap("layer2").unwrap();
    let taps = [layer2, Tap::RELEASED];
    let shape = [2, 3, 12, 12];
    let start = noise("images", shape);
    // Drawn weights, so that no sum over a batch norm's output is constant.
    let weigh = |maps: &Tensor, name: &str| {
        let dims: Vec<usize> = [1; 4].into_iter().zip(maps.dims()).map(|(_, dim)| *dim).collect();
        let weights = noise(name, dims.try_into().unwrap());
        (maps * weights).unwrap().sum_all().unwrap()
    };
    let loss = |images: &Tensor, train: bool| {
        let output =
            if train { network.forward_train(images, &taps) } else { network.forward_eval(images, &taps) };
        let output = output.unwrap();
        let parts = [
            weigh(output.features(&layer2).unwrap(), "layer2"),
            weigh(output.features(&Tap::RELEASED).unwrap(), "released"),
            output.logits.sqr().unwrap().sum_all().unwrap(),
        ];
        parts.into_iter().reduce(|a, b| (a + b).unwrap()).unwrap()
    };
    for train in [false, true] {
        // Not a variable itself, but made of one.
        let images = Var::from_tensor(&start).unwrap();
        let halved = (images.as_tensor() * 0.5).unwrap();
        let gradients = loss(&(&halved + &halved).unwrap(), train).backward().unwrap();
        let gradient = gradients.get(&images).unwrap();
        for direction in 0..8 {
            let direction = noise(&format!("direction/{direction}"), shape);
            let value = |step: f64| {
                let moved = (&start + (&direction * step).unwrap()).unwrap();
                f64::from(loss(&moved, train).to_scalar::<f32>().unwrap())
            };
            const STEP: f64 = 2e-4;
            let expected = (value(STEP) - value(-STEP)) / (2.0 * STEP);
            let products = (gradient * &direction).unwrap().sum_all().unwrap();
            let found = f64::from(products.to_scalar::<f32>().unwrap());
            let norm = |t: &Tensor| t.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
            let scale = f64::from(norm(gradient));
            // ReLUs that turn within the step (measured with five times the step: 2.8e-2), and rounding over the step. A
            // path that is left out shows as tens of percent.
            assert!((found - expected).abs() < 5e-2 * scale, "train {train}: {found}, {expected}, {scale}");
        }
    }
}
