//! A frame of scores, taken apart by source and class.

use crate::columns::Table;
use crate::error::EvalError;
use crate::log_odds::ranking;
use crate::pairing::Source;
use crate::pot::Pot;
use crate::sort::sort_falling;
use polars::prelude::{DataFrame, StringChunked};
use std::collections::{HashMap, HashSet};

/// The scores of one run by source and class, sorted.
pub(crate) struct TakenApart {
    pub(crate) sources: Vec<Source>,
    pub(crate) many_classes: bool,
    pub(crate) probabilities: bool,
    /// Images are ranked by something else than their scores.
    pub(crate) ranked_apart: bool,
    /// Several images are of one subject.
    pub(crate) subjects_repeat: bool,
}

impl TakenApart {
    /// One pass over the rows, then each part is sorted. The column `predicted` is needed only where there are more than
    /// two classes, or (to find out) no logits.
    pub(crate) fn new(scores: Table<'_>, positive: u32, n_logits: usize) -> Result<Self, EvalError> {
        let names = scores.strings("source")?;
        let labels = scores.u32s("label")?;
        let values = scores.f64s("score")?;
        let labels: Vec<u32> =
            labels.downcast_iter().flat_map(|chunk| chunk.values().iter().copied()).collect();
        let by_threshold = || !scores.has("predicted") && labels.iter().all(|label| *label <= 1);
        let predicted: Option<Vec<u32>> = if matches!(n_logits, 1 | 2) || (n_logits == 0 && by_threshold()) {
            None
        } else {
            let predicted = scores.u32s("predicted")?;
            let predicted: Vec<u32> =
                predicted.downcast_iter().flat_map(|chunk| chunk.values().iter().copied()).collect();
            let many = n_logits > 2 || labels.iter().chain(&predicted).any(|class| *class > 1);
            many.then_some(predicted)
        };

        let (source_names, positions) = positions(names);
        let mut sources: Vec<Source> = source_names
            .into_iter()
            .map(|name| Source { name, positives: Pot::default(), negatives: Pot::default() })
            .collect();
        let mut probabilities = true;
        let ranking = ranking(scores, positive, n_logits)?;
        let values = values.downcast_iter().flat_map(|chunk| chunk.values().iter().copied());
        for (i, (score, (&label, &position))) in values.zip(labels.iter().zip(&positions)).enumerate() {
            let source = &mut sources[position as usize];
            let pot = if label == positive { &mut source.positives } else { &mut source.negatives };
            if let Some(predicted) = &predicted {
                let count = pot.by_label.entry(label).or_default();
                count.n += 1;
                count.n_correct += u64::from(predicted[i] == label);
            }
            let rank = ranking.as_ref().map_or(score, |ranking| ranking[i]);
            if score.is_finite() && rank.is_finite() {
                probabilities &= (0.0..=1.0).contains(&score);
                pot.scores.push(rank);
                if ranking.is_some() {
                    pot.apart.push(score);
                }
            } else {
                pot.n_not_finite += 1;
            }
        }
        for source in &mut sources {
            for pot in [&mut source.positives, &mut source.negatives] {
                sort_falling(&mut pot.scores);
                sort_falling(&mut pot.apart);
            }
        }
        Ok(Self {
            sources,
            many_classes: predicted.is_some(),
            probabilities,
            ranked_apart: ranking.is_some(),
            subjects_repeat: subjects_repeat(scores)?,
        })
    }
}

/// Are several images of a frame of scores of one subject (column `subject`), so that they are no independent witnesses?
///
/// # Errors
/// [`EvalError::ColumnType`] if the column holds no text.
pub fn has_repeated_subjects(scores: &DataFrame) -> Result<bool, EvalError> {
    subjects_repeat(Table::new(scores, "the scores"))
}

/// Are several images of one subject? Images without a subject stand for themselves.
pub(crate) fn subjects_repeat(scores: Table<'_>) -> Result<bool, EvalError> {
    if !scores.has(SUBJECT) {
        return Ok(false);
    }
    let mut known: HashSet<&str> = HashSet::new();
    Ok(scores.optional_strings(SUBJECT)?.iter().flatten().any(|subject| !known.insert(subject)))
}

/// Column of the person, eye or patient (str; null where it is not known).
pub(crate) const SUBJECT: &str = "subject";

/// The distinct names in order of first appearance, and for each row the position of its name.
pub(crate) fn positions(names: &StringChunked) -> (Vec<String>, Vec<u32>) {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut distinct: Vec<String> = Vec::new();
    let mut positions = Vec::with_capacity(names.len());
    for chunk in names.downcast_iter() {
        // Rows of one source mostly share a view (length, prefix, place): then the text need not be looked at.
        let mut recent: Vec<(u128, u32)> = Vec::new();
        for (i, view) in chunk.views().iter().enumerate() {
            let view = view.as_u128();
            if let Some(&(_, position)) = recent.iter().find(|(known, _)| *known == view) {
                positions.push(position);
                continue;
            }
            let name = chunk.value(i);
            let position = *known.entry(name).or_insert_with(|| {
                distinct.push(name.to_owned());
                distinct.len() as u32 - 1
            });
            if recent.len() == RECENT {
                recent.clear();
            }
            recent.push((view, position));
            positions.push(position);
        }
    }
    (distinct, positions)
}

/// As many views as are compared one by one.
const RECENT: usize = 16;
