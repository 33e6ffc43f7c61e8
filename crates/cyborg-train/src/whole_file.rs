//! Files that appear whole or not at all.

use crate::TrainError;
use fs_err as fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a file is called while it is being written: hidden, with this ending.
const UNFINISHED: &str = ".part";

/// Writes to a temporary sibling, makes it durable, renames it. A failure, or a kill at any moment, leaves what was there
/// before (and perhaps a sibling for [`remove_unfinished`]).
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let unfinished = unfinished_sibling(path);
    let written = (|| {
        let mut file = fs::File::create_new(&unfinished)?;
        moment("created");
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        moment("written");
        fs::rename(&unfinished, path)?;
        sync_folder(path)
    })();
    moment("renamed");
    written.map_err(|source| {
        // The error that matters is the first one; the sibling goes at the next start if it cannot go now.
        let _ = fs::remove_file(&unfinished);
        TrainError::Write { path: path.to_owned(), source }
    })
}

/// Removes what writers that were killed have left in `folder`: hidden files ending in `.part` (weights
/// files too, which the network writes).
pub(crate) fn remove_unfinished(folder: &Path) -> Result<(), TrainError> {
    let failed = |path: &Path, source| TrainError::Write { path: path.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(|source| failed(folder, source))? {
        let path = entry.map_err(|source| failed(folder, source))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') && name.ends_with(UNFINISHED) && path.is_file() {
            fs::remove_file(&path).map_err(|source| failed(&path, source))?;
        }
    }
    Ok(())
}

/// No other writer, in this process or another one alive, has this name.
fn unfinished_sibling(path: &Path) -> PathBuf {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}-{number}{UNFINISHED}", process::id()))
}

/// Makes the rename itself durable where the system lets a folder be opened.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A moment at which a kill must be harmless. Tests stop the thread at each of them.
pub(crate) fn moment(name: &'static str) {
    #[cfg(test)]
    tests::stop_if_due(name);
    #[cfg(not(test))]
    let _ = name;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static MOMENTS_LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Lets the current thread live through `n` moments; the next one panics, as a kill would end it.
    pub(crate) fn stop_after(n: Option<usize>) {
        MOMENTS_LEFT.set(n);
    }

    pub(crate) fn stop_if_due(name: &str) {
        match MOMENTS_LEFT.get() {
            Some(0) => {
                MOMENTS_LEFT.set(None);
                std::panic::resume_unwind(Box::new(format!("stopped at `{name}`")));
            }
            Some(n) => MOMENTS_LEFT.set(Some(n - 1)),
            None => {}
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_leftovers_go() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("table.csv");
        write_whole(&path, b"first").expect("written");
        stop_after(Some(1));
        assert!(std::panic::catch_unwind(|| write_whole(&path, b"second")).is_err());
        assert_eq!(fs::read(&path).expect("still there"), b"first");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 2);
        remove_unfinished(folder.path()).expect("removed");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    }

    #[test]
    fn an_impossible_path_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("file");
        fs::write(&file, b"").expect("written");
        // A folder below a file: what root cannot write either.
        let error = write_whole(&file.join("state"), b"x").expect_err("not a folder");
        assert!(
            matches!(&error, TrainError::Write { path, .. } if path.ends_with("file/state")),
            "{error:?}"
        );
    }
}
