//! A mask or heat map that stays encoded until it is drawn.

use std::path::PathBuf;
use std::sync::Arc;

use super::map_file::{MapOptions, map_from_bytes, read_map};
use super::rle::Runs;
use crate::{AnnotationError, Place, SaliencyMap};

/// A mask or heat map, not decoded yet: a set of 100,000 of them fits in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMap {
    /// Where its values are.
    pub data: MapData,
    /// How values are read from the data.
    pub options: MapOptions,
    /// The part of the annotation's frame that it covers, `(left, top, right, bottom)`; `None`: all of it.
    pub area: Option<(f64, f64, f64, f64)>,
    /// The annotation file, for messages.
    pub path: PathBuf,
    /// Where in that file, for messages.
    pub place: Place,
}

/// Where a stored map's values are.
#[derive(Clone, Debug, PartialEq)]
pub enum MapData {
    /// A file of its own: [`StoredMap::path`].
    File,
    /// An image file's bytes that stood in the annotation file.
    Bytes(Arc<[u8]>),
    /// A mask as run lengths.
    Runs(Runs),
}

impl StoredMap {
    /// A file that [`read_map`] reads.
    pub fn file(path: PathBuf, options: MapOptions) -> Self {
        Self { data: MapData::File, options, area: None, path, place: Place::File }
    }

    /// Decodes it.
    ///
    /// # Errors
    /// As [`read_map`].
    pub fn load(&self) -> Result<SaliencyMap, AnnotationError> {
        match &self.data {
            MapData::File => read_map(&self.path, &self.options),
            MapData::Bytes(bytes) => map_from_bytes(bytes, &self.options, &self.path, &self.place),
            MapData::Runs(runs) => Ok(runs.to_map()),
        }
    }
}
