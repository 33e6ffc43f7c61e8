//! Scores: what they are, whatever is done at once, and what becomes of bad pictures.

use crate::support::{
    effort, find, folder_of_pictures, model, names, options, picture, predict_into, read_csv, training_set,
    write_picture, write_weights,
};
use cyborg_backbones::{Network, Tap};
use cyborg_eval::read_scores;
use cyborg_predict::{
    Columns, Failure, Model, ModelOptions, Output, PredictError, PredictOptions, Row, ScoreKind, ScoreTable,
    failed_path, predict, write_failures,
};
use cyborg_train::{Silent, score};
use std::path::Path;

/// The scores that a training's own test run gives, by batches of `batch_size`.
fn scores_of_training(network: &Network, paths: &[std::path::PathBuf], batch_size: usize) -> Vec<Vec<f32>> {
    let set = training_set(paths);
    let scores = score(network, Tap::Pooled, &set, batch_size, &Silent).expect("scored");
    scores.into_iter().map(|score| score.logits).collect()
}

fn logits_in(path: &Path) -> Vec<Vec<f32>> {
    let number = |row: &std::collections::BTreeMap<String, String>, class| {
        row[&format!("logit_{class}")].parse::<f32>().expect("a number")
    };
    read_csv(path).iter().map(|row| vec![number(row, 0), number(row, 1)]).collect()
}

#[test]
fn equal_to_the_scores_of_a_training_to_the_bit() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let paths = folder_of_pictures(&dir.path().join("in"), 11);
    let model = model();
    let images = find(&dir.path().join("in"));
    for batch_size in [1, 4, 11] {
        let csv = dir.path().join("scores.csv");
        predict_into(&model, &images, options(effort(batch_size, 2)), &csv);
        assert_eq!(logits_in(&csv), scores_of_training(model.network(), &paths, batch_size));
    }
}

#[test]
fn neither_batches_nor_threads_change_a_byte() {
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(&dir.path().join("in"), 11);
    // A bad picture in the middle moves the others of its batch together.
    fs_err::write(dir.path().join("in/05.png"), b"no picture").expect("written");
    let model = model();
    let images = find(&dir.path().join("in"));
    for ending in ["csv", "parquet"] {
        let bytes = |batch_size, n_decoders, n_workers| {
            let path = dir.path().join(format!("scores.{ending}"));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_workers).build().expect("a pool");
            pool.install(|| predict_into(&model, &images, options(effort(batch_size, n_decoders)), &path));
            fs_err::read(path).expect("there")
        };
        let first = bytes(4, 1, 1);
        for (batch_size, n_decoders, n_workers) in [(4, 3, 2), (1, 1, 2), (3, 2, 1), (11, 8, 3), (1000, 2, 2)]
        {
            assert_eq!(
                bytes(batch_size, n_decoders, n_workers),
                first,
                "{ending}: batches of {batch_size}, {n_decoders} decoders, {n_workers} workers"
            );
        }
    }
}

#[test]
fn a_row_says_all_of_an_image() {
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(dir.path(), 2);
    fs_err::write(dir.path().join("rows.csv"), "image,label,source\n01.png,fake,süd\n00.png,0,\n")
        .expect("written");
    let model = model();
    let images = find(&dir.path().join("rows.csv"));
    let csv = dir.path().join("scores.csv");
    predict_into(&model, &images, options(effort(2, 1)), &csv);
    let text = fs_err::read_to_string(&csv).expect("there");
    let header = text.lines().next().expect("a header");
    assert_eq!(
        header,
        "image,source,label,predicted,score,logit_0,logit_1,predicted_class,probability_0,probability_1"
    );
    let rows = read_csv(&csv);
    // In the order of the table; an empty source is the class's name.
    let said: Vec<[&str; 3]> =
        rows.iter().map(|row| ["image", "source", "label"].map(|column| row[column].as_str())).collect();
    assert_eq!(said, [["01.png", "süd", "1"], ["00.png", "real", "0"]]);
    for row in &rows {
        let number = |column: &str| row[column].parse::<f64>().expect("a number");
        let [zero, one] = ["logit_0", "logit_1"].map(number);
        // The softmax of two classes is the sigmoid of the difference; f32 logits, f64 arithmetic.
        let expected = 1.0 / (1.0 + (zero - one).exp());
        assert!((number("probability_1") - expected).abs() < 1e-7);
        assert!((number("probability_0") + number("probability_1") - 1.0).abs() < 1e-15);
        assert_eq!(row["score"], row["probability_1"]);
        let predicted = usize::from(one > zero);
        assert_eq!(row["predicted"], predicted.to_string());
        assert_eq!(row["predicted_class"], ["real", "fake"][predicted]);
    }
    // As the released code scores.
    let sigmoid = PredictOptions { score: ScoreKind::Sigmoid, positive: 0, effort: effort(2, 1) };
    predict_into(&model, &images, sigmoid, &csv);
    for row in read_csv(&csv) {
        let number = |column: &str| row[column].parse::<f64>().expect("a number");
        assert!((number("score") - 1.0 / (1.0 + (-number("logit_0")).exp())).abs() < 1e-7);
        assert!((number("probability_0") - number("score")).abs() > 1e-3);
    }
}

#[test]
fn parquet_holds_the_same_and_can_be_evaluated() {
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(dir.path(), 5);
    fs_err::write(
        dir.path().join("rows.csv"),
        "image,label,source\n01.png,fake,a\n00.png,real,b\n04.png,fake,a\n",
    )
    .expect("written");
    let model = model();
    let images = find(&dir.path().join("rows.csv"));
    let [csv, parquet] =
        ["scores.csv", "scores.parquet"].map(|name| dir.path().join("new/folder").join(name));
    predict_into(&model, &images, options(effort(2, 1)), &csv);
    predict_into(&model, &images, options(effort(2, 1)), &parquet);
    let frame = read_scores(&parquet).expect("what cyborg-eval documents");
    let rows = read_csv(&csv);
    assert_eq!(frame.height(), rows.len());
    let names: Vec<&str> = frame.columns().iter().map(|column| column.name().as_str()).collect();
    assert_eq!(names.join(","), fs_err::read_to_string(&csv).expect("there").lines().next().expect("header"));
    for (at, row) in rows.iter().enumerate() {
        for name in names.iter().copied() {
            let value = frame.column(name).expect("listed").get(at).expect("a row");
            let text = match value.get_str() {
                Some(text) => text.to_owned(),
                None if name.starts_with("logit") => {
                    format!("{:?}", value.extract::<f32>().expect("a number"))
                }
                None if name == "label" || name == "predicted" => {
                    value.extract::<u32>().expect("a number").to_string()
                }
                None => format!("{:?}", value.extract::<f64>().expect("a number")),
            };
            assert_eq!(text, row[name], "row {at}, column {name}");
        }
    }
}

#[test]
fn many_rows_go_out_in_groups() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let columns = Columns { source: true, label: true, n_classes: 2 };
    // More than one row group holds; every third row without a label, some names that CSV must quote.
    let n = 70_000_usize;
    let write = |name: &str| {
        let output = Output::from_name(dir.path().join(name).to_str().expect("UTF-8")).expect("an ending");
        let mut table = ScoreTable::create(&output, columns).expect("begun");
        for index in 0..n {
            let image = format!("{index}, \"a\"\n.png");
            let row = Row {
                image: &image,
                source: index.is_multiple_of(2).then_some("süd"),
                label: (!index.is_multiple_of(3)).then_some(index % 2),
                predicted: index % 2,
                predicted_class: ["real", "fake"][index % 2],
                score: 1.0 / (index as f64 + 1.0),
                probabilities: &[1e-300, 1.0],
                logits: &[index as f32, -1e-30],
            };
            table.push(row).expect("written");
        }
        assert_eq!(names(dir.path()).len(), 1, "hidden until it is finished");
        table.finish().expect("finished");
        fs_err::read(output.path().expect("a file")).expect("there")
    };
    let check = |at: usize, field: &dyn Fn(&str) -> Option<String>| {
        let expected = [
            ("image", Some(format!("{at}, \"a\"\n.png"))),
            ("source", at.is_multiple_of(2).then(|| "süd".to_owned())),
            ("label", (!at.is_multiple_of(3)).then(|| (at % 2).to_string())),
            ("score", Some(format!("{:?}", 1.0 / (at as f64 + 1.0)))),
            ("logit_0", Some(format!("{:?}", at as f32))),
            ("logit_1", Some("-1e-30".to_owned())),
            ("probability_0", Some("1e-300".to_owned())),
        ];
        for (column, expected) in expected {
            assert_eq!(field(column), expected, "row {at}, column {column}");
        }
    };
    let parquet = write("scores.parquet");
    let frame = cyborg_eval::read_parquet(&dir.path().join("scores.parquet")).expect("read");
    assert_eq!(frame.height(), n);
    for at in [0, 1, 65_535, 65_536, 69_999] {
        check(at, &|column| {
            let value = frame.column(column).expect("listed").get(at).expect("a row");
            match (value.is_null(), value.get_str(), column) {
                (true, ..) => None,
                (_, Some(text), _) => Some(text.to_owned()),
                (_, _, "label") => value.extract::<u32>().map(|label| label.to_string()),
                (_, _, "score" | "probability_0") => value.extract::<f64>().map(|value| format!("{value:?}")),
                _ => value.extract::<f32>().map(|value| format!("{value:?}")),
            }
        });
    }
    fs_err::remove_file(dir.path().join("scores.parquet")).expect("removed");
    assert_eq!(write("scores.parquet"), parquet, "the same rows give the same bytes");
    fs_err::remove_file(dir.path().join("scores.parquet")).expect("removed");
    write("scores.csv");
    let rows = read_csv(&dir.path().join("scores.csv"));
    assert_eq!(rows.len(), n);
    for at in [0, 1, 69_999] {
        check(at, &|column| Some(rows[at][column].clone()).filter(|field| !field.is_empty()));
    }
}

#[test]
fn bad_pictures_are_named_and_the_others_scored() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let folder = dir.path().join("in");
    folder_of_pictures(&folder, 4);
    let whole = fs_err::read(folder.join("02.png")).expect("there");
    fs_err::write(folder.join("cut.png"), &whole[..whole.len() / 2]).expect("written");
    fs_err::write(folder.join("empty.jpg"), b"").expect("written");
    fs_err::write(folder.join("text.tif"), b"not a picture").expect("written");
    fs_err::create_dir_all(folder.join("unter ordner")).expect("made");
    write_picture(&folder.join("unter ordner/größe-1×1.png"), &picture(1, 1, 3, 0));
    write_picture(&folder.join("unter ordner/ünïcödé 写真.png"), &picture(30, 30, 3, 0));
    let model = model();
    let images = find(&folder);
    let csv = dir.path().join("scores.csv");
    let mut seen = Vec::new();
    let columns = Columns { source: false, label: false, n_classes: 2 };
    let mut table = ScoreTable::create(&Output::Csv(csv.clone()), columns).expect("begun");
    let outcome =
        predict(&model, &images, options(effort(2, 2)), &mut table, &mut |progress| seen.push(progress))
            .expect("the good ones");
    assert!(!csv.exists(), "nothing is there before it is finished");
    table.finish().expect("finished");
    assert_eq!(outcome.n_done, 5);
    let failed: Vec<&str> = outcome.failures.iter().map(|failure| failure.image.as_str()).collect();
    assert_eq!(failed, ["cut.png", "empty.jpg", "text.tif", "unter ordner/größe-1×1.png"]);
    let reasons: Vec<&str> = outcome.failures.iter().map(|failure| failure.reason.as_str()).collect();
    for (reason, expected) in reasons.iter().zip(["cut.png", "the file is empty", "no image", "1x1 pixels"]) {
        assert!(reason.contains(expected), "{reason}");
    }
    let scored: Vec<String> =
        read_csv(&csv).into_iter().map(|mut row| row.remove("image").expect("it")).collect();
    assert_eq!(scored, ["00.png", "01.png", "02.png", "03.png", "unter ordner/ünïcödé 写真.png"]);
    let progress: Vec<(usize, usize, usize)> = seen.iter().map(|p| (p.done, p.of, p.failed)).collect();
    assert_eq!(progress, [(2, 9, 0), (4, 9, 0), (6, 9, 2), (8, 9, 4), (9, 9, 4)]);

    let list = failed_path(&csv);
    assert!(list.ends_with("scores.failed.csv"));
    write_failures(&list, &outcome.failures).expect("written");
    let rows = read_csv(&list);
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[3]["image"], "unter ordner/größe-1×1.png");
    write_failures(&list, &[]).expect("removed");
    write_failures(&list, &[]).expect("not there");
    assert_eq!(names(dir.path()), ["in", "scores.csv"]);
}

#[test]
fn nothing_usable_is_an_error_and_leaves_what_was_there() {
    let dir = tempfile::tempdir().expect("temporary folder");
    fs_err::create_dir(dir.path().join("in")).expect("made");
    fs_err::write(dir.path().join("in/a.png"), b"no").expect("written");
    let csv = dir.path().join("scores.csv");
    fs_err::write(&csv, "of yesterday").expect("written");
    let model = model();
    let images = find(&dir.path().join("in"));
    for output in [Output::Csv(csv.clone()), Output::Parquet(dir.path().join("scores.parquet"))] {
        let columns = Columns { source: false, label: false, n_classes: 2 };
        let mut table = ScoreTable::create(&output, columns).expect("begun");
        let error = predict(&model, &images, options(effort(2, 2)), &mut table, &mut |_| ())
            .expect_err("nothing to score");
        assert!(matches!(error, PredictError::NothingLeft { n_images: 1, .. }), "{error:?}");
        assert!(error.to_string().contains("`a.png`: cannot "), "{error}");
    }
    assert_eq!(fs_err::read(&csv).expect("there"), b"of yesterday");
    assert_eq!(names(dir.path()), ["in", "scores.csv"]);
}

#[test]
fn an_answer_that_is_not_finite_is_no_score() {
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(&dir.path().join("in"), 3);
    let path = dir.path().join("weights.safetensors");
    write_weights(&path, &["real", "fake"]);
    let (model, ..) = Model::open(&path, &ModelOptions::default(), None).expect("opened");
    let (_, bias) = model.network().parameters().last().expect("the classifier");
    bias.set(&candle_core::Tensor::new(&[0.0, f32::NAN], &candle_core::Device::Cpu).expect("made"))
        .expect("set");
    let columns = Columns { source: false, label: false, n_classes: 2 };
    let mut table = ScoreTable::create(&Output::Csv(dir.path().join("s.csv")), columns).expect("begun");
    let images = find(&dir.path().join("in"));
    let error =
        predict(&model, &images, options(effort(2, 2)), &mut table, &mut |_| ()).expect_err("no score");
    assert!(error.to_string().contains("`00.png`: the network's answer is not finite"), "{error}");
}

#[test]
fn impossible_outputs_are_refused() {
    let message = |name: &str| Output::from_name(name).expect_err("refused").to_string();
    assert!(message("scores.txt").contains("`output` is `scores.txt`, expected a name that ends in"));
    assert!(message("scores").contains("`.csv` or `.parquet`"));
    assert_eq!(Output::from_name("-").expect("stdout"), Output::Stdout);
    let dir = tempfile::tempdir().expect("temporary folder");
    fs_err::write(dir.path().join("file"), b"").expect("written");
    let columns = Columns { source: false, label: false, n_classes: 2 };
    for name in ["file/scores.csv", "file/scores.parquet"] {
        let output = Output::from_name(dir.path().join(name).to_str().expect("UTF-8")).expect("an ending");
        let error = ScoreTable::create(&output, columns).err().expect("a file is in the way");
        assert!(matches!(error, PredictError::Write { .. }), "{error:?}");
    }
}

#[test]
fn a_positive_class_must_exist() {
    let dir = tempfile::tempdir().expect("temporary folder");
    folder_of_pictures(dir.path(), 1);
    let columns = Columns { source: false, label: false, n_classes: 2 };
    let mut table = ScoreTable::create(&Output::Csv(dir.path().join("s.csv")), columns).expect("begun");
    let wrong = PredictOptions { positive: 2, ..options(effort(2, 1)) };
    let error =
        predict(&model(), &find(dir.path()), wrong, &mut table, &mut |_| ()).expect_err("no such class");
    assert_eq!(error.to_string(), "`positive` is `2`, expected a class: `real` (0), `fake` (1)");
}

#[test]
fn a_failure_reads_as_a_sentence() {
    let failure = |image: &str, origin: &str| {
        Failure { image: image.to_owned(), origin: origin.to_owned(), reason: "gone".to_owned() }.to_string()
    };
    assert_eq!(failure("a.png", "rows.csv:3"), "`a.png` (rows.csv:3): gone");
    assert_eq!(failure("a.png", ""), "`a.png`: gone");
    assert_eq!(failure("", "rows.csv:3"), "rows.csv:3: gone");
}
