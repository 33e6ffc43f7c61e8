//! What an experiment file says of how networks are trained.

use std::borrow::Cow;

use cyborg_data::TRANSFORMS;
use cyborg_optim::{Clip, OPTIMISERS, ParameterGroups, SCHEDULES, WarmUp};
use cyborg_settings::{
    AtLeastOne, BelowOne, Choice, Fraction, NonNegative, Positive, SchemaOfChoice, schema_of_choices,
};
use cyborg_train::ClassWeights;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::part::Part;

/// How networks are trained; what is absent is as in the released protocol (SGD, 50 epochs, batches of 20).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingFile {
    /// Passes over the training images, at least 1; 50 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<AtLeastOne>,
    /// Images a step, at least 1; a last short batch is kept. 20 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<AtLeastOne>,
    /// The optimiser and its settings; `sgd` as released if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimiser: Option<OptimiserFile>,
    /// The optimiser's learning rate, above 0: short for `optimiser: {learning_rate: ...}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<Positive>,
    /// The momentum of SGD, in [0, 1): short for `optimiser: {name: sgd, momentum: ...}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<BelowOne>,
    /// The optimiser's weight decay, 0 or more: short for `optimiser: {weight_decay: ...}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<NonNegative>,
    /// How the learning rate changes; `step` as released if absent (a tenth every 12 epochs).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleFile>,
    /// Every so many epochs the learning rate is multiplied by `lr_step_factor`: short for
    /// `schedule: {name: step, every_epochs: ...}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr_step_epochs: Option<AtLeastOne>,
    /// The factor of the learning rate, above 0: short for `schedule: {name: step, factor: ...}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr_step_factor: Option<Positive>,
    /// A linear rise of the learning rate in front of the schedule; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
    /// Bounds of the gradients; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_gradients: Option<Clip>,
    /// Parameters with another learning rate or weight decay; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_groups: Option<ParameterGroups>,
    /// Share of each label that is spread evenly over all classes, in [0, 1]; 0 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_smoothing: Option<Fraction>,
    /// How much the images of a class count in cross-entropy: `balanced` (by the inverse of their number), or a list with one
    /// weight a class in the order of the manifest's `classes`. All count alike if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// Parameters that are not trained, by patterns of their names such as `layer1.*`; running statistics of batch norms
    /// still move. None if absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// Random changes of the training images and their maps, in this order; none if absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub augment: Vec<TransformFile>,
    /// Side of the square that images are resized to, in pixels; the backbone's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_px: Option<usize>,
    /// A new random order in every epoch (if absent). `false` goes through the images in the order of their ids (paths as
    /// strings), for comparisons with other programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shuffle: Option<bool>,
    /// Dropout in networks that have it (`inception_v3`, before its last layer); on if absent. `false` for comparisons with
    /// other programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<bool>,
    /// Take the activation map's features from a second forward pass over the same images, as the released code does with
    /// `densenet121`: batch norm's running statistics move twice a step, and training takes nearly twice the time. Off if
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features_from_second_pass: Option<bool>,
}

/// Defines the file's form of a kind of part.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident, $choices:expr, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Part);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                name_or_fields(generator, $choices, $what)
            }
        }
    };
}

part!(
    /// An optimiser: a name, or a name with settings.
    OptimiserFile,
    OPTIMISERS,
    "The optimiser."
);
part!(
    /// A schedule of the learning rate: a name, or a name with settings.
    ScheduleFile,
    SCHEDULES,
    "The schedule."
);
part!(
    /// A random change of training images: a name, or a name with settings.
    TransformFile,
    TRANSFORMS,
    "The change."
);

/// A name alone, or the fields of one part.
pub(super) fn name_or_fields<T: ?Sized>(
    generator: &mut SchemaGenerator,
    choices: &[Choice<T>],
    what: &'static str,
) -> Schema {
    let how = SchemaOfChoice { tag: "name", tag_description: what, ..SchemaOfChoice::default() };
    let mut schema = schema_of_choices(generator, choices, &how);
    if let Some(alternatives) = schema.get_mut("oneOf").and_then(serde_json::Value::as_array_mut) {
        let names: Vec<&str> = cyborg_settings::names(choices);
        alternatives.push(json!({"enum": names, "description": what}));
    }
    schema
}
