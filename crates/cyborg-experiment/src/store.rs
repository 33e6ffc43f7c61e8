//! The run folders: what is finished and still as it was, what is locked, files that appear whole.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use cyborg_files::{Attempt, Lock};
use serde_json::{Value, json};

use crate::ExperimentError;

/// Written last into a run's folder when its training is complete.
const TRAINED: &str = "trained.json";

/// Written last into a test set's folder when it is scored.
const SCORED: &str = "done.json";

/// The folder that holds all runs.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// Whether a step of a run is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// Its marker is missing or cannot be understood: it is still to be done.
    No,
    /// Every file is what it was when the step was finished.
    Yes,
    /// Files were changed or removed since.
    Altered(Vec<Alteration>),
}

/// A file that is not what it was when its step of a run was finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alteration {
    /// The file.
    pub path: PathBuf,
    /// What was found.
    pub found: Difference,
}

/// How a file differs from what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It is not there, or cannot be read.
    Missing,
    /// It has another length.
    Length {
        /// Bytes when it was finished.
        expected: u64,
        /// Bytes now.
        found: u64,
    },
    /// It has the same length and other bytes.
    Content,
}

impl std::fmt::Display for Alteration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display();
        match self.found {
            Difference::Missing => write!(formatter, "`{path}` is missing"),
            Difference::Length { expected, found } => {
                write!(formatter, "`{path}` has {found} bytes, but had {expected} when it was finished")
            }
            Difference::Content => write!(formatter, "`{path}` is not what it was when it was finished"),
        }
    }
}

/// For a message: `a` is missing, `b` is not what it was.
pub(crate) fn in_words(altered: &[Alteration]) -> String {
    let words: Vec<String> = altered.iter().map(ToString::to_string).collect();
    words.join("; ")
}

/// How closely files are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Lengths and times; digests of files that were touched after their marker was written.
    Quick,
    /// Digests of all.
    Full,
}

impl Store {
    /// Over this folder, made when first needed.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// A run's folder.
    pub fn run_dir(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    /// Where one test set's scores of a run lie.
    pub fn test_dir(&self, id: &str, test_digest: &str) -> PathBuf {
        self.run_dir(id).join(format!("test-{}", &test_digest[..test_digest.len().min(12)]))
    }

    /// Training is complete, and its weights are what they were then.
    pub fn is_trained(&self, id: &str) -> bool {
        self.trained(id) == Finished::Yes
    }

    /// The test set is scored, and the scores and CAMs are what they were then.
    pub fn is_scored(&self, id: &str, test_digest: &str) -> bool {
        self.scored(id, test_digest) == Finished::Yes
    }

    /// Whether training is complete; weights that were changed or removed since are named.
    pub fn trained(&self, id: &str) -> Finished {
        finished(&self.run_dir(id), TRAINED, Care::Quick)
    }

    /// Whether the test set is scored; files that were changed or removed since are named.
    pub fn scored(&self, id: &str, test_digest: &str) -> Finished {
        finished(&self.test_dir(id, test_digest), SCORED, Care::Quick)
    }

    /// Compares the digests of all files that were marked as finished in a run's folder, of the training and of every test set,
    /// with what they are now; the files that differ, none if all is well. Unlike [`trained`](Self::trained) and
    /// [`scored`](Self::scored) it does not trust a file because its time is the same.
    ///
    /// # Errors
    /// [`ExperimentError::Io`] if the folder cannot be listed.
    pub fn verify(&self, id: &str) -> Result<Vec<Alteration>, ExperimentError> {
        let dir = self.run_dir(id);
        let io = |e| ExperimentError::io("list", &dir, e);
        let mut folders = vec![(dir.clone(), TRAINED)];
        for entry in fs_err::read_dir(&dir).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.join(SCORED).is_file() {
                folders.push((path, SCORED));
            }
        }
        folders.sort();
        let altered = folders.into_iter().filter_map(|(folder, marker)| {
            match finished(&folder, marker, Care::Full) {
                Finished::Altered(altered) => Some(altered),
                Finished::Yes => None,
                // A training that goes on has no marker yet; one that cannot be understood is damage.
                Finished::No => {
                    let path = folder.join(marker);
                    path.exists().then(|| vec![Alteration { path, found: Difference::Content }])
                }
            }
        });
        Ok(altered.flatten().collect())
    }

    /// The runs that are there, by id, sorted.
    ///
    /// # Errors
    /// [`ExperimentError::Io`] if the folder cannot be listed.
    pub fn ids(&self) -> Result<Vec<String>, ExperimentError> {
        let io = |e| ExperimentError::io("list", &self.root, e);
        let mut ids = Vec::new();
        for entry in fs_err::read_dir(&self.root).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !name.starts_with('.') && path.join("run.json").is_file() {
                ids.push(name);
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// Takes the run for this process until the guard is dropped.
    ///
    /// # Errors
    /// [`ExperimentError::Locked`] if another process has it; [`ExperimentError::Io`] if the folder cannot be made.
    pub fn lock(&self, id: &str) -> Result<RunLock, ExperimentError> {
        let dir = self.run_dir(id);
        fs_err::create_dir_all(&dir).map_err(|e| ExperimentError::io("create run folder", &dir, e))?;
        let path = dir.join("lock");
        let words = format!("process {}", std::process::id());
        match Lock::attempt(&path, &words).map_err(|e| ExperimentError::io("lock", &path, e))? {
            Attempt::Taken(lock) => Ok(RunLock { _lock: lock }),
            Attempt::Held(holder) => {
                let holder = if holder.is_empty() { "unknown".to_owned() } else { holder.trim().to_owned() };
                Err(ExperimentError::Locked { run: id.to_owned(), holder })
            }
        }
    }
}

/// Holds a run; see [`Store::lock`]. It is free again when the process ends, however it ends.
#[derive(Debug)]
pub struct RunLock {
    _lock: Lock,
}

/// blake3 of a file's bytes, hex.
///
/// # Errors
/// [`ExperimentError::Io`].
pub fn file_digest(path: &Path) -> Result<String, ExperimentError> {
    let io = |e| ExperimentError::io("read", path, e);
    let mut hasher = blake3::Hasher::new();
    let mut file = fs_err::File::open(path).map_err(io)?;
    std::io::copy(&mut file, &mut hasher).map_err(io)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Writes a file that is there whole or not at all, also after a power cut.
///
/// # Errors
/// [`ExperimentError::Io`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ExperimentError> {
    let io = |e| ExperimentError::io("write", path, e);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder).map_err(io)?;
    cyborg_files::write_whole(path, bytes).map_err(io)
}

/// As [`write_whole`], for JSON with a line break at the end.
///
/// # Errors
/// [`ExperimentError::Io`].
pub fn write_json(path: &Path, value: &Value) -> Result<(), ExperimentError> {
    write_whole(path, format!("{value:#}\n").as_bytes())
}

/// Declares `files` of `dir` finished: their lengths and digests go into `marker`, which is written last.
///
/// # Errors
/// [`ExperimentError::Io`] if one of them cannot be read or the marker cannot be written.
pub fn finish(dir: &Path, marker: &str, files: &[&str]) -> Result<(), ExperimentError> {
    let mut list = serde_json::Map::new();
    for name in files {
        let path = dir.join(name);
        let bytes = fs_err::metadata(&path).map_err(|e| ExperimentError::io("read", &path, e))?.len();
        let stated = json!({"bytes": bytes, "blake3": file_digest(&path)?});
        list.insert((*name).to_owned(), stated);
    }
    write_json(&dir.join(marker), &json!({"format": 1, "files": list}))
}

/// When a file was last touched, in nanoseconds since 1970: written to, or, where the system tells, renamed or given other times. 0
/// where the file system does not say.
fn touched(metadata: &std::fs::Metadata) -> i128 {
    let written = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let written = written.map_or(0, |since| since.as_nanos() as i128);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        written.max(i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()))
    }
    #[cfg(not(unix))]
    written
}

/// Whether the marker is there and every file that it lists is what the marker says.
fn finished(dir: &Path, marker: &str, care: Care) -> Finished {
    let marker = dir.join(marker);
    let Ok(marked) = fs_err::metadata(&marker).map(|metadata| touched(&metadata)) else {
        return Finished::No;
    };
    let stated = fs_err::read_to_string(&marker).ok().and_then(|text| serde_json::from_str(&text).ok());
    let Some::<Value>(stated) = stated else { return Finished::No };
    let Some(files) = stated.get("files").and_then(Value::as_object) else { return Finished::No };
    if files.is_empty() {
        return Finished::No;
    }
    let mut altered = Vec::new();
    let mut is_marker_old = false;
    for (name, stated) in files {
        let path = dir.join(name);
        let expected =
            (stated.get("bytes").and_then(Value::as_u64), stated.get("blake3").and_then(Value::as_str));
        let (Some(bytes), Some(digest)) = expected else { return Finished::No };
        let Ok(metadata) = fs_err::metadata(&path) else {
            altered.push(Alteration { path, found: Difference::Missing });
            continue;
        };
        if metadata.len() != bytes {
            let found = Difference::Length { expected: bytes, found: metadata.len() };
            altered.push(Alteration { path, found });
            continue;
        }
        // The marker was written last: what was touched later may be something else.
        let is_older = (1..=marked).contains(&touched(&metadata));
        if care == Care::Quick && is_older {
            continue;
        }
        match file_digest(&path) {
            Ok(found) if found == digest => is_marker_old |= !is_older,
            Ok(_) => altered.push(Alteration { path, found: Difference::Content }),
            Err(_) => altered.push(Alteration { path, found: Difference::Missing }),
        }
    }
    if !altered.is_empty() {
        return Finished::Altered(altered);
    }
    if is_marker_old {
        // A copied run folder has new times: the marker's becomes the last again, so that digests are computed once. A store that
        // cannot be written to is as good without.
        let _ = fs_err::OpenOptions::new()
            .append(true)
            .open(&marker)
            .and_then(|file| file.file().set_modified(std::time::SystemTime::now()));
    }
    Finished::Yes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    #[test]
    fn a_run_is_finished_only_while_its_files_are_whole() {
        let dir = temporary();
        let store = Store::new(dir.path());
        let test = store.test_dir("run", "0123456789abcdef");
        assert!(test.ends_with("run/test-0123456789ab"));
        write_whole(&test.join("scores.parquet"), b"abc").expect("written");
        assert!(!store.is_scored("run", "0123456789abcdef"));
        finish(&test, "done.json", &["scores.parquet"]).expect("finished");
        assert!(store.is_scored("run", "0123456789abcdef"));
        // Cut short by a full disk or a careless hand.
        fs_err::write(test.join("scores.parquet"), b"ab").expect("written");
        assert!(!store.is_scored("run", "0123456789abcdef"));
        fs_err::remove_file(test.join("scores.parquet")).expect("removed");
        assert!(!store.is_scored("run", "0123456789abcdef"));
        let missing = Alteration { path: test.join("scores.parquet"), found: Difference::Missing };
        assert_eq!(store.scored("run", "0123456789abcdef"), Finished::Altered(vec![missing]));
    }

    #[test]
    fn other_bytes_of_the_same_length_are_noticed() {
        let dir = temporary();
        let store = Store::new(dir.path());
        let weights = store.run_dir("run").join("best.safetensors");
        write_whole(&weights, b"abc").expect("written");
        write_whole(&store.run_dir("run").join("run.json"), b"{}").expect("written");
        finish(&store.run_dir("run"), TRAINED, &["best.safetensors"]).expect("finished");
        assert_eq!(store.trained("run"), Finished::Yes);
        assert_eq!(store.verify("run").expect("listed"), []);
        let set_time = |path: &Path, time| {
            let file = fs_err::OpenOptions::new().write(true).open(path).expect("opened");
            file.file().set_modified(time).expect("set");
        };
        let marker = store.run_dir("run").join(TRAINED);
        let bytes = fs_err::read(&marker).expect("read");
        let before = fs_err::metadata(&weights).and_then(|metadata| metadata.modified()).expect("a time");
        // Copied: touched later, the same bytes. The marker says the same and is the last again.
        let later = before + std::time::Duration::from_millis(30);
        std::thread::sleep(std::time::Duration::from_millis(30));
        set_time(&weights, later);
        assert_eq!(store.trained("run"), Finished::Yes);
        assert_eq!(fs_err::read(&marker).expect("read"), bytes);
        let time_of = |path: &Path| touched(&fs_err::metadata(path).expect("there"));
        assert!(time_of(&marker) >= time_of(&weights));
        // Altered by a careless hand.
        fs_err::write(&weights, b"abd").expect("written");
        set_time(&weights, later + std::time::Duration::from_secs(5));
        let altered = vec![Alteration { path: weights.clone(), found: Difference::Content }];
        assert_eq!(store.trained("run"), Finished::Altered(altered.clone()));
        assert!(!store.is_trained("run"));
        assert_eq!(store.verify("run").expect("listed"), altered);
        // A marker that was touched later hides it from the quick look, and not from the full one.
        set_time(&marker, later + std::time::Duration::from_secs(10));
        assert_eq!(store.trained("run"), Finished::Yes);
        assert_eq!(store.verify("run").expect("listed"), altered);
        assert_eq!(store.ids().expect("listed"), ["run"]);
    }

    #[test]
    fn digests_are_blake3() {
        let dir = temporary();
        let path = dir.path().join("empty");
        fs_err::write(&path, b"").expect("written");
        // The digest of nothing, from the BLAKE3 paper's test vectors.
        let nothing = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(file_digest(&path).expect("read"), nothing);
    }

    #[test]
    fn a_run_is_held_by_one() {
        let dir = temporary();
        let store = Store::new(dir.path());
        let held = store.lock("run").expect("free");
        let error = store.lock("run").expect_err("held");
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        store.lock("run").expect("free again");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = temporary();
        fs_err::write(dir.path().join("runs"), b"a file where the folder should be").expect("written");
        let error = Store::new(&dir.path().join("runs")).lock("run").expect_err("not a folder");
        assert!(error.to_string().starts_with("cannot create run folder"), "{error}");
    }
}
