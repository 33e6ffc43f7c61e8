//! What `golden/networks.py` computes, computed here: weights by a formula, two passes, gradients, digests.
#![allow(clippy::unwrap_used, dead_code, reason = "a test and an example share it; each uses a part")]

use candle_core::{DType, Device, Tensor, Var};
use cyborg_backbones::{Architecture, Network, Tap};
use cyborg_loss::{CamClass, HumanSaliency, cam_from_features, cyborg, predicted_class};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Classes of the networks.
pub(crate) const CLASSES: usize = 3;
const LABELS: [u32; 4] = [2, 0, 1, 2];
const BATCHES: [usize; 2] = [1, 4];
const TAPS: [(&str, Tap); 2] = [("released", Tap::RELEASED), ("pooled", Tap::POOLED)];
/// Numbers in a digest: norm, a product, four samples.
const DIGEST: usize = 6;

/// How a network is made calm, so that its gradients can be compared closely: see `formula` in the script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calm {
    /// Ends of the names of biases that may switch a channel off.
    inside: &'static [&'static str],
    /// Ends of the names of the weights and biases that are small.
    quiet: &'static [&'static str],
}

/// As `uniform` in the script: multiples of 2^-23 in [-1, 1).
pub(crate) fn uniform(name: &str, n: usize) -> impl Iterator<Item = f64> + use<> {
    let key = name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |key, byte| {
        (key ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    (0..n as u64).map(move |i| {
        let z = key.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let z = z ^ (z >> 31);
        (z >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

/// As `formula` in the script.
fn formula(name: &str, like: &Tensor, calm: Option<Calm>) -> Tensor {
    if name.ends_with("num_batches_tracked") {
        return Tensor::new(5i64, &Device::Cpu).unwrap();
    }
    let dims = like.dims();
    let scale: Box<dyn Fn(f64) -> f64> = match (dims, calm) {
        (&[_, n_in, height, width], _) => {
            let factor = (6.0 / (n_in * height * width) as f64).sqrt();
            Box::new(move |u| u * factor)
        }
        (&[_, n_in], _) => {
            let root = (n_in as f64).sqrt();
            Box::new(move |u| u / root)
        }
        _ if name.ends_with("running_var") => Box::new(|u| 1.0 + 0.25 * u),
        _ if name.ends_with("weight") => {
            let factor = match calm {
                None => 1.0,
                Some(calm) if ends_with(name, calm.quiet) => 0.0625,
                Some(_) => 0.25,
            };
            Box::new(move |u| (1.0 + 0.25 * u) * factor)
        }
        (&[n], Some(calm)) if name.ends_with("bias") && n != CLASSES => {
            let inside = ends_with(name, calm.inside);
            if ends_with(name, calm.quiet) {
                Box::new(|u| 0.0625 * u)
            } else {
                Box::new(move |u| (1.0 + 0.125 * u) * if inside && u < -0.5 { -1.0 } else { 1.0 })
            }
        }
        _ => Box::new(|u| 0.25 * u),
    };
    let values: Vec<f32> = uniform(name, like.elem_count()).map(|u| scale(u) as f32).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn ends_with(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| name.ends_with(end))
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn digest(tensor: &Tensor) -> Vec<f64> {
    static TOWARDS: LazyLock<Vec<f64>> = LazyLock::new(|| uniform("digest", 9973).collect());
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (mut squares, mut product) = (0.0, 0.0);
    for values in values.chunks(TOWARDS.len()) {
        for (&value, towards) in values.iter().zip(&*TOWARDS) {
            let value = f64::from(value);
            squares += value * value;
            product += value * towards;
        }
    }
    let samples = (0..4).map(|i| f64::from(values[(2 * i + 1) * values.len() / 8]));
    [squares.sqrt(), product].into_iter().chain(samples).collect()
}

/// The largest error of each kind of value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors {
    /// Logits in evaluation and training, relative to their norm; so the next ones.
    pub(crate) logits: f64,
    /// Of both taps.
    pub(crate) features: f64,
    /// Before normalisation.
    pub(crate) cams: f64,
    /// CYBORG's.
    pub(crate) loss: f64,
    /// Of 19 parameters in 20, relative to each one's norm, which counts for at least a hundredth of the largest: some
    /// gradients are 0 but for rounding (a bias that the next batch norm takes away).
    pub(crate) gradients: f64,
    /// Of the last one in 20. Of some hundred thousand windows of a max pool one or two have two cells so near each other
    /// that rounding decides which is the largest: that moves a gradient from one cell to the next, and shows in the few
    /// parameters before the pool.
    pub(crate) worst_gradient: f64,
    /// Batch-norm statistics after a step.
    pub(crate) running: f64,
}

impl std::fmt::Display for Errors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { logits, features, cams, loss, gradients, worst_gradient, running } = self;
        write!(
            f,
            "logits {logits:.1e}, features {features:.1e}, cams {cams:.1e}, loss {loss:.1e}, gradients \
             {gradients:.1e} (worst {worst_gradient:.1e}), running {running:.1e}"
        )
    }
}

/// A file of expected values.
pub(crate) struct Expected<'a> {
    pub(crate) file: SafeTensors<'a>,
    /// In front of the names.
    pub(crate) prefix: &'static str,
}

impl Expected<'_> {
    fn values(&self, name: &str) -> Vec<f64> {
        let view = self.file.tensor(&format!("{}{name}", self.prefix)).expect(name);
        if view.dtype() == safetensors::Dtype::F64 {
            let bytes = view.data().chunks_exact(8);
            return bytes.map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
        }
        let bytes = view.data().chunks_exact(4);
        bytes.map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect()
    }

    fn compare(&self, name: &str, found: &Tensor, worst: &mut f64) {
        let (expected, found) = (self.values(name), flat(found));
        assert_eq!(found.len(), expected.len(), "{name}");
        let norm = expected.iter().map(|v| v * v).sum::<f64>().sqrt();
        for (found, expected) in found.iter().zip(&expected) {
            raise(worst, (found - expected).abs() / norm);
        }
    }

    /// The error of each row.
    fn compare_digests<'t>(&self, name: &str, found: impl Iterator<Item = &'t Tensor>) -> Vec<f64> {
        let expected = self.values(name);
        let floor = expected.iter().step_by(DIGEST).fold(0f64, |m, norm| m.max(*norm)) * 0.01;
        let mut rows = expected.chunks_exact(DIGEST);
        let error = |tensor: &Tensor| {
            let row = rows.next().expect("as many as the script has");
            let mut worst = 0.0;
            for (found, expected) in digest(tensor).iter().zip(row) {
                raise(&mut worst, (found - expected).abs() / row[0].max(floor));
            }
            worst
        };
        let errors = found.map(error).collect();
        assert!(rows.next().is_none(), "{name}: the script has more");
        errors
    }
}

/// A NaN is the worst of all.
fn raise(worst: &mut f64, error: f64) {
    *worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
}

/// Runs the network on one image and on four, and compares everything. `images`: `(4, 3, height, width)`.
pub(crate) fn errors(
    architecture: Architecture,
    images: &Tensor,
    calm: Option<Calm>,
    expected: &Expected<'_>,
) -> Errors {
    let network = Network::blank(architecture, CLASSES).unwrap();
    let like = network.tensors().unwrap();
    let start: BTreeMap<_, _> =
        like.iter().map(|(name, like)| (name.clone(), formula(name, like, calm))).collect();
    let mut errors = Errors::default();
    for batch in BATCHES {
        let images = images.narrow(0, 0, batch).unwrap();
        let labels = Tensor::new(&LABELS[..batch], &Device::Cpu).unwrap();
        let mut features = Vec::new();
        let mut eval_features = Vec::new();
        for (tap_name, tap) in TAPS {
            network.load_tensors(&start).unwrap();
            let eval = network.forward_eval(&images, &[tap]).unwrap();
            expected.compare(&format!("{batch}/eval/logits"), &eval.logits, &mut errors.logits);
            eval_features.push(eval.features(&tap).unwrap().clone());

            let output = network.forward_train(&images, &[tap]).unwrap();
            expected.compare(&format!("{batch}/logits"), &output.logits, &mut errors.logits);
            let features_here = output.features(&tap).unwrap().clone();
            let weight = network.classifier_weight();
            let class = predicted_class(&output.logits).unwrap();
            let cams = cam_from_features(&features_here, weight, &class).unwrap();
            expected.compare(&format!("{batch}/cams/{tap_name}"), &cams, &mut errors.cams);
            let human: Vec<f32> =
                uniform("maps", cams.elem_count()).map(|u| (0.5 + 0.5 * u) as f32).collect();
            let maps = Tensor::from_vec(human, cams.dims(), &Device::Cpu).unwrap();
            let has_map = Tensor::ones(batch, DType::F32, &Device::Cpu).unwrap();
            let human = HumanSaliency { maps, has_map };
            let logits = &output.logits;
            let loss =
                cyborg(logits, &features_here, weight, &labels, &human, 0.5, CamClass::Predicted).unwrap();
            expected.compare(&format!("{batch}/loss/{tap_name}"), &loss.total, &mut errors.loss);
            let gradients = loss.total.backward().unwrap();
            let gradient =
                |(name, parameter): &(String, Var)| gradients.get(parameter.as_tensor()).expect(name);
            let found = network.parameters().iter().map(gradient);
            let what = format!("{batch}/gradients/{tap_name}");
            let mut all = expected.compare_digests(&what, found);
            all.sort_by(f64::total_cmp);
            raise(&mut errors.gradients, all[(all.len() - 1) * 19 / 20]);
            raise(&mut errors.worst_gradient, all[all.len() - 1]);
            features.push(features_here);
        }
        for (name, features) in [("features", features), ("eval/features", eval_features)] {
            for error in expected.compare_digests(&format!("{batch}/{name}"), features.iter()) {
                raise(&mut errors.features, error);
            }
        }
        let after = network.tensors().unwrap();
        let found = after.iter().filter(|(name, _)| name.contains("running")).map(|(_, tensor)| tensor);
        for error in expected.compare_digests(&format!("{batch}/running"), found) {
            raise(&mut errors.running, error);
        }
        for (name, tensor) in after.iter().filter(|(name, _)| name.ends_with("num_batches_tracked")) {
            assert_eq!(tensor.to_scalar::<i64>().unwrap(), 6, "{name}");
        }
    }
    errors
}

/// Runs the network on one image in evaluation with all of its taps: for each tap that `taps.py` has, the shape of its
/// maps and the error of their digest.
pub(crate) fn tap_errors(
    architecture: Architecture,
    image: &Tensor,
    calm: Option<Calm>,
    expected: &Expected<'_>,
) -> Vec<(Tap, Vec<usize>, f64)> {
    let network = Network::blank(architecture, CLASSES).unwrap();
    let start: BTreeMap<_, _> = network
        .tensors()
        .unwrap()
        .iter()
        .map(|(name, like)| (name.clone(), formula(name, like, calm)))
        .collect();
    network.load_tensors(&start).unwrap();
    let taps: Vec<Tap> = architecture.taps().iter().map(|info| info.tap).collect();
    let output = network.forward_eval(image, &taps).unwrap();
    // The last two are checked with their gradients, by `errors`.
    let stages = &taps[..taps.len() - TAPS.len()];
    let error = |tap: &Tap| {
        let maps = output.features(tap).unwrap();
        let errors = expected.compare_digests(&format!("{architecture}/{tap}"), std::iter::once(maps));
        (*tap, maps.dims().to_vec(), errors[0])
    };
    stages.iter().map(error).collect()
}

/// Four pieces of the photograph, as `pictures` in the script cuts them for the tests.
pub(crate) fn pictures(architecture: Architecture, (height, width): (usize, usize), photo: &[u8]) -> Tensor {
    const SIDE: usize = 144;
    let file = SafeTensors::deserialize(photo).unwrap();
    let photo = file.tensor("photo").unwrap();
    assert_eq!(photo.shape(), [3, SIDE, SIDE]);
    let photo = photo.data();
    let (mean, deviation) = architecture.normalisation();
    let mut values = Vec::new();
    for index in 0..4 {
        let (top, left) = ((index / 2) * (SIDE - height), (index % 2) * (SIDE - width));
        for channel in 0..3 {
            for y in 0..height {
                for x in 0..width {
                    let x = if index % 2 == 1 { width - 1 - x } else { x };
                    let pixel = photo[(channel * SIDE + top + y) * SIDE + left + x];
                    values.push((f32::from(pixel) / 255.0 - mean[channel]) / deviation[channel]);
                }
            }
        }
    }
    Tensor::from_vec(values, (4, 3, height, width), &Device::Cpu).unwrap()
}

/// As `NETWORKS` in the script.
pub(crate) fn calm(architecture: Architecture) -> Option<Calm> {
    let (inside, quiet): (&[_], &[_]) = match architecture {
        Architecture::ThinResNet8 => return None,
        Architecture::ResNet18 | Architecture::ResNet34 => (&["bn1.bias"], &[]),
        Architecture::ResNet50 | Architecture::ResNet101 | Architecture::ResNet152 => {
            (&["bn1.bias", "bn2.bias"], &["bn3.weight", "bn3.bias"])
        }
        Architecture::TfEfficientNetLite0 | Architecture::EfficientNetLite0 => {
            (&["bn1.bias", "bn2.bias"], &[])
        }
        Architecture::DenseNet121 | Architecture::InceptionV3 => (&[".bias"], &[]),
        Architecture::Xception => {
            (&["bn1.bias", "bn2.bias", "bn3.bias", "bn4.bias", "rep.1.bias", "rep.2.bias"], &[])
        }
    };
    Some(Calm { inside, quiet })
}
