//! CSV lists without a header, as released with CYBORG: `train|test,LABEL,/path/of/the/image.png`.

use std::collections::BTreeMap;

use csv::StringRecord;

use super::csv_file;
use super::folders::MapFolder;
use super::{Row, Rows, file_name, relative_in};
use crate::dataset::Split;
use crate::error::ManifestError;
use crate::manifest::ReleasedList;
use crate::suggest;

pub(super) fn read(layout: &ReleasedList, rows: &mut Rows) -> Result<(), ManifestError> {
    let maps = match &layout.maps {
        Some((folder, splits)) => Some((MapFolder::read(rows.root, folder, false)?, splits)),
        None => None,
    };
    for (file, second_split) in &layout.lists {
        let path = rows.root.join(file);
        if !path.is_file() {
            return Err(rows.missing("list", &path));
        }
        let splits = BTreeMap::from([("train", Split::Train), ("test", *second_split)]);
        let csv = cyborg_table::Table::read(&path)?;
        csv_file::each(&csv, &mut csv.reader(false), file, rows, |rows, record, line| {
            let origin = format!("{file}:{line}");
            match row(layout, rows, record, &splits, &origin) {
                Ok(mut row) => {
                    if let (Some((maps, splits)), Some(split)) = (&maps, row.split)
                        && splits.contains(&split)
                    {
                        row.map = maps.map_of(file_name(&row.image));
                    }
                    rows.push(row);
                }
                Err(message) => rows.fault(&origin, &message),
            }
        })?;
    }
    Ok(())
}

fn row(
    layout: &ReleasedList,
    rows: &Rows,
    record: &StringRecord,
    splits: &BTreeMap<&str, Split>,
    origin: &str,
) -> Result<Row, String> {
    let [split_word, label_word, path] = record.iter().collect::<Vec<_>>()[..] else {
        return Err(format!(
            "a line must be `train|test,LABEL,/path`, but this one has {} fields",
            record.len()
        ));
    };
    let Some(&split) = splits.get(split_word) else {
        return Err(format!(
            "unknown split `{split_word}`{}",
            suggest::hint(split_word, splits.keys().copied())
        ));
    };
    let label = rows.class(label_word, &layout.labels)?;
    // The lists' leading `/` is the root of the data set.
    let image = relative_in(&layout.images, path.trim_start_matches('/'))?;
    let rule = layout.rules.iter().find(|rule| path.starts_with(&rule.path));
    let subject = rule.and_then(|rule| rule.subject.as_ref());
    Ok(Row {
        origin: origin.to_owned(),
        label,
        source: rule.and_then(|rule| rule.source.clone()),
        subject: subject.and_then(|rule| rule.subject_of(file_name(path))),
        split: Some(split),
        map: None,
        image,
    })
}
