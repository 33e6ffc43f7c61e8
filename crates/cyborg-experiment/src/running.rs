//! Which experiments are running: a locked file for each, which the system lets go of however the process ends.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cyborg_files::{Attempt, Lock};

use crate::ExperimentError;
use crate::check::Experiment;
use crate::context::ExperimentContext;

/// Folder of the files, below that of the runs. No run's id starts with a dot.
const FOLDER: &str = ".running";

/// Says that an experiment runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Announcement {
    _lock: Lock,
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
    let words = serde_json::to_string(&ExperimentContext::new(experiment)).map_err(|e| io(e.into()))?;
    // Who looks whether it is locked holds it for a moment.
    for _ in 0..20 {
        match Lock::attempt(&path, &words).map_err(io)? {
            Attempt::Taken(lock) => return Ok(Some(Announcement { _lock: lock, path })),
            Attempt::Held(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    Ok(None)
}

/// The experiments that run now, by name.
pub(crate) fn running(runs_dir: &Path) -> Vec<ExperimentContext> {
    let Ok(entries) = fs_err::read_dir(runs_dir.join(FOLDER)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "lock"));
    paths.sort();
    // What a killed process has left is held by nobody.
    let read = |path: &PathBuf| -> Option<ExperimentContext> {
        serde_json::from_str(&cyborg_files::holder(path).ok()??).ok()
    };
    paths.iter().filter_map(read).collect()
}
