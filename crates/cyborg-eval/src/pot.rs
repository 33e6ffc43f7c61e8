//! Images of one class, of one source or of several.

use crate::log_odds::logistic;
use crate::options::Threshold;
use std::collections::BTreeMap;

/// Images of one class, of one source or of several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pot {
    /// What images are ranked by (log-odds, where there are any; else the scores): finite values only, in falling order.
    pub(crate) scores: Vec<f64>,
    /// The scores themselves, in falling order, where images are ranked by something else; empty otherwise.
    pub(crate) apart: Vec<f64>,
    pub(crate) n_not_finite: usize,
    /// For sets of more than two classes: images and those classified rightly, by label.
    pub(crate) by_label: BTreeMap<u32, LabelCount>,
}

/// How many images of a label there are, and how many were classified rightly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelCount {
    pub(crate) n: u64,
    pub(crate) n_correct: u64,
}

impl Pot {
    pub(crate) fn len(&self) -> usize {
        self.scores.len() + self.n_not_finite
    }

    /// The scores as they were stated, probabilities mostly, in falling order.
    pub(crate) fn stated(&self) -> &[f64] {
        if self.apart.is_empty() { &self.scores } else { &self.apart }
    }

    /// How many images score at least `threshold`.
    pub(crate) fn n_at_least(&self, threshold: Threshold) -> u64 {
        let (values, threshold) = match threshold {
            Threshold::Score(score) => (self.stated(), score),
            Threshold::LogOdds(log_odds) if !self.apart.is_empty() => (self.scores.as_slice(), log_odds),
            // No image is ranked by log-odds here: the scores are probabilities.
            Threshold::LogOdds(log_odds) => (self.scores.as_slice(), logistic(log_odds)),
        };
        values.partition_point(|score| *score >= threshold) as u64
    }

    fn add(&mut self, other: &Self) {
        self.scores.extend_from_slice(&other.scores);
        self.apart.extend_from_slice(&other.apart);
        self.n_not_finite += other.n_not_finite;
        for (&label, count) in &other.by_label {
            let sum = self.by_label.entry(label).or_default();
            sum.n += count.n;
            sum.n_correct += count.n_correct;
        }
    }

    /// All images of several pots.
    pub(crate) fn pooled<'a>(pots: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut pooled = Self::default();
        pots.into_iter().for_each(|pot| pooled.add(pot));
        // Stable: what is already in order, pot by pot, is merged rather than sorted afresh.
        pooled.scores.sort_by(|a, b| b.total_cmp(a));
        pooled.apart.sort_by(|a, b| b.total_cmp(a));
        pooled
    }
}
