//! stub
use super::{Annotations, FoundFile};
use crate::{AnnotationError, Place};
/// How EyeTagger's tables are read.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct EyeTaggerOptions {}
pub(super) fn read(file: &FoundFile, _: &EyeTaggerOptions) -> Result<Annotations, AnnotationError> {
    Err(AnnotationError::fault(&file.path, Place::File, "not read yet"))
}
