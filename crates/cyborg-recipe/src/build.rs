//! A recipe's maps, written: parallel, incremental, whole files only.

use cyborg_causes::on_one_line;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use cyborg_files::write_whole;
use cyborg_image::encode_png;
use cyborg_saliency::{SaliencyMap, derangement, grid_from_map};
use rayon::prelude::*;

use crate::RecipeError;
use crate::image::Image;
use crate::one::{ImageOutcome, Want, blurred, finished, fitted, grey, make, png};
use crate::place::Seat;
use crate::plan::{Plan, add, add_people};
use crate::provenance::{Journal, PROVENANCE, Row, earlier, table};
use crate::recipe::Control;

/// The folder of maps in the output folder.
pub const MAPS: &str = "maps";
/// The folder of blurred images in the output folder.
pub const BLURRED: &str = "blurred";

/// Told how many images are done, of how many; from any thread and in any order.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// What a build did.
#[derive(Clone, Debug)]
pub struct Built {
    /// The output folder.
    pub folder: PathBuf,
    /// One row an image, sorted by name; `provenance.csv` in the folder says the same.
    pub rows: Vec<Row>,
    /// Maps that were made now.
    pub n_built: usize,
    /// Images whose map (or the reason for none) was there already, of the same inputs and settings.
    pub n_unchanged: usize,
    /// Maps of an earlier build that no image has any more; they were removed.
    pub n_removed: usize,
}

impl Built {
    /// Images that have a map.
    pub fn n_maps(&self) -> usize {
        self.rows.iter().filter(|row| !row.map.is_empty()).count()
    }

    /// Images without a map: how many, by reason.
    pub fn reasons(&self) -> BTreeMap<&str, usize> {
        let mut reasons = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.map.is_empty()) {
            *reasons.entry(row.reason.as_str()).or_default() += 1;
        }
        reasons
    }
}

/// What an image's map is made of.
pub(crate) struct Inputs {
    pub(crate) seat: Seat,
    /// The image whose map this one gets, if not its own.
    donor: Option<usize>,
    pub(crate) digest: String,
}

/// Looks at every image and annotation and digests them; what is wrong with one image is its own `Err`.
///
/// # Errors
/// [`RecipeError::NothingToShuffle`].
pub(crate) fn inputs(plan: &Plan, progress: Progress) -> Result<Vec<Result<Inputs, String>>, RecipeError> {
    let settings = &plan.recipe.settings;
    let done = AtomicUsize::new(0);
    let seats: Vec<Result<(Seat, blake3::Hash), String>> = (0..plan.images.len())
        .into_par_iter()
        .map(|at| {
            let own = own_inputs(plan, at);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, plan.images.len());
            own
        })
        .collect();
    let donors = match settings.control {
        Some(Control::Shuffled { seed, within_class }) => Some(donors(plan, &seats, seed, within_class)?),
        _ => None,
    };
    let mut inputs = Vec::with_capacity(seats.len());
    for (at, own) in seats.iter().enumerate() {
        inputs.push(own.as_ref().map_err(Clone::clone).map(|&(seat, own)| {
            let mut hasher = blake3::Hasher::new_derive_key("cyborg-recipe 2026 inputs");
            add(&mut hasher, own.as_bytes());
            let donor = donors.as_ref().and_then(|donors| donors[at]);
            if let Some(donor) = donor {
                add(&mut hasher, plan.images[donor].name.as_bytes());
                if let Ok((_, donor)) = &seats[donor] {
                    add(&mut hasher, donor.as_bytes());
                }
            }
            Inputs { seat, donor, digest: hasher.finalize().to_hex()[..32].to_owned() }
        }));
    }
    Ok(inputs)
}

fn own_inputs(plan: &Plan, at: usize) -> Result<(Seat, blake3::Hash), String> {
    let image = &plan.images[at];
    let settings = &plan.recipe.settings;
    let seat = Seat::new(image, settings)?;
    let mut hasher = blake3::Hasher::new();
    add(&mut hasher, image.name.as_bytes());
    add(&mut hasher, format!("{seat:?}").as_bytes());
    add_people(&mut hasher, &plan.people(at)?)?;
    if settings.blurred_images_sigma_px.is_some() {
        let bytes = fs_err::read(&image.path).map_err(|error| on_one_line(&error))?;
        add(&mut hasher, blake3::hash(&bytes).as_bytes());
    }
    Ok((seat, hasher.finalize()))
}

/// Whose map each image gets: of those that enough people annotated, another one's.
fn donors(
    plan: &Plan,
    seats: &[Result<(Seat, blake3::Hash), String>],
    seed: u64,
    within_class: bool,
) -> Result<Vec<Option<usize>>, RecipeError> {
    let settings = &plan.recipe.settings;
    let mut groups: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (at, seat) in seats.iter().enumerate() {
        let enough = |people: Vec<crate::people::Person>| {
            let annotators: Vec<_> = people.iter().map(crate::people::Person::annotator).collect();
            settings.selection.chosen(&plan.images[at].name, &annotators).len() >= settings.at_least
        };
        if seat.is_ok() && plan.people(at).is_ok_and(enough) {
            let class = plan.images[at].class.as_deref().filter(|_| within_class);
            groups.entry(class).or_default().push(at);
        }
    }
    let mut donors = vec![None; plan.images.len()];
    if groups.is_empty() {
        groups.insert(None, vec![]);
    }
    for (class, members) in groups {
        let Some(given) = derangement(members.len(), seed) else {
            return Err(RecipeError::NothingToShuffle {
                path: plan.recipe.path.clone(),
                of_class: class.map(|class| format!(" of class `{class}`")).unwrap_or_default(),
                found: if members.len() == 1 { "is 1".to_owned() } else { "are 0".to_owned() },
            });
        };
        for (own, other) in given.into_iter().enumerate() {
            donors[members[own]] = Some(members[other]);
        }
    }
    Ok(donors)
}

/// Builds the maps into `folder`: `maps/` below it has each image's path with the ending `.png`, `provenance.csv` a row for
/// every image, with or without a map.
///
/// What is there already, made of the same inputs by the same settings and not changed since, is left as it is. An image
/// that cannot be read, or an annotation that cannot be drawn, takes down its own map only. A build that is killed leaves
/// whole files; the next one goes on where it stopped. The bytes depend neither on the number of threads nor on that.
///
/// # Errors
/// [`RecipeError::Foreign`] if the folder holds something else, [`RecipeError::Write`] if it cannot be written, and
/// [`RecipeError::NothingToShuffle`].
pub fn build(plan: &Plan, folder: &Path, progress: Progress) -> Result<Built, RecipeError> {
    let quiet = |_, _| ();
    let inputs = inputs(plan, &quiet)?;
    build_from(plan, &inputs, folder, progress)
}

pub(crate) fn build_from(
    plan: &Plan,
    inputs: &[Result<Inputs, String>],
    folder: &Path,
    progress: Progress,
) -> Result<Built, RecipeError> {
    let failed = |path: PathBuf| move |source| RecipeError::Write { path, source };
    fs_err::create_dir_all(folder).map_err(failed(folder.into()))?;
    let earlier = earlier(folder)?;
    let journal = Journal::open(folder)?;
    let folders: BTreeSet<PathBuf> = plan
        .map_names
        .iter()
        .flat_map(|name| [MAPS, BLURRED].map(|top| folder.join(top).join(name)))
        .filter(|path| {
            plan.recipe.settings.blurred_images_sigma_px.is_some() || !path.starts_with(folder.join(BLURRED))
        })
        .filter_map(|path| path.parent().map(Path::to_owned))
        .collect();
    for path in folders {
        fs_err::create_dir_all(&path).map_err(failed(path.clone()))?;
    }
    let settings = plan.recipe.settings.digest();
    let (done, n_built) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let rows = (0..plan.images.len())
        .into_par_iter()
        .map(|at| {
            let image = &plan.images[at];
            let row = match &inputs[at] {
                Err(reason) => Row { image: image.name.clone(), reason: reason.clone(), ..Row::default() },
                Ok(input) => {
                    let old = earlier.get(&image.name);
                    if let Some(old) = old.filter(|old| is_current(old, &settings, input, folder)) {
                        old.clone()
                    } else {
                        n_built.fetch_add(1, Ordering::Relaxed);
                        let row = build_one(plan, at, input, inputs, &settings, folder)?;
                        journal.add(&row);
                        row
                    }
                }
            };
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, plan.images.len());
            Ok(row)
        })
        .collect::<Result<Vec<Row>, RecipeError>>()?;
    let path = folder.join(PROVENANCE);
    let bytes = table(&rows).map_err(failed(path.clone()))?;
    if fs_err::read(&path).map_or(true, |old| old != bytes) {
        write_whole(&path, &bytes).map_err(failed(path))?;
    }
    journal.end();
    let n_removed = remove_stale(&earlier, &rows, folder);
    let n_bad = inputs.iter().filter(|input| input.is_err()).count();
    let n_built = n_built.into_inner();
    Ok(Built { folder: folder.into(), n_unchanged: rows.len() - n_built - n_bad, rows, n_built, n_removed })
}

/// True if what the row tells of is there, made of the same.
fn is_current(row: &Row, settings: &str, input: &Inputs, folder: &Path) -> bool {
    let same = |file: &str, digest: &str| {
        file.is_empty() || fs_err::read(folder.join(file)).is_ok_and(|bytes| content_digest(&bytes) == digest)
    };
    row.settings == settings
        && row.inputs == input.digest
        && same(&row.map, &row.content)
        && same(&row.blurred_image, &row.blurred_content)
}

fn content_digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}

fn build_one(
    plan: &Plan,
    at: usize,
    input: &Inputs,
    inputs: &[Result<Inputs, String>],
    settings_digest: &str,
    folder: &Path,
) -> Result<Row, RecipeError> {
    let image = &plan.images[at];
    let settings = &plan.recipe.settings;
    let mut made = match plan.people(at) {
        Ok(people) => {
            let want = if input.donor.is_some() { Want::Agreement } else { Want::Map };
            make(image, &input.seat, &people, settings, want)
        }
        Err(reason) => ImageOutcome::nothing(reason),
    };
    if let Some(donor) = input.donor {
        made.map = donated(plan, donor, inputs)
            .map(|map| fitted(map, input.seat.map_px))
            .and_then(|map| finished(map, image, &input.seat, settings))
            .map_err(|reason| format!("the map of `{}` is not to be had: {reason}", plan.images[donor].name));
    }
    let mut row =
        Row { settings: settings_digest.to_owned(), inputs: input.digest.clone(), ..made.row(image) };
    if let Some(agreement) = &made.agreement {
        row.set_agreement(agreement);
    }
    let written =
        made.map.and_then(|map| Ok((png(&map, settings.bits).map_err(|error| on_one_line(&error))?, map)));
    let (bytes, map) = match written {
        Ok(written) => written,
        Err(reason) => return Ok(Row { reason, ..row }),
    };
    row.map = format!("{MAPS}/{}", plan.map_names[at]);
    write(&folder.join(&row.map), &bytes)?;
    row.content = content_digest(&bytes);
    describe(&mut row, &map, settings.bits);
    if let Some(sigma_px) = settings.blurred_images_sigma_px {
        let blurred = blurred(image, &map, sigma_px)
            .and_then(|blurred| encode_png(&blurred).map_err(|e| on_one_line(&e)));
        match blurred {
            Ok(bytes) => {
                row.blurred_image = format!("{BLURRED}/{}", plan.map_names[at]);
                write(&folder.join(&row.blurred_image), &bytes)?;
                row.blurred_content = content_digest(&bytes);
            }
            Err(reason) => row.reason = format!("no blurred image: {reason}"),
        }
    }
    Ok(row)
}

/// Another image's people's map, before it is finished.
fn donated(plan: &Plan, donor: usize, inputs: &[Result<Inputs, String>]) -> Result<SaliencyMap, String> {
    let input = inputs[donor].as_ref().map_err(Clone::clone)?;
    make(&plan.images[donor], &input.seat, &plan.people(donor)?, &plan.recipe.settings, Want::Donor).map
}

fn describe(row: &mut Row, map: &SaliencyMap, bits: u8) {
    let n = map.values.len() as f64;
    row.width_px = map.width_px;
    row.height_px = map.height_px;
    row.bits = bits;
    row.mean = Some(map.values.iter().map(|&value| f64::from(value)).sum::<f64>() / n);
    row.share_above_half = Some(map.values.iter().filter(|&&value| value > 0.5).count() as f64 / n);
    row.flat_on_7x7 = Some(grid_from_map(&grey(map), 7, 7).flat);
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), RecipeError> {
    write_whole(path, bytes).map_err(|source| RecipeError::Write { path: path.into(), source })
}

/// Takes away files that an earlier build wrote and that no row names any more.
fn remove_stale(earlier: &BTreeMap<String, Row>, rows: &[Row], folder: &Path) -> usize {
    let files = |row: &'_ Row| [row.map.clone(), row.blurred_image.clone()];
    let current: BTreeSet<String> = rows.iter().flat_map(files).collect();
    let stale = earlier.values().flat_map(files).filter(|file| !file.is_empty() && !current.contains(file));
    // A table may have been tampered with: nothing outside of the folder.
    let stale = stale.filter(|file| !file.starts_with('/') && !file.split('/').any(|part| part == ".."));
    stale.filter(|file| fs_err::remove_file(folder.join(file)).is_ok()).count()
}

/// Agreement of every image's people, without any map: one row an image.
///
/// # Errors
/// As [`build`].
pub fn agree(plan: &Plan, progress: Progress) -> Result<Vec<Row>, RecipeError> {
    let done = AtomicUsize::new(0);
    let settings = &plan.recipe.settings;
    Ok((0..plan.images.len())
        .into_par_iter()
        .map(|at| {
            let image = &plan.images[at];
            let row = agree_one(plan, at, image, settings);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, plan.images.len());
            row
        })
        .collect())
}

fn agree_one(plan: &Plan, at: usize, image: &Image, settings: &crate::Settings) -> Row {
    let made = Seat::new(image, settings)
        .and_then(|seat| Ok(make(image, &seat, &plan.people(at)?, settings, Want::Agreement)))
        .unwrap_or_else(ImageOutcome::nothing);
    let mut row = made.row(image);
    match (&made.agreement, made.map) {
        (Some(agreement), _) => row.set_agreement(agreement),
        (None, Err(reason)) => row.agreement_reason = reason,
        (None, Ok(_)) => {}
    }
    row
}
