#![doc = include_str!("../README.md")]

mod aggregate;
mod agreement;
mod annotation;
mod annotators;
mod blur_image;
mod control;
mod geometry;
mod granularity;
mod grid;
mod map;
mod rank;

pub use aggregate::{Aggregation, Aggregator};
pub use agreement::{Agreement, AgreementRule, NoFigure, agreement, iou};
pub use annotation::{Annotation, Mark};
pub use annotators::{Annotator, Choice, Selection, Weighting};
pub use blur_image::blur_outside;
pub use control::{centre_prior, derangement, inverted, random_blobs, uniform};
pub use geometry::{GeometryError, aspect_agrees, check_aspect};
pub use granularity::Granularity;
pub use grid::{
    FlatRule, Resampling, SaliencyGrid, area_average, grid_by_rule, grid_from_map, grid_of_saliency,
};
pub use map::SaliencyMap;
pub use rank::spearman;
