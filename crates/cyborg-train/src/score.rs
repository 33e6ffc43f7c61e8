//! What a trained network answers to images.

use crate::{ImageSet, Observer, TrainError};
use candle_core::Tensor;
use cyborg_backbones::{Network, Tap};
use cyborg_data::{BatchPlan, Batches};
use cyborg_loss::largest;
use cyborg_loss::{cam_from_features, min_max_normalise};
use std::convert::Infallible;
use std::ops::ControlFlow;

/// The network's answer to one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Index into the image set's items.
    pub item: usize,
    /// One a class.
    pub logits: Vec<f32>,
    /// The class with the largest logit (the first of equal ones).
    pub predicted: usize,
    /// Min-max normalised CAM of the predicted class in 8 bit, `grid * grid`, rows first; all 0 where it is flat.
    pub cam: Vec<u8>,
}

/// Evaluation mode, in the order of the items, in batches of `batch_size` (at least 1). The same network and batch size
/// give the same bits with any number of threads.
///
/// # Errors
/// [`TrainError::NonFiniteLogits`] where a logit is not a number, [`TrainError::Data`] where an image can no longer be decoded.
pub fn score(
    network: &Network,
    tap: Tap,
    images: &ImageSet,
    batch_size: usize,
    observer: &dyn Observer,
) -> Result<Vec<Score>, TrainError> {
    let architecture = network.architecture();
    let order: Vec<usize> = (0..images.len()).collect();
    let weight = network.classifier_weight().detach();
    let mut scores = Vec::with_capacity(images.len());
    let batches = Batches::new(images, architecture.normalisation(), BatchPlan::default())?;
    let _: ControlFlow<Infallible> = batches.for_each(&order, batch_size.max(1), 0, 0, |_, batch| {
        let output = network.forward_eval(&batch.images, tap)?;
        let logits = output.logits.to_vec2::<f32>()?;
        if let Some(position) = logits.iter().position(|row| row.iter().any(|logit| !logit.is_finite())) {
            let item = &images.items()[batch.items[position]];
            return Err(TrainError::NonFiniteLogits { id: item.id.clone() });
        }
        let predicted: Vec<u32> = logits.iter().map(|row| largest(row) as u32).collect();
        let predicted = Tensor::from_vec(predicted, logits.len(), batch.images.device())?;
        let cams = min_max_normalise(&cam_from_features(&output.features.detach(), &weight, &predicted)?)?;
        let cams = cams.flatten_from(1)?.to_vec2::<f32>()?;
        for ((&item, logits), cam) in batch.items.iter().zip(logits).zip(cams) {
            let cam = cam.iter().map(|&cell| (cell.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
            scores.push(Score { item, predicted: largest(&logits), logits, cam });
        }
        observer.scoring(scores.len(), images.len());
        Ok::<_, TrainError>(ControlFlow::Continue(()))
    })?;
    Ok(scores)
}

/// The set was loaded for this input.
pub(crate) fn check_shape(
    set: &'static str,
    images: &ImageSet,
    expected_px: usize,
) -> Result<(), TrainError> {
    let found_px = images.input_px();
    if found_px == expected_px {
        return Ok(());
    }
    Err(TrainError::SetShape { set, found_px, expected_px })
}
