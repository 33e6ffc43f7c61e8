//! A training so small that a test can run it fifty times.

use crate::{
    EpochRow, FitOptions, FitOutcome, ImageSet, Observer, Protocol, TrainError, TrainSettings, fit_with,
};
use cyborg_backbones::{Architecture, Tap};
use cyborg_image::Raster;
use cyborg_manifest::{Item, Split};
use cyborg_methods::{METHODS, Method};
use cyborg_optim::{Sgd, StepDecay};
use cyborg_settings::{AtLeastOne, BelowOne, NonNegative, Positive, find};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) fn tiny_settings() -> TrainSettings {
    TrainSettings {
        architecture: Architecture::ThinResNet8,
        pretrained: None,
        n_classes: 2,
        input_px: 32,
        method: method("cyborg", &serde_json::json!({})),
        cam_tap: Tap::RELEASED,
        map_control: None,
        protocol: Protocol {
            epochs: at_least_one(2),
            batch_size: at_least_one(4),
            optimiser: Arc::new(sgd(0.01)),
            schedule: Arc::new(StepDecay { every_epochs: at_least_one(1), ..StepDecay::default() }),
            ..Protocol::default()
        },
        seed: 0,
    }
}

pub(crate) fn method(name: &str, settings: &serde_json::Value) -> Arc<dyn Method> {
    let settings = settings.as_object().expect("settings are an object");
    find(METHODS, name).expect("listed").parse(settings).expect("valid").into()
}

pub(crate) fn at_least_one(n: usize) -> AtLeastOne {
    AtLeastOne::new(n).expect("at least 1")
}

/// SGD with momentum 0.9 and weight decay 1e-4.
pub(crate) fn sgd(learning_rate: f64) -> Sgd {
    Sgd {
        learning_rate: Positive::new(learning_rate).expect("above 0"),
        momentum: BelowOne::new(0.9).expect("below 1"),
        weight_decay: NonNegative::new(1e-4).expect("above 0"),
        nesterov: false,
    }
}

pub(crate) fn item(index: usize, label: usize) -> Item {
    Item {
        id: format!("tiny/{index}.png"),
        image: format!("{index}.png").into(),
        label,
        source: "tiny".to_owned(),
        subject: None,
        split: Split::Train,
        map: None,
        window: None,
        origin: format!("tiny.csv:{}", index + 1),
    }
}

/// Patterned images of alternating class; every third has no map.
pub(crate) fn tiny_set(settings: &TrainSettings, n_images: usize) -> ImageSet {
    let side = settings.input_px;
    let image = |index: usize| {
        let value = |at: usize| (at * (7 + index % 2) + 13 * index + at * at / 97) % 256;
        let pixels = (0..side * side * 3).map(|at| value(at) as u8).collect();
        Raster { width_px: side as u32, height_px: side as u32, channels: 3, pixels }
    };
    let grid = settings.grid().expect("the tiny settings are possible");
    let map = |index: usize| {
        // On a grid of its own size, 0, 1/4, 1/2, 3/4 and 1.
        let pixels = (0..grid * grid).map(|cell| ((cell + index) % 5) as u8 * 60).collect();
        let map = Raster { width_px: grid as u32, height_px: grid as u32, channels: 1, pixels };
        (index % 3 != 2).then_some(map)
    };
    let items = (0..n_images).map(|index| item(index, index % 2)).collect();
    let images: Vec<Raster> = (0..n_images).map(image).collect();
    let maps: Vec<_> = (0..n_images).map(map).collect();
    ImageSet::from_rasters(items, &images, maps, side).expect("well-formed")
}

/// Training set of 10, validation set of 6.
pub(crate) fn tiny_fit(
    settings: &TrainSettings,
    dir: &Path,
    observer: &dyn Observer,
    state_interval: Duration,
) -> Result<FitOutcome, TrainError> {
    let (train, validation) = (tiny_set(settings, 10), tiny_set(settings, 6));
    let metadata =
        BTreeMap::from([("cyborg".to_owned(), "test".to_owned()), ("seed".to_owned(), "0".to_owned())]);
    fit_with(settings, &train, &validation, dir, &metadata, observer, &FitOptions { state_interval })
}

/// The bytes of the files that equal trainings share.
pub(crate) fn results(dir: &Path) -> Vec<Vec<u8>> {
    ["epochs.csv", "steps.csv", "best.safetensors", "last.safetensors"]
        .iter()
        .map(|name| fs_err::read(dir.join(name)).expect("a finished training has it"))
        .collect()
}

/// Writes down all that it is told; stops, or panics, when told to.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) started: Mutex<Vec<(usize, usize)>>,
    pub(crate) losses: Mutex<Vec<f64>>,
    pub(crate) rows: Mutex<Vec<EpochRow>>,
    /// Stop before the step with this number, counted by this recorder.
    pub(crate) stop_before: Option<usize>,
    /// Panic in the step with this number.
    pub(crate) panic_in: Option<usize>,
}

impl Recorder {
    fn n_steps(&self) -> usize {
        self.losses.lock().expect("not poisoned").len()
    }
}

impl Observer for Recorder {
    fn started(&self, epoch: usize, step: usize, _: usize, _: usize) {
        self.started.lock().expect("not poisoned").push((epoch, step));
    }
    fn step(&self, _: usize, _: usize, _: usize, loss: f64, _: f64, _: usize) {
        if self.panic_in == Some(self.n_steps()) {
            std::panic::resume_unwind(Box::new("stopped in a step"));
        }
        self.losses.lock().expect("not poisoned").push(loss);
    }
    fn epoch(&self, row: &EpochRow, _: f64) {
        self.rows.lock().expect("not poisoned").push(row.clone());
    }
    fn should_stop(&self) -> bool {
        self.stop_before == Some(self.n_steps())
    }
}
