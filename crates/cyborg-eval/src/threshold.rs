//! A threshold chosen on validation images.

use crate::error::EvalError;
use crate::operating::Errors;
use crate::options::Threshold;
use crate::pairing::{EvalPlan, Sources};
use crate::ranking::{Ranked, Ranking, Undefined};
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

/// The threshold that does best by `rule` on these images. What scores at least the threshold is called positive.
///
/// It lies half way between the lowest score that is called positive and the next below, so that it does not cling to
/// one validation image. Where nothing is best called positive it is the next number above the highest score, where
/// everything is, the lowest score. Among equals the highest is taken.
///
/// # Errors
/// [`Undefined`] unless both classes are there, scores differ and all are finite.
///
/// # Examples
/// ```
/// use cyborg_eval::{ThresholdRule, choose_threshold};
/// let labels = [false, false, true, false, true, true];
/// let scores = [0.1, 0.2, 0.3, 0.4, 0.6, 0.9];
/// assert_eq!(choose_threshold(&labels, &scores, ThresholdRule::Accuracy)?, 0.5); // one miss, no false alarm
/// # Ok::<(), cyborg_eval::Undefined>(())
/// ```
pub fn choose_threshold(labels: &[bool], scores: &[f64], rule: ThresholdRule) -> Result<f64, Undefined> {
    Ok(best(Ranking::new(labels, scores)?.ranked(), rule))
}

/// [`choose_threshold`] on a frame of validation scores: images with the plan's positive label against all others. It is
/// chosen where images are ranked: on log-odds where there are logits, else on the scores.
///
/// # Errors
/// [`EvalError`] if `scores` lacks a column or holds nulls. The inner error says why there is no such threshold.
pub fn validation_threshold(
    scores: &DataFrame,
    plan: &EvalPlan,
    rule: ThresholdRule,
) -> Result<Result<Threshold, Undefined>, EvalError> {
    let sources = Sources::new(scores, plan)?;
    let (positives, negatives) = sources.pooled();
    let of = if sources.are_ranked_apart() { Threshold::LogOdds } else { Threshold::Score };
    Ok(crate::measure::ranked(&positives, &negatives).map(|ranked| of(best(ranked, rule))))
}

fn best(ranked: Ranked<'_>, rule: ThresholdRule) -> f64 {
    let (n_positives, n_negatives) = (ranked.n_positives(), ranked.n_negatives());
    let mut errors = Errors { n_positives, n_negatives, missed: n_positives, false_alarms: 0 };
    let mut steps = ranked.steps().peekable();
    let highest = steps.peek().map_or(0.0, |step| step.score);
    let mut best = (cost(errors, rule), highest.next_up());
    while let Some(step) = steps.next() {
        errors.missed -= step.n_positives;
        errors.false_alarms += step.n_negatives;
        let cost = cost(errors, rule);
        if cost < best.0 {
            let threshold = match steps.peek() {
                // Never the lower score itself, however near they are.
                Some(next) => f64::midpoint(step.score, next.score).max(next.score.next_up()),
                None => step.score,
            };
            best = (cost, threshold);
        }
    }
    best.1
}

/// In whole numbers where they fit, so that equal is equal.
fn cost(errors: Errors, rule: ThresholdRule) -> i128 {
    let (p, n) = (i128::from(errors.n_positives), i128::from(errors.n_negatives));
    let (missed, false_alarms) = (i128::from(errors.missed), i128::from(errors.false_alarms));
    match rule {
        ThresholdRule::Accuracy => missed + false_alarms,
        ThresholdRule::Acer => missed * n + false_alarms * p,
        ThresholdRule::EqualError => (missed * n - false_alarms * p).abs(),
        ThresholdRule::Bpcer(most) => {
            if errors.bpcer() <= most {
                missed
            } else {
                i128::MAX
            }
        }
    }
}
