//! safetensors files: read with the `safetensors` crate, written by hand.
//!
//! The crate keeps metadata in a hash map, so with more than one key its header differs from run to run. The format is
//! simple: the header's length (u64, little endian), the header (JSON, padded with spaces to a multiple of eight), the
//! tensors' bytes one after the other.

use crate::error::BackboneError;
use candle_core::{DType, Device, Tensor};
use fs_err as fs;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Writes f32 and i64 tensors, sorted by name (i64 first: its eight bytes stay aligned), and the metadata, sorted.
pub(crate) fn write(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<(), BackboneError> {
    let bytes = serialise(tensors, metadata)?;
    cyborg_files::write_whole(path, &bytes)
        .map_err(|source| BackboneError::Write { path: path.to_owned(), source })
}

fn serialise(
    tensors: &BTreeMap<String, Tensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, BackboneError> {
    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), serde_json::json!(metadata));
    }
    let mut data = Vec::new();
    for wide in [true, false] {
        for (name, tensor) in tensors.iter().filter(|(_, tensor)| (tensor.dtype() == DType::I64) == wide) {
            let start = data.len();
            let flat = tensor.flatten_all()?;
            let kind = if wide {
                data.extend(flat.to_vec1::<i64>()?.into_iter().flat_map(i64::to_le_bytes));
                "I64"
            } else {
                data.extend(flat.to_vec1::<f32>()?.into_iter().flat_map(f32::to_le_bytes));
                "F32"
            };
            let entry = serde_json::json!({
                "dtype": kind, "shape": tensor.dims(), "data_offsets": [start, data.len()],
            });
            header.insert(name.clone(), entry);
        }
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut header);
    bytes.append(&mut data);
    Ok(bytes)
}

/// Reads every tensor of a file. Of types other than f32 and i64 it keeps the shape and says so in an error.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, Tensor>, BackboneError> {
    let fault = |reason: String| BackboneError::Weights { path: PathBuf::from(path), reason };
    let bytes = fs::read(path).map_err(|source| BackboneError::Read { path: path.to_owned(), source })?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| {
        fault(format!(
            "it is not a whole safetensors file ({error}); in Python, `safetensors.torch.save_file(model.state_dict(), \
             path)` writes one"
        ))
    })?;
    let mut tensors = BTreeMap::new();
    let mut unusable = Vec::new();
    for (name, view) in file.iter() {
        let data = view.data();
        let tensor = match view.dtype() {
            Dtype::F32 => {
                let values =
                    data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
                Tensor::from_vec::<_, f32>(values, view.shape(), &Device::Cpu)?
            }
            Dtype::I64 => {
                let values = data
                    .chunks_exact(8)
                    .map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                    .collect();
                Tensor::from_vec::<_, i64>(values, view.shape(), &Device::Cpu)?
            }
            other => {
                unusable.push(format!("`{name}` is {other:?}"));
                continue;
            }
        };
        tensors.insert(name.to_owned(), tensor);
    }
    if unusable.is_empty() {
        return Ok(tensors);
    }
    unusable.sort();
    Err(fault(format!(
        "only F32 and I64 tensors can be used: {}; convert them to float32",
        unusable.join(", ")
    )))
}
