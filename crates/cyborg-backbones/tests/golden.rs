//! A training step's forward and backward pass against torchvision: `golden/networks.py` says how it was made.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use candle_core::{DType, Device, Tensor};
use cyborg_backbones::{Architecture, Network, Output, Tap};
use cyborg_seed::Seed;
use safetensors::SafeTensors;
use std::collections::BTreeMap;

const CLASSES: usize = 3;
const BATCH: usize = 2;
const TAPS: [(&str, Tap); 2] = [("released", Tap::Released), ("pooled", Tap::Pooled)];
/// Numbers in a digest: sum, sum of absolute values, norm, a product, sixteen samples.
const DIGEST: usize = 20;

/// Bounds on differences, relative to the norm of what is compared. The reference is float64; PyTorch's own float32 is
/// up to 6.6e-5 from it in these gradients and 5.4e-7 in everything else. What was measured here stands at each network.
const FORWARD: f64 = 1e-5;
const GRADIENTS: f64 = 1e-4;

/// As `uniform` in the script: multiples of 2^-23 in [-1, 1).
fn uniform(name: &str, n: usize) -> Vec<f64> {
    let key = name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |key, byte| {
        (key ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    (0..n as u64)
        .map(|i| {
            let z = key.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let z = z ^ (z >> 31);
            (z >> 40) as f64 / f64::from(1 << 23) - 1.0
        })
        .collect()
}

/// As `formula` in the script. `inside` says which biases of a calm network switch channels off.
fn formula(name: &str, like: &Tensor, calm: Option<&[&str]>) -> Tensor {
    if name.ends_with("num_batches_tracked") {
        return Tensor::new(5i64, &Device::Cpu).unwrap();
    }
    let dims = like.dims();
    let scale: Box<dyn Fn(f64) -> f64> = match (dims, calm) {
        (&[n_out, _, height, width], _) => {
            let factor = (6.0 / (n_out * height * width) as f64).sqrt();
            Box::new(move |u| u * factor)
        }
        (&[_, n_in], _) => Box::new(move |u| u / (n_in as f64).sqrt()),
        _ if name.ends_with("running_var") => Box::new(|u| 1.0 + 0.25 * u),
        _ if name.ends_with("weight") => {
            let factor = if calm.is_some() { 0.25 } else { 1.0 };
            Box::new(move |u| (1.0 + 0.25 * u) * factor)
        }
        (_, Some(inside)) if name.ends_with("bias") && name != "fc.bias" => {
            let inside = inside.iter().any(|end| name.ends_with(end));
            Box::new(move |u| (1.75 + 0.25 * u) * if inside && u < -0.5 { -1.0 } else { 1.0 })
        }
        _ => Box::new(|u| 0.25 * u),
    };
    let values: Vec<f32> = uniform(name, like.elem_count()).into_iter().map(|u| scale(u) as f32).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn digest(name: &str, tensor: &Tensor) -> Vec<f64> {
    let values = flat(tensor);
    let towards = uniform(&format!("digest/{name}"), values.len());
    let mut digest = vec![
        values.iter().sum(),
        values.iter().map(|v| v.abs()).sum(),
        values.iter().map(|v| v * v).sum::<f64>().sqrt(),
        values.iter().zip(&towards).map(|(v, t)| v * t).sum(),
    ];
    digest.extend((0..16).map(|i| values[(2 * i + 1) * values.len() / 32]));
    digest
}

fn digest_features(name: &str, output: &Output) -> Vec<f64> {
    digest(&format!("features/{name}"), &output.features)
}

/// Expected and found digests, one row each; returns the largest error, each relative to its row: sums to the sum of
/// absolute values, the others to the norm. Some gradients are 0 but for rounding (a bias that the next batch norm
/// takes away), so a row counts for at least a hundredth of the largest.
fn compare_digests(
    what: &str,
    names: &[String],
    found: &[Vec<f64>],
    expected: &[f64],
    tolerance: f64,
) -> f64 {
    assert_eq!(found.len() * DIGEST, expected.len(), "{what}");
    let rows: Vec<_> = expected.chunks_exact(DIGEST).collect();
    let largest = |index: usize| rows.iter().fold(0f64, |m, row| m.max(row[index]));
    let (floor_sum, floor_norm) = (0.01 * largest(1), 0.01 * largest(2));
    let mut worst = 0f64;
    for ((name, found), row) in names.iter().zip(found).zip(rows) {
        for index in 0..DIGEST {
            let scale = if index < 2 { row[1].max(floor_sum) } else { row[2].max(floor_norm) };
            let error = (found[index] - row[index]).abs() / scale;
            assert!(error < tolerance, "{what}, `{name}`, {index}: {error:e}\n{found:?}\n{row:?}");
            worst = worst.max(error);
        }
    }
    worst
}

fn compare(what: &str, found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "{what}");
    let norm = expected.iter().map(|v| v * v).sum::<f64>().sqrt();
    let error = found.iter().zip(expected).fold(0f64, |m, (a, b)| m.max((a - b).abs())) / norm;
    assert!(error < FORWARD, "{what}: {error:e}\n{found:?}\n{expected:?}");
    error
}

/// As `losses_of` in the script.
fn loss(output: &Output, classifier_weight: &Tensor) -> Tensor {
    let labels = Tensor::new(&[2u32, 0], &Device::Cpu).unwrap();
    let sum_exp = output.logits.exp().unwrap().sum_keepdim(1).unwrap().log().unwrap();
    let log_softmax = output.logits.broadcast_sub(&sum_exp).unwrap();
    let cross_entropy =
        log_softmax.gather(&labels.unsqueeze(1).unwrap(), 1).unwrap().mean_all().unwrap().neg().unwrap();
    let rows =
        classifier_weight.index_select(&labels, 0).unwrap().unsqueeze(2).unwrap().unsqueeze(3).unwrap();
    let cams = output.features.broadcast_mul(&rows).unwrap().sum(1).unwrap();
    let cams = cams.broadcast_sub(&cams.mean_keepdim((1, 2)).unwrap()).unwrap();
    let human = uniform("maps", cams.elem_count());
    let human = Tensor::from_vec(human, cams.dims(), &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap();
    let distance = (cams - human).unwrap().sqr().unwrap().mean_all().unwrap();
    ((cross_entropy * 0.5).unwrap() + (distance * 0.5).unwrap()).unwrap()
}

fn check(architecture: Architecture, side: usize, calm: Option<&[&str]>, golden: &[u8]) {
    let file = SafeTensors::deserialize(golden).unwrap();
    let expected = |name: &str| -> Vec<f64> {
        let view = file.tensor(name).unwrap();
        view.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
    };
    let network = Network::new(architecture, CLASSES, &Seed::new(0)).unwrap();
    let start: BTreeMap<_, _> = network
        .tensors()
        .unwrap()
        .iter()
        .map(|(name, like)| (name.clone(), formula(name, like, calm)))
        .collect();
    let images = uniform("images", BATCH * 3 * side * side);
    let images = Tensor::from_vec(images, (BATCH, 3, side, side), &Device::Cpu).unwrap();
    let images = images.to_dtype(DType::F32).unwrap();
    let names: Vec<String> = network.parameters().iter().map(|(name, _)| name.clone()).collect();
    let tap_names = TAPS.map(|(name, _)| name.to_owned());

    let (mut logits_error, mut features_error, mut gradient_error) = (0f64, 0f64, 0f64);
    let (mut features, mut eval_features) = (Vec::new(), Vec::new());
    for (index, (name, tap)) in TAPS.into_iter().enumerate() {
        network.load_tensors(&start).unwrap();
        let eval = network.forward_eval(&images, tap).unwrap();
        logits_error =
            logits_error.max(compare("eval/logits", &flat(&eval.logits), &expected("eval/logits")));
        eval_features.push(digest_features(name, &eval));

        let output = network.forward_train(&images, tap).unwrap();
        logits_error = logits_error.max(compare("logits", &flat(&output.logits), &expected("logits")));
        features.push(digest_features(name, &output));
        let loss = loss(&output, network.classifier_weight());
        compare("losses", &flat(&loss), &expected("losses")[index..=index]);
        let gradients = loss.backward().unwrap();
        let found: Vec<_> = network
            .parameters()
            .iter()
            // The batch norm after the released tap has no gradient in the CAM term, but one in the cross-entropy.
            .map(|(name, parameter)| digest(name, gradients.get(parameter.as_tensor()).expect(name)))
            .collect();
        let what = format!("gradients/{name}");
        gradient_error =
            gradient_error.max(compare_digests(&what, &names, &found, &expected(&what), GRADIENTS));
    }
    features_error = features_error.max(compare_digests(
        "features",
        &tap_names,
        &features,
        &expected("features"),
        FORWARD,
    ));
    features_error = features_error.max(compare_digests(
        "eval",
        &tap_names,
        &eval_features,
        &expected("eval/features"),
        FORWARD,
    ));

    let after = network.tensors().unwrap();
    let running: Vec<String> = after.keys().filter(|name| name.contains("running")).cloned().collect();
    let found: Vec<_> = running.iter().map(|name| digest(name, &after[name])).collect();
    let running_error = compare_digests("running", &running, &found, &expected("running"), FORWARD);
    assert_eq!(after["bn1.num_batches_tracked"].to_scalar::<i64>().unwrap(), 6);
    // Shown with `--nocapture`, for the comments below.
    eprintln!(
        "{architecture}: logits {logits_error:.1e}, features {features_error:.1e}, gradients {gradient_error:.1e}, \
         running statistics {running_error:.1e}"
    );
}

#[test]
fn thin_resnet8_is_its_definition_in_pytorch() {
    // Measured: logits 2.1e-7, features 4.5e-7, gradients 1.5e-6, running statistics 5.1e-8.
    check(Architecture::ThinResNet8, 44, None, include_bytes!("golden/thin-resnet8.safetensors"));
}

#[test]
fn resnet18_is_torchvisions() {
    // Measured: logits 2.5e-7, features 4.6e-7, gradients 7.5e-6, running statistics 2.5e-7.
    check(Architecture::ResNet18, 96, Some(&["bn1.bias"]), include_bytes!("golden/resnet18.safetensors"));
}

#[test]
fn resnet50_is_torchvisions() {
    // Measured: logits 3.2e-7, features 4.6e-7, gradients 1.6e-5, running statistics 6.6e-7.
    let inside: &[&str] = &["bn1.bias", "bn2.bias"];
    check(Architecture::ResNet50, 96, Some(inside), include_bytes!("golden/resnet50.safetensors"));
}
