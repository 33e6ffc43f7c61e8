//! A file that takes its name when it is complete.

use crate::unfinished::{sibling, sweep_once};
use fs_err as fs;
use std::fs::TryLockError;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Names tried for an unfinished file. They are random: a second is hardly ever needed.
const MAX_ATTEMPTS: usize = 16;

/// Puts `bytes` in `path`'s place, whole. The folder must exist. An error states the path; nothing of the attempt is left
/// then, and what was there before still is.
///
/// # Errors
/// Whatever the system says: a missing or read-only folder, a full disk.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)?;
    file.finish()
}

/// A file that takes its name when it is [finished](WholeFile::finish). Dropped before, it leaves nothing; of a process that is
/// killed it leaves a hidden file, which the next writer in that folder removes.
///
/// Writes are not buffered.
#[derive(Debug)]
pub struct WholeFile {
    /// None once finished. Locked where the file system has locks.
    file: Option<fs::File>,
    unfinished: PathBuf,
    path: PathBuf,
}

impl WholeFile {
    /// Begins a file that will be called `path`. The folder must exist.
    ///
    /// # Errors
    /// Whatever the system says: a missing or read-only folder, no name in `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        sweep_once(folder_of(path));
        let mut taken = None;
        for _ in 0..MAX_ATTEMPTS {
            let unfinished = sibling(path)?;
            let file = match fs::File::create_new(&unfinished) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    taken = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let is_ours = match file.file().try_lock() {
                // Someone who clears the folder may have been faster than the lock.
                Ok(()) => unfinished.exists(),
                Err(TryLockError::WouldBlock) => false,
                // Without locks nobody clears away what is new.
                Err(TryLockError::Error(_)) => true,
            };
            if is_ours {
                return Ok(Self { file: Some(file), unfinished, path: path.to_owned() });
            }
        }
        Err(taken.unwrap_or_else(|| {
            io::Error::other(format!(
                "files beside `{}` are removed as soon as they are made",
                path.display()
            ))
        }))
    }

    /// Flushes to the disk and gives the file its name.
    ///
    /// # Errors
    /// Whatever the system says; nothing of this file is left then, and what had its name before still has it.
    pub fn finish(mut self) -> io::Result<()> {
        self.file()?.sync_all()?;
        let file = self.file.take();
        // Windows does not rename an open file. Elsewhere the lock is held until the file has its name, so that nobody takes
        // it for a leftover at the last moment.
        let held = if cfg!(windows) { None } else { file };
        let renamed = fs::rename(&self.unfinished, &self.path);
        drop(held);
        if let Err(error) = renamed {
            // The error that matters is the first one.
            let _ = fs::remove_file(&self.unfinished);
            return Err(error);
        }
        sync_folder_of(&self.path);
        Ok(())
    }

    fn file(&mut self) -> io::Result<&mut fs::File> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the file is finished"))
    }

    #[cfg(test)]
    pub(crate) fn unfinished_path(&self) -> &Path {
        &self.unfinished
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Seek for WholeFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            drop(file);
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the new name itself last. The file is whole either way, and some file systems refuse to sync a folder: no
/// error then.
fn sync_folder_of(path: &Path) {
    if cfg!(unix)
        && let Ok(folder) = fs::File::open(folder_of(path))
    {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::names_in;

    #[test]
    fn replaces_and_leaves_no_sibling() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.txt");
        write_whole(&path, b"one, longer").expect("first");
        write_whole(&path, b"two").expect("second");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(names_in(folder.path()), ["a.txt"]);
    }

    #[test]
    fn what_is_not_finished_was_never_there() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.txt");
        write_whole(&path, b"before").expect("written");
        let mut file = WholeFile::create(&path).expect("begun");
        file.write_all(b"after").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"before");
        drop(file);
        assert_eq!(fs::read(&path).expect("read"), b"before");
        assert_eq!(names_in(folder.path()), ["a.txt"]);
    }

    #[test]
    fn two_writers_of_one_name_do_not_meet() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.txt");
        let mut first = WholeFile::create(&path).expect("begun");
        let mut second = WholeFile::create(&path).expect("begun");
        first.write_all(b"first").expect("written");
        second.write_all(b"second").expect("written");
        second.finish().expect("finished");
        first.finish().expect("finished");
        assert_eq!(fs::read(&path).expect("read"), b"first");
        assert_eq!(names_in(folder.path()), ["a.txt"]);
    }

    #[test]
    fn an_impossible_path_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("file");
        write_whole(&file, b"").expect("written");
        // A folder below a file: what root cannot write either.
        let error = write_whole(&file.join("state"), b"x").expect_err("not a folder");
        assert!(error.to_string().contains("state"), "{error}");
        let error = write_whole(Path::new(".."), b"x").expect_err("no name");
        assert!(error.to_string().contains("names no file"), "{error}");
        // A folder in the file's place: the attempt is gone again.
        fs::create_dir(folder.path().join("taken")).expect("made");
        write_whole(&folder.path().join("taken"), b"x").expect_err("a folder is in the way");
        let left = names_in(folder.path());
        assert_eq!(left, ["file", "taken"]);
    }
}
