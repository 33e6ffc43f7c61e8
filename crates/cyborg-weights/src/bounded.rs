//! Reading no more than a file has and than memory bears.

use crate::error::WeightsError;
use cyborg_causes::shown;
use fs_err::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Files above this are not weights of an image classifier: refused before anything is allocated.
pub(crate) const MAX_FILE_BYTES: u64 = 8 << 30;

/// `reason` is one line; names from the file in it cannot make it more.
pub(crate) fn malformed(path: &Path, reason: impl Into<String>) -> WeightsError {
    WeightsError::Malformed { path: path.to_owned(), reason: shown(&reason.into()).into_owned() }
}

pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> WeightsError {
    WeightsError::Read { path: path.to_owned(), source }
}

/// Opens a plain file of bearable size.
pub(crate) fn open(path: &Path) -> Result<File, WeightsError> {
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    let metadata = file.metadata().map_err(|source| unreadable(path, source))?;
    if metadata.is_dir() {
        return Err(malformed(path, "it is a folder; name the weights file in it"));
    }
    if !metadata.is_file() {
        return Err(malformed(path, "it is not a plain file"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        let gib = metadata.len() >> 30;
        return Err(malformed(
            path,
            format!("it has {gib} GiB, at most {} GiB are read", MAX_FILE_BYTES >> 30),
        ));
    }
    Ok(file)
}

pub(crate) fn length(path: &Path, file: &File) -> Result<u64, WeightsError> {
    Ok(file.metadata().map_err(|source| unreadable(path, source))?.len())
}

/// The next `n` bytes, which should be there.
pub(crate) fn read_exact(path: &Path, file: &mut impl Read, n: usize) -> Result<Vec<u8>, WeightsError> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(n).map_err(|_| malformed(path, format!("no memory for {n} bytes of it")))?;
    file.take(n as u64).read_to_end(&mut bytes).map_err(|source| unreadable(path, source))?;
    if bytes.len() < n {
        return Err(malformed(path, format!("it ends after {} of {n} bytes; get it again", bytes.len())));
    }
    Ok(bytes)
}

/// The whole file from its start.
pub(crate) fn read_all(path: &Path, file: &mut File) -> Result<Vec<u8>, WeightsError> {
    let n = length(path, file)? as usize;
    file.seek(SeekFrom::Start(0)).map_err(|source| unreadable(path, source))?;
    read_exact(path, file, n)
}
