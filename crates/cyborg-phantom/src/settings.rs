//! What to draw, and the name that follows from it.
use serde::{Deserialize, Serialize};

/// Version of the drawing code. It enters [`FacePhantom::folder_name`]: raise it whenever a pixel changes.
pub const DRAWING_VERSION: u32 = 3;

/// Which unseen generators the test split holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Generators {
    /// The six test generators: for results.
    #[default]
    Test,
    /// Six others, drawn by the same rule with other parameters, beside other authentic faces: for every choice that
    /// is made by looking at an outcome.
    Development,
}

impl Generators {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Development => "development",
        }
    }
}

/// What to draw. Everything here can change a pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FacePhantom {
    /// Side of the square images, in pixels.
    pub image_px: u32,
    /// Training images, half of them synthetic; a multiple of 4 (two generators, two cameras).
    pub n_train: usize,
    /// Validation images, half of them synthetic; a multiple of 4.
    pub n_validation: usize,
    /// Test images of each of the six unseen generators and of each of the two authentic sources.
    pub n_test_per_source: usize,
    /// How far the corner date stamp agrees with the label in training and validation: 0 not at all (every image
    /// carries it with probability 1/2), 1 always (every synthetic image and no authentic one). In between,
    /// P(stamp | synthetic) = (1 + shortcut) / 2 and P(stamp | authentic) = (1 - shortcut) / 2. In testing 1/2.
    pub shortcut: f64,
    /// Simulated annotators per training image.
    pub n_annotators: usize,
    /// Root of everything that is drawn by chance.
    pub seed: u64,
    /// Which unseen generators to test on.
    pub generators: Generators,
}

impl Default for FacePhantom {
    fn default() -> Self {
        Self {
            image_px: 64,
            n_train: 800,
            n_validation: 200,
            n_test_per_source: 200,
            shortcut: 0.9,
            n_annotators: 3,
            seed: 0,
            generators: Generators::Test,
        }
    }
}

impl FacePhantom {
    /// Every fault of the settings, in words; empty if they can be drawn.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(32..=2048).contains(&self.image_px) {
            faults.push(format!(
                "`image_px` is {}, expected 32 to 2048 (below 32 a face has no eyes)",
                self.image_px
            ));
        }
        for (name, count) in [("n_train", self.n_train), ("n_validation", self.n_validation)] {
            if count == 0 || count % 4 != 0 {
                faults.push(format!(
                    "`{name}` is {count}, expected a positive multiple of 4 (two generators and two cameras share it equally)"
                ));
            }
        }
        if self.n_test_per_source == 0 {
            faults.push("`n_test_per_source` is 0, expected at least 1".to_owned());
        }
        for (name, count) in [
            ("n_train", self.n_train),
            ("n_validation", self.n_validation),
            ("n_test_per_source", self.n_test_per_source),
        ] {
            if count > 1_000_000 {
                faults.push(format!("`{name}` is {count}, expected at most 1000000"));
            }
        }
        if !(0.0..=1.0).contains(&self.shortcut) {
            faults.push(format!("`shortcut` is {}, expected a number from 0 to 1", self.shortcut));
        }
        if !(1..=100).contains(&self.n_annotators) {
            faults.push(format!("`n_annotators` is {}, expected 1 to 100", self.n_annotators));
        }
        faults
    }

    /// Name of the folder: stable, from the settings and the version of the drawing code.
    pub fn folder_name(&self) -> String {
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
        let hash = blake3::hash(identity.as_bytes()).to_hex();
        let development = if self.generators == Generators::Development { "-development" } else { "" };
        format!("phantom-faces{development}-{}px-{}", self.image_px, &hash[..10])
    }

    /// Test images in all: six generators and two authentic sources.
    pub fn n_test(&self) -> usize {
        8 * self.n_test_per_source
    }

    /// Probability that a training or validation image of that class carries the date stamp.
    pub fn stamp_probability(&self, synthetic: bool) -> f64 {
        let agreement = 0.5 * (1.0 + self.shortcut);
        if synthetic { agreement } else { 1.0 - agreement }
    }
}
