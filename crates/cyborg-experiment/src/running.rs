//! Which experiments are running: a locked file for each, which the system lets go of however the process ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ExperimentError;
use crate::check::Experiment;
use crate::context::ExperimentContext;
use crate::store::open_to_lock;

/// Folder of the files, below that of the runs. No run's id starts with a dot.
const FOLDER: &str = ".running";

/// Says that an experiment runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Announcement {
    /// Holds the lock.
    _file: fs_err::File,
    path: PathBuf,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // Removed while still locked, so that no other process can mistake it for its own.
        let _ = fs_err::remove_file(&self.path);
    }
}

/// Announces the experiment to those who follow it. None if another process has announced the same one already.
///
/// # Errors
/// [`ExperimentError::Io`].
pub(crate) fn announce(
    experiment: &Experiment,
    runs_dir: &Path,
) -> Result<Option<Announcement>, ExperimentError> {
    let folder = runs_dir.join(FOLDER);
    fs_err::create_dir_all(&folder).map_err(|e| ExperimentError::io("create", &folder, e))?;
    let path = folder.join(format!("{}.lock", experiment.name));
    let io = |e| ExperimentError::io("lock", &path, e);
    let mut file = open_to_lock(&path).map_err(io)?;
    // Who looks whether it is locked holds it for a moment.
    for _ in 0..20 {
        match file.file().try_lock() {
            Ok(()) => {
                let text = serde_json::to_vec(&ExperimentContext::new(experiment))
                    .map_err(|e| io(std::io::Error::other(e)))?;
                file.set_len(0).map_err(io)?;
                file.write_all(&text).map_err(io)?;
                return Ok(Some(Announcement { _file: file, path }));
            }
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            Err(std::fs::TryLockError::Error(e)) => return Err(io(e)),
        }
    }
    Ok(None)
}

/// The experiments that run now, by name.
pub(crate) fn running(runs_dir: &Path) -> Vec<ExperimentContext> {
    let Ok(entries) = fs_err::read_dir(runs_dir.join(FOLDER)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let read = |path: &PathBuf| -> Option<ExperimentContext> {
        let file = fs_err::File::open(path).ok()?;
        match file.file().try_lock_shared() {
            // What a killed process has left.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => None,
            Err(std::fs::TryLockError::WouldBlock) => {
                serde_json::from_str(&fs_err::read_to_string(path).ok()?).ok()
            }
        }
    };
    paths.iter().filter_map(read).collect()
}
