//! Forward and backward passes on pieces of a photograph against torchvision and Cadene's Xception, in float64:
//! `golden/networks.py` says how the expected values were made.
//!
//! `cargo run -p cyborg-backbones --example parity` compares at full size.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod oracle;

use cyborg_backbones::Architecture;
use oracle::{Expected, calm, errors, pictures};
use safetensors::SafeTensors;

/// Bounds on differences relative to the norm of what is compared. Measured: 3.9e-6 at worst (a CAM of `inception_v3`);
/// PyTorch's own float32 is up to 2.3e-6 from its float64, and 2.4e-6 from itself with another number of threads.
const FORWARD: f64 = 1e-5;
/// Of 19 parameters in 20. Measured: 2.8e-5 (`inception_v3`). PyTorch's own: 8.2e-5 (`xception`).
const GRADIENTS: f64 = 1e-4;
/// Of the last one in 20: where rounding decides which cell of a max pool is the largest. Measured: 4.0e-5
/// (`inception_v3`), but another order of sums is enough for 2.3e-3; PyTorch's own: 2.5e-3 (`xception`).
const WORST_GRADIENT: f64 = 1e-2;

fn check(architecture: Architecture, size: (usize, usize), golden: &[u8]) {
    let images = pictures(architecture, size, include_bytes!("golden/photo.safetensors"));
    let expected = Expected { file: SafeTensors::deserialize(golden).unwrap(), prefix: "" };
    let errors = errors(architecture, &images, calm(architecture), &expected);
    // Shown with `--nocapture`, for the comments above.
    eprintln!("{architecture}: {errors}");
    for (what, error, bound) in [
        ("logits", errors.logits, FORWARD),
        ("features", errors.features, FORWARD),
        ("cams", errors.cams, FORWARD),
        ("loss", errors.loss, FORWARD),
        ("gradients", errors.gradients, GRADIENTS),
        ("worst gradient", errors.worst_gradient, WORST_GRADIENT),
        ("running statistics", errors.running, FORWARD),
    ] {
        assert!(error < bound, "{architecture}: {what} are {error:e} off");
    }
}

#[test]
fn thin_resnet8_is_its_definition_in_pytorch() {
    check(Architecture::ThinResNet8, (44, 37), include_bytes!("golden/thin-resnet8.safetensors"));
}

#[test]
fn resnet18_is_torchvisions() {
    check(Architecture::ResNet18, (96, 65), include_bytes!("golden/resnet18.safetensors"));
}

#[test]
fn resnet34_is_torchvisions() {
    check(Architecture::ResNet34, (61, 80), include_bytes!("golden/resnet34.safetensors"));
}

#[test]
fn resnet50_is_torchvisions() {
    check(Architecture::ResNet50, (65, 93), include_bytes!("golden/resnet50.safetensors"));
}

#[test]
fn resnet101_is_torchvisions() {
    check(Architecture::ResNet101, (65, 96), include_bytes!("golden/resnet101.safetensors"));
}

#[test]
fn resnet152_is_torchvisions() {
    check(Architecture::ResNet152, (96, 65), include_bytes!("golden/resnet152.safetensors"));
}

#[test]
fn densenet121_is_torchvisions() {
    check(Architecture::DenseNet121, (93, 62), include_bytes!("golden/densenet121.safetensors"));
}

#[test]
fn inception_v3_is_torchvisions() {
    check(Architecture::InceptionV3, (131, 107), include_bytes!("golden/inception_v3.safetensors"));
}

#[test]
fn xception_is_cadenes() {
    check(Architecture::Xception, (71, 60), include_bytes!("golden/xception.safetensors"));
}

#[test]
fn tf_efficientnet_lite0_is_timms() {
    let golden = include_bytes!("golden/tf_efficientnet_lite0.safetensors");
    check(Architecture::TfEfficientNetLite0, (98, 67), golden);
}
