//! The per-step table, `steps.csv`: what other programs can be held against, step by step.

use crate::TrainError;
use crate::table::{TermValue, header, values, write_table};
use std::path::Path;

/// One line of `steps.csv`: one batch, before the weights moved. No times in it, so that equal runs have equal files.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRow {
    /// The number of the epoch, from 0.
    pub epoch: usize,
    /// The number of the step within the epoch, from 0.
    pub step: usize,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// Images in the batch.
    pub images: usize,
    /// Images of the batch with a human map.
    pub maps: usize,
    /// What was minimised.
    pub loss: f64,
    /// The loss's terms before any weight, by name; a term over human maps is `None` where no image has one.
    pub terms: Vec<TermValue>,
    /// Images whose largest logit was their label's.
    pub correct: usize,
}

const BEFORE: [&str; 6] = ["epoch", "step", "learning_rate", "images", "maps", "loss"];
const AFTER: [&str; 1] = ["correct"];

/// The rows so far. They are written with the state, a moment before it, so the file never lacks a step that the state
/// counts as done; what it has beyond is dropped when the training is resumed.
#[derive(Debug, Default)]
pub(crate) struct StepLog {
    rows: Vec<StepRow>,
}

impl StepLog {
    /// The steps before `epoch` and `step`, from a file if there is one. A file that is no such table is taken for none: the
    /// log is not needed to go on.
    pub(crate) fn read(path: &Path, epoch: usize, step: usize) -> Self {
        let rows = read_rows(path).unwrap_or_default();
        Self { rows: rows.into_iter().filter(|row| (row.epoch, row.step) < (epoch, step)).collect() }
    }

    pub(crate) fn push(&mut self, row: StepRow) {
        self.rows.push(row);
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), TrainError> {
        let Some(first) = self.rows.first() else { return Ok(()) };
        let header = header(&BEFORE, "", &first.terms, &AFTER);
        let cells = |row: &StepRow| {
            let before = (row.epoch, row.step, row.learning_rate, row.images, row.maps, row.loss);
            (before, values(&row.terms), row.correct)
        };
        write_table(path, &header, self.rows.iter().map(cells))
    }
}

/// The rows of a file; `None` where it is no such table.
fn read_rows(path: &Path) -> Option<Vec<StepRow>> {
    let mut reader = csv::Reader::from_path(path).ok()?;
    let header = reader.headers().ok()?.clone();
    let terms = BEFORE.len()..header.len().checked_sub(AFTER.len())?;
    let is_ours = header.iter().take(BEFORE.len()).eq(BEFORE) && header.iter().skip(terms.end).eq(AFTER);
    if !is_ours {
        return None;
    }
    let read = |record: Result<csv::StringRecord, csv::Error>| -> Option<StepRow> {
        let record = record.ok()?;
        let number = |at: usize| record.get(at)?.parse::<f64>().ok();
        let count = |at: usize| record.get(at)?.parse::<usize>().ok();
        let term = |at: usize| match record.get(at)? {
            "" => Some((header[at].to_owned(), None)),
            text => Some((header[at].to_owned(), Some(text.parse().ok()?))),
        };
        Some(StepRow {
            epoch: count(0)?,
            step: count(1)?,
            learning_rate: number(2)?,
            images: count(3)?,
            maps: count(4)?,
            loss: number(5)?,
            terms: terms.clone().map(term).collect::<Option<_>>()?,
            correct: count(terms.end)?,
        })
    };
    reader.records().map(read).collect()
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
            terms: vec![("cross_entropy".to_owned(), Some(0.5)), ("saliency_mse".to_owned(), None)],
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
        fs_err::write(&path, "epoch,step,learning_rate,images,maps,loss,correct\n0,0,1,1,0,x,1\n")
            .expect("written");
        assert!(StepLog::read(&path, 1, 1).rows.is_empty());
        assert!(StepLog::read(&folder.path().join("none"), 1, 1).rows.is_empty());
    }
}
