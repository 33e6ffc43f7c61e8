//! A fault in an experiment file, with its place and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use cyborg_settings::{Step, nearest, render_path};

use crate::locate::{Place, Places};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The experiment file.
    pub file: PathBuf,
    /// Line and column, from 1, where known.
    pub place: Option<(usize, usize)>,
    /// The lines of the file around it, numbered, with a mark under the place.
    pub snippet: String,
    /// What is wrong.
    pub message: String,
    /// What was expected or what to do.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.message)?;
        match self.place {
            Some((line, column)) => write!(f, "  --> {}:{line}:{column}", self.file.display())?,
            None => write!(f, "  --> {}", self.file.display())?,
        }
        if !self.snippet.is_empty() {
            write!(f, "\n{}", self.snippet)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

pub(crate) fn render_all(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
}

/// Makes diagnostics for one file.
pub(crate) struct Source<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
    places: Places,
}

impl<'a> Source<'a> {
    pub(crate) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text, places: Places::of(text) }
    }

    /// A value that parses but cannot be.
    pub(crate) fn at(&self, path: &[Step], message: impl Into<String>, hint: Option<String>) -> Diagnostic {
        self.placed(self.places.find(path), message.into(), hint)
    }

    fn placed(&self, place: Option<Place>, message: String, hint: Option<String>) -> Diagnostic {
        Diagnostic {
            file: self.path.to_owned(),
            place: place.map(|p| (p.line, p.column)),
            snippet: place.map(|p| snippet(self.text, p)).unwrap_or_default(),
            message,
            hint,
        }
    }

    /// What the YAML reader refused, with the nearest valid name or, for a wrong type, what the field is for.
    pub(crate) fn refused(&self, error: &serde_yaml::Error) -> Diagnostic {
        let error = error.without_snippet();
        let place = error.location().map(Place::of);
        let (message, hint) = match error {
            serde_yaml::Error::SerdeUnknownField { field, expected, .. } => {
                (format!("unknown field `{field}`"), Some(nearest(field, expected)))
            }
            serde_yaml::Error::SerdeUnknownVariant { variant, expected, .. } => {
                (format!("unknown value `{variant}`"), Some(nearest(variant, expected)))
            }
            other => {
                let text = other.to_string();
                let text = match place {
                    Some(p) => {
                        text.trim_end_matches(&format!(" at line {}, column {}", p.line, p.column)).to_owned()
                    }
                    None => text,
                };
                let text = if text.contains("untagged enum") {
                    "not a value that it can have".to_owned()
                } else {
                    text
                };
                let path = place.and_then(|p| self.places.path_at(p)).filter(|path| !path.is_empty());
                match path {
                    Some(path) => (
                        format!("`{}`: {text}", render_path(path)),
                        crate::schema::description_of(path).map(|d| format!("expected: {d}")),
                    ),
                    None => (text, None),
                }
            }
        };
        self.placed(place, message, hint)
    }
}

/// Two lines before the place, its line, and a mark.
fn snippet(text: &str, place: Place) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let Some(last) = place.line.checked_sub(1).filter(|&n| n < lines.len()) else { return String::new() };
    let first = last.saturating_sub(2);
    let width = place.line.to_string().len();
    let mut out: Vec<String> = (first..=last)
        .map(|i| {
            let line: String = lines[i].chars().filter(|c| !c.is_control()).take(110).collect();
            format!("  {:>width$} | {line}", i + 1)
        })
        .collect();
    out.push(format!("  {:>width$} | {}^", "", " ".repeat(place.column.saturating_sub(1).min(110))));
    out.join("\n")
}
