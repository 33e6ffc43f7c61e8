//! Where on this machine a data set lies.

use std::path::{Path, PathBuf};

use crate::error::ManifestError;
use crate::manifest::Manifest;

/// The environment variable that the committed manifests start their roots with; `--data-root` stands in for it.
const BASE_VARIABLE: &str = "CYBORG_DATA";

/// See [`Manifest::open`]; `environment` looks up a variable.
pub(crate) fn locate(
    manifest: &Manifest,
    data_root: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<PathBuf, ManifestError> {
    let mut candidates = Vec::new();
    if let Some(base) = data_root {
        candidates.push(base.join(&manifest.id));
    }
    let lookup = |name: &str| match data_root {
        Some(base) if name == BASE_VARIABLE => Some(base.display().to_string()),
        _ => environment(name),
    };
    let unset = match expand(&manifest.root, &lookup) {
        Ok(expanded) => {
            candidates.push(absolute_or_beside(manifest, &expanded).components().collect());
            None
        }
        Err(Unexpanded::Unset(name)) => Some(name),
        Err(Unexpanded::Unclosed) => None, // checked when the manifest was read
    };
    if let Some(found) = candidates.iter().find(|candidate| candidate.is_dir()) {
        return Ok(found.clone());
    }
    candidates.dedup();
    let place = match (&unset, candidates.last()) {
        (None, Some(own)) => own.display().to_string(),
        _ => manifest.root.clone(),
    };
    let folders: Vec<String> = candidates.iter().map(|path| format!("`{}`", path.display())).collect();
    let mut what = match &folders[..] {
        [] => String::new(),
        _ => format!("there is no folder {}", folders.join(", nor ")),
    };
    if let Some(name) = unset {
        let and = if what.is_empty() { "" } else { ", and " };
        what = format!("{what}{and}environment variable `{name}` is not set");
        if name == BASE_VARIABLE {
            what.push_str(" (it names the folder that holds all data sets, as `--data-root` does)");
        }
    }
    Err(manifest.missing(what, &place))
}

/// A relative root lies beside the manifest file, unless it starts with a variable: what a user writes into the
/// environment starts from where the user is.
fn absolute_or_beside(manifest: &Manifest, expanded: &str) -> PathBuf {
    if manifest.root.starts_with("${") {
        return PathBuf::from(expanded);
    }
    let folder = manifest.path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).join(expanded)
}

/// Why a root cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
pub enum Unexpanded {
    /// `${NAME` without an end.
    Unclosed,
    /// No such variable.
    Unset(String),
}

/// Replaces each `${NAME}`.
///
/// # Errors
/// [`Unexpanded`] if a `${` has no end or a name no value.
pub fn expand(root: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, Unexpanded> {
    let mut expanded = String::new();
    let mut rest = root;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or(Unexpanded::Unclosed)?;
        expanded.push_str(before);
        expanded.push_str(&lookup(name).ok_or_else(|| Unexpanded::Unset(name.to_owned()))?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}
