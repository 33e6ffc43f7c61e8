//! Where `data-manifests/`, `experiments/` and `recipes/` are when the program is started somewhere else.

use std::convert::Infallible;
use std::path::{Component, Path, PathBuf};

const MANIFESTS: &str = "data-manifests";
const FOLDERS: [&str; 3] = [MANIFESTS, "experiments", "recipes"];

/// The folder of the manifests for a command that reads no experiment file: the nearest `data-manifests` at or above the working
/// directory, else that of [`homes`]. If there is none, the name alone, for the message that it is missing.
pub(crate) fn manifests() -> PathBuf {
    if Path::new(MANIFESTS).is_dir() {
        return MANIFESTS.into();
    }
    starts(None).find_map(|start| folder_in(&start)).unwrap_or_else(|| MANIFESTS.into())
}

/// The folder of the manifests that an experiment file names by id: the given one, else the nearest `data-manifests` above the
/// file, else as [`manifests`] says.
pub(crate) fn manifests_for(experiment: &Path, given: Option<&PathBuf>) -> PathBuf {
    if let Some(given) = given {
        return given.clone();
    }
    // As the user wrote it where that will do: messages show it.
    let beside = experiment.parent().unwrap_or(Path::new("")).join("..").join(MANIFESTS);
    if beside.is_dir() {
        return beside;
    }
    starts(Some(experiment)).find_map(|start| folder_in(&start)).unwrap_or_else(manifests)
}

/// A file that the user names: a relative path below `experiments`, `recipes` or `data-manifests` that is not in the working
/// directory is looked for above it and in [`homes`].
#[expect(clippy::unnecessary_wraps, reason = "clap's parsers of values return a Result")]
pub(crate) fn file(text: &str) -> Result<PathBuf, Infallible> {
    let path = PathBuf::from(text);
    let first = path.components().next();
    let known = FOLDERS.iter().any(|folder| first == Some(Component::Normal(folder.as_ref())));
    if !known || path.exists() {
        return Ok(path);
    }
    let found = starts(None).map(|start| start.join(&path)).find(|candidate| candidate.exists());
    Ok(found.unwrap_or(path))
}

/// What to say to someone who names an experiment that is not there: the nearest ones that are.
pub(crate) fn experiments_hint() -> String {
    let folder = starts(None).map(|start| start.join("experiments")).find(|folder| folder.is_dir());
    let Some(folder) = folder else { return String::new() };
    let entries =
        fs_err::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut names: Vec<String> = entries
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .filter_map(|path| Some(format!("`experiments/{}`", path.file_name()?.to_string_lossy())))
        .collect();
    names.sort();
    if names.is_empty() {
        String::new()
    } else {
        format!("\n  hint: those of `{}` are {}", folder.display(), names.join(", "))
    }
}

/// The folder of the repository's programs for PyTorch.
pub(crate) fn benches() -> PathBuf {
    let found =
        starts(None).map(|start| start.join("benches")).find(|dir| dir.join("torch_step.py").is_file());
    found.unwrap_or_else(|| source_tree().join("benches"))
}

fn folder_in(start: &Path) -> Option<PathBuf> {
    let folder = start.join(MANIFESTS);
    folder.is_dir().then_some(folder)
}

/// Folders to look in, nearest first: those above the file, those above the working directory, [`homes`].
fn starts(file: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    let file = file.and_then(|file| fs_err::canonicalize(file).ok());
    let working = std::env::current_dir().ok();
    let above = |path: PathBuf| path.ancestors().map(Path::to_owned).collect::<Vec<_>>();
    file.into_iter().chain(working).flat_map(above).chain(homes())
}

/// `CYBORG_HOME`, and the source tree that the program was built from (it may be gone).
fn homes() -> impl Iterator<Item = PathBuf> {
    std::env::var_os("CYBORG_HOME").map(PathBuf::from).into_iter().chain([source_tree()])
}

fn source_tree() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}
