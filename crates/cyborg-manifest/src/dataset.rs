//! A data set whose rows have been read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cyborg_image::Window;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ManifestError;
use crate::raw::Expected;

/// What an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Weights are fitted to it.
    Train,
    /// The best weights are chosen on it.
    Validation,
    /// Looked at once, at the end.
    Test,
}

impl Split {
    /// All splits, in their order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The word in manifests and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The split of that [`Split::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|split| split.name() == name)
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// One labelled image of an opened data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Unique within the data set, stable across machines: `<manifest id>/<path relative to the root>`.
    pub id: String,
    /// The image file.
    pub image: PathBuf,
    /// Index into [`Dataset::classes`].
    pub label: usize,
    /// Generator, camera, hospital, ... ; defaults to the class name.
    pub source: String,
    /// Person, eye, patient: what must not be in two splits.
    pub subject: Option<String>,
    /// What the image is for.
    pub split: Split,
    /// The human saliency map (grey image), where there is one.
    pub map: Option<PathBuf>,
    /// Which values of the image's 16-bit samples are black and white; None keeps the high bytes.
    pub window: Option<Window>,
    /// Where this row was stated, for messages: `lists/original.csv:17`.
    pub origin: String,
}

/// A manifest with its rows read and its files located.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Id of the manifest.
    pub id: String,
    /// The manifest file.
    pub manifest: PathBuf,
    /// One line for tables and reports.
    pub title: String,
    /// Drawn by a program, not collected: reports say so on their face.
    pub phantom: bool,
    /// Class names in the order of their index.
    pub classes: Vec<String>,
    /// Sorted by [`Item::id`], so that the order of rows in a table changes nothing.
    pub items: Vec<Item>,
    /// The folder in which the data set was found.
    pub root: PathBuf,
    /// From the manifest: generator -> the authentic sources it is tested against. May be empty.
    pub pairs: BTreeMap<String, Vec<String>>,
    /// From the manifest: what a complete copy holds.
    pub expected: Expected,
    /// From the manifest: the recipe file whose maps take the place of the items' own. Opening a data set builds none.
    pub recipe: Option<PathBuf>,
    /// How to get the files, for messages.
    pub obtain: String,
    /// Rows that said again what another row had said, to the letter; they were left out.
    pub n_repeated_rows: usize,
    /// Files in the folders of images that hold no image, counted by the ending of their name (`.txt`).
    pub left_out: BTreeMap<String, usize>,
}

/// How many missing files are named.
const EXAMPLES: usize = 5;

impl Dataset {
    /// Looks whether every image and map that the rows name is there, without opening any.
    ///
    /// # Errors
    /// [`ManifestError::MissingFiles`] with the first ones that are not.
    pub fn check_files(&self) -> Result<(), ManifestError> {
        let missing: Vec<(&Item, &PathBuf)> = self
            .items
            .par_iter()
            .flat_map_iter(|item| [Some(&item.image), item.map.as_ref()].map(|path| (item, path)))
            .filter_map(|(item, path)| path.filter(|path| !path.is_file()).map(|path| (item, path)))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let named = |(item, path): &(&Item, &PathBuf)| format!("{}: `{}`", item.origin, path.display());
        let mut examples: Vec<String> = missing.iter().take(EXAMPLES).map(named).collect();
        if missing.len() > EXAMPLES {
            examples.push(format!("and {} more", missing.len() - EXAMPLES));
        }
        let n_maps = self.items.iter().filter(|item| item.map.is_some()).count();
        Err(ManifestError::MissingFiles {
            id: self.id.clone(),
            manifest: self.manifest.clone(),
            n_missing: missing.len(),
            n_files: self.items.len() + n_maps,
            examples: examples.join("\n  - "),
            obtain: self.obtain.clone(),
        })
    }
}
