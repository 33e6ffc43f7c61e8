//! What serde reads from a manifest file: every field as written, nothing checked yet. The JSON schema comes from here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_yaml::Spanned;

use crate::Split;

/// What the images show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Domain {
    /// Faces, one an image.
    Face,
    /// Irises, one an image.
    Iris,
    /// Chest radiographs.
    ChestXray,
    /// Objects and scenes.
    Object,
    /// Anything else.
    Other,
}

impl Domain {
    /// The word in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Face => "face",
            Self::Iris => "iris",
            Self::ChestXray => "chest-xray",
            Self::Object => "object",
            Self::Other => "other",
        }
    }
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// One data set: what it is, how to obtain it, and where each image's label, source, subject, split and saliency map
/// come from.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "cyborg data set manifest")]
pub(crate) struct RawManifest {
    /// Lower-case letters, digits and `-`; unique among the manifests of a folder, and the file's name.
    #[schemars(with = "String", regex(pattern = "^[a-z0-9][a-z0-9-]*$"))]
    pub(crate) id: Spanned<String>,
    /// One line for tables and reports.
    #[schemars(with = "String")]
    pub(crate) title: Spanned<String>,
    /// What the images show.
    pub(crate) domain: Domain,
    /// As stated by the owners; `unknown` where they state none.
    pub(crate) licence: String,
    /// How to get the files. Shown when they are missing.
    pub(crate) obtain: String,
    /// The work to cite.
    pub(crate) citation: Option<String>,
    /// The folder that every path below starts from: absolute, or relative to this file; `${NAME}` is replaced from the
    /// environment.
    #[schemars(with = "String")]
    pub(crate) root: Spanned<String>,
    /// The images were drawn by a program as a controlled benchmark, not collected: reports say so on their face.
    #[serde(default)]
    pub(crate) phantom: bool,
    /// Class names in the order of their index: `[authentic, synthetic]` means that `authentic` is 0. At least two.
    #[schemars(with = "Vec<String>", length(min = 2))]
    pub(crate) classes: Vec<Spanned<String>>,
    /// Where the rows are.
    pub(crate) layout: RawLayout,
    /// Which values of images with 16 bits a sample are black and white; default: the high byte of each sample. Detectors of
    /// 10 to 14 bits need it.
    #[schemars(with = "Option<RawWindow>")]
    pub(crate) window: Option<Spanned<RawWindow>>,
    /// Whether links may lead to files outside the root; default: a file whose links leave the root is refused.
    #[serde(default)]
    pub(crate) links_outside_root: bool,
    /// Where saliency maps come from if people's annotations are to be made into maps: a recipe. Its maps take the place of
    /// those that rows or folders name.
    pub(crate) annotation: Option<RawAnnotation>,
    /// For each generator (or other source) the authentic sources that it is tested against. They may belong to other
    /// data sets of the same experiment.
    #[serde(default)]
    pub(crate) pairs: BTreeMap<String, Vec<String>>,
    /// What a complete copy holds; verification compares.
    #[schemars(with = "Option<Expected>")]
    pub(crate) expected: Option<Spanned<Expected>>,
}

/// Values of 16-bit samples that become 0 and 255; linear between, cut beyond.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWindow {
    /// The value that becomes black; default: 0.
    #[serde(default)]
    pub(crate) low: u16,
    /// The value that becomes white, above `low`: 4095 for 12 bits.
    pub(crate) high: u16,
}

/// How people's annotations become saliency maps.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAnnotation {
    /// The recipe file, relative to this file.
    #[schemars(with = "String")]
    pub(crate) recipe: Spanned<String>,
}

/// Where the rows of a data set are: one of three layouts.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "one a manifest")]
pub(crate) enum RawLayout {
    /// CSV lists without a header, as released with CYBORG: `train|test,LABEL,/path/of/the/image.png`.
    ReleasedList(RawReleasedList),
    /// Folders of images, one per class, source or split.
    Folders(RawFolders),
    /// A CSV or parquet file with named columns.
    Table(RawTable),
}

/// CSV lists without a header, as released with CYBORG.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawReleasedList {
    /// The list files.
    #[schemars(length(min = 1))]
    pub(crate) lists: Vec<RawList>,
    /// The folder that the lists' paths start from; default: the root.
    #[schemars(with = "Option<String>")]
    pub(crate) images: Option<Spanned<String>>,
    /// From the lists' label words to classes; words that are class names need no entry.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) labels: BTreeMap<String, Spanned<String>>,
    /// Where the saliency maps are, under the names of their images.
    pub(crate) maps: Option<RawMapFolder>,
    /// Source and subject by the beginning of the path as the list writes it; the first rule that fits counts.
    #[serde(default)]
    pub(crate) rules: Vec<RawPathRule>,
}

/// One list file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawList {
    /// The list, relative to the root.
    #[schemars(with = "String")]
    pub(crate) file: Spanned<String>,
    /// What the word `test` means in this list, default `test`. The lists for training write `test` and mean
    /// `validation`.
    #[schemars(with = "Option<Split>")]
    pub(crate) second_split: Option<Spanned<Split>>,
}

/// A folder of saliency maps that have the file names of their images (the extension may differ).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMapFolder {
    /// The folder, relative to the root.
    #[schemars(with = "String")]
    pub(crate) folder: Spanned<String>,
    /// The splits whose images can have maps; default: `[train]`.
    pub(crate) splits: Option<Vec<Split>>,
}

/// Source and subject of the images whose listed path begins with `path`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPathRule {
    /// The beginning of the path as the list writes it, which may go into the file name: `/val/1_fake/synth_face_`.
    pub(crate) path: String,
    /// The source of these images; default: the class's name.
    pub(crate) source: Option<String>,
    /// Which part of the file name is the subject; default: no subject.
    pub(crate) subject: Option<RawSubjectRule>,
}

/// The part of a file name, extension left off, that is the subject: after the first `after`, before the next
/// `before`. `{before: d}` makes `04866` of `04866d06.jpg`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSubjectRule {
    /// The subject begins after the first occurrence of this; default: at the beginning.
    pub(crate) after: Option<String>,
    /// The subject ends before the next occurrence of this; default: at the end.
    pub(crate) before: Option<String>,
}

/// Folders of images, searched with all their subfolders in the order of their names.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFolders {
    /// The folders.
    #[schemars(length(min = 1))]
    pub(crate) include: Vec<RawFolder>,
    /// How to divide the images of folders that state no split.
    pub(crate) split: Option<RawDivision>,
}

/// One folder of images, all of one class and source.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFolder {
    /// The folder, relative to the root.
    #[schemars(with = "String")]
    pub(crate) path: Spanned<String>,
    /// The class of its images.
    #[schemars(with = "String")]
    pub(crate) class: Spanned<String>,
    /// The source of its images; default: the class's name.
    pub(crate) source: Option<String>,
    /// The split of its images; may be left out if `split` beside `include` divides them.
    pub(crate) split: Option<Split>,
    /// A folder of saliency maps, relative to the root, with the same subfolders and file names (the extension may
    /// differ).
    #[schemars(with = "Option<String>")]
    pub(crate) maps: Option<Spanned<String>>,
    /// Which part of the file name is the subject; default: no subject.
    pub(crate) subject: Option<RawSubjectRule>,
}

/// A CSV file with a header, or a parquet file (told by the name's ending, `.parquet`).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTable {
    /// The table, relative to the root.
    #[schemars(with = "String")]
    pub(crate) file: Spanned<String>,
    /// The folder that the image column's paths start from; default: the root.
    #[schemars(with = "Option<String>")]
    pub(crate) images: Option<Spanned<String>>,
    /// The folder that the map column's paths start from; default: the root.
    #[schemars(with = "Option<String>")]
    pub(crate) maps: Option<Spanned<String>>,
    /// Which column says what.
    pub(crate) columns: RawColumns,
    /// From the label column's values to classes; values that are class names need no entry.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) labels: BTreeMap<String, Spanned<String>>,
    /// From the split column's values to splits; `train`, `validation` and `test` need no entry.
    #[serde(default)]
    pub(crate) splits: BTreeMap<String, Split>,
    /// What all rows have in common and no column says.
    #[serde(default)]
    pub(crate) constants: RawConstants,
    /// How to divide the rows where no column and no constant says their split.
    pub(crate) split: Option<RawDivision>,
}

/// Names of the table's columns.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawColumns {
    /// Path of the image.
    pub(crate) image: String,
    /// Class, or a key of `labels`.
    pub(crate) label: String,
    /// Generator, camera, hospital, ...; empty: the class's name.
    #[schemars(with = "Option<String>")]
    pub(crate) source: Option<Spanned<String>>,
    /// Person, eye, patient; empty: none.
    pub(crate) subject: Option<String>,
    /// Split, or a key of `splits`.
    #[schemars(with = "Option<String>")]
    pub(crate) split: Option<Spanned<String>>,
    /// Path of the saliency map; empty: none.
    pub(crate) map: Option<String>,
}

/// What all rows of a table have in common.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConstants {
    /// The source of all rows.
    pub(crate) source: Option<String>,
    /// The split of all rows.
    pub(crate) split: Option<Split>,
}

/// What must stay together when a data set is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DivideBy {
    /// All images of a subject; an image without a subject stands alone.
    Subject,
    /// Every image stands alone.
    Image,
}

/// Divides images into splits, the same way on every machine, with class shares alike as far as that goes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDivision {
    /// What must not cross splits.
    #[schemars(with = "DivideBy")]
    pub(crate) by: Spanned<DivideBy>,
    /// Share of the images for training, 0 to 1. The three shares add up to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) train: f64,
    /// Share of the images for validation, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) validation: f64,
    /// Share of the images for testing, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) test: f64,
    /// Another seed divides otherwise; default: 0.
    #[serde(default)]
    pub(crate) seed: u64,
}

/// What a complete copy of a data set holds. What is left out is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// All images.
    pub images: Option<usize>,
    /// Images of each class.
    pub classes: BTreeMap<String, usize>,
    /// Images of each source.
    pub sources: BTreeMap<String, usize>,
    /// Images of each split.
    pub splits: BTreeMap<Split, usize>,
    /// Images that have a saliency map.
    pub maps: Option<usize>,
}
