//! What ARCHITECTURE.md says of the crates is so.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Our packages with their direct dependencies (not the development ones), from Cargo itself.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            let names = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .filter(|d| d["kind"].is_null())
                .map(|d| d["name"].as_str().expect("a name").to_owned())
                .collect();
            (package["name"].as_str().expect("a name").to_owned(), names)
        })
        .collect()
}

/// The rows of ARCHITECTURE.md's table of crates: name, ours that it may use, others that it must not.
fn stated() -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let text = fs_err::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let code =
        |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect() };
    text.lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            (cells.len() == 4).then(|| (code(cells[0])[0].clone(), (code(cells[2]), code(cells[3]))))
        })
        .collect()
}

#[test]
fn arrows_between_crates_are_those_of_the_architecture() {
    let stated = stated();
    let found = dependencies();
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        stated.keys().collect::<Vec<_>>(),
        "ARCHITECTURE.md's table lists every package"
    );
    for (name, dependencies) in &found {
        let (uses, must_not) = &stated[name];
        let ours: Vec<&String> = dependencies.iter().filter(|d| found.contains_key(*d)).collect();
        let mut expected: Vec<&String> = uses.iter().collect();
        let mut ours_sorted = ours.clone();
        ours_sorted.sort();
        expected.sort();
        assert_eq!(ours_sorted, expected, "what `{name}` uses of ours, against ARCHITECTURE.md");
        for banned in must_not {
            assert!(!dependencies.contains(banned), "`{name}` must not know `{banned}`");
        }
    }
}

#[test]
fn a_crates_folder_is_named_for_it_and_says_what_it_is() {
    for name in dependencies().keys().filter(|n| n.starts_with("cyborg-")) {
        let folder = root().join("crates").join(name);
        let readme = fs_err::read_to_string(folder.join("README.md")).expect("a README");
        assert!(readme.starts_with(&format!("# {name}\n")), "`{name}`: the README starts with its name");
        let plain = readme.replace('*', "").replace('\n', " ").to_lowercase();
        let absent = ["not know", "knows no", "knows nothing", "keeps no"];
        assert!(absent.iter().any(|words| plain.contains(words)), "`{name}`: what it must not know");
        let lib = fs_err::read_to_string(folder.join("src/lib.rs")).expect("lib.rs");
        assert!(
            lib.contains("include_str!(\"../README.md\")"),
            "`{name}`: the README is the crate's documentation"
        );
    }
}

#[test]
fn generated_schemas_are_fresh() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["schema", "--check"]).output().expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_committed_experiment_can_be_planned() {
    let mut n = 0;
    for entry in fs_err::read_dir(root().join("experiments")).expect("experiments") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "yaml") {
            let text = fs_err::read_to_string(&path).expect("read");
            assert!(
                text.starts_with("# "),
                "{} starts with its command, time and expected result",
                path.display()
            );
            let mut flags = vec![vec![]];
            if text.contains("\nwith_phantom:") {
                flags.push(vec!["--phantom"]);
            }
            for extra in flags {
                let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
                    .args(["run", "--dry-run"])
                    .args(extra)
                    .arg(&path)
                    .current_dir(root())
                    .output()
                    .expect("starts");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
            n += 1;
        }
    }
    assert!(n >= 5, "found only {n} experiments");
}
