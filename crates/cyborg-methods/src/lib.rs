#![doc = include_str!("../README.md")]

mod alteration;
mod cam_class;
mod error;
mod list;
mod method;
mod methods;
mod step;
mod terms;

pub use alteration::Alteration;
pub use error::MethodError;
pub use list::METHODS;
pub use method::{MapUse, Memory, Method, Needs};
pub use step::{Pass, Step};
pub use terms::{Over, Term, Terms};
