//! Initial weights: torchvision's distributions, our streams.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use cyborg_backbones::{Architecture, Network};
use cyborg_seed::Seed;
use std::collections::BTreeMap;

fn parameters(architecture: Architecture, seed: u64) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let network = Network::new(architecture, 10, &Seed::new(seed)).unwrap();
    let values = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let named = network.parameters().iter();
    named.map(|(name, p)| (name.clone(), (p.dims().to_vec(), values(p.as_tensor())))).collect()
}

fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// What a weight should be drawn from: its deviation, and how far from 0 it may be.
#[derive(Clone, Copy)]
enum Expected {
    /// Normal, neither uniform (nothing beyond 1.73 sigma) nor cut off: 0.27 % are beyond 3 sigma.
    Normal(f64),
    /// Uniform up to a bound.
    Uniform(f64),
    Constant(f32),
}

fn check(name: &str, values: &[f32], expected: Expected) {
    let n = values.len() as f64;
    let (mean, deviation) = moments(values);
    match expected {
        // Standard errors: sigma / sqrt(n) of the mean, sigma / sqrt(2 n) of the deviation; five of them.
        Expected::Normal(sigma) => {
            assert!(mean.abs() < 5.0 * sigma / n.sqrt(), "{name}: mean {mean}");
            assert!((deviation - sigma).abs() < 5.0 * sigma / (2.0 * n).sqrt(), "{name}: {deviation}");
            let beyond = values.iter().filter(|v| f64::from(v.abs()) > 3.0 * sigma).count() as f64;
            assert!((beyond - 0.0027 * n).abs() < 5.0 * (0.0027 * n).sqrt().max(1.0), "{name}: {beyond}");
        }
        // The deviation's standard error is sigma * sqrt((1.8 - 1) / (4 n)).
        Expected::Uniform(bound) => {
            let sigma = bound / 3f64.sqrt();
            let largest = values.iter().fold(0f64, |m, v| m.max(f64::from(v.abs())));
            // That all are below 1 - 20 / n of the bound has probability e^-20; there are some hundred tensors.
            assert!(largest <= bound && largest > (1.0 - 20.0 / n) * bound, "{name}: {largest} of {bound}");
            assert!(mean.abs() < 5.0 * sigma / n.sqrt(), "{name}: mean {mean}");
            assert!((deviation - sigma).abs() < 5.0 * sigma * (0.2 / n).sqrt(), "{name}: {deviation}");
        }
        Expected::Constant(value) => assert!(values.iter().all(|v| *v == value), "{name}"),
    }
}

/// Shape of a convolution's weight to what it is drawn from.
type OfConvolutions = fn([usize; 4]) -> Expected;

/// torchvision's ResNets: kaiming_normal_ with fan_out and the gain of a ReLU, sqrt(2) / sqrt(out * kh * kw). Its
/// DenseNets: the same with fan_in. Its Inception: trunc_normal_ of deviation 0.1 cut off at 2, which is 20 of them.
/// Cadene's Xception: as PyTorch leaves a convolution, kaiming_uniform_ with a = sqrt(5): the bound is sqrt(6 / (1 + 5) /
/// fan_in).
#[test]
fn every_layer_has_its_originals_distribution() {
    let fan_out: OfConvolutions = |[out, _, h, w]| Expected::Normal((2.0 / (out * h * w) as f64).sqrt());
    let fan_in: OfConvolutions = |[_, n_in, h, w]| Expected::Normal((2.0 / (n_in * h * w) as f64).sqrt());
    let fixed: OfConvolutions = |_| Expected::Normal(0.1);
    let uniform: OfConvolutions = |[_, n_in, h, w]| Expected::Uniform(1.0 / ((n_in * h * w) as f64).sqrt());
    for (architecture, classifier, of_convolutions, (weight, bias)) in [
        (Architecture::ThinResNet8, "fc", fan_out, (Expected::Uniform(0.125), Expected::Uniform(0.125))),
        (Architecture::ResNet18, "fc", fan_out, {
            let bound = Expected::Uniform(1.0 / 512f64.sqrt());
            (bound, bound)
        }),
        // Weight as PyTorch leaves it, bias 0.
        (
            Architecture::DenseNet121,
            "classifier",
            fan_in,
            (Expected::Uniform(1.0 / 32.0), Expected::Constant(0.0)),
        ),
        // Weight as a convolution's, bias as PyTorch leaves it.
        (
            Architecture::InceptionV3,
            "fc",
            fixed,
            (Expected::Normal(0.1), Expected::Uniform(1.0 / 2048f64.sqrt())),
        ),
        // timm: a depthwise convolution has one output for each input, and the classifier goes by its outputs, here 10.
        (
            Architecture::TfEfficientNetLite0,
            "classifier",
            |[out, n_in, h, w]| {
                let out = if n_in == 1 { 1 } else { out };
                Expected::Normal((2.0 / (out * h * w) as f64).sqrt())
            },
            (Expected::Uniform(1.0 / 10f64.sqrt()), Expected::Constant(0.0)),
        ),
        (Architecture::Xception, "last_linear", uniform, {
            let bound = Expected::Uniform(1.0 / 2048f64.sqrt());
            (bound, bound)
        }),
    ] {
        for (name, (shape, values)) in parameters(architecture, 0) {
            let expected = match *shape.as_slice() {
                [out, n_in, height, width] => of_convolutions([out, n_in, height, width]),
                [_, _] => weight,
                _ if name == format!("{classifier}.bias") => bias,
                _ if name.ends_with("weight") => Expected::Constant(1.0),
                _ => Expected::Constant(0.0),
            };
            check(&format!("{architecture}, {name}"), &values, expected);
        }
    }
}

#[test]
fn the_seed_decides_every_bit() {
    let first = parameters(Architecture::ThinResNet8, 3);
    assert_eq!(first, parameters(Architecture::ThinResNet8, 3));
    let other = parameters(Architecture::ThinResNet8, 4);
    for (name, (shape, values)) in &first {
        if shape.len() > 1 || name == "fc.bias" {
            assert_ne!(values, &other[name].1, "{name}");
        }
    }
}

#[test]
fn a_parameter_depends_on_no_other() {
    let thin = parameters(Architecture::ThinResNet8, 0);
    let drawn: Vec<_> = thin.iter().filter(|(_, (shape, _))| shape.len() > 1).collect();
    for (index, (name, (_, first))) in drawn.iter().enumerate() {
        for (other_name, (_, second)) in &drawn[index + 1..] {
            let n = first.len().min(second.len());
            let ((_, a), (_, b)) = (moments(&first[..n]), moments(&second[..n]));
            let products = first.iter().zip(second).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
            let correlation = products / (n as f64 * a * b);
            // Standard error 1 / sqrt(n); five of them.
            assert!(correlation.abs() < 5.0 / (n as f64).sqrt(), "{name} and {other_name}: {correlation}");
        }
    }
    // What has the same name and shape in two networks starts alike, whatever else they are made of.
    assert_eq!(
        parameters(Architecture::ResNet18, 0)["conv1.weight"],
        parameters(Architecture::ResNet50, 0)["conv1.weight"]
    );
}
