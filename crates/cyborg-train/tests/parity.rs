//! A whole training against PyTorch; `golden/training.py` made the values and says how.

use candle_core::{Device, Tensor};
use cyborg_backbones::{Architecture, Network, Tap};
use cyborg_image::Raster;
use cyborg_manifest::{Item, Split};
use cyborg_methods::METHODS;
use cyborg_optim::{Sgd, StepDecay};
use cyborg_seed::Seed;
use cyborg_settings::{AtLeastOne, BelowOne, NonNegative, Positive, find};
use cyborg_train::{FitOptions, ImageSet, Observer, Protocol, TrainSettings, fit_with, score};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

const SIDE: usize = 48;
const GRID: usize = 6;

/// As `uniform` in `training.py`.
fn uniform(name: &str, n: usize) -> Vec<f64> {
    let key = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |key, byte| {
        (key ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    let mix = |index: usize| {
        let mut z = key.wrapping_add((index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (0..n).map(mix).collect()
}

fn to_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn golden() -> HashMap<String, Tensor> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/training.safetensors");
    candle_core::safetensors::load(path, &Device::Cpu).expect("the golden file is whole")
}

fn table(golden: &HashMap<String, Tensor>, name: &str) -> Vec<Vec<f64>> {
    golden[name].to_vec2().expect("a table of f64")
}

/// As `weights` in `training.py`.
fn weights(name: &str, tensor: &Tensor) -> Tensor {
    let shape = tensor.dims();
    if name.ends_with("num_batches_tracked") {
        return tensor.zeros_like().expect("as before");
    }
    let change: Box<dyn Fn(f64) -> f64> = match *shape {
        [out, _, height, width] => {
            let bound = (6.0 / (out * height * width) as f64).sqrt();
            Box::new(move |u| u * bound)
        }
        [_, inputs] => Box::new(move |u| u / (inputs as f64).sqrt()),
        _ if name.ends_with("running_var") || name.ends_with("weight") => Box::new(|u| 1.0 + 0.25 * u),
        _ => Box::new(|u| 0.25 * u),
    };
    let values: Vec<f64> = uniform(name, shape.iter().product()).into_iter().map(change).collect();
    Tensor::from_vec(to_f32(&values), shape, &Device::Cpu).expect("the same shape")
}

/// As `image` and `human` in `training.py`.
fn image_set(name: &str, n_images: usize, with_maps: bool) -> ImageSet {
    let item = |index: usize| Item {
        id: format!("{name}/{index}"),
        image: name.into(),
        label: index % 2,
        source: name.to_owned(),
        subject: None,
        split: Split::Train,
        map: None,
        window: None,
        origin: String::new(),
    };
    let image = |index: usize| {
        let noise = uniform(&format!("{name}/{index}"), SIDE * SIDE * 3);
        let pixel = |(at, u): (usize, f64)| {
            let row = at / (SIDE * 3);
            let brighter = index % 2 == 1 && row < SIDE / 2 && row.is_multiple_of(2);
            ((u + 1.0) * 100.0).floor() as u8 + if brighter { 40 } else { 0 }
        };
        let pixels = noise.into_iter().enumerate().map(pixel).collect();
        Raster { width_px: SIDE as u32, height_px: SIDE as u32, channels: 3, pixels }
    };
    let map = |index: usize| {
        // On a grid of its own size, divided by its greatest value: eighths from 0 to 1.
        let pixels = (0..GRID * GRID).map(|cell| ((cell * 5 + 3 * index) % 9) as u8 * 31).collect();
        let map = Raster { width_px: GRID as u32, height_px: GRID as u32, channels: 1, pixels };
        (with_maps && index % 4 != 3).then_some(map)
    };
    let items = (0..n_images).map(item).collect();
    let images: Vec<_> = (0..n_images).map(image).collect();
    let maps: Vec<_> = (0..n_images).map(map).collect();
    ImageSet::from_rasters(items, &images, maps, SIDE).expect("well-formed")
}

#[derive(Default)]
struct Losses(Mutex<Vec<f64>>);

impl Observer for Losses {
    fn step(&self, _: usize, _: usize, _: usize, loss: f64, _: f64, _: usize) {
        self.0.lock().expect("not poisoned").push(loss);
    }
}

fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs() / expected.abs().max(1.0);
        assert!(off <= tolerance, "{what}[{index}]: {found} instead of {expected}, {off:.1e} off");
    }
}

#[test]
fn a_training_follows_pytorch() {
    let golden = golden();
    let folder = tempfile::tempdir().expect("temporary folder");
    let network = Network::new(Architecture::ThinResNet8, 2, &Seed::new(0)).expect("a network");
    let start: BTreeMap<String, Tensor> = network.tensors().expect("tensors");
    let start = start.iter().map(|(name, tensor)| (name.clone(), weights(name, tensor))).collect();
    network.load_tensors(&start).expect("the same names");
    let pretrained = folder.path().join("start.safetensors");
    network.save(&pretrained, &BTreeMap::new()).expect("saved");

    let at_least_one = |n| AtLeastOne::new(n).expect("at least 1");
    let protocol = Protocol {
        epochs: at_least_one(4),
        batch_size: at_least_one(6),
        optimiser: Arc::new(Sgd {
            learning_rate: Positive::new(0.02).expect("above 0"),
            momentum: BelowOne::new(0.9).expect("below 1"),
            weight_decay: NonNegative::new(0.01).expect("above 0"),
            nesterov: false,
        }),
        schedule: Arc::new(StepDecay {
            every_epochs: at_least_one(2),
            factor: Positive::new(0.1).expect("above 0"),
        }),
        shuffle: false,
        ..Protocol::default()
    };
    let settings = TrainSettings {
        architecture: Architecture::ThinResNet8,
        pretrained: Some(pretrained),
        n_classes: 2,
        input_px: SIDE,
        method: find(METHODS, "cyborg")
            .expect("listed")
            .parse(&serde_json::Map::new())
            .expect("valid")
            .into(),
        cam_tap: Tap::RELEASED,
        map_control: None,
        protocol,
        seed: 0,
    };
    let (train, validation) = (image_set("train", 16, true), image_set("validation", 9, false));
    let losses = Losses::default();
    let dir = folder.path().join("run");
    let outcome =
        fit_with(&settings, &train, &validation, &dir, &BTreeMap::new(), &losses, &FitOptions::default())
            .expect("trains");

    // Float32 PyTorch is 5e-8 off these float64 losses, 9e-8 off the rows, 4e-7 off the logits and 1.4e-6 off the weight
    // digests (norms up to 18), and 1 and 2 of its threads differ by up to 3e-8, 6e-8, 2e-7, 2e-7. Winograd's rounding
    // is some times that of plain sums: 8e-7 off in the first four steps with AVX-512. In the seventh a value so near 0 that
    // rounding decides about its ReLU then goes the other way, which gives 1.5e-5 (with plain loops, which round otherwise,
    // it does not, and everything is within the ten times above). From there on rows are 1e-5 off, logits 1e-4, digests 4e-4.
    let expected: Vec<f64> = golden["training/losses"].to_vec1().expect("a list of f64");
    let found = losses.0.into_inner().expect("not poisoned");
    assert_close("losses", &found[..4], &expected[..4], 2e-6);
    assert_close("losses", &found, &expected, 1e-4);
    let expected = table(&golden, "training/rows");
    assert_eq!(outcome.epochs.len(), expected.len());
    for (row, expected) in outcome.epochs.iter().zip(expected) {
        let term = |name| row.train_term(name).expect("there are maps");
        let found = [
            row.learning_rate,
            row.train_loss,
            term("cross_entropy"),
            term("saliency_mse"),
            row.train_accuracy,
            row.validation_loss,
            row.validation_accuracy,
        ];
        assert_close(&format!("epoch {}", row.epoch), &found, &expected, 1e-4);
    }
    // Validation accuracies are 5, 5, 5 and 6 of 9.
    assert_eq!(outcome.epochs.iter().map(|row| row.best).collect::<Vec<_>>(), [true; 4]);
    assert_eq!(outcome.best_epoch, 3);

    network.load(&dir.join("last.safetensors")).expect("whole");
    let trained = network.tensors().expect("tensors");
    let mut floats = trained.iter().filter(|(name, _)| !name.ends_with("num_batches_tracked"));
    for expected in table(&golden, "training/weights") {
        let (name, tensor) = floats.next().expect("as many");
        let values = tensor.flatten_all().expect("flat").to_vec1::<f32>().expect("f32");
        let norm = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let along: f64 = values
            .iter()
            .zip(uniform(&format!("digest/{name}"), values.len()))
            .map(|(&value, u)| f64::from(value) * u)
            .sum();
        assert_close(name, &[norm, along], &expected, 2e-3);
    }
    let scores = score(&network, settings.cam_tap, &validation, 4, &Losses::default()).expect("scores");
    for (score, expected) in scores.iter().zip(table(&golden, "training/logits")) {
        let logits: Vec<f64> = score.logits.iter().map(|&logit| f64::from(logit)).collect();
        assert_close("logits", &logits, &expected, 1e-3);
    }
}
