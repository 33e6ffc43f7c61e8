//! No file of more than 500 lines, but for a list that may only shrink.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

const LIMIT: usize = 500;
const LIST: &str = "long-files.txt";
/// What people write and read; data and generated files may be long.
const WRITTEN: [&str; 11] = ["rs", "md", "py", "toml", "yaml", "yml", "js", "mjs", "css", "html", "sh"];

pub(super) fn faults(files: &[(String, String)]) -> Result<Vec<String>> {
    let mut allowed = BTreeMap::new();
    for line in super::list(LIST)? {
        let [path, lines] = line.as_slice() else { anyhow::bail!("`xtask/{LIST}`: expected PATH LINES") };
        let lines: usize =
            lines.parse().with_context(|| format!("`xtask/{LIST}`: `{lines}` is no number"))?;
        allowed.insert(path.clone(), lines);
    }
    Ok(against(files, allowed))
}

fn against(files: &[(String, String)], mut allowed: BTreeMap<String, usize>) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in files {
        let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
        let n = text.lines().count();
        if !WRITTEN.contains(&ending) || path.contains("/golden/") || n <= LIMIT {
            continue;
        }
        let limit = allowed.remove(path).unwrap_or(LIMIT);
        if n > limit {
            faults.push(format!(
                "{path}: {n} lines, at most {limit} are allowed: look for a second subject in it"
            ));
        }
    }
    faults.extend(allowed.keys().map(|path| {
        format!("{path} has {LIMIT} lines or fewer now, or is gone: take it out of `xtask/{LIST}`")
    }));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_may_only_shrink() {
        let file = |path: &str, n: usize| (path.to_owned(), "line\n".repeat(n));
        let allowed = || BTreeMap::from([("a.rs".to_owned(), 600)]);
        let rest = [file("b.rs", 500), file("schema.json", 9000), file("tests/golden/x.py", 900)];
        let faults = |a: usize| against(&[&[file("a.rs", a)], &rest[..]].concat(), allowed());
        assert_eq!(faults(600), Vec::<String>::new());
        assert_eq!(faults(550), Vec::<String>::new());
        assert!(faults(601)[0].contains("601 lines, at most 600"));
        assert!(faults(500)[0].contains("take it out"));
        assert!(against(&[file("c.rs", 501)], BTreeMap::new())[0].contains("501 lines, at most 500"));
    }
}
