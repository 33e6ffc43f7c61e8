#![doc = include_str!("../README.md")]

mod block;
mod cam_measures;
pub mod cams;
mod colour;
mod comparable;
mod compare;
mod confusion;
mod curves;
mod digest;
mod epochs;
mod error;
mod escape;
mod external;
mod files;
mod frame;
mod html;
mod images;
mod input;
mod latex;
mod markdown;
mod number;
mod pictures;
mod results;
mod subjects;
mod svg;
mod terminal;
mod threshold;
mod verdict;
mod warnings;
mod whole;
mod words;

pub use compare::{CompareInput, CompareOutcome, compare};
pub use error::ReportError;
pub use external::{ScoresInput, build_from_scores};
pub use input::{DataEntry, FailedRun, ReportInput, ReportOutcome, RunEntry};

use std::path::Path;

/// Writes `index.html`, `report.md`, `tables.tex` and the tables as CSV and parquet (`per_source`, `runs`, `comparisons`,
/// `confusion`, and where there are CAMs `cams`, `cam_consistency`) into `dir`, which is made if need be. The same runs give the same
/// bytes.
///
/// A run whose files are missing or damaged is listed among the failed ones, with the reason; the report is built from
/// the others.
///
/// # Errors
/// [`ReportError::NothingToReport`] when no run can be used, [`ReportError::Twice`] for a run or data set given twice,
/// [`ReportError::Write`] when a file cannot be written; [`ReportError::Eval`] and [`ReportError::Frame`] when the
/// tables cannot be made.
pub fn build(input: &ReportInput, dir: &Path) -> Result<ReportOutcome, ReportError> {
    let digest = digest::Digest::new(input)?;
    fs_err::create_dir_all(dir).map_err(|source| ReportError::Write { path: dir.to_owned(), source })?;
    files::write_table(dir, "per_source", &digest.summary)?;
    files::write_table(dir, "runs", &digest.metrics)?;
    files::write_table(dir, "comparisons", &digest.comparisons)?;
    let optional = [
        ("cams", &digest.cam_agreement),
        ("cam_consistency", &digest.cam_consistency),
        ("images", &digest.images_frame),
        ("subjects", &digest.subjects_frame),
        ("sources", &digest.sources_frame),
        ("confusion", &digest.confusion),
    ];
    for (name, frame) in optional {
        match frame {
            Some(frame) => files::write_table(dir, name, frame)?,
            // Of an earlier report of fewer runs, say.
            None => files::remove_table(dir, name)?,
        }
    }
    whole::write_whole(&dir.join("report.md"), markdown::page(&digest).as_bytes())?;
    whole::write_whole(&dir.join("tables.tex"), latex::tables(&digest).as_bytes())?;
    let html = dir.join("index.html");
    whole::write_whole(&html, html::page(&digest).as_bytes())?;
    Ok(ReportOutcome { html, terminal: terminal::table(&digest) })
}
