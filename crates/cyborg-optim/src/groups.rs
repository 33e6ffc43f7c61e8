//! Which parameters learn faster, slower or without weight decay.

use candle_core::Var;
use cyborg_settings::{NonNegative, Positive, Settings};
use glob::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{OptimError, Parameter};

/// What a parameter is in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterRole {
    /// The weight of a convolution or of a linear layer.
    Weight,
    /// The bias of a convolution or of a linear layer.
    Bias,
    /// The scale or the shift of a normalisation.
    Norm,
}

/// A parameter as a network knows it.
#[derive(Clone, Debug)]
pub struct NetworkParameter {
    /// The name, such as `layer1.0.conv1.weight`.
    pub name: String,
    /// The variable.
    pub var: Var,
    /// What it is in its layer.
    pub role: ParameterRole,
    /// Whether it belongs to the layer that gives the classes' logits.
    pub is_classifier: bool,
}

/// Which parameters learn faster, slower or without weight decay. Where several rules apply to a parameter, their
/// factors are multiplied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParameterGroups {
    /// The learning rate of the classifier is multiplied by this number, above 0.
    pub classifier: Positive,
    /// Parameters of these roles have no weight decay: `weight`, `bias` (of convolutions and linear layers),
    /// `norm`.
    pub no_decay: Vec<ParameterRole>,
    /// Factors of parameters by name.
    pub patterns: Vec<GroupPattern>,
}

/// Factors of the parameters whose name fits a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupPattern {
    /// The name of a parameter, such as `layer1.*`: `*` stands for any characters, dots too, and `?` for one
    /// character.
    #[serde(rename = "match")]
    pub pattern: String,
    /// The learning rate is multiplied by this number, 0 or more; 0 keeps the parameter as it is.
    #[serde(default = "NonNegative::one")]
    pub learning_rate_factor: NonNegative,
    /// The weight decay is multiplied by this number, 0 or more.
    #[serde(default = "NonNegative::one")]
    pub weight_decay_factor: NonNegative,
}

impl Default for ParameterGroups {
    fn default() -> Self {
        const ONE: Positive = Positive::new(1.0).expect("above 0");
        Self { classifier: ONE, no_decay: Vec::new(), patterns: Vec::new() }
    }
}

impl Settings for ParameterGroups {
    const NAME: &'static str = "groups";
}

impl ParameterGroups {
    /// The parameters with their factors, in the same order.
    ///
    /// # Errors
    /// [`OptimError::Pattern`] where a pattern cannot be read, [`OptimError::UnmatchedPattern`] where it fits no
    /// parameter, and [`OptimError::NoClassifier`] where the classifier has a factor but the network has none.
    pub fn apply(&self, parameters: &[NetworkParameter]) -> Result<Vec<Parameter>, OptimError> {
        let patterns = self.patterns.iter().map(|group| {
            let pattern = Pattern::new(&group.pattern).map_err(|error| OptimError::Pattern {
                pattern: group.pattern.clone(),
                reason: error.msg.to_owned(),
            })?;
            if parameters.iter().any(|parameter| pattern.matches(&parameter.name)) {
                return Ok((pattern, group));
            }
            Err(OptimError::UnmatchedPattern {
                pattern: group.pattern.clone(),
                hint: hint(&group.pattern, parameters),
            })
        });
        let patterns = patterns.collect::<Result<Vec<_>, OptimError>>()?;
        let classifier = self.classifier.get();
        if classifier != 1.0 && !parameters.iter().any(|parameter| parameter.is_classifier) {
            return Err(OptimError::NoClassifier { factor: classifier });
        }
        let with_factors = |parameter: &NetworkParameter| {
            let mut learning_rate_factor = if parameter.is_classifier { classifier } else { 1.0 };
            let mut weight_decay_factor = if self.no_decay.contains(&parameter.role) { 0.0 } else { 1.0 };
            for (_, group) in patterns.iter().filter(|(pattern, _)| pattern.matches(&parameter.name)) {
                learning_rate_factor *= group.learning_rate_factor.get();
                weight_decay_factor *= group.weight_decay_factor.get();
            }
            Parameter {
                learning_rate_factor,
                weight_decay_factor,
                ..Parameter::new(&parameter.name, parameter.var.clone())
            }
        };
        Ok(parameters.iter().map(with_factors).collect())
    }
}

/// A pattern near this one that matches something, or what the names begin with. A network has hundreds of
/// parameters: not all of them are listed.
fn hint(pattern: &str, parameters: &[NetworkParameter]) -> String {
    let mut valid: Vec<String> = Vec::new();
    for NetworkParameter { name, .. } in parameters {
        let prefixes = name.match_indices('.').map(|(dot, _)| format!("{}.*", &name[..dot]));
        for candidate in prefixes.chain([name.clone()]) {
            if !valid.contains(&candidate) {
                valid.push(candidate);
            }
        }
    }
    let nearest = valid
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(pattern, candidate), candidate))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, candidate)| distance <= 1 + candidate.chars().count() / 3);
    if let Some((_, candidate)) = nearest {
        return format!("did you mean `{candidate}`?");
    }
    let mut beginnings: Vec<&str> = Vec::new();
    for NetworkParameter { name, .. } in parameters {
        let beginning = name.split('.').next().unwrap_or(name);
        if !beginnings.contains(&beginning) {
            beginnings.push(beginning);
        }
    }
    match beginnings.as_slice() {
        [] => "the network has no parameters to learn".to_owned(),
        beginnings => format!("the names begin with `{}`", beginnings.join("`, `")),
    }
}
