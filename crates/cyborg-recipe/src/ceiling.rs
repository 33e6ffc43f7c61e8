//! Agreement over a whole set: the human ceiling.

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
