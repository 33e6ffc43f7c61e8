//! Files of the Hugging Face hub, kept in the cache that Python's `huggingface_hub` uses too.

use crate::error::WeightsError;
use crate::source::{HubFile, Source, choose};
use crate::transfer::{Client, Remote};
use fs_err as fs;
use hf_hub::{Cache, Repo, RepoType};
use std::env;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the hub is, where its files are kept, and who asks.
#[derive(Clone, Debug)]
pub struct Hub {
    /// Address of the hub or of a mirror, as `https://huggingface.co`.
    pub endpoint: String,
    /// Where downloads are kept, one `models--OWNER--NAME` folder a repository.
    pub cache_dir: PathBuf,
    /// Whether the network is not to be used.
    pub offline: bool,
    /// For private and gated repositories.
    pub token: Option<String>,
}

/// Watches a download.
pub trait Progress {
    /// A download of `n_bytes` begins, of which `n_here` came earlier.
    fn start(&self, wanted: &str, n_bytes: u64, n_here: u64);

    /// So many bytes more.
    fn advance(&self, n_bytes: u64);

    /// Something that a person may want to know: a broken transfer that goes on, another process that is waited for.
    fn note(&self, line: &str);

    /// The download is whole.
    fn finish(&self);
}

/// Nobody watches.
impl Progress for () {
    fn start(&self, _: &str, _: u64, _: u64) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn finish(&self) {}
}

impl Hub {
    /// As Python's `huggingface_hub` finds it: `HF_ENDPOINT`; `HF_HUB_CACHE`, or `hub` in `HF_HOME`, or in
    /// `huggingface` in `XDG_CACHE_HOME` or `~/.cache`; `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`; `HF_TOKEN`, or the file
    /// `HF_TOKEN_PATH` or `token` in `HF_HOME`, as `hf auth login` writes it. In paths a leading `~`, and `$NAME` and `${NAME}`
    /// anywhere, mean what they mean to Python's `os.path.expanduser` and `expandvars`.
    pub fn from_env() -> Self {
        Self::from_variables(&|name| env::var(name).ok(), env::home_dir())
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<String>, user: Option<PathBuf>) -> Self {
        let set = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let user = user.unwrap_or_else(env::temp_dir);
        let folder = |name: &str| set(name).map(|text| expanded(&text, variable, &user));
        let caches = || folder("XDG_CACHE_HOME").unwrap_or_else(|| user.join(".cache"));
        let home = folder("HF_HOME").unwrap_or_else(|| caches().join("huggingface"));
        let cache_dir = folder("HF_HUB_CACHE")
            .or_else(|| folder("HUGGINGFACE_HUB_CACHE"))
            .unwrap_or_else(|| home.join("hub"));
        let is_on = |name: &str| {
            set(name).is_some_and(|value| ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str()))
        };
        let token = set("HF_TOKEN").or_else(|| set("HUGGING_FACE_HUB_TOKEN")).or_else(|| {
            let path = folder("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
            let token = fs::read_to_string(path).ok()?;
            Some(token.trim().to_owned()).filter(|token| !token.is_empty())
        });
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            cache_dir,
            offline: is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE"),
            token,
        }
    }

    /// The path of the weights: a file's own, or that in the cache of a file of the hub, fetched if need be.
    ///
    /// A commit that is in the cache is taken from there without asking; of a branch or tag the hub is asked what it is
    /// now, and where the hub cannot be reached, what it was last time. A download that broke off goes on where it
    /// stopped, in this call or in a later one; it gets its place in the cache once its length and digest are those that
    /// the hub announced. Processes that want the same file wait for each other.
    ///
    /// # Errors
    /// [`WeightsError::Read`] for a file that is not there; [`WeightsError::NotFound`], [`WeightsError::Forbidden`],
    /// [`WeightsError::Offline`], [`WeightsError::Transfer`], [`WeightsError::Damaged`], [`WeightsError::Cache`].
    pub fn fetch(&self, source: &Source, progress: &dyn Progress) -> Result<PathBuf, WeightsError> {
        match source {
            Source::File(path) => match fs::metadata(path) {
                Ok(_) => Ok(path.clone()),
                Err(source) => Err(WeightsError::Read { path: path.clone(), source }),
            },
            Source::Hub(wanted) => self.fetch_from_hub(wanted, progress),
        }
    }

    fn fetch_from_hub(&self, wanted: &HubFile, progress: &dyn Progress) -> Result<PathBuf, WeightsError> {
        let kept = Kept::new(&self.cache_dir, wanted);
        if (self.offline || is_commit(&wanted.revision))
            && let Some(path) = kept.find(wanted.file.as_deref())
        {
            return Ok(path);
        }
        if self.offline {
            return Err(WeightsError::Offline {
                wanted: wanted.to_string(),
                reason: format!(
                    "offline, and not in the cache `{}`; unset `HF_HUB_OFFLINE`, or copy the cache from a machine \
                     that has it",
                    self.cache_dir.display()
                ),
            });
        }
        let client = Client::new(self, wanted)?;
        let file = match &wanted.file {
            Some(file) => file.clone(),
            None => match client.list() {
                Ok(files) => chosen(wanted, &files)?.to_owned(),
                Err(error) => return kept.or(None, error, progress),
            },
        };
        let remote = match client.look(&file) {
            Ok(remote) => remote,
            Err(error) => return kept.or(Some(&file), error, progress),
        };
        let blob = kept.blob(&remote);
        if !blob.exists() {
            self.download(&client, &remote, &kept, progress)?;
        }
        kept.point(&file, &remote)
    }

    /// Puts the remote file into the cache's `blobs`.
    fn download(
        &self,
        client: &Client<'_>,
        remote: &Remote,
        kept: &Kept,
        progress: &dyn Progress,
    ) -> Result<(), WeightsError> {
        let blob = kept.blob(remote);
        let lock_path =
            self.cache_dir.join(".locks").join(&kept.folder).join(format!("{}.lock", remote.etag));
        make_folder_of(&blob)?;
        make_folder_of(&lock_path)?;
        let lock = fs::File::create(&lock_path).map_err(|source| cache_error(&lock_path, source))?;
        // Where there are no locks, as on some network drives, downloads are not kept apart.
        if let Err(TryLockError::WouldBlock) = lock.file().try_lock() {
            progress.note("waiting for another process that fetches the same file");
            lock.file().lock().map_err(|source| cache_error(&lock_path, source))?;
        }
        // Whoever had the lock may have fetched it.
        if blob.exists() {
            return Ok(());
        }
        let unfinished = blob.with_file_name(format!("{}.incomplete", remote.etag));
        client.transfer(remote, &unfinished, progress)?;
        fs::rename(&unfinished, &blob).map_err(|source| cache_error(&blob, source))?;
        progress.finish();
        Ok(())
    }
}

/// As Python's `os.path.expandvars(os.path.expanduser(text))`, but for the home folders of other users (`~NAME`), which stay as
/// they are, as Python leaves them where it does not know the user: a variable that is not set stays, too.
fn expanded(text: &str, variable: &dyn Fn(&str) -> Option<String>, user: &Path) -> PathBuf {
    let with_home = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = user.to_string_lossy();
            format!("{}{rest}", home.trim_end_matches('/'))
        }
        _ => text.to_owned(),
    };
    let mut path = String::new();
    let mut rest = with_home.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        path.push_str(before);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, end) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some((name, end)) => (name, end),
            None => after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())),
        };
        match variable(name).filter(|_| !name.is_empty()) {
            Some(value) => path.push_str(&value),
            None => path.push_str(
                &with_home[with_home.len() - rest.len() + before.len()..with_home.len() - end.len()],
            ),
        }
        rest = end;
    }
    path.push_str(rest);
    PathBuf::from(path)
}

/// A repository's folder in the cache.
struct Kept {
    root: PathBuf,
    folder: String,
    repo: Repo,
    revision: String,
}

impl Kept {
    fn new(cache_dir: &Path, wanted: &HubFile) -> Self {
        let repo = Repo::with_revision(wanted.repo.clone(), RepoType::Model, wanted.revision.clone());
        let folder = repo.folder_name();
        let revision = wanted.revision.clone();
        Self { root: cache_dir.to_owned(), folder, repo, revision }
    }

    fn cache(&self) -> hf_hub::CacheRepo {
        Cache::new(self.root.clone()).repo(self.repo.clone())
    }

    fn blob(&self, remote: &Remote) -> PathBuf {
        self.root.join(&self.folder).join("blobs").join(&remote.etag)
    }

    /// The folder of the commit that the revision was when it was last looked at.
    fn snapshot(&self) -> Option<PathBuf> {
        let as_commit = self.cache().pointer_path(&self.revision);
        if is_commit(&self.revision) && as_commit.is_dir() {
            return Some(as_commit);
        }
        self.referred().map(|commit| self.cache().pointer_path(&commit))
    }

    /// The commit that the branch or tag was when it was last looked at.
    fn referred(&self) -> Option<String> {
        let reference = self.root.join(&self.folder).join("refs").join(&self.revision);
        let commit = fs::read_to_string(reference).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// The file, or the repository's weights, in the cache.
    fn find(&self, file: Option<&str>) -> Option<PathBuf> {
        let snapshot = self.snapshot()?;
        let file = if let Some(file) = file {
            file.to_owned()
        } else {
            let mut files = Vec::new();
            list(&snapshot, "", &mut files);
            files.sort();
            choose(&files).ok()?.to_owned()
        };
        Some(snapshot.join(file)).filter(|path| path.exists())
    }

    /// What was kept, where the hub cannot be reached; else the error.
    fn or(
        &self,
        file: Option<&str>,
        error: WeightsError,
        progress: &dyn Progress,
    ) -> Result<PathBuf, WeightsError> {
        if matches!(error, WeightsError::Transfer { .. })
            && let Some(path) = self.find(file)
        {
            progress.note(&format!("{error}; what the cache has is used"));
            return Ok(path);
        }
        Err(error)
    }

    /// Lets the commit's file be the blob, and the revision be the commit.
    fn point(&self, file: &str, remote: &Remote) -> Result<PathBuf, WeightsError> {
        let pointer = self.cache().pointer_path(&remote.commit).join(file);
        if !pointer.exists() {
            make_folder_of(&pointer)?;
            remove_left_links(pointer.parent().unwrap_or(&pointer));
            // Made beside and renamed: it takes the place of one that points nowhere, or of one that another process has
            // made meanwhile, without a moment at which there is none.
            let beside = beside(&pointer);
            link(&self.blob(remote), &beside, file)
                .and_then(|()| fs::rename(&beside, &pointer))
                .map_err(|source| cache_error(&pointer, source))?;
        }
        // A cache that cannot be written to, as one that a cluster's users share, is as good while nothing in it changes.
        if self.revision != remote.commit && self.referred().as_deref() != Some(&remote.commit) {
            self.cache().create_ref(&remote.commit).map_err(|source| {
                cache_error(&self.root.join(&self.folder).join("refs").join(&self.revision), source)
            })?;
        }
        Ok(pointer)
    }
}

/// What the name of a link that has not taken its place yet begins with.
const BESIDE: &str = ".cyborg-";

/// A name that no other thread, process or container uses.
fn beside(pointer: &Path) -> PathBuf {
    pointer.with_file_name(format!("{BESIDE}{}", cyborg_files::random_name()))
}

/// Removes links that writers which were killed have left, and that nobody can be about to rename any more.
fn remove_left_links(folder: &Path) {
    const ABANDONED: Duration = Duration::from_hours(1);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(BESIDE));
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|time| time.elapsed().ok());
        if is_ours && age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A relative link as Python makes it, from `snapshots/COMMIT/file` to `blobs/etag`.
#[cfg(unix)]
fn link(blob: &Path, pointer: &Path, file: &str) -> std::io::Result<()> {
    let up = "../".repeat(2 + file.matches('/').count());
    let target = Path::new(&up).join("blobs").join(blob.file_name().unwrap_or_default());
    fs::os::unix::fs::symlink(target, pointer)
}

/// Where links are not for everybody, the file itself, as Python does there.
#[cfg(not(unix))]
fn link(blob: &Path, pointer: &Path, _: &str) -> std::io::Result<()> {
    fs::copy(blob, pointer).map(|_| ())
}

/// Files below `folder`, with their paths from the snapshot on.
fn list(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            list(&entry.path(), &format!("{name}/"), files);
        } else if !entry.file_name().to_string_lossy().starts_with(BESIDE) {
            files.push(name);
        }
    }
}

fn chosen<'a>(wanted: &HubFile, files: &'a [String]) -> Result<&'a str, WeightsError> {
    choose(files).map_err(|candidates| {
        let reason = if candidates.is_empty() {
            "the repository has no `.safetensors`, `.pth`, `.pt` or `.bin`".to_owned()
        } else {
            format!(
                "the repository has several weights files: `{}`; name one of them",
                candidates.join("`, `")
            )
        };
        WeightsError::NotFound { wanted: wanted.to_string(), reason }
    })
}

/// Whether a revision is a commit's full name, which never means another commit later.
pub(crate) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn make_folder_of(path: &Path) -> Result<(), WeightsError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|source| cache_error(folder, source))
}

pub(crate) fn cache_error(path: &Path, source: std::io::Error) -> WeightsError {
    WeightsError::Cache { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(variables: &[(&str, &str)]) -> Hub {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Hub::from_variables(&find, Some(PathBuf::from("/home/ada")))
    }

    #[test]
    fn the_environment_is_read_as_python_does() {
        let plain = hub(&[]);
        assert_eq!(plain.endpoint, "https://huggingface.co");
        assert_eq!(plain.cache_dir, Path::new("/home/ada/.cache/huggingface/hub"));
        assert!(!plain.offline && plain.token.is_none());
        let cache = |variables: &[(&str, &str)]| hub(variables).cache_dir;
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/c")]), Path::new("/c/huggingface/hub"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/c"), ("HF_HOME", "/h")]), Path::new("/h/hub"));
        assert_eq!(cache(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "/k")]), Path::new("/k"));
        // os.path.expandvars(os.path.expanduser(text)) of Python 3.12 with HOME=/home/ada and SCRATCH=/s.
        for (text, expected) in [
            ("~", "/home/ada"),
            ("~/hf", "/home/ada/hf"),
            ("~bob/hf", "~bob/hf"),
            ("/a/~/hf", "/a/~/hf"),
            ("$SCRATCH/hf", "/s/hf"),
            ("${SCRATCH}x/$SCRATCH", "/sx//s"),
            ("/a/$UNSET/${UNSET}/$", "/a/$UNSET/${UNSET}/$"),
            ("$SCRATCHY/hf", "$SCRATCHY/hf"),
        ] {
            assert_eq!(cache(&[("HF_HUB_CACHE", text), ("SCRATCH", "/s")]), Path::new(expected), "{text}");
            let home = cache(&[("HF_HOME", text), ("SCRATCH", "/s")]);
            assert_eq!(home, Path::new(expected).join("hub"), "{text}");
            let caches = cache(&[("XDG_CACHE_HOME", text), ("SCRATCH", "/s")]);
            assert_eq!(caches, Path::new(expected).join("huggingface/hub"), "{text}");
        }
        assert_eq!(hub(&[("HF_ENDPOINT", "http://mirror/")]).endpoint, "http://mirror");
        assert_eq!(hub(&[("HF_ENDPOINT", " ")]).endpoint, "https://huggingface.co");
        for (value, expected) in [("1", true), ("true", true), ("YES", true), ("0", false), ("", false)] {
            assert_eq!(hub(&[("HF_HUB_OFFLINE", value)]).offline, expected, "{value}");
        }
        assert_eq!(hub(&[("HF_TOKEN", " hf_x\n")]).token.as_deref(), Some("hf_x"));
        let home = tempfile::tempdir().expect("a folder");
        let home_name = home.path().to_str().expect("UTF-8");
        fs::write(home.path().join("token"), "hf_file\n").expect("written");
        assert_eq!(hub(&[("HF_HOME", home_name)]).token.as_deref(), Some("hf_file"));
        let by_path = hub(&[("HF_TOKEN_PATH", "$HERE/token"), ("HERE", home_name)]);
        assert_eq!(by_path.token.as_deref(), Some("hf_file"));
        assert_eq!(hub(&[("HF_HOME", home_name), ("HF_TOKEN", "hf_x")]).token.as_deref(), Some("hf_x"));
    }
}
