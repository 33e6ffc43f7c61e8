//! A network's tensors by their torchvision names, out and strictly in.

use crate::adapt::{AdaptError, Found, LoadReport, adapt, behind};
use crate::architecture::Architecture;
use crate::card::Card;
use crate::error::BackboneError;
use crate::infer::{Inferred, infer, n_classes, prefix_of};
use crate::layers::Running;
use crate::network::Network;
use candle_core::{DType, Device, Tensor};
use cyborg_causes::shown;
use cyborg_weights::Weights;
use std::collections::BTreeMap;
use std::path::Path;

const MEAN: &str = "running_mean";
const VARIANCE: &str = "running_var";
const N_BATCHES: &str = "num_batches_tracked";

impl Network {
    /// Copies of the parameters and buffers (running statistics, `num_batches_tracked`), named as in torchvision's
    /// `state_dict()`. f32, but `num_batches_tracked`, which is an i64 scalar. Later steps do not change them.
    ///
    /// # Errors
    /// [`BackboneError::Tensor`] if memory cannot be had.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>, BackboneError> {
        let mut tensors = BTreeMap::new();
        for (name, parameter) in self.parameters() {
            tensors.insert(name.clone(), parameter.as_detached_tensor().copy()?);
        }
        for (module, running) in &self.running {
            let Running { mean, variance, n_batches } = running.read();
            tensors.insert(format!("{module}.{MEAN}"), mean);
            tensors.insert(format!("{module}.{VARIANCE}"), variance);
            tensors.insert(format!("{module}.{N_BATCHES}"), Tensor::new(n_batches, &Device::Cpu)?);
        }
        Ok(tensors)
    }

    /// Takes all its values from `tensors`. Strict: every name present, no extra, every shape and type right;
    /// otherwise all faults are listed by name and nothing is changed.
    ///
    /// # Errors
    /// [`BackboneError::TensorMismatch`].
    pub fn load_tensors(&self, tensors: &BTreeMap<String, Tensor>) -> Result<(), BackboneError> {
        if let Some(faults) = self.faults(tensors) {
            return Err(BackboneError::TensorMismatch {
                architecture: self.architecture().name(),
                n_classes: self.n_classes(),
                faults,
            });
        }
        // Everything that can fail comes before the first change.
        let mut parameters = Vec::new();
        for (name, parameter) in self.parameters() {
            parameters.push((parameter, tensors[name].detach().copy()?));
        }
        let mut buffers = Vec::new();
        for (module, running) in &self.running {
            let mean = tensors[&format!("{module}.{MEAN}")].detach().copy()?;
            let variance = tensors[&format!("{module}.{VARIANCE}")].detach().copy()?;
            let n_batches = tensors[&format!("{module}.{N_BATCHES}")].to_scalar::<i64>()?;
            buffers.push((running, Running { mean, variance, n_batches }));
        }
        for (parameter, value) in parameters {
            parameter.set(&value)?;
        }
        for (running, value) in buffers {
            running.set(value);
        }
        Ok(())
    }

    /// Writes all tensors as safetensors that `torchvision`'s `load_state_dict(..., strict=True)` takes (for the
    /// networks that torchvision has). The same tensors and metadata give the same bytes. The file appears whole or
    /// not at all. [`Card::to_metadata`] makes metadata that [`Network::open`] understands.
    ///
    /// # Errors
    /// [`BackboneError::File`].
    pub fn save(&self, path: &Path, metadata: &BTreeMap<String, String>) -> Result<(), BackboneError> {
        Ok(cyborg_weights::write(path, &self.tensors()?, metadata)?)
    }

    /// Strict load of a weights file: see [`Network::load_tensors`].
    ///
    /// # Errors
    /// [`BackboneError::File`] if it cannot be read; [`BackboneError::Weights`] if it does not fit.
    pub fn load(&self, path: &Path) -> Result<(), BackboneError> {
        let weights = cyborg_weights::read(path)?;
        check_finite(path, &weights.tensors)?;
        self.load_tensors(&weights.tensors).map_err(|error| in_file(path, error))
    }

    /// For starting from ImageNet or from any checkpoint: safetensors or `.pth`, with torchvision's, timm's or
    /// Cadene's names. What is harmless is put right and reported (see [`LoadReport`]); the classifier is left as
    /// initialised where the file has none or one of another number of classes; anything else that is missing, extra or
    /// misshapen is an error which names it, and nothing is changed.
    ///
    /// # Errors
    /// [`BackboneError::File`] if it cannot be read; [`BackboneError::Weights`] if it does not fit.
    pub fn load_pretrained(&self, path: &Path) -> Result<LoadReport, BackboneError> {
        let weights = cyborg_weights::read(path)?;
        let prefix = prefix_of(self.architecture(), &Found::all(&weights.tensors))
            .map_err(|reason| unusable(path, reason))?;
        self.load_adapted(path, behind(&prefix, weights), true)
    }

    /// A network from a weights file alone: safetensors or `.pth`, written here or elsewhere.
    ///
    /// Which network it is and how many classes it has is said by the file's card; where it has none, by its tensors'
    /// names and shapes; and where these do not tell, by the caller. A file from elsewhere gets the card
    /// [`Card::new`] makes of the two.
    ///
    /// # Errors
    /// [`BackboneError::File`] if it cannot be read; [`BackboneError::Card`] if its card is damaged;
    /// [`BackboneError::Weights`] if the network cannot be told, is not the one that the caller says, or does not fit.
    pub fn open(path: &Path, architecture: Option<Architecture>) -> Result<(Self, Card), BackboneError> {
        let (network, card, _) = Self::open_reported(path, architecture)?;
        Ok((network, card))
    }

    /// [`Network::open`], and what had to be done to the file's tensors.
    ///
    /// # Errors
    /// As [`Network::open`].
    pub fn open_reported(
        path: &Path,
        architecture: Option<Architecture>,
    ) -> Result<(Self, Card, LoadReport), BackboneError> {
        Self::from_weights(cyborg_weights::read(path)?, path, architecture)
    }

    /// [`Network::open_reported`] of a file that was read already; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`Network::open`].
    pub fn from_weights(
        weights: Weights,
        path: &Path,
        architecture: Option<Architecture>,
    ) -> Result<(Self, Card, LoadReport), BackboneError> {
        let (card, prefix) = card_of(path, &weights, architecture)?;
        let network = Self::blank(card.architecture, card.n_classes)?;
        let report = network.load_adapted(path, behind(&prefix, weights), false)?;
        Ok((network, card, report))
    }

    /// Loads what a file has under whatever names; with `replace_classifier`, all but a classifier of another number of
    /// classes.
    fn load_adapted(
        &self,
        path: &Path,
        weights: Weights,
        replace_classifier: bool,
    ) -> Result<LoadReport, BackboneError> {
        let (mut tensors, mut report) =
            adapt(self.architecture(), weights, &self.expected()).map_err(|error| match error {
                AdaptError::Twice(name) => {
                    unusable(path, format!("two of its tensors are the network's `{name}`"))
                }
                AdaptError::Tensor(error) => error.into(),
            })?;
        if replace_classifier {
            let classifier = self.classifier_parameters();
            report.has_no_classifier = classifier.iter().all(|(name, _)| !tensors.contains_key(name));
            if report.has_no_classifier || self.is_classifier_of_other_classes(&tensors) {
                for (name, new) in self.new_classifier()? {
                    let theirs = tensors.insert(name, new);
                    let n_classes = theirs.and_then(|theirs| theirs.dims().first().copied());
                    report.replaced_classifier_of = n_classes;
                }
            }
        }
        check_finite(path, &tensors)?;
        self.load_tensors(&tensors).map_err(|error| in_file(path, error))?;
        Ok(report)
    }

    /// Whether `tensors` holds a whole classifier that differs from ours in nothing but the number of classes.
    fn is_classifier_of_other_classes(&self, tensors: &BTreeMap<String, Tensor>) -> bool {
        let [weight, bias] = self.classifier_parameters();
        match (tensors.get(&weight.0), tensors.get(&bias.0)) {
            (Some(their_weight), Some(their_bias)) => {
                let channels = weight.1.dims().get(1);
                their_weight.rank() == 2
                    && their_weight.dims().get(1) == channels
                    && their_weight.dims().first() == their_bias.dims().first()
                    && their_bias.rank() == 1
                    && their_bias.dims() != bias.1.dims()
            }
            _ => false,
        }
    }

    /// What keeps `tensors` from being this network's; None if nothing does.
    fn faults(&self, tensors: &BTreeMap<String, Tensor>) -> Option<String> {
        let own = self.expected();
        let quoted = |name: &String| format!("`{}`", shown(name));
        let missing: Vec<_> = own.keys().filter(|name| !tensors.contains_key(*name)).map(quoted).collect();
        let extra: Vec<_> = tensors.keys().filter(|name| !own.contains_key(*name)).map(quoted).collect();
        if extra.len() == tensors.len() {
            // Other names altogether: a list of all that is missing tells nobody more.
            return Some(format!("none of their names is one of its; theirs: {}", listed(&extra)));
        }
        let unlike: Vec<_> = own
            .iter()
            .filter_map(|(name, (kind, dims))| {
                let theirs = tensors.get(name)?;
                let fits = theirs.dims() == dims && theirs.dtype() == *kind;
                let (theirs, kind) = (describe(theirs.dtype(), theirs.dims()), describe(*kind, dims));
                (!fits).then(|| format!("`{name}` is {theirs}, expected {kind}"))
            })
            .collect();
        let faults: Vec<_> =
            [("missing", missing), ("not in the network", extra), ("of another shape or type", unlike)]
                .into_iter()
                .filter(|(_, names)| !names.is_empty())
                .map(|(what, names)| format!("{} {what}: {}", names.len(), listed(&names)))
                .collect();
        (!faults.is_empty()).then(|| faults.join("; "))
    }

    /// Type and shape of every tensor.
    fn expected(&self) -> BTreeMap<String, (DType, Vec<usize>)> {
        let mut expected = BTreeMap::new();
        for (name, parameter) in self.parameters() {
            expected.insert(name.clone(), (DType::F32, parameter.dims().to_vec()));
        }
        for (module, running) in &self.running {
            let channels = running.read().mean.dims().to_vec();
            expected.insert(format!("{module}.{MEAN}"), (DType::F32, channels.clone()));
            expected.insert(format!("{module}.{VARIANCE}"), (DType::F32, channels));
            expected.insert(format!("{module}.{N_BATCHES}"), (DType::I64, Vec::new()));
        }
        expected
    }
}

/// The first of many names.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

/// Refuses numbers that no network computes with, so that weights are named as the cause and not the first image that they are
/// asked about.
fn check_finite(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<(), BackboneError> {
    let mut damaged = Vec::new();
    let (mut n_bad, mut n_all) = (0, 0);
    for (name, tensor) in tensors {
        if !tensor.dtype().is_float() {
            continue;
        }
        let values = tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
        let n = values.iter().filter(|value| !value.is_finite()).count();
        n_all += values.len();
        n_bad += n;
        if n > 0 {
            damaged.push(format!("`{}`", shown(name)));
        }
    }
    if damaged.is_empty() {
        return Ok(());
    }
    Err(unusable(
        path,
        format!(
            "{n_bad} of their {n_all} numbers are NaN or infinite, in {}: their training diverged, or the file is damaged",
            listed(&damaged)
        ),
    ))
}

fn describe(kind: DType, dims: &[usize]) -> String {
    format!("{} {dims:?}", kind.as_str())
}

/// What the file says of itself, or what its tensors say of it; and what the names of the network's tensors begin with.
fn card_of(
    path: &Path,
    weights: &Weights,
    architecture: Option<Architecture>,
) -> Result<(Card, String), BackboneError> {
    let found = Found::all(&weights.tensors);
    let prefix = |architecture| prefix_of(architecture, &found);
    if let Some(card) = Card::from_metadata(&weights.metadata)? {
        return match architecture {
            Some(asked) if asked != card.architecture => Err(unusable(
                path,
                format!("it says that it is `{}`, asked for is `{asked}`", card.architecture),
            )),
            _ => {
                let prefix = prefix(card.architecture).map_err(|reason| unusable(path, reason))?;
                Ok((card, prefix))
            }
        };
    }
    let inferred = match architecture {
        Some(architecture) => prefix(architecture).and_then(|prefix| {
            let n_classes = n_classes(architecture, &found, &prefix)?;
            Ok(Inferred { architecture, n_classes, prefix })
        }),
        None => infer(&found),
    };
    let Inferred { architecture, n_classes, prefix } = inferred.map_err(|reason| unusable(path, reason))?;
    let mut card = Card::new(architecture, n_classes);
    card.other.clone_from(&weights.metadata);
    Ok((card, prefix))
}

fn unusable(path: &Path, reason: String) -> BackboneError {
    BackboneError::Weights { path: path.to_owned(), reason }
}

fn in_file(path: &Path, error: BackboneError) -> BackboneError {
    match error {
        BackboneError::TensorMismatch { architecture, n_classes, faults } => BackboneError::Weights {
            path: path.to_owned(),
            reason: format!("they are not those of `{architecture}` with {n_classes} classes: {faults}"),
        },
        other => other,
    }
}
