//! Scores of pictures, row by row.

use crate::batches::{Effort, OnProgress, for_each_answer};
use crate::classes::class_logits;
use crate::rows::{Row, ScoreTable};
use crate::{Failure, Images, Model, PredictError};
use cyborg_loss::{largest, softmax};

/// What the column `score` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreKind {
    /// Softmax probability of the positive class.
    Softmax,
    /// `sigmoid(logit of the positive class)`, as the released code scores its test images. For two classes it ranks
    /// images by one logit where the softmax ranks them by the difference of both.
    Sigmoid,
}

/// How pictures are scored.
#[derive(Clone, Copy, Debug)]
pub struct PredictOptions {
    /// What the score is.
    pub score: ScoreKind,
    /// The class that the score speaks for.
    pub positive: usize,
    /// How much is done at once.
    pub effort: Effort,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Pictures with a result.
    pub n_done: usize,
    /// What could not be used: of the list first, then of the pictures, each in their order.
    pub failures: Vec<Failure>,
}

/// Scores all pictures and writes their rows to `table` as they come, in the order of the list. A picture that cannot be
/// used becomes a failure and does not stop the others. The caller [finishes](ScoreTable::finish) the table.
///
/// # Errors
/// [`PredictError::Setting`] for a positive class that does not exist, [`PredictError::NothingLeft`] if no picture could
/// be used, [`PredictError::Write`] or [`PredictError::Parquet`] if the table cannot be written.
pub fn predict(
    model: &Model,
    images: &Images,
    options: PredictOptions,
    table: &mut ScoreTable,
    progress: OnProgress<'_>,
) -> Result<Outcome, PredictError> {
    if options.positive >= model.classes().len() {
        return Err(PredictError::no_class(
            "positive",
            &options.positive.to_string(),
            "a class",
            model.classes(),
        ));
    }
    let mut n_done = 0;
    let new = for_each_answer(model, &images.items, options.effort, progress, |answer, _| {
        for (number, logits) in answer.numbers.into_iter().zip(answer.logits) {
            let Some(logits) = logits else { continue };
            let image = &images.items[number];
            let is_one_logit = logits.len() == 1;
            let logits = class_logits(logits);
            let probabilities = softmax(&logits);
            let predicted = largest(&logits);
            table.push(Row {
                image: &image.id,
                source: image.source.as_deref(),
                label: image.label,
                predicted,
                predicted_class: &model.classes().names()[predicted],
                score: match options.score {
                    ScoreKind::Softmax => probabilities[options.positive],
                    // The sigmoid of one logit is the softmax of its two classes.
                    ScoreKind::Sigmoid if is_one_logit => probabilities[options.positive],
                    ScoreKind::Sigmoid => sigmoid(logits[options.positive]),
                },
                probabilities: &probabilities,
                logits: &logits,
            })?;
            n_done += 1;
        }
        Ok(())
    })?;
    outcome(images, n_done, new)
}

/// Puts failures together; an error if nothing else is there.
pub(crate) fn outcome(images: &Images, n_done: usize, new: Vec<Failure>) -> Result<Outcome, PredictError> {
    let n_images = images.items.len() + images.failures.len();
    let failures: Vec<Failure> = images.failures.iter().cloned().chain(new).collect();
    match failures.first() {
        Some(first) if n_done == 0 => Err(PredictError::NothingLeft { n_images, first: first.to_string() }),
        _ => Ok(Outcome { n_done, failures }),
    }
}

fn sigmoid(logit: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(logit)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_hold_however_large_the_logits() {
        // 1 / (1 + e^-1) and 1 / (1 + e).
        let [low, high] = <[f64; 2]>::try_from(softmax(&[0.0, 1.0])).expect("two");
        assert!((high - 0.731_058_578_630_004_9).abs() < 1e-15);
        assert!((low - 0.268_941_421_369_995_1).abs() < 1e-15);
        assert_eq!(softmax(&[3e38, -3e38]), [1.0, 0.0]);
        assert_eq!(softmax(&[2.0; 4]), [0.25; 4]);
        assert_eq!(softmax(&[-7.0]), [1.0]);
    }

    #[test]
    fn the_sigmoid_is_of_one_logit() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert!((sigmoid(1.0) - 0.731_058_578_630_004_9).abs() < 1e-15);
        assert_eq!((sigmoid(f32::MAX), sigmoid(f32::MIN)), (1.0, 0.0));
    }

    #[test]
    fn the_first_of_equal_logits_is_predicted() {
        assert_eq!(largest(&[1.0, 3.0, 3.0]), 1);
    }
}
