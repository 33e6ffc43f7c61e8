#![doc = include_str!("../README.md")]

mod alteration;
mod alterations;
mod cam_class;
mod error;
mod method;
mod methods;
mod per_map;
mod step;
mod terms;

pub use alteration::Alteration;
pub use error::MethodError;
pub use method::{MapUse, Memory, Method, Needs};
pub use methods::METHODS;
pub use step::{Pass, Step};
pub use terms::{Over, Term, Terms};
