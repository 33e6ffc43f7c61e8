//! stub
use super::{Annotations, FoundFile};
use crate::{AnnotationError, Place};
/// How MATLAB files are read.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct MatlabOptions {}
pub(super) fn read(file: &FoundFile, _: &MatlabOptions) -> Result<Annotations, AnnotationError> {
    Err(AnnotationError::fault(&file.path, Place::File, "not read yet"))
}
