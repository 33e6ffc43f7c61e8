//! Agreement of many CAMs with human maps, as a frame.

use super::agreement::{AGREEMENTS, agreement, of_ceiling};
use super::groups::{ALL, Groups};
use super::{NoMeasure, entropy};
use crate::columns::{column, frame};
use crate::error::EvalError;
use crate::runs::RunKey;
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

/// The CAM and the human map of one test image of one run.
#[derive(Clone, Copy, Debug)]
pub struct CamPair<'a> {
    /// Which run.
    pub key: &'a RunKey,
    /// The image's id, for errors.
    pub image: &'a str,
    /// The image's source.
    pub source: &'a str,
    /// Its class.
    pub label: u32,
    /// Cells from top to bottom.
    pub height: usize,
    /// Cells from left to right.
    pub width: usize,
    /// The model's map.
    pub cam: &'a [f32],
    /// People's map on the same grid; `None` if there is none (then only the entropy is measured).
    pub human: Option<&'a [f32]>,
    /// Cells that people fixated or marked; `None` to take the top tenth of the human map.
    pub marked: Option<&'a [bool]>,
}

impl CamPair<'_> {
    pub(super) fn check(&self) -> Result<(), EvalError> {
        let human = self.human.map_or(self.cam.len(), <[f32]>::len);
        let marked = self.marked.map_or(self.cam.len(), <[bool]>::len);
        for (map, found) in [("CAM", self.cam.len()), ("human map", human), ("set of marked cells", marked)] {
            check_cells(map, self.image, found, self.height, self.width)?;
        }
        Ok(())
    }
}

pub(super) fn check_cells(
    map: &'static str,
    image: &str,
    found: usize,
    height: usize,
    width: usize,
) -> Result<(), EvalError> {
    if height.checked_mul(width) == Some(found) {
        return Ok(());
    }
    Err(EvalError::MapCells { map, image: image.to_owned(), found, height, width })
}

/// How well people agree with people, by measure (see [`AGREEMENTS`]).
pub type Ceilings = BTreeMap<String, f64>;

/// A mean that grows, and why images are missing from it.
#[derive(Clone, Debug, Default)]
pub(super) struct Mean {
    sum: f64,
    pub(super) n: u32,
    missing: Option<NoMeasure>,
    n_missing: u32,
}

impl Mean {
    pub(super) fn add(&mut self, value: Result<f64, NoMeasure>) {
        match value {
            Ok(value) => {
                self.sum += value;
                self.n += 1;
            }
            Err(reason) => {
                self.n_missing += 1;
                self.missing.get_or_insert(reason);
            }
        }
    }

    pub(super) fn value(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / f64::from(self.n))
    }

    /// What is missing from the mean, and the first cause.
    pub(super) fn reason(&self, name: &str) -> Option<(String, String)> {
        let reason = self.missing.as_ref()?;
        Some((name.to_owned(), format!("{} without a value, the first: {reason}", self.n_missing)))
    }
}

/// `measure, measure: reason; measure: reason`.
pub(super) fn join_reasons(reasons: impl Iterator<Item = (String, String)>) -> Option<String> {
    let mut groups: Vec<(Vec<String>, String)> = Vec::new();
    for (name, reason) in reasons {
        match groups.iter_mut().find(|(_, known)| *known == reason) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], reason)),
        }
    }
    let lines: Vec<String> =
        groups.iter().map(|(names, reason)| format!("{}: {reason}", names.join(", "))).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

#[derive(Debug, Default)]
struct Measures {
    n_images: u32,
    n_without_map: u32,
    agreements: [Mean; AGREEMENTS.len()],
    entropy: Mean,
    /// Of entropy / ln(cells).
    relative: Mean,
}

impl Measures {
    fn reason(&self) -> Option<String> {
        let means = AGREEMENTS.iter().zip(&self.agreements).filter_map(|(name, mean)| mean.reason(name));
        let without = (self.n_without_map > 0).then(|| {
            ("human map".to_owned(), format!("{} of {} images have none", self.n_without_map, self.n_images))
        });
        join_reasons(without.into_iter().chain(means).chain(self.entropy.reason("entropy")))
    }
}

/// Agreement of CAMs with human maps: the mean over images, for each run by source and class, by source, by class and of
/// all. The crate's README lists the columns. Images are taken one by one, so that they need not all be in memory.
///
/// # Errors
/// [`EvalError::MapCells`] if a map does not have `height * width` cells.
pub fn cam_agreement<'a>(
    pairs: impl IntoIterator<Item = CamPair<'a>>,
    ceilings: &Ceilings,
) -> Result<DataFrame, EvalError> {
    let mut groups: Groups<RunKey, Measures> = Groups::new();
    for pair in pairs {
        pair.check()?;
        let found = pair.human.map(|human| agreement(pair.cam, human, pair.height, pair.width, pair.marked));
        let entropy = entropy(pair.cam);
        let most = (pair.cam.len() as f64).ln();
        groups.add(pair.key, pair.source, pair.label, |measures| {
            measures.n_images += 1;
            match &found {
                Some(found) => {
                    measures
                        .agreements
                        .iter_mut()
                        .zip(found)
                        .for_each(|(mean, value)| mean.add(value.clone()));
                }
                None => measures.n_without_map += 1,
            }
            measures.entropy.add(entropy.clone());
            measures.relative.add(entropy.clone().map(|entropy| entropy / most));
            Ok::<(), EvalError>(())
        })?;
    }
    let rows = groups.into_rows();
    let reasons: Vec<Option<String>> = rows.iter().map(|(.., measures)| measures.reason()).collect();
    let mut columns = vec![
        column("data", &rows, |r| r.0.data.as_str()),
        column("method", &rows, |r| r.0.method.as_str()),
        column("backbone", &rows, |r| r.0.backbone.as_str()),
        column("seed", &rows, |r| r.0.seed),
        column("source", &rows, |r| r.1.as_deref().unwrap_or(ALL)),
        column("label", &rows, |r| r.2),
        column("n_images", &rows, |r| r.3.n_images),
    ];
    for (i, name) in AGREEMENTS.iter().enumerate() {
        let ceiling = ceilings.get(*name).copied();
        let share = |mean: &Mean| of_ceiling(name, mean.value()?, ceiling?);
        columns.push(column(name, &rows, |r| r.3.agreements[i].value()));
        columns.push(column(&format!("{name}_n"), &rows, |r| r.3.agreements[i].n));
        columns.push(column(&format!("{name}_of_ceiling"), &rows, |r| share(&r.3.agreements[i])));
    }
    columns.push(column("entropy", &rows, |r| r.3.entropy.value()));
    columns.push(column("entropy_relative", &rows, |r| r.3.relative.value()));
    columns.push(column("entropy_n", &rows, |r| r.3.entropy.n));
    columns.push(column("reason", &reasons, |reason| reason.as_deref()));
    frame("agreement of CAMs with human maps", columns)
}
