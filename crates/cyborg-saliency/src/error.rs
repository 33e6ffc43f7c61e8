//! What can go wrong between an annotation file and a map.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::GeometryError;

/// Where in a file a fault is, as far as the format can say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The file as a whole.
    File,
    /// A line, counted from 1.
    Line(u64),
    /// A line and a column, both counted from 1.
    Column(u64, u64),
    /// An element of a structured file: `annotations[17]`, `<path> in line 3`.
    Element(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Line(line) => write!(f, ", line {line}"),
            Self::Column(line, column) => write!(f, ", line {line} column {column}"),
            Self::Element(element) => write!(f, ", {element}"),
        }
    }
}

/// Why annotations could not be read or drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotationError {
    /// A file or folder could not be opened or read at all.
    #[error("cannot read annotations `{path}`")]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What the file holds is not what its format allows. Only this element is lost, unless `place` is the file.
    #[error("cannot read annotations `{path}`{place}: {reason}")]
    Fault {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: Place,
        /// What was found and what to do.
        reason: String,
    },
    /// A file was read, and what it holds is probably not what its reader takes it for.
    #[error("annotations `{path}`{place}: {reason}")]
    Doubtful {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: Place,
        /// What was found, how it was taken and what to do if that is wrong.
        reason: String,
    },
    /// A setting names something that no file of its source has: everything would be read as if it were not set.
    #[error("no file of `{files}` has {what}, which the setting `{setting}` names{known}")]
    NowhereFound {
        /// The source's pattern.
        files: String,
        /// The setting.
        setting: &'static str,
        /// What it names: "the key `who`", "the label `eye`".
        what: String,
        /// What there is instead; may be empty.
        known: String,
    },
    /// A pattern of file names that can match nothing.
    #[error("pattern `{pattern}` of annotation files: {reason}")]
    Pattern {
        /// As it was given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No file matches a pattern.
    #[error(
        "no file in `{root}` matches `{pattern}`: check the folder, or the pattern's `{{image}}` and `{{annotator}}`"
    )]
    NoFiles {
        /// Where was looked.
        root: PathBuf,
        /// For what.
        pattern: String,
    },
    /// An annotation was made on a frame of another shape than its image.
    #[error("cannot place annotation {origin} on image `{image}`")]
    Shape {
        /// File and element of the annotation.
        origin: String,
        /// The image.
        image: String,
        /// The two shapes.
        source: GeometryError,
    },
    /// Marks that cannot be drawn: what is missing is said.
    #[error("cannot draw annotation {origin} of image `{image}`: {reason}")]
    Draw {
        /// File and element of the annotation.
        origin: String,
        /// The image.
        image: String,
        /// What is wrong.
        reason: String,
    },
    /// A setting outside its range.
    #[error("{what} is {found}: it must be {expected}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// Its value.
        found: String,
        /// The range.
        expected: &'static str,
    },
}

impl AnnotationError {
    pub(crate) fn open(path: &Path, source: std::io::Error) -> Self {
        Self::Open { path: path.into(), source }
    }

    pub(crate) fn fault(path: &Path, place: Place, reason: impl Into<String>) -> Self {
        Self::Fault { path: path.into(), place, reason: reason.into() }
    }

    pub(crate) fn doubtful(path: &Path, place: Place, reason: impl Into<String>) -> Self {
        Self::Doubtful { path: path.into(), place, reason: reason.into() }
    }

    pub(crate) fn line(path: &Path, line: u64, reason: impl Into<String>) -> Self {
        Self::fault(path, Place::Line(line), reason)
    }

    pub(crate) fn element(path: &Path, element: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::fault(path, Place::Element(element.into()), reason)
    }
}
