//! Whether the files of a data set are inside its root, links followed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::dataset::Item;
use crate::error::ManifestError;
use crate::manifest::Manifest;

/// How many files are named.
const EXAMPLES: usize = 5;

/// Refuses files whose links lead out of `root`. Files that are not there are passed over: others tell of them.
///
/// # Errors
/// [`ManifestError::Outside`] with the first ones.
pub(super) fn check(manifest: &Manifest, root: &Path, items: &[Item]) -> Result<(), ManifestError> {
    let Ok(real_root) = fs_err::canonicalize(root) else { return Ok(()) };
    let files = || items.iter().flat_map(|item| [Some(&item.image), item.map.as_ref()].into_iter().flatten());
    // Few folders hold many files, so that one look at each file and one walk for each folder are enough.
    let folders: BTreeSet<&Path> = files().filter_map(|file| file.parent()).collect();
    let real: BTreeMap<&Path, Option<PathBuf>> =
        folders.into_par_iter().map(|folder| (folder, fs_err::canonicalize(folder).ok())).collect();
    let files: Vec<&PathBuf> = files().collect();
    let outside: Vec<(&PathBuf, PathBuf)> = files
        .into_par_iter()
        .filter_map(|file| {
            let folder = real.get(file.parent()?)?.as_ref()?;
            let is_link = fs_err::symlink_metadata(file).is_ok_and(|metadata| metadata.is_symlink());
            let real =
                if is_link { fs_err::canonicalize(file).ok()? } else { folder.join(file.file_name()?) };
            (!real.starts_with(&real_root)).then_some((file, real))
        })
        .collect();
    if outside.is_empty() {
        return Ok(());
    }
    let named = |(file, real): &(&PathBuf, PathBuf)| format!("`{}` is `{}`", file.display(), real.display());
    let mut examples: Vec<String> = outside.iter().take(EXAMPLES).map(named).collect();
    if outside.len() > EXAMPLES {
        examples.push(format!("and {} more", outside.len() - EXAMPLES));
    }
    Err(ManifestError::Outside {
        id: manifest.id.clone(),
        root: root.display().to_string(),
        n: outside.len(),
        examples: examples.join("\n  - "),
    })
}
