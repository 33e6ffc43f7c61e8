//! stub
use super::{Annotations, FoundFile};
use crate::{AnnotationError, Place};
/// How SVG is read.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SvgOptions {
    /// What shapes mean.
    pub paint: Paint,
}
/// What the shapes of a drawing mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Paint {
    /// As stated.
    #[default]
    Stated,
    /// Outlines only.
    Strokes,
    /// Insides only.
    Regions,
}
pub(super) fn read(file: &FoundFile, _: &SvgOptions) -> Result<Annotations, AnnotationError> {
    Err(AnnotationError::fault(&file.path, Place::File, "not read yet"))
}
