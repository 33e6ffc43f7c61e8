//! What can be wrong with a manifest, its rows or its files.

use std::fmt;
use std::path::PathBuf;

/// Why a data set cannot be used. Messages say what to do next where there is something to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A file or folder that must be readable is not.
    #[error("cannot read {what} `{path}`")]
    Read {
        /// What was being read.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// What the system said; it names the path.
        source: std::io::Error,
    },
    /// A table or list cannot be read.
    #[error(transparent)]
    TableFile(#[from] cyborg_table::TableError),
    /// The manifest file is not a valid manifest.
    #[error("manifest `{path}` is invalid: {faults}")]
    Invalid {
        /// The manifest file.
        path: PathBuf,
        /// Each with line, column and the line itself.
        faults: Faults,
    },
    /// Two manifests of a folder claim one id.
    #[error(
        "manifests `{first}` and `{second}` have the same id `{id}`: ids must be unique, change one of them"
    )]
    DuplicateId {
        /// The id that both claim.
        id: String,
        /// One of the files.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The data set, or the table that lists it, is not on this machine.
    #[error(
        "data set `{id}` ({title}) is missing: {what}\n  obtain it: {obtain}\n  put it at: `{root}`, or at `BASE/{id}` \
         and say `--data-root BASE`\n  or run the same experiment on drawn images: `--phantom`"
    )]
    Missing {
        /// Id of the manifest.
        id: String,
        /// Its title.
        title: String,
        /// What was looked for and where.
        what: String,
        /// The manifest's advice.
        obtain: String,
        /// Where the manifest expects it.
        root: String,
    },
    /// The table or list cannot be read as what it should be.
    #[error("cannot use `{file}` of data set `{id}`: {reason}")]
    Table {
        /// Id of the manifest.
        id: String,
        /// The table, relative to the root.
        file: String,
        /// What is wrong, with the line where there is one.
        reason: String,
    },
    /// Rows contradict the manifest, each other, or themselves.
    #[error("data set `{id}` states rows that cannot be used: {faults}")]
    Rows {
        /// Id of the manifest.
        id: String,
        /// Each with file and line.
        faults: Faults,
    },
    /// The data set was found and holds no image.
    #[error("data set `{id}` holds no image: {what}")]
    Empty {
        /// Id of the manifest.
        id: String,
        /// Where images were expected.
        what: String,
    },
    /// Links lead out of the root.
    #[error(
        "links of data set `{id}` lead out of its root `{root}`, for {n} of its files\n  - {examples}\n  if they are meant to, state \
         `links_outside_root: true` in the manifest"
    )]
    Outside {
        /// Id of the manifest.
        id: String,
        /// The root.
        root: String,
        /// How many files are outside.
        n: usize,
        /// The first ones and where they are, one a line.
        examples: String,
    },
    /// The rows are there, but files that they name are not.
    #[error(
        "data set `{id}` lacks {n_missing} of the {n_files} files that its rows name\n  - {examples}\n  obtain them: {obtain}\n  \
         `cargo xtask data verify {manifest}` lists what is wrong; `--phantom` runs the same experiment on drawn images"
    )]
    MissingFiles {
        /// Id of the manifest.
        id: String,
        /// The manifest file.
        manifest: PathBuf,
        /// How many are missing.
        n_missing: usize,
        /// How many are named.
        n_files: usize,
        /// The first ones, with the rows that name them, one a line.
        examples: String,
        /// The manifest's advice.
        obtain: String,
    },
    /// An image or map could not be read for its digest.
    #[error(
        "cannot read `{path}`, which {origin} names; `cargo xtask data verify MANIFEST.yaml`, with the manifest's own path, lists all \
         files that are missing"
    )]
    File {
        /// The image or map.
        path: PathBuf,
        /// The row: `lists/original.csv:17`.
        origin: String,
        /// What the system said; it names the path.
        source: std::io::Error,
    },
}

/// Things found wrong, in the order of finding. Keeps the first [`Faults::SHOWN`] and counts the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    shown: Vec<String>,
    n: usize,
}

impl Faults {
    /// How many are kept in words.
    pub const SHOWN: usize = 20;

    pub(crate) fn push(&mut self, fault: String) {
        self.n += 1;
        if self.shown.len() < Self::SHOWN {
            self.shown.push(fault);
        }
    }

    /// None found.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// How many there are, shown or not.
    pub fn len(&self) -> usize {
        self.n
    }

    /// The first ones.
    pub fn shown(&self) -> &[String] {
        &self.shown
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = &self.shown[..] {
            return f.write_str(only);
        }
        write!(f, "{} faults", self.n)?;
        for fault in &self.shown {
            write!(f, "\n- {}", fault.replace('\n', "\n  "))?;
        }
        if self.n > self.shown.len() {
            write!(f, "\n- and {} more", self.n - self.shown.len())?;
        }
        Ok(())
    }
}
