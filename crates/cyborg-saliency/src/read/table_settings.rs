//! What a recipe writes of any table.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::table::{Columns, FirstPixel, Table, Unit};

/// Between the fields of a table.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
    /// A space.
    Space,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeUnit {
    /// Milliseconds.
    #[default]
    Ms,
    /// Seconds.
    S,
}

impl TimeUnit {
    pub(super) fn seconds(self) -> f64 {
        match self {
            Self::Ms => 0.001,
            Self::S => 1.0,
        }
    }
}

/// A value, or a list of values.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(Value),
    /// Several.
    Several(Vec<Value>),
}

/// A value as the table has it; YAML may take it for a number or a truth value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Whole(i64),
    /// True or false.
    Truth(bool),
    /// Text.
    Text(String),
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What the settings of all tables have in common.
pub(super) struct Common<'a> {
    pub(super) files: &'a str,
    pub(super) image: &'a Option<String>,
    pub(super) annotator: &'a Option<String>,
    pub(super) seconds: &'a Option<String>,
    pub(super) correct: &'a Option<String>,
    pub(super) frame: (&'a Option<String>, &'a Option<String>),
    pub(super) unit: Unit,
    pub(super) first_pixel: Option<FirstPixel>,
    pub(super) delimiter: Delimiter,
    pub(super) only: &'a BTreeMap<String, OneOrMore>,
    pub(super) headerless: bool,
}

/// The [`Table`] of settings. A macro, since they are types of their own: serde cannot both flatten a common part and refuse
/// unknown fields.
macro_rules! table_of {
    ($settings:ident, $default:expr) => {
        $crate::read::table_settings::Common {
            files: &$settings.files,
            image: &$settings.columns.image,
            annotator: &$settings.columns.annotator,
            seconds: &$settings.columns.seconds,
            correct: &$settings.columns.correct,
            frame: (&$settings.columns.frame_width, &$settings.columns.frame_height),
            unit: $settings.unit,
            first_pixel: $settings.first_pixel,
            delimiter: $settings.delimiter,
            only: &$settings.only,
            headerless: $settings.headerless,
        }
        .table($default)
    };
}
pub(super) use table_of;

impl Common<'_> {
    pub(super) fn table(&self, default: Table) -> Result<Table, String> {
        let frame = match self.frame {
            (Some(width), Some(height)) => Some((width.clone(), height.clone())),
            (None, None) => None,
            _ => return Err("name both `frame_width` and `frame_height`, or neither".into()),
        };
        let default_image = if self.files.contains("{image}") { None } else { default.columns.image };
        let values = |values: &OneOrMore| match values {
            OneOrMore::One(value) => vec![value.text()],
            OneOrMore::Several(values) => values.iter().map(Value::text).collect(),
        };
        Ok(Table {
            columns: Columns {
                image: self.image.clone().or(default_image),
                annotator: self.annotator.clone(),
                seconds: self.seconds.clone(),
                correct: self.correct.clone(),
                frame,
            },
            delimiter: match self.delimiter {
                Delimiter::Comma => b',',
                Delimiter::Semicolon => b';',
                Delimiter::Tab => b'\t',
                Delimiter::Space => b' ',
            },
            unit: self.unit,
            first_pixel: self.first_pixel.unwrap_or(default.first_pixel),
            frame_px: None,
            only: self.only.iter().map(|(column, one)| (column.clone(), values(one))).collect(),
            headerless: self.headerless,
        })
    }
}
