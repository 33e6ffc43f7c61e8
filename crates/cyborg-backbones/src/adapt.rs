//! Tensors of files from elsewhere, brought to this workspace's names, shapes and types.

use crate::architecture::Architecture;
use candle_core::{DType, Tensor};
use cyborg_causes::shown;
use cyborg_weights::{ElementType, Format, Weights};
use std::collections::BTreeMap;

/// Modules that hold a classifier: torchvision's ResNets and timm, Cadene, torchvision's DenseNets.
const CLASSIFIERS: [&str; 3] = ["fc", "last_linear", "classifier"];
/// Of a batch norm; files older than PyTorch 0.4.1 have none.
const N_BATCHES: &str = ".num_batches_tracked";
/// Inception's second classifier, which training in the papers does without.
const AUXILIARY: &str = "AuxLogits.";

/// What a file has under one name: enough to tell networks apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) dims: Vec<usize>,
}

impl Found {
    pub(crate) fn all(tensors: &BTreeMap<String, Tensor>) -> BTreeMap<String, Self> {
        tensors.iter().map(|(name, tensor)| (name.clone(), Self { dims: tensor.dims().to_vec() })).collect()
    }
}

/// What had to be done to a file's tensors to make them a network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadReport {
    /// The form of the file.
    pub format: Format,
    /// The entry of the checkpoint that was used, as `state_dict`.
    pub wrapper: Option<String>,
    /// The prefix that was taken off the names, such as `module.densenet121.`; tensors without it are among the ignored.
    pub prefix: Option<String>,
    /// Names in the file and the network's, where they differ.
    pub renamed: Vec<(String, String)>,
    /// Tensors that were there in another shape with the same elements (1x1 convolutions stored as matrices).
    pub reshaped: Vec<String>,
    /// How many tensors the file has of each type that is not the network's.
    pub converted: BTreeMap<ElementType, usize>,
    /// Tensors and other entries of the file that the network has no use for.
    pub ignored: Vec<String>,
    /// Whether the file counts no batches (`num_batches_tracked`), so that counting starts at 0.
    pub counts_start_at_zero: bool,
    /// Classes of the file's classifier where it was left out for their number; the network's keeps its initial values.
    pub replaced_classifier_of: Option<usize>,
    /// Whether the file has no classifier at all, so that the network's keeps its initial values.
    pub has_no_classifier: bool,
}

impl LoadReport {
    fn new(weights: &Weights) -> Self {
        Self {
            format: weights.format,
            wrapper: weights.wrapper.clone(),
            prefix: weights.prefix.clone(),
            renamed: Vec::new(),
            reshaped: Vec::new(),
            converted: BTreeMap::new(),
            ignored: weights.ignored.clone(),
            counts_start_at_zero: false,
            replaced_classifier_of: None,
            has_no_classifier: false,
        }
    }

    /// One line for everything that was done; none where the file was the network's as it is.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(wrapper) = &self.wrapper {
            lines.push(format!("the tensors of its entry `{wrapper}` were used"));
        }
        if let Some(prefix) = &self.prefix {
            lines.push(format!("`{}` was taken off every name", shown(prefix)));
        }
        if !self.renamed.is_empty() {
            let names: Vec<_> = self
                .renamed
                .iter()
                .map(|(theirs, ours)| format!("`{}` to `{ours}`", shown(theirs)))
                .collect();
            lines.push(format!("{} renamed: {}", names.len(), some(&names)));
        }
        if !self.reshaped.is_empty() {
            let names: Vec<_> = self.reshaped.iter().map(|name| format!("`{name}`")).collect();
            lines.push(format!("{} matrices taken as 1x1 convolutions: {}", names.len(), some(&names)));
        }
        for (element, n) in &self.converted {
            lines.push(format!("{n} tensors converted from {element}"));
        }
        if self.counts_start_at_zero {
            lines.push("it has no `num_batches_tracked`; counting starts at 0".to_owned());
        }
        if let Some(n_classes) = self.replaced_classifier_of {
            lines.push(format!(
                "its classifier of {n_classes} classes was left out; a new one starts from its seed"
            ));
        }
        if self.has_no_classifier {
            lines.push("it has no classifier; a new one starts from its seed".to_owned());
        }
        if !self.ignored.is_empty() {
            let names: Vec<_> = self.ignored.iter().map(|name| shown(name).into_owned()).collect();
            lines.push(format!("{} ignored: {}", names.len(), some(&names)));
        }
        lines
    }
}

/// The first of many.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

/// What this workspace calls the tensor that a file for `architecture` calls `name`: torchvision's, timm's and
/// Cadene's names are equal but for these.
pub(crate) fn our_name(architecture: Architecture, name: &str) -> String {
    let ours = architecture.definition().classifier;
    for theirs in CLASSIFIERS {
        if let Some(rest) = name.strip_prefix(theirs).and_then(|rest| rest.strip_prefix('.')) {
            return format!("{ours}.{}", without_number(rest));
        }
    }
    // DenseNets of before PyTorch 0.4 say `denselayer1.norm.1.weight`.
    if architecture == Architecture::DenseNet121
        && let Some(start) = name.find(".denselayer")
    {
        for (theirs, ours) in [
            (".norm.1.", ".norm1."),
            (".norm.2.", ".norm2."),
            (".conv.1.", ".conv1."),
            (".conv.2.", ".conv2."),
        ] {
            if name[start..].contains(theirs) {
                return format!("{}{}", &name[..start], name[start..].replacen(theirs, ours, 1));
            }
        }
    }
    name.to_owned()
}

/// `weight` of `0.weight`: a classifier in a `Sequential` with dropout before it or a sigmoid behind it, as `CheXNet`'s.
fn without_number(rest: &str) -> &str {
    match rest.split_once('.') {
        Some((number, kind @ ("weight" | "bias")))
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            kind
        }
        _ => rest,
    }
}

/// The tensors behind `prefix` alone; the others are listed as ignored.
pub(crate) fn behind(prefix: &str, mut weights: Weights) -> Weights {
    if prefix.is_empty() {
        return weights;
    }
    let mut tensors = BTreeMap::new();
    let mut stored_as = BTreeMap::new();
    for (name, tensor) in weights.tensors {
        if let Some(rest) = name.strip_prefix(prefix) {
            if let Some(element) = weights.stored_as.get(&name) {
                stored_as.insert(rest.to_owned(), *element);
            }
            tensors.insert(rest.to_owned(), tensor);
        } else {
            weights.ignored.push(format!("`{}` (a tensor beside `{}`)", shown(&name), shown(prefix)));
        }
    }
    (weights.tensors, weights.stored_as) = (tensors, stored_as);
    weights.prefix = Some(weights.prefix.unwrap_or_default() + prefix);
    weights
}

/// Brings the tensors of a file to the names, shapes and types that a network expects, as far as that is harmless;
/// what is still amiss is for the strict load to name.
pub(crate) fn adapt(
    architecture: Architecture,
    weights: Weights,
    expected: &BTreeMap<String, (DType, Vec<usize>)>,
) -> Result<(BTreeMap<String, Tensor>, LoadReport), AdaptError> {
    let mut report = LoadReport::new(&weights);
    let mut tensors: BTreeMap<String, Tensor> = BTreeMap::new();
    for (theirs, tensor) in weights.tensors {
        if architecture == Architecture::InceptionV3 && theirs.starts_with(AUXILIARY) {
            report.ignored.push(format!("`{theirs}` (auxiliary classifier)"));
            continue;
        }
        if let Some(element) =
            weights.stored_as.get(&theirs).filter(|e| e.is_float() && **e != ElementType::F32)
        {
            *report.converted.entry(*element).or_default() += 1;
        }
        let ours = our_name(architecture, &theirs);
        let mut tensor = tensor;
        if let Some((dtype, dims)) = expected.get(&ours) {
            if tensor.dims() != dims && squeezed(dims) == tensor.dims() {
                tensor = tensor.reshape(dims.as_slice())?;
                report.reshaped.push(ours.clone());
            }
            if *dtype == DType::I64 {
                tensor = whole_numbers(&tensor)?;
            }
        }
        if tensors.insert(ours.clone(), tensor).is_some() {
            return Err(AdaptError::Twice(ours));
        }
        if ours != theirs {
            report.renamed.push((theirs, ours));
        }
    }
    if !tensors.keys().any(|name| name.ends_with(N_BATCHES)) {
        for name in expected.keys().filter(|name| name.ends_with(N_BATCHES)) {
            tensors.insert(name.clone(), Tensor::new(0i64, &candle_core::Device::Cpu)?);
            report.counts_start_at_zero = true;
        }
    }
    Ok((tensors, report))
}

/// Why tensors cannot be brought to a network's names.
pub(crate) enum AdaptError {
    /// Two of the file's tensors are the same one of the network.
    Twice(String),
    Tensor(candle_core::Error),
}

impl From<candle_core::Error> for AdaptError {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(error)
    }
}

/// A 1x1 convolution's shape as a matrix's: Cadene's Xception file stores its pointwise ones so.
fn squeezed(dims: &[usize]) -> &[usize] {
    match dims {
        [channels @ .., 1, 1] if channels.len() == 2 => channels,
        other => other,
    }
}

/// Counts that a converter made floats or other integers of; what is not a count stays what it is.
fn whole_numbers(tensor: &Tensor) -> Result<Tensor, candle_core::Error> {
    if tensor.dtype() == DType::I64 || tensor.rank() > 0 {
        return Ok(tensor.clone());
    }
    let value = tensor.to_dtype(DType::F64)?.to_scalar::<f64>()?;
    let is_count = value >= 0.0 && value.fract() == 0.0 && value < 2f64.powi(53);
    if is_count { Tensor::new(value as i64, tensor.device()) } else { Ok(tensor.clone()) }
}
