//! A folder of images, with the folders below it.

use super::{Failure, ImageList, Row};
use crate::PredictError;
use cyborg_image::{IMAGE_EXTENSIONS, is_image_file};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// What `draw_cams` writes into its folder: the table that tells such a folder, and the folders of pictures beside it.
const CAM_TABLE: &str = "cams.csv";
const CAM_FOLDERS: [&str; 3] = ["overlays", "cams", "maps"];

/// All images below `folder`, by name or by content, sorted by their path below it, which is their id. Names that begin with a
/// dot do not count, nor do pictures that this crate drew; other files are counted by their ending in a note. Links are
/// followed, but not to a folder that they lie in.
pub(super) fn read(what: &str, folder: &Path) -> Result<ImageList, PredictError> {
    let mut found = Found {
        rows: Vec::new(),
        failures: Vec::new(),
        others: BTreeMap::new(),
        drawn: Vec::new(),
        above: Vec::new(),
    };
    found.collect(folder, "").map_err(|source| PredictError::Read {
        what: "folder of images",
        path: folder.to_owned(),
        source,
    })?;
    let Found { mut rows, mut failures, others, drawn, .. } = found;
    if rows.is_empty() && failures.is_empty() {
        let others = if others.is_empty() { "no file at all".to_owned() } else { counted(&others) };
        let reason = format!(
            ", but {others}: an image is a PNG, JPEG, TIFF, BMP or WebP file, or is named so ({})",
            IMAGE_EXTENSIONS.join(", ")
        );
        return Err(PredictError::NoImages { what: what.to_owned(), reason });
    }
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    failures.sort_by(|a, b| a.image.cmp(&b.image));
    let mut list = ImageList { failures, ..ImageList::new(what, rows) };
    if !others.is_empty() {
        list.notes.push(format!("files of `{what}` that are no images are left out: {}", counted(&others)));
    }
    for folder in drawn {
        list.notes.push(format!("`{folder}` holds results of `cam`, which are left out"));
    }
    Ok(list)
}

/// `3 .txt, 1 .csv`.
fn counted(others: &BTreeMap<String, usize>) -> String {
    let counted: Vec<String> = others.iter().map(|(ending, n)| format!("{n} {ending}")).collect();
    counted.join(", ")
}

struct Found {
    rows: Vec<Row>,
    failures: Vec<Failure>,
    /// Files that are no images, by the ending of their names.
    others: BTreeMap<String, usize>,
    /// Folders with results of ours.
    drawn: Vec<String>,
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
        let is_drawn = folder.join(CAM_TABLE).is_file() && folder.join(CAM_FOLDERS[0]).is_dir();
        if is_drawn {
            self.drawn.push(folder.display().to_string());
        }
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let id = format!("{prefix}{}", name.to_string_lossy());
            if is_drawn && CAM_FOLDERS.iter().any(|drawn| name == *drawn) {
                continue;
            }
            if path.is_dir() {
                // One folder that cannot be read does not hide the others.
                if let Err(error) = self.collect(&path, &format!("{id}/")) {
                    self.fail(id, error.to_string());
                }
            } else if !is_image_file(&path) {
                let ending =
                    path.extension().map(|ending| format!(".{}", ending.to_string_lossy().to_lowercase()));
                *self.others.entry(ending.unwrap_or_else(|| "without an ending".to_owned())).or_default() +=
                    1;
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
