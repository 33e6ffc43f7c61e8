//! Common misspellings, and American spellings, in the repository's prose.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

const WORDS: &str = "spelling.txt";
const ALLOWED: &str = "spelling-allowed.txt";

pub(super) fn faults(files: &[(String, String)]) -> Result<Vec<String>> {
    let mut right = BTreeMap::new();
    for line in super::list(WORDS)? {
        let [from, to] = line.as_slice() else {
            bail!("`xtask/{WORDS}`: expected WRONG RIGHT, found {line:?}")
        };
        right.insert(from.clone(), to.clone());
    }
    let mut allowed = BTreeSet::new();
    for line in super::list(ALLOWED)? {
        let [path, word] = line.as_slice() else {
            bail!("`xtask/{ALLOWED}`: expected PATH WORD, found {line:?}")
        };
        allowed.insert((path.clone(), word.clone()));
    }
    let mut unused = allowed.clone();
    let mut faults = Vec::new();
    for (path, text) in files {
        for (line, prose) in prose(path, text) {
            for word in prose.split(|c: char| !c.is_alphabetic() && c != '\'') {
                let word = word.to_lowercase();
                let Some(to) = right.get(&word) else { continue };
                let key = (path.clone(), word);
                if allowed.contains(&key) {
                    unused.remove(&key);
                } else {
                    faults.push(format!("{path}:{line}: `{}` should be `{to}`", key.1));
                }
            }
        }
    }
    faults.extend(
        unused.iter().map(|(path, word)| {
            format!("`{word}` is not in {path} any more: take it out of `xtask/{ALLOWED}`")
        }),
    );
    Ok(faults)
}

/// The lines of prose with their numbers: Markdown outside of fences, comments of Rust; without code spans and addresses.
fn prose(path: &str, text: &str) -> Vec<(usize, String)> {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let markdown = ending == "md";
    if !markdown && ending != "rs" {
        return Vec::new();
    }
    let mut fenced = false;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut line = line.trim_start();
        if !markdown {
            let Some((_, comment)) = line.split_once("//").filter(|(before, _)| before.is_empty()) else {
                // A comment's fence ends with the comment.
                fenced = false;
                continue;
            };
            line = comment.trim_start_matches(['/', '!']).trim_start();
        }
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((at + 1, without_code(line)));
        }
    }
    lines
}

/// The text outside of backticks, without targets of links and without words that hold `://`.
fn without_code(line: &str) -> String {
    let outside: String = line.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    let mut text = String::new();
    for (i, part) in outside.split("](").enumerate() {
        let part = if i == 0 { part } else { part.split_once(')').map_or("", |(_, after)| after) };
        text.push_str(part);
        text.push(' ');
    }
    text.split_whitespace().filter(|word| !word.contains("://")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_what_is_not_code() {
        let markdown =
            "A `color` here.\n```rust\nlet color = 1;\n```\nSee [this](color.md), https://a.b/color and on.";
        let expected = [(1, "A here.".to_owned()), (5, "See [this , and on.".to_owned())];
        assert_eq!(prose("a.md", markdown), expected);
        let rust =
            "//! A module.\nfn color() {} // not at the line's start\n    /// Its `color`, in words.\n";
        let expected = [(1, "A module.".to_owned()), (3, "Its , in words.".to_owned())];
        assert_eq!(prose("a.rs", rust), expected);
        assert_eq!(prose("a.py", "# color"), []);
    }

    #[test]
    fn the_lists_are_used() {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let faults = faults(&[file("a.md", "The behavior,\nseperate Color."), file("b.txt", "color")]);
        let mut faults = faults.expect("the lists can be read");
        // What the real list allows is missing among these two files.
        faults.retain(|fault| fault.starts_with("a.md"));
        let expected = [
            "a.md:1: `behavior` should be `behaviour`",
            "a.md:2: `seperate` should be `separate`",
            "a.md:2: `color` should be `colour`",
        ];
        assert_eq!(faults, expected);
    }
}
