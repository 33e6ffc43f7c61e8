//! What serde reads of the steps that finish a map: threshold, granularity, control.

use schemars::JsonSchema;
use serde::Deserialize;

/// Makes a map binary: 1 where it is kept, else 0.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawThreshold {
    /// Values of at least this.
    Value(f64),
    /// Values of at least this share of the greatest.
    ShareOfMax(f64),
    /// The highest values: this share of all pixels.
    TopShare(f64),
}

/// How finely a map says where.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawGranularity {
    /// Features of interest: the map as it is.
    Features,
    /// Area of interest: the convex hull of what is marked.
    Area(RawMarked),
    /// Boundary of interest: the box around what is marked.
    Boundary(RawMarked),
}

/// What counts as marked.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawMarked {
    /// Values above this share of the map's greatest, in [0, 1); default: 0. Densities need more.
    pub(crate) threshold: f32,
}

/// Maps that nobody drew.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawControl {
    /// 1 everywhere. Flat on the grid: the loss leaves it out unless told otherwise.
    Uniform,
    /// Bright where people did not look.
    Inverted,
    /// A Gaussian over the middle.
    CentrePrior(RawCentrePrior),
    /// Another image's map.
    Shuffled(RawShuffled),
    /// Blobs in random places, of the same area as the map.
    RandomBlobs(RawBlobs),
}

/// A Gaussian over the middle.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawCentrePrior {
    /// Sigma as a share of each side, above 0; default: 0.25.
    pub(crate) sigma: f64,
}

impl Default for RawCentrePrior {
    fn default() -> Self {
        Self { sigma: 0.25 }
    }
}

/// Another image's map.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawShuffled {
    /// Another seed gives others' maps.
    pub(crate) seed: u64,
    /// Only maps of images of the same class (a manifest says it); default: of any.
    pub(crate) within_class: bool,
}

/// Random blobs.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawBlobs {
    /// Smoothness: a sigma as a share of the longer side, above 0; default: 0.05.
    pub(crate) size: f64,
    /// The area is that of values above this share of the map's greatest, in [0, 1); default: 0.
    pub(crate) threshold: f32,
    /// Another seed draws others.
    pub(crate) seed: u64,
}

impl Default for RawBlobs {
    fn default() -> Self {
        Self { size: 0.05, threshold: 0.0, seed: 0 }
    }
}
