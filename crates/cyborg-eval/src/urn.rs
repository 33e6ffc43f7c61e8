//! What a bootstrap draws from: images of a source and class, or subjects with all their images.

use crate::bootstrap::Resample;
use crate::columns::Table;
use crate::error::EvalError;
use crate::pairing::{Source, Sources};
use crate::pot::Pot;
use crate::taken_apart::positions;
use cyborg_seed::{Seed, Stream};
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

/// One image as a metric sees it.
#[derive(Clone, Copy, Debug)]
struct Image {
    score: f64,
    label: u32,
    correct: bool,
    unit: u32,
}

/// The images of a run, sorted once, and the units that are drawn.
#[derive(Debug)]
pub(crate) struct Urn {
    names: Vec<String>,
    /// Positives and negatives of each source, scores falling.
    images: Vec<[Vec<Image>; 2]>,
    /// Units that are drawn among each other.
    strata: Vec<Vec<u32>>,
    n_units: usize,
    many_classes: bool,
    probabilities: bool,
}

impl Urn {
    pub(crate) fn new(
        scores: &DataFrame,
        positive: u32,
        base: &Sources,
        resample: Resample,
    ) -> Result<Self, EvalError> {
        let table = Table::new(scores, "the scores");
        let (names, sources) = positions(table.strings("source")?);
        let labels: Vec<u32> = table.u32s("label")?.into_no_null_iter().collect();
        // Only more than two classes have it looked at.
        let predicted: Vec<u32> = if base.has_many_classes() {
            table.u32s("predicted")?.into_no_null_iter().collect()
        } else {
            labels.clone()
        };
        let values: Vec<f64> = table.f64s("score")?.into_no_null_iter().collect();
        let (units, n_units) = match resample {
            Resample::Images => ((0..labels.len() as u32).collect(), labels.len()),
            Resample::Subjects => subjects(table, labels.len())?,
        };
        let mut images: Vec<[Vec<Image>; 2]> = names.iter().map(|_| [Vec::new(), Vec::new()]).collect();
        // The (source, class) lists in which a unit has images: units with the same set are drawn among each other.
        let mut places: Vec<Vec<u32>> = vec![Vec::new(); n_units];
        for (i, &score) in values.iter().enumerate() {
            if !score.is_finite() {
                continue; // the rows that need it have no value, whatever is drawn
            }
            let class = usize::from(labels[i] != positive);
            let correct = predicted[i] == labels[i];
            images[sources[i] as usize][class].push(Image {
                score,
                label: labels[i],
                correct,
                unit: units[i],
            });
            let place = 2 * sources[i] + class as u32;
            let of_unit = &mut places[units[i] as usize];
            if !of_unit.contains(&place) {
                of_unit.push(place);
            }
        }
        images.iter_mut().flatten().for_each(|list| list.sort_by(|a, b| b.score.total_cmp(&a.score)));
        let mut strata: BTreeMap<Vec<u32>, Vec<u32>> = BTreeMap::new();
        for (unit, mut places) in places.into_iter().enumerate() {
            places.sort_unstable();
            if !places.is_empty() {
                strata.entry(places).or_default().push(unit as u32);
            }
        }
        Ok(Self {
            names,
            images,
            strata: strata.into_values().collect(),
            n_units,
            many_classes: base.has_many_classes(),
            probabilities: base.are_probabilities(),
        })
    }

    /// The units, stratum by stratum.
    pub(crate) fn strata(&self) -> &[Vec<u32>] {
        &self.strata
    }

    /// Number of strata in which there is nothing to draw but one unit.
    pub(crate) fn n_alone(&self) -> usize {
        self.strata.iter().filter(|stratum| stratum.len() == 1).count()
    }

    /// As many units as there are, drawn with replacement within each stratum.
    pub(crate) fn drawn(&self, replicate: usize, seed: &Seed) -> Sources {
        let mut stream: Stream = seed.stream(&format!("replicate/{replicate}"));
        let mut weights = vec![0_u32; self.n_units];
        for stratum in &self.strata {
            for _ in stratum {
                weights[stratum[stream.below(stratum.len())] as usize] += 1;
            }
        }
        self.weighted(&weights)
    }

    /// All units but one.
    pub(crate) fn without(&self, unit: u32) -> Sources {
        let mut weights = vec![1_u32; self.n_units];
        weights[unit as usize] = 0;
        self.weighted(&weights)
    }

    fn weighted(&self, weights: &[u32]) -> Sources {
        let pot = |images: &[Image]| {
            let mut pot = Pot::default();
            pot.scores.reserve(images.len());
            for image in images {
                let weight = weights[image.unit as usize];
                pot.scores.extend(std::iter::repeat_n(image.score, weight as usize));
                if self.many_classes && weight > 0 {
                    let count = pot.by_label.entry(image.label).or_default();
                    count.n += u64::from(weight);
                    count.n_correct += u64::from(weight) * u64::from(image.correct);
                }
            }
            pot
        };
        let source = |(name, [positives, negatives]): (&String, &[Vec<Image>; 2])| Source {
            name: name.clone(),
            positives: pot(positives),
            negatives: pot(negatives),
        };
        let sources = self.names.iter().zip(&self.images).map(source).collect();
        Sources::from_parts(sources, self.many_classes, self.probabilities)
    }
}

/// The unit of each image: its subject, or itself where it has none.
fn subjects(table: Table<'_>, n_images: usize) -> Result<(Vec<u32>, usize), EvalError> {
    let names = table.optional_strings("subject")?;
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
    debug_assert_eq!(units.len(), n_images);
    Ok((units, n_units as usize))
}
