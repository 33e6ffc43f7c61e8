//! The per-epoch tables, `epochs.csv` and `timing.csv`.

use crate::TrainError;
use crate::whole_file::write_whole;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// One line of the per-epoch table (`epochs.csv`): no times in it, so that equal runs have equal files.
///
/// Training figures are means over the epoch's images as each was seen, while the weights moved; validation figures
/// are those of the weights at the end of the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// From 0.
    pub epoch: usize,
    /// In force during the epoch.
    pub learning_rate: f64,
    /// What was minimised.
    pub train_loss: f64,
    /// Its cross-entropy part.
    pub train_cross_entropy: f64,
    /// Mean squared difference between CAM and human map over the images with a map; None where no image has one.
    /// Training with cross-entropy alone reports it too, for the predicted class, without learning from it.
    pub train_saliency_mse: Option<f64>,
    /// Fraction of images whose largest logit was their label's.
    pub train_accuracy: f64,
    /// Cross-entropy in evaluation mode.
    pub validation_loss: f64,
    /// Fraction of images whose largest logit is their label's.
    pub validation_accuracy: f64,
    /// The best so far (ties go to the later epoch).
    pub best: bool,
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

/// A header and the rows; numbers in the shortest form that reads back to the same bits. A file that is right already
/// is not touched.
pub(crate) fn write_table<Row: Serialize>(path: &Path, rows: &[Row]) -> Result<(), TrainError> {
    let failed =
        |error: csv::Error| TrainError::Write { path: path.to_owned(), source: io::Error::other(error) };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    if fs_err::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    write_whole(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_header_and_an_empty_cell_for_no_map() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("epochs.csv");
        let row = EpochRow {
            epoch: 0,
            learning_rate: 5e-7,
            train_loss: 0.1,
            train_cross_entropy: 0.1,
            train_saliency_mse: None,
            train_accuracy: 1.0 / 3.0,
            validation_loss: 2.0,
            validation_accuracy: 1.0,
            best: true,
        };
        write_table(&path, &[row]).expect("written");
        let text = fs_err::read_to_string(&path).expect("read");
        assert_eq!(
            text,
            "epoch,learning_rate,train_loss,train_cross_entropy,train_saliency_mse,train_accuracy,validation_loss,\
             validation_accuracy,best\n0,5e-7,0.1,0.1,,0.3333333333333333,2.0,1.0,true\n"
        );
    }
}
