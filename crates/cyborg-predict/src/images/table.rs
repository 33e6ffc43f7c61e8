//! A CSV table of images, whatever its columns are called.

use super::{Failure, ImageList, ImageOptions, Row};
use crate::PredictError;
use csv::StringRecord;
use cyborg_table::Table;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What the column of paths is called where nobody says.
const IMAGE_COLUMNS: [&str; 4] = ["image", "path", "file", "filename"];

/// Rows in the order of the table. A row that says again what another has said is left out; one that contradicts another,
/// or cannot be read, is a failure.
pub(super) fn read(what: &str, path: &Path, options: &ImageOptions) -> Result<ImageList, PredictError> {
    let table = Table::read(path)?;
    let mut reader = table.flexible_reader();
    let header = reader.headers().map_err(|error| table_error(path, error.to_string()))?.clone();
    let columns = Columns::find(path, &header, options)?;
    let root = match &options.root {
        Some(root) => root.clone(),
        None => path.parent().map(Path::to_owned).unwrap_or_default(),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut lines = table.lines();
    let mut rows = Rows { list: ImageList::new(what, Vec::new()), by_image: HashMap::new(), n_repeated: 0 };
    for record in reader.records() {
        match record {
            Ok(record) => {
                let origin = format!("{name}:{}", lines.line_of(record.position()));
                rows.push(&record, &header, &columns, &root, origin);
            }
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                let origin = format!("{name}:{}", lines.line_of(error.position()));
                rows.fail(
                    String::new(),
                    origin,
                    "this row is not UTF-8: store the table in UTF-8".to_owned(),
                );
            }
            Err(error) => return Err(table_error(path, error.to_string())),
        }
    }
    let Rows { mut list, n_repeated, .. } = rows;
    if list.rows.is_empty() && list.failures.is_empty() {
        return Err(PredictError::NoImages { what: what.to_owned(), reason: ", only a header".to_owned() });
    }
    if n_repeated > 0 {
        list.notes.push(format!("{n_repeated} of the rows of `{what}` repeat others and count once"));
    }
    Ok(list)
}

fn table_error(path: &Path, reason: String) -> PredictError {
    PredictError::Table { path: path.to_owned(), reason }
}

/// Where in a record the values stand.
struct Columns {
    image: usize,
    label: Option<usize>,
    source: Option<usize>,
}

impl Columns {
    fn find(path: &Path, header: &StringRecord, options: &ImageOptions) -> Result<Self, PredictError> {
        let position = |name: &str| header.iter().position(|column| column == name);
        let found = || {
            let names: Vec<String> = header.iter().map(|column| format!("`{column}`")).collect();
            if names.is_empty() { "no column at all".to_owned() } else { names.join(", ") }
        };
        let named = |name: &String| {
            position(name)
                .ok_or_else(|| table_error(path, format!("it has no column `{name}`, only {}", found())))
        };
        let image = match &options.image_column {
            Some(name) => named(name)?,
            None => IMAGE_COLUMNS.iter().find_map(|name| position(name)).ok_or_else(|| {
                let hint =
                    "; say with `--image-column NAME` which one holds the paths (the first line must be a header)";
                table_error(path, format!("it has no column `image`, only {}{hint}", found()))
            })?,
        };
        let other = |chosen: &Option<String>, usual: &str| match chosen {
            Some(name) => named(name).map(Some),
            None => Ok(position(usual).filter(|&at| at != image)),
        };
        Ok(Self {
            image,
            label: other(&options.label_column, "label")?,
            source: other(&options.source_column, "source")?,
        })
    }
}

/// Rows as they come in.
struct Rows {
    list: ImageList,
    /// From an image to its place in the list.
    by_image: HashMap<String, usize>,
    n_repeated: usize,
}

impl Rows {
    fn push(
        &mut self,
        record: &StringRecord,
        header: &StringRecord,
        columns: &Columns,
        root: &Path,
        origin: String,
    ) {
        let image = record.get(columns.image).unwrap_or_default().to_owned();
        if record.len() != header.len() {
            let reason = format!("this row has {} fields, but the header has {}", record.len(), header.len());
            return self.fail(image, origin, reason);
        }
        if image.is_empty() {
            return self.fail(image, origin, "this row names no image".to_owned());
        }
        let value = |column: Option<usize>| {
            column.and_then(|at| record.get(at)).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
        };
        let (label, source) = (value(columns.label), value(columns.source));
        if let Some(&at) = self.by_image.get(&image) {
            let earlier = &self.list.rows[at];
            let text =
                |value: &Option<String>| value.as_ref().map_or("none".to_owned(), |v| format!("`{v}`"));
            let differing = [("label", &earlier.label, &label), ("source", &earlier.source, &source)];
            let reason =
                differing.iter().find(|(_, first, second)| first != second).map(|(what, first, second)| {
                    let (first, second) = (text(first), text(second));
                    format!("this row gives it {what} {second}, but {} gave it {first}", earlier.origin)
                });
            match reason {
                None => self.n_repeated += 1,
                Some(reason) => self.fail(image, origin, reason),
            }
            return;
        }
        self.by_image.insert(image.clone(), self.list.rows.len());
        let path = PathBuf::from(root).join(&image);
        self.list.rows.push(Row { id: image, path, label, source, window: None, origin });
    }

    fn fail(&mut self, image: String, origin: String, reason: String) {
        self.list.failures.push(Failure { image, origin, reason });
    }
}
