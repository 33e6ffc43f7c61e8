#![doc = include_str!("../README.md")]

use fs_err as fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a file is called while it is being written: hidden, with this ending.
const UNFINISHED: &str = ".part";

/// Puts `bytes` in `path`'s place, whole. The folder must exist. What went wrong is told with the path; nothing of the
/// attempt is left then, and what was there before still is.
///
/// # Errors
/// Whatever the system says: a missing or read-only folder, a full disk.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)?;
    file.finish()
}

/// A file that takes its name when it is [finished](WholeFile::finish). Dropped before, it leaves nothing.
///
/// Writes are not buffered.
#[derive(Debug)]
pub struct WholeFile {
    /// None once finished.
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
        let unfinished = unfinished_sibling(path)?;
        let file = fs::File::create_new(&unfinished)?;
        Ok(Self { file: Some(file), unfinished, path: path.to_owned() })
    }

    /// Flushes to the disk and gives the file its name.
    ///
    /// # Errors
    /// Whatever the system says; nothing of this file is left then, and what had its name before still has it.
    pub fn finish(mut self) -> io::Result<()> {
        self.file()?.sync_all()?;
        // Windows does not rename an open file.
        let file = self.file.take();
        drop(file);
        if let Err(error) = fs::rename(&self.unfinished, &self.path) {
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

/// Removes what writers that were killed have left in `folder`. Call it only where nobody else is writing.
///
/// # Errors
/// If the folder cannot be listed or a leftover cannot be removed; with its path.
pub fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') && name.ends_with(UNFINISHED) && path.is_file() {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// No other writer, in this process or another one alive, has this name.
fn unfinished_sibling(path: &Path) -> io::Result<PathBuf> {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("`{}` names no file", path.display()))
    })?;
    let mut sibling = std::ffi::OsString::from(".");
    sibling.push(name);
    sibling.push(format!(".{}-{number}{UNFINISHED}", process::id()));
    Ok(path.with_file_name(sibling))
}

/// Makes the new name itself last. The file is whole either way, and some file systems refuse to sync a folder: no
/// error then.
fn sync_folder_of(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix)
        && let Ok(folder) = fs::File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("listed");
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn replaces_and_leaves_no_sibling() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.txt");
        write_whole(&path, b"one, longer").expect("first");
        write_whole(&path, b"two").expect("second");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(names(folder.path()), ["a.txt"]);
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
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn leftovers_of_the_killed_go_and_nothing_else_does() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.txt");
        // A kill runs no destructor.
        std::mem::forget(WholeFile::create(&path).expect("begun"));
        fs::write(folder.path().join(".hidden"), b"somebody's").expect("written");
        fs::write(folder.path().join("movie.part"), b"somebody's").expect("written");
        assert_eq!(names(folder.path()).len(), 3);
        remove_unfinished(folder.path()).expect("removed");
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, [".hidden", "movie.part"]);
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
        assert_eq!(names(folder.path()), ["a.txt"]);
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
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, ["file", "taken"]);
    }
}
