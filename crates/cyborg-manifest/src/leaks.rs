//! Images or people that are in two splits, as far as the rows alone can tell.

use std::collections::{BTreeMap, BTreeSet};

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
    let shared: Vec<(&Item, &Item)> = of_split(dataset, first)
        .filter_map(|item| in_second.get(&name(item)).map(|other| (item, *other)))
        .collect();
    if shared.is_empty() {
        return None;
    }
    Some(Finding::new(
        Severity::Warning,
        FindingKind::NameAcrossSplits,
        shared.len(),
        format!(
            "of the {} images in {first} have the file name of an image in {second} of the same source: the same picture?",
            of_split(dataset, first).count()
        ),
        shared.iter().map(|(item, other)| format!("`{}` and `{}`", item.id, other.id)),
    ))
}
