//! Pictures, weights and tables to test with.

use cyborg_backbones::{Architecture, Card, Network, Tap};
use cyborg_image::{Raster, write_png};
use cyborg_manifest::{Item, Split};
use cyborg_predict::{
    Classes, Columns, Effort, ImageList, ImageOptions, Images, LabelOptions, Model, ModelOptions, Outcome,
    Output, PredictOptions, ScoreKind, ScoreTable, predict,
};
use cyborg_seed::Seed;
use cyborg_train::ImageSet;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) const INPUT_PX: usize = 48;

/// A patterned picture; another `index` gives another.
pub(crate) fn picture(width_px: u32, height_px: u32, channels: usize, index: usize) -> Raster {
    let value = |at: usize| (at * (7 + index % 5) + 29 * index + at * at / 97) % 256;
    let n = width_px as usize * height_px as usize * channels;
    Raster { width_px, height_px, channels, pixels: (0..n).map(|at| value(at) as u8).collect() }
}

pub(crate) fn write_picture(path: &Path, raster: &Raster) {
    fs_err::create_dir_all(path.parent().expect("a folder")).expect("made");
    write_png(path, raster).expect("written");
}

/// `n` pictures called `00.png`, ... of various sizes, every fourth grey; all usable.
pub(crate) fn folder_of_pictures(folder: &Path, n: usize) -> Vec<PathBuf> {
    (0..n)
        .map(|index| {
            let path = folder.join(format!("{index:02}.png"));
            let channels = if index % 4 == 3 { 1 } else { 3 };
            let (width, height) = (40 + 7 * index as u32, 90 - 3 * index as u32);
            write_picture(&path, &picture(width, height, channels, index));
            path
        })
        .collect()
}

pub(crate) fn card(n_classes: usize) -> Card {
    Card {
        input_px: INPUT_PX,
        tap: Tap::Pooled,
        cyborg_version: Some("0.0.0".to_owned()),
        ..Card::new(Architecture::ThinResNet8, n_classes)
    }
}

/// Weights of a small network with a card; `names` are the classes.
pub(crate) fn write_weights(path: &Path, names: &[&str]) {
    let card =
        Card { class_names: Some(names.iter().map(|&name| name.to_owned()).collect()), ..card(names.len()) };
    let network = Network::new(Architecture::ThinResNet8, names.len(), &Seed::new(1)).expect("built");
    network.save(path, &card.to_metadata()).expect("saved");
}

/// A small network with two named classes.
pub(crate) fn model() -> Model {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("weights.safetensors");
    write_weights(&path, &["real", "fake"]);
    Model::open(&path, &ModelOptions::default(), None).expect("opened").0
}

/// The images at `what`, without options.
pub(crate) fn find(what: &Path) -> Images {
    let list = ImageList::find(what.to_str().expect("UTF-8"), &ImageOptions::default()).expect("found");
    let classes = Classes::named(vec!["real".to_owned(), "fake".to_owned()]).expect("names");
    list.with_classes(&classes, &LabelOptions::default()).expect("labelled")
}

pub(crate) fn effort(batch_size: usize, n_threads: usize) -> Effort {
    Effort { batch_size, n_threads }
}

pub(crate) fn options(effort: Effort) -> PredictOptions {
    PredictOptions { score: ScoreKind::Softmax, positive: 1, effort }
}

/// Scores into a file; its ending decides the form.
pub(crate) fn predict_into(model: &Model, images: &Images, options: PredictOptions, path: &Path) -> Outcome {
    let output = Output::from_name(path.to_str().expect("UTF-8")).expect("an ending");
    let columns = Columns {
        source: images.have_sources(),
        label: images.have_labels(),
        n_classes: model.classes().len(),
    };
    let mut table = ScoreTable::create(&output, columns).expect("begun");
    let outcome = predict(model, images, options, &mut table, &mut |_| ()).expect("predicted");
    table.finish().expect("finished");
    outcome
}

/// A CSV file's rows, each from column name to field.
pub(crate) fn read_csv(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).expect("a table");
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).expect("listed");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The pictures as a training has them.
pub(crate) fn training_set(paths: &[PathBuf]) -> ImageSet {
    let item = |path: &PathBuf| Item {
        id: path.display().to_string(),
        image: path.clone(),
        label: 0,
        source: "test".to_owned(),
        subject: None,
        split: Split::Test,
        map: None,
        origin: "test".to_owned(),
    };
    let (set, bad) =
        ImageSet::load(paths.iter().map(item).collect(), INPUT_PX, 1 << 30, &|_, _| ()).expect("loaded");
    assert!(bad.is_empty());
    set
}
