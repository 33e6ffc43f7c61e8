//! What a training leaves is of use on its own: weights predict and draw, scores are evaluated, runs are reported.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::{Desk, TINY, assert_same, contents};

fn ran() -> Desk {
    let desk = Desk::new();
    desk.write("tiny.yaml", TINY);
    desk.xtask(&["run", "tiny.yaml", "--quiet"]).fine();
    desk
}

/// The only folder below `dir` whose name starts so.
fn folder(desk: &Desk, dir: &str, start: &str) -> PathBuf {
    let entries = fs_err::read_dir(desk.path(dir)).expect("a folder").map(|e| e.expect("an entry").path());
    let found: Vec<PathBuf> = entries
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn ends(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == ending)
}

/// A CSV table, by column.
fn columns(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut lines = text.lines().map(|line| line.split(',').map(ToOwned::to_owned).collect::<Vec<_>>());
    let names = lines.next().expect("a header");
    let rows: Vec<Vec<String>> = lines.collect();
    names.into_iter().enumerate().map(|(i, n)| (n, rows.iter().map(|r| r[i].clone()).collect())).collect()
}

#[test]
fn weights_predict_and_their_scores_evaluate_to_what_the_run_reported() {
    let desk = ran();
    let run = folder(&desk, "runs", "thin-resnet8_cyborg-0.5_s0_");
    let weights = run.join("best.safetensors");
    let weights = weights.to_str().expect("UTF-8");
    let manifest = folder(&desk, "data", "phantom-faces-32px").join("manifest.yaml");
    let manifest = manifest.to_str().expect("UTF-8");

    let said = desk.xtask(&["weights", "inspect", weights]).fine().stdout;
    for words in ["thin-resnet8", "authentic", "synthetic", "cyborg, alpha 0.5"] {
        assert!(said.contains(words), "`{words}` is missing in:\n{said}");
    }

    desk.xtask(&["predict", "-w", weights, "-i", manifest, "-o", "scores.csv", "--quiet"]).fine();
    let scores = columns(&fs_err::read_to_string(desk.path("scores.csv")).expect("scores"));
    assert_eq!(scores["image"].len(), 8 * 8, "eight test images of each of eight sources");

    // The table of the run says the same AUCs as the evaluation of the scores that the weights alone gave.
    desk.xtask(&["evaluate", "scores.csv", "--output", "evaluated"]).fine();
    let auc = |report: &str, method: &str| -> BTreeMap<String, String> {
        let text = fs_err::read_to_string(desk.path(report).join("runs.csv")).expect("runs.csv");
        let table = columns(&text);
        let rows = (0..table["source"].len()).filter(|&i| {
            table["method"][i] == method && table["seed"][i] == "0" && table["kind"][i] == "aggregate"
        });
        rows.map(|i| (table["source"][i].clone(), table["auc"][i].clone())).collect()
    };
    // Which authentic images a generator is held against is the manifest's knowledge; all pooled needs none.
    let (reported, evaluated) = (auc("reports/tiny", "cyborg"), auc("evaluated", "model"));
    assert_eq!(reported["all pooled"], evaluated["all pooled"], "{reported:?} {evaluated:?}");

    // The run's own scores know the persons: intervals that draw persons, not pictures.
    let test = fs_err::read_dir(&run).expect("a folder").map(|e| e.expect("an entry").path());
    let test = test.into_iter().find(|path| path.join("done.json").exists()).expect("a test set");
    let own = test.join("scores.parquet");
    let own = own.to_str().expect("UTF-8");
    let clustered = ["evaluate", own, "--output", "own", "--subject-column", "subject", "--bootstrap", "100"];
    desk.xtask(&clustered).fine();
    assert!(contents(&desk.path("own")).contains_key("intervals.csv"));

    desk.xtask(&["cam", "-w", weights, "-i", manifest, "-o", "cams", "--quiet"]).fine();
    let drawn = contents(&desk.path("cams"));
    let count = |ending: &str| drawn.keys().filter(|name| ends(name, ending)).count();
    assert_eq!((count("png"), count("npy")), (64, 64), "{:?}", drawn.keys());
    let npy = drawn.iter().find(|(name, _)| ends(name, "npy")).expect("counted").1;
    // NumPy's own magic; thin-resnet8 takes 64 pixels where nothing else is said: 8 x 8 cells.
    assert!(npy.starts_with(b"\x93NUMPY"));
    assert!(String::from_utf8_lossy(npy).contains("'shape': (8, 8)"));

    desk.xtask(&["weights", "convert", weights, "half.safetensors", "--dtype", "f16"]).fine();
    desk.xtask(&["predict", "-w", "half.safetensors", "-i", manifest, "-o", "half.csv", "--quiet"]).fine();
    let half = columns(&fs_err::read_to_string(desk.path("half.csv")).expect("scores"));
    for (a, b) in scores["score"].iter().zip(&half["score"]) {
        let (a, b): (f64, f64) = (a.parse().expect("a number"), b.parse().expect("a number"));
        // Eleven bits of every weight are kept: 5e-4 of each.
        assert!((a - b).abs() < 0.02, "{a} {b}");
    }
}

#[test]
fn reports_and_comparisons_come_from_run_folders_alone() {
    let desk = ran();
    let before = contents(&desk.path("reports/tiny"));
    desk.xtask(&["report", "tiny.yaml", "--output", "again"]).fine();
    assert_same(&before, &contents(&desk.path("again")));

    // Without the experiment's file and without its data: the runs remember.
    fs_err::remove_file(desk.path("tiny.yaml")).expect("removed");
    fs_err::remove_dir_all(desk.path("data")).expect("removed");
    desk.xtask(&["report", "runs", "--output", "alone"]).fine();
    let alone = contents(&desk.path("alone"));
    for table in ["per_source.csv", "comparisons.csv", "runs.csv"] {
        assert!(before[table] == alone[table], "{table} differs");
    }
    let said = desk.xtask(&["compare", "ce", "cyborg"]).fine().stdout;
    assert!(said.contains("unseen mean"), "{said}");
    desk.xtask(&["compare", "ce", "cibyorg"]).refused(&["cibyorg"]);
}

#[test]
fn an_experiment_names_a_recipe_and_its_maps_are_built() {
    let desk = Desk::new();
    desk.xtask(&[
        "data",
        "generate",
        "faces",
        "--image-px",
        "32",
        "--n-train",
        "80",
        "--n-validation",
        "24",
        "--n-test-per-source",
        "8",
    ])
    .fine();
    let set = folder(&desk, "data", "phantom-faces-32px");
    let set = set.file_name().expect("a name").to_string_lossy();
    // The drawn maps as annotations of one person; the box around what was marked is trained on.
    desk.write(
        "box.yaml",
        "title: box\nannotations:\n  - maps: {files: \"maps/{image}.png\"}\ngranularity: {boundary: {}}\n",
    );
    let experiment = TINY
        .replace(
            "    phantom:\n      faces: {image_px: 32, n_train: 80, n_validation: 24, n_test_per_source: 8, n_annotators: 2}\n",
            &format!("    manifest: data/{set}/manifest.yaml\n    recipe: box.yaml\n"),
        )
        .replace("seeds: 2", "seeds: 1");
    desk.write("boxes.yaml", &experiment);
    desk.xtask(&["run", "boxes.yaml", "--quiet"]).fine();
    let built = contents(&desk.path("data/saliency"));
    let maps = built.keys().filter(|name| ends(name, "png")).count();
    assert_eq!(maps, 80, "a map for each training image: {:?}", built.keys().take(5).collect::<Vec<_>>());

    desk.write("boxes.yaml", experiment.replace("recipe: box.yaml", "recipe: bax.yaml"));
    desk.xtask(&["run", "boxes.yaml", "--quiet"]).refused(&["bax.yaml", "boxes.yaml:"]);
}

#[test]
fn weights_of_the_hub_that_cannot_be_had_are_named_with_what_to_do() {
    let desk = Desk::new();
    desk.write("tiny.yaml", format!("{TINY}pretrained: {{thin-resnet8: \"hf://somebody/weights\"}}\n"));
    let output = desk
        .command(&["run", "tiny.yaml", "--quiet"])
        .env("HF_HUB_OFFLINE", "1")
        .env("HF_HOME", desk.path("hub"))
        .output();
    let said = crate::support::said(output.expect("starts"));
    said.refused(&["somebody/weights", "HF_HUB_OFFLINE"]);

    desk.write("tiny.yaml", format!("{TINY}pretrained: {{thin-resnet8: \"hf://somebody\"}}\n"));
    desk.xtask(&["run", "tiny.yaml", "--quiet"]).refused(&["tiny.yaml:", "hf://somebody"]);
}
