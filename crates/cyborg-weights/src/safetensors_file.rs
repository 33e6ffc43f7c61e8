//! safetensors: read with the `safetensors` crate, written by hand.
//!
//! The crate keeps metadata in a hash map, so with more than one key its header differs from run to run. The format is
//! simple: the header's length (u64, little endian), the header (JSON, padded with spaces to a multiple of eight), the
//! tensors' bytes one after the other.

use crate::bounded::{self, malformed};
use crate::element::ElementType;
use crate::error::WeightsError;
use crate::weights::{Format, Weights};
use candle_core::Tensor;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;

/// Puts the tensors into a safetensors file, sorted by name within one width of element (wide ones first, so that all
/// stay aligned), with the metadata, sorted too: the same tensors and metadata give the same bytes. The file appears
/// whole or not at all.
///
/// # Errors
/// [`WeightsError::Write`]; [`WeightsError::Unwritable`] for a name that safetensors keeps for itself
/// (`__metadata__`), for a type that is not an [`ElementType`].
pub fn write(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<(), WeightsError> {
    let bytes = serialise(tensors, metadata)?;
    cyborg_files::write_whole(path, &bytes)
        .map_err(|source| WeightsError::Write { path: path.to_owned(), source })
}

fn serialise(
    tensors: &BTreeMap<String, Tensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, WeightsError> {
    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), serde_json::json!(metadata));
    }
    let mut data = Vec::new();
    for width in [8, 4, 2, 1] {
        for (name, tensor) in tensors {
            let unwritable = |reason: String| WeightsError::Unwritable { tensor: name.clone(), reason };
            let element = ElementType::of(tensor)
                .ok_or_else(|| unwritable(format!("it is {}", tensor.dtype().as_str())))?;
            if name == "__metadata__" {
                return Err(unwritable("safetensors keeps this name for itself".to_owned()));
            }
            if element.size() != width {
                continue;
            }
            let start = data.len();
            append(&mut data, element, tensor)?;
            let entry = serde_json::json!({
                "dtype": element.name(), "shape": tensor.dims(), "data_offsets": [start, data.len()],
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

/// The tensor's elements, little endian, in the order of its indices.
fn append(data: &mut Vec<u8>, element: ElementType, tensor: &Tensor) -> Result<(), candle_core::Error> {
    let flat = tensor.flatten_all()?;
    match element {
        ElementType::F64 => data.extend(flat.to_vec1::<f64>()?.into_iter().flat_map(f64::to_le_bytes)),
        ElementType::F32 => data.extend(flat.to_vec1::<f32>()?.into_iter().flat_map(f32::to_le_bytes)),
        ElementType::F16 => {
            data.extend(flat.to_vec1::<half::f16>()?.into_iter().flat_map(half::f16::to_le_bytes));
        }
        ElementType::BF16 => {
            data.extend(flat.to_vec1::<half::bf16>()?.into_iter().flat_map(half::bf16::to_le_bytes));
        }
        ElementType::I64 => data.extend(flat.to_vec1::<i64>()?.into_iter().flat_map(i64::to_le_bytes)),
        ElementType::I32 => data.extend(flat.to_vec1::<i32>()?.into_iter().flat_map(i32::to_le_bytes)),
        ElementType::I16 => data.extend(flat.to_vec1::<i16>()?.into_iter().flat_map(i16::to_le_bytes)),
        ElementType::U32 => data.extend(flat.to_vec1::<u32>()?.into_iter().flat_map(u32::to_le_bytes)),
        // Memory holds neither of the last two.
        ElementType::U8 | ElementType::I8 | ElementType::Bool => data.extend(flat.to_vec1::<u8>()?),
    }
    Ok(())
}

/// Every tensor of a safetensors file. Its length is checked against its header before it is read.
pub(crate) fn read(path: &Path) -> Result<Weights, WeightsError> {
    let mut file = bounded::open(path)?;
    let start = bounded::read_exact(path, &mut file, 8)?;
    let header_length = start.iter().rev().fold(0u64, |length, &byte| length << 8 | u64::from(byte));
    let length = bounded::length(path, &file)?;
    if header_length > length - 8 {
        return Err(malformed(
            path,
            format!(
                "it is not a whole safetensors file: its header claims {header_length} bytes, {} follow",
                length - 8
            ),
        ));
    }
    let bytes = bounded::read_all(path, &mut file)?;
    let (_, header) = SafeTensors::read_metadata(&bytes)
        .map_err(|error| malformed(path, format!("it is not a whole safetensors file ({error})")))?;
    let metadata = header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
    let metadata: BTreeMap<_, _> = metadata.collect();
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| malformed(path, format!("it is not a whole safetensors file ({error})")))?;
    let mut weights = Weights::new(Format::Safetensors, metadata);
    let mut unusable = Vec::new();
    for (name, view) in file.iter() {
        match element_of(view.dtype()) {
            Some(element) => {
                weights.tensors.insert(name.to_owned(), element.tensor(view.data(), view.shape())?);
                weights.stored_as.insert(name.to_owned(), element);
            }
            None => unusable.push(format!("`{name}` is {:?}", view.dtype())),
        }
    }
    if unusable.is_empty() {
        return Ok(weights);
    }
    unusable.sort();
    Err(malformed(
        path,
        format!("tensors of these types cannot be used: {}; convert them to float32", unusable.join(", ")),
    ))
}

fn element_of(dtype: Dtype) -> Option<ElementType> {
    Some(match dtype {
        Dtype::F64 => ElementType::F64,
        Dtype::F32 => ElementType::F32,
        Dtype::F16 => ElementType::F16,
        Dtype::BF16 => ElementType::BF16,
        Dtype::I64 => ElementType::I64,
        Dtype::I32 => ElementType::I32,
        Dtype::I16 => ElementType::I16,
        Dtype::I8 => ElementType::I8,
        Dtype::U32 => ElementType::U32,
        Dtype::U8 => ElementType::U8,
        Dtype::BOOL => ElementType::Bool,
        _ => return None,
    })
}
