//! What a weights file holds, and the same in another form.

use crate::{ModelOptions, PredictError};
use candle_core::{DType, Tensor};
use cyborg_backbones::{Architecture, Card, LoadReport, Network};
use cyborg_weights::{ElementType, Weights};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is in a weights file.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub n_bytes: u64,
    /// BLAKE3 digest of the file.
    pub digest: String,
    /// BLAKE3 digest of names, shapes and values alone: equal for the same tensors in another form of file.
    pub tensors_digest: String,
    /// The tensors as they are, and what the file holds beside them.
    pub weights: Weights,
    /// In the order of their names.
    pub tensors: Vec<TensorSummary>,
    /// Whose they are and what it took to use them, or why nobody can tell.
    pub network: Result<(Card, LoadReport), String>,
    /// Whether the card was read from the file; else it was made up of what the tensors show.
    pub has_card: bool,
    /// Numbers that training moves, by the network's account; None where it is not known.
    pub n_parameters: Option<usize>,
}

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSummary {
    /// As the file calls it, without `module.` and the like in front.
    pub name: String,
    /// How the file stores it.
    pub stored_as: ElementType,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How many numbers.
    pub n_values: usize,
    /// Smallest, mean (in f64) and largest of the numbers that are finite; None if there is none.
    pub range: Option<[f64; 3]>,
    /// NaN and infinities.
    pub n_not_finite: usize,
}

/// Looks at a weights file; `network` says whose they are where the file does not. That nobody can tell whose weights they are is no error.
///
/// # Errors
/// [`PredictError::Weights`] if it cannot be read at all.
pub fn inspect(path: &Path, network: Option<Architecture>) -> Result<Inspection, PredictError> {
    let weights = cyborg_weights::read(path)?;
    let read = |source| PredictError::Read { what: "weights", path: path.to_owned(), source };
    let file = fs_err::File::open(path).map_err(read)?;
    let n_bytes = file.metadata().map_err(read)?.len();
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(read)?;
    let digest = hasher.finalize().to_hex().to_string();
    let mut hasher = blake3::Hasher::new();
    let mut tensors = Vec::with_capacity(weights.tensors.len());
    for (name, tensor) in &weights.tensors {
        let values = tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        hasher.update(format!("{name}\0{:?}\0", tensor.dims()).as_bytes());
        for value in &values {
            hasher.update(&value.to_le_bytes());
        }
        let stored_as = weights.stored_as.get(name).copied().unwrap_or(ElementType::F32);
        tensors.push(TensorSummary::new(name, stored_as, tensor.dims(), &values));
    }
    let opened = Network::open_reported(path, network);
    let n_parameters = opened
        .as_ref()
        .ok()
        .map(|(network, ..)| network.parameters().iter().map(|(_, tensor)| tensor.elem_count()).sum());
    Ok(Inspection {
        path: path.to_owned(),
        n_bytes,
        digest,
        tensors_digest: hasher.finalize().to_hex().to_string(),
        has_card: matches!(Card::from_metadata(&weights.metadata), Ok(Some(_))),
        network: opened.map(|(_, card, report)| (card, report)).map_err(|error| error.to_string()),
        n_parameters,
        tensors,
        weights,
    })
}

impl TensorSummary {
    fn new(name: &str, stored_as: ElementType, shape: &[usize], values: &[f64]) -> Self {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let n_finite = finite().count();
        let range = (n_finite > 0).then(|| {
            let mean = finite().sum::<f64>() / n_finite as f64;
            [finite().fold(f64::INFINITY, f64::min), mean, finite().fold(f64::NEG_INFINITY, f64::max)]
        });
        Self {
            name: name.to_owned(),
            stored_as,
            shape: shape.to_vec(),
            n_values: values.len(),
            range,
            n_not_finite: values.len() - n_finite,
        }
    }
}

/// What [`convert`] did.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// The card that was written; None for tensors of a network that nobody knows.
    pub card: Option<Card>,
    /// What was done to the tensors, a line each.
    pub notes: Vec<String>,
    /// How many tensors were written.
    pub n_tensors: usize,
}

/// Writes the tensors of a weights file as safetensors. Where the network is known (from the card, the tensors or the
/// user), they are checked against it, take its names and get a card; else they stay what they are. Floats are
/// stored as `element`; integers stay.
///
/// # Errors
/// [`PredictError::Weights`] if the file cannot be read or written; [`PredictError::Backbone`] if it is not what the user
/// or its own card says; [`PredictError::Setting`] for a type that is not F32, F16 or BF16 or cannot hold a value, or for
/// an output that is not called `.safetensors`.
pub fn convert(
    input: &Path,
    output: &Path,
    element: ElementType,
    options: &ModelOptions,
) -> Result<Conversion, PredictError> {
    if output.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("safetensors")) {
        let found = format!("`{}`", output.display());
        let expected = "a name that ends in `.safetensors`".to_owned();
        return Err(PredictError::Setting { field: "OUT", found, expected });
    }
    let dtype = float_type(element)?;
    let weights = cyborg_weights::read(input)?;
    let is_told = options != &ModelOptions::default();
    let (tensors, metadata, card, mut notes) = match Network::open_reported(input, options.backbone) {
        Ok((network, card, report)) => {
            let mut card = options.apply(card)?;
            card.cyborg_version = Some(env!("CARGO_PKG_VERSION").to_owned());
            (network.tensors()?, card.to_metadata(), Some(card), report.lines())
        }
        // What the user or the file itself says must hold.
        Err(error) if is_told || weights.metadata.keys().any(|key| key.starts_with("cyborg.")) => {
            return Err(error.into());
        }
        Err(error) => {
            let note = format!("not checked against a network and written as they are: {error}");
            (weights.tensors, weights.metadata, None, vec![note])
        }
    };
    let mut written = BTreeMap::new();
    for (name, tensor) in tensors {
        let tensor = if tensor.dtype().is_float() { stored(&name, &tensor, dtype)? } else { tensor };
        written.insert(name, tensor);
    }
    if dtype != DType::F32 {
        notes.push(format!("floats are stored as {element}: fewer digits than the network computes with"));
    }
    crate::rows::make_folder_of(output)?;
    cyborg_weights::write(output, &written, &metadata)?;
    Ok(Conversion { card, notes, n_tensors: written.len() })
}

fn float_type(element: ElementType) -> Result<DType, PredictError> {
    match element {
        ElementType::F32 => Ok(DType::F32),
        ElementType::F16 => Ok(DType::F16),
        ElementType::BF16 => Ok(DType::BF16),
        other => Err(PredictError::Setting {
            field: "dtype",
            found: format!("`{other}`"),
            expected: "`f32`, `f16` or `bf16`".to_owned(),
        }),
    }
}

/// The tensor in that type, unless a number of it would become infinite.
fn stored(name: &str, tensor: &Tensor, dtype: DType) -> Result<Tensor, PredictError> {
    let not_finite = |tensor: &Tensor| -> Result<usize, candle_core::Error> {
        let values = tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
        Ok(values.iter().filter(|value| !value.is_finite()).count())
    };
    let converted = tensor.to_dtype(dtype)?;
    let (before, after) = (not_finite(tensor)?, not_finite(&converted)?);
    if after > before {
        return Err(PredictError::Setting {
            field: "dtype",
            found: format!("`{}`", dtype.as_str()),
            expected: format!(
                "a type that can hold all of tensor `{name}`: {} numbers are too large",
                after - before
            ),
        });
    }
    Ok(converted)
}
