//! What serde reads from a recipe file: every field as written, nothing checked yet. The JSON schema comes from here.

use std::collections::BTreeMap;

use cyborg_saliency::SourceSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_yaml::Spanned;

use crate::raw_map::{RawControl, RawGranularity, RawThreshold};

/// How people's annotations of images become one saliency map an image.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "cyborg saliency recipe")]
pub(crate) struct RawRecipe {
    /// One line for tables and reports.
    #[serde(default)]
    pub(crate) title: String,
    /// The folder that every path below starts from: absolute, or relative to this file; `${NAME}` is replaced from the
    /// environment. Default: the data set's root if a manifest names the recipe, else this file's folder.
    #[schemars(with = "Option<String>")]
    pub(crate) root: Option<Spanned<String>>,
    /// The image files, where no manifest says them: a pattern below the root, such as `images/{image}.jpg`.
    #[schemars(with = "Option<String>")]
    pub(crate) images: Option<Spanned<String>>,
    /// Annotation files, at least one; a person's marks from several files are put together.
    #[schemars(with = "Vec<SourceSettings>", length(min = 1))]
    pub(crate) annotations: Spanned<Vec<Spanned<SourceSettings>>>,
    /// What the coordinates of annotations refer to, where the files do not say it.
    #[serde(default)]
    pub(crate) frame: RawFrame,
    /// Which people count.
    #[serde(default)]
    pub(crate) annotators: RawAnnotators,
    /// How marks become values.
    #[serde(default)]
    pub(crate) draw: RawDraw,
    /// What each person's map is divided by before they are put together: `none` (default), `max`, `sum` or `min-max`.
    #[serde(default)]
    pub(crate) normalise_each: RawNormalisation,
    /// How the people's maps become one: `mean` (default), `union`, `intersection` or `majority: {share, threshold}`.
    #[serde(default)]
    #[schemars(with = "RawAggregate")]
    pub(crate) aggregate: Option<Spanned<RawAggregate>>,
    /// How much each person's map weighs: `equal` (default), `duration`, `correctness: {...}` or `annotators: {...}`.
    #[serde(default)]
    #[schemars(with = "RawWeights")]
    pub(crate) weights: Option<Spanned<RawWeights>>,
    /// A Gaussian over the one map: its sigma, here on the image (`px` are the image's).
    #[schemars(with = "Option<RawLength>")]
    pub(crate) blur: Option<Spanned<RawLength>>,
    /// Makes the one map binary.
    #[schemars(with = "Option<RawThreshold>")]
    pub(crate) threshold: Option<Spanned<RawThreshold>>,
    /// How finely the map says where: `features` (default), `area: {threshold}` or `boundary: {threshold}`.
    #[schemars(with = "Option<RawGranularity>")]
    pub(crate) granularity: Option<Spanned<RawGranularity>>,
    /// A map that nobody drew in place of people's: what a reviewer wants to see beside it.
    #[schemars(with = "Option<RawControl>")]
    pub(crate) control: Option<Spanned<RawControl>>,
    /// What an empty map becomes: `leave-out` (default: the image has none), `zeros` or `ones`.
    #[serde(default)]
    pub(crate) empty: RawEmpty,
    /// How the map comes to the range of its file: `max` (default: v / max), `min-max`, or `none` (values above 1 are cut).
    #[serde(default)]
    pub(crate) normalise: RawOutputNormalisation,
    /// What is written.
    #[serde(default)]
    pub(crate) output: RawOutput,
    /// How agreement between people is measured.
    #[serde(default)]
    pub(crate) agreement: RawAgreement,
}

/// What the coordinates of annotations refer to.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFrame {
    /// Width and height in pixels of the picture that people saw, where a file does not state it. Default: the image's own
    /// (with `crop`: that of the crop's picture must be said here).
    #[schemars(with = "Option<[u32; 2]>")]
    pub(crate) size_px: Option<Spanned<[u32; 2]>>,
    /// The images are a crop of what people saw: this rectangle of it, in pixels of `size_px`.
    #[schemars(with = "Option<RawCrop>")]
    pub(crate) crop: Option<Spanned<RawCrop>>,
    /// People saw the images squashed (a square window for a portrait, say): frames and maps of another shape than the image
    /// are stretched over it; default: false, they are refused.
    #[serde(default)]
    pub(crate) stretch: bool,
    /// How people saw images that are stored turned (EXIF orientation): `upright`, as browsers and viewers show them, or
    /// `stored`, as programs that ignore the tag do. Must be said where such an image occurs.
    pub(crate) seen: Option<RawSeen>,
}

/// A rectangle.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCrop {
    /// Left edge in pixels.
    pub(crate) x: f64,
    /// Top edge in pixels.
    pub(crate) y: f64,
    /// Width in pixels, above 0.
    pub(crate) width: f64,
    /// Height in pixels, above 0.
    pub(crate) height: f64,
}

/// How people saw images that are stored turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawSeen {
    /// Turned as the EXIF tag says.
    Upright,
    /// As the pixels are stored.
    Stored,
}

/// Which people count. Every rule must let a person through.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAnnotators {
    /// Only these.
    pub(crate) keep: Option<Vec<String>>,
    /// Not these.
    #[serde(default)]
    pub(crate) drop: Vec<String>,
    /// Only where the person's decision was right (and known).
    #[serde(default)]
    pub(crate) only_correct: bool,
    /// Only who took at least so many seconds (and it is known).
    pub(crate) min_duration_s: Option<f64>,
    /// Only who took at most so many seconds (and it is known).
    pub(crate) max_duration_s: Option<f64>,
    /// Only who left at least so many marks on the image.
    #[serde(default)]
    pub(crate) min_marks: usize,
    /// Of those that are left: `all` (default), `first` (by name), `most-marks`, or `random: {n, seed}`. One person is the
    /// single-annotator granularity.
    #[schemars(with = "Option<RawChoice>")]
    pub(crate) choose: Option<Spanned<RawChoice>>,
    /// Images that fewer people marked get no map; default: 1.
    #[serde(default = "one")]
    pub(crate) at_least: usize,
}

fn one() -> usize {
    1
}

/// How many of an image's people count.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawChoice {
    /// All.
    All,
    /// The first by name.
    First,
    /// The one with most marks.
    MostMarks,
    /// So many, drawn for each image.
    Random(RawRandom),
}

/// A draw of people.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRandom {
    /// How many, at least 1.
    pub(crate) n: usize,
    /// Another seed draws others.
    #[serde(default)]
    pub(crate) seed: u64,
}

/// How marks become values. Strokes, regions and boxes are 1 inside and 0 outside, antialiased; points become Gaussians.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDraw {
    /// Sigma of the Gaussian that a click or fixation becomes; default: a tenth of the frame's shorter side.
    #[schemars(with = "Option<RawLength>")]
    pub(crate) sigma: Option<Spanned<RawLength>>,
    /// The Gaussian is cut off after so many sigma; default: 4.
    #[schemars(with = "Option<f64>")]
    pub(crate) truncate: Option<Spanned<f64>>,
    /// What lies beyond the border, for points and for `blur`: `constant` (zeros, what spreads out is lost; the points'
    /// default), `reflect` (the default of `blur`), `nearest`, `mirror` or `wrap`, as SciPy names them.
    pub(crate) edge: Option<RawEdge>,
    /// Discs of this diameter in place of Gaussians.
    #[schemars(with = "Option<RawLength>")]
    pub(crate) disc: Option<Spanned<RawLength>>,
    /// How much each point counts: `equal` (default) or `duration` (seconds that the gaze rested there).
    #[serde(default)]
    pub(crate) weigh_points: RawPointWeights,
    /// Diameter in frame pixels of brushes whose width the file does not state.
    #[schemars(with = "Option<f64>")]
    pub(crate) brush_px: Option<Spanned<f64>>,
}

/// A length: one of `px`, `fraction` or `degrees`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLength {
    /// Pixels of the frame (the picture as people saw it).
    pub(crate) px: Option<f64>,
    /// A share of one of the frame's sides.
    pub(crate) fraction: Option<f64>,
    /// Which side `fraction` is of: `shorter` (default), `longer`, `width` or `height`.
    #[serde(default)]
    pub(crate) of: RawSide,
    /// Degrees of visual angle; needs `view`.
    pub(crate) degrees: Option<f64>,
    /// How the screen was seen, for `degrees`.
    pub(crate) view: Option<RawView>,
}

/// A side of the frame.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawSide {
    /// The shorter one.
    #[default]
    Shorter,
    /// The longer one.
    Longer,
    /// The width.
    Width,
    /// The height.
    Height,
}

/// A person before a screen.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawView {
    /// From the eye to the screen.
    pub(crate) distance_cm: f64,
    /// The screen's width.
    pub(crate) screen_width_cm: f64,
    /// The screen's width.
    pub(crate) screen_width_px: f64,
    /// Screen pixels a pixel of the frame; default: 1.
    #[serde(default = "unmagnified")]
    pub(crate) magnification: f64,
}

fn unmagnified() -> f64 {
    1.0
}

/// What lies beyond the border.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawEdge {
    /// Zeros.
    Constant,
    /// `d c b a | a b c d | d c b a`.
    Reflect,
    /// `a a a a | a b c d | d d d d`.
    Nearest,
    /// `d c b | a b c d | c b a`.
    Mirror,
    /// `a b c d | a b c d | a b c d`.
    Wrap,
}

/// How much each point counts.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawPointWeights {
    /// 1.
    #[default]
    Equal,
    /// Its seconds.
    Duration,
}

/// What each person's map is divided by.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawNormalisation {
    /// Nothing.
    #[default]
    None,
    /// Its greatest value.
    Max,
    /// Its sum: a density.
    Sum,
    /// (v - min) / (max - min).
    MinMax,
}

/// How a map comes to the range of its file.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawOutputNormalisation {
    /// v / max.
    #[default]
    Max,
    /// (v - min) / (max - min).
    MinMax,
    /// Values are taken as they are; what is above 1 is cut.
    None,
}

/// How several people's maps become one.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawAggregate {
    /// Weighted mean.
    Mean,
    /// What anybody marked.
    Union,
    /// What everybody marked.
    Intersection,
    /// What more than `share` of the people marked.
    Majority(RawMajority),
}

/// A vote on every pixel.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawMajority {
    /// More than this share of the weight must have marked a pixel, in [0, 1); default: 0.5.
    pub(crate) share: f64,
    /// A map marks a pixel where its value is above this; default: 0.5.
    pub(crate) threshold: f32,
}

impl Default for RawMajority {
    fn default() -> Self {
        Self { share: 0.5, threshold: 0.5 }
    }
}

/// How much each person's map weighs.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawWeights {
    /// All the same.
    Equal,
    /// The seconds that the person took.
    Duration,
    /// By whether the decision was right.
    Correctness(RawCorrectness),
    /// By name.
    Annotators(RawAnnotatorWeights),
}

/// Weights by whether the decision was right.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawCorrectness {
    /// Of a right decision; default: 1.
    pub(crate) right: f64,
    /// Of a wrong decision; default: 0.
    pub(crate) wrong: f64,
    /// Where it is not known; default: 1.
    pub(crate) unknown: f64,
}

impl Default for RawCorrectness {
    fn default() -> Self {
        Self { right: 1.0, wrong: 0.0, unknown: 1.0 }
    }
}

/// Weights by name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAnnotatorWeights {
    /// From name to weight, 0 or more.
    pub(crate) weights: BTreeMap<String, f64>,
    /// Everybody else's; default: 1.
    #[serde(default = "unmagnified")]
    pub(crate) others: f64,
}

/// What an empty map becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawEmpty {
    /// No map.
    #[default]
    LeaveOut,
    /// A map of zeros.
    Zeros,
    /// A map of ones.
    Ones,
}

/// What is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawOutput {
    /// Bits a pixel of the PNG maps, 8 or 16; default: 8. The released rule for the grid reads 8.
    #[schemars(with = "u8")]
    pub(crate) bits: Option<Spanned<u8>>,
    /// Size of the maps: `image` (default), `longest-side-px: N`, or `fixed-px: [WIDTH, HEIGHT]` of the images' shape.
    #[schemars(with = "RawSize")]
    pub(crate) size: Option<Spanned<RawSize>>,
    /// Also write the images blurred where the map is dark ("Saliency as blur").
    #[schemars(with = "Option<RawBlurredImages>")]
    pub(crate) blurred_images: Option<Spanned<RawBlurredImages>>,
}

#[expect(clippy::derivable_impls, reason = "the schema needs a default that it can print")]
impl Default for RawOutput {
    fn default() -> Self {
        Self { bits: None, size: None, blurred_images: None }
    }
}

/// Size of the maps.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawSize {
    /// The image's.
    Image,
    /// The image's shape at this length of the longer side; smaller images keep their size.
    LongestSidePx(u32),
    /// This width and height; images of another shape get no map.
    FixedPx([u32; 2]),
}

/// Images blurred where the map is dark.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBlurredImages {
    /// Sigma of the Gaussian in pixels of the image, above 0.
    pub(crate) sigma_px: f64,
}

/// How agreement between people is measured.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawAgreement {
    /// Measure it when maps are built; default: true.
    pub(crate) measure: bool,
    /// Random halvings that the split-half figure is averaged over; default: 10.
    #[schemars(with = "usize")]
    pub(crate) n_splits: Option<Spanned<usize>>,
    /// Another seed halves otherwise.
    pub(crate) seed: u64,
    /// For IoU: marked is what is above this share of a map's greatest value, in [0, 1); default: 0. Densities need more.
    #[schemars(with = "f32")]
    pub(crate) threshold: Option<Spanned<f32>>,
    /// Measure on maps shrunk to this longer side, which is faster; default: as they are.
    #[schemars(with = "Option<u32>")]
    pub(crate) longest_side_px: Option<Spanned<u32>>,
}

impl Default for RawAgreement {
    fn default() -> Self {
        Self { measure: true, n_splits: None, seed: 0, threshold: None, longest_side_px: None }
    }
}
