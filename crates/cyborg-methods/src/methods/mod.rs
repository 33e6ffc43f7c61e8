//! The methods, a file each.

mod cross_entropy;
mod cyborg;

pub(crate) use cross_entropy::CrossEntropy;
pub(crate) use cyborg::Cyborg;
