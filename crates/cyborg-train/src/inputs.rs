//! What a training is given: can it be trained on, and is it what a saved state was made of?

use crate::score::check_shape;
use crate::{ImageSet, Method, TrainError, TrainSettings};
use fs_err as fs;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// All that can be known to be wrong before the first step.
pub(crate) fn check_inputs(
    settings: &TrainSettings,
    train: &ImageSet,
    validation: &ImageSet,
) -> Result<(), TrainError> {
    settings.check()?;
    let grid = settings.grid()?;
    let n_classes = settings.n_classes;
    for (set, images) in [("train", train), ("validation", validation)] {
        if images.is_empty() {
            return Err(TrainError::NoImages { set });
        }
        check_shape(set, images, settings.input_px)?;
        if let Some(item) = images.items().iter().find(|item| item.label >= n_classes) {
            let (id, origin) = (item.id.clone(), item.origin.clone());
            return Err(TrainError::Label { id, origin, label: item.label, n_classes });
        }
    }
    let seen = |class_idx: &usize| train.items().iter().any(|item| item.label == *class_idx);
    if let Some(class_idx) = (0..n_classes).find(|class_idx| !seen(class_idx)) {
        return Err(TrainError::ClassMissing { class_idx, n_classes });
    }
    let (n_images, batch_size) = (train.len(), settings.batch_size);
    if let Method::Cyborg { alpha, .. } = settings.method
        && alpha < 1.0
        && train.n_maps(grid, grid)? == 0
    {
        let n_flat = train.n_flat_maps(grid, grid)?;
        return Err(TrainError::NoMaps { alpha, n_images, n_flat });
    }
    if grid == 1 && (batch_size == 1 || n_images % batch_size == 1) {
        return Err(TrainError::SingleValueBatch { input_px: settings.input_px, n_images, batch_size });
    }
    Ok(())
}

/// What must agree for a saved state to be continued, by name.
pub(crate) fn identity(
    settings: &TrainSettings,
    train: &ImageSet,
    validation: &ImageSet,
) -> Result<BTreeMap<String, String>, TrainError> {
    let digest_of = |path: &PathBuf| match fs::read(path) {
        Ok(bytes) => Ok(blake3::hash(&bytes).to_hex()[..16].to_owned()),
        Err(source) => Err(TrainError::Read { path: path.clone(), source }),
    };
    let pretrained = settings.pretrained.as_ref().map(digest_of).transpose()?;
    let mut identity = settings.described(pretrained.as_deref());
    identity.insert("training data".to_owned(), train.digest());
    identity.insert("validation data".to_owned(), validation.digest());
    Ok(identity)
}
