//! How a network is trained, whatever is minimised.

use std::sync::Arc;

use cyborg_data::Transform;
use cyborg_loss::Classification;
use cyborg_optim::{Clip, Moment, Optimiser, ParameterGroups, Schedule, Sgd, StepDecay, WarmUp};
use cyborg_settings::{AtLeastOne, Fraction, NonNegative};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Everything about a training but the network, the method and the data. Values out of range cannot be built.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Passes over the training set.
    pub epochs: AtLeastOne,
    /// Images a step; the last batch of an epoch may be shorter.
    pub batch_size: AtLeastOne,
    /// What moves the parameters, with its learning rate.
    pub optimiser: Arc<dyn Optimiser>,
    /// How the learning rate changes.
    pub schedule: Arc<dyn Schedule>,
    /// A linear rise of the learning rate in front of the schedule.
    pub warm_up: Option<WarmUp>,
    /// Bounds of the gradients.
    pub clip: Option<Clip>,
    /// Parameters with another learning rate or weight decay.
    pub groups: ParameterGroups,
    /// Share of each label that is spread over all classes.
    pub label_smoothing: Fraction,
    /// How much the images of a class count in cross-entropy.
    pub class_weights: ClassWeights,
    /// Names of parameters that stay as they are, as patterns such as `layer1.*`.
    pub freeze: Vec<String>,
    /// Changes of training images and their maps, in this order.
    pub augment: Vec<Arc<dyn Transform>>,
    /// A new order of the images in each epoch, or the order of the items.
    pub shuffle: bool,
    /// Dropout where the network has it; drawn anew in each step, from the seed.
    pub dropout: bool,
    /// The features of taps come from a second forward pass over the same images, as in the released DenseNet-121 code.
    pub features_from_second_pass: bool,
}

/// How much the images of a class count in cross-entropy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClassWeights {
    /// All images count alike.
    #[default]
    None,
    /// A rule that makes the weights from the training images.
    Rule(ClassWeightRule),
    /// One weight a class, in the order of the classes.
    Given(Vec<NonNegative>),
}

/// A rule that makes class weights from the training images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeightRule {
    /// The number of images over the number of classes times the number of images of the class, as scikit-learn's
    /// `balanced`: all classes count alike together.
    Balanced,
}

impl Default for Protocol {
    /// The released CYBORG protocol: SGD at 0.005 with momentum 0.9 and weight decay 1e-6, a tenth of the rate every 12
    /// epochs, 50 epochs, batches of 20, no augmentation.
    fn default() -> Self {
        Self {
            epochs: const { AtLeastOne::new(50).expect("50 is at least 1") },
            batch_size: const { AtLeastOne::new(20).expect("20 is at least 1") },
            optimiser: Arc::new(Sgd::default()),
            schedule: Arc::new(StepDecay::default()),
            warm_up: None,
            clip: None,
            groups: ParameterGroups::default(),
            label_smoothing: Fraction::zero(),
            class_weights: ClassWeights::None,
            freeze: Vec::new(),
            augment: Vec::new(),
            shuffle: true,
            dropout: true,
            features_from_second_pass: false,
        }
    }
}

impl Protocol {
    /// The learning rate of a step.
    pub fn learning_rate(&self, at: Moment) -> f64 {
        let base = self.optimiser.learning_rate();
        match &self.warm_up {
            Some(warm_up) => warm_up.learning_rate(self.schedule.as_ref(), base, at),
            None => self.schedule.learning_rate(base, at),
        }
    }

    /// How cross-entropy is computed, with `n_of_class` training images of each class.
    pub fn classification(&self, n_of_class: &[usize]) -> Classification {
        let class_weights = match &self.class_weights {
            ClassWeights::None => None,
            ClassWeights::Given(weights) => Some(weights.iter().map(|weight| weight.get() as f32).collect()),
            ClassWeights::Rule(ClassWeightRule::Balanced) => {
                let n_images: usize = n_of_class.iter().sum();
                let all = n_images as f64 / n_of_class.len() as f64;
                Some(n_of_class.iter().map(|&n| (all / n as f64) as f32).collect())
            }
        };
        Classification { label_smoothing: self.label_smoothing.get(), class_weights }
    }

    /// Everything that can change a number, by name. Parts that are not used are absent, so that a part which a later
    /// version adds does not change the identity of trainings without it.
    pub fn identity(&self) -> Map<String, Value> {
        let mut identity = Map::new();
        let mut put = |name: &str, value: Value| identity.insert(name.to_owned(), value);
        put("epochs", json!(self.epochs));
        put("batch_size", json!(self.batch_size));
        put("optimiser", self.optimiser.identity());
        put("schedule", self.schedule.identity());
        put("shuffle", json!(self.shuffle));
        if let Some(warm_up) = &self.warm_up {
            put("warm_up", json!(warm_up));
        }
        if let Some(clip) = &self.clip {
            put("clip", json!(clip));
        }
        if self.groups != ParameterGroups::default() {
            put("groups", json!(self.groups));
        }
        if self.label_smoothing.get() > 0.0 {
            put("label_smoothing", json!(self.label_smoothing));
        }
        if self.class_weights != ClassWeights::None {
            put("class_weights", json!(self.class_weights));
        }
        if !self.freeze.is_empty() {
            put("freeze", json!(self.freeze));
        }
        if !self.augment.is_empty() {
            put("augment", self.augment.iter().map(|transform| transform.identity()).collect());
        }
        if self.features_from_second_pass {
            put("features_from_second_pass", json!(true));
        }
        identity
    }
}
