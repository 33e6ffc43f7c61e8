//! stub
use super::{Annotations, FoundFile};
use crate::{AnnotationError, Place};
/// How Pascal VOC is read.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct VocOptions {
    /// Only objects of these names; `None`: all.
    pub names: Option<Vec<String>>,
}
pub(super) fn read(file: &FoundFile, _: &VocOptions) -> Result<Annotations, AnnotationError> {
    Err(AnnotationError::fault(&file.path, Place::File, "not read yet"))
}
