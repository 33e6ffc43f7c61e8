//! Irises in near-infrared light: bona fide ones of two sensors, and presentation attacks.
mod attack;
mod eye;
mod picture;
mod sensor;

use crate::phantom::{Phantom, Picture, Words};
use crate::plan::{PlannedImage, Source, two_class_sources};
use crate::settings::{Common, phantom_settings};
use attack::{training_attacks, unseen_attacks};
use sensor::SENSORS;

phantom_settings! {
    /// Irises in near-infrared light: two sensors, two training attacks, seven attacks for testing.
    IrisPhantom = "irises";
    /// Training images, half of them attacks; a multiple of 4 (two attacks, two sensors).
    n_train;
    /// Test images of each of the seven attacks and of each of the two sensors.
    n_test_per_source;
    /// How far the grey session bar at the right border agrees with the label in training and validation: 0 not at all
    /// (every image carries it with probability 1/2), 1 always (every attack and no bona fide image). In between,
    /// P(bar | attack) = (1 + shortcut) / 2 and P(bar | bona fide) = (1 - shortcut) / 2. In testing 1/2.
    shortcut;
    /// Which attacks to test on.
    attacks;
}

impl Phantom for IrisPhantom {
    fn common(&self) -> Common {
        self.all_common()
    }

    fn on_development_sources(&self) -> Box<dyn Phantom> {
        Box::new(self.development())
    }

    fn words(&self) -> Words {
        Words {
            images: "irises",
            manifest_domain: "iris",
            classes: &["bona-fide", "attack"],
            too_small: "below 32 an iris has no fibres",
            shared_by: "two attacks and two sensors share it equally",
            development: "development attacks",
            shortcut: ("the grey\n# session bar at the right border", "bar"),
        }
    }

    fn drawing_version(&self) -> u32 {
        1
    }

    fn sources(&self) -> Vec<Source> {
        two_class_sources(
            SENSORS.iter().map(|sensor| sensor.name),
            training_attacks().into_iter().map(|attack| attack.name),
            unseen_attacks(self.attacks).into_iter().map(|attack| attack.name),
        )
    }

    fn picture<'a>(&'a self, image: &'a PlannedImage) -> Box<dyn Picture + 'a> {
        Box::new(picture::IrisPicture::new(self, image))
    }
}
