//! What `torch.save` writes: a zip archive since PyTorch 1.6, a row of pickles and storages before.

use crate::bounded::{self, malformed};
use crate::error::WeightsError;
use crate::pickle::{self, Unpickled};
use crate::rebuild::Storage;
use crate::state_dict::{self, StateDict};
use crate::storage::Storages;
use crate::value::{Id, Refusal, Value, Values};
use crate::weights::{Format, Weights};
use crate::zip::Zip;
use fs_err::File;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Reads a zip archive.
pub(crate) fn read_zip(path: &Path) -> Result<Weights, WeightsError> {
    let mut zip = Zip::open(path)?;
    let is_pickle = |name: &&str| *name == "data.pkl" || name.ends_with("/data.pkl");
    let pickles: Vec<String> = zip.names().filter(is_pickle).map(ToOwned::to_owned).collect();
    let [pickle] = pickles.as_slice() else {
        return Err(malformed(
            path,
            format!(
                "it is a zip archive, but not one that `torch.save` wrote: it has {} entries `data.pkl`",
                pickles.len()
            ),
        ));
    };
    let folder = pickle.strip_suffix("data.pkl").unwrap_or_default().to_owned();
    if zip.names().any(|name| name == format!("{folder}constants.pkl")) {
        return Err(malformed(
            path,
            "it is a TorchScript program, not a state dict; load it in Python and save `model.state_dict()`",
        ));
    }
    let order = format!("{folder}byteorder");
    if zip.length(&order).is_some_and(|length| length < 16) && zip.read(&order)? != b"little" {
        return Err(malformed(path, "it was written on a big-endian machine; save it again on another"));
    }
    if zip.length(pickle).is_some_and(|length| length > pickle::MAX_PICKLE_BYTES as u64) {
        return Err(malformed(path, format!("its pickle has more than {} bytes", pickle::MAX_PICKLE_BYTES)));
    }
    let unpickled = unpickle(path, &zip.read(pickle)?)?;
    let found =
        state_dict::find(&unpickled.values, unpickled.root).map_err(|reason| malformed(path, reason))?;
    let mut storages = ZipStorages { zip, folder };
    collect(path, Format::TorchZip, found, &mut storages)
}

struct ZipStorages<'a> {
    zip: Zip<'a>,
    folder: String,
}

impl Storages for ZipStorages<'_> {
    fn length(&self, storage: &Storage) -> Option<u64> {
        self.zip.length(&format!("{}data/{}", self.folder, storage.key))
    }

    fn read(&mut self, storage: &Storage) -> Result<Vec<u8>, WeightsError> {
        self.zip.read(&format!("{}data/{}", self.folder, storage.key))
    }
}

/// The first of the pickles is this number.
const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const LEGACY_PROTOCOL: i64 = 1001;

/// Reads the row of pickles.
pub(crate) fn read_legacy(path: &Path) -> Result<Weights, WeightsError> {
    let mut file = bounded::open(path)?;
    let length = bounded::length(path, &file)?;
    let head_length = length.min(pickle::MAX_PICKLE_BYTES as u64) as usize;
    let head = bounded::read_exact(path, &mut file, head_length)?;
    let mut at = 0;
    let mut next = || {
        let unpickled = unpickle(path, &head[at..])?;
        at += unpickled.length;
        Ok::<_, WeightsError>(unpickled)
    };
    let magic = next()?;
    if !matches!(magic.values.get(magic.root), Value::LargeInt(bytes) if **bytes == LEGACY_MAGIC) {
        return Err(malformed(path, "it is a pickle, but not one that `torch.save` wrote"));
    }
    let protocol = next()?;
    if !matches!(protocol.values.get(protocol.root), Value::Int(LEGACY_PROTOCOL)) {
        return Err(malformed(path, "it is of a version of `torch.save` that is not known"));
    }
    let system = next()?;
    if is_big_endian(&system.values, system.root) {
        return Err(malformed(path, "it was written on a big-endian machine; save it again on another"));
    }
    let object = next()?;
    let keys = next()?;
    let found = state_dict::find(&object.values, object.root).map_err(|reason| malformed(path, reason))?;
    let places = places(path, &mut file, length, at as u64, &object.values, &keys)?;
    collect(path, Format::TorchLegacy, found, &mut LegacyStorages { path, file, places })
}

fn is_big_endian(values: &Values, id: Id) -> bool {
    let Value::Dict(entries) = values.get(id) else { return false };
    entries.iter().any(|(key, value)| {
        matches!(values.get(*key), Value::Text(key) if key.as_ref() == "little_endian")
            && matches!(values.get(*value), Value::Bool(false))
    })
}

/// Start and bytes of each storage: behind the pickles, in the order of `keys`, each behind the number of its elements.
fn places(
    path: &Path,
    file: &mut File,
    length: u64,
    mut at: u64,
    values: &Values,
    keys: &Unpickled,
) -> Result<BTreeMap<String, (u64, u64)>, WeightsError> {
    let Value::List(ids) = keys.values.get(keys.root) else {
        return Err(malformed(path, "its list of storages is none"));
    };
    let storages = values.storages();
    let mut places = BTreeMap::new();
    for id in ids {
        let Value::Text(key) = keys.values.get(*id) else {
            return Err(malformed(path, "its list of storages has an entry that is no name"));
        };
        let cut =
            || malformed(path, format!("it is not whole: it ends before its storage `{key}`; get it again"));
        let size = storages.get(key.as_ref()).map(|storage| element_bytes(storage));
        let size = size.ok_or_else(|| malformed(path, format!("no tensor is of its storage `{key}`")))?;
        let size = size.ok_or_else(|| {
            malformed(
                path,
                format!("its storage `{key}` is of a type that cannot be read; convert it to float32"),
            )
        })?;
        if at.checked_add(8).is_none_or(|end| end > length) {
            return Err(cut());
        }
        let mut n_elements = [0; 8];
        file.seek(SeekFrom::Start(at))
            .and_then(|_| file.read_exact(&mut n_elements))
            .map_err(|source| bounded::unreadable(path, source))?;
        let n_bytes = u64::from_le_bytes(n_elements).checked_mul(size).ok_or_else(cut)?;
        let end = (at + 8).checked_add(n_bytes).filter(|&end| end <= length).ok_or_else(cut)?;
        if places.insert(key.to_string(), (at + 8, n_bytes)).is_some() {
            return Err(malformed(path, format!("its storage `{key}` is listed twice")));
        }
        at = end;
    }
    Ok(places)
}

/// Also of types that no tensor here can have, to find what lies behind them.
fn element_bytes(storage: &Storage) -> Option<u64> {
    match (storage.element, storage.class.as_str()) {
        (Some(element), _) => Some(element.size() as u64),
        (None, "ComplexDoubleStorage") => Some(16),
        (None, "ComplexFloatStorage") => Some(8),
        (None, "QInt32Storage") => Some(4),
        (None, "QInt8Storage" | "QUInt8Storage" | "UntypedStorage") => Some(1),
        (None, _) => None,
    }
}

struct LegacyStorages<'a> {
    path: &'a Path,
    file: File,
    places: BTreeMap<String, (u64, u64)>,
}

impl Storages for LegacyStorages<'_> {
    fn length(&self, storage: &Storage) -> Option<u64> {
        self.places.get(&storage.key).map(|(_, n_bytes)| *n_bytes)
    }

    fn read(&mut self, storage: &Storage) -> Result<Vec<u8>, WeightsError> {
        let (start, n_bytes) = self.places.get(&storage.key).copied().unwrap_or_default();
        self.file.seek(SeekFrom::Start(start)).map_err(|source| bounded::unreadable(self.path, source))?;
        bounded::read_exact(self.path, &mut self.file, n_bytes as usize)
    }
}

fn unpickle(path: &Path, bytes: &[u8]) -> Result<Unpickled, WeightsError> {
    pickle::unpickle(bytes).map_err(|refusal| match refusal {
        Refusal::Malformed(reason) => malformed(path, reason),
        Refusal::Call(global) => {
            WeightsError::Code { path: path.to_owned(), global: cyborg_causes::shown(&global).into_owned() }
        }
    })
}

fn collect(
    path: &Path,
    format: Format,
    found: StateDict<'_>,
    storages: &mut dyn Storages,
) -> Result<Weights, WeightsError> {
    let mut weights = Weights::new(format, BTreeMap::new());
    weights.wrapper = found.wrapper;
    weights.ignored = found.ignored;
    weights.stored_as = crate::storage::elements(path, &found.tensors)?;
    weights.tensors = crate::storage::materialise(path, found.tensors, storages)?;
    Ok(weights)
}
