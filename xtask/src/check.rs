//! `cargo xtask check`: the same steps as CI, cheapest first.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::print;

#[derive(Args)]
pub(crate) struct CheckArguments {
    /// Leave out the tests (CI has run them already by the README's own command).
    #[arg(long)]
    no_tests: bool,
}

pub(crate) fn run(arguments: &CheckArguments) -> Result<ExitCode> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut steps: Vec<(&str, Vec<&str>)> = vec![
        ("format", vec!["fmt", "--all", "--check"]),
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
        print(&format!("== {name}: cargo {}", words.join(" ")));
        let status = Command::new(&cargo)
            .args(&words)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .env("RUSTDOCFLAGS", "--deny warnings")
            .status()
            .with_context(|| format!("cannot start `cargo {}`", words.join(" ")))?;
        if !status.success() {
            print(&format!("== {name}: failed"));
            return Ok(ExitCode::FAILURE);
        }
    }
    print("== all checks passed");
    Ok(ExitCode::SUCCESS)
}
