//! The interface of a domain, and the list of the domains.
use cyborg_image::Raster;
use cyborg_settings::{AnySettings, Choice, Fault, choices};

use crate::chests::ChestPhantom;
use crate::faces::FacePhantom;
use crate::irises::IrisPhantom;
use crate::plan::{PlannedImage, Source};
use crate::settings::Common;

/// The domains that can be drawn, by the names that experiment files use.
pub const PHANTOMS: &[Choice<dyn Phantom>] = choices![dyn Phantom; FacePhantom, IrisPhantom, ChestPhantom];

/// A drawn data set: the settings of one domain, and how its images are drawn.
pub trait Phantom: AnySettings {
    /// The settings that all domains have.
    fn common(&self) -> Common;

    /// The same data set tested on the development sources.
    fn on_development_sources(&self) -> Box<dyn Phantom>;

    /// What the domain is called and what its classes are.
    fn words(&self) -> Words;

    /// The version of the drawing code. It enters the folder's name: raise it whenever a pixel changes.
    fn drawing_version(&self) -> u32;

    /// Where images come from, in the table's order: those of training first.
    fn sources(&self) -> Vec<Source>;

    /// A planned image, ready to be drawn. Its pixels follow from the settings' seed and the plan alone.
    fn picture<'a>(&'a self, image: &'a PlannedImage) -> Box<dyn Picture + 'a>;

    /// Which cue an image carries, as a number: for two classes 1 where the shortcut's mark is there and 0 where it is not.
    /// `draw` is uniform in [0, 1).
    fn cue(&self, label: usize, in_training: bool, draw: f64) -> usize {
        let p = if in_training { self.common().mark_probability(label == 1) } else { 0.5 };
        usize::from(draw < p)
    }

    /// How the shortcut goes with the label, as a comment at the head of the manifest; lines after the first begin with `#`.
    fn about_shortcut(&self) -> String {
        let (common, words) = (self.common(), self.words());
        let (what, mark) = words.shortcut;
        format!(
            "In training and validation {what} goes with the label: P({mark} | {}) = {:.4},\n# P({mark} | {}) = {:.4}. In testing both are 0.5.",
            words.classes[1],
            common.mark_probability(true),
            words.classes[0],
            common.mark_probability(false),
        )
    }

    /// The name of the data set's folder: stable, from the settings and the version of the drawing code.
    fn folder_name(&self) -> String {
        let identity = format!("v{} {}", self.drawing_version(), self.identity());
        crate::settings::folder_name(self.name(), &self.common(), &identity)
    }

    /// Every fault of the settings; empty if they can be drawn.
    fn faults(&self) -> Vec<Fault> {
        self.common().faults(&self.sources(), &self.words())
    }

    /// The number of test images of all sources.
    fn n_test(&self) -> usize {
        self.common().n_test_per_source * self.sources().iter().filter(|source| source.testing).count()
    }
}

/// One image before it is drawn.
pub trait Picture {
    /// The image, with three channels; `without_evidence` leaves out what the annotators look for, and keeps all else
    /// (the noise too) as it is.
    fn image(&self, without_evidence: bool) -> Raster;

    /// What the annotators marked in it: one channel, 255 where everybody marked.
    fn map(&self) -> Raster;
}

/// What a domain is called, for the manifest and for messages.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The images in the plural: `faces`.
    pub images: &'static str,
    /// The manifest's `domain`.
    pub manifest_domain: &'static str,
    /// The classes, in label order.
    pub classes: &'static [&'static str],
    /// Why images of fewer than 32 pixels are refused.
    pub too_small: &'static str,
    /// How the training sources share the images of a split.
    pub shared_by: &'static str,
    /// What development sources are called in the title.
    pub development: &'static str,
    /// The shortcut's mark, and the word for it in P(word | class); see [`Phantom::about_shortcut`].
    pub shortcut: (&'static str, &'static str),
}
