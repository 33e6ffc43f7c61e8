//! A data set held against its files: is everything there, readable, and what the manifest says?

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use cyborg_image::{ColorMode, ImageError, Inspected, Raster, decode_map, inspect_bytes};
use cyborg_saliency::{check_aspect, grid_from_map};
use rayon::prelude::*;

use crate::dataset::{Dataset, Item, Split};
use crate::leaks;
use crate::report::{Finding, FindingKind, GroupCount, Severity, SizeCount, VerifyReport};

/// The smallest CAM of the networks that are used: what is lost on it is lost to all.
const COARSEST_GRID: usize = 7;

/// Decodes every image and map and reports what is missing, damaged, repeated, leaking between splits or other than the
/// manifest expects. A bad file is a finding, not an error. Runs on all threads; the report does not depend on them.
///
/// `progress` is told the images done and their number, from any thread and in any order.
pub fn verify(dataset: &Dataset, progress: &(dyn Fn(usize, usize) + Sync)) -> VerifyReport {
    let done = AtomicUsize::new(0);
    let look = |item: &Item| {
        let seen = Seen::look(item);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, dataset.items.len());
        seen
    };
    let seen: Vec<Seen> = dataset.items.par_iter().map(look).collect();
    let pairs: Vec<(&Item, &Seen)> = dataset.items.iter().zip(&seen).collect();
    let mut findings = Vec::new();
    files(&pairs, &mut findings);
    bits(&pairs, &mut findings);
    left_out(dataset, &mut findings);
    counts(dataset, &mut findings);
    contents(dataset, &pairs, &mut findings);
    findings.extend(leaks::find(dataset));
    findings.sort_by_key(|finding| finding.severity);
    let readable = || pairs.iter().filter_map(|(_, seen)| seen.image.as_ref().ok());
    let mut color_modes = BTreeMap::new();
    for image in readable() {
        *color_modes.entry(image.mode.to_string()).or_insert(0) += 1;
    }
    VerifyReport {
        id: dataset.id.clone(),
        title: dataset.title.clone(),
        root: dataset.root.display().to_string(),
        phantom: dataset.phantom,
        n_images: dataset.items.len(),
        n_readable: readable().count(),
        n_maps: dataset.items.iter().filter(|item| item.map.is_some()).count(),
        groups: groups(dataset),
        sizes: sizes(readable()),
        color_modes,
        findings,
    }
}

/// What was seen of one item's files.
struct Seen {
    image: Result<SeenImage, Fault>,
    /// None: the row names no map.
    map: Option<Result<SeenMap, Fault>>,
}

struct SeenImage {
    size: (u32, u32),
    mode: ColorMode,
    /// Of the stored samples, palettes looked up and grey spread to RGB, so that a copy in another file format is found.
    digest: blake3::Hash,
    /// The largest of 16-bit samples; None for a picture of 8 bits.
    largest: Option<u16>,
}

struct SeenMap {
    size: (u32, u32),
    flat: bool,
}

enum Fault {
    Missing,
    Unreadable(String),
}

impl Seen {
    fn look(item: &Item) -> Self {
        let decoded = fs_read(&item.image)
            .and_then(|bytes| inspect_bytes(&bytes, item.window, &item.image).map_err(unreadable));
        let image = decoded.map(|Inspected { raster, mode, deep_samples }| SeenImage {
            size: (raster.width_px, raster.height_px),
            mode,
            digest: samples_digest(&raster, deep_samples.as_deref()),
            largest: deep_samples.map(|samples| samples.into_iter().max().unwrap_or(0)),
        });
        let map = item.map.as_ref().map(|path| {
            let decoded = fs_read(path).and_then(|bytes| decode_map(&bytes, path).map_err(unreadable));
            decoded.map(|map| SeenMap {
                size: (map.width_px, map.height_px),
                flat: grid_from_map(&map, COARSEST_GRID, COARSEST_GRID).flat,
            })
        });
        Self { image, map }
    }
}

fn fs_read(path: &Path) -> Result<Vec<u8>, Fault> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read = cyborg_files::open_regular(path).and_then(|mut file| file.read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Fault::Missing),
        Err(error) => Err(Fault::Unreadable(error.to_string())),
    }
}

fn unreadable(error: ImageError) -> Fault {
    Fault::Unreadable(error.to_string())
}

/// Of 16-bit pictures all bits count: at 8 bits many different ones are the same.
fn samples_digest(raster: &Raster, deep_samples: Option<&[u16]>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&raster.width_px.to_le_bytes());
    hasher.update(&raster.height_px.to_le_bytes());
    match deep_samples {
        None => hasher.update(&raster.pixels),
        Some(samples) => {
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            hasher.update(b"16 bits").update(&bytes)
        }
    };
    hasher.finalize()
}

/// Pictures of 16 bits a sample that leave the highest bits unused.
fn bits(pairs: &[(&Item, &Seen)], findings: &mut Vec<Finding>) {
    let deep: Vec<(&Item, u16)> = pairs
        .iter()
        .filter(|(item, _)| item.window.is_none())
        .filter_map(|(item, seen)| Some((*item, seen.image.as_ref().ok()?.largest?)))
        .collect();
    let largest = deep.iter().map(|(_, largest)| *largest).max().unwrap_or(0);
    let n_used = u16::BITS - largest.leading_zeros();
    if deep.is_empty() || n_used == u16::BITS {
        return;
    }
    let share = f64::from(largest) / f64::from(u16::MAX) * 100.0;
    let message = format!(
        "images use {n_used} of 16 bits a sample: their largest value is {largest}, so at most {share:.1} % of white is seen of \
         them. State in the manifest which values are black and white: `window: {{low: 0, high: {}}}`",
        (1_u32 << n_used) - 1
    );
    let examples = deep.iter().map(|(item, largest)| format!("`{}` (largest value {largest})", item.id));
    findings.push(Finding::new(Severity::Warning, FindingKind::UnusedBits, deep.len(), message, examples));
}

/// Missing, unreadable and ill-fitting files.
fn files(pairs: &[(&Item, &Seen)], findings: &mut Vec<Finding>) {
    let mut add = |severity, kind, message: &str, examples: Vec<String>| {
        if !examples.is_empty() {
            findings.push(Finding::new(severity, kind, examples.len(), message, examples));
        }
    };
    let at = |item: &Item, path: &Path| format!("{}: `{}`", item.origin, path.display());
    let missing: Vec<String> = pairs
        .iter()
        .filter(|(_, seen)| matches!(seen.image, Err(Fault::Missing)))
        .map(|(item, _)| at(item, &item.image))
        .collect();
    if missing.len() == pairs.len() {
        let message = "images are listed and none of them is there: only the rows were checked";
        add(Severity::Error, FindingKind::NoImages, message, missing);
    } else {
        add(Severity::Error, FindingKind::MissingImage, "images are listed but not there", missing);
    }
    let reason = |fault: Option<&Fault>, item: &Item| match fault {
        Some(Fault::Unreadable(reason)) => Some(format!("{}: {reason}", item.origin)),
        _ => None,
    };
    let images = pairs.iter().filter_map(|(item, seen)| reason(seen.image.as_ref().err(), item)).collect();
    add(Severity::Error, FindingKind::UnreadableImage, "images cannot be read", images);
    let with_map: Vec<(&Item, &Path, &Result<SeenMap, Fault>, &Seen)> = pairs
        .iter()
        .filter_map(|(item, seen)| Some((*item, item.map.as_deref()?, seen.map.as_ref()?, *seen)))
        .collect();
    let missing = with_map.iter().filter(|(_, _, map, _)| matches!(map, Err(Fault::Missing)));
    let missing = missing.map(|(item, path, _, _)| at(item, path)).collect();
    add(Severity::Error, FindingKind::MissingMap, "saliency maps are listed but not there", missing);
    let maps = with_map.iter().filter_map(|(item, _, map, _)| reason(map.as_ref().err(), item)).collect();
    add(Severity::Error, FindingKind::UnreadableMap, "saliency maps cannot be read", maps);
    let misfit = |(item, path, map, seen): &(&Item, &Path, &Result<SeenMap, Fault>, &Seen)| {
        let (Ok(map), Ok(image)) = (map, &seen.image) else { return None };
        let error = check_aspect(map.size, image.size).err()?;
        Some(format!("{}: {error}", at(item, path)))
    };
    let misfits = with_map.iter().filter_map(misfit).collect();
    add(
        Severity::Error,
        FindingKind::MapAspect,
        "saliency maps have another shape than their images",
        misfits,
    );
    let flat = with_map.iter().filter(|(_, _, map, _)| map.as_ref().is_ok_and(|map| map.flat));
    let flat = flat.map(|(item, path, _, _)| at(item, path)).collect();
    let message = "saliency maps have no contrast on a grid of 7 x 7 cells: they say nothing";
    add(Severity::Warning, FindingKind::FlatMap, message, flat);
}

/// Files of the folders that are no images.
fn left_out(dataset: &Dataset, findings: &mut Vec<Finding>) {
    if dataset.left_out.is_empty() {
        return;
    }
    let n = dataset.left_out.values().sum();
    let counted = dataset.left_out.iter().map(|(ending, n)| format!("{n} {ending}"));
    let message = "files in the folders of images hold no image and were left out";
    findings.push(Finding::new(Severity::Warning, FindingKind::NoImageFile, n, message, counted));
}

/// What the manifest expects and what the rows hold.
fn counts(dataset: &Dataset, findings: &mut Vec<Finding>) {
    let items = &dataset.items;
    let mut differences = Vec::new();
    let mut compare = |what: String, expected: usize, found: usize| {
        if expected != found {
            differences.push(format!("{what}: {expected} expected, {found} found"));
        }
    };
    let expected = &dataset.expected;
    if let Some(images) = expected.images {
        compare("images".to_owned(), images, items.len());
    }
    let count = |is_it: &dyn Fn(&Item) -> bool| items.iter().filter(|item| is_it(item)).count();
    for (class, &n) in &expected.classes {
        compare(format!("class `{class}`"), n, count(&|item| dataset.classes[item.label] == *class));
    }
    for (source, &n) in &expected.sources {
        compare(format!("source `{source}`"), n, count(&|item| item.source == *source));
    }
    for (&split, &n) in &expected.splits {
        compare(format!("split `{split}`"), n, count(&|item| item.split == split));
    }
    if let Some(maps) = expected.maps {
        compare("saliency maps".to_owned(), maps, count(&|item| item.map.is_some()));
    }
    if !differences.is_empty() {
        let message = "counts differ from what the manifest expects of a complete copy";
        findings.push(Finding::new(
            Severity::Error,
            FindingKind::Count,
            differences.len(),
            message,
            differences,
        ));
    }
    let trained: BTreeSet<usize> =
        items.iter().filter(|item| item.split == Split::Train).map(|item| item.label).collect();
    let untrained: Vec<String> = (0..dataset.classes.len())
        .filter(|label| !trained.is_empty() && !trained.contains(label))
        .map(|label| format!("`{}`", dataset.classes[label]))
        .collect();
    if !untrained.is_empty() {
        let message = "classes have no image in train, though others have";
        let n = untrained.len();
        findings.push(Finding::new(Severity::Warning, FindingKind::ClassMissing, n, message, untrained));
    }
    if dataset.n_repeated_rows > 0 {
        let message = "rows repeat another row to the letter and were left out";
        let n = dataset.n_repeated_rows;
        findings.push(Finding::new(Severity::Warning, FindingKind::RepeatedRow, n, message, []));
    }
}

/// The same pixels twice.
fn contents(dataset: &Dataset, pairs: &[(&Item, &Seen)], findings: &mut Vec<Finding>) {
    let mut by_digest: BTreeMap<&[u8; 32], Vec<&Item>> = BTreeMap::new();
    for (item, seen) in pairs {
        if let Ok(image) = &seen.image {
            by_digest.entry(image.digest.as_bytes()).or_default().push(item);
        }
    }
    // In the order of the items, not of the digests.
    let mut repeated: Vec<Vec<&Item>> = by_digest.into_values().filter(|items| items.len() > 1).collect();
    repeated.sort_by_key(|items| &items[0].id);
    let mut add = |severity, kind, message: &str, is_it: &dyn Fn(&[&Item]) -> bool| {
        let groups: Vec<String> = repeated
            .iter()
            .filter(|items| is_it(items))
            .map(|items| {
                let words = items
                    .iter()
                    .map(|item| format!("`{}` ({}, {})", item.id, item.split, dataset.classes[item.label]));
                words.collect::<Vec<_>>().join(" = ")
            })
            .collect();
        if !groups.is_empty() {
            findings.push(Finding::new(severity, kind, groups.len(), message, groups));
        }
    };
    let splits = |items: &[&Item]| items.iter().any(|item| item.split != items[0].split);
    let classes = |items: &[&Item]| items.iter().any(|item| item.label != items[0].label);
    let message = "pictures are in two splits, pixel for pixel";
    add(Severity::Error, FindingKind::ContentAcrossSplits, message, &splits);
    let message = "pictures have two labels, pixel for pixel the same";
    add(Severity::Error, FindingKind::ContentAcrossClasses, message, &classes);
    let message = "pictures are there more than once in a split, pixel for pixel";
    add(Severity::Warning, FindingKind::ContentRepeated, message, &|items| !splits(items) && !classes(items));
}

fn groups(dataset: &Dataset) -> Vec<GroupCount> {
    let mut groups: BTreeMap<(Split, usize, &str), Vec<&Item>> = BTreeMap::new();
    for item in &dataset.items {
        groups.entry((item.split, item.label, &item.source)).or_default().push(item);
    }
    let mut counts = Vec::new();
    for ((split, label, source), items) in groups {
        let subjects: BTreeSet<&str> = items.iter().filter_map(|item| item.subject.as_deref()).collect();
        counts.push(GroupCount {
            split,
            class: dataset.classes[label].clone(),
            source: source.to_owned(),
            n_images: items.len(),
            n_maps: items.iter().filter(|item| item.map.is_some()).count(),
            n_subjects: subjects.len(),
        });
    }
    counts
}

fn sizes<'a>(images: impl Iterator<Item = &'a SeenImage>) -> Vec<SizeCount> {
    let mut counts: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for image in images {
        *counts.entry(image.size).or_default() += 1;
    }
    let mut sizes: Vec<SizeCount> =
        counts.into_iter().map(|((width_px, height_px), n)| SizeCount { width_px, height_px, n }).collect();
    // Stable: equal counts stay in the order of their sizes.
    sizes.sort_by_key(|size| std::cmp::Reverse(size.n));
    sizes
}
