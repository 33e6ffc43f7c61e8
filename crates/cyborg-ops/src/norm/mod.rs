//! Batch normalisation of feature maps whose pixels are rows of channels.
//!
//! Statistics are per channel over all rows, in f32 within blocks of rows and in f64 between them, about an origin that is
//! close to the mean: nothing is lost where the mean is large against the spread.

mod backward;
mod forward;
mod lines;
mod statistics;
mod sums;
#[cfg(test)]
mod tests;

pub(crate) use backward::{AddGradients, gradients, gradients_add, gradients_into};
pub(crate) use forward::{normalise, normalise_add};
pub(crate) use lines::Lines;
pub(crate) use statistics::{Statistics, statistics};
