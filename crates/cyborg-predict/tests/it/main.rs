//! The crate as its users see it: weights, pictures and results are real files.

mod cams;
mod images;
mod one_logit;
mod scores;
mod support;
mod weights;
