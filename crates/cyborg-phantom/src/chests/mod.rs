//! Frontal chest radiographs: normal ones of two hospitals, and ones with findings.
mod chest;
mod finding;
mod hospital;
mod picture;

use crate::phantom::{Phantom, Picture, Words};
use crate::plan::{PlannedImage, Source, two_class_sources};
use crate::settings::{Common, phantom_settings};
use finding::{training_findings, unseen_findings};
use hospital::HOSPITALS;

phantom_settings! {
    /// Frontal chest radiographs: two hospitals, two training findings, six findings for testing.
    ChestPhantom = "chests";
    /// Training images, half of them with a finding; a multiple of 4 (two findings, two hospitals).
    n_train;
    /// Test images of each of the six findings and of each of the two hospitals.
    n_test_per_source;
    /// How far the side marker in the upper right corner agrees with the label in training and validation: 0 not at all
    /// (every image carries it with probability 1/2), 1 always (every finding and no normal image). In between,
    /// P(marker | finding) = (1 + shortcut) / 2 and P(marker | normal) = (1 - shortcut) / 2. In testing 1/2.
    shortcut;
    /// Which findings to test on.
    findings;
}

impl Phantom for ChestPhantom {
    fn common(&self) -> Common {
        self.all_common()
    }

    fn on_development_sources(&self) -> Box<dyn Phantom> {
        Box::new(self.development())
    }

    fn words(&self) -> Words {
        Words {
            images: "chest radiographs",
            manifest_domain: "chest-xray",
            classes: &["normal", "finding"],
            too_small: "below 32 a lung has no ribs",
            shared_by: "two findings and two hospitals share it equally",
            development: "development findings",
            shortcut: ("the side\n# marker in the upper right corner", "marker"),
        }
    }

    fn drawing_version(&self) -> u32 {
        1
    }

    fn sources(&self) -> Vec<Source> {
        two_class_sources(
            HOSPITALS.iter().map(|hospital| hospital.name),
            training_findings().into_iter().map(|finding| finding.name),
            unseen_findings(self.findings).into_iter().map(|finding| finding.name),
        )
    }

    fn picture<'a>(&'a self, image: &'a PlannedImage) -> Box<dyn Picture + 'a> {
        Box::new(picture::ChestPicture::new(self, image))
    }
}
