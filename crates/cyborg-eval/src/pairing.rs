//! Which images are tested against which.

use crate::columns::Table;
use crate::error::EvalError;
use crate::measure::ranked;
use crate::pot::Pot;
use crate::ranking::{Ranked, Undefined};
use crate::taken_apart::TakenApart;
use polars::prelude::DataFrame;
use std::collections::{BTreeMap, BTreeSet};

/// Who is compared with whom on one test set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalPlan {
    /// Label that counts as positive (synthetic, attack, ill). Every other label is negative.
    pub positive: u32,
    /// Positive source -> the negative sources it is tested against; a source not named is tested against all negatives.
    pub pairs: BTreeMap<String, Vec<String>>,
    /// Sources that training or validation saw.
    pub seen: BTreeSet<String>,
}

/// The images of one source.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) positives: Pot,
    pub(crate) negatives: Pot,
}

/// The scores of one run, by source and class.
#[derive(Debug)]
pub(crate) struct Sources {
    all: Vec<Source>,
    /// Rightness is a matter of the largest logit, not of a threshold.
    many_classes: bool,
    /// All finite scores lie in [0, 1].
    probabilities: bool,
    ranked_apart: bool,
    subjects_repeat: bool,
}

/// A positive source with the negatives that it is tested against.
pub(crate) struct Pair<'a> {
    pub(crate) source: &'a str,
    pub(crate) seen: bool,
    pub(crate) positives: &'a Pot,
    pub(crate) negatives: &'a Pot,
    /// Positions of the negative sources, for counting images once.
    pub(crate) negative_sources: &'a [usize],
    /// Why there is nothing to compute, where the plan itself cannot be met.
    unmet: Option<Undefined>,
}

impl<'a> Pair<'a> {
    /// The scores of the pair, or why they cannot be ranked.
    pub(crate) fn ranked(&self) -> Result<Ranked<'a>, Undefined> {
        match &self.unmet {
            Some(reason) if self.positives.len() > 0 => Err(reason.clone()),
            _ => ranked(self.positives, self.negatives),
        }
    }
}

impl Sources {
    /// Takes the scores apart by source and class: one pass, then each part is sorted.
    pub(crate) fn new(scores: &DataFrame, plan: &EvalPlan) -> Result<Self, EvalError> {
        let table = Table::new(scores, "the scores");
        let n_logits = table.n_logits()?;
        Ok(Self::of(TakenApart::new(table, plan.positive, n_logits)?))
    }

    pub(crate) fn of(scores: TakenApart) -> Self {
        let TakenApart { sources, many_classes, probabilities, ranked_apart, subjects_repeat } = scores;
        Self { all: sources, many_classes, probabilities, ranked_apart, subjects_repeat }
    }

    /// Other images of the same kind.
    pub(crate) fn with(&self, sources: Vec<Source>) -> Self {
        Self { all: sources, ..*self }
    }

    /// Are there more than two classes?
    pub(crate) fn has_many_classes(&self) -> bool {
        self.many_classes
    }

    /// Are images ranked by log-odds (or another column) rather than by their scores?
    pub(crate) fn are_ranked_apart(&self) -> bool {
        self.ranked_apart
    }

    /// Are several images of one subject, so that images are no independent witnesses?
    pub(crate) fn have_repeated_subjects(&self) -> bool {
        self.subjects_repeat
    }

    /// Do all finite scores lie in [0, 1]?
    pub(crate) fn are_probabilities(&self) -> bool {
        self.probabilities
    }

    pub(crate) fn all(&self) -> &[Source] {
        &self.all
    }

    /// All positives, all negatives.
    pub(crate) fn pooled(&self) -> (Pot, Pot) {
        (
            Pot::pooled(self.all.iter().map(|source| &source.positives)),
            Pot::pooled(self.all.iter().map(|source| &source.negatives)),
        )
    }

    /// The positives of these sources, and the negatives of those, each source once.
    pub(crate) fn pooled_of(&self, positives: &BTreeSet<usize>, negatives: &BTreeSet<usize>) -> (Pot, Pot) {
        (
            Pot::pooled(positives.iter().map(|&position| &self.all[position].positives)),
            Pot::pooled(negatives.iter().map(|&position| &self.all[position].negatives)),
        )
    }

    pub(crate) fn n_positive_sources(&self) -> usize {
        self.all.iter().filter(|source| source.positives.len() > 0).count()
    }

    /// How many negative images these sources hold, each source counted once.
    pub(crate) fn n_negatives(&self, positions: &BTreeSet<usize>) -> usize {
        positions.iter().map(|&position| self.all[position].negatives.len()).sum()
    }

    /// Calls `visit` with every positive source and the negatives of the plan: sources in the order of the scores,
    /// then those that only the plan names. Negatives that several sources share are pooled once.
    pub(crate) fn for_each_pair(&self, plan: &EvalPlan, mut visit: impl FnMut(Pair<'_>)) {
        let nothing = Pot::default();
        let mut pools: BTreeMap<Vec<usize>, Pot> = BTreeMap::new();
        let all: Vec<usize> = (0..self.all.len()).filter(|&i| self.all[i].negatives.len() > 0).collect();
        let in_scores = self.all.iter().filter(|source| source.positives.len() > 0);
        let in_scores: Vec<(&str, &Pot)> = in_scores.map(|s| (s.name.as_str(), &s.positives)).collect();
        let named_only =
            plan.pairs.keys().map(String::as_str).filter(|name| in_scores.iter().all(|(s, _)| s != name));
        let named_only: Vec<(&str, &Pot)> = named_only.map(|name| (name, &nothing)).collect();

        for (source, positives) in in_scores.into_iter().chain(named_only) {
            let (negative_sources, missing) = match plan.pairs.get(source) {
                None => (all.clone(), None),
                Some(named) => self.negative_positions(named),
            };
            let pool = pools.entry(negative_sources.clone()).or_insert_with(|| {
                Pot::pooled(negative_sources.iter().map(|&position| &self.all[position].negatives))
            });
            visit(Pair {
                source,
                seen: plan.seen.contains(source),
                positives,
                negatives: pool,
                negative_sources: &negative_sources,
                unmet: missing.map(|negative| Undefined::NoPairedNegatives { negative }),
            });
        }
    }

    /// Where the named sources are, each once, and the first that has no negative image.
    fn negative_positions(&self, named: &[String]) -> (Vec<usize>, Option<String>) {
        let mut missing = None;
        let mut positions = BTreeSet::new();
        for name in named {
            match self.all.iter().position(|s| s.name == *name && s.negatives.len() > 0) {
                Some(position) => {
                    positions.insert(position);
                }
                None => missing = missing.or_else(|| Some(name.clone())),
            }
        }
        (positions.into_iter().collect(), missing)
    }
}
