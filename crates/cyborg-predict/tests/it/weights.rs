//! Weights files: opened with what they and the user say, looked into, converted.

use crate::support::{INPUT_PX, write_weights};
use candle_core::{Device, Tensor};
use cyborg_backbones::{Architecture, Network};
use cyborg_predict::{
    ElementType, Model, ModelOptions, PredictError, Tap, backbone_from_name, convert, inspect,
};
use cyborg_seed::Seed;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct Files {
    _dir: tempfile::TempDir,
    with_card: PathBuf,
    without_card: PathBuf,
    out: PathBuf,
}

fn files() -> Files {
    let dir = tempfile::tempdir().expect("temporary folder");
    let file = |name: &str| dir.path().join(name);
    let (with_card, without_card, out) =
        (file("a.safetensors"), file("b.safetensors"), file("c.safetensors"));
    write_weights(&with_card, &["real", "fake"]);
    let network = Network::new(Architecture::ThinResNet8, 2, &Seed::new(1)).expect("built");
    network.save(&without_card, &BTreeMap::new()).expect("saved");
    Files { _dir: dir, with_card, without_card, out }
}

fn usual() -> ModelOptions {
    ModelOptions::default()
}

#[test]
fn the_user_goes_before_the_card_and_the_card_before_the_usual() {
    let files = files();
    let (model, ..) =
        Model::open(&files.with_card, &usual(), Some(&["x".to_owned(), "y".to_owned()])).expect("opened");
    assert_eq!((model.input().input_px(), model.tap()), (INPUT_PX, Tap::POOLED));
    assert_eq!(model.classes().names(), ["real", "fake"]);
    let options = ModelOptions {
        input_px: Some(40),
        mean: Some([0.5; 3]),
        std: Some([0.5; 3]),
        tap: Some(Tap::RELEASED),
        classes: Some(vec!["u".to_owned(), "v".to_owned()]),
        backbone: Some(Architecture::ThinResNet8),
    };
    let (model, card, _) = Model::open(&files.with_card, &options, None).expect("opened");
    assert_eq!((model.input().input_px(), model.tap()), (40, Tap::RELEASED));
    assert_eq!(
        (model.classes().names(), card.normalisation),
        (&["u".to_owned(), "v".to_owned()][..], ([0.5; 3], [0.5; 3]))
    );
    let mut planes = vec![0.0; 3 * 40 * 40];
    model.input().normalise(&[255; 3 * 40 * 40], &mut planes);
    assert_eq!(planes[0], 1.0);
    // Without a card the network is told by its tensors.
    let (model, card, _) = Model::open(&files.without_card, &usual(), None).expect("opened");
    assert_eq!(
        (card.architecture, card.input_px, model.tap()),
        (Architecture::ThinResNet8, 64, Tap::RELEASED)
    );
    assert!(!model.classes().are_named());
    let names = ["a", "b", "c"].map(ToOwned::to_owned);
    let (model, ..) = Model::open(&files.without_card, &usual(), Some(&names[..2])).expect("opened");
    assert_eq!(model.classes().names(), ["a", "b"]);
    let (model, ..) = Model::open(&files.without_card, &usual(), Some(&names)).expect("opened");
    assert!(!model.classes().are_named(), "three names say nothing of two classes");
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let files = files();
    let refused = |options: ModelOptions| {
        Model::open(&files.with_card, &options, None).expect_err("refused").to_string()
    };
    let message = refused(ModelOptions { classes: Some(vec!["one".to_owned()]), ..usual() });
    assert_eq!(
        message,
        "`classes` is 1 names (`one` (0)), expected 2, as the network tells so many classes apart"
    );
    assert!(refused(ModelOptions { input_px: Some(0), ..usual() }).contains("`input-px` is 0"));
    assert!(refused(ModelOptions { std: Some([0.0; 3]), ..usual() }).contains("`std` is"));
    let message = refused(ModelOptions { backbone: Some(Architecture::ResNet50), ..usual() });
    assert!(message.contains("`thin-resnet8`, asked for is `resnet50`"), "{message}");
    let message = backbone_from_name("resnet9").expect_err("no such network").to_string();
    assert!(message.contains("`backbone` is `resnet9`, expected one of `thin-resnet8`, "), "{message}");
}

#[test]
fn inspection_counts_what_is_there() {
    let files = files();
    let found = inspect(&files.with_card, None).expect("inspected");
    assert_eq!(found.n_parameters, Some(77_522));
    assert!(found.has_card);
    assert_eq!(found.n_bytes, fs_err::metadata(&files.with_card).expect("there").len());
    assert_eq!(found.digest, blake3::hash(&fs_err::read(&files.with_card).expect("there")).to_hex().as_str());
    let (card, _) = found.network.as_ref().expect("known");
    assert_eq!(card.class_names.as_deref(), Some(&["real".to_owned(), "fake".to_owned()][..]));
    let norm = found.tensors.iter().find(|tensor| tensor.name == "bn1.weight").expect("there");
    assert_eq!((norm.range, norm.n_values, norm.n_not_finite), (Some([1.0; 3]), 16, 0));
    let count = found.tensors.iter().find(|tensor| tensor.name == "bn1.num_batches_tracked").expect("there");
    assert_eq!((count.stored_as, count.shape.len(), count.range), (ElementType::I64, 0, Some([0.0; 3])));
    // The same tensors in another file: without the card.
    let other = inspect(&files.without_card, None).expect("inspected");
    assert_eq!((other.has_card, &other.tensors_digest), (false, &found.tensors_digest));
    assert_ne!(other.digest, found.digest);
}

fn write(path: &Path, tensors: &[(&str, &[f32])], metadata: &BTreeMap<String, String>) {
    let tensor = |values: &[f32]| Tensor::new(values, &Device::Cpu).expect("made");
    let tensors: BTreeMap<String, Tensor> =
        tensors.iter().map(|(name, values)| ((*name).to_owned(), tensor(values))).collect();
    cyborg_weights::write(path, &tensors, metadata).expect("written");
}

#[test]
fn weights_of_nobody_can_be_looked_at_and_converted() {
    let files = files();
    let values = [f32::NAN, 1.0, 4.0, f32::INFINITY, -2.0];
    write(
        &files.with_card,
        &[("odd", &values), ("empty", &[])],
        &BTreeMap::from([("a".to_owned(), "b".to_owned())]),
    );
    let found = inspect(&files.with_card, None).expect("inspected");
    assert!(found.network.is_err() && found.n_parameters.is_none());
    // (1 + 4 - 2) / 3.
    let [empty, odd] = &found.tensors[..] else { panic!("two tensors") };
    assert_eq!((odd.range, odd.n_not_finite), (Some([-2.0, 1.0, 4.0]), 2));
    assert_eq!((empty.range, empty.n_values), (None, 0));
    let done = convert(&files.with_card, &files.out, ElementType::F32, &usual()).expect("converted");
    assert!(
        done.card.is_none() && done.notes[0].starts_with("not checked against a network"),
        "{:?}",
        done.notes
    );
    let again = inspect(&files.out, None).expect("inspected");
    assert_eq!((again.weights.metadata["a"].as_str(), again.tensors[1].range), ("b", Some([-2.0, 1.0, 4.0])));
    // Asked for a network, it must be that.
    let asked = ModelOptions { backbone: Some(Architecture::ResNet18), ..usual() };
    let error = convert(&files.with_card, &files.out, ElementType::F32, &asked).expect_err("it is not");
    assert!(matches!(error, PredictError::Backbone(_)), "{error:?}");
}

#[test]
fn conversion_keeps_values_and_card() {
    let files = files();
    let to = |element, options: &ModelOptions| convert(&files.with_card, &files.out, element, options);
    let original = inspect(&files.with_card, None).expect("inspected");
    let done = to(ElementType::F32, &usual()).expect("converted");
    assert_eq!(done.n_tensors, original.tensors.len());
    let found = inspect(&files.out, None).expect("inspected");
    assert_eq!((&found.tensors_digest, found.has_card), (&original.tensors_digest, true));
    // The version is that of who wrote the file.
    let mut expected = original.weights.metadata.clone();
    expected.insert("cyborg.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    assert_eq!(found.weights.metadata, expected);
    let named =
        ModelOptions { classes: Some(vec!["p".to_owned(), "q".to_owned()]), input_px: Some(96), ..usual() };
    to(ElementType::F32, &named).expect("converted");
    let (_, card, _) = Model::open(&files.out, &usual(), None).expect("opened");
    assert_eq!((card.input_px, card.class_names), (96, named.classes));
    for (element, digits) in [(ElementType::F16, 11), (ElementType::BF16, 8)] {
        let done = to(element, &usual()).expect("converted");
        assert!(done.notes.last().expect("a note").contains("fewer digits"));
        let found = inspect(&files.out, None).expect("inspected");
        for (tensor, original) in found.tensors.iter().zip(&original.tensors) {
            let expected = if original.stored_as == ElementType::F32 { element } else { ElementType::I64 };
            assert_eq!(tensor.stored_as, expected);
            let [largest, was] = [tensor, original].map(|tensor| tensor.range.expect("numbers")[2]);
            // Half a step of the last of so many binary digits.
            assert!(
                (largest - was).abs() <= was.abs() * 2f64.powi(-digits),
                "{}: {largest} {was}",
                tensor.name
            );
        }
        Model::open(&files.out, &usual(), None).expect("usable");
    }
}

#[test]
fn what_a_type_cannot_hold_is_refused() {
    let files = files();
    write(&files.with_card, &[("large", &[1.0, 70_000.0, f32::INFINITY])], &BTreeMap::new());
    let to = |element, out: &Path| convert(&files.with_card, out, element, &usual());
    // The largest f16 is 65504; infinity stays what it is.
    let message = to(ElementType::F16, &files.out).expect_err("too large").to_string();
    assert_eq!(
        message,
        "`dtype` is `f16`, expected a type that can hold all of tensor `large`: 1 numbers are too large"
    );
    to(ElementType::BF16, &files.out).expect("its range is that of f32");
    assert!(to(ElementType::I64, &files.out).expect_err("no float").to_string().contains("`dtype` is `I64`"));
    let message = to(ElementType::F32, Path::new("model.pth")).expect_err("not safetensors").to_string();
    assert_eq!(message, "`OUT` is `model.pth`, expected a name that ends in `.safetensors`");
    let error = inspect(Path::new("no-such-file"), None).expect_err("nothing there");
    assert!(matches!(error, PredictError::Weights(_)), "{error:?}");
}
