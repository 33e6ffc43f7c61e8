//! Opening what a user names, if it is a file.

use fs_err as fs;
use std::io;
use std::path::Path;

/// Opens a regular file for reading; links are followed. A pipe, socket or device of that name is refused before it is opened:
/// opening a pipe waits for a writer who may never come, and some devices never end.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for what is no regular file, naming what it is; otherwise whatever the system says. With
/// the path.
pub fn open_regular(path: &Path) -> io::Result<fs::File> {
    check(path, &fs::metadata(path)?)?;
    let file = fs::File::open(path)?;
    // Another may have taken its place meanwhile.
    check(path, &file.metadata()?)?;
    Ok(file)
}

fn check(path: &Path, metadata: &std::fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let message = format!("`{}` is {}, not a file", path.display(), kind(metadata.file_type()));
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

fn kind(kind: std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    if kind.is_dir() { "a folder" } else { "something of another kind" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn files_and_links_to_them_are_opened() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a");
        fs::write(&path, b"text").expect("written");
        let mut text = String::new();
        open_regular(&path).expect("opened").read_to_string(&mut text).expect("read");
        assert_eq!(text, "text");
        let message = |path: &Path| open_regular(path).expect_err("refused").to_string();
        assert!(message(folder.path()).ends_with("is a folder, not a file"), "{}", message(folder.path()));
        assert!(message(&folder.path().join("b")).contains("/b`"));
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            fs::os::unix::fs::symlink(&path, &link).expect("linked");
            open_regular(&link).expect("a link to a file");
            let null = Path::new("/dev/null");
            assert_eq!(message(null), "`/dev/null` is a device, not a file");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let pipe = folder.path().join("pipe.png");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts");
        assert!(made.success());
        let message = open_regular(&pipe).expect_err("refused").to_string();
        assert!(message.ends_with("pipe.png` is a named pipe, not a file"), "{message}");
    }
}
