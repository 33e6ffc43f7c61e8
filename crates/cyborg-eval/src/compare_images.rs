//! Two runs on the same images.

use crate::columns::{Table, column, frame};
use crate::delong::{DelongPair, delong_paired};
use crate::error::EvalError;
use crate::holm::holm;
use crate::log_odds::ranking;
use crate::pairing::{EvalPlan, Sources};
use crate::ranking::Undefined;
use crate::taken_apart::{positions, subjects_repeat};
use polars::prelude::DataFrame;
use std::collections::HashMap;

/// DeLong's test for every positive source, and for all pooled, of two frames of scores of the same images (found by
/// image and source, in any order). The crate's README lists the columns. Intervals are of 95 %; Holm's family are the
/// sources of the table.
///
/// # Errors
/// If a frame lacks a column or holds nulls, or the two are not of the same images with the same labels.
pub fn compare_images(
    baseline: &DataFrame,
    candidate: &DataFrame,
    plan: &EvalPlan,
) -> Result<DataFrame, EvalError> {
    let (a, b) =
        (Table::new(baseline, "the baseline's scores"), Table::new(candidate, "the candidate's scores"));
    let (names, sources) = positions(a.strings("source")?);
    let is_positive: Vec<bool> =
        a.u32s("label")?.into_no_null_iter().map(|label| label == plan.positive).collect();
    let of_baseline = ranks(a, plan)?;
    let of_candidate = matched(a, b, &ranks(b, plan)?)?;

    // Rows of each source, positives and negatives.
    let mut rows: Vec<[Vec<usize>; 2]> = names.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for (i, &source) in sources.iter().enumerate() {
        rows[source as usize][usize::from(!is_positive[i])].push(i);
    }
    let dependent = subjects_repeat(a)? || subjects_repeat(b)?;
    let test = |positives: &mut dyn Iterator<Item = usize>, negatives: &mut dyn Iterator<Item = usize>| {
        if dependent {
            return Err(Undefined::SharedSubjects);
        }
        let rows: Vec<usize> = positives.chain(negatives).collect();
        let of = |scores: &[f64]| rows.iter().map(|&i| scores[i]).collect::<Vec<f64>>();
        let labels: Vec<bool> = rows.iter().map(|&i| is_positive[i]).collect();
        delong_paired(&labels, &of(&of_baseline), &of(&of_candidate), 0.95)
    };

    let mut tests: Vec<Row> = Vec::new();
    Sources::new(baseline, plan)?.for_each_pair(plan, |pair| {
        let position = names.iter().position(|name| name == pair.source);
        let positives = position.map_or(&[][..], |position| &rows[position][0]);
        let negatives = || pair.negative_sources.iter().flat_map(|&source| rows[source][1].iter().copied());
        let outcome = match pair.ranked() {
            // The plan cannot be met, or the baseline has no ranking: the same reason as in the table of metrics.
            Err(reason) => Err(reason),
            Ok(_) => test(&mut positives.iter().copied(), &mut negatives()),
        };
        tests.push(Row {
            kind: "source",
            source: pair.source.to_owned(),
            seen: Some(pair.seen),
            n: [positives.len(), negatives().count()],
            outcome,
        });
    });
    let of_class = |class: usize| rows.iter().flat_map(move |lists| lists[class].iter().copied());
    tests.push(Row {
        kind: "aggregate",
        source: "all pooled".to_owned(),
        seen: None,
        n: [of_class(0).count(), of_class(1).count()],
        outcome: test(&mut of_class(0), &mut of_class(1)),
    });
    table(&tests)
}

struct Row {
    kind: &'static str,
    source: String,
    seen: Option<bool>,
    n: [usize; 2],
    outcome: Result<DelongPair, Undefined>,
}

fn table(rows: &[Row]) -> Result<DataFrame, EvalError> {
    let found = |row: &Row| row.outcome.as_ref().ok().copied();
    let family: Vec<Option<f64>> =
        rows.iter().map(|row| if row.kind == "source" { found(row)?.p } else { None }).collect();
    let n_family = family.iter().flatten().count() as u32;
    let adjusted = holm(&family);
    let corrected: Vec<(&Row, Option<f64>)> = rows.iter().zip(adjusted).collect();
    let reason = |row: &Row| match &row.outcome {
        Err(reason) => Some(reason.to_string()),
        Ok(pair) if pair.p.is_none() => {
            Some("both order every pair alike: there is no variance to test".to_owned())
        }
        Ok(_) => None,
    };
    frame(
        "comparison on the same images",
        vec![
            column("kind", rows, |r| r.kind),
            column("source", rows, |r| r.source.as_str()),
            column("seen", rows, |r| r.seen),
            column("n_positive", rows, |r| r.n[0] as u32),
            column("n_negative", rows, |r| r.n[1] as u32),
            column("auc_baseline", rows, |r| found(r).map(|f| f.auc_baseline)),
            column("auc_candidate", rows, |r| found(r).map(|f| f.auc_candidate)),
            column("difference", rows, |r| found(r).map(|f| f.difference)),
            column("se", rows, |r| found(r).map(|f| f.se)),
            column("ci_low", rows, |r| found(r).and_then(|f| f.ci).map(|ci| ci.0)),
            column("ci_high", rows, |r| found(r).and_then(|f| f.ci).map(|ci| ci.1)),
            column("z", rows, |r| found(r).and_then(|f| f.z)),
            column("p", rows, |r| found(r).and_then(|f| f.p)),
            column("p_holm", &corrected, |(_, p)| *p),
            column("n_family", rows, |r| if r.kind == "source" { n_family } else { 0 }),
            column("reason", rows, reason),
        ],
    )
}

/// What the images of a run are ranked by.
fn ranks(table: Table<'_>, plan: &EvalPlan) -> Result<Vec<f64>, EvalError> {
    let n_logits = table.n_logits()?;
    Ok(match ranking(table, plan.positive, n_logits)? {
        Some(ranking) => ranking,
        None => table.f64s("score")?.into_no_null_iter().collect(),
    })
}

/// The candidate's scores in the order of the baseline's rows.
fn matched(baseline: Table<'_>, candidate: Table<'_>, scores: &[f64]) -> Result<Vec<f64>, EvalError> {
    let rows = |table: Table<'_>| -> Result<Vec<(String, u32)>, EvalError> {
        let (images, sources) = (table.strings("image")?, table.strings("source")?);
        let names = images.iter().zip(sources.iter()).zip(table.u32s("label")?.into_no_null_iter());
        Ok(names.map(|((image, source), label)| (key(image, source), label)).collect())
    };
    let (of_baseline, of_candidate) = (rows(baseline)?, rows(candidate)?);
    let mut known: HashMap<&str, (u32, usize)> = HashMap::with_capacity(of_candidate.len());
    for (i, (key, label)) in of_candidate.iter().enumerate() {
        if known.insert(key, (*label, i)).is_some() {
            return Err(not_the_same(key, "is there twice in the candidate's scores"));
        }
    }
    let mut used = vec![false; of_candidate.len()];
    let mut matched = Vec::with_capacity(of_baseline.len());
    for (key, label) in &of_baseline {
        match known.get(key.as_str()) {
            None => return Err(not_the_same(key, "is in the baseline's scores only")),
            Some((other, _)) if other != label => {
                return Err(not_the_same(
                    key,
                    &format!("has label {label} in the baseline's scores and {other} in the candidate's"),
                ));
            }
            Some((_, i)) if std::mem::replace(&mut used[*i], true) => {
                return Err(not_the_same(key, "is there twice in the baseline's scores"));
            }
            Some((_, i)) => matched.push(scores[*i]),
        }
    }
    match used.iter().position(|used| !used) {
        Some(i) => Err(not_the_same(&of_candidate[i].0, "is in the candidate's scores only")),
        None => Ok(matched),
    }
}

/// Image and source in one text; no name holds a NUL.
fn key(image: Option<&str>, source: Option<&str>) -> String {
    format!("{}\0{}", image.unwrap_or_default(), source.unwrap_or_default())
}

fn not_the_same(key: &str, what: &str) -> EvalError {
    let (image, source) = key.split_once('\0').unwrap_or((key, ""));
    EvalError::OtherImages { image: image.to_owned(), source_name: source.to_owned(), what: what.to_owned() }
}
