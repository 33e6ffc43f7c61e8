//! The run folders: what is finished, what is locked, files that appear whole.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::ExperimentError;

/// The folder that holds all runs.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Over this folder, made when first needed.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// A run's folder.
    pub fn run_dir(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    /// Where one test set's scores of a run lie.
    pub fn test_dir(&self, id: &str, test_digest: &str) -> PathBuf {
        self.run_dir(id).join(format!("test-{}", &test_digest[..test_digest.len().min(12)]))
    }

    /// Training is complete and its weights are there, whole.
    pub fn is_trained(&self, id: &str) -> bool {
        complete(&self.run_dir(id), "trained.json")
    }

    /// The test set is scored and the scores are there, whole.
    pub fn is_scored(&self, id: &str, test_digest: &str) -> bool {
        complete(&self.test_dir(id, test_digest), "done.json")
    }

    /// Takes the run for this process until the guard is dropped.
    ///
    /// # Errors
    /// [`ExperimentError::Locked`] if another process has it; [`ExperimentError::Io`] if the folder cannot be made.
    pub fn lock(&self, id: &str) -> Result<RunLock, ExperimentError> {
        let dir = self.run_dir(id);
        fs_err::create_dir_all(&dir).map_err(|e| ExperimentError::io("create run folder", &dir, e))?;
        let path = dir.join("lock");
        let io = |e| ExperimentError::io("lock", &path, e);
        let mut file = open_to_lock(&path).map_err(io)?;
        match file.file().try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let holder = fs_err::read_to_string(&path).unwrap_or_default();
                let holder = if holder.is_empty() { "unknown".to_owned() } else { holder.trim().to_owned() };
                return Err(ExperimentError::Locked { run: id.to_owned(), holder });
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(io(e)),
        }
        file.set_len(0).map_err(io)?;
        file.write_all(format!("process {}", std::process::id()).as_bytes()).map_err(io)?;
        Ok(RunLock { _file: file })
    }
}

/// Opens a file that is there to be locked, made if need be; what is in it stays.
pub(crate) fn open_to_lock(path: &Path) -> std::io::Result<fs_err::File> {
    fs_err::OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)
}

/// Holds a run; see [`Store::lock`]. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct RunLock {
    _file: fs_err::File,
}

/// blake3 of a file's bytes, hex.
///
/// # Errors
/// [`ExperimentError::Io`].
pub fn file_digest(path: &Path) -> Result<String, ExperimentError> {
    let io = |e| ExperimentError::io("read", path, e);
    let mut hasher = blake3::Hasher::new();
    let mut file = fs_err::File::open(path).map_err(io)?;
    std::io::copy(&mut file, &mut hasher).map_err(io)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Writes a file that is there whole or not at all, also after a power cut.
///
/// # Errors
/// [`ExperimentError::Io`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ExperimentError> {
    let io = |e| ExperimentError::io("write", path, e);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder).map_err(io)?;
    cyborg_files::write_whole(path, bytes).map_err(io)
}

/// As [`write_whole`], for JSON with a line break at the end.
///
/// # Errors
/// [`ExperimentError::Io`].
pub fn write_json(path: &Path, value: &Value) -> Result<(), ExperimentError> {
    write_whole(path, format!("{value:#}\n").as_bytes())
}

/// Declares `files` of `dir` finished: their lengths and digests go into `marker`, which is written last.
///
/// # Errors
/// [`ExperimentError::Io`] if one of them cannot be read or the marker cannot be written.
pub fn finish(dir: &Path, marker: &str, files: &[&str]) -> Result<(), ExperimentError> {
    let mut list = serde_json::Map::new();
    for name in files {
        let path = dir.join(name);
        let bytes = fs_err::metadata(&path).map_err(|e| ExperimentError::io("read", &path, e))?.len();
        list.insert((*name).to_owned(), json!({"bytes": bytes, "blake3": file_digest(&path)?}));
    }
    write_json(&dir.join(marker), &json!({"format": 1, "files": list}))
}

/// Whether the marker is there and every file it lists has the length it states.
fn complete(dir: &Path, marker: &str) -> bool {
    let Ok(text) = fs_err::read_to_string(dir.join(marker)) else { return false };
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return false };
    let Some(files) = value.get("files").and_then(Value::as_object) else { return false };
    !files.is_empty()
        && files.iter().all(|(name, stated)| {
            let bytes = stated.get("bytes").and_then(Value::as_u64);
            fs_err::metadata(dir.join(name)).ok().map(|m| m.len()) == bytes
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    #[test]
    fn a_run_is_finished_only_while_its_files_are_whole() {
        let dir = temporary();
        let store = Store::new(dir.path());
        let test = store.test_dir("run", "0123456789abcdef");
        assert!(test.ends_with("run/test-0123456789ab"));
        write_whole(&test.join("scores.parquet"), b"abc").expect("written");
        assert!(!store.is_scored("run", "0123456789abcdef"));
        finish(&test, "done.json", &["scores.parquet"]).expect("finished");
        assert!(store.is_scored("run", "0123456789abcdef"));
        // Cut short by a full disk or a careless hand.
        fs_err::write(test.join("scores.parquet"), b"ab").expect("written");
        assert!(!store.is_scored("run", "0123456789abcdef"));
        fs_err::remove_file(test.join("scores.parquet")).expect("removed");
        assert!(!store.is_scored("run", "0123456789abcdef"));
    }

    #[test]
    fn digests_are_blake3() {
        let dir = temporary();
        let path = dir.path().join("empty");
        fs_err::write(&path, b"").expect("written");
        // The digest of nothing, from the BLAKE3 paper's test vectors.
        let nothing = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(file_digest(&path).expect("read"), nothing);
    }

    #[test]
    fn a_run_is_held_by_one() {
        let dir = temporary();
        let store = Store::new(dir.path());
        let held = store.lock("run").expect("free");
        let error = store.lock("run").expect_err("held");
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        store.lock("run").expect("free again");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = temporary();
        fs_err::write(dir.path().join("runs"), b"a file where the folder should be").expect("written");
        let error = Store::new(&dir.path().join("runs")).lock("run").expect_err("not a folder");
        assert!(error.to_string().starts_with("cannot create run folder"), "{error}");
    }
}
