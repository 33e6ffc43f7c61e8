//! A folder to work in and the program to run there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A temporary folder with an experiment in it.
pub(crate) struct Desk {
    pub(crate) dir: tempfile::TempDir,
}

/// What a command did.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// It ended well.
    #[track_caller]
    pub(crate) fn fine(self) -> Self {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// It refused, in words that hold all of these, and did not break.
    #[track_caller]
    pub(crate) fn refused(self, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(1), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing in:\n{}", self.stderr);
        }
        self
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    #[track_caller]
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs_err::write(&path, text).expect("written");
        path
    }

    /// The program, to be run in this folder, without anything of the caller's environment that could change a result.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(arguments).current_dir(self.dir.path());
        command.env_remove("RAYON_NUM_THREADS").env_remove("CYBORG_DATA").env("RUST_BACKTRACE", "0");
        command
    }

    pub(crate) fn xtask(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().expect("the program starts"))
    }
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The folder's files, by path relative to it, with their bytes.
pub(crate) fn contents(dir: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).expect("inside").to_string_lossy().into_owned();
                found.insert(name, fs_err::read(&path).expect("read"));
            }
        }
    }
    found
}

/// Asserts equal bytes, naming the files that differ.
#[track_caller]
pub(crate) fn assert_same(
    a: &std::collections::BTreeMap<String, Vec<u8>>,
    b: &std::collections::BTreeMap<String, Vec<u8>>,
) {
    let one_sided: Vec<&String> =
        a.keys().filter(|n| !b.contains_key(*n)).chain(b.keys().filter(|n| !a.contains_key(*n))).collect();
    assert!(one_sided.is_empty(), "these are on one side only: {one_sided:?}");
    let differ: Vec<&String> = a.keys().filter(|name| a[*name] != b[*name]).collect();
    assert!(differ.is_empty(), "these differ: {differ:?}");
}

/// A whole experiment in a few seconds: two methods, two seeds, 32 x 32 pixels.
pub(crate) const TINY: &str = "\
title: tiny
data:
  - name: faces
    phantom:
      faces: {image_px: 32, n_train: 80, n_validation: 24, n_test_per_source: 8, n_annotators: 2}
methods:
  - {name: ce, loss: cross-entropy}
  - {name: cyborg, loss: cyborg, alpha: 0.5}
backbones: [thin-resnet8]
seeds: 2
training: {epochs: 3, batch_size: 16, learning_rate: 0.02}
compare:
  - {baseline: ce, candidate: cyborg}
";
