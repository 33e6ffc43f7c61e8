//! A checked manifest, and how to read one or a folder of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cyborg_image::Window;

use crate::check;
use crate::dataset::{Dataset, Split};
use crate::divide::Division;
use crate::error::ManifestError;
use crate::raw::{Domain, Expected, RawSubjectRule};
use crate::root;
use crate::rows;
use crate::source_text::SourceText;

/// A checked manifest file: what the YAML says, validated, before any image is looked for.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Lower-case letters, digits and `-`.
    pub id: String,
    /// One line for tables and reports.
    pub title: String,
    /// The manifest file.
    pub path: PathBuf,
    /// What the images show.
    pub domain: Domain,
    /// As stated by the owners.
    pub licence: String,
    /// How to get the files.
    pub obtain: String,
    /// The work to cite.
    pub citation: Option<String>,
    /// As written: may hold `${NAME}`, may be relative to the manifest file.
    pub root: String,
    /// Drawn by us, not photographed: reports say so on their face.
    pub phantom: bool,
    /// Class names in the order of their index.
    pub classes: Vec<String>,
    /// Generator -> the authentic sources it is tested against.
    pub pairs: BTreeMap<String, Vec<String>>,
    /// What a complete copy holds.
    pub expected: Expected,
    /// The recipe file that makes saliency maps from people's annotations, if the manifest names one.
    pub recipe: Option<PathBuf>,
    /// Which values of 16-bit samples are black and white; None keeps the high bytes.
    pub window: Option<Window>,
    /// Whether links may lead to files outside the root.
    pub links_outside_root: bool,
    pub(crate) layout: Layout,
}

/// Where the rows are. Class names have become indices; paths are relative and stay inside the root.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    ReleasedList(ReleasedList),
    Folders(Folders),
    Table(Table),
}

#[derive(Clone, Debug)]
pub(crate) struct ReleasedList {
    /// File and what its word `test` means.
    pub(crate) lists: Vec<(String, Split)>,
    pub(crate) images: String,
    pub(crate) labels: BTreeMap<String, usize>,
    /// Folder, and the splits whose images can have maps.
    pub(crate) maps: Option<(String, Vec<Split>)>,
    pub(crate) rules: Vec<PathRule>,
}

#[derive(Clone, Debug)]
pub(crate) struct PathRule {
    pub(crate) path: String,
    pub(crate) source: Option<String>,
    pub(crate) subject: Option<SubjectRule>,
}

#[derive(Clone, Debug)]
pub(crate) struct Folders {
    pub(crate) include: Vec<Folder>,
    /// Present if a folder has no split.
    pub(crate) division: Option<Division>,
}

#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) path: String,
    pub(crate) label: usize,
    pub(crate) source: Option<String>,
    pub(crate) split: Option<Split>,
    pub(crate) maps: Option<String>,
    pub(crate) subject: Option<SubjectRule>,
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) file: String,
    pub(crate) images: String,
    pub(crate) maps: String,
    pub(crate) columns: Columns,
    pub(crate) labels: BTreeMap<String, usize>,
    pub(crate) splits: BTreeMap<String, Split>,
    pub(crate) source: Option<String>,
    pub(crate) split: TableSplit,
}

#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) image: String,
    pub(crate) label: String,
    pub(crate) source: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) split: Option<String>,
    pub(crate) map: Option<String>,
}

/// Who says the split of a table's rows.
#[derive(Clone, Debug)]
pub(crate) enum TableSplit {
    Column,
    Constant(Split),
    Division(Division),
}

/// The part of a file name that is the subject.
#[derive(Clone, Debug)]
pub(crate) struct SubjectRule {
    after: Option<String>,
    before: Option<String>,
}

impl SubjectRule {
    pub(crate) fn new(raw: &RawSubjectRule) -> Self {
        Self { after: raw.after.clone(), before: raw.before.clone() }
    }

    /// None if the name lacks what the rule looks for, or nothing is left.
    pub(crate) fn subject_of(&self, file_name: &str) -> Option<String> {
        let stem = rows::stem(file_name);
        let rest = match &self.after {
            Some(after) => stem.split_once(after.as_str())?.1,
            None => stem,
        };
        let subject = match &self.before {
            Some(before) => rest.split_once(before.as_str())?.0,
            None => rest,
        };
        (!subject.is_empty()).then(|| subject.to_owned())
    }
}

/// Reads and checks one manifest. Errors carry file, line, column, snippet, the nearest valid name.
///
/// # Errors
/// [`ManifestError::Read`] if there is no such file, [`ManifestError::Invalid`] if it is no valid manifest.
pub fn read_manifest(path: &Path) -> Result<Manifest, ManifestError> {
    let text = fs_err::read_to_string(path).map_err(|source| ManifestError::Read {
        what: "manifest",
        path: path.into(),
        source,
    })?;
    parse_manifest(&text, path)
}

/// As [`read_manifest`], from text; `path` is where it stands or will stand.
pub(crate) fn parse_manifest(text: &str, path: &Path) -> Result<Manifest, ManifestError> {
    let mut source = SourceText::new(path, text);
    let manifest = source.parse().and_then(|raw| check::checked(raw, path, &mut source));
    source.finish(manifest)
}

/// All manifests of a folder (`*.yaml`), sorted by id.
///
/// # Errors
/// The first error of [`read_manifest`]; [`ManifestError::DuplicateId`].
pub fn list_manifests(folder: &Path) -> Result<Vec<Manifest>, ManifestError> {
    let read = |source| ManifestError::Read { what: "folder of manifests", path: folder.into(), source };
    let mut paths = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut manifests = paths.iter().map(|path| read_manifest(path)).collect::<Result<Vec<_>, _>>()?;
    manifests.sort_by(|a, b| a.id.cmp(&b.id));
    for pair in manifests.windows(2) {
        if pair[0].id == pair[1].id {
            return Err(ManifestError::DuplicateId {
                id: pair[0].id.clone(),
                first: pair[0].path.clone(),
                second: pair[1].path.clone(),
            });
        }
    }
    Ok(manifests)
}

impl Manifest {
    /// Locates the root and reads the rows; no image is opened or looked for (see [`Dataset::check_files`]).
    ///
    /// With `data_root` (the command line's `--data-root BASE`) the root is `BASE/<id>` if that folder exists, else the
    /// manifest's own `root` with `${CYBORG_DATA}` meaning `BASE`. Without, it is the manifest's own `root`, with
    /// `${NAME}` replaced from the environment.
    ///
    /// # Errors
    /// [`ManifestError::Missing`] if the root or the table is not there; [`ManifestError::Table`] if the table cannot be
    /// read; [`ManifestError::Rows`] with all faults of the rows; [`ManifestError::Empty`].
    pub fn open(&self, data_root: Option<&Path>) -> Result<Dataset, ManifestError> {
        let root = root::locate(self, data_root, &|name| std::env::var(name).ok())?;
        rows::read(self, root)
    }

    /// `root` is where the data set should be.
    pub(crate) fn missing(&self, what: String, root: &str) -> ManifestError {
        ManifestError::Missing {
            id: self.id.clone(),
            title: self.title.clone(),
            what,
            obtain: self.obtain.trim().to_owned(),
            root: root.to_owned(),
        }
    }
}
