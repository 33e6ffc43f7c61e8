//! Experiment files that say something that cannot be, and what their authors are told.

#![allow(clippy::expect_used, missing_docs)]

use cyborg_experiment::{Experiment, ExperimentError, Options, read_experiment};

const GOOD: &str = "\
data:
  - name: faces
    phantom:
      faces: {image_px: 32, n_train: 40}
methods:
  - {name: ce, loss: cross-entropy}
  - name: cyborg
    loss: cyborg
    alpha: 0.5
backbones: [thin-resnet8]
seeds: 2
training:
  epochs: 3
compare:
  - {baseline: ce, candidate: cyborg}
";

fn read(text: &str, options: &Options) -> Result<Experiment, String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("test.yaml");
    fs_err::write(&path, text).expect("written");
    read_experiment(&path, options).map_err(|error| match error {
        ExperimentError::File(faults) => faults
            .iter()
            .map(|f| f.to_string().replace(&dir.path().display().to_string(), "DIR"))
            .collect::<Vec<_>>()
            .join("\n\n"),
        other => other.to_string(),
    })
}

/// `GOOD` with one thing changed is refused in words that hold all of `expected`.
#[track_caller]
fn refused(from: &str, to: &str, expected: &[&str]) {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` is there once");
    let error = read(&GOOD.replace(from, to), &Options::default()).expect_err("it cannot be run");
    for words in expected {
        assert!(error.contains(words), "`{words}` is missing in:\n{error}");
    }
}

#[test]
fn the_good_file_is_good() {
    let experiment = read(GOOD, &Options::default()).expect("it can be run");
    assert_eq!(experiment.name, "test");
    assert_eq!(experiment.seeds, [0, 1]);
    assert_eq!(experiment.protocol.batch_size.get(), 20, "what is absent is as released");
    assert_eq!((experiment.backbones[0].input_px, experiment.backbones[0].grid), (64, 8));
    // The resolved file says everything, and says the same when it is read again.
    assert!(experiment.resolved_yaml.contains("cam_class: predicted"), "{}", experiment.resolved_yaml);
    assert!(experiment.resolved_yaml.contains("momentum: 0.9"), "{}", experiment.resolved_yaml);
    let again = read(&experiment.resolved_yaml, &Options::default()).expect("the resolved file can be run");
    assert_eq!(again.resolved_yaml, experiment.resolved_yaml);
}

#[test]
fn a_whole_message_has_place_snippet_and_advice() {
    let error = read(&GOOD.replace("alpha: 0.5", "alfa: 0.5"), &Options::default()).expect_err("refused");
    assert_eq!(
        error,
        "`alfa`: `cyborg` has no such setting\n  --> DIR/test.yaml:9:11\n  \
         7 |   - name: cyborg\n  8 |     loss: cyborg\n  9 |     alfa: 0.5\n    |           ^\n  \
         hint: did you mean `alpha`? valid names: `alpha`, `cam_class`"
    );
}

#[test]
fn values_that_cannot_be_are_placed() {
    refused(
        "alpha: 0.5",
        "alpha: 1.5",
        &["`alpha`: expected a number from 0 to 1, found 1.5", "test.yaml:9:12", "1 is cross-entropy alone"],
    );
    refused("alpha: 0.5", "alpha: .nan", &["non-finite", ":9:12"]);
    refused(
        "alpha: 0.5",
        "alpha: high",
        &["`alpha`: invalid type: string", ":9:12", "expected: Weight of cross-entropy"],
    );
    refused("seeds: 2", "seeds: []", &["there are no seeds", ":11:8"]);
    refused("seeds: 2", "seeds: 0", &["there are no seeds"]);
    refused("seeds: 2", "seeds: [1, 1]", &["the seed `1` is there twice", ":11:12"]);
    refused(
        "seeds: 2",
        "seeds: many",
        &["`seeds`: not a value", ":11:8", "A number of seeds (5 means 0, 1, 2, 3, 4) or a list"],
    );
    refused("seeds: 2", "seeds: -1", &["A number of seeds"]);
    refused(
        "epochs: 3",
        "epochs: 0",
        &[
            "`training.epochs`: expected a whole number of 1 or more, found 0",
            ":13:11",
            "Passes over the training images",
        ],
    );
    refused("epochs: 3", "batch_size: 0", &["`training.batch_size`: expected a whole number of 1 or more"]);
    refused(
        "epochs: 3",
        "learning_rate: 0",
        &["`training.learning_rate`: expected a number above 0, found 0"],
    );
    refused(
        "epochs: 3",
        "momentum: 1",
        &["`training.momentum`: expected a number from 0 to below 1, found 1", "[0, 1)"],
    );
    refused(
        "epochs: 3",
        "weight_decay: -1",
        &["`training.weight_decay`: expected a number of 0 or more, found -1"],
    );
    refused(
        "epochs: 3",
        "lr_step_epochs: 0",
        &["`training.lr_step_epochs`: expected a whole number of 1 or more, found 0"],
    );
    refused(
        "epochs: 3",
        "lr_step_factor: 0",
        &["`training.lr_step_factor`: expected a number above 0, found 0"],
    );
    refused("epochs: 3", "input_px: 0", &["`thin-resnet8` cannot take images of 0x0 pixels", ":13:13"]);
    refused("epochs: 3", "input_px: 5000", &["cannot take images of 5000x5000 pixels"]);
    refused("epochs: 3", "input_px: 8", &["a CAM of one cell", "`cyborg` has nothing to compare"]);
    refused("image_px: 32", "image_px: 3", &["`image_px` is 3", ":4:25"]);
    refused("n_train: 40", "shortcut: 2", &["`shortcut` is 2"]);
    refused(
        "loss: cross-entropy",
        "loss: cross-entropie",
        &["there is no loss `cross-entropie`", "did you mean `cross-entropy`?", ":6:22"],
    );
    refused(
        "loss: cross-entropy",
        "loss: cross-entropy, alpha: 1",
        &["`alpha`: `cross-entropy` has no such setting", "remove the field"],
    );
}

#[test]
fn parts_of_the_training_are_checked_where_they_stand() {
    let epochs = "epochs: 3";
    let with = |more: &str| format!("epochs: 3\n  {more}");
    let check = |more: &str, expected: &[&str]| refused(epochs, &with(more), expected);
    check("optimiser: adm", &["there is no optimiser `adm`", ":14:14", "did you mean `adam`?"]);
    check("optimiser: {name: adamw, beta: 1}", &["`beta`: `adamw` has no such setting", ":14:34"]);
    check("optimiser: {name: sgd, learning_rate: 0}", &["expected a number above 0, found 0", ":14:41"]);
    check("schedule: cosin", &["there is no schedule `cosin`", "did you mean `cosine`?", ":14:13"]);
    check(
        "schedule: cosine\n  lr_step_epochs: 3",
        &["there are two schedules: `lr_step_epochs` belongs to `step`", ":15:19"],
    );
    check(
        "optimiser: {name: sgd, momentum: 0.5}\n  momentum: 0.9",
        &["`momentum` is stated twice", ":15:13"],
    );
    check("momentum: 0.9\n  optimiser: adam", &["`momentum`: `adam` has no such setting", ":14:13"]);
    check(
        "augment: [horizontal-flap]",
        &["no change of images `horizontal-flap`", "`horizontal-flip`", ":14:13"],
    );
    check(
        "augment: [horizontal-flip, {name: blur, probability: 2}]",
        &["`probability`: expected a number from 0 to 1, found 2", ":14:"],
    );
    check("clip_gradients: {}", &["clipping needs a bound", "`global_norm`"]);
    check("label_smoothing: 2", &["expected a number from 0 to 1, found 2", ":14:20"]);
    check("class_weights: [0, 0]", &["`class_weights` is 0 for each class", ":14:18"]);
    check("freeze: [layer9.*]", &["`freeze` is", "layer9.*", ":14:11"]);
    check("parameter_groups: {patterns: [{match: 'layer9.*'}]}", &["`parameter_groups` is", "layer9.*"]);
}

#[test]
fn taps_and_maps_are_checked_against_networks_and_methods() {
    refused("alpha: 0.5", "tap: layer9", &["`thin-resnet8` has no tap `layer9`", ":9:10", "`layer3`"]);
    refused("alpha: 0.5", "tap: layer1", &["`tap` is `layer1`", "as many channels as its classifier takes"]);
    refused(
        "alpha: 0.5",
        "maps: shufled",
        &["there are no maps `shufled`", "did you mean `shuffled`?", ":9:11"],
    );
    refused(
        "alpha: 0.5",
        "maps: {name: centre-prior, sigma: 0}",
        &["expected a number above 0, found 0", ":9:"],
    );
    refused(
        "loss: cross-entropy",
        "loss: cross-entropy, maps: shuffled",
        &["`cross-entropy` learns nothing from maps", "remove it"],
    );
    read(&GOOD.replace("alpha: 0.5", "maps: people"), &Options::default())
        .expect("people's maps are the default");
}

#[test]
fn names_that_mean_nothing_get_the_nearest() {
    refused(
        "thin-resnet8",
        "thin-resnet",
        &["there is no backbone `thin-resnet`", "did you mean `thin-resnet8`?"],
    );
    refused(
        "candidate: cyborg",
        "candidate: cybrog",
        &["there is no method `cybrog`", "did you mean `cyborg`?"],
    );
    refused("candidate: cyborg", "candidate: ce", &["`ce` is compared with itself"]);
    refused("name: ce,", "name: cyborg,", &["the method `cyborg` is there twice"]);
    refused("name: ce,", "name: ../ce,", &["`../ce` cannot be a name"]);
    refused("seeds: 2", "seed: 2", &["unknown field `seed`", "did you mean `seeds`?"]);
    refused("seeds: 2\n", "", &["missing field `seeds`"]);
    refused("seeds: 2", "seeds: 2\nseeds: 3", &["duplicate"]);
    refused("seeds: 2", "seeds: 2\njobs: none", &["`auto` for one a core", ":12:7"]);
    refused(
        "seeds: 2",
        "seeds: 2\npretrained: {resnet99: a.safetensors}",
        &["there is no backbone `resnet99`"],
    );
    refused("seeds: 2", "seeds: 2\npretrained: {thin-resnet8: a.safetensors}", &["there are no weights"]);
}

#[test]
fn data_says_where_it_comes_from_exactly_once() {
    let from = "    phantom:\n      faces: {image_px: 32, n_train: 40}\n";
    refused(from, "", &["`faces` must say where it comes from exactly once, and does so 0 times", ":2:5"]);
    refused(from, "    manifest: a.yaml\n    train: [b.yaml]\n", &["2 times"]);
    refused(
        from,
        "    manifest: nowhere/none.yaml\n",
        &["there is no manifest `nowhere/none.yaml`", "relative"],
    );
    refused(from, "    train: [a.yaml]\n", &["has no `test`"]);
    refused("seeds: 2", "seeds: 2\nsweep: {label: strength}", &["has no `at`"]);
}

#[test]
fn a_drawn_data_set_names_one_domain_of_the_list_and_its_own_settings() {
    let from = "faces: {image_px: 32, n_train: 40}";
    refused(from, "facess: {}", &["there is no phantom `facess`", "did you mean `faces`?", ":4:"]);
    refused(
        from,
        "irises: {atacks: test}",
        &["`irises` has no such setting", "did you mean `attacks`?", ":4:"],
    );
    refused(from, "chests: {n_train: many}", &["n_train", ":4:"]);
    refused(from, "chests: {n_train: 3}", &["`n_train` is 3, expected a positive multiple of 4", ":4:"]);
    refused(from, "irises: 3", &["`irises` must be a mapping of settings"]);
    refused(from, "faces: {}\n      irises: {}", &["expected exactly one domain, found 2"]);
    for domain in ["irises", "chests"] {
        let text = GOOD.replace(from, &format!("{domain}: {{n_train: 40}}"));
        let experiment = read(&text, &Options::default()).expect("it can be run");
        assert!(experiment.resolved_yaml.contains("n_test_per_source: 200"), "{}", experiment.resolved_yaml);
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let text =
        GOOD.replace("alpha: 0.5", "alpha: 2").replace("seeds: 2", "seeds: 0").replace("thin-resnet8", "vgg");
    let error = read(&text, &Options::default()).expect_err("refused");
    for words in [
        "`alpha`: expected a number from 0 to 1, found 2",
        "there is no backbone `vgg`",
        "there are no seeds",
    ] {
        assert!(error.contains(words), "`{words}` is missing in:\n{error}");
    }
}

#[test]
fn what_is_no_yaml_is_placed_too() {
    for (text, words) in
        [("", "missing field"), ("data: [", "unclosed"), ("- a\n", "expected"), ("a: b: c", ":1:")]
    {
        let error = read(text, &Options::default()).expect_err("refused");
        assert!(error.contains("DIR/test.yaml"), "{error}");
        assert!(error.contains(words) || words == "missing field", "`{words}` is missing in:\n{error}");
    }
}

#[test]
fn the_phantom_stand_in_replaces_what_it_names() {
    let phantom = Options { phantom: true, manifests: None };
    let text = format!(
        "{GOOD}with_phantom:\n  data:\n    - name: drawn\n      phantom:\n        faces: {{image_px: 48}}\n  seeds: 1\n"
    );
    let experiment = read(&text, &phantom).expect("it can be run");
    assert_eq!(experiment.data[0].name, "drawn");
    assert_eq!(experiment.seeds, [0]);
    assert_eq!(experiment.protocol.epochs.get(), 3, "what it does not name stays");
    assert_eq!(experiment.name, "test-phantom");
    let plain = read(&text, &Options::default()).expect("it can be run");
    assert_eq!((plain.data[0].name.as_str(), plain.seeds.len()), ("faces", 2));

    let faulty = text.replace("image_px: 48", "image_px: 1");
    let error = read(&faulty, &phantom).expect_err("refused");
    assert!(error.contains("test.yaml:20:"), "{error}");

    let without =
        GOOD.replace("    phantom:\n      faces: {image_px: 32, n_train: 40}\n", "    manifest: a.yaml\n");
    let error = read(&without, &phantom).expect_err("refused");
    assert!(error.contains("no `with_phantom` part"), "{error}");
}
