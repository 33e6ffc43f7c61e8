//! What a weights file holds, whatever its form.

use crate::bounded::{self, malformed};
use crate::element::ElementType;
use crate::error::WeightsError;
use crate::{safetensors_file, torch_file};
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::path::Path;

/// The form of a weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// safetensors.
    Safetensors,
    /// `torch.save` since PyTorch 1.6: a zip archive with a pickle and one entry per storage.
    TorchZip,
    /// `torch.save` before PyTorch 1.6: pickles one after the other, then the storages.
    TorchLegacy,
}

impl std::fmt::Display for Format {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::TorchZip => "PyTorch zip",
            Self::TorchLegacy => "PyTorch before 1.6",
        })
    }
}

/// The tensors of a weights file, and what was found and done on the way.
#[derive(Clone, Debug)]
pub struct Weights {
    /// By name. Floats are f32 whatever the file has; integers stay (`I8` becomes i16, `BOOL` u8). Contiguous.
    pub tensors: BTreeMap<String, Tensor>,
    /// How the file stores each of them.
    pub stored_as: BTreeMap<String, ElementType>,
    /// safetensors' `__metadata__`; empty for other forms.
    pub metadata: BTreeMap<String, String>,
    /// The form of the file.
    pub format: Format,
    /// The entry of a checkpoint that the tensors were taken from, as `state_dict` or `model`; None where they lay on
    /// the outside.
    pub wrapper: Option<String>,
    /// The prefix that was taken off every name, such as `module.`; `None` if there was none.
    pub prefix: Option<String>,
    /// What the file holds beside the tensors, in words: `epoch` (an integer), `optimizer` (a dictionary).
    pub ignored: Vec<String>,
}

impl Weights {
    pub(crate) fn new(format: Format, metadata: BTreeMap<String, String>) -> Self {
        Self {
            tensors: BTreeMap::new(),
            stored_as: BTreeMap::new(),
            metadata,
            format,
            wrapper: None,
            prefix: None,
            ignored: Vec::new(),
        }
    }

    /// Takes off what `DataParallel`, `torch.compile` and modules that hold the network as `model` put in front of every
    /// name.
    fn without_prefixes(mut self) -> Self {
        let mut taken = String::new();
        while let Some(prefix) = ["module.", "_orig_mod.", "model."].into_iter().find(|prefix| {
            !self.tensors.is_empty() && self.tensors.keys().all(|name| name.starts_with(prefix))
        }) {
            let strip = |name: String| name[prefix.len()..].to_owned();
            self.tensors = self.tensors.into_iter().map(|(name, tensor)| (strip(name), tensor)).collect();
            self.stored_as = self.stored_as.into_iter().map(|(name, kind)| (strip(name), kind)).collect();
            taken.push_str(prefix);
        }
        self.prefix = (!taken.is_empty()).then_some(taken);
        self
    }
}

/// Reads safetensors or what PyTorch's `torch.save` wrote, told apart by content, not by the file's name.
///
/// Nothing of a pickle is run: see the crate's README.
///
/// # Errors
/// [`WeightsError::Read`]; [`WeightsError::Malformed`] for a file that is cut, damaged or of another kind;
/// [`WeightsError::Code`] for a pickle that asks for calls which rebuild no tensor.
pub fn read(path: &Path) -> Result<Weights, WeightsError> {
    let mut file = bounded::open(path)?;
    let length = bounded::length(path, &file)?;
    if length < 8 {
        return Err(malformed(path, format!("it is no weights file: it has {length} bytes")));
    }
    let start = bounded::read_exact(path, &mut file, 8)?;
    drop(file);
    let weights = match start.as_slice() {
        [b'P', b'K', 3, 4, ..] => torch_file::read_zip(path)?,
        [0x80, 0..=5, ..] => torch_file::read_legacy(path)?,
        start => {
            if let Some(reason) = not_weights(start) {
                return Err(malformed(path, reason));
            }
            safetensors_file::read(path)?
        }
    };
    Ok(weights.without_prefixes())
}

/// What people have instead of weights.
fn not_weights(start: &[u8]) -> Option<&'static str> {
    match start {
        [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' '] => {
            Some("it is a Git LFS pointer, not the file itself; fetch that with `git lfs pull`")
        }
        [b'<', ..] => Some("it is a web page, not weights; look at it and download the file again"),
        [0x1f, 0x8b, ..] => Some("it is compressed with gzip; unpack it first"),
        [0x89, b'H', b'D', b'F', ..] => Some("it is HDF5 (Keras?), not PyTorch's nor safetensors"),
        _ => None,
    }
}
