//! ImageNet's weights of EfficientNet-Lite0 give timm's logits.
//!
//! The weights are 19 MB and not in the repository. `EFFICIENTNET_LITE0_DIR` in the environment names a folder with
//! `efficientnet_lite0.safetensors` (timm's names) and `efficientnet_lite0_reference.safetensors` (`input (3, 3, 224, 224)`,
//! normalised, and timm's `logits (3, 1000)` for it, both f32); without it this test says so and does nothing. `golden.rs`
//! compares the same network at other weights, always.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{Device, Tensor, safetensors};
use cyborg_backbones::{Architecture, Network};
use std::path::PathBuf;

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn efficientnet_lite0_gives_timms_logits() {
    let Some(folder) = std::env::var_os("EFFICIENTNET_LITE0_DIR").map(PathBuf::from) else {
        eprintln!("skipped: EFFICIENTNET_LITE0_DIR is not set");
        return;
    };
    let weights = folder.join("efficientnet_lite0.safetensors");
    let reference =
        safetensors::load(folder.join("efficientnet_lite0_reference.safetensors"), &Device::Cpu).unwrap();
    let (input, expected) = (&reference["input"], values(&reference["logits"]));
    let largest = |values: &[f32]| values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let difference = |architecture| {
        let (network, _) = Network::open(&weights, Some(architecture)).unwrap();
        let found = values(&network.forward_eval(input, &[]).unwrap().logits);
        let differences: Vec<f32> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
        largest(&differences) / largest(&expected)
    };
    let found = difference(Architecture::TfEfficientNetLite0);
    eprintln!("largest difference over largest logit: {found:e}");
    assert!(found < 1e-4, "{found:e}");
    // The network of the same names is another one.
    let other = difference(Architecture::EfficientNetLite0);
    assert!(other > 1e-2, "{other:e}");
}
