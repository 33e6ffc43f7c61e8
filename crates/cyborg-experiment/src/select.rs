//! Run folders by path, by pattern or by the folder that holds them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::ExperimentError;
use crate::context::{Context, recall};
use crate::store::Store;

/// A run folder and what it says of itself.
#[derive(Clone, Debug)]
pub(crate) struct FoundRun {
    pub(crate) dir: PathBuf,
    /// Everything that could change a trained number.
    pub(crate) identity: Value,
    /// What `run.json` says of the data: name, title, phantom, classes.
    pub(crate) data: Value,
    /// What experiments noted about it.
    pub(crate) contexts: Vec<Context>,
    /// First digits of the digest of each test set that is scored, and the folder of its scores.
    pub(crate) tests: Vec<(String, PathBuf)>,
    /// Why there is no result, where that is so.
    pub(crate) unfinished: Option<String>,
}

impl FoundRun {
    /// Reads a run folder.
    fn read(dir: &Path) -> Result<Self, ExperimentError> {
        let refused = |reason: String| {
            ExperimentError::Selection {
            argument: dir.display().to_string(),
            reason,
            hint: "give run folders such as `runs/resnet50_cyborg-0.5_s0_0123456789ab`, or the folder that holds them"
                .to_owned(),
        }
        };
        let path = dir.join("run.json");
        let text = fs_err::read_to_string(&path)
            .map_err(|e| refused(format!("it is no run folder: {}", e.kind())))?;
        let run: Value =
            serde_json::from_str(&text).map_err(|e| refused(format!("`run.json` cannot be read: {e}")))?;
        let identity = run.get("identity").cloned().unwrap_or_default();
        if identity.get("seed").and_then(Value::as_u64).is_none()
            || identity.get("backbone").and_then(Value::as_str).is_none()
        {
            return Err(refused("its `run.json` states no backbone or no seed".to_owned()));
        }
        let store = Store::new(dir.parent().unwrap_or(Path::new("")));
        let id = dir.file_name().unwrap_or_default().to_string_lossy();
        let mut tests = Vec::new();
        let entries = fs_err::read_dir(dir).map_err(|e| ExperimentError::io("list", dir, e))?;
        for entry in entries {
            let path = entry.map_err(|e| ExperimentError::io("list", dir, e))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(digest) = name.strip_prefix("test-")
                && store.is_scored(&id, digest)
            {
                tests.push((digest.to_owned(), path));
            }
        }
        tests.sort();
        let unfinished = tests.is_empty().then(|| {
            let failed: Option<Value> = fs_err::read_to_string(dir.join("failed.json"))
                .ok()
                .and_then(|text| serde_json::from_str(&text).ok());
            failed
                .and_then(|failed| Some(failed.get("reason")?.as_str()?.to_owned()))
                .unwrap_or_else(|| format!("`{}` is not finished; run its experiment again", dir.display()))
        });
        Ok(Self {
            dir: dir.to_owned(),
            data: run.get("data").cloned().unwrap_or_default(),
            contexts: recall(dir),
            identity,
            tests,
            unfinished,
        })
    }

    /// The number that fixed initial weights and image order.
    pub(crate) fn seed(&self) -> u64 {
        self.identity.get("seed").and_then(Value::as_u64).unwrap_or_default()
    }

    /// Name of the network.
    pub(crate) fn backbone(&self) -> &str {
        self.identity.get("backbone").and_then(Value::as_str).unwrap_or("?")
    }
}

/// Whether an argument can only mean folders.
pub(crate) fn is_path(argument: &str) -> bool {
    argument.contains(['*', '?', '/', '\\']) || Path::new(argument).is_dir()
}

/// The run folders that the arguments name, each once, in the order of their names.
///
/// An argument is a run folder, a folder of run folders, or a pattern with `*` and `?` in its last part.
///
/// # Errors
/// [`ExperimentError::Selection`] for an argument that names no run.
pub(crate) fn find_runs(arguments: &[String]) -> Result<Vec<FoundRun>, ExperimentError> {
    let mut dirs: BTreeSet<PathBuf> = BTreeSet::new();
    for argument in arguments {
        let refused = |reason: &str, hint: &str| ExperimentError::Selection {
            argument: argument.clone(),
            reason: reason.to_owned(),
            hint: hint.to_owned(),
        };
        let path: PathBuf = Path::new(argument).components().collect();
        let last = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.join("run.json").is_file() {
            dirs.insert(path);
            continue;
        }
        let (folder, pattern) = if last.contains(['*', '?']) {
            (path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned(), last)
        } else if path.is_dir() {
            (path.clone(), "*".to_owned())
        } else {
            let hint = "`ls runs` shows the run folders; `cargo xtask report experiments/NAME.yaml` takes an \
                        experiment's";
            return Err(refused("there is no such folder", hint));
        };
        let entries = fs_err::read_dir(&folder).map_err(|e| ExperimentError::io("list", &folder, e))?;
        let mut matching: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        matching.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            matches(&pattern, &name) && path.join("run.json").is_file()
        });
        if matching.is_empty() {
            return Err(refused("no run folder is there", "a run folder holds a `run.json`"));
        }
        dirs.extend(matching);
    }
    dirs.iter().map(|dir| FoundRun::read(dir)).collect()
}

/// Whether a name fits a pattern in which `*` stands for any characters and `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on if the last `*` has to take one character more.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        assert!(matches("*", "anything"));
        assert!(matches("resnet*_s?_*", "resnet18_ce_s0_abc"));
        assert!(matches("*cyborg*", "thin-resnet8_cyborg-0.5_s0_1da7"));
        assert!(matches("a*b*c", "aXbXbXc"));
        assert!(!matches("a*b*c", "aXbXbX"));
        assert!(!matches("?", ""));
        assert!(!matches("ce", "ce2"));
        assert!(matches("", ""));
    }

    #[test]
    fn what_is_no_run_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let refuse = |argument: &Path, expected: &str| {
            let error = find_runs(&[argument.display().to_string()]).expect_err("no run").to_string();
            assert!(error.contains(expected), "{error}");
        };
        refuse(&dir.path().join("none"), "there is no such folder");
        refuse(dir.path(), "no run folder is there");
        let run = dir.path().join("run");
        fs_err::create_dir(&run).expect("made");
        fs_err::write(run.join("run.json"), "{").expect("written");
        refuse(&run, "`run.json` cannot be read");
        fs_err::write(run.join("run.json"), "{\"identity\": {\"backbone\": \"x\"}}").expect("written");
        refuse(&run, "states no backbone or no seed");
        fs_err::write(run.join("run.json"), "{\"identity\": {\"backbone\": \"x\", \"seed\": 3}}")
            .expect("written");
        let found = find_runs(&[dir.path().join("r*").display().to_string()]).expect("a run");
        assert_eq!((found.len(), found[0].seed(), found[0].backbone()), (1, 3, "x"));
        assert!(found[0].unfinished.as_deref().is_some_and(|reason| reason.contains("not finished")));
        fs_err::write(run.join("failed.json"), "{\"reason\": \"the disk is full\"}").expect("written");
        let found = find_runs(&[run.display().to_string()]).expect("a run");
        assert_eq!(found[0].unfinished.as_deref(), Some("the disk is full"));
    }
}
