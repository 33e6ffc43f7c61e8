//! The images that maps are for, and which of them an annotation file means.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cyborg_manifest::Dataset;
use cyborg_saliency::uploaded_name;

use crate::{Recipe, RecipeError};

/// An image that a map is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image {
    /// Path below the data set's root, with `/`: the map has it too, below the folder of maps.
    pub name: String,
    /// The image file.
    pub path: PathBuf,
    /// Its class, where known.
    pub class: Option<String>,
    /// What `{image}` stands for in the pattern of the recipe's images, where that found it: annotations may name it so.
    pub key: Option<String>,
}

/// The images of an opened data set.
pub fn images_of(dataset: &Dataset) -> Vec<Image> {
    let prefix = format!("{}/", dataset.id);
    let image = |item: &cyborg_manifest::Item| Image {
        name: item.id.strip_prefix(&prefix).unwrap_or(&item.id).to_owned(),
        path: item.image.clone(),
        class: dataset.classes.get(item.label).cloned(),
        key: None,
    };
    dataset.items.iter().map(image).collect()
}

impl Recipe {
    /// The images that the recipe itself names, below `root`. What an earlier build wrote there is none of them.
    ///
    /// # Errors
    /// [`RecipeError::NoImages`] if it names none, [`RecipeError::Files`] if none is there.
    pub fn own_images(&self, root: &Path) -> Result<Vec<Image>, RecipeError> {
        let pattern =
            self.images.as_ref().ok_or_else(|| RecipeError::NoImages { path: self.path.clone() })?;
        let found = pattern
            .find_except(root, &is_built_folder)
            .map_err(|source| RecipeError::Files { path: self.path.clone(), source })?;
        let name = |path: &Path| {
            let below = path.strip_prefix(root).unwrap_or(path);
            let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            parts.join("/")
        };
        Ok(found
            .into_iter()
            .map(|file| Image { name: name(&file.path), path: file.path, class: None, key: file.image })
            .collect())
    }
}

/// Finds the image that an annotation file names. Either names the image's path below the root by any end of it, or the
/// image's path is an end of what it names (a path of another machine); with or without the file's ending. Folders that both
/// state and that differ are never passed over.
pub(crate) struct Names {
    /// From every end of every image's path (and of its key), with and without the file's ending, to the image; nothing if
    /// two share it.
    ends: BTreeMap<String, Option<u32>>,
    /// The same of whole paths only.
    whole: BTreeMap<String, Option<u32>>,
}

impl Names {
    pub(crate) fn new(images: &[Image]) -> Self {
        let mut names = Self { ends: BTreeMap::new(), whole: BTreeMap::new() };
        for (at, image) in images.iter().enumerate() {
            let at = at as u32;
            let bare = stem_of(&image.name);
            let whole = if bare == image.name { vec![bare] } else { vec![&*image.name, bare] };
            for &path in &whole {
                enter(&mut names.whole, path, at);
            }
            for end in whole.into_iter().chain(image.key.as_deref()).flat_map(ends_of) {
                enter(&mut names.ends, end, at);
            }
        }
        // A whole path is never ambiguous, whatever it is the end of.
        for (at, image) in images.iter().enumerate() {
            names.ends.insert(image.name.clone(), Some(at as u32));
            names.whole.insert(image.name.clone(), Some(at as u32));
        }
        names
    }

    /// The image; why not, if there is none.
    pub(crate) fn find(&self, name: &str) -> Result<u32, Unnamed> {
        let name = plain(name);
        let looked_up = |table: &BTreeMap<String, Option<u32>>, end: &str| {
            [end, stem_of(end)].iter().find_map(|end| table.get(*end).copied())
        };
        let mut ends = ends_of(&name).into_iter();
        let whole = ends.next().and_then(|whole| looked_up(&self.ends, whole));
        let found = whole.or_else(|| ends.find_map(|end| looked_up(&self.whole, end)));
        if let Some(found) = found {
            return found.ok_or(Unnamed::Several);
        }
        // Only a hint.
        let base = name.rsplit('/').next().unwrap_or_default();
        if let Some(original) = uploaded_name(base)
            && looked_up(&self.ends, original).is_some()
        {
            return Err(Unnamed::Uploaded(original.to_owned()));
        }
        match looked_up(&self.ends, base) {
            Some(Some(image)) => Err(Unnamed::Elsewhere(image)),
            _ => Err(Unnamed::Unknown),
        }
    }
}

fn enter(table: &mut BTreeMap<String, Option<u32>>, name: &str, image: u32) {
    let other = table.entry(name.to_owned()).or_insert(Some(image));
    if *other != Some(image) {
        *other = None;
    }
}

/// With `/`, and without steps that lead nowhere: `..\\images\\.\\a.png` is `images/a.png`.
fn plain(name: &str) -> String {
    let name = name.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Why a name means no image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unnamed {
    /// No image has it.
    Unknown,
    /// Several could be meant.
    Several,
    /// An image has that file name, but lies in another folder than the name says.
    Elsewhere(u32),
    /// An image has that file name without what Label Studio puts before uploads; this is the rest.
    Uploaded(String),
}

/// True for a folder that a build wrote: its maps are no images.
pub(crate) fn is_built_folder(folder: &Path) -> bool {
    crate::provenance::is_there(folder)
}

/// `a/b/c.png`, `b/c.png`, `c.png`.
fn ends_of(path: &str) -> Vec<&str> {
    let mut ends = vec![path];
    ends.extend(path.match_indices('/').map(|(at, _)| &path[at + 1..]).filter(|end| !end.is_empty()));
    ends
}

/// Without the file's ending: up to five letters and digits with a letter among them, so that `chart.2` stays whole.
pub(crate) fn stem_of(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, ending))
            if !stem.is_empty()
                && !stem.ends_with('/')
                && (1..=5).contains(&ending.len())
                && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && ending.bytes().any(|byte| byte.is_ascii_alphabetic()) =>
        {
            stem
        }
        _ => path,
    }
}

/// Below the folder of maps: the image's path with the ending `.png`; with `.png` added where two images would share it.
pub(crate) fn map_names(images: &[Image]) -> Result<Vec<String>, RecipeError> {
    let mut stems: BTreeMap<&str, usize> = BTreeMap::new();
    for image in images {
        *stems.entry(stem_of(&image.name)).or_default() += 1;
    }
    let name = |image: &Image| match stems[stem_of(&image.name)] {
        1 => format!("{}.png", stem_of(&image.name)),
        _ => format!("{}.png", image.name),
    };
    let names: Vec<String> = images.iter().map(name).collect();
    let mut seen: BTreeSet<(&str, usize)> = BTreeSet::new();
    for (at, file) in names.iter().enumerate() {
        if let Some(&(_, first)) = seen.range((file.as_str(), 0)..=(file.as_str(), usize::MAX)).next() {
            return Err(RecipeError::SameFile {
                first: images[first].name.clone(),
                second: images[at].name.clone(),
                file: file.clone(),
            });
        }
        seen.insert((file, at));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(names: &[&str]) -> Vec<Image> {
        let image =
            |name: &&str| Image { name: (*name).to_owned(), path: PathBuf::new(), class: None, key: None };
        names.iter().map(image).collect()
    }

    #[test]
    fn an_image_is_found_by_the_end_of_its_path() {
        let names =
            Names::new(&images(&["train/a/1.png", "train/b/1.png", "train/a/2.jpg", "3.png", "x/3.png"]));
        let find = |name| names.find(name);
        assert_eq!(find("train/a/1.png"), Ok(0));
        assert_eq!(find("a/1"), Ok(0));
        assert_eq!(find("..\\train\\b\\1.png"), Ok(1));
        assert_eq!(find("2.png"), Ok(2), "another ending");
        assert_eq!(find("/home/ann/set/train/a/2.jpg"), Ok(2), "a path of another machine");
        assert_eq!(find("1.png"), Err(Unnamed::Several));
        assert_eq!(find("3.png"), Ok(3), "a whole path");
        assert_eq!(find("4.png"), Err(Unnamed::Unknown));
        assert_eq!(find(""), Err(Unnamed::Unknown));
    }

    #[test]
    fn folders_that_differ_are_never_passed_over() {
        let names = Names::new(&images(&["images/a.png", "images/b.png", "train/x/c.png"]));
        assert_eq!(names.find("session2/a.png"), Err(Unnamed::Elsewhere(0)));
        assert_eq!(names.find("/data/session2/images/b.png"), Ok(1));
        assert_eq!(names.find("test/x/c.png"), Err(Unnamed::Elsewhere(2)));
        assert_eq!(names.find("/upload/4/cb0618f6-b.png"), Err(Unnamed::Uploaded("b.png".to_owned())));
    }

    #[test]
    fn the_key_of_the_pattern_names_an_image() {
        let mut images = images(&["scans/image_r_10.png", "scans/image_r_11.png"]);
        images[0].key = Some("10".to_owned());
        images[1].key = Some("11".to_owned());
        let names = Names::new(&images);
        assert_eq!(names.find("10"), Ok(0));
        assert_eq!(names.find("11.jpg"), Ok(1));
        assert_eq!(names.find("session2/10"), Err(Unnamed::Elsewhere(0)), "a key states no folder");
    }

    #[test]
    fn maps_are_named_for_their_images() {
        let named = |names: &[&str]| map_names(&images(names)).expect("names differ");
        assert_eq!(named(&["a/1.jpg", "b/1.jpg"]), ["a/1.png", "b/1.png"]);
        assert_eq!(named(&["a/1.jpg", "a/1.png", "chart.2"]), ["a/1.jpg.png", "a/1.png.png", "chart.2.png"]);
        assert!(map_names(&images(&["a.jpg", "a.jpg"])).is_err());
    }
}
