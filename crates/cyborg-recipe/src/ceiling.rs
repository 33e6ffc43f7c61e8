//! Agreement over a whole set: the human ceiling.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::provenance::{Row, table};

/// One measure of agreement over all images that have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CeilingRow {
    /// `split_half`, `split_half_corrected`, `leave_one_out` or `iou`.
    pub measure: &'static str,
    /// Images that have a figure.
    pub n_images: usize,
    /// Images that have none.
    pub n_without: usize,
    /// Mean over images.
    pub mean: Option<f64>,
    /// Standard deviation over images (n - 1); needs two.
    pub sd: Option<f64>,
    /// Median over images.
    pub median: Option<f64>,
    /// The least figure.
    pub least: Option<f64>,
    /// The greatest figure.
    pub greatest: Option<f64>,
}

/// The ceiling by each measure, from rows of [`crate::agree`] or [`crate::build`].
pub fn ceiling(rows: &[Row]) -> Vec<CeilingRow> {
    type Measure = (&'static str, fn(&Row) -> Option<f64>);
    let measures: [Measure; 4] = [
        ("split_half", |row| row.split_half),
        ("split_half_corrected", |row| row.split_half_corrected),
        ("leave_one_out", |row| row.leave_one_out),
        ("iou", |row| row.iou),
    ];
    measures
        .into_iter()
        .map(|(measure, of)| {
            let mut figures: Vec<f64> = rows.iter().filter_map(of).collect();
            figures.sort_by(f64::total_cmp);
            let n = figures.len();
            let mean = (n > 0).then(|| figures.iter().sum::<f64>() / n as f64);
            let squares = mean.map(|mean| figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>());
            CeilingRow {
                measure,
                n_images: n,
                n_without: rows.len() - n,
                mean,
                sd: squares.filter(|_| n > 1).map(|squares| (squares / (n - 1) as f64).sqrt()),
                median: (n > 0).then(|| f64::midpoint(figures[(n - 1) / 2], figures[n / 2])),
                least: figures.first().copied(),
                greatest: figures.last().copied(),
            }
        })
        .collect()
}

/// How far one person agrees with the others, over all images of the person.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonAgreement {
    /// Who.
    pub name: String,
    /// Images that have a figure.
    pub n_images: usize,
    /// Mean over these of Spearman's correlation with the mean of the others' maps.
    pub mean: f64,
    /// True if the mean is far below the others': by more than three standard deviations, estimated from the median
    /// absolute deviation, and by more than 0.1. Needs three people.
    pub is_outlier: bool,
}

/// Everybody's agreement with the others, the least first, from rows of [`crate::agree`] or [`crate::build`].
pub fn agreement_of_people(rows: &[Row]) -> Vec<PersonAgreement> {
    let mut figures: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in rows {
        for (name, figure) in row.annotators.split(';').zip(row.leave_one_out_each.split(';')) {
            if let Ok(figure) = figure.parse() {
                figures.entry(name).or_default().push(figure);
            }
        }
    }
    let mut people: Vec<PersonAgreement> = figures
        .into_iter()
        .map(|(name, figures)| PersonAgreement {
            name: name.to_owned(),
            n_images: figures.len(),
            mean: figures.iter().sum::<f64>() / figures.len() as f64,
            is_outlier: false,
        })
        .collect();
    people.sort_by(|a, b| a.mean.total_cmp(&b.mean).then_with(|| a.name.cmp(&b.name)));
    if people.len() >= 3 {
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
        };
        let middle = median(people.iter().map(|person| person.mean).collect());
        let deviation = median(people.iter().map(|person| (person.mean - middle).abs()).collect());
        // 1.4826 makes the median absolute deviation of a normal distribution its standard deviation.
        let limit = middle - (3.0 * 1.4826 * deviation).max(0.1);
        for person in &mut people {
            person.is_outlier = person.mean < limit;
        }
    }
    people
}

/// The human ceiling in one sentence; nothing if nobody could be compared with anybody.
pub fn ceiling_sentence(rows: &[Row]) -> Option<String> {
    let one = ceiling(rows).into_iter().find(|row| row.measure == "leave_one_out")?;
    let mean = one.mean?;
    Some(format!(
        "human ceiling: one person's map correlates with the mean of the others' by {mean:.2} (mean over {} images); a \
         model whose map does so, too, agrees with people as well as they agree with each other",
        one.n_images
    ))
}

/// One image of the table that [`agreement_csv`] writes.
#[derive(Serialize)]
struct ImageRow<'a> {
    image: &'a str,
    n_annotators: usize,
    annotators: &'a str,
    n_marks: usize,
    split_half: Option<f64>,
    split_half_corrected: Option<f64>,
    leave_one_out: Option<f64>,
    leave_one_out_each: &'a str,
    iou: Option<f64>,
    reason: &'a str,
}

/// The agreement of every image as CSV with a header; a figure that does not exist is empty, and `reason` says why.
///
/// # Errors
/// What writing CSV to memory can have wrong: nothing that was seen yet.
pub fn agreement_csv(rows: &[Row]) -> std::io::Result<Vec<u8>> {
    let image = |row| -> ImageRow {
        let Row { image, annotators, agreement_reason, .. }: &Row = row;
        ImageRow {
            image,
            n_annotators: row.n_annotators,
            annotators,
            n_marks: row.n_marks,
            split_half: row.split_half,
            split_half_corrected: row.split_half_corrected,
            leave_one_out: row.leave_one_out,
            leave_one_out_each: &row.leave_one_out_each,
            iou: row.iou,
            reason: agreement_reason,
        }
    };
    let rows: Vec<ImageRow> = rows.iter().map(image).collect();
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_agrees_with_nobody_stands_out() {
        let row = |each: &str| Row {
            annotators: "ann;bob;cy;dan".to_owned(),
            leave_one_out_each: each.to_owned(),
            leave_one_out: Some(0.5),
            ..Row::default()
        };
        let people = agreement_of_people(&[row("0.7;0.1;0.8;0.75"), row("0.8;0.3;-;0.65")]);
        let found: Vec<_> = people.iter().map(|p| (p.name.as_str(), p.n_images, p.is_outlier)).collect();
        // Means 0.75, 0.2, 0.8 and 0.7: median 0.725, deviations 0.025, 0.525, 0.075, 0.025, their median 0.05: the limit is
        // 0.725 - 3 * 1.4826 * 0.05 = 0.503.
        assert_eq!(found, [("bob", 2, true), ("dan", 2, false), ("ann", 2, false), ("cy", 1, false)]);
        assert!(ceiling_sentence(&[row("")]).expect("a figure").contains("by 0.50 (mean over 1 images)"));
        assert_eq!(ceiling_sentence(&[Row::default()]), None);
    }

    #[test]
    fn a_ceiling_counts_what_it_lacks() {
        let row = |iou| Row { iou, ..Row::default() };
        let rows = [row(Some(0.5)), row(None), row(Some(0.1)), row(Some(0.3))];
        let iou = ceiling(&rows).pop().expect("four measures");
        assert_eq!((iou.n_images, iou.n_without), (3, 1));
        // Deviations from 0.3: 0.2, 0.2 and 0: variance 0.08 / 2.
        assert!((iou.mean.expect("three") - 0.3).abs() < 1e-12);
        assert!((iou.sd.expect("three") - 0.2).abs() < 1e-12);
        assert_eq!((iou.median, iou.least, iou.greatest), (Some(0.3), Some(0.1), Some(0.5)));
        let none = ceiling(&[row(None)]).pop().expect("four measures");
        assert_eq!((none.n_images, none.mean, none.sd, none.median), (0, None, None, None));
    }
}
