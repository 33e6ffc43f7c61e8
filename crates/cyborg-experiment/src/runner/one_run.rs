//! One run: training, scoring, and what its files say of themselves.

use std::collections::BTreeMap;

use cyborg_backbones::{Card, Network};
use cyborg_data::ImageSet;
use cyborg_eval::ScoreRow;
use cyborg_loss::softmax;
use cyborg_report::cams::CamFile;
use serde_json::{Value, json};

use super::{Planned, RunOptions, Sets};
use crate::data::ResolvedData;
use crate::store::{Finished, Store, finish, write_json, write_whole};
use crate::{ExperimentError, environment};

/// Trains and scores one run; returns its best validation accuracy.
pub(super) fn run_one(
    p: &Planned,
    options: &RunOptions,
    store: &Store,
    data: &ResolvedData,
    sets: &Sets,
    observer: &dyn cyborg_train::Observer,
) -> Result<f64, ExperimentError> {
    let _lock = loop {
        match store.lock(&p.id) {
            Err(ExperimentError::Locked { .. }) if options.wait => {
                std::thread::sleep(std::time::Duration::from_millis(500));
            }
            other => break other?,
        }
    };
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| ExperimentError::Run { run: p.id.clone(), source };
    let dir = store.run_dir(&p.id);
    let environment = environment::environment();
    write_json(
        &dir.join("run.json"),
        &json!({
            "id": p.id,
            "identity": p.identity,
            "data": {"name": data.name, "title": data.title, "phantom": data.phantom, "classes": data.classes},
        }),
    )?;
    write_json(&dir.join("environment.json"), &environment::as_json(&environment))?;
    let fitted = cyborg_train::fit(
        &p.settings,
        &sets.train,
        &sets.validation,
        &dir,
        &weights_metadata(p, data),
        observer,
    )
    .map_err(|e| failed(Box::new(e)))?;
    match store.trained(&p.id) {
        Finished::Yes => {}
        Finished::No => {
            finish(&dir, "trained.json", &["best.safetensors", "last.safetensors", "epochs.csv"])?;
        }
        Finished::Altered(files) => return Err(ExperimentError::Altered { run: p.id.clone(), dir, files }),
    }

    let test_dir = store.test_dir(&p.id, &data.test_digest);
    if !store.is_scored(&p.id, &data.test_digest) {
        score(p, data, sets, &dir, &test_dir, observer)?;
    }
    let note = dir.join("failed.json");
    if note.exists() {
        fs_err::remove_file(&note).map_err(|e| ExperimentError::io("remove", &note, e))?;
    }
    Ok(fitted.best_validation_accuracy)
}

fn score(
    p: &Planned,
    data: &ResolvedData,
    sets: &Sets,
    dir: &std::path::Path,
    test_dir: &std::path::Path,
    observer: &dyn cyborg_train::Observer,
) -> Result<(), ExperimentError> {
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| ExperimentError::Run { run: p.id.clone(), source };
    let network =
        Network::blank(p.settings.architecture, p.settings.n_classes).map_err(|e| failed(Box::new(e)))?;
    network.load(&dir.join("best.safetensors")).map_err(|e| failed(Box::new(e)))?;
    let scored = |set, observer: &dyn cyborg_train::Observer| {
        cyborg_train::score(&network, p.settings.cam_tap, set, p.settings.protocol.batch_size.get(), observer)
            .map_err(|e| failed(Box::new(e)))
    };
    let positive = data.plan.positive as usize;
    let scores = scored(&sets.test, observer)?;
    // What a threshold can be chosen on without looking at the test images.
    let validation = scored(&sets.validation, &cyborg_train::Silent)?;
    let grid = p.settings.grid().map_err(|e| failed(Box::new(e)))?;
    let mut cams = CamFile::new(grid);
    for score in &scores {
        let cam: Vec<f32> = score.cam.iter().map(|&c| f32::from(c)).collect();
        cams.push(&cam).map_err(|e| failed(Box::new(e)))?;
    }
    let human = sets.train.maps_on_grid(grid, grid).map_err(|e| failed(Box::new(e)))?;
    for (label, class) in data.classes.iter().enumerate() {
        let mean = sets.train.average_map(grid, grid, Some(label)).map_err(|e| failed(Box::new(e)))?;
        if let Some(mean) = mean {
            let count = (0..sets.train.len())
                .filter(|&i| sets.train.items()[i].label == label && human.map(i).is_some())
                .count();
            cams.set_human(class, count as u64, &mean).map_err(|e| failed(Box::new(e)))?;
        }
    }
    fs_err::create_dir_all(test_dir).map_err(|e| ExperimentError::io("create", test_dir, e))?;
    for (name, set, scores) in
        [("scores.parquet", &sets.test, &scores), ("validation.parquet", &sets.validation, &validation)]
    {
        let subject = |score: &cyborg_train::Score| set.items()[score.item].subject.as_deref();
        let subjects: Vec<Option<&str>> = scores.iter().map(subject).collect();
        cyborg_eval::write_scores_of(&test_dir.join(name), &rows(scores, set, positive), &subjects)
            .map_err(|e| failed(Box::new(e)))?;
    }
    cams.write(&test_dir.join("cams.safetensors")).map_err(|e| failed(Box::new(e)))?;
    let epochs = dir.join("epochs.csv");
    let table = fs_err::read(&epochs).map_err(|e| ExperimentError::io("read", &epochs, e))?;
    write_whole(&test_dir.join("epochs.csv"), &table)?;
    write_json(&test_dir.join("notes.json"), &json!(sets.notes))?;
    let files = ["scores.parquet", "validation.parquet", "cams.safetensors", "epochs.csv", "notes.json"];
    finish(test_dir, "done.json", &files)
}

/// The scores of a set as the tables of `cyborg-eval` take them.
fn rows(scores: &[cyborg_train::Score], set: &ImageSet, positive: usize) -> Vec<ScoreRow> {
    let row = |score: &cyborg_train::Score| {
        let item = &set.items()[score.item];
        ScoreRow {
            image: item.id.clone(),
            source: item.source.clone(),
            label: item.label as u32,
            predicted: score.predicted as u32,
            score: softmax(&score.logits)[positive],
            logits: score.logits.clone(),
        }
    };
    scores.iter().map(row).collect()
}

/// A method in words: its name, and its settings by name.
pub(crate) fn words(method: &dyn cyborg_methods::Method) -> String {
    let settings = method.to_fields().into_iter().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        format!(", {} {value}", name.replace('_', " "))
    });
    format!("{}{}", method.name(), settings.collect::<String>())
}

/// What a weights file says of itself: the card that makes it usable alone, and all that the run's identity holds.
fn weights_metadata(p: &Planned, data: &ResolvedData) -> BTreeMap<String, String> {
    let digest = |name: &str| p.identity.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut other = BTreeMap::from([("run".to_owned(), p.id.clone())]);
    if let Some(fields) = p.identity.as_object() {
        for (name, value) in fields {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            other.insert(name.clone(), text);
        }
    }
    let card = Card {
        class_names: Some(data.classes.clone()),
        input_px: p.settings.input_px,
        tap: p.settings.cam_tap,
        method: Some(words(p.settings.method.as_ref())),
        data: BTreeMap::from([
            (format!("{} training", data.name), digest("train_blake3")),
            (format!("{} validation", data.name), digest("validation_blake3")),
        ]),
        cyborg_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        other,
        ..Card::new(p.settings.architecture, p.settings.n_classes)
    };
    card.to_metadata()
}
