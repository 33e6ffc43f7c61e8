//! The rows of CSV files, each with its line.

use csv::StringRecord;
use cyborg_table::Table;

use super::Rows;
use crate::error::ManifestError;

/// Gives every record of `table` and its line to `take`; a record that cannot be read is a faulty row.
pub(super) fn each(
    table: &Table,
    reader: &mut csv::Reader<&[u8]>,
    file: &str,
    rows: &mut Rows,
    mut take: impl FnMut(&mut Rows, &StringRecord, u64),
) -> Result<(), ManifestError> {
    let mut lines = table.lines();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = lines.line_of(record.position());
                take(rows, &record, line);
            }
            Err(error) => {
                let line = lines.line_of(error.position());
                let message = match error.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        format!("this row has {len} fields, but the header has {expected_len}")
                    }
                    csv::ErrorKind::Utf8 { .. } => {
                        "this row is not UTF-8: store the file in UTF-8".to_owned()
                    }
                    _ => return Err(rows.table_error(file, error.to_string())),
                };
                rows.fault(&format!("{file}:{line}"), &message);
            }
        }
    }
    Ok(())
}
