//! Which running system this process belongs to: locks and process numbers mean something within one only.

use fs_err as fs;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

/// Names the running kernel: all containers of a machine share it, and a restart of the machine changes it. Empty where
/// the system does not tell, and then every process counts as one of the same machine.
pub(crate) fn boot() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
    })
}

/// Eight hexadecimal digits that name the running kernel in file names.
pub(crate) fn boot_digits() -> String {
    let mut hasher = DefaultHasher::new();
    boot().hash(&mut hasher);
    format!("{:08x}", hasher.finish() as u32)
}

/// Names a process for as long as the machine runs: the numbers of processes repeat, and every container counts for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    boot: String,
    /// The container's table of processes.
    namespace: String,
    pid: u32,
    /// When it was started, in the kernel's clock ticks.
    started: String,
}

impl Process {
    pub(crate) fn own() -> Self {
        let pid = std::process::id();
        Self {
            boot: boot().to_owned(),
            namespace: namespace(),
            pid,
            started: started(pid).unwrap_or_default(),
        }
    }

    /// Whether the process has ended; None where that cannot be known from here.
    pub(crate) fn has_ended(&self) -> Option<bool> {
        let is_comparable = !self.boot.is_empty() && !self.namespace.is_empty() && !self.started.is_empty();
        if !is_comparable || self.boot != boot() || self.namespace != namespace() {
            return None;
        }
        Some(started(self.pid).is_none_or(|started| started != self.started))
    }

    /// One line.
    pub(crate) fn to_text(&self) -> String {
        format!("{} {} {} {}", self.pid, self.started, self.namespace, self.boot)
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split(' ').map(ToOwned::to_owned);
        let pid = words.next()?.parse().ok()?;
        let (started, namespace, boot) = (words.next()?, words.next()?, words.next()?);
        Some(Self { boot, namespace, pid, started })
    }
}

fn namespace() -> String {
    fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default()
}

/// The 22nd field of `/proc/PID/stat` (proc(5): `starttime`); the second, a name in brackets, may hold anything. None if there
/// is no such process, or if it is dead and waits to be noticed by its parent.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?;
    let is_dead = matches!(state, "Z" | "X" | "x");
    fields.nth(18).filter(|_| !is_dead).map(ToOwned::to_owned)
}

/// A number that no other call, thread, process or machine is likely to get: 64 bits that hang on the system's own randomness.
pub(crate) fn random() -> u64 {
    // `RandomState` takes its keys from the system's random numbers, once a thread, and counts on from there.
    let mut hasher = std::hash::RandomState::new().build_hasher();
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos())
        .hash(&mut hasher);
    std::process::id().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_one_that_has_ended() {
        let own = Process::own();
        assert_eq!(Process::from_text(&own.to_text()), Some(own.clone()));
        assert_eq!(Process::from_text("7 lines"), None);
        if cfg!(target_os = "linux") {
            assert_eq!(own.has_ended(), Some(false));
            let earlier = Process { started: "1".to_owned(), ..own.clone() };
            assert_eq!(earlier.has_ended(), Some(true), "the number went to another process");
            let mut child = std::process::Command::new("true").spawn().expect("started");
            let pid = child.id();
            child.wait().expect("ended");
            assert_eq!(Process { pid, ..own.clone() }.has_ended(), Some(true));
        }
        let elsewhere = Process { boot: "another machine".to_owned(), ..own };
        assert_eq!(elsewhere.has_ended(), None);
    }
}
