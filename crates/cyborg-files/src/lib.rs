#![doc = include_str!("../README.md")]

mod claim;
mod lock;
mod machine;
mod regular;
#[cfg(test)]
mod testing;
mod unfinished;
mod whole_file;

pub use lock::{Attempt, Lock, holder};
pub use regular::open_regular;
pub use unfinished::{random_name, remove_unfinished};
pub use whole_file::{WholeFile, write_whole};
