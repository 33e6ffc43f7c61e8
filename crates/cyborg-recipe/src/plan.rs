//! Annotation files read and given to their images: what stands between a recipe and its maps.

use cyborg_causes::on_one_line;
use std::collections::BTreeMap;
use std::path::Path;

use cyborg_saliency::{AnnotationError, Mark, read_source_except};

use crate::doubts::{CoordinateRange, Unmatched};
use crate::image::{Image, Names, Unnamed, is_built_folder, map_names};
use crate::people::Person;
use crate::store::{Handle, Store, pack_plain};
use crate::{Recipe, RecipeError};

/// A recipe with its annotation files read.
pub struct Plan<'a> {
    pub(crate) recipe: &'a Recipe,
    /// Sorted by name.
    pub(crate) images: Vec<Image>,
    /// Of each image, below the folder of maps.
    pub(crate) map_names: Vec<String>,
    handles: Vec<Vec<Handle>>,
    store: Store,
    /// What was wrong with files, rows and elements, and what is to be doubted: each line stands by itself.
    pub faults: Vec<String>,
    /// Annotations that are of none of the images.
    pub unmatched: Unmatched,
}

impl<'a> Plan<'a> {
    /// Reads all annotation files below `root` and finds each annotation's image.
    ///
    /// What single files, rows or elements have wrong is noted in [`Plan::faults`].
    ///
    /// # Errors
    /// [`RecipeError::Files`] if a source has no file at all, or a setting names what none of its files has;
    /// [`RecipeError::SameFile`] if two images' maps would have one name.
    pub fn read(recipe: &'a Recipe, images: Vec<Image>, root: &Path) -> Result<Self, RecipeError> {
        Self::read_among(recipe, images, Vec::new(), root)
    }

    /// As [`Plan::read`], with the set's `others`: images that get no map, but that annotations may mean. Without them a
    /// name that fits two images would be taken for the one that is asked for.
    ///
    /// # Errors
    /// As [`Plan::read`].
    pub fn read_among(
        recipe: &'a Recipe,
        mut images: Vec<Image>,
        others: Vec<Image>,
        root: &Path,
    ) -> Result<Self, RecipeError> {
        images.sort();
        let map_names = map_names(&images)?;
        let n_images = images.len();
        let mut all = images.clone();
        all.extend(others);
        let names = Names::new(&all);
        let mut plan = Self {
            recipe,
            handles: vec![Vec::new(); n_images],
            images,
            map_names,
            store: Store::new(),
            faults: Vec::new(),
            unmatched: Unmatched::default(),
        };
        for source in &recipe.sources {
            let files = |source| RecipeError::Files { path: recipe.path.clone(), source };
            let annotations = read_source_except(root, source, &is_built_folder).map_err(files)?;
            // Within one source two names that mean one image are a mistake, unless both name it outright.
            let mut named: BTreeMap<u32, String> = BTreeMap::new();
            let mut range = CoordinateRange::default();
            for annotation in annotations {
                let annotation = match annotation {
                    Ok(annotation) => annotation,
                    Err(error @ AnnotationError::NowhereFound { .. }) => return Err(files(error)),
                    Err(error) => {
                        plan.faults.push(on_one_line(&error));
                        continue;
                    }
                };
                range.add(&annotation);
                let image = match names.find(&annotation.image) {
                    Ok(image) => image,
                    Err(Unnamed::Several) => {
                        plan.faults.push(format!(
                            "annotation {} names image `{}`, and several images end so: write more of its path",
                            annotation.origin, annotation.image
                        ));
                        continue;
                    }
                    Err(why) => {
                        plan.unmatched.note(&annotation.image, &why, &all);
                        continue;
                    }
                };
                if image as usize >= n_images {
                    plan.unmatched.n_not_asked_for += 1;
                    continue;
                }
                let first = named.entry(image).or_insert_with(|| annotation.image.clone());
                if *first != annotation.image {
                    plan.faults.push(format!(
                        "annotation {} names image `{}` and others name `{first}`: both would be `{}`; write more of \
                         their paths",
                        annotation.origin, annotation.image, plan.images[image as usize].name
                    ));
                    continue;
                }
                let handle = plan
                    .store
                    .push(annotation)
                    .map_err(|source| RecipeError::Write { path: std::env::temp_dir(), source })?;
                plan.handles[image as usize].push(handle);
            }
            plan.faults.extend(range.doubt(source.files.as_str()));
        }
        Ok(plan)
    }

    /// How many images there are.
    pub fn n_images(&self) -> usize {
        self.images.len()
    }

    /// How many images somebody annotated.
    pub fn n_annotated(&self) -> usize {
        self.handles.iter().filter(|handles| !handles.is_empty()).count()
    }

    /// The images that somebody annotated, by name.
    pub fn annotated(&self) -> Vec<Image> {
        let somebody =
            |(image, handles): (&Image, &Vec<Handle>)| (!handles.is_empty()).then(|| image.clone());
        self.images.iter().zip(&self.handles).filter_map(somebody).collect()
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
            let stated = (annotation.frame_px, annotation.duration_s, annotation.correct, annotation.n_lost);
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
