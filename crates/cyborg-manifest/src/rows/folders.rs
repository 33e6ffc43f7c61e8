//! Folders of images, one per class, source or split.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Row, Rows, file_name, stem};
use crate::error::ManifestError;
use crate::manifest::Folders;

/// Deeper folders are a loop of links.
const MAX_DEPTH: usize = 32;

pub(super) fn read(layout: &Folders, rows: &mut Rows) -> Result<(), ManifestError> {
    for folder in &layout.include {
        let path = rows.root.join(&folder.path);
        if !path.is_dir() {
            return Err(rows.missing("folder", &path));
        }
        let maps = match &folder.maps {
            Some(maps) => Some(MapFolder::read(rows.root, maps, true)?),
            None => None,
        };
        let files = image_files(&path, &mut rows.left_out)?;
        if files.is_empty() {
            let what = format!("no file in `{}` is an image", path.display());
            return Err(ManifestError::Empty { id: rows.manifest.id.clone(), what });
        }
        for file in files {
            let image = if folder.path.is_empty() { file.clone() } else { format!("{}/{file}", folder.path) };
            rows.push(Row {
                origin: format!("{}/", if folder.path.is_empty() { "." } else { &folder.path }),
                label: folder.label,
                source: folder.source.clone(),
                subject: folder.subject.as_ref().and_then(|rule| rule.subject_of(file_name(&file))),
                split: folder.split,
                map: maps.as_ref().and_then(|maps| maps.map_of(&file)),
                image,
            });
        }
    }
    Ok(())
}

/// The image files below `folder`, as paths relative to it, sorted. Other files are counted by their ending.
fn image_files(folder: &Path, left_out: &mut BTreeMap<String, usize>) -> Result<Vec<String>, ManifestError> {
    let mut files = Vec::new();
    collect(folder, "", 0, &mut files, left_out)?;
    files.sort();
    Ok(files)
}

fn collect(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<String>,
    left_out: &mut BTreeMap<String, usize>,
) -> Result<(), ManifestError> {
    let read = |source| ManifestError::Read { what: "folder of images", path: folder.into(), source };
    if depth > MAX_DEPTH {
        return Err(read(std::io::Error::other("folders are nested too deeply: is there a loop of links?")));
    }
    for entry in fs_err::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let name = entry.file_name();
        // Names that are not UTF-8 cannot be written into tables and reports.
        let Some(name) = name.to_str() else {
            let reason = format!("file name `{}` is not UTF-8: rename it", name.display());
            return Err(read(std::io::Error::other(reason)));
        };
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        let below = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{below}/"), depth + 1, files, left_out)?;
        } else if cyborg_image::is_image_file(&path) {
            files.push(below);
        } else {
            *left_out.entry(ending(name)).or_default() += 1;
        }
    }
    Ok(())
}

/// `.txt` of `notes.TXT`, for counting.
fn ending(name: &str) -> String {
    let ending = name.rsplit_once('.').map(|(_, ending)| format!(".{}", ending.to_lowercase()));
    ending.unwrap_or_else(|| "without an ending".to_owned())
}

/// The saliency maps of a folder, listed once.
pub(super) struct MapFolder {
    folder: String,
    /// None if there is no such folder: then every image's map counts as stated and missing.
    files: Option<BTreeSet<String>>,
    /// From a path without extension to the first file of that name.
    by_stem: BTreeMap<String, String>,
}

impl MapFolder {
    /// Lists the maps in `folder` below `root`, and in its subfolders if it is `nested`.
    pub(super) fn read(root: &Path, folder: &str, nested: bool) -> Result<Self, ManifestError> {
        let path = root.join(folder);
        let mut by_stem = BTreeMap::new();
        if !path.is_dir() {
            return Ok(Self { folder: folder.to_owned(), files: None, by_stem });
        }
        let mut files = image_files(&path, &mut BTreeMap::new())?;
        if !nested {
            files.retain(|file| !file.contains('/'));
        }
        for file in &files {
            by_stem.entry(path_stem(file)).or_insert_with(|| file.clone());
        }
        Ok(Self { folder: folder.to_owned(), files: Some(files.into_iter().collect()), by_stem })
    }

    /// The map, relative to the root, of the image at `path` (relative to the folder of images): the file of that
    /// name, else one of that name with another extension.
    pub(super) fn map_of(&self, path: &str) -> Option<String> {
        let found = match &self.files {
            None => path,
            Some(files) => match files.get(path) {
                Some(exact) => exact,
                None => self.by_stem.get(&path_stem(path))?,
            },
        };
        Some(if self.folder.is_empty() { found.to_owned() } else { format!("{}/{found}", self.folder) })
    }
}

fn path_stem(path: &str) -> String {
    let name = file_name(path);
    format!("{}{}", &path[..path.len() - name.len()], stem(name))
}
