//! The valid name that somebody probably meant.

/// `; did you mean ...` if one of `valid` is close, else what is valid, ready to follow a statement of what is wrong.
pub fn hint<'a>(found: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    match nearest(found, &valid) {
        Some(name) => format!("; did you mean `{name}`?"),
        None if valid.is_empty() => String::new(),
        None => format!("; valid are {}", quoted(&valid)),
    }
}

/// The names in backticks, comma-separated; the first ones if there are many.
pub(crate) fn quoted(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let text = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{text} and {} more", names.len() - SHOWN) } else { text }
}

fn nearest<'a>(found: &str, valid: &[&'a str]) -> Option<&'a str> {
    let lower = found.to_lowercase();
    // Up to half of the letters may be wrong, and never more than three.
    let limit = (found.chars().count() / 2).clamp(1, 3);
    valid
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), *name))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_listed() {
        let valid = ["authentic", "synthetic"];
        assert_eq!(hint("Synthetc", valid), "; did you mean `synthetic`?");
        assert_eq!(hint("validate", ["train", "validation"]), "; did you mean `validation`?");
        assert_eq!(hint("fake", []), "");
        assert_eq!(hint("fake", valid), "; valid are `authentic`, `synthetic`");
        assert_eq!(hint("", valid), "; valid are `authentic`, `synthetic`");
    }
}
