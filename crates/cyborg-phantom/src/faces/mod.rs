//! Faces: authentic ones of two cameras, synthetic ones of generators with known artefacts.
mod artefact;
mod face;
mod picture;
#[cfg(test)]
mod properties;
mod shade;
mod sources;
mod stamp;

use crate::phantom::{Phantom, Picture, Words};
use crate::plan::{PlannedImage, Source, two_class_sources};
use crate::settings::{Common, folder_name, phantom_settings};
use sources::{CAMERAS, training_generators, unseen_generators};

/// Version of the drawing code: raise it whenever a pixel changes.
const DRAWING_VERSION: u32 = 3;

phantom_settings! {
    /// Faces: two cameras, two training generators, six unseen ones.
    FacePhantom = "faces";
    /// Training images, half of them synthetic; a multiple of 4 (two generators, two cameras).
    n_train;
    /// Test images of each of the six unseen generators and of each of the two authentic sources.
    n_test_per_source;
    /// How far the corner date stamp agrees with the label in training and validation: 0 not at all (every image
    /// carries it with probability 1/2), 1 always (every synthetic image and no authentic one). In between,
    /// P(stamp | synthetic) = (1 + shortcut) / 2 and P(stamp | authentic) = (1 - shortcut) / 2. In testing 1/2.
    shortcut;
    /// Which unseen generators to test on.
    generators;
}

impl Phantom for FacePhantom {
    fn common(&self) -> Common {
        self.all_common()
    }

    fn on_development_sources(&self) -> Box<dyn Phantom> {
        Box::new(self.development())
    }

    fn words(&self) -> Words {
        Words {
            images: "faces",
            manifest_domain: "face",
            classes: &["authentic", "synthetic"],
            too_small: "below 32 a face has no eyes",
            shared_by: "two generators and two cameras share it equally",
            development: "development generators",
            shortcut: ("the date\n# stamp in the corner", "stamp"),
        }
    }

    fn drawing_version(&self) -> u32 {
        DRAWING_VERSION
    }

    fn sources(&self) -> Vec<Source> {
        two_class_sources(
            CAMERAS.iter().map(|camera| camera.name),
            training_generators().into_iter().map(|generator| generator.name),
            unseen_generators(self.generators).into_iter().map(|generator| generator.name),
        )
    }

    fn picture<'a>(&'a self, image: &'a PlannedImage) -> Box<dyn Picture + 'a> {
        Box::new(picture::FacePicture::new(self, image))
    }

    /// Written by hand, not from the settings' identity: folders that exist keep their names.
    fn folder_name(&self) -> String {
        let identity = format!(
            "faces v{DRAWING_VERSION} px {} train {} validation {} test {} shortcut {:016x} annotators {} seed {} generators {}",
            self.image_px,
            self.n_train,
            self.n_validation,
            self.n_test_per_source,
            self.shortcut.to_bits(),
            self.n_annotators,
            self.seed,
            self.generators.name(),
        );
        folder_name("faces", &self.common(), &identity)
    }
}
