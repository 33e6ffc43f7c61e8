//! Numbers that cannot hold a value out of range.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Defines a newtype of `f64` whose values all satisfy a condition.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $expected:literal, |$value:ident| $holds:expr, $schema:tt) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// What a value has to be, in words that follow "expected".
            pub const EXPECTED: &'static str = $expected;

            /// The number if it is in range, `None` otherwise; a NaN is never in range.
            pub const fn new($value: f64) -> Option<Self> {
                if $value.is_finite() && $holds { Some(Self($value)) } else { None }
            }

            /// The number.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = String;
            fn try_from(value: f64) -> Result<Self, String> {
                Self::new(value).ok_or_else(|| format!(concat!("expected ", $expected, ", found {:?}"), value))
            }
        }

        impl From<$name> for f64 {
            fn from(number: $name) -> f64 {
                number.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

number!(
    /// A finite number above 0.
    Positive, "a number above 0", |x| x > 0.0, {"type": "number", "exclusiveMinimum": 0}
);
number!(
    /// A finite number of 0 or more.
    NonNegative, "a number of 0 or more", |x| x >= 0.0, {"type": "number", "minimum": 0}
);
number!(
    /// A number from 0 to 1, both included.
    Fraction, "a number from 0 to 1", |x| x >= 0.0 && x <= 1.0, {"type": "number", "minimum": 0, "maximum": 1}
);
number!(
    /// A number from 0 (included) to 1 (excluded).
    BelowOne, "a number from 0 to below 1", |x| x >= 0.0 && x < 1.0,
    {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
);

/// Numbers that settings often have where a file says nothing: `#[serde(default = "Positive::one")]`.
macro_rules! usual {
    ($name:ident: $($(#[$doc:meta])* $function:ident = $value:literal),+ $(,)?) => {
        impl $name {
            $($(#[$doc])*
            pub const fn $function() -> Self {
                const { Self::new($value).expect("the number is in range") }
            })+
        }
    };
}

usual!(Positive:
    /// The number 1.
    one = 1.0,
);
usual!(NonNegative:
    /// The number 0.
    zero = 0.0,
    /// The number 1.
    one = 1.0,
);
usual!(Fraction:
    /// The number 0.
    zero = 0.0,
    /// The number 0.1.
    tenth = 0.1,
    /// The number 0.5.
    half = 0.5,
    /// The number 1.
    one = 1.0,
);

/// A whole number of 1 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct AtLeastOne(usize);

impl AtLeastOne {
    /// What a value has to be, in words that follow "expected".
    pub const EXPECTED: &'static str = "a whole number of 1 or more";

    /// The number if it is in range, `None` for 0.
    pub const fn new(value: usize) -> Option<Self> {
        if value == 0 { None } else { Some(Self(value)) }
    }

    /// The number.
    pub const fn get(self) -> usize {
        self.0
    }
}

impl TryFrom<u64> for AtLeastOne {
    type Error = String;
    fn try_from(value: u64) -> Result<Self, String> {
        usize::try_from(value)
            .ok()
            .and_then(Self::new)
            .ok_or_else(|| format!("expected {}, found {value}", Self::EXPECTED))
    }
}

impl From<AtLeastOne> for u64 {
    fn from(number: AtLeastOne) -> u64 {
        number.0 as u64
    }
}

impl JsonSchema for AtLeastOne {
    fn schema_name() -> Cow<'static, str> {
        "AtLeastOne".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 1})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_where_they_are_said_to_be() {
        let tiny = f64::MIN_POSITIVE;
        let below_one = 1.0 - f64::EPSILON / 2.0;
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -tiny] {
            assert!(Positive::new(bad).is_none() && NonNegative::new(bad).is_none(), "{bad}");
            assert!(Fraction::new(bad).is_none() && BelowOne::new(bad).is_none(), "{bad}");
        }
        assert!(Positive::new(0.0).is_none() && Positive::new(tiny).is_some());
        assert_eq!(NonNegative::new(0.0).map(NonNegative::get), Some(0.0));
        assert!(Fraction::new(0.0).is_some() && Fraction::new(1.0).is_some());
        assert!(Fraction::new(1.0 + f64::EPSILON).is_none());
        assert!(BelowOne::new(below_one).is_some() && BelowOne::new(1.0).is_none());
        assert!(AtLeastOne::new(0).is_none());
        assert_eq!(AtLeastOne::new(1).map(AtLeastOne::get), Some(1));
    }

    #[test]
    fn a_whole_number_in_a_file_is_a_number() {
        let number: Positive = serde_json::from_str("2").expect("in range");
        assert_eq!(number.get(), 2.0);
        let error = serde_json::from_str::<AtLeastOne>("0").expect_err("out of range").to_string();
        assert!(error.starts_with("expected a whole number of 1 or more, found 0"), "{error}");
    }
}
