//! Which class was taken for which.
use crate::block::Block;
use crate::{ReportError, frame::Table};
use cyborg_eval::run_confusion;
use polars::prelude::{Column, DataFrame};

/// The row of `run_confusion` over all sources.
const ALL: &str = "all images";

/// Counts over all test images and seeds of one method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Confusion {
    /// `n[label][predicted]`; empty where nothing is known of predictions.
    pub(crate) n: Vec<Vec<u64>>,
}

impl Confusion {
    /// Adds one run. Scores from elsewhere may come without a predicted class: they add nothing.
    pub(crate) fn add(&mut self, scores: &DataFrame, n_classes: usize) -> Result<(), String> {
        if scores.column("predicted").is_err() {
            return Ok(());
        }
        let frame = run_confusion(scores).map_err(|error| error.to_string())?;
        if frame.height() == 0 {
            return Ok(());
        }
        let table = Table { frame: &frame, what: "the confusion of a run" };
        let read = || -> Result<_, ReportError> {
            Ok((
                table.text("source")?,
                table.counts("label")?,
                table.counts("predicted")?,
                table.counts("n")?,
            ))
        };
        let (source, label, predicted, n) = read().map_err(|error| error.to_string())?;
        self.n.resize(n_classes, Vec::new());
        for row in &mut self.n {
            row.resize(n_classes, 0);
        }
        for at in (0..source.len()).filter(|&at| source[at] == ALL) {
            let cell = self.n.get_mut(label[at] as usize).and_then(|row| row.get_mut(predicted[at] as usize));
            if let Some(cell) = cell {
                *cell += u64::from(n[at]);
            }
        }
        Ok(())
    }

    /// Share of the images of a class that were taken for each; None where it has no image.
    pub(crate) fn shares(&self, label: usize) -> Option<Vec<f64>> {
        let row = self.n.get(label)?;
        let of_label: u64 = row.iter().sum();
        (of_label > 0).then(|| row.iter().map(|&n| n as f64 / of_label as f64).collect())
    }
}

/// Columns data, backbone, method, label, predicted (str: names of classes), n (u64, over all images and seeds), share (f64,
/// of the images of that label). None where no run tells its predictions.
pub(crate) fn frame(blocks: &[Block<'_>]) -> Result<Option<DataFrame>, ReportError> {
    let mut text: [Vec<&str>; 5] = std::array::from_fn(|_| Vec::new());
    let (mut counts, mut shares) = (Vec::new(), Vec::new());
    for block in blocks {
        for (method, pictures) in block.methods.iter().zip(&block.pictures) {
            for (label, row) in pictures.confusion.n.iter().enumerate() {
                let Some(of_label) = pictures.confusion.shares(label) else { continue };
                for (predicted, (&n, share)) in row.iter().zip(of_label).enumerate() {
                    let classes = &block.data.classes;
                    let values =
                        [&block.data.name, &block.backbone, method, &classes[label], &classes[predicted]];
                    for (column, value) in text.iter_mut().zip(values) {
                        column.push(value);
                    }
                    counts.push(n);
                    shares.push(share);
                }
            }
        }
    }
    if counts.is_empty() {
        return Ok(None);
    }
    let names = ["data", "backbone", "method", "label", "predicted"];
    let mut columns: Vec<Column> =
        names.into_iter().zip(&text).map(|(name, values)| Column::new(name.into(), values)).collect();
    columns.push(Column::new("n".into(), &counts));
    columns.push(Column::new("share".into(), &shares));
    let frame = DataFrame::new_infer_height(columns)
        .map_err(|source| ReportError::Frame { what: "make the table of confusions".to_owned(), source })?;
    Ok(Some(frame))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyborg_eval::{ScoreRow, read_scores, write_scores};

    #[test]
    fn counts_add_up_over_runs() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("scores.parquet");
        let row = |image: &str, label, predicted: u32| ScoreRow {
            image: image.to_owned(),
            source: "set".to_owned(),
            label,
            predicted,
            score: 0.5,
            logits: (0..3).map(|class| f32::from(u8::from(class == predicted))).collect(),
        };
        write_scores(&path, &[row("a", 0, 0), row("b", 0, 2), row("c", 2, 2)]).expect("written");
        let scores = read_scores(&path).expect("read");
        let mut confusion = Confusion::default();
        confusion.add(&scores, 3).expect("added");
        confusion.add(&scores, 3).expect("added");
        assert_eq!(confusion.n, [[2, 0, 2], [0, 0, 0], [0, 0, 2]]);
        assert_eq!(confusion.shares(0), Some(vec![0.5, 0.0, 0.5]));
        assert_eq!(confusion.shares(1), None);
        let without = scores.drop("predicted").expect("dropped");
        confusion.add(&without, 3).expect("nothing to add");
        assert_eq!(confusion.n[0], [2, 0, 2]);
    }
}
