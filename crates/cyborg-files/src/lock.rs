//! Locks between processes, also where the file system has none.

use crate::claim::Claim;
use fs_err as fs;
use std::fs::TryLockError;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// How long [`Lock::wait`] waits between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// What came of [`Lock::attempt`].
#[derive(Debug)]
pub enum Attempt {
    /// The lock is ours.
    Taken(Lock),
    /// Another has it, and left these words.
    Held(String),
}

/// Holds a lock until it is dropped or the process ends, however it ends.
///
/// The lock is the file system's own (`flock`). On a file system that has none, as Lustre mounted without `-o flock` and some
/// network drives, it is a *claim*: a file beside the lock's, made so that only one process can make it, whose holder
/// writes to it every few seconds. A claim is free when its holder has ended, or, where that cannot be known (another
/// machine or container), when it was not written to for two minutes.
#[derive(Debug)]
pub struct Lock {
    _kind: Kind,
}

#[derive(Debug)]
enum Kind {
    System { _file: fs::File },
    Claim { _claim: Claim },
}

/// Whether the file system's own locks are used. Tests turn them off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Ask,
    #[cfg(test)]
    HasNone,
}

impl Lock {
    /// Takes the lock that the file `path` stands for, if it is free, and leaves `words` for others to read: who holds it, or
    /// what for. The file is made if need be and stays behind; its folder must exist.
    ///
    /// # Errors
    /// Whatever the system says of the file, with its path.
    pub fn attempt(path: &Path, words: &str) -> io::Result<Attempt> {
        Self::attempt_on(path, words, System::Ask)
    }

    pub(crate) fn attempt_on(path: &Path, words: &str, system: System) -> io::Result<Attempt> {
        let mut file = open(path)?;
        match try_lock(&file, system) {
            Ok(()) => {
                file.set_len(0)?;
                file.write_all(words.as_bytes())?;
                Ok(Attempt::Taken(Self { _kind: Kind::System { _file: file } }))
            }
            Err(TryLockError::WouldBlock) => Ok(Attempt::Held(fs::read_to_string(path).unwrap_or_default())),
            Err(TryLockError::Error(error)) if has_no_locks(&error) => match Claim::attempt(path, words)? {
                Ok(claim) => Ok(Attempt::Taken(Self { _kind: Kind::Claim { _claim: claim } })),
                Err(words) => Ok(Attempt::Held(words)),
            },
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// [`Lock::attempt`], again and again until the lock is free.
    ///
    /// # Errors
    /// As [`Lock::attempt`].
    pub fn wait(path: &Path, words: &str) -> io::Result<Self> {
        loop {
            match Self::attempt(path, words)? {
                Attempt::Taken(lock) => return Ok(lock),
                Attempt::Held(_) => std::thread::sleep(PAUSE),
            }
        }
    }
}

/// The words of whoever holds the lock of `path` now; None if nobody does or the lock's file is not there.
///
/// # Errors
/// Whatever the system says of the file, with its path.
pub fn holder(path: &Path) -> io::Result<Option<String>> {
    holder_on(path, System::Ask)
}

pub(crate) fn holder_on(path: &Path, system: System) -> io::Result<Option<String>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let shared = match system {
        System::Ask => file.file().try_lock_shared(),
        #[cfg(test)]
        System::HasNone => Err(TryLockError::Error(io::ErrorKind::Unsupported.into())),
    };
    match shared {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(fs::read_to_string(path)?)),
        Err(TryLockError::Error(error)) if has_no_locks(&error) => Claim::holder(path),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// What is in the file stays.
fn open(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)
}

fn try_lock(file: &fs::File, system: System) -> Result<(), TryLockError> {
    match system {
        System::Ask => file.file().try_lock(),
        #[cfg(test)]
        System::HasNone => Err(TryLockError::Error(io::ErrorKind::Unsupported.into())),
    }
}

/// Whether the file system says that it has no locks: ENOSYS or EOPNOTSUPP (both `Unsupported`), ENOTSUP and ENOLCK.
fn has_no_locks(error: &io::Error) -> bool {
    /// "No locks available", as a network drive without its lock service says: Linux, and then the BSDs with macOS.
    const ENOLCK: i32 = if cfg!(target_os = "linux") { 37 } else { 77 };
    /// macOS has two numbers for "not supported".
    const ENOTSUP: i32 = 45;
    error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error() == Some(ENOLCK)
        || (cfg!(target_os = "macos") && error.raw_os_error() == Some(ENOTSUP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(path: &Path, words: &str, system: System) -> Attempt {
        Lock::attempt_on(path, words, system).expect("no fault")
    }

    #[test]
    fn one_holds_and_the_others_read_who() {
        for system in [System::Ask, System::HasNone] {
            let folder = tempfile::tempdir().expect("temporary folder");
            let path = folder.path().join("lock");
            assert_eq!(holder_on(&path, system).expect("read"), None);
            let Attempt::Taken(first) = take(&path, "the first", system) else { panic!("free") };
            let Attempt::Held(words) = take(&path, "the second", system) else { panic!("held") };
            assert_eq!(words, "the first");
            assert_eq!(holder_on(&path, system).expect("read").as_deref(), Some("the first"));
            drop(first);
            assert_eq!(holder_on(&path, system).expect("read"), None);
            let Attempt::Taken(_second) = take(&path, "the second", system) else { panic!("free again") };
            assert_eq!(holder_on(&path, system).expect("read").as_deref(), Some("the second"));
        }
    }

    #[test]
    fn many_at_once_never_hold_together() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        for system in [System::Ask, System::HasNone] {
            let folder = tempfile::tempdir().expect("temporary folder");
            let path = folder.path().join("lock");
            let (holding, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for _ in 0..20 {
                            if let Attempt::Taken(lock) = take(&path, "one of them", system) {
                                assert_eq!(holding.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                                taken.fetch_add(1, Ordering::SeqCst);
                                std::thread::yield_now();
                                holding.fetch_sub(1, Ordering::SeqCst);
                                drop(lock);
                            }
                        }
                    });
                }
            });
            assert!(taken.into_inner() > 0);
        }
    }

    #[test]
    fn systems_without_locks_are_told_from_faults() {
        assert!(has_no_locks(&io::ErrorKind::Unsupported.into()));
        if cfg!(target_os = "linux") {
            // ENOSYS, EOPNOTSUPP and ENOLCK; EIO and EACCES.
            assert!([38, 95, 37].into_iter().all(|code| has_no_locks(&io::Error::from_raw_os_error(code))));
            assert!(![5, 13].into_iter().any(|code| has_no_locks(&io::Error::from_raw_os_error(code))));
        }
    }
}
