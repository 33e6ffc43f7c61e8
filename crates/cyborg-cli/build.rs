//! Hands the version to the program, in release builds with the revision of the source tree. A development build leaves it
//! out: every commit would make it link again.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    if std::env::var("PROFILE").as_deref() == Ok("release")
        && let Some(revision) = git(&["rev-parse", "--short=12", "HEAD"])
    {
        version = format!("{version} ({revision})");
        let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
        for name in ["HEAD".to_owned()].into_iter().chain(branch) {
            if let Some(path) = git(&["rev-parse", "--git-path", &name]) {
                println!("cargo::rerun-if-changed={path}");
            }
        }
    }
    println!("cargo::rustc-env=CYBORG_VERSION={version}");
}

/// What git prints; nothing where there is no git or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
