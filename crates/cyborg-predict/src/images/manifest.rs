//! The images of a manifest.

use super::{ImageList, ImageOptions, Row, SplitChoice};
use crate::PredictError;
use cyborg_manifest::{Manifest, Split, list_manifests};
use std::path::Path;

/// The manifest of that id.
pub(super) fn find(id: &str, manifests: &Path) -> Result<Manifest, PredictError> {
    let missing = |reason: String| PredictError::NoSuchImages { what: id.to_owned(), reason };
    if !manifests.is_dir() {
        let folder = manifests.display();
        return Err(missing(format!(
            "there is no such file or folder, nor a folder `{folder}` of manifests in which it could be an id"
        )));
    }
    let all = list_manifests(manifests)?;
    let ids: Vec<String> = all.iter().map(|manifest| format!("`{}`", manifest.id)).collect();
    all.into_iter().find(|manifest| manifest.id == id).ok_or_else(|| {
        missing(format!(
            "there is no such file or folder, nor a manifest of that id in `{}`, only {}",
            manifests.display(),
            if ids.is_empty() { "no manifest at all".to_owned() } else { ids.join(", ") }
        ))
    })
}

pub(super) fn read(
    what: &str,
    manifest: &Manifest,
    options: &ImageOptions,
) -> Result<ImageList, PredictError> {
    let dataset = manifest.open(options.data_root.as_deref())?;
    let choice = options.split.unwrap_or(SplitChoice::One(Split::Test));
    let is_chosen = |split: Split| choice == SplitChoice::All || choice == SplitChoice::One(split);
    let n_all = dataset.items.len();
    let counts: Vec<String> = Split::ALL
        .map(|split| (split, dataset.items.iter().filter(|item| item.split == split).count()))
        .map(|(split, n)| format!("{n} {split}"))
        .into();
    let rows: Vec<Row> = dataset
        .items
        .into_iter()
        .filter(|item| is_chosen(item.split))
        .map(|item| Row {
            id: item.id,
            path: item.image,
            label: Some(dataset.classes[item.label].clone()),
            source: Some(item.source),
            window: item.window,
            origin: item.origin,
        })
        .collect();
    let mut list = ImageList::new(what, rows);
    if list.rows.is_empty() {
        let reason = format!(
            " in the chosen split; there are {}: choose with `--split train|validation|test|all`",
            counts.join(", ")
        );
        return Err(PredictError::NoImages { what: what.to_owned(), reason });
    }
    if list.rows.len() < n_all {
        list.notes.push(format!(
            "{} of {n_all} images are asked about: there are {} (`--split` chooses)",
            list.rows.len(),
            counts.join(", ")
        ));
    }
    list.class_names = Some(dataset.classes);
    Ok(list)
}
