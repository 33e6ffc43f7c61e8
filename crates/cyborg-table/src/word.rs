//! Words of a table among known words.

/// Where `word` is among the known ones: the same text, else the same whole number, so `1.0` finds `1` and `1` finds `1.0`. None if
/// it is there in neither way, or if it is the same number as several.
pub fn position<'a>(known: impl IntoIterator<Item = &'a str>, word: &str) -> Option<usize> {
    let number = whole_number(word);
    let mut by_number = None;
    let mut n_by_number = 0;
    for (at, known) in known.into_iter().enumerate() {
        if known == word {
            return Some(at);
        }
        if number.is_some() && whole_number(known) == number {
            by_number = by_number.or(Some(at));
            n_by_number += 1;
        }
    }
    by_number.filter(|_| n_by_number == 1)
}

/// The digits of a whole number as a spreadsheet or pandas writes it: `1.0`, `1.` and `1` are `1`, `-2.00` is `-2`. None for any other
/// text; `01` and `1e0` are names.
pub fn whole_number(text: &str) -> Option<&str> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_number = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
        && fraction.bytes().all(|byte| byte == b'0');
    is_number.then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_with_and_without_a_fraction() {
        for (text, expected) in [
            ("1", Some("1")),
            ("1.0", Some("1")),
            ("1.", Some("1")),
            ("0.00", Some("0")),
            ("-2.0", Some("-2")),
            ("10", Some("10")),
            ("01", None),
            ("1.5", None),
            ("1e0", None),
            (".0", None),
            ("-", None),
            ("", None),
            ("1.0.0", None),
            ("one", None),
        ] {
            assert_eq!(whole_number(text), expected, "{text}");
        }
    }

    #[test]
    fn the_text_goes_before_the_number() {
        assert_eq!(position(["healthy", "ill"], "ill"), Some(1));
        assert_eq!(position(["0", "1"], "1.0"), Some(1));
        assert_eq!(position(["0.0", "1.0"], "1"), Some(1));
        assert_eq!(position(["1.0", "1"], "1"), Some(1));
        assert_eq!(position(["1.0", "1"], "1.00"), None, "which of the two?");
        assert_eq!(position(["0", "1"], "2.0"), None);
        assert_eq!(position(["a"], "b"), None);
    }
}
