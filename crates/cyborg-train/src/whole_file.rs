//! Files that appear whole or not at all, with moments at which tests can stop the writer.

use crate::TrainError;
use cyborg_files::WholeFile;
use std::io::Write;
use std::path::Path;

/// Writes beside, makes durable, renames. A failure, or a kill at any moment, leaves what was there before (and perhaps a
/// sibling for [`remove_unfinished`]).
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let written = (|| {
        let mut file = WholeFile::create(path)?;
        moment("created");
        file.write_all(bytes)?;
        moment("written");
        file.finish()
    })();
    moment("renamed");
    written.map_err(|source| TrainError::Write { path: path.to_owned(), source })
}

/// Removes what writers that were killed have left in `folder` (weights files too, which the network writes).
pub(crate) fn remove_unfinished(folder: &Path) -> Result<(), TrainError> {
    cyborg_files::remove_unfinished(folder)
        .map_err(|source| TrainError::Write { path: folder.to_owned(), source })
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
    fn a_writer_that_is_stopped_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("table.csv");
        write_whole(&path, b"first").expect("written");
        for (n_moments, expected) in [(0, b"first".as_slice()), (1, b"first"), (2, b"second")] {
            stop_after(Some(n_moments));
            assert!(std::panic::catch_unwind(|| write_whole(&path, b"second")).is_err());
            assert_eq!(fs_err::read(&path).expect("still there"), expected, "{n_moments}");
        }
    }

    #[test]
    fn an_impossible_path_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("file");
        fs_err::write(&file, b"").expect("written");
        // A folder below a file: what root cannot write either.
        let error = write_whole(&file.join("state"), b"x").expect_err("not a folder");
        assert!(
            matches!(&error, TrainError::Write { path, .. } if path.ends_with("file/state")),
            "{error:?}"
        );
    }
}
