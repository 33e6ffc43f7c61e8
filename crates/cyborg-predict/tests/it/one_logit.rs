//! Networks with one logit, as `BCEWithLogitsLoss` trains them: two classes by its sigmoid.

use crate::support::{INPUT_PX, card, effort, find, folder_of_pictures, options, predict_into, read_csv};
use candle_core::{Device, Tensor};
use cyborg_backbones::{Architecture, Card, Network};
use cyborg_predict::{
    CamOptions, CamTarget, ElementType, Model, ModelOptions, PredictOptions, ScoreKind, convert, draw_cams,
    inspect,
};
use cyborg_seed::Seed;
use std::path::Path;

fn weights(dir: &Path, card: Option<&Card>) -> std::path::PathBuf {
    let path = dir.join("one-logit.safetensors");
    let network = Network::new(Architecture::ThinResNet8, 1, &Seed::new(1)).expect("built");
    network.save(&path, &card.map(Card::to_metadata).unwrap_or_default()).expect("saved");
    path
}

fn named() -> ModelOptions {
    let classes = Some(vec!["real".to_owned(), "fake".to_owned()]);
    ModelOptions { classes, input_px: Some(INPUT_PX), ..ModelOptions::default() }
}

/// The logit and the features of a picture, from the network itself.
fn answer(model: &Model, path: &Path) -> (f32, Tensor) {
    let mut planes = vec![0.0; model.input().n_values()];
    model.input().normalise(&model.input().read(path, None).expect("a picture"), &mut planes);
    let input = Tensor::from_vec(planes, (1, 3, INPUT_PX, INPUT_PX), &Device::Cpu).expect("made");
    let output = model.network().forward_eval(&input, &[model.tap()]).expect("run");
    (
        output.logits.flatten_all().and_then(|logits| logits.to_vec1::<f32>()).expect("one")[0],
        output.features(&model.tap()).expect("asked for").clone(),
    )
}

#[test]
fn the_sigmoid_is_the_probability_of_class_1() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let paths = folder_of_pictures(&dir.path().join("in"), 3);
    let (model, ..) = Model::open(&weights(dir.path(), None), &named(), None).expect("opened");
    assert_eq!(model.classes().names(), ["real", "fake"]);
    let images = find(&dir.path().join("in"));
    let csv = dir.path().join("scores.csv");
    for (score, positive) in [(ScoreKind::Softmax, 1), (ScoreKind::Sigmoid, 1), (ScoreKind::Sigmoid, 0)] {
        predict_into(&model, &images, PredictOptions { score, positive, ..options(effort(1, 1)) }, &csv);
        for (row, path) in read_csv(&csv).iter().zip(&paths) {
            let logit = answer(&model, path).0;
            let in_table = ["logit_0", "logit_1"].map(|column| row[column].parse::<f32>().expect("a number"));
            assert_eq!(in_table, [0.0, logit]);
            let logit = f64::from(logit);
            let number = |column: &str| row[column].parse::<f64>().expect("a number");
            let fake = 1.0 / (1.0 + (-logit).exp());
            assert!((number("probability_1") - fake).abs() < 1e-15 && fake < 1.0, "{row:?}");
            assert!((number("probability_0") - (1.0 - fake)).abs() < 1e-15, "{row:?}");
            let expected = if positive == 1 { fake } else { 1.0 - fake };
            assert!((number("score") - expected).abs() < 1e-15, "{row:?}");
            assert_eq!(row["predicted"], u8::from(logit > 0.0).to_string());
        }
    }
}

#[test]
fn its_map_speaks_for_class_1_and_the_negative_for_class_0() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let paths = folder_of_pictures(&dir.path().join("in"), 2);
    let (model, ..) = Model::open(&weights(dir.path(), None), &named(), None).expect("opened");
    let images = find(&dir.path().join("in"));
    for (class, sign) in [(1, 1.0), (0, -1.0)] {
        let out = dir.path().join("out");
        let options =
            CamOptions { target: CamTarget::Class(class), opacity: 0.5, maps: false, effort: effort(2, 1) };
        draw_cams(&model, &images, options, &out, &mut |_| ()).expect("drawn");
        for (row, path) in read_csv(&out.join("cams.csv")).iter().zip(&paths) {
            // sum_k w[k] F[k], in f64.
            let features = answer(&model, path).1.squeeze(0).expect("one");
            let (channels, height, width) = features.dims3().expect("three");
            let features = features.flatten_from(1).and_then(|f| f.to_vec2::<f32>()).expect("numbers");
            let weight = model.network().classifier_weight().to_vec2::<f32>().expect("numbers");
            let by_hand: Vec<f64> = (0..height * width)
                .map(|cell| {
                    let term = |k: usize| f64::from(weight[0][k]) * f64::from(features[k][cell]);
                    sign * (0..channels).map(term).sum::<f64>()
                })
                .collect();
            let (low, high) = by_hand.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
            let number = |column: &str| row[column].parse::<f64>().expect("a number");
            // f32 sums of 64 terms: some 1e-6 of the largest.
            let limit = 1e-5 * low.abs().max(high).max(1.0);
            assert!(
                (number("cam_min") - low).abs() < limit && (number("cam_max") - high).abs() < limit,
                "{row:?}"
            );
            assert_eq!(row["class"], class.to_string());
        }
    }
}

#[test]
fn a_card_names_both_classes() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let out = dir.path().join("with-card.safetensors");
    convert(&weights(dir.path(), None), &out, ElementType::F32, &named()).expect("converted");
    let (model, card, _) = Model::open(&out, &ModelOptions::default(), None).expect("opened");
    assert_eq!((card.n_classes, model.classes().names()), (1, &["real".to_owned(), "fake".to_owned()][..]));
    let message = |names: &[&str]| {
        let classes = Some(names.iter().map(|&name| name.to_owned()).collect());
        Model::open(&out, &ModelOptions { classes, ..named() }, None).expect_err("refused").to_string()
    };
    assert!(message(&["fake"]).contains("expected 2"), "{}", message(&["fake"]));
    let unnamed = Model::open(&weights(dir.path(), Some(&card_of_one())), &ModelOptions::default(), None);
    assert_eq!(unnamed.expect("opened").0.classes().names(), ["0", "1"]);
}

fn card_of_one() -> Card {
    card(1)
}

#[test]
fn weights_that_are_not_numbers_are_named() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = weights(dir.path(), None);
    let mut tensors = cyborg_weights::read(&path).expect("read").tensors;
    let bias = Tensor::new(&[f32::NAN], &Device::Cpu).expect("made");
    tensors.insert("fc.bias".to_owned(), bias);
    cyborg_weights::write(&path, &tensors, &std::collections::BTreeMap::new()).expect("written");
    let message = Model::open(&path, &named(), None).expect_err("refused").to_string();
    assert!(
        message.contains("1 of their ") && message.contains("NaN or infinite, in `fc.bias`"),
        "{message}"
    );
    // They can still be looked at.
    let reason = inspect(&path, None).expect("read").network.expect_err("damaged");
    assert!(reason.contains("`fc.bias`"), "{reason}");
}
