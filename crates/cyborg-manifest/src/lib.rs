#![doc = include_str!("../README.md")]

mod check;
mod dataset;
mod digest;
mod divide;
mod error;
mod leaks;
mod manifest;
mod raw;
mod report;
mod root;
mod rows;
mod schema;
mod source_text;
mod suggest;
mod verify;

pub use dataset::{Dataset, Item, Split};
pub use digest::content_digest;
pub use error::{Faults, ManifestError};
pub use manifest::{Manifest, list_manifests, read_manifest};
pub use raw::{Domain, Expected};
pub use report::{Finding, FindingKind, GroupCount, Severity, SizeCount, VerifyReport};
pub use root::{Unexpanded, expand};
pub use schema::manifest_schema;
pub use source_text::SourceText;
pub use suggest::hint;
pub use verify::verify;
