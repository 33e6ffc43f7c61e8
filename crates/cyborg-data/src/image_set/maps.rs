//! Human maps at their full resolution, in memory or in their files.

use crate::DataError;
use cyborg_causes::on_one_line;
use cyborg_image::{Raster, read_map};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One map, as far as it is in memory.
#[derive(Clone, Debug)]
pub(super) struct StoredMap {
    place: Place,
    digest: [u8; 32],
}

#[derive(Clone, Debug)]
enum Place {
    Memory(Arc<Raster>),
    File(PathBuf),
}

impl StoredMap {
    pub(super) fn in_memory(map: Raster) -> Self {
        Self { digest: digest(&map), place: Place::Memory(Arc::new(map)) }
    }

    /// `map` was read from `path`; it stays in memory if `keep` says so.
    pub(super) fn of_file(path: &Path, map: Raster, keep: bool) -> Self {
        if keep {
            return Self::in_memory(map);
        }
        Self { digest: digest(&map), place: Place::File(path.to_owned()) }
    }

    /// The digest of size and pixels.
    pub(super) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The map itself; `id` names the item in messages.
    pub(super) fn raster(&self, id: &str) -> Result<Arc<Raster>, DataError> {
        let path = match &self.place {
            Place::Memory(map) => return Ok(Arc::clone(map)),
            Place::File(path) => path,
        };
        let fault = |reason| DataError::Reread {
            what: "the saliency map",
            id: id.to_owned(),
            path: path.clone(),
            reason,
        };
        let map = read_map(path).map_err(|error| fault(on_one_line(&error)))?;
        if digest(&map) != self.digest {
            return Err(fault("the file has changed since the images were loaded: start again".to_owned()));
        }
        Ok(Arc::new(map))
    }
}

fn digest(map: &Raster) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&map.width_px.to_le_bytes()).update(&map.height_px.to_le_bytes()).update(&map.pixels);
    *hasher.finalize().as_bytes()
}
