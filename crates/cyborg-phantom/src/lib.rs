//! A procedural benchmark with known artefacts, shortcuts and human maps; no tensors.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum PhantomError {
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: std::io::Error },
}
/// What to draw. Everything here can change a pixel.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FacePhantom {
    /// Side of the square images, in pixels.
    pub image_px: u32,
    /// Training images, half of them synthetic.
    pub n_train: usize,
    /// Validation images, half of them synthetic.
    pub n_validation: usize,
    /// Test images of each of the six unseen generators and of each of the two authentic sources.
    pub n_test_per_source: usize,
    /// Share of training images whose shortcut agrees with the label beyond chance: 0 none (chance), 1 always.
    pub shortcut: f64,
    /// Simulated annotators per training image.
    pub n_annotators: usize,
    pub seed: u64,
}
impl Default for FacePhantom {
    fn default() -> Self {
        Self { image_px: 64, n_train: 800, n_validation: 200, n_test_per_source: 200, shortcut: 0.9, n_annotators: 3, seed: 0 }
    }
}
impl FacePhantom {
    /// Every fault of the settings, in words; empty if they can be drawn.
    pub fn faults(&self) -> Vec<String> {
        todo!()
    }
    /// Name of the folder: stable, from the settings and the version of the drawing code.
    pub fn folder_name(&self) -> String {
        todo!()
    }
}
/// Draws into `parent/<folder_name>/` in parallel (PNGs, maps, table and `manifest.yaml`), or does nothing if that is
/// there complete. Appears whole: drawn under another name, then renamed. Returns the manifest's path.
pub fn generate_faces(
    settings: &FacePhantom,
    parent: &Path,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<PathBuf, PhantomError> {
    todo!()
}
