//! The pictures that a network is asked about: found in a folder, a table or a manifest, then labelled with the network's
//! classes.

mod folder;
mod manifest;
mod table;

use crate::{Classes, PredictError};
use cyborg_image::Window;
use cyborg_manifest::Split;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use cyborg_image::IMAGE_EXTENSIONS;

/// One picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What results call it: the path below the folder, the path as the table has it, or the id in the manifest.
    pub id: String,
    /// The file.
    pub path: PathBuf,
    /// Its class, an index into the network's; None where nobody says.
    pub label: Option<usize>,
    /// Generator, camera, hospital, ...; None where nobody says.
    pub source: Option<String>,
    /// Which values of 16-bit samples are black and white, as the manifest says; None keeps the high bytes.
    pub window: Option<Window>,
    /// Where it is listed: `rows.csv:17`; empty in a folder.
    pub origin: String,
}

/// A picture, or a row about one, that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// As [`Image::id`]; empty for a row that names none.
    pub image: String,
    /// As [`Image::origin`].
    pub origin: String,
    /// What is wrong, in one line that names the file.
    pub reason: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (image, reason) = (cyborg_causes::shown(&self.image), &self.reason);
        match (&*image, self.origin.as_str()) {
            ("", origin) => write!(formatter, "{origin}: {reason}"),
            (image, "") => write!(formatter, "`{image}`: {reason}"),
            (image, origin) => write!(formatter, "`{image}` ({origin}): {reason}"),
        }
    }
}

/// How to read what `--images` names.
#[derive(Clone, Debug, Default)]
pub struct ImageOptions {
    /// Column of a table that holds the images' paths; else `image`, `path`, `file` or `filename`.
    pub image_column: Option<String>,
    /// Column of a table that holds the labels; else `label`, where there is one.
    pub label_column: Option<String>,
    /// Column of a table that holds the sources; else `source`, where there is one.
    pub source_column: Option<String>,
    /// What a table's relative paths start from; else the table's folder.
    pub root: Option<PathBuf>,
    /// Split of a manifest; else `test`.
    pub split: Option<SplitChoice>,
    /// Where manifests that are named by id lie.
    pub manifests: PathBuf,
    /// As [`cyborg_manifest::Manifest::open`] takes it.
    pub data_root: Option<PathBuf>,
}

/// Which images of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitChoice {
    /// Those of one split.
    One(Split),
    /// All.
    All,
}

/// What to make of labels.
#[derive(Clone, Debug, Default)]
pub struct LabelOptions {
    /// From words of the table or classes of the manifest to classes of the network (names or indices).
    pub map: BTreeMap<String, String>,
    /// Leave all labels out, and with them the sources that are nothing but class names.
    pub ignore: bool,
}

/// Pictures as they are listed, before anything is known of a network.
#[derive(Clone, Debug)]
pub struct ImageList {
    /// As given.
    what: String,
    rows: Vec<Row>,
    failures: Vec<Failure>,
    class_names: Option<Vec<String>>,
    notes: Vec<String>,
}

/// An [`Image`] whose label is still a word.
#[derive(Clone, Debug)]
struct Row {
    id: String,
    path: PathBuf,
    label: Option<String>,
    source: Option<String>,
    window: Option<Window>,
    origin: String,
}

impl ImageList {
    /// Finds images: below a folder, one file, the rows of a table (`.csv`, `.tsv` or `.txt`, with commas, semicolons or tabs), a manifest file
    /// (`.yaml`), or a manifest's id. What is there goes before an id. No image is opened or looked for.
    ///
    /// # Errors
    /// [`PredictError::NoSuchImages`], [`PredictError::Read`], [`PredictError::Table`], [`PredictError::Manifest`],
    /// [`PredictError::NoImages`]; [`PredictError::Setting`] for an option that does not go with what was found.
    pub fn find(what: &str, options: &ImageOptions) -> Result<Self, PredictError> {
        let path = Path::new(what);
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let extension = extension.to_ascii_lowercase();
        let list = if path.is_dir() {
            options.refuse_columns()?;
            options.refuse_split()?;
            folder::read(what, path)?
        } else if matches!(extension.as_str(), "csv" | "tsv" | "txt") {
            options.refuse_split()?;
            table::read(what, path, options)?
        } else if matches!(extension.as_str(), "yaml" | "yml") {
            options.refuse_columns()?;
            manifest::read(what, &cyborg_manifest::read_manifest(path)?, options)?
        } else if path.is_file() {
            options.refuse_columns()?;
            options.refuse_split()?;
            if !cyborg_image::is_image_file(path) {
                let reason = format!(
                    "it is a file, but its name ends neither in csv, tsv, txt, yaml nor as images do ({})",
                    IMAGE_EXTENSIONS.join(", ")
                );
                return Err(PredictError::NoSuchImages { what: what.to_owned(), reason });
            }
            Self::new(what, vec![Row::new(what.to_owned(), path.to_owned())])
        } else {
            options.refuse_columns()?;
            manifest::read(what, &manifest::find(what, &options.manifests)?, options)?
        };
        if list.rows.is_empty() && list.failures.is_empty() {
            return Err(PredictError::NoImages { what: what.to_owned(), reason: String::new() });
        }
        Ok(list)
    }

    fn new(what: &str, rows: Vec<Row>) -> Self {
        let what = what.to_owned();
        Self { what, rows, failures: Vec::new(), class_names: None, notes: Vec::new() }
    }

    /// Class names as the manifest has them, for a network that has none.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }

    /// How many images are listed.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no usable image is listed.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Turns labels into classes of the network. A row whose label is no class becomes a failure; a labelled row without
    /// a source gets its class's name for one, as in a manifest.
    ///
    /// # Errors
    /// [`PredictError::NoLabelKnown`] if that happens to every labelled row; [`PredictError::Setting`] for a map to
    /// something that is no class.
    pub fn with_classes(self, classes: &Classes, labels: &LabelOptions) -> Result<Images, PredictError> {
        let mut map = BTreeMap::new();
        for (word, class) in &labels.map {
            let Some(index) = classes.find(class) else {
                let found = format!("`{word}={class}`");
                let expected = format!("a class after the `=`: {}", classes.listed());
                return Err(PredictError::Setting { field: "label-map", found, expected });
            };
            map.insert(word.as_str(), index);
        }
        let mut images = Images {
            what: self.what,
            items: Vec::with_capacity(self.rows.len()),
            failures: self.failures,
            notes: self.notes,
        };
        let mut unknown = BTreeSet::new();
        let mut n_known = 0;
        for Row { id, path, label, source, window, origin } in self.rows {
            let word = label.as_deref().filter(|_| !labels.ignore);
            let index = word.map(|word| {
                let mapped = cyborg_table::position(map.keys().copied(), word);
                mapped.and_then(|at| map.values().nth(at).copied()).or_else(|| classes.find(word))
            });
            if let (Some(word), Some(None)) = (word, index) {
                let reason = format!("its label `{word}` is no class of the network: {}", classes.listed());
                images.failures.push(Failure { image: id, origin, reason });
                unknown.insert(word.to_owned());
                continue;
            }
            let label = index.flatten();
            n_known += usize::from(label.is_some());
            let source = source.or_else(|| label.map(|label| classes.names()[label].clone()));
            images.items.push(Image { id, path, label, source, window, origin });
        }
        if n_known == 0 && !unknown.is_empty() {
            const SHOWN: usize = 8;
            let mut words: Vec<String> = unknown.iter().take(SHOWN).map(|word| format!("`{word}`")).collect();
            if unknown.len() > SHOWN {
                words.push(format!("and {} more", unknown.len() - SHOWN));
            }
            let (labels, classes) = (words.join(", "), classes.listed());
            return Err(PredictError::NoLabelKnown { what: images.what, labels, classes });
        }
        Ok(images)
    }
}

impl Row {
    fn new(id: String, path: PathBuf) -> Self {
        Self { id, path, label: None, source: None, window: None, origin: String::new() }
    }
}

/// Pictures, labelled as far as anybody says.
#[derive(Clone, Debug)]
pub struct Images {
    /// As given.
    pub what: String,
    /// In order: sorted by name in a folder, by id in a manifest, as listed in a table.
    pub items: Vec<Image>,
    /// What was listed and could not be used.
    pub failures: Vec<Failure>,
    /// What the user should know: rows that were repeated, images of other splits.
    pub notes: Vec<String>,
}

impl Images {
    /// Whether any image has a label.
    pub fn have_labels(&self) -> bool {
        self.items.iter().any(|image| image.label.is_some())
    }

    /// Whether any image has a source.
    pub fn have_sources(&self) -> bool {
        self.items.iter().any(|image| image.source.is_some())
    }
}

impl ImageOptions {
    fn refuse_columns(&self) -> Result<(), PredictError> {
        let columns = [
            ("image-column", self.image_column.as_ref()),
            ("label-column", self.label_column.as_ref()),
            ("source-column", self.source_column.as_ref()),
        ];
        let root = self.root.as_ref().map(|root| ("root", root.display().to_string()));
        let named = columns.into_iter().find_map(|(field, name)| name.map(|name| (field, name.clone())));
        match named.or(root) {
            None => Ok(()),
            Some((field, value)) => {
                let expected =
                    "nothing: it goes with a table of images (`--images FILE.csv`) only".to_owned();
                Err(PredictError::Setting { field, found: format!("`{value}`"), expected })
            }
        }
    }

    fn refuse_split(&self) -> Result<(), PredictError> {
        match self.split {
            None => Ok(()),
            Some(_) => Err(PredictError::Setting {
                field: "split",
                found: "given".to_owned(),
                expected: "nothing: it goes with a manifest only".to_owned(),
            }),
        }
    }
}
