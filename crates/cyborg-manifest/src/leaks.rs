//! Images or people that are in two splits. The rows alone can tell; where the images are there, they are asked too.

use std::collections::{BTreeMap, BTreeSet};

use cyborg_image::{read_rgb_in_window, resize_bilinear};
use rayon::prelude::*;

use crate::dataset::{Dataset, Item, Split};
use crate::report::{Finding, FindingKind, Severity};
use crate::rows;

/// The pairs of splits that must share nothing.
pub(crate) const PAIRS: [(Split, Split); 3] =
    [(Split::Train, Split::Validation), (Split::Train, Split::Test), (Split::Validation, Split::Test)];

/// Subjects in two splits, and files of one source and name in two splits.
pub(crate) fn find(dataset: &Dataset) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (first, second) in PAIRS {
        findings.extend(subjects(dataset, first, second));
    }
    for (first, second) in PAIRS {
        findings.extend(names(dataset, first, second));
    }
    findings
}

fn of_split(dataset: &Dataset, split: Split) -> impl Iterator<Item = &Item> {
    dataset.items.iter().filter(move |item| item.split == split)
}

fn subjects(dataset: &Dataset, first: Split, second: Split) -> Option<Finding> {
    let of = |split| -> BTreeSet<&str> {
        of_split(dataset, split).filter_map(|item| item.subject.as_deref()).collect()
    };
    let (in_first, in_second) = (of(first), of(second));
    let shared: Vec<&&str> = in_first.intersection(&in_second).collect();
    if shared.is_empty() {
        return None;
    }
    let is_shared = |item: &&Item| item.subject.as_deref().is_some_and(|subject| in_second.contains(subject));
    let n_images = of_split(dataset, first).filter(is_shared).count();
    Some(Finding::new(
        Severity::Error,
        FindingKind::SubjectAcrossSplits,
        shared.len(),
        format!(
            "of the {} subjects in {first} are in {second} as well ({n_images} images of {first})",
            in_first.len()
        ),
        shared.iter().map(|subject| format!("`{subject}`")),
    ))
}

fn names(dataset: &Dataset, first: Split, second: Split) -> Option<Finding> {
    fn name(item: &Item) -> (&str, &str) {
        (&item.source, rows::file_name(&item.id))
    }
    let in_second: BTreeMap<(&str, &str), &Item> =
        of_split(dataset, second).map(|item| (name(item), item)).collect();
    let mut shared: Vec<(&Item, &Item)> = of_split(dataset, first)
        .filter_map(|item| in_second.get(&name(item)).map(|other| (item, *other)))
        .collect();
    // Many a set numbers the images of every split from 0. Those that can be seen to differ are no leak.
    let differ: Vec<bool> = shared.par_iter().map(|(item, other)| look_different(item, other)).collect();
    let mut differ = differ.into_iter();
    shared.retain(|_| differ.next() == Some(false));
    if shared.is_empty() {
        return None;
    }
    Some(Finding::new(
        Severity::Warning,
        FindingKind::NameAcrossSplits,
        shared.len(),
        format!(
            "of the {} images in {first} have the file name of an image in {second} of the same source \
             and, as far as they can be read, look the same",
            of_split(dataset, first).count()
        ),
        shared.iter().map(|(item, other)| format!("`{}` and `{}`", item.id, other.id)),
    ))
}

/// Side of the thumbnails that are compared.
const THUMBNAIL_PX: u32 = 16;

/// Mean difference of two thumbnails, in levels of 0 to 255, above which they show different pictures. Measured: a
/// picture and its copy, resized to 128 pixels or saved as JPEG at quality 40, at most 0.9; two faces of one
/// generator at least 21; two phantom faces at least 15; two chest X-rays at least 9.9, but for one pair at 2.2 that is
/// nearly the same picture.
const DIFFERENT: u64 = 4;

/// True if both images can be read and show different pictures.
fn look_different(first: &Item, second: &Item) -> bool {
    let thumbnail = |item: &Item| {
        let image = read_rgb_in_window(&item.image, item.window).ok()?;
        Some(resize_bilinear(&image, THUMBNAIL_PX, THUMBNAIL_PX).pixels)
    };
    let (Some(first), Some(second)) = (thumbnail(first), thumbnail(second)) else { return false };
    let sum: u64 = first.iter().zip(&second).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum > DIFFERENT * first.len() as u64
}
