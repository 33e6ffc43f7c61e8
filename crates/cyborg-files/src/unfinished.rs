//! What files are called while they are written, and what becomes of those whose writer was killed.

use crate::machine::{boot_digits, random};
use fs_err as fs;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// What the name of an unfinished file ends in; it begins with a dot.
const UNFINISHED: &str = ".part";

/// Where locks do not tell (another machine's writer, a file system without locks), a file that was not written to for so
/// long has no writer any more.
const ABANDONED: Duration = Duration::from_hours(24);

/// Bytes of the finished file's name in that of the unfinished one: file systems take 255 in all.
const MAX_NAME: usize = 180;

/// Folders remembered as swept; more are forgotten and swept again.
const MAX_FOLDERS: usize = 10_000;

/// Sixteen hexadecimal digits that no other call, thread, process, container or machine is likely to get, for the names of
/// files that must not meet.
pub fn random_name() -> String {
    format!("{:016x}", random())
}

/// `.NAME.MACHINE-RANDOM.part` beside `path`. The machine's digits say whose locks tell whether the writer lives.
pub(crate) fn sibling(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("`{}` names no file", path.display()))
    })?;
    let mut sibling = OsString::from(".");
    if name.len() <= MAX_NAME {
        sibling.push(name);
    } else {
        let name = name.to_string_lossy();
        sibling.push(&name[..name.floor_char_boundary(MAX_NAME)]);
    }
    sibling.push(format!(".{}-{}{UNFINISHED}", boot_digits(), random_name()));
    Ok(path.with_file_name(sibling))
}

/// Removes what writers that were killed have left in `folder`: hidden files of this crate's names whose writer does not
/// live. While it lives, a writer holds a lock on its file; where locks do not tell, a file that was not written to for a
/// day counts as left.
///
/// # Errors
/// If the folder cannot be listed or a leftover cannot be removed; with its path.
pub fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let Some(is_of_this_machine) = is_unfinished(name) else { continue };
        // Links and folders are not ours, whatever their names.
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            remove_if_abandoned(&entry.path(), is_of_this_machine)?;
        }
    }
    Ok(())
}

/// [`remove_unfinished`], once a process for every folder, before something is written there. What cannot be removed stays:
/// it is in nobody's way.
pub(crate) fn sweep_once(folder: &Path) {
    static SWEPT: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);
    let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if swept.len() >= MAX_FOLDERS {
        swept.clear();
    }
    if swept.insert(folder.to_owned()) {
        drop(swept);
        let _ = remove_unfinished(folder);
    }
}

/// Whether a file name is one of an unfinished file and, if so, of this machine. Earlier versions wrote the numbers of a process
/// and of a file, `.NAME.PID-COUNT.part`, under which no lock was held.
fn is_unfinished(name: &str) -> Option<bool> {
    let (front, mark) = name.strip_prefix('.')?.strip_suffix(UNFINISHED)?.rsplit_once('.')?;
    let (first, second) = mark.split_once('-')?;
    let are_all = |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|byte| is(&byte));
    let is_new = (first.len(), second.len()) == (8, 16)
        && are_all(first, u8::is_ascii_hexdigit)
        && are_all(second, u8::is_ascii_hexdigit);
    let is_old = are_all(first, u8::is_ascii_digit) && are_all(second, u8::is_ascii_digit);
    (!front.is_empty() && (is_new || is_old)).then(|| is_new && first == boot_digits())
}

fn remove_if_abandoned(path: &Path, is_of_this_machine: bool) -> io::Result<()> {
    let file = match fs::OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        // Finished or removed meanwhile, or somebody else's.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let is_abandoned = match file.file().try_lock() {
        Err(TryLockError::WouldBlock) => false,
        Ok(()) if is_of_this_machine => true,
        Ok(()) | Err(TryLockError::Error(_)) => {
            let written = file.metadata()?.modified()?;
            SystemTime::now().duration_since(written).is_ok_and(|age| age > ABANDONED)
        }
    };
    if !is_abandoned {
        return Ok(());
    }
    // Under the lock, so that a writer which has just made the file notices: it locks and then looks whether it is there.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WholeFile;
    use crate::testing::names_in;
    use std::io::Write;

    #[test]
    fn only_our_names_count() {
        let ours = sibling(Path::new("a.txt")).expect("a name");
        let ours = ours.to_str().expect("UTF-8");
        assert_eq!(is_unfinished(ours), Some(true), "{ours}");
        assert_eq!(is_unfinished(".a.txt.17-0.part"), Some(false), "an earlier version's");
        assert_eq!(is_unfinished(".a.txt.01234567-0123456789abcdef.part"), Some(false), "another machine's");
        for other in [
            "a.17-0.part",
            ".a.part",
            ".hidden",
            "movie.part",
            ".17-0.part",
            ".a.x-0.part",
            ".a.17-.part",
            ".part",
        ] {
            assert_eq!(is_unfinished(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_as_long_as_the_file_system_takes_can_be_written() {
        let folder = tempfile::tempdir().expect("temporary folder");
        // 255 bytes, the most that Linux's file systems take.
        let name = "ä".repeat(127) + "x";
        assert_eq!(name.len(), 255);
        crate::write_whole(&folder.path().join(&name), b"whole").expect("written");
        assert_eq!(names_in(folder.path()), [name]);
    }

    #[test]
    fn leftovers_of_the_killed_go_and_nothing_else_does() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let at = |name: &str| folder.path().join(name);
        let alive = WholeFile::create(&at("alive")).expect("begun");
        // A kill lets go of the lock and runs nothing else.
        let killed = sibling(&at("killed")).expect("a name");
        fs::write(&killed, b"half").expect("written");
        let two_days = SystemTime::now() - 2 * ABANDONED;
        let stays = [".hidden", "movie.part", ".new.17-3.part", ".elsewhere.01234567-0123456789abcdef.part"];
        let goes = [".old.17-2.part", ".old.01234567-0123456789abcdef.part"];
        for name in stays.into_iter().chain(goes) {
            fs::write(at(name), b"somebody's").expect("written");
            if goes.contains(&name) {
                let file = fs::OpenOptions::new().write(true).open(at(name)).expect("opened");
                file.file().set_modified(two_days).expect("made old");
            }
        }
        // A folder of such a name is none of ours.
        fs::create_dir(at(".folder.17-2.part")).expect("made");
        remove_unfinished(folder.path()).expect("removed");
        let mut expected: Vec<String> = stays.map(ToOwned::to_owned).to_vec();
        expected.push(".folder.17-2.part".to_owned());
        let alive_name = alive.unfinished_path().file_name().expect("a name").to_string_lossy().into_owned();
        expected.push(alive_name);
        expected.sort();
        assert_eq!(names_in(folder.path()), expected);
    }

    #[test]
    fn a_writer_sweeps_its_folder_first() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a");
        fs::write(sibling(&path).expect("a name"), b"half").expect("written");
        let mut file = WholeFile::create(&path).expect("begun");
        file.write_all(b"whole").expect("written");
        file.finish().expect("finished");
        assert_eq!(names_in(folder.path()), ["a"]);
    }
}
