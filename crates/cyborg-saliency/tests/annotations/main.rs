//! Annotation files to maps: formats, drawing and geometry against outside references.

mod drawing;
mod field;
mod frames;
mod mutated;
mod reading;
mod real_sets;
mod samples;
mod support;
mod vector;
