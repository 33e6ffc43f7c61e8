//! Columns of a polars frame, checked for name and type.
use crate::ReportError;
use polars::prelude::{DataFrame, DataType, PolarsError};

/// A frame and what it is, for messages.
pub(crate) struct Table<'a> {
    pub(crate) frame: &'a DataFrame,
    pub(crate) what: &'static str,
}

impl Table<'_> {
    fn error(&self, name: &str, source: PolarsError) -> ReportError {
        ReportError::Frame { what: format!("read column `{name}` of {}", self.what), source }
    }

    /// A text column; null becomes the empty text.
    pub(crate) fn text(&self, name: &str) -> Result<Vec<String>, ReportError> {
        Ok(self.optional_text(name)?.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// A text column with nulls.
    pub(crate) fn optional_text(&self, name: &str) -> Result<Vec<Option<String>>, ReportError> {
        let column = self.frame.column(name).map_err(|source| self.error(name, source))?;
        let text = column.str().map_err(|source| self.error(name, source))?;
        Ok(text.iter().map(|value| value.map(str::to_owned)).collect())
    }

    /// A column of numbers of any type, as f64.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, ReportError> {
        let column = self.frame.column(name).map_err(|source| self.error(name, source))?;
        let cast = column.cast(&DataType::Float64).map_err(|source| self.error(name, source))?;
        let numbers = cast.f64().map_err(|source| self.error(name, source))?;
        Ok(numbers.iter().collect())
    }

    /// A column of whole numbers; null becomes zero.
    pub(crate) fn counts(&self, name: &str) -> Result<Vec<u32>, ReportError> {
        let column = self.frame.column(name).map_err(|source| self.error(name, source))?;
        let cast = column.cast(&DataType::UInt32).map_err(|source| self.error(name, source))?;
        let counts = cast.u32().map_err(|source| self.error(name, source))?;
        Ok(counts.iter().map(Option::unwrap_or_default).collect())
    }

    /// A column of truth values with nulls.
    pub(crate) fn flags(&self, name: &str) -> Result<Vec<Option<bool>>, ReportError> {
        let column = self.frame.column(name).map_err(|source| self.error(name, source))?;
        let flags = column.bool().map_err(|source| self.error(name, source))?;
        Ok(flags.iter().collect())
    }
}
