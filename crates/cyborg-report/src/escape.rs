//! Names and messages of other people, made harmless for where they are shown.

/// Control characters and marks that reverse the reading direction, which could hide or rewrite text around them.
fn is_hidden(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text in which hidden characters are shown as escapes, `\u{1b}` for instance; line ends stay.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\t' {
            cleaned.push_str("    ");
        } else if is_hidden(character) {
            cleaned.extend(character.escape_unicode());
        } else {
            cleaned.push(character);
        }
    }
    cleaned
}

/// One line of text for the terminal. Non-breaking spaces stay, for [`wrap`].
pub(crate) fn line(text: &str) -> String {
    let text = clean(text);
    let words = text.split(|character: char| character.is_whitespace() && character != '\u{a0}');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Text for HTML, inside an element or a quoted attribute.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in clean(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// One line of text for Markdown, in a paragraph or a cell of a table.
pub(crate) fn markdown(text: &str) -> String {
    let text = line(text).replace('\u{a0}', " ");
    let characters: Vec<char> = text.chars().collect();
    let mut escaped = String::with_capacity(text.len());
    for (at, &character) in characters.iter().enumerate() {
        let in_word = at > 0
            && characters[at - 1].is_alphanumeric()
            && characters.get(at + 1).is_some_and(|next| next.is_alphanumeric());
        let special = match character {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '&' | '~' | '!' | '$' => true,
            // Inside a word these mean nothing: `smoke_test` stays readable.
            '_' => !in_word,
            // Marks that open a heading or a list at the start of a line.
            '#' | '+' | '-' => at == 0,
            _ => false,
        };
        if special {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A block of text for Markdown, fenced by more backticks than it holds in a row.
pub(crate) fn markdown_block(text: &str, language: &str) -> String {
    let text = clean(text);
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

/// One line of text for LaTeX, in a paragraph or a cell of a table.
pub(crate) fn latex(text: &str) -> String {
    let text = line(text).replace('\u{a0}', " ");
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', character]),
            '<' => escaped.push_str("$<$"),
            '>' => escaped.push_str("$>$"),
            // After a line end these would be arguments of it: `\\[2pt]`, `\\*`; and `\\item[..]` takes the first.
            '[' | ']' | '*' => escaped.extend(['{', character, '}']),
            '±' => escaped.push_str("$\\pm$"),
            '–' => escaped.push_str("--"),
            // A sign, not a hyphen.
            '-' if matches!(before, ' ' | '[' | '(') && rest.peek().is_some_and(char::is_ascii_digit) => {
                escaped.push_str("$-$");
            }
            other => escaped.push(other),
        }
        before = character;
    }
    escaped
}

/// A text cell of a CSV file. Quoting is the CSV writer's work; here an apostrophe keeps a spreadsheet from taking
/// a name such as `=1+1` for a formula.
pub(crate) fn csv(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

/// Breaks a paragraph into lines of at most `columns` characters, later lines indented by `indent`; not at
/// non-breaking spaces, which become plain ones.
pub(crate) fn wrap(text: &str, columns: usize, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > columns {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            used = indent;
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += length;
    }
    wrapped.replace('\u{a0}', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_text_everywhere() {
        assert_eq!(html("<b a=\"x\" b='y'>&amp;"), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
        assert_eq!(html("a\u{1b}[31m\u{202e}b\tc"), "a\\u{1b}[31m\\u{202e}b    c");
    }

    #[test]
    fn markdown_is_text_everywhere() {
        assert_eq!(markdown("a|b\nc"), "a\\|b c");
        assert_eq!(markdown("[x](y) <i> `z` *w*"), "\\[x\\](y) \\<i\\> \\`z\\` \\*w\\*");
        assert_eq!(markdown("smoke_test _x_"), "smoke_test \\_x\\_");
        assert_eq!(markdown("# a"), "\\# a");
        assert_eq!(markdown_block("a: ````\n", "yaml"), "`````yaml\na: ````\n`````\n");
        assert_eq!(markdown_block("a\n", ""), "```\na\n```\n");
    }

    #[test]
    fn latex_is_text_everywhere() {
        assert_eq!(latex("a_b & 5 % #1 {x} $y$"), "a\\_b \\& 5 \\% \\#1 \\{x\\} \\$y\\$");
        assert_eq!(
            latex("\\input{/etc/passwd}~^"),
            "\\textbackslash{}input\\{/etc/passwd\\}\\textasciitilde{}\\textasciicircum{}"
        );
        assert_eq!(latex("0.656 ± 0.012, < 0.001"), "0.656 $\\pm$ 0.012, $<$ 0.001");
        assert_eq!(latex("[-0.001, +0.067] t-test"), "{[}$-$0.001, +0.067{]} t-test");
        assert_eq!(latex("[gan2] *gan3"), "{[}gan2{]} {*}gan3");
    }

    #[test]
    fn a_spreadsheet_sees_no_formula() {
        assert_eq!(csv("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(csv("ProGAN"), "ProGAN");
    }

    #[test]
    fn wraps_at_words() {
        assert_eq!(wrap("one two three", 8, 2), "one two\n  three");
        assert_eq!(wrap("one two\u{a0}three", 8, 2), "one\n  two three");
        assert_eq!(wrap("unbreakable-word x", 5, 1), "unbreakable-word\n x");
    }
}
