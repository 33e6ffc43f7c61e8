//! A temporary folder with a manifest and whatever it needs.

use std::path::PathBuf;

use cyborg_image::{Raster, write_png};
use cyborg_manifest::{Dataset, Manifest, ManifestError, read_manifest};
use tempfile::TempDir;

/// What every manifest of these tests begins with: ten lines.
const HEAD: &str = "\
id: faces
title: Faces
domain: face
licence: mine
obtain: ask me
root: .
classes: [authentic, synthetic]
";

/// A table layout with all columns.
pub(crate) const TABLE: &str = "\
layout:
  table:
    file: rows.csv
    columns: {image: image, label: label, source: source, subject: subject, split: split, map: map}
";

pub(crate) const HEADER: &str = "image,label,source,subject,split,map\n";

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with `manifest.yaml` of the usual head and these last lines.
    pub(crate) fn with_manifest(tail: &str) -> Self {
        let folder = Self::new();
        folder.write("manifest.yaml", format!("{HEAD}{tail}"));
        folder
    }

    /// A folder with a table manifest and these rows under the usual header.
    pub(crate) fn with_rows(rows: &str) -> Self {
        let folder = Self::with_manifest(TABLE);
        folder.write("rows.csv", format!("{HEADER}{rows}"));
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    /// A PNG of a pattern that differs with `seed`; its size and channels are stated.
    pub(crate) fn image(&self, name: &str, (width_px, height_px, channels): (u32, u32, usize), seed: u8) {
        let n = width_px as usize * height_px as usize * channels;
        let pixels = (0..n).map(|i| (i as u8).wrapping_mul(29).wrapping_add(seed)).collect();
        self.raster(name, &Raster { width_px, height_px, channels, pixels });
    }

    pub(crate) fn raster(&self, name: &str, raster: &Raster) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        write_png(&path, raster).unwrap();
    }

    pub(crate) fn manifest(&self) -> Result<Manifest, ManifestError> {
        read_manifest(&self.path("manifest.yaml"))
    }

    pub(crate) fn open(&self) -> Result<Dataset, ManifestError> {
        self.manifest()?.open(None)
    }

    /// The error and its causes, with `DIR` for the folder.
    pub(crate) fn message(&self, error: &ManifestError) -> String {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            text = format!("{text}\ncaused by: {error}");
            cause = error.source();
        }
        text.replace(&self.0.path().display().to_string(), "DIR")
    }

    /// The message of a manifest that must not be read.
    pub(crate) fn manifest_fault(tail: &str) -> String {
        let folder = Self::with_manifest(tail);
        folder.message(&folder.manifest().unwrap_err())
    }

    /// The message of a data set that must not open.
    pub(crate) fn open_fault(&self) -> String {
        self.message(&self.open().unwrap_err())
    }
}
