//! The images that maps are for, and which of them an annotation file means.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cyborg_manifest::Dataset;

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
}

/// The images of an opened data set.
pub fn images_of(dataset: &Dataset) -> Vec<Image> {
    let prefix = format!("{}/", dataset.id);
    let image = |item: &cyborg_manifest::Item| Image {
        name: item.id.strip_prefix(&prefix).unwrap_or(&item.id).to_owned(),
        path: item.image.clone(),
        class: dataset.classes.get(item.label).cloned(),
    };
    dataset.items.iter().map(image).collect()
}

impl Recipe {
    /// The images that the recipe itself names, below `root`.
    ///
    /// # Errors
    /// [`RecipeError::NoImages`] if it names none, [`RecipeError::Files`] if none is there.
    pub fn own_images(&self, root: &Path) -> Result<Vec<Image>, RecipeError> {
        let pattern =
            self.images.as_ref().ok_or_else(|| RecipeError::NoImages { path: self.path.clone() })?;
        let found =
            pattern.find(root).map_err(|source| RecipeError::Files { path: self.path.clone(), source })?;
        let name = |path: &Path| {
            let below = path.strip_prefix(root).unwrap_or(path);
            let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            parts.join("/")
        };
        Ok(found
            .into_iter()
            .map(|file| Image { name: name(&file.path), path: file.path, class: None })
            .collect())
    }
}

/// Finds the image that an annotation file names: by its path below the root, or by as much of the path's end as both have,
/// with or without the ending.
pub(crate) struct Names {
    /// From every end of every image's path, with and without the file's ending, to the image; nothing if two share it.
    ends: BTreeMap<String, Option<u32>>,
}

impl Names {
    pub(crate) fn of(images: &[Image]) -> Self {
        let mut ends: BTreeMap<String, Option<u32>> = BTreeMap::new();
        for (at, image) in images.iter().enumerate() {
            let with_ending = ends_of(&image.name);
            let bare = stem_of(&image.name);
            let without = if bare == image.name { vec![] } else { ends_of(bare) };
            for end in with_ending.into_iter().chain(without) {
                let other = ends.entry(end.to_owned()).or_insert(Some(at as u32));
                if *other != Some(at as u32) {
                    *other = None;
                }
            }
        }
        // A whole path is never ambiguous, whatever it is the end of.
        for (at, image) in images.iter().enumerate() {
            ends.insert(image.name.clone(), Some(at as u32));
        }
        Self { ends }
    }

    /// The image and how many characters of the name decided; why not, if there is none.
    pub(crate) fn find(&self, name: &str) -> Result<(u32, usize), Unnamed> {
        let name = name.replace('\\', "/");
        for end in ends_of(&name) {
            for end in [end, stem_of(end)] {
                match self.ends.get(end) {
                    Some(Some(image)) => return Ok((*image, end.len())),
                    Some(None) => return Err(Unnamed::Several),
                    None => {}
                }
            }
        }
        Err(Unnamed::Unknown)
    }
}

/// Why a name means no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unnamed {
    /// No image has it.
    Unknown,
    /// Several could be meant.
    Several,
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
        let image = |name: &&str| Image { name: (*name).to_owned(), path: PathBuf::new(), class: None };
        names.iter().map(image).collect()
    }

    #[test]
    fn an_image_is_found_by_the_end_of_its_path() {
        let names =
            Names::of(&images(&["train/a/1.png", "train/b/1.png", "train/a/2.jpg", "3.png", "x/3.png"]));
        let find = |name| names.find(name).map(|(image, _)| image);
        assert_eq!(find("train/a/1.png"), Ok(0));
        assert_eq!(find("a/1"), Ok(0));
        assert_eq!(find("..\\train\\b\\1.png"), Ok(1));
        assert_eq!(find("2.png"), Ok(2), "another ending");
        assert_eq!(find("elsewhere/2.jpg"), Ok(2));
        assert_eq!(find("1.png"), Err(Unnamed::Several));
        assert_eq!(find("3.png"), Ok(3), "a whole path");
        assert_eq!(find("y/3"), Err(Unnamed::Several));
        assert_eq!(find("4.png"), Err(Unnamed::Unknown));
        assert_eq!(find(""), Err(Unnamed::Unknown));
    }

    #[test]
    fn maps_are_named_for_their_images() {
        let named = |names: &[&str]| map_names(&images(names)).expect("names differ");
        assert_eq!(named(&["a/1.jpg", "b/1.jpg"]), ["a/1.png", "b/1.png"]);
        assert_eq!(named(&["a/1.jpg", "a/1.png", "chart.2"]), ["a/1.jpg.png", "a/1.png.png", "chart.2.png"]);
        assert!(map_names(&images(&["a.jpg", "a.jpg"])).is_err());
    }
}
