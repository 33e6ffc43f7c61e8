//! The whole program from the outside, as its users meet it: files in, files and text out.
//!
//! - `structure`: the crates depend on each other as ARCHITECTURE.md says; generated files are fresh
//! - `smoke`: a tiny experiment, its results, what is done again and what is not, same bits for any thread count
//! - `circle`: what a run leaves is of use alone: weights, scores, run folders; recipes; weights of the hub
//! - `kill`: the same after SIGKILL at random moments
//! - `report`: reports from run folders alone and of a running experiment, comparisons, scores of other programs
//! - `bench`: steps and convolutions are measured; a Python that does not do
//! - `bad_input`: everything that a user can get wrong, each with its message
//!
//! Nothing here needs data that is not in the repository.

#![allow(clippy::expect_used, missing_docs)]

mod bad_input;
mod bench;
mod circle;
mod kill;
mod report;
mod smoke;
mod structure;
mod support;
