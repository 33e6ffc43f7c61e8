//! The program `cyborg` from the outside: its name in its texts, and that it works wherever it is started.

#![allow(clippy::expect_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Output};

/// The program, without anything of the caller's environment that it reads.
fn cyborg(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cyborg"));
    command.args(arguments).current_dir(dir);
    for name in
        ["CYBORG_DATA", "CYBORG_HOME", "CYBORG_MANIFESTS", "CANDLE_NUM_THREADS", "MIMALLOC_PURGE_DELAY"]
    {
        command.env_remove(name);
    }
    command
}

fn output(dir: &Path, arguments: &[&str]) -> Output {
    cyborg(dir, arguments).output().expect("the program starts")
}

/// What it printed, once it has ended well.
#[track_caller]
fn stdout(dir: &Path, arguments: &[&str]) -> String {
    let output = output(dir, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What it complained of.
#[track_caller]
fn stderr(dir: &Path, arguments: &[&str]) -> String {
    let output = output(dir, arguments);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn desk() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

const TINY: &str = "\
data:
  - name: faces
    positive: synthetic
    phantom:
      faces: {image_px: 32, n_train: 40, n_validation: 12, n_test_per_source: 4, n_annotators: 1}
methods:
  - {name: ce, loss: cross-entropy}
backbones: [thin-resnet8]
seeds: 1
training: {epochs: 1, batch_size: 16}
";

#[test]
fn all_texts_call_the_program_by_its_name() {
    let desk = desk();
    let desk = desk.path();
    assert!(stdout(desk, &["--version"]).starts_with(concat!("cyborg ", env!("CARGO_PKG_VERSION"))));
    for command in ["run", "report", "compare", "evaluate", "predict", "cam"] {
        let help = stdout(desk, &[command, "--help"]);
        assert!(help.contains(&format!("Usage: cyborg {command}")), "{help}");
        assert!(!help.contains("xtask"), "{help}");
    }
    assert!(stdout(desk, &["compare", "--help"]).contains("  cyborg compare ce cyborg "));
    assert!(stdout(desk, &["weights", "convert", "--help"]).contains("  cyborg weights convert "));
    assert!(stdout(desk, &["data", "list"]).contains("`cyborg data show ID`"));
    let refused = stderr(desk, &["saliency", "build", "--output", "maps"]);
    assert!(refused.contains("`cyborg saliency build recipes/osie.yaml"), "{refused}");
}

#[test]
fn completions_and_manual_pages_know_all_commands() {
    let desk = desk();
    let desk = desk.path();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(desk, &["completions", shell]);
        for word in ["cyborg", "evaluate", "image-memory"] {
            assert!(script.contains(word), "{shell}: `{word}` is missing");
        }
    }
    stdout(desk, &["man", "pages/man1"]);
    for name in ["cyborg.1", "cyborg-run.1", "cyborg-data-verify.1"] {
        let page = fs_err::read_to_string(desk.join("pages/man1").join(name)).expect("a page");
        assert!(page.contains(".TH"), "{page}");
        assert!(!page.contains("xtask"), "{page}");
    }
}

#[test]
fn the_repositorys_files_are_found_from_anywhere() {
    let desk = desk();
    let desk = desk.path();
    // The source tree that the program was built from.
    assert!(stdout(desk, &["data", "list"]).contains("celeba-hq"));
    assert!(stdout(desk, &["data", "show", "data-manifests/ffhq.yaml"]).contains("FFHQ"));
    assert!(stdout(desk, &["run", "experiments/real-osie.yaml", "--dry-run"]).contains("osie"));

    // A folder of one's own comes before it: above the working directory, by name, above the experiment.
    let manifest = |id: &str| {
        format!(
            "id: {id}\ntitle: Mine\ndomain: other\nlicence: mine\nobtain: ask me\nroot: .\nclasses: [a, b]\n\
             layout:\n  table:\n    file: rows.csv\n    columns: {{image: image, label: label, split: split}}\n"
        )
    };
    let write = |path: &str, text: &str| {
        fs_err::create_dir_all(desk.join(path).parent().expect("a folder")).expect("made");
        fs_err::write(desk.join(path), text).expect("written");
    };
    write("project/data-manifests/near.yaml", &manifest("near"));
    write("home/data-manifests/far.yaml", &manifest("far"));
    write("project/deep/below/x.txt", "");
    let experiment = "data:\n  - {name: d, manifest: near}\nmethods:\n  - {name: ce, loss: cross-entropy}\n\
                      backbones: [thin-resnet8]\nseeds: 1\n";
    write("project/deep/below/near.yaml", experiment);
    let below = desk.join("project/deep/below");
    let listed = stdout(&below, &["data", "list"]);
    assert!(listed.contains("near") && !listed.contains("celeba-hq"), "{listed}");
    let at_home =
        cyborg(desk, &["data", "list"]).env("CYBORG_HOME", desk.join("home")).output().expect("starts");
    assert!(String::from_utf8_lossy(&at_home.stdout).contains("far"));
    let named = stdout(&below, &["data", "list", "--manifests", "../../../home/data-manifests"]);
    assert!(named.contains("far") && !named.contains("near"), "{named}");
    let planned = stdout(Path::new("/"), &["run", &below.join("near.yaml").to_string_lossy(), "--dry-run"]);
    assert!(planned.contains("train near; validation near; test near"), "{planned}");
    // Its data is not there, and the plan says what is missing.
    assert!(planned.contains("CANNOT BE USED") && planned.contains("rows.csv"), "{planned}");
}

#[test]
fn a_run_and_what_the_plan_says_before_and_after_it() {
    let desk = desk();
    let desk = desk.path();
    fs_err::write(desk.join("tiny.yaml"), TINY).expect("written");
    let before = stdout(desk, &["run", "tiny.yaml", "--dry-run"]);
    assert!(before.contains("1 run = 1 data set x 1 method x 1 backbone x 1 seed\n"), "{before}");
    assert!(before.contains("0 of 1 runs are finished already"), "{before}");
    let table = stdout(desk, &["run", "tiny.yaml", "--quiet"]);
    assert!(table.contains("AUC"), "{table}");
    let after = stdout(desk, &["run", "tiny.yaml", "--dry-run"]);
    assert!(after.contains("1 of 1 runs are finished already"), "{after}");
    assert!(after.contains("nothing is left to train"), "{after}");
    // Other settings are another run.
    fs_err::write(desk.join("tiny.yaml"), TINY.replace("epochs: 1", "epochs: 2")).expect("written");
    let other = stdout(desk, &["run", "tiny.yaml", "--dry-run"]);
    assert!(other.contains("0 of 1 runs are finished already"), "{other}");
    fs_err::write(desk.join("tiny.yaml"), TINY.replace("synthetic", "syntetic")).expect("written");
    let wrong = stdout(desk, &["run", "tiny.yaml", "--dry-run"]);
    assert!(wrong.contains("CANNOT BE USED") && wrong.contains("did you mean `synthetic`?"), "{wrong}");
}

/// The variables are those of `.cargo/config.toml`, in the process that does the work: it has the number of the one that was
/// started. A value of the caller stays.
#[cfg(target_os = "linux")]
#[test]
fn it_is_as_fast_without_cargo() {
    use std::process::Stdio;
    let config = fs_err::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.cargo/config.toml"));
    let config = config.expect("Cargo's settings");
    let desk = desk();
    for given in [None, Some("7")] {
        let mut command = cyborg(desk.path(), &["bench", "serve"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.envs(given.map(|value| ("CANDLE_NUM_THREADS", value)));
        let mut child = command.spawn().expect("the program starts");
        let environment = format!("/proc/{}/environ", child.id());
        let mut found = Vec::new();
        // The second start takes some milliseconds.
        for _ in 0..1000 {
            let text = fs_err::read_to_string(&environment).expect("the process runs");
            found = text.split('\0').map(str::to_owned).collect();
            if found.iter().any(|variable| variable.starts_with("MIMALLOC_PURGE_DELAY=")) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        drop(child.stdin.take());
        child.wait().expect("it ends");
        for name in ["CANDLE_NUM_THREADS", "MIMALLOC_PURGE_DELAY"] {
            let line = config.lines().find(|line| line.starts_with(name)).expect("set for Cargo");
            let usual = line.split('"').nth(1).expect("a value in quotes");
            let value = given.filter(|_| name == "CANDLE_NUM_THREADS").unwrap_or(usual);
            assert!(found.contains(&format!("{name}={value}")), "{found:?}");
        }
    }
}
