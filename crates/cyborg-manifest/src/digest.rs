//! One digest of everything that training and evaluation can see of a set of images.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::Item;
use crate::error::ManifestError;

/// A file that changed this shortly ago could change again without its time of change showing it.
const SETTLED: Duration = Duration::from_secs(2);

/// Digest (blake3, hex) of what training and evaluation can see of these items: ids, labels, sources, splits and the
/// bytes of images and maps. The order of the items does not matter, nor where on the machine they lie.
///
/// File digests are kept in `cache` (keyed by path, length and time of change) so that a second call reads nothing. The
/// cache may be deleted at any time, and its folder is made if it is not there; one that cannot be read or written is done
/// without. Several processes may share it.
///
/// # Errors
/// [`ManifestError::File`] if an image or map cannot be read; the row that names it is told.
pub fn content_digest(items: &[Item], cache: Option<&Path>) -> Result<String, ManifestError> {
    let known = cache.map(Cache::load).unwrap_or_default();
    let mut items: Vec<&Item> = items.iter().collect();
    items.sort_by(|a, b| a.id.cmp(&b.id));
    let now = SystemTime::now();
    let files: Vec<(&Item, &Path)> = items
        .iter()
        .flat_map(|item| {
            [Some(&item.image), item.map.as_ref()].into_iter().flatten().map(|path| (*item, &**path))
        })
        .collect();
    let digests = files
        .par_iter()
        .map(|(item, path)| {
            let digest = FileDigest::of(path, &known);
            digest.map_err(|source| ManifestError::File {
                path: path.into(),
                origin: item.origin.clone(),
                source,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let by_path: HashMap<&Path, &FileDigest> = files.iter().map(|(_, path)| *path).zip(&digests).collect();
    let mut hasher = blake3::Hasher::new_derive_key("cyborg-manifest 2026 content");
    for item in &items {
        let map = item.map.as_ref().map_or("", |map| &by_path[&**map].digest);
        let fields = [
            &item.id,
            &item.label.to_string(),
            &item.source,
            item.split.name(),
            &by_path[&*item.image].digest,
            map,
        ];
        for field in fields {
            // Lengths keep neighbouring fields apart.
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field.as_bytes());
        }
        if let Some(window) = item.window {
            let (low, high) = window.ends();
            hasher.update(format!("window {low} {high}").as_bytes());
        }
    }
    if let Some(cache) = cache {
        remember(cache, &files, &digests, now);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// What is known of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileDigest {
    /// Bytes.
    len: u64,
    /// Nanoseconds since 1970.
    changed: u64,
    /// blake3 of the bytes, hex.
    digest: String,
}

impl FileDigest {
    fn of(path: &Path, known: &Cache) -> std::io::Result<Self> {
        let metadata = fs_err::metadata(path)?;
        let len = metadata.len();
        let changed = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |since| since.as_nanos() as u64);
        if let Some(entry) = path.to_str().and_then(|path| known.files.get(path))
            && (entry.len, entry.changed) == (len, changed)
        {
            return Ok(entry.clone());
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(cyborg_files::open_regular(path)?)?;
        Ok(Self { len, changed, digest: hasher.finalize().to_hex().to_string() })
    }

    fn is_settled(&self, now: SystemTime) -> bool {
        let changed = UNIX_EPOCH + Duration::from_nanos(self.changed);
        self.changed > 0 && now.duration_since(changed).is_ok_and(|age| age >= SETTLED)
    }
}

/// The cache file. Another `version` is another meaning, and not read.
#[derive(Default, Serialize, Deserialize)]
struct Cache {
    version: u32,
    files: BTreeMap<String, FileDigest>,
}

impl Cache {
    const VERSION: u32 = 1;

    /// An empty cache if there is none, or none that can be read.
    fn load(path: &Path) -> Self {
        let read = fs_err::read(path).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        read.filter(|cache| cache.version == Self::VERSION)
            .unwrap_or_else(|| Self { version: Self::VERSION, files: BTreeMap::new() })
    }
}

/// Adds to the cache file what it does not know. Failing to is no fault: the digests are computed again next time.
fn remember(path: &Path, files: &[(&Item, &Path)], digests: &[FileDigest], now: SystemTime) {
    // Read again: another process may have written since. Whichever renames last wins; both files are true.
    let mut cache = Cache::load(path);
    let mut changed = false;
    for ((_, file), digest) in files.iter().zip(digests) {
        let Some(name) = file.to_str().filter(|_| digest.is_settled(now)) else { continue };
        if cache.files.get(name) != Some(digest) {
            cache.files.insert(name.to_owned(), digest.clone());
            changed = true;
        }
    }
    if changed && let Ok(bytes) = serde_json::to_vec(&cache) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), fs_err::create_dir_all);
        let _ = made.and_then(|()| cyborg_files::write_whole(path, &bytes));
    }
}
