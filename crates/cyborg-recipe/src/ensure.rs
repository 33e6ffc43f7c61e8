//! Maps on demand: a data set that names a recipe gets them from a cache, or has them built into it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cyborg_manifest::Dataset;

use crate::build::{Progress, build_from, inputs};
use crate::doubts::doubts;
use crate::image::{Image, images_of};
use crate::plan::{Plan, add};
use crate::{Recipe, RecipeError};

/// Maps that are there.
#[derive(Clone, Debug)]
pub struct Ensured {
    /// The folder that holds them: `maps/` and `provenance.csv`.
    pub folder: PathBuf,
    /// From an image's path below the data set's root to its map.
    pub maps: BTreeMap<String, PathBuf>,
    /// Images without a map, and why.
    pub without: Vec<(String, String)>,
    /// What a reader of a report should know: faults of annotation files, images without maps. A line each.
    pub warnings: Vec<String>,
}

/// Sees to it that the maps of these images are there, below `cache`. `others` are as in [`Plan::read_among`].
///
/// The folder is named for `name` and for a digest of the settings, of the images' names and sizes and of everything that
/// people marked: other annotations or settings make another folder, the same ones find it again, whatever files they lie
/// in. Several processes may do so at once. The folder may be deleted at any time; it is built again.
///
/// # Errors
/// As [`Plan::read`] and [`crate::build`].
pub fn ensure(
    recipe: &Recipe,
    name: &str,
    images: Vec<Image>,
    others: Vec<Image>,
    root: &Path,
    cache: &Path,
    progress: Progress,
) -> Result<Ensured, RecipeError> {
    let plan = Plan::read_among(recipe, images, others, root)?;
    let quiet = |_, _| ();
    let inputs = inputs(&plan, &quiet)?;
    let mut hasher = blake3::Hasher::new_derive_key("cyborg-recipe 2026 folder");
    add(&mut hasher, recipe.settings.digest().as_bytes());
    for (image, input) in plan.images.iter().zip(&inputs) {
        add(&mut hasher, image.name.as_bytes());
        // A reason tells paths of this machine; that there is none is what counts.
        add(&mut hasher, input.as_ref().map_or("", |input| &input.digest).as_bytes());
    }
    let folder = cache.join(format!("{name}-{}", &hasher.finalize().to_hex()[..16]));
    let built = build_from(&plan, &inputs, &folder, progress)?;
    let mut ensured =
        Ensured { folder, maps: BTreeMap::new(), without: vec![], warnings: warnings(&plan, name) };
    for row in &built.rows {
        if row.map.is_empty() {
            ensured.without.push((row.image.clone(), row.reason.clone()));
        } else {
            ensured.maps.insert(row.image.clone(), ensured.folder.join(&row.map));
        }
    }
    for (reason, n) in built.reasons() {
        let images = if n == 1 { "image" } else { "images" };
        ensured.warnings.push(format!("{name}: {n} {images} without a saliency map: {reason}"));
    }
    ensured.warnings.extend(doubts(&built.rows).into_iter().map(|line| format!("{name}: {line}")));
    Ok(ensured)
}

/// What was wrong with annotation files, a line each and not more than a few.
fn warnings(plan: &Plan, name: &str) -> Vec<String> {
    const SHOWN: usize = 5;
    let mut warnings: Vec<String> =
        plan.faults.iter().take(SHOWN).map(|fault| format!("{name}: {fault}")).collect();
    if plan.faults.len() > SHOWN {
        warnings.push(format!("{name}: and {} more faults of annotations", plan.faults.len() - SHOWN));
    }
    // That a data set has fewer images than its annotations is common; that a name nearly fits is not.
    if plan.unmatched.n_elsewhere + plan.unmatched.n_uploaded > 0 {
        warnings.extend(plan.unmatched.lines().into_iter().map(|line| format!("{name}: {line}")));
    }
    warnings
}

/// Gives the items of a data set the maps of the recipe that it names; a data set that names none is left as it is.
/// Maps that rows or folders named are replaced, also by none. Returns what a report should tell.
///
/// Annotations are looked for below the recipe's root, which is the data set's unless the recipe states one
/// (`data_root` as in [`cyborg_manifest::Manifest::open`]). Drop items that need no maps before, such as those of other
/// splits, and hand their images over as `others`: only the items' images are looked at, but annotations may mean others.
///
/// # Errors
/// As [`crate::read_recipe`] and [`ensure`].
pub fn give_maps(
    dataset: &mut Dataset,
    others: Vec<Image>,
    data_root: Option<&Path>,
    cache: &Path,
    progress: Progress,
) -> Result<Vec<String>, RecipeError> {
    let Some(path) = dataset.recipe.clone() else { return Ok(vec![]) };
    let recipe = crate::read_recipe(&path)?;
    let root = recipe.root(Some(&dataset.root), data_root)?;
    let images = images_of(dataset);
    let ensured = ensure(&recipe, &dataset.id, images.clone(), others, &root, cache, progress)?;
    for (item, image) in dataset.items.iter_mut().zip(&images) {
        item.map = ensured.maps.get(&image.name).cloned();
    }
    Ok(ensured.warnings)
}
