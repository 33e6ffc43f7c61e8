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

#[test]
fn every_layer_has_torchvisions_distribution() {
    for architecture in [Architecture::ThinResNet8, Architecture::ResNet18] {
        for (name, (shape, values)) in parameters(architecture, 0) {
            let n = values.len() as f64;
            let (mean, deviation) = moments(&values);
            match *shape.as_slice() {
                // Convolution, kaiming_normal_ with fan_out and the gain of a ReLU: sqrt(2) / sqrt(out * kh * kw).
                // Standard errors: sigma / sqrt(n) of the mean, sigma / sqrt(2 n) of the deviation; five of them.
                [n_out, _, height, width] => {
                    let sigma = (2.0 / (n_out * height * width) as f64).sqrt();
                    assert!(mean.abs() < 5.0 * sigma / n.sqrt(), "{name}: mean {mean}");
                    assert!(
                        (deviation - sigma).abs() < 5.0 * sigma / (2.0 * n).sqrt(),
                        "{name}: {deviation}"
                    );
                    // Normal, neither uniform (nothing beyond 1.73 sigma) nor cut off: 0.27 % are beyond 3 sigma.
                    let beyond = values.iter().filter(|v| f64::from(v.abs()) > 3.0 * sigma).count() as f64;
                    assert!(
                        (beyond - 0.0027 * n).abs() < 5.0 * (0.0027 * n).sqrt().max(1.0),
                        "{name}: {beyond}"
                    );
                }
                // Linear, kaiming_uniform_ with a = sqrt(5): the bound is sqrt(6 / (1 + 5) / in) = 1 / sqrt(in) and
                // the deviation bound / sqrt(3); its standard error is sigma * sqrt((1.8 - 1) / (4 n)).
                [_, n_in] => {
                    let bound = 1.0 / (n_in as f64).sqrt();
                    let sigma = bound / 3f64.sqrt();
                    let largest = values.iter().fold(0f64, |m, v| m.max(f64::from(v.abs())));
                    assert!(largest <= bound && largest > 0.97 * bound, "{name}: {largest} of {bound}");
                    assert!(mean.abs() < 5.0 * sigma / n.sqrt(), "{name}: mean {mean}");
                    assert!(
                        (deviation - sigma).abs() < 5.0 * sigma * (0.2 / n).sqrt(),
                        "{name}: {deviation}"
                    );
                }
                _ if name == "fc.bias" => {
                    let bound =
                        1.0 / f64::from(if architecture == Architecture::ResNet18 { 512 } else { 64 }).sqrt();
                    assert!(values.iter().all(|v| f64::from(v.abs()) <= bound), "{name}: {values:?}");
                    // Ten values: sigma = bound / sqrt(3), five standard errors of 0.2 / 10.
                    assert!(
                        (deviation * 3f64.sqrt() / bound - 1.0).abs() < 5.0 * 0.02f64.sqrt(),
                        "{values:?}"
                    );
                }
                _ => {
                    let expected = if name.ends_with("weight") { 1.0 } else { 0.0 };
                    assert!(values.iter().all(|v| *v == expected), "{name}");
                }
            }
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
