//! Annotation files as a recipe names them, one format a source.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_yaml::Spanned;

/// Annotation files of one format. Paths are below the root; `{image}` stands for the image, `{annotator}` for the person,
/// `*` for anything.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawSource {
    /// Masks or heat maps, one a file: PNG, TIFF, JPEG, BMP, WebP or NPY.
    Maps(RawMaps),
    /// Clicks or fixations, CSV, one a row.
    Points(RawPoints),
    /// Clicks, CSV, one image and person a row with all clicks in one column, as ClickMe.
    ClickLists(RawClickLists),
    /// Boxes, CSV, one a row.
    Boxes(RawBoxes),
    /// Drawn strokes and regions, one SVG a person and image.
    Svg(RawSvg),
    /// COCO JSON: polygons, run lengths, boxes, key points.
    Coco(RawCoco),
    /// LabelMe JSON, one file an image.
    LabelMe(RawLabelMe),
    /// Pascal VOC XML, one file an image.
    Voc(RawVoc),
    /// What CVRL's annotation tool stores.
    EyeTagger(RawEyeTagger),
    /// MATLAB 5 to 7 files: a map, or clicks and fixations in structures.
    Matlab(RawMatlab),
}

/// Masks or heat maps.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMaps {
    /// Such as `masks/{image}.png` or `maps/{annotator}/{image}.png`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// Which channel of a picture in colour or with alpha; default: `grey`.
    #[serde(default)]
    pub(crate) channel: RawChannel,
    /// Makes a mask: 1 where the stored number is one of these (classes of a segmentation), else 0.
    pub(crate) labels: Option<Vec<u32>>,
    /// Which variable of a MATLAB file; default: its only matrix.
    pub(crate) variable: Option<String>,
    /// What numbers are divided by: `depth` (default: 255 or 65535 by the file's bits; floats are kept), `kept`,
    /// `divide: N`, or `binary` (1 where the number is above 0).
    #[schemars(with = "Option<RawScale>")]
    pub(crate) scale: Option<Spanned<RawScale>>,
    /// What negative or not finite numbers become: `refuse` (default) or `zero`.
    #[serde(default)]
    pub(crate) invalid: RawInvalid,
}

/// A channel.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawChannel {
    /// Brightness.
    #[default]
    Grey,
    /// Opacity.
    Alpha,
    /// Red.
    Red,
    /// Green.
    Green,
    /// Blue.
    Blue,
}

/// What numbers are divided by.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawScale {
    /// 255 or 65535 by the file's bits.
    Depth,
    /// Nothing.
    Kept,
    /// This.
    Divide(f64),
    /// A mask: 1 where the number is above 0.
    Binary,
}

/// What becomes of numbers that no saliency can be.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawInvalid {
    /// The map is refused.
    #[default]
    Refuse,
    /// They become 0.
    Zero,
}

/// What numbers of a table mean.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawUnit {
    /// Pixels of the frame.
    #[default]
    Pixels,
    /// Shares of the image's sides.
    Fractions,
}

/// Where pixel coordinates begin.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawFirstPixel {
    /// 0 is the left edge of the first pixel.
    Edge,
    /// 0 is the middle of the first pixel: indices from 0.
    Zero,
    /// 1 is the middle of the first pixel: indices from 1.
    One,
}

/// Between the fields of a table.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawDelimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
}

/// Clicks or fixations.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPoints {
    /// Such as `fixations.csv` or `eyes/{annotator}.csv`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// Names of the columns.
    #[serde(default)]
    pub(crate) columns: RawPointColumns,
    /// Unit of the duration column; default: `ms`.
    #[serde(default)]
    pub(crate) duration_unit: RawTimeUnit,
    /// What coordinates are; default: `pixels`.
    #[serde(default)]
    pub(crate) unit: RawUnit,
    /// Where pixel coordinates begin; default: `edge`.
    pub(crate) first_pixel: Option<RawFirstPixel>,
    /// Between fields; default: `comma`.
    #[serde(default)]
    pub(crate) delimiter: RawDelimiter,
}

/// A unit of time.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawTimeUnit {
    /// Milliseconds.
    #[default]
    Ms,
    /// Seconds.
    S,
}

/// Columns of a table of points. Those with a default must be there; name `image` only if the file's name does not say it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPointColumns {
    /// The image; default: `image`, or none if `files` has `{image}`.
    pub(crate) image: Option<String>,
    /// Who.
    pub(crate) annotator: Option<String>,
    /// Seconds that the person took for the image.
    pub(crate) seconds: Option<String>,
    /// Whether the person's decision was right: 1/0, true/false, yes/no.
    pub(crate) correct: Option<String>,
    /// Width of the frame in pixels; with `frame_height`.
    pub(crate) frame_width: Option<String>,
    /// Height of the frame in pixels; with `frame_width`.
    pub(crate) frame_height: Option<String>,
    /// Default: `x`.
    pub(crate) x: Option<String>,
    /// Default: `y`.
    pub(crate) y: Option<String>,
    /// How long the gaze rested there.
    pub(crate) duration: Option<String>,
}

/// Clicks, one image and person a row.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawClickLists {
    /// Such as `clicks.csv`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// Names of the columns.
    #[serde(default)]
    pub(crate) columns: RawClickColumns,
    /// Pairs are (y, x).
    #[serde(default)]
    pub(crate) row_first: bool,
    /// What coordinates are; default: `pixels`.
    #[serde(default)]
    pub(crate) unit: RawUnit,
    /// Where pixel coordinates begin; default: `zero`.
    pub(crate) first_pixel: Option<RawFirstPixel>,
    /// Between fields; default: `comma`.
    #[serde(default)]
    pub(crate) delimiter: RawDelimiter,
}

/// Columns of a table of click lists.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawClickColumns {
    /// The image; default: `image_path`, or none if `files` has `{image}`.
    pub(crate) image: Option<String>,
    /// Who.
    pub(crate) annotator: Option<String>,
    /// Seconds that the person took for the image.
    pub(crate) seconds: Option<String>,
    /// Whether the person's decision was right: 1/0, true/false, yes/no.
    pub(crate) correct: Option<String>,
    /// Width of the frame in pixels; with `frame_height`.
    pub(crate) frame_width: Option<String>,
    /// Height of the frame in pixels; with `frame_width`.
    pub(crate) frame_height: Option<String>,
    /// Default: `clicks`.
    pub(crate) clicks: Option<String>,
}

/// Boxes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBoxes {
    /// Such as `boxes.csv`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// Names of the columns.
    #[serde(default)]
    pub(crate) columns: RawBoxColumns,
    /// What coordinates are; default: `pixels`.
    #[serde(default)]
    pub(crate) unit: RawUnit,
    /// Where pixel coordinates begin; default: `edge`.
    pub(crate) first_pixel: Option<RawFirstPixel>,
    /// Between fields; default: `comma`.
    #[serde(default)]
    pub(crate) delimiter: RawDelimiter,
}

/// Columns of a table of boxes: edges, or with `width` and `height` left and top edge and size.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBoxColumns {
    /// The image; default: `image`, or none if `files` has `{image}`.
    pub(crate) image: Option<String>,
    /// Who.
    pub(crate) annotator: Option<String>,
    /// Seconds that the person took for the image.
    pub(crate) seconds: Option<String>,
    /// Whether the person's decision was right: 1/0, true/false, yes/no.
    pub(crate) correct: Option<String>,
    /// Width of the frame in pixels; with `frame_height`.
    pub(crate) frame_width: Option<String>,
    /// Height of the frame in pixels; with `frame_width`.
    pub(crate) frame_height: Option<String>,
    /// Default: `left`.
    pub(crate) left: Option<String>,
    /// Default: `top`.
    pub(crate) top: Option<String>,
    /// Default: `right`.
    pub(crate) right: Option<String>,
    /// Default: `bottom`.
    pub(crate) bottom: Option<String>,
    /// In place of `right`; with `height`.
    pub(crate) width: Option<String>,
    /// In place of `bottom`; with `width`.
    pub(crate) height: Option<String>,
}

/// Drawn strokes and regions.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSvg {
    /// Such as `drawings/{annotator}/{image}.svg`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// What shapes mean; default: `stated`.
    #[serde(default)]
    pub(crate) paint: RawPaint,
}

/// What shapes of a drawing mean.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawPaint {
    /// As their style says.
    #[default]
    Stated,
    /// Outlines only.
    Strokes,
    /// Insides only.
    Regions,
}

/// COCO JSON.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCoco {
    /// Such as `annotations.json` or `annotations/{annotator}.json`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// What is drawn; default: `segmentation`.
    #[serde(default)]
    pub(crate) marks: RawCocoMarks,
    /// Only these categories, by name.
    pub(crate) categories: Option<Vec<String>>,
    /// The key that says who; default: `annotator`.
    pub(crate) annotator: Option<String>,
    /// The key that says whether the decision was right; default: `correct`.
    pub(crate) correct: Option<String>,
    /// Names of files are what Label Studio makes of uploads (`cb0618f6-b.png`): `b.png` is meant; default: false.
    #[serde(default)]
    pub(crate) uploads: bool,
}

/// What is drawn of a COCO annotation.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawCocoMarks {
    /// The segmentation, or the box where there is none.
    #[default]
    Segmentation,
    /// The box.
    Boxes,
    /// The labelled key points, as clicks.
    KeyPoints,
}

/// LabelMe JSON.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLabelMe {
    /// Such as `labels/{annotator}/{image}.json`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// Only shapes with these labels.
    pub(crate) labels: Option<Vec<String>>,
    /// The key that says who; default: `annotator`.
    pub(crate) annotator: Option<String>,
}

/// Pascal VOC XML.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawVoc {
    /// Such as `boxes/{image}.xml`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// Only objects of these names.
    pub(crate) names: Option<Vec<String>>,
    /// Boxes are first and last pixel, counted from 1, as VOC counts; default: true. `false`: they are edges.
    pub(crate) pixels_from_one: Option<bool>,
    /// The element that says who; default: `annotator`.
    pub(crate) annotator: Option<String>,
}

/// What CVRL's annotation tool stores.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawEyeTagger {
    /// Such as `annotations.csv` or `annotations.json`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// Key or column of the image; default: `image`.
    pub(crate) image: Option<String>,
    /// Key or column of the person; default: `annotator`.
    pub(crate) annotator: Option<String>,
    /// Key or column of the drawing; default: `annotation`.
    pub(crate) annotation: Option<String>,
    /// What shapes of drawings in SVG mean; default: `stated`.
    #[serde(default)]
    pub(crate) paint: RawPaint,
}

/// MATLAB files.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMatlab {
    /// Such as `fixations.mat`.
    #[schemars(with = "String")]
    pub(crate) files: Spanned<String>,
    /// The variable, an element an image; default: `fixations`.
    pub(crate) variable: Option<String>,
    /// Field of an image's element: its name; default: `img`. If `files` has `{image}`: not needed, the variable is then one
    /// image's, with an element a person.
    pub(crate) image: Option<String>,
    /// Field of an image's element: the list of persons; empty: the element is one person's; default: `subjects`.
    pub(crate) annotators: Option<String>,
    /// Field of a person's element: a list of x; default: `fix_x`. With `y`.
    pub(crate) x: Option<String>,
    /// Field of a person's element: a list of y; default: `fix_y`. With `x`.
    pub(crate) y: Option<String>,
    /// Field of a person's element: a matrix with a row `[x y]` a point, in place of `x` and `y`.
    pub(crate) points: Option<String>,
    /// Field of a person's element: how long the gaze rested at each point; default: `fix_duration` with the other
    /// defaults, none if `points` is named.
    pub(crate) duration: Option<String>,
    /// Unit of `duration`; default: `ms`.
    #[serde(default)]
    pub(crate) duration_unit: RawTimeUnit,
    /// Where pixel coordinates begin; default: `edge`.
    pub(crate) first_pixel: Option<RawFirstPixel>,
}
