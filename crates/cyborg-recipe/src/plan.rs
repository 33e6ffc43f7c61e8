//! Annotation files read and given to their images: what stands between a recipe and its maps.

use cyborg_causes::on_one_line;
use std::collections::BTreeMap;
use std::path::Path;

use cyborg_saliency::{Mark, read_source};

use crate::image::{Image, Names, Unnamed, map_names};
use crate::people::Person;
use crate::store::{Handle, Store, pack_plain};
use crate::{Recipe, RecipeError};

/// How many of a kind are told in words.
const EXAMPLES: usize = 5;

/// A recipe with its annotation files read.
pub struct Plan<'a> {
    pub(crate) recipe: &'a Recipe,
    /// Sorted by name.
    pub(crate) images: Vec<Image>,
    /// Of each image, below the folder of maps.
    pub(crate) map_names: Vec<String>,
    handles: Vec<Vec<Handle>>,
    store: Store,
    /// What was wrong with files, rows and elements: each lost by itself.
    pub faults: Vec<String>,
    /// Annotations of images that are not among the images, and some of their names.
    pub unknown: (usize, Vec<String>),
}

impl<'a> Plan<'a> {
    /// Reads all annotation files below `root` and finds each annotation's image.
    ///
    /// What single files, rows or elements have wrong is noted in [`Plan::faults`].
    ///
    /// # Errors
    /// [`RecipeError::Files`] if a source has no file at all, [`RecipeError::SameFile`] if two images' maps would have
    /// one name.
    pub fn read(recipe: &'a Recipe, mut images: Vec<Image>, root: &Path) -> Result<Self, RecipeError> {
        images.sort();
        let map_names = map_names(&images)?;
        let names = Names::of(&images);
        let mut plan = Self {
            recipe,
            handles: vec![Vec::new(); images.len()],
            images,
            map_names,
            store: Store::new(),
            faults: Vec::new(),
            unknown: (0, Vec::new()),
        };
        for source in &recipe.sources {
            let annotations = read_source(root, source)
                .map_err(|source| RecipeError::Files { path: recipe.path.clone(), source })?;
            // Within one source two names that mean one image are a mistake, unless both name it outright.
            let mut named: BTreeMap<u32, (String, usize)> = BTreeMap::new();
            for annotation in annotations {
                let annotation = match annotation {
                    Ok(annotation) => annotation,
                    Err(error) => {
                        plan.faults.push(on_one_line(&error));
                        continue;
                    }
                };
                let (image, certainty) = match names.find(&annotation.image) {
                    Ok(found) => found,
                    Err(Unnamed::Unknown) => {
                        plan.note_unknown(annotation.image);
                        continue;
                    }
                    Err(Unnamed::Several) => {
                        plan.faults.push(format!(
                            "annotation {} names image `{}`, and several images end so: write more of its path",
                            annotation.origin, annotation.image
                        ));
                        continue;
                    }
                };
                let first = named.entry(image).or_insert_with(|| (annotation.image.clone(), certainty));
                if first.0 != annotation.image {
                    plan.faults.push(format!(
                        "annotation {} names image `{}` and others name `{}`: both would be `{}`; write more of \
                         their paths",
                        annotation.origin, annotation.image, first.0, plan.images[image as usize].name
                    ));
                    continue;
                }
                let handle = plan
                    .store
                    .push(annotation)
                    .map_err(|source| RecipeError::Write { path: std::env::temp_dir(), source })?;
                plan.handles[image as usize].push(handle);
            }
        }
        Ok(plan)
    }

    fn note_unknown(&mut self, name: String) {
        self.unknown.0 += 1;
        if self.unknown.1.len() < EXAMPLES && !self.unknown.1.contains(&name) {
            self.unknown.1.push(name);
        }
    }

    /// How many images there are.
    pub fn n_images(&self) -> usize {
        self.images.len()
    }

    /// How many images somebody annotated.
    pub fn n_annotated(&self) -> usize {
        self.handles.iter().filter(|handles| !handles.is_empty()).count()
    }

    /// The people who annotated an image, by name.
    pub(crate) fn people(&self, image: usize) -> Result<Vec<Person>, String> {
        let mut people: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for &handle in &self.handles[image] {
            let annotation = self
                .store
                .get(handle, &self.images[image].name)
                .map_err(|error| format!("cannot read annotations back from the temporary file: {error}"))?;
            people.entry(self.store.name(handle.person)).or_default().push(annotation);
        }
        let person = |(name, annotations): (&str, _)| Person { name: name.to_owned(), annotations };
        Ok(people.into_iter().map(person).collect())
    }
}

/// Digest of all that a map depends on apart from the settings: the image's size, and what people marked, down to the bytes
/// of masks and heat maps.
pub(crate) fn add_people(hasher: &mut blake3::Hasher, people: &[Person]) -> Result<(), String> {
    let mut bytes = Vec::new();
    for person in people {
        add(hasher, person.name.as_bytes());
        for annotation in &person.annotations {
            let stated = (annotation.frame_px, annotation.duration_s, annotation.correct);
            add(hasher, format!("{stated:?} {}", annotation.marks.len()).as_bytes());
            bytes.clear();
            for mark in &annotation.marks {
                if pack_plain(mark, &mut bytes) {
                    continue;
                }
                match mark {
                    Mark::Map(map) => {
                        bytes.extend(format!("{}x{}", map.width_px, map.height_px).into_bytes());
                        bytes.extend(map.values.iter().flat_map(|value| value.to_le_bytes()));
                    }
                    Mark::Stored(stored) => {
                        let data = match &stored.data {
                            cyborg_saliency::MapData::File => {
                                let file = fs_err::read(&stored.path).map_err(|error| on_one_line(&error))?;
                                blake3::hash(&file)
                            }
                            cyborg_saliency::MapData::Bytes(data) => blake3::hash(data),
                            runs @ cyborg_saliency::MapData::Runs(_) => {
                                blake3::hash(format!("{runs:?}").as_bytes())
                            }
                        };
                        bytes.extend(data.as_bytes());
                        bytes.extend(format!("{:?} {:?}", stored.options, stored.area).into_bytes());
                    }
                    _ => {}
                }
            }
            add(hasher, &bytes);
        }
    }
    Ok(())
}

/// With its length, which keeps neighbouring fields apart.
pub(crate) fn add(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}
