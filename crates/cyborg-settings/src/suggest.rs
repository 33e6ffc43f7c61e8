//! The valid name that somebody probably meant.

/// A hint for a name that is not valid: "did you mean `x`?" where one is close, and all valid names in any case.
pub fn nearest(found: &str, valid: &[impl AsRef<str>]) -> String {
    if valid.is_empty() {
        return "there are no names to choose from".to_owned();
    }
    let lower = found.to_lowercase();
    let best = valid
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.as_ref().to_lowercase()), name.as_ref()))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, name)| distance <= 1 + name.chars().count() / 3);
    let all = valid.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ");
    match best {
        Some((_, name)) => format!("did you mean `{name}`? valid names: {all}"),
        None => format!("valid names: {all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_listed() {
        assert_eq!(
            nearest("Cyborgs", &["cyborg", "res"]),
            "did you mean `cyborg`? valid names: `cyborg`, `res`"
        );
        assert_eq!(nearest("quantum", &["cyborg", "res"]), "valid names: `cyborg`, `res`");
        assert_eq!(nearest("x", &[] as &[&str]), "there are no names to choose from");
    }
}
