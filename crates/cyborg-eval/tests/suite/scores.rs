//! The scores file: what goes in comes out, and every way in which it can be wrong.

use crate::data::row;
use cyborg_eval::{EvalError, ScoreRow, read_scores, write_parquet, write_scores, write_scores_of};
use polars::prelude::{Column, DataFrame};
use std::error::Error as _;
use std::path::{Path, PathBuf};

fn rows() -> Vec<ScoreRow> {
    let mut rows = vec![row("FFHQ", 0, 0.25), row("Büße, \"quoted\"", 1, 1.0), row("ProGAN", 1, f64::NAN)];
    rows[0].logits = vec![1.5, -2.25];
    rows[2].logits = vec![f32::NAN, f32::INFINITY];
    for (i, row) in rows.iter_mut().enumerate() {
        row.image = format!("test/{i}.png");
    }
    rows
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    (folder, path)
}

#[test]
fn what_is_written_is_read() {
    let (folder, path) = folder();
    write_scores(&path, &rows()).unwrap();
    let bytes = fs_err::read(&path).unwrap();
    let scores = read_scores(&path).unwrap();
    let names: Vec<&str> = scores.columns().iter().map(|c| c.name().as_str()).collect();
    assert_eq!(names, ["image", "source", "label", "predicted", "score", "logit_0", "logit_1"]);
    assert!(
        scores.equals_missing(
            &crate::data::frame(&rows())
                .with_column(Column::new(
                    "image".into(),
                    rows().iter().map(|r| r.image.clone()).collect::<Vec<String>>(),
                ))
                .unwrap()
                .clone()
        )
    );
    // Again, over the old file: the same bytes, and no temporary file beside it.
    write_scores(&path, &rows()).unwrap();
    assert_eq!(fs_err::read(&path).unwrap(), bytes);
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn subjects_are_a_column_where_there_are_any() {
    let (_folder, path) = folder();
    write_scores_of(&path, &rows(), &[Some("anna"), None, Some("anna")]).unwrap();
    let scores = read_scores(&path).unwrap();
    let subjects: Vec<Option<&str>> = scores.column("subject").unwrap().str().unwrap().iter().collect();
    assert_eq!(subjects, [Some("anna"), None, Some("anna")]);
    write_scores_of(&path, &rows(), &[None, None, None]).unwrap();
    assert!(read_scores(&path).unwrap().column("subject").is_err());
}

#[test]
fn an_empty_set_is_a_file_too() {
    let (_folder, path) = folder();
    write_scores(&path, &[]).unwrap();
    assert_eq!(read_scores(&path).unwrap().shape(), (0, 5));
}

#[test]
fn more_than_one_row_group() {
    let (_folder, path) = folder();
    let many: Vec<ScoreRow> = (0..300_000).map(|i| row("r", 0, f64::from(i) / 300_000.0)).collect();
    write_scores(&path, &many).unwrap();
    let scores = read_scores(&path).unwrap();
    assert_eq!(scores.height(), 300_000);
    assert_eq!(scores.column("score").unwrap().f64().unwrap().get(299_999), Some(299_999.0 / 300_000.0));
}

#[test]
fn rows_that_cannot_be_read_are_not_written() {
    let (_folder, path) = folder();
    let mut ragged = rows();
    ragged[2].logits.push(0.0);
    let error = write_scores(&path, &ragged).unwrap_err();
    assert!(matches!(error, EvalError::RaggedLogits { .. }));
    assert!(
        error.to_string().ends_with("image `test/2.png` has 3 logits, those before it have 2"),
        "{error}"
    );
    let mut logit = rows();
    logit[1].score = 1.5;
    let error = write_scores(&path, &logit).unwrap_err();
    assert!(matches!(error, EvalError::ScoreRange { row: 2, .. }), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_folder_that_is_not_there() {
    let (_folder, path) = folder();
    let error = write_scores(&path.join("deeper"), &rows()).unwrap_err();
    assert!(matches!(error, EvalError::Write { .. }));
    assert!(error.source().is_some());
    let error = read_scores(&path).unwrap_err();
    assert!(matches!(error, EvalError::Read { .. }));
    assert_eq!(error.to_string(), format!("cannot read `{}`", path.display()));
}

#[test]
fn a_folder_in_the_way_leaves_no_temporary_file() {
    let (folder, path) = folder();
    fs_err::create_dir_all(path.join("not empty")).unwrap();
    assert!(matches!(write_scores(&path, &rows()), Err(EvalError::Write { .. })));
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
}

/// Cut anywhere: an error each time, never a panic, never half of the rows.
#[test]
fn a_cut_file_is_an_error() {
    let (_folder, path) = folder();
    write_scores(&path, &rows()).unwrap();
    let bytes = fs_err::read(&path).unwrap();
    for n in (0..bytes.len()).step_by(41).chain(bytes.len() - 20..bytes.len()) {
        fs_err::write(&path, &bytes[..n]).unwrap();
        let error = read_scores(&path).unwrap_err();
        assert!(matches!(error, EvalError::NotParquet { .. }), "{n}: {error}");
        assert!(error.to_string().contains("scores.parquet"), "{error}");
    }
    fs_err::write(&path, "image,source\na,b\n".repeat(9)).unwrap();
    assert!(matches!(read_scores(&path), Err(EvalError::NotParquet { .. })));
}

/// One byte of the file changed: an error, never a panic, never other values. (Without the digest, polars
/// aborts for some of these: it believes a length and asks for 2^61 bytes.) Only the digest's mark itself is not
/// covered: there the file counts as one from elsewhere, and reads right.
#[test]
fn a_damaged_file_is_an_error() {
    let (_folder, path) = folder();
    write_scores(&path, &rows()).unwrap();
    let bytes = fs_err::read(&path).unwrap();
    let whole = read_scores(&path).unwrap();
    let mark = bytes.windows(6).position(|w| w == b"cyborg").unwrap();
    let tail = bytes.len() - 8..bytes.len();
    let others = (0..bytes.len()).step_by(53);
    for i in others.chain(mark..mark + 48).chain(tail) {
        let mut damaged = bytes.clone();
        damaged[i] ^= [0x01, 0x80, 0xff][i % 3];
        fs_err::write(&path, &damaged).unwrap();
        match read_scores(&path) {
            Err(EvalError::Damaged { .. } | EvalError::NotParquet { .. }) => {}
            Ok(scores) if (mark..mark + 16).contains(&i) => assert!(scores.equals_missing(&whole)),
            other => panic!("byte {i} of {}: {other:?}", bytes.len()),
        }
    }
}

/// Parquet that somebody else wrote has no digest, and is read all the same.
#[test]
fn a_file_from_elsewhere_is_read() {
    let (_folder, path) = folder();
    let mut frame = crate::data::frame(&rows());
    polars_io::prelude::ParquetWriter::new(fs_err::File::create(&path).unwrap()).finish(&mut frame).unwrap();
    assert!(read_scores(&path).unwrap().equals_missing(&frame));
}

fn good() -> Vec<Column> {
    crate::data::frame(&rows()).columns().to_vec()
}

/// The error for a file whose columns are `good()` with one replaced (or taken out).
fn error_with(path: &Path, column: &str, replacement: Option<Column>) -> String {
    let mut columns = good();
    let at = columns.iter().position(|c| c.name().as_str() == column).unwrap();
    match replacement {
        Some(replacement) => columns[at] = replacement,
        None => {
            columns.remove(at);
        }
    }
    write_parquet(path, &DataFrame::new_infer_height(columns).unwrap()).unwrap();
    let error = read_scores(path).unwrap_err();
    error.to_string().replace(&path.display().to_string(), "FILE")
}

#[test]
fn each_wrong_column_is_named() {
    let (_folder, path) = folder();
    assert_eq!(
        error_with(&path, "score", None),
        "scores `FILE` has no column `score`, only `image`, `source`, `label`, `predicted`, `logit_0`, `logit_1`"
    );
    assert_eq!(
        error_with(&path, "logit_0", None),
        "scores `FILE` has no column `logit_0`, only `image`, `source`, `label`, `predicted`, `score`, `logit_1`"
    );
    assert_eq!(
        error_with(&path, "label", Some(Column::new("label".into(), vec![0_i64, 1, 1]))),
        "column `label` of scores `FILE` is i64, expected u32"
    );
    assert_eq!(
        error_with(&path, "image", Some(Column::new("image".into(), vec![0_u32, 1, 1]))),
        "column `image` of scores `FILE` is u32, expected str"
    );
    assert_eq!(
        error_with(&path, "score", Some(Column::new("score".into(), vec![0_f32, 1.0, 1.0]))),
        "column `score` of scores `FILE` is f32, expected f64"
    );
    assert_eq!(
        error_with(&path, "source", Some(Column::new("source".into(), vec![Some("a"), None, Some("b")]))),
        "column `source` of scores `FILE` has no value in row 2"
    );
    assert_eq!(
        error_with(&path, "score", Some(Column::new("score".into(), vec![0.5, 0.5, -3.25]))),
        "score -3.25 of image `0002.png` (row 3) in scores `FILE` is not a probability, expected 0 to 1 (softmax, not \
         a logit)"
    );
}

#[test]
fn a_file_without_columns() {
    let (_folder, path) = folder();
    write_parquet(&path, &DataFrame::empty()).unwrap();
    let error = read_scores(&path).unwrap_err().to_string();
    assert!(error.ends_with("has no column `image`, only no column at all"), "{error}");
}
