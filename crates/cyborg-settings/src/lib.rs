#![doc = include_str!("../README.md")]

mod choice;
mod fault;
mod number;
mod schema;
mod suggest;

pub use choice::{AnySettings, Choice, Settings, find, names};
pub use fault::{Fault, Step, render_path};
pub use number::{AtLeastOne, BelowOne, Fraction, NonNegative, Positive};
pub use schema::{SchemaOfChoice, schema_of_choices};
pub use suggest::nearest;

#[doc(hidden)]
pub mod macro_support {
    pub use crate::choice::{parse, schema_of};
}
