//! What an experiment file may say.
//!
//! These types only parse: `deny_unknown_fields`, no defaults that depend on other fields, no checks. The doc comments are
//! the reference that editors show (through the JSON schema) and that error messages quote.

mod method;
mod part;
mod phantom;
mod training;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use method::MethodFile;
pub use part::Part;
pub use phantom::PhantomFile;
pub use training::{OptimiserFile, ScheduleFile, TrainingFile, TransformFile};

/// An experiment: data x methods x backbones x seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentFile {
    /// Name of the report's folder; the file's own name without `.yaml` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One line for the head of the report.
    #[serde(default)]
    pub title: String,
    /// What the experiment is for; a paragraph for the report.
    #[serde(default)]
    pub description: String,
    /// The data sets; every method, backbone and seed is run on each.
    pub data: Vec<DataFile>,
    /// The ways of training.
    pub methods: Vec<MethodFile>,
    /// Networks by name: `resnet18`, `resnet34`, `resnet50`, `resnet101`, `resnet152`, `densenet121`, `inception_v3`,
    /// `xception`, `tf_efficientnet_lite0`, `efficientnet_lite0`, and `thin-resnet8` for small images.
    pub backbones: Vec<String>,
    /// Weights to start from, by backbone: a safetensors or PyTorch file (a path relative to this file) or a place on the
    /// Hugging Face hub (`hf://owner/name[@revision][/file]`), with torchvision's, timm's or Cadene's names. A last layer of
    /// another number of classes is replaced. A backbone not named here starts from random weights.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pretrained: BTreeMap<String, String>,
    /// A number of seeds (5 means 0, 1, 2, 3, 4) or a list of seeds. Methods share a seed's initial weights and image
    /// order, which is what makes the comparison paired.
    pub seeds: SeedsFile,
    /// How the networks are trained; the released protocol where a field is absent.
    #[serde(default)]
    pub training: TrainingFile,
    /// Pairs of methods to test against each other, over seeds.
    #[serde(default)]
    pub compare: Vec<CompareFile>,
    /// Present if the data sets are points on an axis; each then needs `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepFile>,
    /// What to do about an image or map that cannot be used: `stop` (default; every run on that data fails, all bad
    /// images named) or `skip` (they are left out, and the report says so).
    #[serde(default)]
    pub on_bad_image: BadImagePolicy,
    /// Runs side by side: a number, or `auto` for one a core. 1 if absent. Changes no result.
    #[serde(default)]
    pub jobs: JobsFile,
    /// What `--phantom` runs instead, for who has no licensed data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_phantom: Option<WithPhantomFile>,
}

/// One data set of an experiment: `phantom`, or `manifest`, or `train` (with `validation` and `test`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Short name for tables.
    pub name: String,
    /// One line for the report.
    #[serde(default)]
    pub title: String,
    /// A data set that is drawn, not collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phantom: Option<PhantomFile>,
    /// One manifest that holds training, validation and test images: a path relative to this file (ending in `.yaml`) or
    /// an id from the folder `data-manifests`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Manifests whose training split is trained on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub train: Vec<String>,
    /// Manifests whose validation split chooses the epoch; those of `train` if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<String>,
    /// Manifests whose test split is scored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// Positive source -> the negative sources that it is tested against; adds to the manifests' own pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pairs: BTreeMap<String, Vec<String>>,
    /// The class that counts as positive (synthetic, attack, ill); the second class if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// Train on only so many images, the classes' shares kept; drawn once, the same for every seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_train: Option<usize>,
    /// A saliency recipe, a path relative to this file: the training images' maps are made from people's annotations as it
    /// says, in place of the maps or recipes that their manifests name. Built on demand and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// Place on the sweep's axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<f64>,
}

/// What to do about an unusable image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BadImagePolicy {
    /// The data set is refused, all bad images named.
    #[default]
    Stop,
    /// Bad images are left out, and the report says so.
    Skip,
}

/// Two methods to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareFile {
    /// Name of the method that sets the mark.
    pub baseline: String,
    /// Name of the method that should be better.
    pub candidate: String,
}

/// The axis of a sweep over data sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepFile {
    /// What the axis is, with its unit.
    pub label: String,
}

/// What replaces parts of the experiment under `--phantom`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithPhantomFile {
    /// Replaces `data`.
    pub data: Vec<DataFile>,
    /// Replaces `backbones`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backbones: Option<Vec<String>>,
    /// Replaces `seeds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<SeedsFile>,
    /// Replaces `training` as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingFile>,
    /// Replaces `jobs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<JobsFile>,
}

/// A number of seeds or a list of them.
// Untagged, not a visitor of its own: the YAML reader then knows the place of a value that is neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SeedsFile {
    /// `n` stands for 0, 1, ... n-1.
    Count(usize),
    /// These.
    List(Vec<u64>),
}

impl SeedsFile {
    /// The seeds themselves.
    pub fn to_vec(&self) -> Vec<u64> {
        match self {
            Self::Count(n) => (0..*n as u64).collect(),
            Self::List(seeds) => seeds.clone(),
        }
    }
}

impl JsonSchema for SeedsFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Seeds".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "oneOf": [
                {"type": "integer", "minimum": 1},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": true}
            ]
        })
    }
}

/// How many runs side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum JobsFile {
    /// So many.
    Count(usize),
    /// One a core.
    Auto(AutoName),
}

/// The word `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AutoName {
    /// One a core.
    Auto,
}

impl Default for JobsFile {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl std::str::FromStr for JobsFile {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto(AutoName::Auto)),
            _ => match text.parse() {
                Ok(n) if n > 0 => Ok(Self::Count(n)),
                _ => Err(format!("expected `auto` or a number from 1, found `{text}`")),
            },
        }
    }
}

impl JsonSchema for JobsFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Jobs".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "oneOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}]
        })
    }
}
