//! A folder of pictures, with the folders below it.

use super::{Failure, ImageList, Row};
use crate::PredictError;
use std::io;
use std::path::{Path, PathBuf};

/// What a picture's file name ends in, in any case of letters; other files of a folder are passed over.
pub const IMAGE_EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"];

/// All pictures below `folder`, sorted by their path below it, which is their id. Names that begin with a dot do not
/// count; links are followed, but not to a folder that they lie in.
pub(super) fn read(what: &str, folder: &Path) -> Result<ImageList, PredictError> {
    let mut found = Found { rows: Vec::new(), failures: Vec::new(), n_others: 0, above: Vec::new() };
    found.collect(folder, "").map_err(|source| PredictError::Read {
        what: "folder of images",
        path: folder.to_owned(),
        source,
    })?;
    let Found { mut rows, mut failures, n_others, .. } = found;
    if rows.is_empty() && failures.is_empty() {
        let others = match n_others {
            0 => "no file at all".to_owned(),
            n => format!("{n} other files"),
        };
        let reason = format!(", but {others}: a picture's name ends in {}", IMAGE_EXTENSIONS.join(", "));
        return Err(PredictError::NoImages { what: what.to_owned(), reason });
    }
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    failures.sort_by(|a, b| a.image.cmp(&b.image));
    Ok(ImageList { failures, ..ImageList::new(what, rows) })
}

struct Found {
    rows: Vec<Row>,
    failures: Vec<Failure>,
    n_others: usize,
    /// The folders that the current one lies in, links resolved.
    above: Vec<PathBuf>,
}

impl Found {
    fn collect(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        let real = fs_err::canonicalize(folder)?;
        if self.above.contains(&real) {
            return Ok(());
        }
        self.above.push(real);
        let collected = self.collect_entries(folder, prefix);
        self.above.pop();
        collected
    }

    fn collect_entries(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let id = format!("{prefix}{}", name.to_string_lossy());
            if path.is_dir() {
                // One folder that cannot be read does not hide the others.
                if let Err(error) = self.collect(&path, &format!("{id}/")) {
                    self.fail(id, error.to_string());
                }
            } else if !is_image_name(&id) {
                self.n_others += 1;
            } else if name.to_str().is_none() {
                self.fail(id, "the file's name is not UTF-8, so no table can hold it: rename it".to_owned());
            } else {
                self.rows.push(Row::new(id, path));
            }
        }
        Ok(())
    }

    fn fail(&mut self, image: String, reason: String) {
        self.failures.push(Failure { image, origin: String::new(), reason });
    }
}

fn is_image_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| {
        IMAGE_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
    })
}
