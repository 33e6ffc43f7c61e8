//! What images are ranked by: log-odds, because a probability near 0 or 1 has no digits left to tell images apart.

use crate::columns::Table;
use crate::error::EvalError;

/// Column of a frame of scores (f64) that images are ranked by, where `score` cannot say it to the last bit.
pub(crate) const RANKING: &str = "ranking";

/// How far a stated score may lie from the softmax of the logits beside it and still be taken for it. A softmax in 32-bit
/// floats is off by less: the exponent of a difference of logits up to 100 carries a relative error of 100 * 2^-24 = 6e-6.
const SOFTMAX_TOLERANCE: f64 = 1e-5;

/// Log-odds of class `positive`: of a single logit the logit itself (it is that of the positive class), of two their
/// difference, of more the logit minus the logarithm of the sum of the others' exponentials. NaN where a logit is not
/// finite, or there is no such class.
///
/// # Examples
/// ```
/// use cyborg_eval::log_odds;
/// assert_eq!(log_odds(&[-20.0, 18.0], 1), 38.0); // the softmax of 18 and 25 is 1 to the last bit
/// assert_eq!(log_odds(&[-20.0, 25.0], 1), 45.0);
/// assert_eq!(log_odds(&[3.0], 1), 3.0);
/// assert!((log_odds(&[0.0, 1.0, 0.0], 1) - (1.0 - 2.0_f64.ln())).abs() < 1e-15);
/// ```
pub fn log_odds(logits: &[f64], positive: usize) -> f64 {
    if logits.iter().any(|logit| !logit.is_finite()) {
        return f64::NAN;
    }
    match logits {
        [logit] => *logit,
        [first, second] if positive == 0 => first - second,
        [first, second] if positive == 1 => second - first,
        _ => {
            let Some(own) = logits.get(positive) else { return f64::NAN };
            let others =
                || logits.iter().enumerate().filter(|(class, _)| *class != positive).map(|(_, logit)| *logit);
            let largest = others().fold(f64::NEG_INFINITY, f64::max);
            own - largest - others().map(|logit| (logit - largest).exp()).sum::<f64>().ln()
        }
    }
}

/// The probability that log-odds mean.
pub(crate) fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// What the images of a frame are ranked by, where it is another number than the score: the column `ranking` if there is
/// one; else the log-odds of the logits, if the scores are the softmax of them.
pub(crate) fn ranking(
    table: Table<'_>,
    positive: u32,
    n_logits: usize,
) -> Result<Option<Vec<f64>>, EvalError> {
    if table.has(RANKING) {
        return Ok(Some(table.f64s(RANKING)?.into_no_null_iter().collect()));
    }
    if n_logits == 0 {
        return Ok(None);
    }
    let logits = (0..n_logits)
        .map(|class| Ok(table.f32s(&format!("logit_{class}"))?.into_no_null_iter().collect()))
        .collect::<Result<Vec<Vec<f32>>, EvalError>>()?;
    let mut of_image = vec![0.0; n_logits];
    let mut ranking = Vec::with_capacity(table.frame.height());
    for (row, score) in table.f64s("score")?.into_no_null_iter().enumerate() {
        for (value, logits) in of_image.iter_mut().zip(&logits) {
            *value = f64::from(logits[row]);
        }
        let value = log_odds(&of_image, positive as usize);
        let is_softmax =
            (logistic(value) - score).abs() <= SOFTMAX_TOLERANCE || (value.is_nan() && score.is_nan());
        if !is_softmax {
            return Ok(None);
        }
        ranking.push(value);
    }
    Ok(Some(ranking))
}
