//! Files that are either there in full or not there at all.
use crate::ReportError;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Writes to a temporary sibling, forces it to the disk and renames it over `path`.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let temporary = sibling(path);
    let written = write_and_sync(&temporary, bytes).and_then(|()| fs_err::rename(&temporary, path));
    written.map_err(|source| {
        // The disk may be full: leave nothing behind. That the removal fails too changes nothing.
        drop(fs_err::remove_file(&temporary));
        ReportError::Write { path: path.to_owned(), source }
    })
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs_err::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// `dir/name.ext` -> `dir/.name.ext.<process>.tmp`, so that two processes do not share one.
fn sibling(path: &Path) -> PathBuf {
    let name = path.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy());
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_leaves_no_temporary() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("a.txt");
        write_whole(&path, b"one, longer").expect("first");
        write_whole(&path, b"two").expect("second");
        assert_eq!(fs_err::read(&path).expect("read"), b"two");
        assert_eq!(fs_err::read_dir(dir.path()).expect("list").count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let message = write_whole(&dir.path().join("none/a.txt"), b"x").expect_err("no folder").to_string();
        assert!(message.contains("none/a.txt"), "{message}");
    }
}
