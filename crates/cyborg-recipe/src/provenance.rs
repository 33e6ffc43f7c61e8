//! What is written down about every map: one row an image.

use std::collections::BTreeMap;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cyborg_saliency::{Agreement, NoFigure};
use serde::{Deserialize, Serialize};

use crate::RecipeError;

/// The finished table, in the output folder.
pub const PROVENANCE: &str = "provenance.csv";

/// Rows as they are made, until the table is finished: what a killed build has to show.
const JOURNAL: &str = ".provenance.partial.csv";

/// How one image's map came about. Empty fields are unknown or do not apply; `reason` and `agreement_reason` say why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The image, below the data set's root.
    pub image: String,
    /// The map, below the output folder; empty if there is none.
    pub map: String,
    /// Why there is no map.
    pub reason: String,
    /// The image, blurred where the map is dark, below the output folder.
    pub blurred_image: String,
    /// People whose marks counted.
    pub n_annotators: usize,
    /// Their names, `;` between.
    pub annotators: String,
    /// People whose marks did not count.
    pub n_dropped: usize,
    /// Marks that counted.
    pub n_marks: usize,
    /// Marks that could not be read: the map is not of all that these people marked.
    pub n_marks_lost: usize,
    /// Marks that lie wholly outside of the image.
    pub n_marks_outside: usize,
    /// Marks that would lie within the image if x and y changed places.
    pub n_marks_inside_if_swapped: usize,
    /// Spearman's correlation of two halves of the people.
    pub split_half: Option<f64>,
    /// The same for groups of full size (Spearman-Brown).
    pub split_half_corrected: Option<f64>,
    /// Spearman's correlation of one person with the others.
    pub leave_one_out: Option<f64>,
    /// The same of each of `annotators`, in their order, `;` between; `-` where there is none.
    pub leave_one_out_each: String,
    /// Intersection over union of two people.
    pub iou: Option<f64>,
    /// Why a figure is missing.
    pub agreement_reason: String,
    /// Columns of the map.
    pub width_px: usize,
    /// Rows of the map.
    pub height_px: usize,
    /// Bits a pixel of the map's file.
    pub bits: u8,
    /// Mean of the map, whose range is 0 to 1.
    pub mean: Option<f64>,
    /// Share of the map's pixels above 0.5.
    pub share_above_half: Option<f64>,
    /// Whether the map has no contrast on a grid of 7 x 7, so that the loss would leave it out.
    pub flat_on_7x7: Option<bool>,
    /// Digest of the recipe's settings.
    pub settings: String,
    /// Digest of the image's size and of what people marked.
    pub inputs: String,
    /// Digest of the map's file.
    pub content: String,
    /// Digest of the blurred image's file.
    pub blurred_content: String,
}

impl Row {
    /// Takes over the figures, or why there are none.
    pub(crate) fn set_agreement(&mut self, agreement: &Agreement) {
        let mut reasons: Vec<NoFigure> = Vec::new();
        let mut figure = |figure: Result<f64, NoFigure>| match figure {
            Ok(figure) => Some(figure),
            Err(reason) => {
                reasons.push(reason);
                None
            }
        };
        self.split_half = figure(agreement.split_half);
        self.split_half_corrected = figure(agreement.split_half_corrected);
        self.leave_one_out = figure(agreement.leave_one_out);
        self.iou = figure(agreement.iou);
        let each = agreement.leave_one_out_each.iter();
        let each: Vec<String> =
            each.map(|each| each.map_or_else(|| "-".to_owned(), |each| each.to_string())).collect();
        self.leave_one_out_each = each.join(";");
        reasons.sort_unstable();
        reasons.dedup();
        self.agreement_reason = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    }
}

/// The rows of an earlier build of that folder, by image; those of a build that was cut off count, too.
///
/// # Errors
/// [`RecipeError::Foreign`] if the folder has files but no table: somebody else's.
pub(crate) fn earlier(folder: &Path) -> Result<BTreeMap<String, Row>, RecipeError> {
    let mut rows = BTreeMap::new();
    let mut known = false;
    for name in [PROVENANCE, JOURNAL] {
        let Ok(bytes) = fs_err::read(folder.join(name)) else { continue };
        known = true;
        // A row that was cut off, or written by another version, is as good as none.
        for row in csv::Reader::from_reader(&bytes[..]).deserialize::<Row>().flatten() {
            rows.insert(row.image.clone(), row);
        }
    }
    let is_empty = fs_err::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if known || is_empty { Ok(rows) } else { Err(RecipeError::Foreign { path: folder.into() }) }
}

/// True if the folder is one that a build wrote into.
pub(crate) fn is_there(folder: &Path) -> bool {
    const START: &[u8] = b"image,map,reason,";
    [PROVENANCE, JOURNAL].iter().any(|name| {
        let mut start = [0; START.len()];
        let opened = fs_err::File::open(folder.join(name));
        opened.is_ok_and(|mut file| file.read_exact(&mut start).is_ok() && start == START)
    })
}

/// Rows written down one by one while images are done.
pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<fs_err::File>,
}

impl Journal {
    /// Goes on with the journal of the folder, or begins one.
    pub(crate) fn open(folder: &Path) -> Result<Self, RecipeError> {
        let path = folder.join(JOURNAL);
        let failed = |source| RecipeError::Write { path: path.clone(), source };
        let mut file = fs_err::OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() == 0 {
            let header = table(&[Row::default()]).map_err(failed)?;
            let end = header.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            file.write_all(&header[..end]).map_err(failed)?;
        } else {
            // The last row may have been cut off in the middle.
            file.write_all(b"\n").map_err(failed)?;
        }
        Ok(Self { file: Mutex::new(file), path })
    }

    /// Adds a row at once. That it cannot be is no fault of the map: a later build makes it again.
    pub(crate) fn add(&self, row: &Row) {
        if let Ok(bytes) = table(std::slice::from_ref(row)) {
            let start = bytes.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(&bytes[start..]);
        }
    }

    /// Takes the journal away once the table says the same.
    pub(crate) fn end(self) {
        drop(self.file);
        let _ = fs_err::remove_file(&self.path);
    }
}

/// CSV with a header: the same rows give the same bytes.
pub(crate) fn table<R: Serialize>(rows: &[R]) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(std::io::Error::other)?;
    }
    writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
}
