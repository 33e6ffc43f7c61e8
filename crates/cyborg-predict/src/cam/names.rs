//! File names for pictures' results.

use std::collections::HashSet;

/// Bytes of one part of a path; most file systems take 255, and endings come behind.
const MAX_PART: usize = 200;

/// Turns ids into relative paths that every file system takes and that stay inside their folder: no two the same, whatever
/// the case of letters. Most ids stay what they are.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// The name for the next id.
    pub(crate) fn next(&mut self, id: &str) -> String {
        let parts: Vec<String> =
            id.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).map(part).collect();
        let name = if parts.is_empty() { "_".to_owned() } else { parts.join("/") };
        let mut unique = name.clone();
        for number in 2_u64.. {
            if self.taken.insert(unique.to_lowercase()) {
                break;
            }
            unique = format!("{name}~{number}");
        }
        unique
    }
}

fn part(part: &str) -> String {
    let mut clean: String =
        part.chars().map(|c| if c.is_control() || r#"<>:"|?*"#.contains(c) { '_' } else { c }).collect();
    if clean.starts_with('.') {
        // Neither `..` nor hidden.
        clean.replace_range(..1, "_");
    }
    let mut end = clean.len().min(MAX_PART);
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    clean.truncate(end);
    clean
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_stay_inside_and_differ() {
        let mut names = Names::default();
        let mut check = |id: &str, expected: &str| assert_eq!(names.next(id), expected, "{id}");
        check("faces/a b/Gesicht-ä.png", "faces/a b/Gesicht-ä.png");
        check("/abs/./a.png", "abs/a.png");
        check("../../etc/passwd", "_./_./etc/passwd");
        check("abs//a.png", "abs/a.png~2");
        check("ABS/A.png", "ABS/A.png~3");
        check(r"C:\pictures\a?.png", "C_/pictures/a_.png");
        check(".hidden.png", "_hidden.png");
        check("", "_");
        check("/", "_~2");
        let long = "é".repeat(200);
        check(&long, &"é".repeat(100));
        check(&format!("{long}x"), &format!("{}~2", "é".repeat(100)));
    }
}
