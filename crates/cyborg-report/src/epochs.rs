//! The table that training leaves: `epochs.csv`, one row an epoch.
use crate::ReportError;
use std::path::Path;

/// One epoch of one run. A value is missing where the file has none or it is not a finite number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Epoch {
    pub(crate) number: u32,
    pub(crate) train_loss: Option<f64>,
    pub(crate) train_saliency_mse: Option<f64>,
    pub(crate) validation_accuracy: Option<f64>,
    /// Whether the weights of this epoch were the best so far; the last such epoch is the one that was tested.
    pub(crate) best: bool,
}

/// Reads the table. Columns are found by name, further ones are ignored.
pub(crate) fn read_epochs(path: &Path) -> Result<Vec<Epoch>, ReportError> {
    let unusable = |reason: String| ReportError::Input { path: path.to_owned(), reason };
    let bytes = fs_err::read(path).map_err(|error| unusable(error.kind().to_string()))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|error| unusable(error.to_string()))?.clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|found| found == name)
            .ok_or_else(|| unusable(format!("it has no column `{name}`, expected one table row an epoch")))
    };
    let (epoch, best) = (column("epoch")?, column("best")?);
    let columns = [column("train_loss")?, column("train_saliency_mse")?, column("validation_accuracy")?];

    let mut epochs: Vec<Epoch> = Vec::new();
    for (at, record) in reader.records().enumerate() {
        let line = at + 2;
        let record = record.map_err(|error| unusable(error.to_string()))?;
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let value = |column: usize| match cell(column) {
            "" => Ok(None),
            text => text.parse::<f64>().map(|number| Some(number).filter(|n| n.is_finite())).map_err(|_| {
                unusable(format!("line {line}, column `{}`: `{text}` is not a number", &header[column]))
            }),
        };
        let best = match cell(best) {
            "true" | "1" => true,
            "false" | "0" | "" => false,
            other => {
                return Err(unusable(format!(
                    "line {line}, column `best`: `{other}` is not `true` or `false`"
                )));
            }
        };
        let number = cell(epoch).parse().map_err(|_| {
            unusable(format!("line {line}, column `epoch`: `{}` is not a number", cell(epoch)))
        })?;
        if epochs.last().is_some_and(|last| last.number >= number) {
            return Err(unusable(format!(
                "line {line}: epoch {number} does not come after the one before it"
            )));
        }
        epochs.push(Epoch {
            number,
            train_loss: value(columns[0])?,
            train_saliency_mse: value(columns[1])?,
            validation_accuracy: value(columns[2])?,
            best,
        });
    }
    if epochs.is_empty() { Err(unusable("it holds no epoch".to_owned())) } else { Ok(epochs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "epoch,learning_rate,train_loss,train_cross_entropy,train_saliency_mse,train_accuracy,\
                          validation_loss,validation_accuracy,best\n";

    fn read(text: &str) -> Result<Vec<Epoch>, String> {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("epochs.csv");
        fs_err::write(&path, text).expect("write");
        read_epochs(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_what_is_there() {
        let epochs =
            read(&format!("{HEADER}0,0.005,0.7,0.7,,0.5,NaN,NaN,true\n1,0.005,0.5,0.6,0.01,0.6,0.6,0.8,0\n"));
        let epochs = epochs.expect("two epochs");
        assert_eq!(epochs.len(), 2);
        assert_eq!((epochs[0].train_saliency_mse, epochs[0].validation_accuracy), (None, None));
        assert_eq!((epochs[1].train_loss, epochs[1].validation_accuracy), (Some(0.5), Some(0.8)));
        assert_eq!((epochs[0].best, epochs[1].best), (true, false));
    }

    #[test]
    fn names_line_and_column() {
        let refuse = |text: &str, expected: &str| {
            let message = read(text).expect_err("must be refused");
            assert!(message.contains("epochs.csv") && message.contains(expected), "{message}");
        };
        refuse("", "no column `epoch`");
        refuse(HEADER, "no epoch");
        refuse(&format!("{HEADER}0,0.005,x,0.7,,0.5,0.6,0.5,true\n"), "line 2, column `train_loss`: `x`");
        refuse(&format!("{HEADER}0,0.005,1,0.7,,0.5,0.6,0.5,yes\n"), "line 2, column `best`: `yes`");
        refuse(&format!("{HEADER}0,1,1,1,,1,1,1,1\n0,1,1,1,,1,1,1,1\n"), "line 3: epoch 0");
        refuse(&format!("{HEADER}0,0.005\n"), "fields");
    }
}
