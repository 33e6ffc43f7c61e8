//! The tensors of a network that training can move: their roles, and which of them are frozen.

use crate::error::{BackboneError, nearest};
use crate::network::Network;
use crate::pass::Mode;
use candle_core::{Tensor, Var};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a parameter does in its layer, for optimisers that treat them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParameterRole {
    /// The weight of a convolution or of a linear layer.
    Weight,
    /// The bias of a convolution or of a linear layer.
    Bias,
    /// The scale or the shift of a batch norm, which PyTorch calls its weight and bias.
    Norm,
}

/// What is known of one parameter besides its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its name, as in torchvision's `named_parameters()`.
    pub name: String,
    /// What it does in its layer.
    pub role: ParameterRole,
    /// Whether it belongs to the last linear layer.
    pub is_classifier: bool,
    /// Whether it was frozen by [`Network::freeze`].
    pub is_frozen: bool,
}

/// A parameter as the layers hold it. Clones share the values and whether it is frozen.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) variable: Var,
    /// The same memory, outside of any graph.
    constant: Tensor,
    frozen: Arc<AtomicBool>,
    pub(crate) role: ParameterRole,
}

impl Parameter {
    pub(crate) fn new(variable: Var, role: ParameterRole) -> Self {
        let constant = variable.as_detached_tensor();
        Self { variable, constant, frozen: Arc::default(), role }
    }

    /// The tensor as a pass uses it: a constant in evaluation, or if it is frozen.
    pub(crate) fn view(&self, mode: Mode) -> &Tensor {
        match mode {
            Mode::Train if !self.is_frozen() => self.variable.as_tensor(),
            Mode::Train | Mode::Eval => &self.constant,
        }
    }

    /// Its values, outside of any graph.
    pub(crate) fn constant(&self) -> &Tensor {
        &self.constant
    }

    fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }
}

impl Network {
    /// Takes the parameters whose names match one of these patterns out of training, in addition to those that were taken
    /// out before. In a pattern `*` stands for any characters, dots among them, and everything else for itself: `layer1.*`,
    /// `conv1.weight`, `*.bias`, `*`. A pattern is compared with the whole name.
    ///
    /// In [`Network::forward_train`] a frozen parameter is a constant: no gradient is computed for it, and no activation is
    /// kept for it. Where everything from the image up to a layer is frozen, nothing is recorded there at all. Weights files
    /// hold frozen parameters as the others. Frozen batch norms still normalise by the batch's statistics in training, and
    /// their running statistics move, as in PyTorch where `requires_grad` is False.
    ///
    /// # Errors
    /// [`BackboneError::UnknownParameters`] for a pattern that matches no parameter, which names the nearest module; then
    /// nothing is frozen.
    pub fn freeze(&mut self, patterns: &[String]) -> Result<(), BackboneError> {
        let mut matching = Vec::new();
        for pattern in patterns {
            let before = matching.len();
            let fits =
                self.named().filter(|(name, _)| matches(pattern, name)).map(|(_, parameter)| parameter);
            matching.extend(fits);
            if matching.len() == before {
                return Err(self.no_such_parameters(pattern));
            }
        }
        for parameter in matching {
            parameter.frozen.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The parameters that are not frozen, in the order of [`Network::parameters`]: those that an optimiser moves.
    pub fn trainable_parameters(&self) -> Vec<(String, Var)> {
        let trainable = self.named().filter(|(_, parameter)| !parameter.is_frozen());
        trainable.map(|(name, parameter)| (name.to_owned(), parameter.variable.clone())).collect()
    }

    /// The role of every parameter, frozen or not, in the order of [`Network::parameters`].
    pub fn parameter_roles(&self) -> Vec<ParameterInfo> {
        let classifier = format!("{}.", self.architecture().definition().classifier);
        let info = |(name, parameter): (&str, &Parameter)| ParameterInfo {
            name: name.to_owned(),
            role: parameter.role,
            is_classifier: name.starts_with(&classifier),
            is_frozen: parameter.is_frozen(),
        };
        self.named().map(info).collect()
    }

    fn no_such_parameters(&self, pattern: &str) -> BackboneError {
        // What a pattern can sensibly be: a parameter, or all of a module.
        let mut known = BTreeSet::new();
        for (name, _) in self.named() {
            known.insert(name.to_owned());
            known.extend(name.match_indices('.').map(|(dot, _)| format!("{}.*", &name[..dot])));
        }
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint = nearest(pattern, &names).or_else(|| {
            // `layer1` for `layer1.*`.
            let module = format!("{}.*", pattern.trim_end_matches(['.', '*']));
            names.iter().copied().find(|name| *name == module)
        });
        let first = |name: &&&str| name.ends_with(".*") && name.matches('.').count() == 1;
        let modules: Vec<_> = names.iter().filter(first).map(|name| format!("`{name}`")).collect();
        BackboneError::UnknownParameters {
            architecture: self.architecture().name(),
            pattern: pattern.to_owned(),
            hint: hint.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default(),
            modules: modules.join(", "),
        }
    }
}

/// Whether `name` is what `pattern` says, in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    // The shortest that `*` can stand for is tried first.
    (0..=name.len()).filter(|&at| name.is_char_boundary(at)).any(|at| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("conv1.weight", "conv1.weight", true),
            ("conv1.weight", "layer1.0.conv1.weight", false),
            ("layer1.*", "layer1.0.conv1.weight", true),
            ("layer1.*", "layer10.0.conv1.weight", false),
            ("*.bias", "layer1.0.bn1.bias", true),
            ("*.bias", "bias", false),
            ("layer*.0.*.weight", "layer1.0.bn1.weight", true),
            ("layer*.0.*.weight", "layer1.1.bn1.weight", false),
            ("*", "", true),
            ("", "conv1.weight", false),
            ("**1*", "bn1", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern}, {name}");
        }
    }
}
