//! The settings that all domains have.
use cyborg_settings::Fault;
use serde::{Deserialize, Serialize};

use crate::phantom::Words;
use crate::plan::Source;

/// Which sources the test split holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestSources {
    /// The test sources: for results.
    #[default]
    Test,
    /// Others, drawn by the same rule with other parameters, beside other subjects: for every choice that is made by
    /// looking at an outcome.
    Development,
}

impl TestSources {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Development => "development",
        }
    }
}

/// The settings that all domains have, under one name each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Common {
    /// Side of the square images, in pixels.
    pub image_px: u32,
    /// Training images.
    pub n_train: usize,
    /// Validation images.
    pub n_validation: usize,
    /// Images of each test source.
    pub n_test_per_source: usize,
    /// How far the shortcut agrees with the label in training and validation, from 0 to 1.
    pub shortcut: f64,
    /// Simulated annotators per training image.
    pub n_annotators: usize,
    /// Root of everything that is drawn by chance.
    pub seed: u64,
    /// Which sources are tested.
    pub test_sources: TestSources,
}

impl Common {
    /// Probability that a training or validation image of the positive or the negative class carries the shortcut's mark.
    pub fn mark_probability(&self, positive: bool) -> f64 {
        let agreement = 0.5 * (1.0 + self.shortcut);
        if positive { agreement } else { 1.0 - agreement }
    }

    pub(crate) fn faults(&self, sources: &[Source], words: &Words) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, found: String, expected: String| {
            let message = format!("`{field}` is {found}, expected {expected}");
            faults.push(Fault::of_field(field, message, None));
        };
        if !(32..=2048).contains(&self.image_px) {
            fault("image_px", self.image_px.to_string(), format!("32 to 2048 ({})", words.too_small));
        }
        let training = sources.iter().filter(|source| source.training).count();
        for (name, count) in [("n_train", self.n_train), ("n_validation", self.n_validation)] {
            if count == 0 || count % training != 0 {
                let expected = format!("a positive multiple of {training} ({})", words.shared_by);
                fault(name, count.to_string(), expected);
            }
        }
        if self.n_test_per_source == 0 {
            fault("n_test_per_source", "0".to_owned(), "at least 1".to_owned());
        }
        for (name, count) in [
            ("n_train", self.n_train),
            ("n_validation", self.n_validation),
            ("n_test_per_source", self.n_test_per_source),
        ] {
            if count > 1_000_000 {
                fault(name, count.to_string(), "at most 1000000".to_owned());
            }
        }
        if !(0.0..=1.0).contains(&self.shortcut) {
            fault("shortcut", self.shortcut.to_string(), "a number from 0 to 1".to_owned());
        }
        if !(1..=100).contains(&self.n_annotators) {
            fault("n_annotators", self.n_annotators.to_string(), "1 to 100".to_owned());
        }
        faults
    }
}

/// The name of a data set's folder; `identity` is everything that can change a pixel.
pub(crate) fn folder_name(domain: &str, common: &Common, identity: &str) -> String {
    let hash = blake3::hash(identity.as_bytes()).to_hex();
    let development = if common.test_sources == TestSources::Development { "-development" } else { "" };
    format!("phantom-{domain}{development}-{}px-{}", common.image_px, &hash[..10])
}

/// Defines the settings of a domain whose fields are those of [`Common`]: `$test` names the field of the test sources.
macro_rules! phantom_settings {
    (
        $(#[$doc:meta])* $name:ident = $domain:literal;
        $(#[$train:meta])* n_train;
        $(#[$per_source:meta])* n_test_per_source;
        $(#[$shortcut:meta])* shortcut;
        $(#[$test_doc:meta])* $test:ident;
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// Side of the square images, in pixels.
            pub image_px: u32,
            $(#[$train])*
            pub n_train: usize,
            /// Validation images, shared in the same way.
            pub n_validation: usize,
            $(#[$per_source])*
            pub n_test_per_source: usize,
            $(#[$shortcut])*
            pub shortcut: f64,
            /// Simulated annotators per training image.
            pub n_annotators: usize,
            /// Root of everything that is drawn by chance.
            pub seed: u64,
            $(#[$test_doc])*
            pub $test: $crate::settings::TestSources,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    image_px: 64,
                    n_train: 800,
                    n_validation: 200,
                    n_test_per_source: 200,
                    shortcut: 0.9,
                    n_annotators: 3,
                    seed: 0,
                    $test: $crate::settings::TestSources::Test,
                }
            }
        }

        impl cyborg_settings::Settings for $name {
            const NAME: &'static str = $domain;
        }

        impl $name {
            fn all_common(&self) -> $crate::settings::Common {
                $crate::settings::Common {
                    image_px: self.image_px,
                    n_train: self.n_train,
                    n_validation: self.n_validation,
                    n_test_per_source: self.n_test_per_source,
                    shortcut: self.shortcut,
                    n_annotators: self.n_annotators,
                    seed: self.seed,
                    test_sources: self.$test,
                }
            }

            fn development(&self) -> Self {
                Self { $test: $crate::settings::TestSources::Development, ..self.clone() }
            }
        }
    };
}
pub(crate) use phantom_settings;
