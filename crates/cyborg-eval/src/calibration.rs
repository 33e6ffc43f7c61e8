//! Do scores mean what they say? Bins of scores against the share of positives in them.

use crate::columns::{column, frame};
use crate::error::EvalError;
use crate::options::check_bins;
use crate::pairing::{EvalPlan, Sources};
use crate::pot::Pot;
use polars::prelude::DataFrame;

/// The scores of one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bin {
    pub(crate) n: u64,
    pub(crate) n_positives: u64,
    pub(crate) sum: f64,
}

/// Bins of equal width over [0, 1]; a score on an edge belongs to the bin below it, 0 to the first (as scikit-learn's
/// `calibration_curve`).
pub(crate) fn bins(positives: &Pot, negatives: &Pot, n_bins: usize) -> Vec<Bin> {
    let n_bins = n_bins.max(1);
    let mut bins = vec![Bin::default(); n_bins];
    for (pot, is_positive) in [(positives, true), (negatives, false)] {
        // Falling scores: each bin is a stretch of the list, found from its lower edge.
        let mut rest = pot.stated();
        for (i, bin) in bins.iter_mut().enumerate().rev() {
            let n = if i == 0 { rest.len() } else { rest.partition_point(|score| *score > edge(i, n_bins)) };
            let (here, below) = rest.split_at(n);
            bin.n += n as u64;
            bin.n_positives += if is_positive { n as u64 } else { 0 };
            bin.sum += here.iter().sum::<f64>();
            rest = below;
        }
    }
    bins
}

fn edge(i: usize, n_bins: usize) -> f64 {
    if i == n_bins { 1.0 } else { i as f64 * (1.0 / n_bins as f64) }
}

/// Expected calibration error: mean distance of mean score and share of positives, bins weighted by their images.
pub(crate) fn expected_error(bins: &[Bin]) -> f64 {
    let n: u64 = bins.iter().map(|bin| bin.n).sum();
    bins.iter().map(|bin| (bin.sum - bin.n_positives as f64).abs()).sum::<f64>() / n as f64
}

/// Mean squared distance of score and class.
pub(crate) fn brier(positives: &Pot, negatives: &Pot) -> f64 {
    let missed: f64 = positives.stated().iter().map(|score| (1.0 - score).powi(2)).sum();
    let alarmed: f64 = negatives.stated().iter().map(|score| score.powi(2)).sum();
    (missed + alarmed) / (positives.stated().len() + negatives.stated().len()) as f64
}

/// The bins behind the calibration error of every positive source and of all pooled.
///
/// Columns: kind, source (str), bin (u32), low, high (f64), n (u64), mean_score, share_positive (f64), reason (str). A
/// source without a value has one row, with a reason.
///
/// # Errors
/// If `scores` lacks a column or holds nulls, or there are not 1 to 10,000 bins.
pub fn reliability(scores: &DataFrame, plan: &EvalPlan, bins: usize) -> Result<DataFrame, EvalError> {
    check_bins(bins)?;
    let sources = Sources::new(scores, plan)?;
    let n_bins = bins;
    let mut rows: Vec<(&'static str, String, usize, Result<Bin, String>)> = Vec::new();
    let mut add = |kind, source: &str, outcome: Result<Vec<Bin>, String>| match outcome {
        Ok(bins) => {
            rows.extend(bins.into_iter().enumerate().map(|(i, bin)| (kind, source.to_owned(), i, Ok(bin))));
        }
        Err(reason) => rows.push((kind, source.to_owned(), 0, Err(reason))),
    };
    let of = |positives: &Pot, negatives: &Pot| {
        if sources.are_probabilities() {
            Ok(self::bins(positives, negatives, n_bins))
        } else {
            Err(NOT_PROBABILITIES.to_owned())
        }
    };
    sources.for_each_pair(plan, |pair| {
        let ranked = pair.ranked().map_err(|reason| reason.to_string());
        add("source", pair.source, ranked.and_then(|_| of(pair.positives, pair.negatives)));
    });
    let (positives, negatives) = sources.pooled();
    let ranked = crate::measure::ranked(&positives, &negatives).map_err(|reason| reason.to_string());
    add("aggregate", "all pooled", ranked.and_then(|_| of(&positives, &negatives)));

    let bin = |outcome: &Result<Bin, String>| outcome.as_ref().ok().copied();
    let mean = |outcome: &Result<Bin, String>, sum: fn(Bin) -> f64| {
        bin(outcome).filter(|bin| bin.n > 0).map(|bin| sum(bin) / bin.n as f64)
    };
    frame(
        "reliability",
        vec![
            column("kind", &rows, |r| r.0),
            column("source", &rows, |r| r.1.as_str()),
            column("bin", &rows, |r| bin(&r.3).map(|_| r.2 as u32)),
            column("low", &rows, |r| bin(&r.3).map(|_| edge(r.2, n_bins))),
            column("high", &rows, |r| bin(&r.3).map(|_| edge(r.2 + 1, n_bins))),
            column("n", &rows, |r| bin(&r.3).map(|bin| bin.n)),
            column("mean_score", &rows, |r| mean(&r.3, |bin| bin.sum)),
            column("share_positive", &rows, |r| mean(&r.3, |bin| bin.n_positives as f64)),
            column("reason", &rows, |r| r.3.as_ref().err().map(String::as_str)),
        ],
    )
}

/// Why there is no calibration and no threshold of 0.5.
pub(crate) const NOT_PROBABILITIES: &str =
    "the scores are not all between 0 and 1, so they are no probabilities";
