//! Holding something by a file that only one process can make, for file systems without locks.
//!
//! A claim on `lock` is the file `lock.claim.N` with the holder's process and words. Whoever finds no live claim makes the one
//! after the highest, which only one process can (`O_EXCL`), then looks at all claims once more and gives way if another live one is
//! there: of two that meet, at most one stays. Files of live holders are removed by nobody else, so a slow process
//! cannot take away what a fast one has got meanwhile.

use crate::machine::Process;
use crate::unfinished::sibling;
use fs_err as fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often a holder writes to its claim.
const BEAT: Duration = Duration::from_secs(10);

/// A claim that was not written to for so long, by the file system's own clock, is free, unless its holder is known to live.
const STALE: Duration = Duration::from_mins(2);

/// A held claim.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    /// Dropped to end the beat.
    stop: Option<Sender<()>>,
    beat: Option<JoinHandle<()>>,
}

impl Claim {
    /// Claims `lock`, or gives the words of its holder.
    pub(crate) fn attempt(lock: &Path, words: &str) -> io::Result<Result<Self, String>> {
        let found = Found::look(lock)?;
        if let Some(words) = found.live {
            return Ok(Err(words));
        }
        let path = claim_path(lock, found.highest + 1);
        let content = format!("{}\n{words}", Process::own().to_text());
        let mut file = match fs::File::create_new(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(Err(words_of(&path).unwrap_or_default()));
            }
            Err(error) => return Err(error),
        };
        // From here on the file goes again whatever happens.
        let mut claim = Self { path, stop: None, beat: None };
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        let others = Found::look_except(lock, Some(&claim.path))?;
        if let Some(words) = others.live {
            return Ok(Err(words));
        }
        for left in others.left {
            // What is left of the killed is in nobody's way.
            let _ = fs::remove_file(left);
        }
        claim.begin_to_beat(file, content)?;
        Ok(Ok(claim))
    }

    /// The words of a live holder.
    pub(crate) fn holder(lock: &Path) -> io::Result<Option<String>> {
        Ok(Found::look(lock)?.live)
    }

    fn begin_to_beat(&mut self, mut file: fs::File, content: String) -> io::Result<()> {
        let (stop, stopped) = mpsc::channel::<()>();
        let beat = std::thread::Builder::new().name("claim".to_owned()).spawn(move || {
            while stopped.recv_timeout(BEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
                // The same bytes: what counts is the time, set by the file system. A full disk or a broken connection may
                // pass before others take the claim for abandoned.
                let _ = file
                    .rewind()
                    .and_then(|()| file.write_all(content.as_bytes()))
                    .and_then(|()| file.sync_all());
            }
        })?;
        (self.stop, self.beat) = (Some(stop), Some(beat));
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(beat) = self.beat.take() {
            let _ = beat.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

fn claim_path(lock: &Path, number: u64) -> PathBuf {
    let mut name = lock.file_name().unwrap_or_default().to_owned();
    name.push(format!(".claim.{number}"));
    lock.with_file_name(name)
}

fn words_of(claim: &Path) -> Option<String> {
    Some(fs::read_to_string(claim).ok()?.split_once('\n')?.1.to_owned())
}

/// The claims beside a lock's file.
struct Found {
    highest: u64,
    /// Words of a live holder.
    live: Option<String>,
    left: Vec<PathBuf>,
}

impl Found {
    fn look(lock: &Path) -> io::Result<Self> {
        Self::look_except(lock, None)
    }

    fn look_except(lock: &Path, own: Option<&Path>) -> io::Result<Self> {
        let folder = lock.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let front = format!("{}.claim.", lock.file_name().unwrap_or_default().to_string_lossy());
        let mut found = Self { highest: 0, live: None, left: Vec::new() };
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(number) = name.strip_prefix(&front).and_then(|number| number.parse::<u64>().ok()) else {
                continue;
            };
            found.highest = found.highest.max(number);
            if own == Some(path.as_path()) {
                continue;
            }
            if is_live(&path, folder)? {
                found.live = Some(words_of(&path).unwrap_or_default());
            } else {
                found.left.push(path);
            }
        }
        Ok(found)
    }
}

fn is_live(claim: &Path, folder: &Path) -> io::Result<bool> {
    let gone =
        |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(false) } else { Err(error) };
    let text = match fs::read_to_string(claim) {
        Ok(text) => text,
        Err(error) => return gone(error),
    };
    let process = text.lines().next().and_then(Process::from_text);
    if let Some(has_ended) = process.and_then(|process| process.has_ended()) {
        return Ok(!has_ended);
    }
    let written = match fs::metadata(claim).and_then(|metadata| metadata.modified()) {
        Ok(written) => written,
        Err(error) => return gone(error),
    };
    // Machines' clocks differ; the file system has one.
    let probe = sibling(&folder.join("clock"))?;
    let now = fs::File::create_new(&probe).and_then(|file| file.metadata()?.modified());
    let _ = fs::remove_file(&probe);
    // A claim from the future, as after a clock was set back, counts as fresh.
    Ok(now?.duration_since(written).map_or(true, |age| age < STALE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::names_in;
    use std::time::SystemTime;

    #[test]
    fn what_a_killed_holder_left_is_free() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let lock = folder.path().join("lock");
        let leave = |number, process: &str, age: Duration| {
            let path = claim_path(&lock, number);
            fs::write(&path, format!("{process}\nwords {number}")).expect("written");
            let file = fs::OpenOptions::new().write(true).open(&path).expect("opened");
            file.file().set_modified(SystemTime::now() - age).expect("made old");
        };
        let elsewhere = "7 1234 pid:[1] 00000000-another-machine";
        // Another machine's: its age decides.
        leave(3, elsewhere, STALE / 2);
        assert_eq!(Claim::attempt(&lock, "mine").expect("no fault").err().as_deref(), Some("words 3"));
        leave(3, elsewhere, STALE * 2);
        let claim = Claim::attempt(&lock, "mine").expect("no fault").expect("free");
        assert_eq!(names_in(folder.path()), ["lock.claim.4"], "the leftover is gone");
        drop(claim);
        assert!(names_in(folder.path()).is_empty());
        if cfg!(target_os = "linux") {
            // This machine's: whether the process lives decides, however old its claim is.
            let own = Process::own().to_text();
            leave(1, &own, STALE * 2);
            assert_eq!(Claim::attempt(&lock, "mine").expect("no fault").err().as_deref(), Some("words 1"));
            let mut child = std::process::Command::new("true").spawn().expect("started");
            let ended = own.replacen(&std::process::id().to_string(), &child.id().to_string(), 1);
            child.wait().expect("ended");
            leave(1, &ended, Duration::ZERO);
            let claim = Claim::attempt(&lock, "mine").expect("no fault").expect("free");
            assert_eq!(names_in(folder.path()), ["lock.claim.2"]);
            drop(claim);
        }
        // Killed before it wrote anything.
        leave(1, "", Duration::ZERO);
        assert!(Claim::attempt(&lock, "mine").expect("no fault").is_err());
        leave(1, "", STALE * 2);
        assert!(Claim::attempt(&lock, "mine").expect("no fault").is_ok());
    }

    #[test]
    fn two_that_meet_do_not_both_stay() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let lock = folder.path().join("lock");
        let first = Claim::attempt(&lock, "first").expect("no fault").expect("free");
        // A slow process that saw an older state makes a later claim, and looks again.
        let late = claim_path(&lock, 9);
        fs::write(&late, format!("{}\nlate", Process::own().to_text())).expect("written");
        let others = Found::look_except(&lock, Some(&late)).expect("listed");
        assert_eq!(others.live.as_deref(), Some("first"));
        drop(first);
    }
}
