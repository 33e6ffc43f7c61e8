//! Faults of a YAML file, each with its line, column and the line itself.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_yaml::{Location, MessageFormatter, Spanned, UserMessageFormatter};

use crate::error::{Faults, ManifestError};
use crate::suggest;

/// A YAML file and what has been found wrong with it: for crates whose files are written in the manner of manifests.
pub struct SourceText<'a> {
    path: &'a Path,
    text: &'a str,
    faults: Faults,
}

impl<'a> SourceText<'a> {
    /// `path` is where the text stands, for messages.
    pub fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text, faults: Faults::default() }
    }

    /// Reads the file into its raw type. One fault ends it: what follows could be misread.
    pub fn parse<T: DeserializeOwned>(&mut self) -> Option<T> {
        // Snippets are drawn here, so that faults found by serde and faults found later look the same.
        let options = serde_yaml::options! { with_snippet: false };
        match serde_yaml::from_str_with_options(self.text, options) {
            Ok(raw) => Some(raw),
            Err(error) => {
                let message = Wording.format_message(error.without_snippet()).into_owned();
                self.fault_at(error.location(), &message);
                None
            }
        }
    }

    /// Notes that what stands at `value` is wrong.
    pub fn fault<T>(&mut self, value: &Spanned<T>, message: &str) {
        self.fault_at(Some(value.referenced), message);
    }

    fn fault_at(&mut self, location: Option<Location>, message: &str) {
        let Some(location) = location.filter(|location| location.line() > 0) else {
            self.faults.push(format!("{message}\n  --> {}", self.path.display()));
            return;
        };
        let (line, column) = (location.line(), location.column());
        let shown = self.text.lines().nth(line as usize - 1).unwrap_or_default();
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat((column as usize).saturating_sub(1));
        let mut fault = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            fault,
            "{message}\n {margin}--> {}:{line}:{column}\n {margin} |\n {number} | {shown}\n {margin} | {indent}^",
            self.path.display()
        );
        self.faults.push(fault);
    }

    /// What was built from the file, or all its faults.
    ///
    /// # Errors
    /// All faults noted; those of parsing if nothing was built.
    pub fn built<T>(self, built: Option<T>) -> Result<T, Faults> {
        match built {
            Some(built) if self.faults.is_empty() => Ok(built),
            _ => Err(self.faults),
        }
    }

    /// [`SourceText::built`] for manifests.
    pub(crate) fn finish<T>(self, built: Option<T>) -> Result<T, ManifestError> {
        let path = self.path.into();
        self.built(built).map_err(|faults| ManifestError::Invalid { path, faults })
    }
}

/// The YAML library's messages, with the nearest valid name where a name is wrong.
struct Wording;

impl MessageFormatter for Wording {
    fn format_message<'a>(&self, error: &'a serde_yaml::Error) -> Cow<'a, str> {
        use serde_yaml::Error;
        match error {
            Error::SerdeUnknownField { field, expected, .. } => {
                let hint = suggest::hint(field, expected.iter().copied());
                Cow::Owned(format!("unknown field `{field}`{hint}"))
            }
            Error::SerdeUnknownVariant { variant, expected, .. } => {
                let hint = suggest::hint(variant, expected.iter().copied());
                Cow::Owned(format!("unknown value `{variant}`{hint}"))
            }
            Error::SerdeMissingField { field, .. } => Cow::Owned(format!("field `{field}` is missing")),
            Error::DuplicateMappingKey { key: Some(key), .. } => {
                Cow::Owned(format!("field `{key}` is there twice"))
            }
            Error::Unexpected { expected, .. } => {
                let expected = match *expected {
                    "mapping start" => "named fields (`name: value`)",
                    "sequence start" => "a list (`[a, b]`)",
                    "scalar" | "string scalar" => "one value",
                    other => other,
                };
                Cow::Owned(format!("{expected} expected here"))
            }
            Error::InvalidBooleanStrict { .. } => Cow::Borrowed("`true` or `false` expected here"),
            Error::InvalidScalar { ty, .. } => {
                let expected = match *ty {
                    "boolean" => "`true` or `false`",
                    "floating point" => "a number",
                    "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 up",
                    other => other,
                };
                Cow::Owned(format!("{expected} expected here"))
            }
            Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => {
                Cow::Borrowed("one named choice (`name: ...`) expected here")
            }
            _ => UserMessageFormatter.format_message(error),
        }
    }
}
