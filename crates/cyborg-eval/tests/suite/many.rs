//! Many files side by side.

use crate::data::{frame, key, plan, row};
use cyborg_eval::{
    EvalError, MetricOptions, ScoreFile, ScoreRow, measure_files, run_metrics, write_parquet, write_scores,
};

fn rows(seed: u32) -> Vec<ScoreRow> {
    (0..30_u32)
        .map(|i| {
            let label = i % 2;
            let score = f64::from((i * 13 + seed * 7) % 31) / 31.0;
            ScoreRow {
                image: format!("{i}"),
                ..row(["FFHQ", "a generator with a long name"][label as usize], label, score)
            }
        })
        .collect()
}

#[test]
fn files_give_what_frames_give_and_one_bad_file_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&[], &[]);
    let file = |seed: u64| ScoreFile {
        key: key("ce", seed),
        path: folder.path().join(format!("{seed}.parquet")),
        plan: &plan,
    };
    let files: Vec<ScoreFile<'_>> = (0..5).map(file).collect();
    write_scores(&files[0].path, &rows(0)).unwrap();
    let three: Vec<ScoreRow> = rows(1)
        .into_iter()
        .enumerate()
        .map(|(i, r)| ScoreRow { label: (i % 3) as u32, logits: vec![0.0; 3], ..r })
        .collect();
    write_scores(&files[1].path, &three).unwrap();
    write_parquet(&files[2].path, &frame(&rows(2)).drop("score").unwrap()).unwrap();
    let mut logit = rows(3);
    logit[4].score = 3.5;
    write_parquet(&files[3].path, &frame(&logit)).unwrap();
    let measured = measure_files(&files, &MetricOptions::default());
    assert_eq!(measured.iter().map(|(key, _)| key.seed).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(measured[0].1.as_ref().unwrap().equals_missing(&run_metrics(&frame(&rows(0)), &plan).unwrap()));
    assert!(measured[1].1.as_ref().unwrap().equals_missing(&run_metrics(&frame(&three), &plan).unwrap()));
    let error = measured[2].1.as_ref().unwrap_err().to_string();
    assert!(error.contains("2.parquet` has no column `score`, only `image`, `source`, `label`"), "{error}");
    let error = measured[3].1.as_ref().unwrap_err().to_string();
    assert!(error.starts_with("score 3.5 of image `0004.png` (row 5)"), "{error}");
    assert!(matches!(measured[4].1, Err(EvalError::Read { .. })));
}
