#![doc = include_str!("../README.md")]

mod aggregate;
mod agreement;
mod annotation;
mod annotators;
mod blur_image;
mod control;
mod error;
mod frame;
mod geometry;
mod granularity;
mod grid;
mod map;
mod rank;
pub mod read;
mod render;

pub use aggregate::{Aggregation, Aggregator};
pub use agreement::{Agreement, AgreementRule, NoFigure, agreement, iou};
pub use annotation::{Annotation, Fill, Mark};
pub use annotators::{Annotator, Choice, Selection, Weighting};
pub use blur_image::blur_outside;
pub use control::{centre_prior, derangement, inverted, random_blobs, uniform};
pub use error::{AnnotationError, Place};
pub use frame::{Affine, Crop, FRACTIONS, Orientation, Placement};
pub use geometry::{GeometryError, aspect_agrees, check_aspect};
pub use granularity::Granularity;
pub use grid::{
    FlatRule, Resampling, SaliencyGrid, area_average, grid_by_rule, grid_from_map, grid_of_saliency,
};
pub use map::SaliencyMap;
pub use rank::spearman;
#[doc(inline)]
pub use read::{
    Annotations, BoxOptions, BoxShape, Channel, ClickListOptions, CocoMarks, CocoOptions, Columns,
    CvatOptions, EyeTaggerOptions, FirstPixel, Format, FoundFile, Invalid, LabelMeOptions,
    LabelStudioOptions, MapData, MapOptions, MatlabOptions, MatlabPoints, Paint, PathPattern, PointOptions,
    Reader, RunLengthOptions, Runs, SaliconOptions, Scale, Settings, Sides, Source, SourceSettings, Start,
    StoredMap, SuperviselyOptions, SvgOptions, Table, Unit, ViaOptions, VocOptions, Watch, YoloOptions,
    read_file, read_map, read_source, read_source_except, uploaded_name,
};
pub use render::{
    DrawOptions, Drawn, Edge, Gaussian, Length, Normalisation, Outside, PointStyle, PointWeights, Side,
    Threshold, View, draw, gaussian_blur, normalise, resample, threshold,
};
