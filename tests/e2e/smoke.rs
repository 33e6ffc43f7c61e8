//! A tiny experiment from end to end.

use std::collections::BTreeMap;

use crate::support::{Desk, TINY, assert_same, contents};

fn ran() -> Desk {
    let desk = Desk::new();
    desk.write("tiny.yaml", TINY);
    desk.xtask(&["run", "tiny.yaml"]).fine();
    desk
}

/// The run store without what may differ: times (the state keeps them too), and the lock's process number.
fn results(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let mut files = contents(&desk.path("runs"));
    let differs = ["timing.csv", "state.safetensors", "lock"];
    files.retain(|name, _| !differs.iter().any(|end| name.ends_with(end)));
    files
}

#[test]
fn one_command_ends_in_a_table_and_a_report_and_the_next_does_nothing_again() {
    let desk = Desk::new();
    desk.write("tiny.yaml", TINY);
    let first = desk.xtask(&["run", "tiny.yaml"]).fine();
    for word in ["ce", "cyborg", "unseen", "AUC"] {
        assert!(first.stdout.contains(word), "`{word}` is missing in:\n{}", first.stdout);
    }
    assert!(first.stderr.contains("[4/4]"), "{}", first.stderr);
    let reports = contents(&desk.path("reports"));
    for name in
        ["index.html", "report.md", "per_source.csv", "per_source.parquet", "comparisons.csv", "runs.csv"]
    {
        assert!(reports.contains_key(&format!("tiny/{name}")), "{name} is missing: {:?}", reports.keys());
    }
    let before = results(&desk);

    let second = desk.xtask(&["run", "tiny.yaml"]).fine();
    assert!(second.stderr.contains("4 of 4 runs are finished already"), "{}", second.stderr);
    assert!(!second.stderr.contains("[1/"), "nothing is trained again: {}", second.stderr);
    assert_eq!(first.stdout, second.stdout);

    fs_err::remove_dir_all(desk.path("reports")).expect("removed");
    let third = desk.xtask(&["run", "tiny.yaml"]).fine();
    assert!(!third.stderr.contains("[1/"), "nothing is trained again: {}", third.stderr);
    assert_same(&reports, &contents(&desk.path("reports")));
    assert_same(&before, &results(&desk));

    // Lost scores are computed again from the weights, without training: the epochs' times stay.
    let timing = |desk: &Desk| -> Vec<Vec<u8>> {
        contents(&desk.path("runs"))
            .into_iter()
            .filter(|(n, _)| n.ends_with("timing.csv"))
            .map(|(_, b)| b)
            .collect()
    };
    let times = timing(&desk);
    let scores = before.keys().find(|n| n.ends_with("scores.parquet")).expect("scores");
    fs_err::remove_file(desk.path("runs").join(scores)).expect("removed");
    let fourth = desk.xtask(&["run", "tiny.yaml"]).fine();
    assert!(fourth.stderr.contains("[1/1]"), "{}", fourth.stderr);
    assert_same(&before, &results(&desk));
    assert_eq!(times, timing(&desk));
}

/// The drawn data; the cache of digests beside it holds paths and times.
fn drawn(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let mut files = contents(&desk.path("data"));
    files.remove(".digests.json");
    files
}

#[test]
fn the_same_bits_for_any_number_of_threads_and_jobs() {
    let one = Desk::new();
    one.write("tiny.yaml", TINY);
    let output = one.command(&["run", "tiny.yaml"]).env("RAYON_NUM_THREADS", "1").output().expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (threads, jobs) in [("2", "1"), ("3", "auto")] {
        let other = Desk::new();
        other.write("tiny.yaml", TINY);
        let output = other
            .command(&["run", "tiny.yaml", "--jobs", jobs])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .expect("starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_same(&drawn(&one), &drawn(&other));
        assert_same(&results(&one), &results(&other));
        assert_same(&contents(&one.path("reports")), &contents(&other.path("reports")));
    }
}

#[test]
fn a_run_is_shared_between_experiments_and_new_seeds_add_to_old_ones() {
    let desk = ran();
    desk.write(
        "more.yaml",
        TINY.replace("seeds: 2", "seeds: [1, 2]")
            .replace("name: ce,", "name: baseline,")
            .replace("baseline: ce", "baseline: baseline"),
    );
    let said = desk.xtask(&["run", "more.yaml"]).fine();
    assert!(said.stderr.contains("2 of 4 runs are finished already"), "{}", said.stderr);
    assert!(said.stdout.contains("baseline"), "{}", said.stdout);
}

#[test]
fn a_dry_run_writes_nothing() {
    let desk = Desk::new();
    desk.write("tiny.yaml", TINY);
    let said = desk.xtask(&["run", "tiny.yaml", "--dry-run"]).fine();
    assert!(said.stdout.contains("4 runs"), "{}", said.stdout);
    assert_eq!(contents(desk.dir.path()).len(), 1, "only the experiment file is there");
}

#[test]
fn drawn_data_verifies_and_can_be_used_through_its_manifest() {
    let desk = Desk::new();
    let said = desk
        .xtask(&[
            "data",
            "generate",
            "faces",
            "--image-px",
            "32",
            "--n-train",
            "40",
            "--n-validation",
            "12",
            "--n-test-per-source",
            "6",
        ])
        .fine();
    let manifest = said.stdout.lines().find(|l| l.contains("manifest.yaml")).expect("the manifest's path");
    let manifest = manifest.split_whitespace().last().expect("a path").to_owned();
    desk.xtask(&["data", "verify", &manifest]).fine();
    desk.write(
        "from-manifest.yaml",
        TINY.replace(
            "    phantom:\n      faces: {image_px: 32, n_train: 80, n_validation: 24, n_test_per_source: 8, n_annotators: 2}\n",
            &format!("    manifest: {manifest}\n"),
        )
        .replace("seeds: 2", "seeds: 1"),
    );
    desk.xtask(&["run", "from-manifest.yaml"]).fine();
}

#[test]
fn manifests_can_be_listed_and_shown() {
    let desk = Desk::new();
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/../data-manifests");
    let listed = desk.xtask(&["data", "list", "--manifests", manifests]).fine();
    for id in ["celeba-hq", "ffhq", "progan", "stylegan3", "und-cyborg-train", "cxr"] {
        assert!(listed.stdout.contains(id), "`{id}` is missing in:\n{}", listed.stdout);
    }
    let shown = desk.xtask(&["data", "show", "celeba-hq", "--manifests", manifests]).fine();
    for word in ["30000", "obtain", "licence", "citation"] {
        assert!(shown.stdout.contains(word), "`{word}` is missing in:\n{}", shown.stdout);
    }
    desk.xtask(&["data", "show", "celeba", "--manifests", manifests])
        .refused(&["no manifest `celeba`", "celeba-hq"]);
    desk.xtask(&["data", "verify", "celeba-hq", "--manifests", manifests])
        .refused(&["is missing", "obtain it"]);
}
