//! Licences and registries of the packages that are built on this machine, against deny.toml.

use std::process::Command;

use anyhow::{Context, Result, ensure};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn faults(cargo: &str) -> Result<Vec<String>> {
    let allowed = allowed(&fs_err::read_to_string(super::root().join("deny.toml"))?)?;
    let metadata: serde_json::Value = serde_json::from_slice(&output(Command::new(cargo).args([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        &host()?,
    ]))?)
    .context("`cargo metadata` did not print JSON")?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` names no packages")?;
    let mut faults = Vec::new();
    for package in packages {
        let name = format!(
            "{} {}",
            package["name"].as_str().unwrap_or_default(),
            package["version"].as_str().unwrap_or_default()
        );
        match package["license"].as_str() {
            Some(licence) if is_allowed(licence, &allowed) == Some(true) => {}
            Some(licence) => faults.push(format!("{name}: licence `{licence}` is not allowed by deny.toml")),
            None => faults.push(format!("{name}: no licence is stated")),
        }
        if let Some(source) = package["source"].as_str().filter(|source| *source != REGISTRY) {
            faults.push(format!("{name}: comes from `{source}`, only crates.io is allowed"));
        }
    }
    Ok(faults)
}

/// The platform that the compiler builds for by default.
fn host() -> Result<String> {
    let text = String::from_utf8(output(Command::new("rustc").arg("-vV"))?)?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("`rustc -vV` names no host")?.to_owned())
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output =
        command.current_dir(super::root()).output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(output.stdout)
}

/// The strings of `allow` in `[licenses]`.
fn allowed(deny: &str) -> Result<Vec<String>> {
    let section = deny.split_once("[licenses]").context("deny.toml has no `[licenses]`")?.1;
    let list = section.split_once("allow = [").context("deny.toml has no `allow` in `[licenses]`")?.1;
    let list = list.split_once(']').context("deny.toml: `allow` does not end")?.0;
    let lines = list.lines().filter(|line| !line.trim_start().starts_with('#'));
    Ok(lines.flat_map(|line| line.split('"').skip(1).step_by(2)).map(ToOwned::to_owned).collect())
}

/// Whether an SPDX expression can be met with the allowed licences; nothing if it cannot be read. `A/B` is an old form of
/// `A OR B`; AND binds closer than OR.
fn is_allowed(expression: &str, allowed: &[String]) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = any(&words, &mut at, allowed)?;
    (at == words.len()).then_some(met)
}

fn any(words: &[&str], at: &mut usize, allowed: &[String]) -> Option<bool> {
    let mut met = all(words, at, allowed)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all(words, at, allowed)?;
    }
    Some(met)
}

fn all(words: &[&str], at: &mut usize, allowed: &[String]) -> Option<bool> {
    let mut met = one(words, at, allowed)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed)?;
    }
    Some(met)
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    if word == "(" {
        let met = any(words, at, allowed)?;
        (words.get(*at) == Some(&")")).then(|| *at += 1)?;
        return Some(met);
    }
    let mut name = word.to_owned();
    if words.get(*at) == Some(&"WITH") {
        name = format!("{word} WITH {}", words.get(*at + 1)?);
        *at += 2;
    }
    Some(allowed.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        let deny = "[licenses]\nallow = [\n  # \"GPL-3.0\" is not\n  \"MIT\", \"ISC\",\n  \"Apache-2.0 WITH LLVM-exception\",\n]\n";
        let allowed = allowed(deny).expect("a list");
        assert_eq!(allowed, ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]);
        for (expression, expected) in [
            ("MIT", Some(true)),
            ("GPL-3.0", Some(false)),
            ("MIT OR GPL-3.0", Some(true)),
            ("GPL-3.0/MIT", Some(true)),
            ("MIT AND GPL-3.0", Some(false)),
            // AND binds closer: GPL-3.0 alone would do as well as both others.
            ("GPL-3.0 OR MIT AND ISC", Some(true)),
            ("(GPL-3.0 OR MIT) AND ISC", Some(true)),
            ("(MIT OR ISC) AND GPL-3.0", Some(false)),
            ("Apache-2.0", Some(false)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("(MIT", None),
            ("MIT ISC", None),
            ("", None),
        ] {
            assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
        }
    }
}
