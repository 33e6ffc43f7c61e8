//! Typed columns out of a frame, with errors that name table and column.

use crate::error::EvalError;
use polars::prelude::{
    BooleanChunked, Column, DataFrame, Float32Chunked, Float64Chunked, NamedFrom, Series, StringChunked,
    UInt32Chunked, UInt64Chunked,
};

/// A frame with the words that errors use for it.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) frame: &'a DataFrame,
    pub(crate) name: &'a str,
}

impl<'a> Table<'a> {
    pub(crate) fn new(frame: &'a DataFrame, name: &'a str) -> Self {
        Self { frame, name }
    }

    /// Is there such a column?
    pub(crate) fn has(&self, column: &str) -> bool {
        self.frame.column(column).is_ok()
    }

    fn column(&self, column: &str) -> Result<&'a Column, EvalError> {
        self.frame.column(column).map_err(|_| {
            let names: Vec<String> = self.frame.columns().iter().map(|c| format!("`{}`", c.name())).collect();
            EvalError::MissingColumn {
                table: self.name.to_owned(),
                column: column.to_owned(),
                found: if names.is_empty() { "no column at all".to_owned() } else { names.join(", ") },
            }
        })
    }

    fn wrong_type(&self, column: &Column, expected: &'static str) -> EvalError {
        EvalError::ColumnType {
            table: self.name.to_owned(),
            column: column.name().to_string(),
            expected,
            found: column.dtype().to_string(),
        }
    }

    fn no_nulls(&self, column: &Column) -> Result<(), EvalError> {
        if column.null_count() == 0 {
            return Ok(());
        }
        let first = column.is_null().iter().position(|null| null == Some(true)).unwrap_or(0);
        Err(EvalError::NullValue {
            table: self.name.to_owned(),
            column: column.name().to_string(),
            row: first + 1,
        })
    }

    /// Strings, nulls allowed.
    pub(crate) fn optional_strings(&self, name: &str) -> Result<&'a StringChunked, EvalError> {
        let column = self.column(name)?;
        column.str().map_err(|_| self.wrong_type(column, "str"))
    }

    /// Strings, no nulls.
    pub(crate) fn strings(&self, name: &str) -> Result<&'a StringChunked, EvalError> {
        let values = self.optional_strings(name)?;
        self.no_nulls(self.column(name)?)?;
        Ok(values)
    }

    /// Unsigned 32-bit numbers, no nulls.
    pub(crate) fn u32s(&self, name: &str) -> Result<&'a UInt32Chunked, EvalError> {
        let column = self.column(name)?;
        let values = column.u32().map_err(|_| self.wrong_type(column, "u32"))?;
        self.no_nulls(column)?;
        Ok(values)
    }

    /// Unsigned 64-bit numbers, no nulls.
    pub(crate) fn u64s(&self, name: &str) -> Result<&'a UInt64Chunked, EvalError> {
        let column = self.column(name)?;
        let values = column.u64().map_err(|_| self.wrong_type(column, "u64"))?;
        self.no_nulls(column)?;
        Ok(values)
    }

    /// 64-bit floats, nulls allowed.
    pub(crate) fn optional_f64s(&self, name: &str) -> Result<&'a Float64Chunked, EvalError> {
        let column = self.column(name)?;
        column.f64().map_err(|_| self.wrong_type(column, "f64"))
    }

    /// 64-bit floats, no nulls.
    pub(crate) fn f64s(&self, name: &str) -> Result<&'a Float64Chunked, EvalError> {
        let values = self.optional_f64s(name)?;
        self.no_nulls(self.column(name)?)?;
        Ok(values)
    }

    /// 32-bit floats, no nulls.
    pub(crate) fn f32s(&self, name: &str) -> Result<&'a Float32Chunked, EvalError> {
        let column = self.column(name)?;
        let values = column.f32().map_err(|_| self.wrong_type(column, "f32"))?;
        self.no_nulls(column)?;
        Ok(values)
    }

    /// True or false, nulls allowed.
    pub(crate) fn optional_bools(&self, name: &str) -> Result<&'a BooleanChunked, EvalError> {
        let column = self.column(name)?;
        column.bool().map_err(|_| self.wrong_type(column, "bool"))
    }

    /// How many columns `logit_0`, `logit_1`, .. there are; errors if one is left out.
    pub(crate) fn n_logits(&self) -> Result<usize, EvalError> {
        let n = self.frame.columns().iter().filter(|c| c.name().starts_with("logit_")).count();
        (0..n).try_for_each(|i| self.f32s(&format!("logit_{i}")).map(drop))?;
        Ok(n)
    }
}

/// A frame from columns of one length.
pub(crate) fn frame(table: &'static str, columns: Vec<Column>) -> Result<DataFrame, EvalError> {
    DataFrame::new_infer_height(columns).map_err(|source| EvalError::Frame { table, source })
}

/// A column with one value from each row.
pub(crate) fn column<'a, R, V, P: ?Sized>(name: &str, rows: &'a [R], value: impl Fn(&'a R) -> V) -> Column
where
    Series: NamedFrom<Vec<V>, P>,
{
    Column::new(name.into(), rows.iter().map(value).collect::<Vec<V>>())
}
