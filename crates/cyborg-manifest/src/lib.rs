//! Data sets as data: manifests, splits, import, verification; no pixels kept, no tensors.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    Train,
    Validation,
    Test,
}

/// One labelled image of an opened data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Unique within the data set, stable across machines: `<manifest id>/<path relative to the root>`.
    pub id: String,
    pub image: PathBuf,
    /// Index into [`Dataset::classes`].
    pub label: usize,
    /// Generator, camera, hospital, ... ; defaults to the class name.
    pub source: String,
    pub subject: Option<String>,
    pub split: Split,
    /// The human saliency map (grey image), where there is one.
    pub map: Option<PathBuf>,
    /// Where this row was stated, for messages: `lists/original.csv:17`.
    pub origin: String,
}

/// A checked manifest file: what the YAML says, validated, before any image is looked for.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub id: String,
    pub title: String,
    pub path: PathBuf,
    pub classes: Vec<String>,
    /// Drawn by us, not photographed: reports say so on their face.
    pub phantom: bool,
    pub obtain: String,
    // ... the helper's fields: domain, licence, citation, expected counts, layout
}

/// A manifest with its rows read and its files located.
#[derive(Clone, Debug)]
pub struct Dataset {
    pub id: String,
    pub title: String,
    pub phantom: bool,
    pub classes: Vec<String>,
    pub items: Vec<Item>,
    pub root: PathBuf,
    /// From the manifest: generator -> the authentic sources it is tested against. May be empty.
    pub pairs: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("data set `{id}` is not at `{root}`")]
    Missing { id: String, root: PathBuf },
}

/// Reads and checks one manifest. Errors carry file, line, column, snippet, the nearest valid name.
pub fn read_manifest(path: &Path) -> Result<Manifest, ManifestError> {
    todo!()
}
/// All manifests of a folder, sorted by id.
pub fn list_manifests(folder: &Path) -> Result<Vec<Manifest>, ManifestError> {
    todo!()
}
impl Manifest {
    /// Locates the root (`--data-root` base folder if given, environment variable, else the manifest's own `root`),
    /// reads the rows.
    pub fn open(&self, data_root: Option<&Path>) -> Result<Dataset, ManifestError> {
        todo!()
    }
}
/// Digest (blake3, hex) of what training and evaluation can see of these items: ids, labels, sources, splits and the
/// bytes of images and maps. File digests are kept in `cache` (keyed by path, length and time of change) so that a
/// second call reads nothing.
pub fn content_digest(items: &[Item], cache: Option<&Path>) -> Result<String, ManifestError> {
    todo!()
}
