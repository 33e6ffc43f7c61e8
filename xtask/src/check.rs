//! `cargo xtask check`: the same steps as CI, cheapest first.

mod dependencies;
mod length;
mod spelling;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Args;

use cyborg_cli::print;

#[derive(Args)]
pub(crate) struct CheckArguments {
    /// Leave out the tests (CI has run them already by the README's own command).
    #[arg(long)]
    no_tests: bool,
}

pub(crate) fn run(arguments: &CheckArguments) -> Result<ExitCode> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    if !step("format", &cargo, &["fmt", "--all", "--check"])? {
        return Ok(ExitCode::FAILURE);
    }
    let files = files()?;
    type Find<'a> = &'a dyn Fn() -> Result<Vec<String>>;
    let ours: [(&str, Find); 3] = [
        ("length of files", &|| length::faults(&files)),
        ("spelling", &|| spelling::faults(&files)),
        ("licences and registries", &|| dependencies::faults(&cargo)),
    ];
    for (name, faults) in ours {
        print(&format!("== {name}"));
        let faults = faults()?;
        if !faults.is_empty() {
            print(&format!("{}\n== {name}: failed", faults.join("\n")));
            return Ok(ExitCode::FAILURE);
        }
    }
    if installed("typos", &["--version"]) {
        if !step("typos", "typos", &["--format", "brief"])? {
            return Ok(ExitCode::FAILURE);
        }
    } else {
        print(
            "== typos: not installed (`pip install typos`); only the words of `xtask/spelling.txt` were looked for",
        );
    }
    if installed(&cargo, &["deny", "--version"]) {
        if !step("dependencies", &cargo, &["deny", "check", "licenses", "bans", "sources"])? {
            return Ok(ExitCode::FAILURE);
        }
    } else {
        print(
            "== dependencies: `cargo deny` is not installed (`cargo install cargo-deny`); licences and registries were \
             checked, yanked packages were not",
        );
    }
    let mut steps: Vec<(&str, Vec<&str>)> = vec![
        ("schemas", vec!["run", "--quiet", "--package", "xtask", "--", "schema", "--check"]),
        (
            "lints",
            vec!["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"],
        ),
        ("documentation", vec!["doc", "--workspace", "--no-deps", "--locked", "--quiet"]),
    ];
    if !arguments.no_tests {
        steps.push(("tests", vec!["test", "--workspace"]));
    }
    for (name, words) in steps {
        if !step(name, &cargo, &words)? {
            return Ok(ExitCode::FAILURE);
        }
    }
    print("== all checks passed");
    Ok(ExitCode::SUCCESS)
}

/// Runs a program in the repository and says whether it was content.
fn step(name: &str, program: &str, words: &[&str]) -> Result<bool> {
    let shown = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    print(&format!("== {name}: {shown} {}", words.join(" ")));
    let status = Command::new(program)
        .args(words)
        .current_dir(root())
        .env("RUSTDOCFLAGS", "--deny warnings")
        .status()
        .with_context(|| format!("cannot start `{shown} {}`", words.join(" ")))?;
    if !status.success() {
        print(&format!("== {name}: failed"));
    }
    Ok(status.success())
}

fn installed(program: &str, words: &[&str]) -> bool {
    let output = Command::new(program).args(words).current_dir(root()).output();
    output.is_ok_and(|output| output.status.success())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files that git knows or would take in, relative to the repository, with their texts. Binary ones are left out.
fn files() -> Result<Vec<(String, String)>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output()
        .context("cannot start git, which says what files the repository has")?;
    ensure!(
        output.status.success(),
        "git cannot say what files the repository has: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let names = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
    let text = |name: &str| fs_err::read_to_string(root().join(name)).ok();
    Ok(names
        .split_terminator('\0')
        .filter_map(|name| text(name).map(|text| (name.to_owned(), text)))
        .collect())
}

/// The lines of a list in this package, each as its words; empty lines and those that begin with `#` are left out.
fn list(name: &str) -> Result<Vec<Vec<String>>> {
    let text = fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(|line| line.split_whitespace().map(ToOwned::to_owned).collect()).collect())
}
