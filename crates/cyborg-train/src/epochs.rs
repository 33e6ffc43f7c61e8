//! The per-epoch tables, `epochs.csv` and `timing.csv`.

use crate::TrainError;
use crate::table::{TermValue, header, term, values, write_table};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One line of the per-epoch table (`epochs.csv`): no times in it, so that equal runs have equal files.
///
/// Training figures are means over the epoch's images as each was seen, while the weights moved; validation figures
/// are those of the weights at the end of the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// The number of the epoch, from 0.
    pub epoch: usize,
    /// The learning rate of the epoch's first step.
    pub learning_rate: f64,
    /// The mean of what was minimised.
    pub train_loss: f64,
    /// The means of the loss's terms, before any weight, by name; the column of a term is `train_NAME`. A term over human
    /// maps is `None` where no image had one. `saliency_mse`, the distance between CAM and human map, is there for every
    /// method, also for one that does not learn from it (then of the predicted class).
    pub train_terms: Vec<TermValue>,
    /// Fraction of images whose largest logit was their label's.
    pub train_accuracy: f64,
    /// Cross-entropy in evaluation mode, without label smoothing and class weights.
    pub validation_loss: f64,
    /// Fraction of images whose largest logit is their label's.
    pub validation_accuracy: f64,
    /// Whether this is the best epoch so far (ties go to the later epoch).
    pub best: bool,
}

impl EpochRow {
    /// The mean of the term of this name in training; `None` where there is none.
    pub fn train_term(&self, name: &str) -> Option<f64> {
        term(&self.train_terms, name)
    }
}

/// Writes `epochs.csv`.
pub(crate) fn write_epochs(path: &Path, rows: &[EpochRow]) -> Result<(), TrainError> {
    let terms = rows.first().map_or(&[][..], |row| &row.train_terms);
    let after = ["train_accuracy", "validation_loss", "validation_accuracy", "best"];
    let header = header(&["epoch", "learning_rate", "train_loss"], "train_", terms, &after);
    let cells = |row: &EpochRow| {
        let before = (row.epoch, row.learning_rate, row.train_loss);
        let after = (row.train_accuracy, row.validation_loss, row.validation_accuracy, row.best);
        (before, values(&row.train_terms), after)
    };
    write_table(path, &header, rows.iter().map(cells))
}

/// One line of `timing.csv`; differs from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TimingRow {
    pub(crate) epoch: usize,
    /// Training and validation, over all the processes that worked on the epoch.
    pub(crate) seconds: f64,
    /// Training images a second of training.
    pub(crate) images_per_second: f64,
}

/// Writes `timing.csv`.
pub(crate) fn write_timing(path: &Path, rows: &[TimingRow]) -> Result<(), TrainError> {
    let header = ["epoch", "seconds", "images_per_second"].map(ToOwned::to_owned);
    write_table(path, &header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_column_for_each_term_and_an_empty_cell_for_no_map() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("epochs.csv");
        let row = EpochRow {
            epoch: 0,
            learning_rate: 5e-7,
            train_loss: 0.1,
            train_terms: vec![("cross_entropy".to_owned(), Some(0.1)), ("saliency_mse".to_owned(), None)],
            train_accuracy: 1.0 / 3.0,
            validation_loss: 2.0,
            validation_accuracy: 1.0,
            best: true,
        };
        assert_eq!((row.train_term("cross_entropy"), row.train_term("energy")), (Some(0.1), None));
        write_epochs(&path, &[row]).expect("written");
        let text = fs_err::read_to_string(&path).expect("read");
        assert_eq!(
            text,
            "epoch,learning_rate,train_loss,train_cross_entropy,train_saliency_mse,train_accuracy,validation_loss,\
             validation_accuracy,best\n0,5e-7,0.1,0.1,,0.3333333333333333,2.0,1.0,true\n"
        );
    }
}
