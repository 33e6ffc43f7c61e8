//! Text from elsewhere, made fit to be shown.

use std::borrow::Cow;
use std::fmt::Write;

/// A name or a value from a file on one line: whatever would move the cursor, colour the terminal, begin a line or turn the
/// direction of writing is shown as its escape (`\n`, `\u{1b}`), so that it can forge nothing around it.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

/// Whole lines of ours that hold text from elsewhere: as [`shown`], but ends of lines and tabs stay.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    escaped(text, &['\n', '\t'])
}

fn escaped<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    let is_escaped = |c: char| acts(c) && !kept.contains(&c);
    if !text.chars().any(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if !is_escaped(c) {
            escaped.push(c);
            continue;
        }
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // A string takes whatever is written to it.
            _ => drop(write!(escaped, "\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(escaped)
}

/// Whether a terminal or an editor does something at this character instead of showing it: controls, separators of lines and
/// paragraphs, and those that turn the direction of writing (Unicode TR 36, section 2.12) or are invisible.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_and_everything_is_seen() {
        let name = "conv\u{1b}[31m\nerror: none\r\t\u{7}\u{9b}2J\u{202e}";
        assert_eq!(shown(name), r"conv\u{1b}[31m\nerror: none\r\t\u{7}\u{9b}2J\u{202e}");
        assert_eq!(for_terminal("a\tb\n\u{1b}c\r"), "a\tb\n\\u{1b}c\\r");
        assert!(matches!(shown("Gesicht-ä 顔.png"), Cow::Borrowed(_)));
    }
}
