//! One value of a file, and what it may be read as.

/// A value as the file holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    /// Nothing.
    Missing,
    /// Text, of CSV always.
    Text(&'a str),
    /// A whole number.
    Whole(i64),
    /// Any number.
    Number(f64),
    /// True or false.
    Flag(bool),
}

impl Cell<'_> {
    /// How errors show it.
    pub(super) fn found(&self) -> String {
        match self {
            Self::Missing => "nothing".to_owned(),
            Self::Text(text) => {
                let short: String = text.chars().take(60).collect();
                format!("`{short}{}`", if short.len() < text.len() { ".." } else { "" })
            }
            Self::Whole(number) => format!("`{number}`"),
            Self::Number(number) => format!("`{number}`"),
            Self::Flag(flag) => format!("`{flag}`"),
        }
    }

    /// As a name, into `buffer` where it is no text. `None` if there is nothing.
    pub(super) fn name<'b>(&'b self, buffer: &'b mut String) -> Option<&'b str> {
        use std::fmt::Write as _;
        buffer.clear();
        // Writing to a string does not fail.
        let _ = match self {
            Self::Missing => return None,
            Self::Text(text) => return (!text.is_empty()).then_some(text),
            Self::Whole(number) => write!(buffer, "{number}"),
            Self::Number(number) => write!(buffer, "{number}"),
            Self::Flag(flag) => write!(buffer, "{flag}"),
        };
        Some(buffer)
    }

    /// As a number; NaN if there is nothing.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Missing => Some(f64::NAN),
            Self::Text(text) if text.trim().is_empty() => Some(f64::NAN),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Whole(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Flag(_) => None,
        }
    }

    /// As a whole number from 0. A float without a fraction counts (tables with gaps make floats of whole numbers).
    pub(super) fn whole(&self) -> Option<u64> {
        let of_float = |number: f64| {
            let is_whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
            is_whole.then_some(number as u64)
        };
        match self {
            Self::Missing => None,
            Self::Text(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| of_float(text.parse().ok()?))
            }
            Self::Whole(number) => u64::try_from(*number).ok(),
            Self::Number(number) => of_float(*number),
            Self::Flag(flag) => Some(u64::from(*flag)),
        }
    }
}
