//! One training step: passes of the network, the method's loss, its gradients.

use crate::TrainError;
use crate::table::TermValue;
use cyborg_backbones::{Network, Output, Tap, TrainingPass};
use cyborg_data::{Batch, HumanMaps};
use cyborg_loss::{CamClass, Classification, HumanSaliency};
use cyborg_methods::{Alteration, Memory, Method, Needs, Over, Pass, Step, Term, Terms};
use cyborg_seed::Seed;
use std::sync::Arc;

/// The distance between CAM and human map, which every method reports.
const SALIENCY_MSE: &str = "saliency_mse";

/// Computes the loss of batches by a method.
#[derive(Debug)]
pub(crate) struct LossOfBatch {
    method: Arc<dyn Method>,
    needs: Needs,
    cam_tap: Tap,
    /// The tap of the CAM, and those that the method asks for.
    taps: Vec<Tap>,
    classification: Classification,
    dropout: bool,
    features_from_second_pass: bool,
}

/// What a step came to before the weights move.
#[derive(Debug)]
pub(crate) struct StepResult {
    pub(crate) terms: Terms,
    /// `(batch, classes)`, of the pass that is classified.
    pub(crate) logits: candle_core::Tensor,
}

impl LossOfBatch {
    /// For settings that are checked: taps that the network lacks are left out.
    pub(crate) fn new(settings: &crate::TrainSettings, n_of_class: &[usize]) -> Self {
        let needs = settings.method.needs();
        let mut taps = vec![settings.cam_tap];
        for name in &needs.taps {
            let tap = settings.architecture.tap(name);
            taps.extend(tap.filter(|tap| !taps.contains(tap)));
        }
        Self {
            method: Arc::clone(&settings.method),
            needs,
            cam_tap: settings.cam_tap,
            taps,
            classification: settings.protocol.classification(n_of_class),
            dropout: settings.protocol.dropout,
            features_from_second_pass: settings.protocol.features_from_second_pass,
        }
    }

    /// Whether batches must hold people's maps at the resolution of the images.
    pub(crate) fn needs_image_maps(&self) -> bool {
        self.needs.image_maps
    }

    /// Runs the network over a batch in training mode. `run` is the seed of the training; what a step draws depends on it and
    /// on the numbers of epoch and step alone.
    pub(crate) fn compute(
        &self,
        network: &Network,
        batch: &Batch,
        memory: &mut Memory,
        run: &Seed,
        (epoch, step): (usize, usize),
    ) -> Result<StepResult, TrainError> {
        let draws = |what: &str| run.child(&format!("epoch/{epoch}/step/{step}/{what}"));
        let dropout = draws("dropout");
        let training = TrainingPass {
            dropout: self.dropout.then_some(&dropout),
            features_from_second_pass: self.features_from_second_pass,
        };
        let image_human = batch.image_maps.as_ref().map(human_saliency);
        let altered = |alteration: &Option<Box<dyn Alteration>>, what: &str| match (alteration, &image_human)
        {
            (Some(alteration), Some(human)) => {
                Ok(Some(alteration.alter(&batch.images, human, &draws(what))?))
            }
            _ => Ok::<_, TrainError>(None),
        };
        let input = altered(&self.needs.altered_input, "input")?;
        let output =
            network.forward_train_with(input.as_ref().unwrap_or(&batch.images), &self.taps, training)?;
        let pass = self.pass(&output)?;
        let second_pass = match altered(&self.needs.second_pass, "second-pass")? {
            Some(images) => Some(self.pass(&network.forward_train_with(&images, &self.taps, training)?)?),
            None => None,
        };
        let human = batch.maps.first().map(human_saliency).ok_or(TrainError::NoGrid)?;
        let step = Step {
            method: self.method.name(),
            pass: &pass,
            second_pass: second_pass.as_ref(),
            classifier_weight: network.classifier_weight(),
            labels: &batch.labels,
            cam_tap: self.cam_tap.name(),
            human: &human,
            image_human: image_human.as_ref(),
            classification: &self.classification,
        };
        let mut terms = self.method.terms(&step, memory)?;
        if !terms.has(SALIENCY_MSE) {
            // Reported, not learned from.
            let mse = step.detached(|step| step.saliency_mse(CamClass::Predicted))?;
            terms = terms.with(SALIENCY_MSE, &mse, Over::ImagesWithMap);
        }
        Ok(StepResult { terms, logits: output.logits })
    }

    fn pass(&self, output: &Output) -> Result<Pass, TrainError> {
        let features = self.taps.iter().map(|tap| Ok((tap.name().to_owned(), output.features(tap)?.clone())));
        Ok(Pass { logits: output.logits.clone(), features: features.collect::<Result<_, TrainError>>()? })
    }
}

fn human_saliency(maps: &HumanMaps) -> HumanSaliency {
    HumanSaliency { maps: maps.maps.clone(), has_map: maps.has_map.clone() }
}

/// The terms as numbers, with the number of images that each is a mean over.
pub(crate) fn numbers(
    terms: &[Term],
    n_images: usize,
    n_maps: usize,
) -> candle_core::Result<Vec<(TermValue, usize)>> {
    let number = |term: &Term| {
        let weight = match term.over {
            Over::Images => n_images,
            Over::ImagesWithMap => n_maps,
        };
        let value = f64::from(term.value.to_scalar::<f32>()?);
        Ok(((term.name.to_owned(), (weight > 0).then_some(value)), weight))
    };
    terms.iter().map(number).collect()
}
