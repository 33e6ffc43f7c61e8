//! Test sets drawn again: images of a source and class, or subjects with all their images.

use crate::columns::Table;
use crate::error::EvalError;
use crate::log_odds::ranking;
use crate::pairing::{Source, Sources};
use crate::pot::Pot;
use crate::taken_apart::{SUBJECT, positions};
use cyborg_seed::{Seed, Stream};
use polars::prelude::DataFrame;
use std::collections::{BTreeMap, HashMap};

/// One image as a metric sees it.
#[derive(Clone, Copy, Debug)]
struct Image {
    /// What it is ranked by.
    rank: f64,
    label: u32,
    correct: bool,
    unit: u32,
}

/// The images of a run, sorted once, and the unit (image or subject) that each belongs to.
#[derive(Debug)]
pub(crate) struct Resampler {
    like: Sources,
    names: Vec<String>,
    /// Positives and negatives of each source, by falling rank.
    images: Vec<[Vec<Image>; 2]>,
    /// Score and unit of the same images by falling score, where they are ranked by something else; empty otherwise.
    by_score: Vec<[Vec<(f64, u32)>; 2]>,
    /// Of each unit, the (source, class) lists in which it has images.
    places: Vec<Vec<u32>>,
}

impl Resampler {
    /// `units` holds the unit of each row, below `n_units`.
    pub(crate) fn new(
        scores: &DataFrame,
        positive: u32,
        like: &Sources,
        units: &[u32],
        n_units: usize,
    ) -> Result<Self, EvalError> {
        let table = Table::new(scores, "the scores");
        let (names, sources) = positions(table.strings("source")?);
        let labels: Vec<u32> = table.u32s("label")?.into_no_null_iter().collect();
        // Only more than two classes have it looked at.
        let predicted: Vec<u32> = if like.has_many_classes() {
            table.u32s("predicted")?.into_no_null_iter().collect()
        } else {
            labels.clone()
        };
        let ranking = ranking(table, positive, table.n_logits()?)?;
        let mut images: Vec<[Vec<Image>; 2]> = names.iter().map(|_| [Vec::new(), Vec::new()]).collect();
        let mut by_score: Vec<[Vec<(f64, u32)>; 2]> =
            names.iter().map(|_| [Vec::new(), Vec::new()]).collect();
        let mut places: Vec<Vec<u32>> = vec![Vec::new(); n_units];
        for (i, score) in table.f64s("score")?.into_no_null_iter().enumerate() {
            let rank = ranking.as_ref().map_or(score, |ranking| ranking[i]);
            if !(score.is_finite() && rank.is_finite()) {
                continue; // the rows that need it have no value, whatever is drawn
            }
            let (source, class, unit) = (sources[i] as usize, usize::from(labels[i] != positive), units[i]);
            images[source][class].push(Image {
                rank,
                label: labels[i],
                correct: predicted[i] == labels[i],
                unit,
            });
            if ranking.is_some() {
                by_score[source][class].push((score, unit));
            }
            let place = 2 * sources[i] + class as u32;
            let of_unit = &mut places[unit as usize];
            if !of_unit.contains(&place) {
                of_unit.push(place);
            }
        }
        images.iter_mut().flatten().for_each(|list| list.sort_by(|a, b| b.rank.total_cmp(&a.rank)));
        by_score.iter_mut().flatten().for_each(|list| list.sort_by(|a, b| b.0.total_cmp(&a.0)));
        for places in &mut places {
            places.sort_unstable();
        }
        Ok(Self { like: like.with(Vec::new()), names, images, by_score, places })
    }

    /// Units that are drawn among each other: those that have images in the same sources and classes. Strata of fewer than
    /// `least` units are put together, so that what is drawn can vary.
    pub(crate) fn strata(&self, least: usize) -> Vec<Vec<u32>> {
        let mut strata: BTreeMap<&[u32], Vec<u32>> = BTreeMap::new();
        for (unit, places) in self.places.iter().enumerate() {
            if !places.is_empty() {
                strata.entry(places).or_default().push(unit as u32);
            }
        }
        let (mut large, small): (Vec<Vec<u32>>, Vec<Vec<u32>>) =
            strata.into_values().partition(|stratum| stratum.len() >= least);
        let small: Vec<u32> = small.into_iter().flatten().collect();
        if !small.is_empty() {
            large.push(small);
        }
        large
    }

    /// The test set with each unit as often as its weight says.
    pub(crate) fn weighted(&self, weights: &[u32]) -> Sources {
        let weight = |unit: u32| weights[unit as usize];
        let pot = |images: &[Image], by_score: &[(f64, u32)]| {
            let mut pot = Pot::default();
            pot.scores.reserve(images.len());
            for image in images {
                let weight = weight(image.unit);
                pot.scores.extend(std::iter::repeat_n(image.rank, weight as usize));
                if self.like.has_many_classes() && weight > 0 {
                    let count = pot.by_label.entry(image.label).or_default();
                    count.n += u64::from(weight);
                    count.n_correct += u64::from(weight) * u64::from(image.correct);
                }
            }
            for &(score, unit) in by_score {
                pot.apart.extend(std::iter::repeat_n(score, weight(unit) as usize));
            }
            pot
        };
        let source = |at: usize| Source {
            name: self.names[at].clone(),
            positives: pot(&self.images[at][0], &self.by_score[at][0]),
            negatives: pot(&self.images[at][1], &self.by_score[at][1]),
        };
        self.like.with((0..self.names.len()).map(source).collect())
    }
}

/// How often each of `n_units` units is drawn in a replicate: as many draws as units, with replacement, stratum by stratum.
pub(crate) fn draw(strata: &[Vec<u32>], n_units: usize, replicate: usize, seed: &Seed) -> Vec<u32> {
    let mut stream: Stream = seed.stream(&format!("replicate/{replicate}"));
    let mut weights = vec![0_u32; n_units];
    for stratum in strata {
        for _ in stratum {
            weights[stratum[stream.below(stratum.len())] as usize] += 1;
        }
    }
    weights
}

/// Every unit once but this one.
pub(crate) fn without(unit: u32, n_units: usize) -> Vec<u32> {
    let mut weights = vec![1_u32; n_units];
    weights[unit as usize] = 0;
    weights
}

/// Units under the names that several runs share: a subject, or an image that has none.
#[derive(Debug, Default)]
pub(crate) struct Units {
    known: HashMap<String, u32>,
}

impl Units {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// The subject of each image; the image itself where it has none, or where there are no subjects at all.
    pub(crate) fn subjects(&mut self, scores: &DataFrame) -> Result<Vec<u32>, EvalError> {
        let table = Table::new(scores, "the scores");
        let (images, sources) = (table.strings("image")?, table.strings("source")?);
        let subjects = if table.has(SUBJECT) { Some(table.optional_strings(SUBJECT)?) } else { None };
        let unit = |row: usize| {
            let name = match subjects.and_then(|subjects| subjects.get(row)) {
                Some(subject) => format!("subject {subject}"),
                None => format!(
                    "image {}\0{}",
                    sources.get(row).unwrap_or_default(),
                    images.get(row).unwrap_or_default()
                ),
            };
            let next = self.known.len() as u32;
            *self.known.entry(name).or_insert(next)
        };
        Ok((0..scores.height()).map(unit).collect())
    }
}

/// The subject of each row of one run; rows without one are units of their own.
pub(crate) fn subjects(scores: &DataFrame) -> Result<(Vec<u32>, usize), EvalError> {
    let names = Table::new(scores, "the scores").optional_strings(SUBJECT)?;
    let mut known: BTreeMap<&str, u32> = BTreeMap::new();
    let mut n_units = 0;
    let mut next = || {
        n_units += 1;
        n_units - 1
    };
    let units: Vec<u32> = names
        .iter()
        .map(|name| match name {
            Some(name) => *known.entry(name).or_insert_with(&mut next),
            None => next(),
        })
        .collect();
    Ok((units, n_units as usize))
}
