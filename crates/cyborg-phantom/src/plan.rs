//! Which images a data set holds: source, subject, split and stamp of each, before any pixel is drawn.
use cyborg_seed::Seed;

use crate::settings::FacePhantom;
use crate::sources::{Artefact, CAMERAS, training_generators, unseen_generators};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    Train,
    Validation,
    Test,
}

impl Split {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// One image to draw. Its pixels follow from the settings' seed and these fields alone.
#[derive(Clone, Debug)]
pub(crate) struct PlannedImage {
    /// `train/camera-a/00003`: file stem and name of its random streams.
    pub(crate) id: String,
    pub(crate) split: Split,
    /// Camera or generator.
    pub(crate) source: String,
    /// Whose face it is; a generated face is nobody's, and the table says so by an empty cell.
    pub(crate) subject: String,
    /// Index into [`CAMERAS`]: the camera, or the one whose pictures the generator imitates here.
    pub(crate) camera: usize,
    /// None for authentic images.
    pub(crate) artefact: Option<Artefact>,
    /// Whether the date stamp is in the corner.
    pub(crate) stamp: bool,
}

impl PlannedImage {
    pub(crate) fn is_synthetic(&self) -> bool {
        self.artefact.is_some()
    }

    pub(crate) fn class(&self) -> &'static str {
        if self.is_synthetic() { "synthetic" } else { "authentic" }
    }
}

/// All images of a data set, in the table's order.
pub(crate) fn plan(settings: &FacePhantom) -> Vec<PlannedImage> {
    let seed = Seed::new(settings.seed);
    let training = training_generators();
    let unseen = unseen_generators(settings.generators);
    let mut images = Vec::new();
    for (split, n) in [(Split::Train, settings.n_train), (Split::Validation, settings.n_validation)] {
        for camera in 0..CAMERAS.len() {
            add(&mut images, settings, &seed, split, n / 4, Some(camera), None);
        }
        for generator in &training {
            add(&mut images, settings, &seed, split, n / 4, None, Some(generator));
        }
    }
    for camera in 0..CAMERAS.len() {
        add(&mut images, settings, &seed, Split::Test, settings.n_test_per_source, Some(camera), None);
    }
    for generator in &unseen {
        add(&mut images, settings, &seed, Split::Test, settings.n_test_per_source, None, Some(generator));
    }
    images
}

fn add(
    images: &mut Vec<PlannedImage>,
    settings: &FacePhantom,
    seed: &Seed,
    split: Split,
    n: usize,
    camera: Option<usize>,
    artefact: Option<&Artefact>,
) {
    let source = match (camera, artefact) {
        (Some(camera), _) => CAMERAS[camera].name.to_owned(),
        (None, Some(artefact)) => artefact.name.clone(),
        (None, None) => unreachable!("a source is a camera or a generator"),
    };
    // Development images share nothing with test images, not even the authentic faces.
    let folder = match split {
        Split::Test => settings.generators.name(),
        Split::Train | Split::Validation => split.name(),
    };
    for number in 0..n {
        let id = format!("{folder}/{source}/{number:05}");
        let mut stream = seed.stream(&format!("plan/{id}"));
        let stamp_draw = stream.uniform();
        let stamp = stamp_draw
            < match split {
                Split::Train | Split::Validation => settings.stamp_probability(artefact.is_some()),
                Split::Test => 0.5,
            };
        // A camera meets each person twice; a generator never makes the same person again.
        let person = if artefact.is_some() { number } else { number / 2 };
        images.push(PlannedImage {
            subject: format!("{folder}-{source}-{person:05}"),
            split,
            source: source.clone(),
            // Generators learned from both cameras: every other image imitates the other one.
            camera: camera.unwrap_or(number % CAMERAS.len()),
            artefact: artefact.cloned(),
            stamp,
            id,
        });
    }
}
