//! The per-step table, `steps.csv`: what other programs can be held against, step by step.

use crate::TrainError;
use crate::epochs::write_table;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One line of `steps.csv`: one batch, before the weights moved. No times in it, so that equal runs have equal files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// From 0.
    pub epoch: usize,
    /// Within the epoch, from 0.
    pub step: usize,
    /// Of this step.
    pub learning_rate: f64,
    /// In the batch.
    pub images: usize,
    /// Images of the batch with a human map.
    pub maps: usize,
    /// What was minimised.
    pub loss: f64,
    /// Its cross-entropy part.
    pub cross_entropy: f64,
    /// Mean squared difference between CAM and human map over the images with a map; None where none has one.
    pub saliency_mse: Option<f64>,
    /// Images whose largest logit was their label's.
    pub correct: usize,
}

/// The rows so far. They are written with the state, a moment before it, so the file never lacks a step that the state
/// counts as done; what it has beyond is dropped when the training is resumed.
#[derive(Debug, Default)]
pub(crate) struct StepLog {
    rows: Vec<StepRow>,
}

impl StepLog {
    /// The steps before `epoch` and `step`, from a file if there is one. A file from elsewhere that is no such table is
    /// taken for none: the log is not needed to go on.
    pub(crate) fn read(path: &Path, epoch: usize, step: usize) -> Self {
        let rows = csv::Reader::from_path(path)
            .and_then(|mut reader| reader.deserialize().collect::<Result<Vec<StepRow>, _>>())
            .unwrap_or_default();
        Self { rows: rows.into_iter().filter(|row| (row.epoch, row.step) < (epoch, step)).collect() }
    }

    pub(crate) fn push(&mut self, row: StepRow) {
        self.rows.push(row);
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), TrainError> {
        if self.rows.is_empty() { Ok(()) } else { write_table(path, &self.rows) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: usize, step: usize) -> StepRow {
        StepRow {
            epoch,
            step,
            learning_rate: 0.005,
            images: 20,
            maps: 0,
            loss: f64::from(0.7_f32),
            cross_entropy: 0.5,
            saliency_mse: None,
            correct: 11,
        }
    }

    #[test]
    fn a_log_is_cut_at_the_state_and_goes_on() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("steps.csv");
        let mut log = StepLog::default();
        for (epoch, step) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            log.push(row(epoch, step));
        }
        log.write(&path).expect("written");
        let text = fs_err::read_to_string(&path).expect("read");
        // 0.7 as an f32 is 11744051 / 2^24.
        assert!(
            text.starts_with(
                "epoch,step,learning_rate,images,maps,loss,cross_entropy,saliency_mse,correct\n\
                 0,0,0.005,20,0,0.699999988079071,0.5,,11\n"
            ),
            "{text}"
        );
        assert_eq!(StepLog::read(&path, 1, 1).rows, [row(0, 0), row(0, 1), row(1, 0)]);
        fs_err::write(&path, "something else\n1\n").expect("written");
        assert!(StepLog::read(&path, 1, 1).rows.is_empty());
        assert!(StepLog::read(&folder.path().join("none"), 1, 1).rows.is_empty());
    }
}
