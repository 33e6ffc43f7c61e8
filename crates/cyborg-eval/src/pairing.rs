//! Which images are tested against which.

use crate::columns::Table;
use crate::error::EvalError;
use crate::ranking::{Ranked, Undefined, sort_falling};
use polars::prelude::DataFrame;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

/// Images of one class, of one source or of several. Scores in falling order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pot {
    /// Finite scores only.
    pub(crate) scores: Vec<f64>,
    pub(crate) n_not_finite: usize,
    pub(crate) n_correct: usize,
}

impl Pot {
    pub(crate) fn len(&self) -> usize {
        self.scores.len() + self.n_not_finite
    }

    fn add(&mut self, other: &Self) {
        self.scores.extend_from_slice(&other.scores);
        self.n_not_finite += other.n_not_finite;
        self.n_correct += other.n_correct;
    }

    /// All images of several pots.
    fn pooled<'a>(pots: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut pooled = Self::default();
        pots.into_iter().for_each(|pot| pooled.add(pot));
        // Stable: what is already in order, pot by pot, is merged rather than sorted afresh.
        pooled.scores.sort_by(|a, b| b.total_cmp(a));
        pooled
    }
}

#[derive(Debug)]
struct Source {
    name: String,
    positives: Pot,
    negatives: Pot,
}

/// The scores of one run, by source and class.
#[derive(Debug)]
pub(crate) struct Sources {
    sources: Vec<Source>,
    positive: u32,
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

/// The scores of two pots, or why they cannot be ranked.
pub(crate) fn ranked<'a>(positives: &'a Pot, negatives: &'a Pot) -> Result<Ranked<'a>, Undefined> {
    let n = positives.n_not_finite + negatives.n_not_finite;
    if n > 0 {
        return Err(Undefined::NotFinite { n, of: positives.len() + negatives.len() });
    }
    Ranked::new(&positives.scores, &negatives.scores)
}

impl Sources {
    /// Takes the scores apart by source and class: one pass, then each part is sorted.
    pub(crate) fn new(scores: &DataFrame, plan: &EvalPlan) -> Result<Self, EvalError> {
        let table = Table::new(scores, "the scores");
        let names = table.strings("source")?;
        let labels = table.u32s("label")?;
        let predicted = table.u32s("predicted")?;
        let values = table.f64s("score")?;
        let n_logits = table.n_logits()?;
        let two_classes = if n_logits > 0 {
            n_logits <= 2
        } else {
            labels.iter().chain(predicted.iter()).flatten().all(|class| class < 2)
        };

        let mut sources: Vec<Source> = Vec::new();
        let mut positions: HashMap<&str, usize> = HashMap::new();
        let mut last: Option<(&str, usize)> = None;
        let rows = names.iter().zip(labels.iter()).zip(predicted.iter().zip(values.iter()));
        for ((name, label), (predicted, score)) in rows {
            let (Some(name), Some(label), Some(predicted), Some(score)) = (name, label, predicted, score)
            else {
                continue; // not reached: the columns hold no null
            };
            // Images of a source mostly stand together.
            let position = match last {
                Some((last_name, position)) if last_name == name => position,
                _ => *positions.entry(name).or_insert_with(|| {
                    sources.push(Source {
                        name: name.to_owned(),
                        positives: Pot::default(),
                        negatives: Pot::default(),
                    });
                    sources.len() - 1
                }),
            };
            last = Some((name, position));
            let is_positive = label == plan.positive;
            let source = &mut sources[position];
            let pot = if is_positive { &mut source.positives } else { &mut source.negatives };
            let correct = if two_classes { (score >= 0.5) == is_positive } else { predicted == label };
            pot.n_correct += usize::from(correct);
            if score.is_finite() {
                pot.scores.push(score);
            } else {
                pot.n_not_finite += 1;
            }
        }
        for source in &mut sources {
            sort_falling(&mut source.positives.scores);
            sort_falling(&mut source.negatives.scores);
        }
        Ok(Self { sources, positive: plan.positive })
    }

    /// All positives, all negatives.
    pub(crate) fn pooled(&self) -> (Pot, Pot) {
        (
            Pot::pooled(self.sources.iter().map(|source| &source.positives)),
            Pot::pooled(self.sources.iter().map(|source| &source.negatives)),
        )
    }

    pub(crate) fn n_positive_sources(&self) -> usize {
        self.sources.iter().filter(|source| source.positives.len() > 0).count()
    }

    /// How many negative images these sources hold, each source counted once.
    pub(crate) fn n_negatives(&self, positions: &BTreeSet<usize>) -> usize {
        positions.iter().map(|&position| self.sources[position].negatives.len()).sum()
    }

    /// Calls `visit` with every positive source and the negatives of the plan: sources in the order of the scores,
    /// then those that only the plan names. Negatives that several sources share are pooled once.
    pub(crate) fn for_each_pair(&self, plan: &EvalPlan, mut visit: impl FnMut(Pair<'_>)) {
        debug_assert_eq!(plan.positive, self.positive);
        let nothing = Pot::default();
        let mut pools: BTreeMap<Vec<usize>, Pot> = BTreeMap::new();
        let all: Vec<usize> =
            (0..self.sources.len()).filter(|&i| self.sources[i].negatives.len() > 0).collect();
        let in_scores = self.sources.iter().filter(|source| source.positives.len() > 0);
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
                Pot::pooled(negative_sources.iter().map(|&position| &self.sources[position].negatives))
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
            match self.sources.iter().position(|s| s.name == *name && s.negatives.len() > 0) {
                Some(position) => {
                    positions.insert(position);
                }
                None => missing = missing.or_else(|| Some(name.clone())),
            }
        }
        (positions.into_iter().collect(), missing)
    }
}
