//! Values and gradients against PyTorch: `golden/cyborg.py` says how they were made.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{DType, Device, Tensor, Var};
use cyborg_loss::{CamClass, HumanSaliency, cyborg, min_max_normalise};
use safetensors::{Dtype, SafeTensors};

const GOLDEN: &[u8] = include_bytes!("golden/cyborg.safetensors");

/// Largest difference relative to the largest expected value of the tensor. Measured over all cases: 4.6e-7 (the
/// reference is float64, ours float32, whose rounding is 6e-8).
const TOLERANCE: f64 = 2e-6;

fn golden(name: &str) -> Tensor {
    let file = SafeTensors::deserialize(GOLDEN).unwrap();
    let view = file.tensor(name).unwrap();
    let bytes = view.data();
    let dtype = match view.dtype() {
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::U32 => DType::U32,
        other => panic!("`{name}` is {other:?}"),
    };
    Tensor::from_raw_buffer(bytes, dtype, view.shape(), &Device::Cpu).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Asserts closeness and returns what was measured.
fn check(what: &str, ours: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(ours.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-12f64, |m, v| m.max(v.abs()));
    let error = ours.iter().zip(expected).fold(0f64, |m, (a, b)| m.max((a - b).abs())) / scale;
    assert!(error <= TOLERANCE, "{what}: {error:e}\nours {ours:?}\nexpected {expected:?}");
    error
}

#[test]
fn parts_and_gradients_are_pytorchs() {
    let mut worst = 0f64;
    for (coverage, has_map) in [("all", [1f32, 1.0, 1.0, 1.0]), ("some", [1.0, 0.0, 1.0, 0.0])] {
        for (class_name, cam_class) in [("predicted", CamClass::Predicted), ("true", CamClass::True)] {
            for (alpha_name, alpha) in [("0.0", 0.0), ("0.5", 0.5), ("1.0", 1.0)] {
                let case = format!("{coverage}/{class_name}/{alpha_name}");
                let leaves = ["logits", "features", "weight"].map(|n| Var::from_tensor(&golden(n)).unwrap());
                let [logits, features, weight] = &leaves;
                let human = HumanSaliency {
                    maps: golden("maps"),
                    has_map: Tensor::new(&has_map, &Device::Cpu).unwrap(),
                };
                let loss =
                    cyborg(logits, features, weight, &golden("labels"), &human, alpha, cam_class).unwrap();
                let parts = Tensor::stack(&[loss.total.clone(), loss.cross_entropy, loss.saliency_mse], 0);
                worst =
                    worst.max(check(&case, &flat(&parts.unwrap()), &flat(&golden(&format!("{case}/parts")))));
                let gradients = loss.total.backward().unwrap();
                for (name, leaf) in ["logits", "features", "weight"].iter().zip(&leaves) {
                    let ours = match gradients.get(leaf.as_tensor()) {
                        Some(gradient) => flat(gradient),
                        // With alpha 1 only the cross-entropy remains; PyTorch has zeros there.
                        None => vec![0.0; leaf.elem_count()],
                    };
                    let what = format!("{case}/{name}");
                    worst = worst.max(check(&what, &ours, &flat(&golden(&what))));
                }
            }
        }
    }
    // Shown with `--nocapture`, for the comment at `TOLERANCE`.
    eprintln!("largest relative difference: {worst:e}");
}

#[test]
fn ties_share_the_gradient_as_in_pytorch() {
    let cam = Var::from_tensor(&golden("ties/cam").unsqueeze(0).unwrap()).unwrap();
    let towards = golden("ties/towards").unsqueeze(0).unwrap();
    let sum = (min_max_normalise(&cam).unwrap() * towards).unwrap().sum_all().unwrap();
    let gradients = sum.backward().unwrap();
    check("ties", &flat(gradients.get(cam.as_tensor()).unwrap()), &flat(&golden("ties/gradient")));
}
