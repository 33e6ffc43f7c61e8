//! Scores that another program wrote.

use crate::data::{f64_at, plan, strings};
use cyborg_eval::outside::{Field, ScoreColumns, ScoreScale, read_score_table};
use cyborg_eval::{EvalError, RunKey, run_metrics};
use polars::prelude::DataFrame;
use std::path::PathBuf;

fn column(name: &str) -> Field {
    Field::Column(name.to_owned())
}

fn in_file(name: &str, text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs_err::write(&path, text).unwrap();
    (folder, path)
}

fn read(text: &str, columns: &ScoreColumns) -> Result<Vec<(RunKey, DataFrame)>, EvalError> {
    let (_folder, path) = in_file("scores.csv", text);
    read_score_table(&path, columns)
}

/// The error, with the file called FILE.
fn error(text: &str, columns: &ScoreColumns) -> String {
    let (_folder, path) = in_file("scores.csv", text);
    let error = read_score_table(&path, columns).unwrap_err();
    error.to_string().replace(&path.display().to_string(), "FILE")
}

fn f64s(frame: &DataFrame, column: &str) -> Vec<f64> {
    frame.column(column).unwrap().f64().unwrap().into_no_null_iter().collect()
}

fn u32s(frame: &DataFrame, column: &str) -> Vec<u32> {
    frame.column(column).unwrap().u32().unwrap().into_no_null_iter().collect()
}

const PLAIN: &str = "image,label,source,score\na,0,FFHQ,0.25\nb,1,ProGAN,0.75\n";

#[test]
fn plain_names_need_no_settings() {
    let runs = read(PLAIN, &ScoreColumns::default()).unwrap();
    assert_eq!(runs.len(), 1);
    let (key, frame) = &runs[0];
    assert_eq!((key.data.as_str(), key.method.as_str(), key.seed), ("scores", "model", 0));
    let names: Vec<&str> = frame.columns().iter().map(|c| c.name().as_str()).collect();
    assert_eq!(names, ["image", "source", "label", "predicted", "score"]);
    assert_eq!((strings(frame, "image"), u32s(frame, "predicted")), (vec!["a", "b"], vec![0, 1]));
    assert_eq!(f64_at(&run_metrics(frame, &plan(&[], &[])).unwrap(), 0, "auc"), Some(1.0));
}

#[test]
fn runs_are_taken_apart_wherever_their_rows_stand() {
    let text = "\u{feff}net;s;y;g;p;loss\nr50;1;real;FFHQ;0,5;x\n".replace("0,5", "0.5")
        + "d121;1;fake;\"Pro;GAN\";0.75;x\nr50;1;fake;ProGAN;;x\nr50;2.0;real;FFHQ;nan;x\n";
    let columns = ScoreColumns {
        image: None,
        label: "y".into(),
        source: column("g"),
        score: Some("p".into()),
        method: Field::Constant("ce".into()),
        backbone: column("net"),
        seed: column("s"),
        classes: vec!["real".into(), "fake".into()],
        ..ScoreColumns::default()
    };
    let runs = read(&text, &columns).unwrap();
    let keys: Vec<(&str, u64)> = runs.iter().map(|(key, _)| (key.backbone.as_str(), key.seed)).collect();
    assert_eq!(keys, [("r50", 1), ("d121", 1), ("r50", 2)]);
    assert_eq!(strings(&runs[0].1, "image"), ["1", "2"], "numbered within the run");
    assert_eq!(strings(&runs[1].1, "source"), ["Pro;GAN"]);
    assert_eq!(u32s(&runs[0].1, "label"), [0, 1]);
    assert!(f64s(&runs[0].1, "score")[1].is_nan() && f64s(&runs[2].1, "score")[0].is_nan());
}

#[test]
fn scores_follow_from_logits() {
    let columns = ScoreColumns {
        score: None,
        logits: vec!["l0".into(), "l1".into(), "l2".into()],
        positive: 2,
        subject: Some("who".into()),
        ..ScoreColumns::default()
    };
    let text = "image,label,source,l0,l1,l2,who\na,0,x,1,1,0,ann\nb,2,x,800,0,800,\nc,1,x,nan,0,0,ann\n";
    let runs = read(text, &columns).unwrap();
    let frame = &runs[0].1;
    let scores = f64s(frame, "score");
    assert!((scores[0] - 1.0 / (1.0 + 2.0 * 1.0_f64.exp())).abs() < 1e-16);
    assert_eq!(scores[1], 0.5, "no overflow");
    assert!(scores[2].is_nan());
    assert_eq!(u32s(frame, "predicted")[..2], [0, 0]);
    assert_eq!(frame.column("logit_2").unwrap().f32().unwrap().get(1), Some(800.0));
    let subjects = frame.column("subject").unwrap().str().unwrap();
    assert_eq!((subjects.get(0), subjects.get(1)), (Some("ann"), None));
    // A single logit is the log-odds.
    let one = ScoreColumns { score: None, logits: vec!["l0".into()], ..ScoreColumns::default() };
    let frame = &read("image,label,source,l0\na,0,x,1\nb,1,x,800\n", &one).unwrap()[0].1;
    assert!((f64s(frame, "score")[0] - 1.0 / (1.0 + (-1.0_f64).exp())).abs() < 1e-16);
    assert_eq!(f64s(frame, "score")[1], 1.0);
}

#[test]
fn scales_of_scores() {
    let text = PLAIN.replace("0.25", "-3").replace("0.75", "2");
    let of = |scale| ScoreColumns { scale, ..ScoreColumns::default() };
    let odds = &read(&text, &of(ScoreScale::LogOdds)).unwrap()[0].1;
    assert!((f64s(odds, "score")[1] - 1.0 / (1.0 + (-2.0_f64).exp())).abs() < 1e-16);
    assert_eq!(u32s(odds, "predicted"), [0, 1]);
    let any = &read(&text, &of(ScoreScale::Any)).unwrap()[0].1;
    assert_eq!(f64s(any, "score"), [-3.0, 2.0]);
    assert!(any.column("predicted").is_err(), "nothing tells it");
    let metrics = run_metrics(any, &plan(&[], &[])).unwrap();
    assert_eq!((f64_at(&metrics, 0, "auc"), f64_at(&metrics, 0, "accuracy")), (Some(1.0), None));
    assert_eq!(
        error(&text, &of(ScoreScale::Probability)),
        "cannot use `FILE`, line 2, column `score`: found `-3`, expected a probability, 0 to 1 (say if the scores are \
         log-odds, or any other scale)"
    );
}

#[test]
fn every_fault_is_named_with_its_place() {
    let plain = ScoreColumns::default();
    let at = |text: &str| error(text, &plain);
    assert_eq!(
        at(&PLAIN.replace("0.75", "high")),
        "cannot use `FILE`, line 3, column `score`: found `high`, expected a number"
    );
    assert_eq!(
        at(&PLAIN.replace("b,1", "b,cat")),
        "cannot use `FILE`, line 3, column `label`: found `cat`, expected a class as a number from 0 (or name the classes)"
    );
    assert_eq!(
        at(&PLAIN.replace("b,1", "b,2")),
        "cannot use `FILE`, line 3, column `label`: found `2`, expected 0 or 1, or the predicted class or one logit a class \
         beside the score"
    );
    assert_eq!(
        at(&PLAIN.replace("b,1,ProGAN", "b,1,")),
        "cannot use `FILE`, line 3, column `source`: found ``, expected a name"
    );
    assert_eq!(
        at(&PLAIN.replace("\nb,", "\n,")),
        "cannot use `FILE`, line 3, column `image`: found ``, expected the image's id"
    );
    assert_eq!(
        at(&PLAIN.replace(",0.75", "")),
        "cannot read `FILE` as CSV, line 3: it has 3 cells, the header 4"
    );
    assert_eq!(
        at(&PLAIN.replace("label", "truth")),
        "`FILE` has no column `label`, only `image`, `truth`, `source`, `score`"
    );
    assert_eq!(
        at(&PLAIN.replace("source", "score")),
        "`FILE` has no column `source`, only `image`, `label`, `score`, `score`"
    );
    assert_eq!(at("image,label,source,score,score\n"), "`FILE` has two columns `score`: rename one of them");
    assert_eq!(at("image,label,source,score\n"), "`FILE` has a header and no rows");
    assert_eq!(at(""), "`FILE` has no column `source`, only no column at all");
    let (_folder, path) = in_file("latin.csv", b"image,label,source,score\na,0,B\xfccher,0.5\n");
    let found = read_score_table(&path, &plain).unwrap_err();
    assert!(matches!(found, EvalError::NotCsv { line: 2, .. }), "{found}");
    let named = ScoreColumns { classes: vec!["real".into(), "fake".into()], ..ScoreColumns::default() };
    assert_eq!(
        error(&PLAIN.replace("b,1", "b,cat"), &named),
        "cannot use `FILE`, line 3, column `label`: found `cat`, expected a class: `real`, `fake` or its number"
    );
    let seeds = ScoreColumns { seed: column("source"), ..ScoreColumns::default() };
    assert_eq!(
        error(PLAIN, &seeds),
        "cannot use `FILE`, line 2, column `source`: found `FFHQ`, expected a whole number from 0"
    );
    let missing = read_score_table(std::path::Path::new("/nowhere/scores.csv"), &plain).unwrap_err();
    assert!(matches!(missing, EvalError::Read { .. }));
}

#[test]
fn settings_that_cannot_be_met() {
    let nothing = ScoreColumns { score: None, ..ScoreColumns::default() };
    assert_eq!(
        error(PLAIN, &nothing),
        "the column of scores is not named, expected a score column, logit columns, or both"
    );
    let beyond =
        ScoreColumns { logits: vec!["a".into(), "b".into()], positive: 2, ..ScoreColumns::default() };
    assert_eq!(error(PLAIN, &beyond), "the positive class is 2, expected a class that has a logit column");
    let seed = ScoreColumns { seed: Field::Constant("one".into()), ..ScoreColumns::default() };
    assert_eq!(error(PLAIN, &seed), "the seed of the scores is `one`, expected a whole number from 0");
}

fn pandas() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/pandas.parquet"))
}

fn pandas_columns() -> ScoreColumns {
    ScoreColumns {
        image: Some("path".into()),
        label: "target".into(),
        source: column("generator"),
        score: Some("fake".into()),
        seed: column("run"),
        subject: Some("person".into()),
        ..ScoreColumns::default()
    }
}

#[test]
fn a_file_of_pandas_is_read() {
    let runs = read_score_table(&pandas(), &pandas_columns()).unwrap();
    assert_eq!(
        runs.iter().map(|(key, frame)| (key.seed, frame.height())).collect::<Vec<_>>(),
        [(0, 4), (1, 4)]
    );
    let (first, second) = (&runs[0].1, &runs[1].1);
    assert_eq!(strings(first, "source"), ["FFHQ", "ProGAN", "FFHQ", "ProGAN"]);
    assert_eq!(u32s(first, "label"), [0, 1, 0, 1]);
    assert_eq!(f64s(first, "score"), [0.25, 0.75, 0.5, 0.125]);
    assert!(f64s(second, "score")[0].is_nan());
    assert_eq!(strings(second, "image"), ["img/4.png", "img/5.png", "img/6.png", "img/7.png"]);
    assert_eq!(first.column("subject").unwrap().null_count(), 1);
    // Booleans are classes too; a column may be used twice.
    let columns =
        ScoreColumns { label: "is_fake".into(), subject: Some("generator".into()), ..pandas_columns() };
    let runs = read_score_table(&pandas(), &columns).unwrap();
    assert_eq!(u32s(&runs[0].1, "label"), [0, 1, 0, 1]);
}

#[test]
fn faults_of_a_parquet_file_are_named_by_row() {
    let error = |columns: &ScoreColumns| {
        let error = read_score_table(&pandas(), columns).unwrap_err().to_string();
        error.replace(&pandas().display().to_string(), "FILE")
    };
    assert_eq!(
        error(&ScoreColumns { label: "path".into(), ..pandas_columns() }),
        "cannot use `FILE`, row 1, column `path`: found `img/0.png`, expected a class as a number from 0 (or name the classes)"
    );
    assert_eq!(
        error(&ScoreColumns { image: Some("person".into()), ..pandas_columns() }),
        "cannot use `FILE`, row 3, column `person`: found nothing, expected the image's id"
    );
    assert_eq!(
        error(&ScoreColumns { score: Some("is_fake".into()), ..pandas_columns() }),
        "cannot use `FILE`, row 1, column `is_fake`: found `false`, expected a number"
    );
    assert_eq!(
        error(&ScoreColumns { label: "small".into(), ..pandas_columns() }),
        "column `small` of `FILE` is Int8, expected text, booleans, or numbers of 32 or 64 bits: convert it where it is written"
    );
    assert_eq!(
        error(&ScoreColumns { image: Some("nothing".into()), ..pandas_columns() }),
        "cannot use `FILE`, row 1, column `nothing`: found nothing, expected the image's id"
    );
    let found = error(&ScoreColumns { score: Some("prob".into()), ..pandas_columns() });
    assert!(found.starts_with("`FILE` has no column `prob`, only `path`, `generator`, `target`"), "{found}");
    let bytes = fs_err::read(pandas()).unwrap();
    let (_folder, path) = in_file("cut.parquet", &bytes[..bytes.len() / 2]);
    let found = read_score_table(&path, &pandas_columns()).unwrap_err();
    assert!(matches!(found, EvalError::NotParquet { .. }), "{found}");
}
