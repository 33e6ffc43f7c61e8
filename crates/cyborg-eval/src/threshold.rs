//! A threshold chosen on validation images.

use crate::error::EvalError;
use crate::pairing::EvalPlan;
use crate::ranking::{Ranking, Undefined};
use polars::prelude::DataFrame;

/// What a threshold is chosen for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ThresholdRule {
    /// The most images right.
    #[default]
    Accuracy,
    /// The least mean of APCER and BPCER: as accuracy, but both classes count the same.
    Acer,
    /// APCER and BPCER as near to each other as a threshold brings them.
    EqualError,
    /// The least APCER among thresholds whose BPCER is at most this share.
    Bpcer(f64),
}

/// The threshold that does best by `rule` on these images.
///
/// It lies half way between the last score that is called positive and the next below (above the highest score where
/// nothing is called positive), so that it does not cling to one validation image. Among equals the highest is taken.
///
/// # Errors
/// [`Undefined`] unless both classes are there and all scores are finite.
pub fn choose_threshold(labels: &[bool], scores: &[f64], rule: ThresholdRule) -> Result<f64, Undefined> {
    Ranking::new(labels, scores)?;
    let _ = rule;
    Err(Undefined::NoImages)
}

/// [`choose_threshold`] on a frame of validation scores: images with the plan's positive label against all others.
///
/// # Errors
/// [`EvalError`] if `scores` lacks a column or holds nulls. The inner error says why there is no such threshold.
pub fn validation_threshold(
    scores: &DataFrame,
    plan: &EvalPlan,
    rule: ThresholdRule,
) -> Result<Result<f64, Undefined>, EvalError> {
    let _ = (scores, plan, rule);
    Ok(Err(Undefined::NoImages))
}
