//! Many classes: top-1, top-5 and the confusion matrix.

use crate::columns::{Table, column, frame};
use crate::error::EvalError;
use crate::taken_apart::positions;
use polars::prelude::{DataFrame, Float32Chunked};
use std::collections::{BTreeMap, BTreeSet};

/// Up to so many classes a confusion matrix is written out in full.
const MAX_FULL_CLASSES: usize = 200;
/// Row for all sources together.
const ALL: &str = "all images";

/// What was said of the images of one source.
#[derive(Debug, Default)]
struct Counts {
    n: u64,
    /// Images whose class is among the five largest logits; for those without usable logits see `unranked`.
    top5: u64,
    /// Images whose logits are not all numbers.
    unranked: u64,
    confusion: BTreeMap<(u32, u32), u64>,
}

/// Labels, predictions and logits of a frame.
struct Labelled {
    /// Sources in order of first appearance, then all images.
    names: Vec<String>,
    counts: Vec<Counts>,
    n_labels: usize,
    n_logits: usize,
}

impl Labelled {
    fn new(scores: &DataFrame) -> Result<Self, EvalError> {
        let table = Table::new(scores, "the scores");
        let (mut names, positions) = positions(table.strings("source")?);
        let n_logits = table.n_logits()?;
        let labels: Vec<u32> = table.u32s("label")?.into_no_null_iter().collect();
        let predicted: Vec<u32> = table.u32s("predicted")?.into_no_null_iter().collect();
        let ranks = ranks(table, n_logits, &labels)?;
        names.push(ALL.to_owned());
        let mut counts: Vec<Counts> = names.iter().map(|_| Counts::default()).collect();
        let all = counts.len() - 1;
        for (i, (&label, &predicted)) in labels.iter().zip(&predicted).enumerate() {
            let rank = ranks[i];
            for at in [positions[i] as usize, all] {
                let counts = &mut counts[at];
                counts.n += 1;
                *counts.confusion.entry((label, predicted)).or_default() += 1;
                counts.top5 += u64::from(rank.is_some_and(|rank| rank < 5));
                counts.unranked += u64::from(rank.is_none());
            }
        }
        let most = labels.iter().chain(&predicted).max().map_or(0, |class| *class as usize + 1);
        Ok(Self { names, counts, n_labels: n_logits.max(most), n_logits })
    }
}

/// For each image, how many classes have a larger logit than the true one, of equal ones the lower class first (as the
/// class with the largest logit is chosen). `None` if the class has no logit or one of the logits is not a number. Goes
/// through the columns one by one: there may be a thousand.
fn ranks(table: Table<'_>, n_logits: usize, labels: &[u32]) -> Result<Vec<Option<u32>>, EvalError> {
    let columns: Vec<&Float32Chunked> =
        (0..n_logits).map(|class| table.f32s(&format!("logit_{class}"))).collect::<Result<_, _>>()?;
    let mut own: Vec<Option<f32>> = vec![None; labels.len()];
    for (class, column) in columns.iter().enumerate() {
        for (i, logit) in column.into_no_null_iter().enumerate() {
            if labels[i] as usize == class {
                own[i] = Some(logit);
            }
        }
    }
    let mut ranks: Vec<Option<u32>> = own.iter().map(|own| own.map(|_| 0)).collect();
    for (class, column) in columns.iter().enumerate() {
        for (i, logit) in column.into_no_null_iter().enumerate() {
            let (Some(own), Some(rank)) = (own[i], ranks[i]) else { continue };
            let is_before = logit > own || (logit == own && class < labels[i] as usize);
            ranks[i] = if logit.is_nan() || own.is_nan() { None } else { Some(rank + u32::from(is_before)) };
        }
    }
    Ok(ranks)
}

/// Accuracy over classes, for every source and for all images. Columns: kind, source (str), n_labels, n_images (u32),
/// top1, top5, balanced_accuracy (f64), reason (str); the crate's README defines them.
///
/// # Errors
/// If `scores` lacks a column or holds nulls.
pub fn run_classes(scores: &DataFrame) -> Result<DataFrame, EvalError> {
    let classes = Labelled::new(scores)?;
    let rows: Vec<ClassRow<'_>> = classes
        .names
        .iter()
        .zip(&classes.counts)
        .map(|(name, counts)| ClassRow::of(name, counts, &classes))
        .collect();
    let kind = |at: usize| if at + 1 == classes.names.len() { "aggregate" } else { "source" };
    let kinds: Vec<&str> = (0..rows.len()).map(kind).collect();
    frame(
        "classes",
        vec![
            column("kind", &kinds, |kind| *kind),
            column("source", &rows, |r| r.source),
            column("n_classes", &rows, |_| classes.n_labels as u32),
            column("n_images", &rows, |r| r.n as u32),
            column("top1", &rows, |r| r.top1),
            column("top5", &rows, |r| r.top5),
            column("balanced_accuracy", &rows, |r| r.balanced_accuracy),
            column("reason", &rows, |r| r.reason.as_deref()),
        ],
    )
}

struct ClassRow<'a> {
    source: &'a str,
    n: u64,
    top1: Option<f64>,
    top5: Option<f64>,
    balanced_accuracy: Option<f64>,
    reason: Option<String>,
}

impl<'a> ClassRow<'a> {
    fn of(source: &'a str, counts: &Counts, classes: &Labelled) -> Self {
        let mut row =
            Self { source, n: counts.n, top1: None, top5: None, balanced_accuracy: None, reason: None };
        if counts.n == 0 {
            row.reason = Some("there is no image".to_owned());
            return row;
        }
        let n = counts.n as f64;
        let mut of_labels: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for (&(label, predicted), &count) in &counts.confusion {
            let (all, right) = of_labels.entry(label).or_default();
            *all += count;
            *right += if label == predicted { count } else { 0 };
        }
        let right: u64 = of_labels.values().map(|(_, right)| right).sum();
        row.top1 = Some(right as f64 / n);
        let recalls: f64 = of_labels.values().map(|(all, right)| *right as f64 / *all as f64).sum();
        row.balanced_accuracy = Some(recalls / of_labels.len() as f64);
        if classes.n_logits <= 5 {
            row.reason = Some(format!(
                "top5: there are {} logits, and five guesses of five or fewer classes are always right",
                classes.n_logits
            ));
        } else if counts.unranked > 0 {
            row.reason =
                Some(format!("top5: {} of {} images lack a usable logit", counts.unranked, counts.n));
        } else {
            row.top5 = Some(counts.top5 as f64 / n);
        }
        row
    }
}

/// How many images of each class were taken for which: columns source (str; each source, then `all images`), label,
/// predicted (u32), n (u64), share (f64, of the images of that label). Every label of a source has a row for every class that
/// occurs in the set, also with a count of 0; with more than 200 classes only for those that it was taken for.
///
/// # Errors
/// If `scores` lacks a column or holds nulls.
pub fn run_confusion(scores: &DataFrame) -> Result<DataFrame, EvalError> {
    let classes = Labelled::new(scores)?;
    let mut rows: Vec<(&str, u32, u32, u64, f64)> = Vec::new();
    let Some(all) = classes.counts.last() else { return Ok(DataFrame::empty()) };
    let known: BTreeSet<u32> =
        all.confusion.keys().flat_map(|&(label, predicted)| [label, predicted]).collect();
    for (name, counts) in classes.names.iter().zip(&classes.counts) {
        let mut of_label: BTreeMap<u32, u64> = BTreeMap::new();
        counts.confusion.iter().for_each(|(&(label, _), n)| *of_label.entry(label).or_default() += n);
        for (&label, &total) in &of_label {
            let mut add =
                |predicted: u32, n: u64| rows.push((name, label, predicted, n, n as f64 / total as f64));
            if known.len() > MAX_FULL_CLASSES {
                let of_label = counts.confusion.range((label, 0)..=(label, u32::MAX));
                for (&(_, predicted), &n) in of_label {
                    add(predicted, n);
                }
            } else {
                let n = |predicted: u32| counts.confusion.get(&(label, predicted)).copied().unwrap_or(0);
                for &predicted in &known {
                    add(predicted, n(predicted));
                }
            }
        }
    }
    frame(
        "confusion",
        vec![
            column("source", &rows, |r| r.0),
            column("label", &rows, |r| r.1),
            column("predicted", &rows, |r| r.2),
            column("n", &rows, |r| r.3),
            column("share", &rows, |r| r.4),
        ],
    )
}
