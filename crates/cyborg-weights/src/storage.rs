//! From views of storages to contiguous tensors.

use crate::bounded::malformed;
use crate::element::ElementType;
use crate::error::WeightsError;
use crate::rebuild::{Storage, TensorInStorage};
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::path::Path;

/// Tensors may share storages or repeat elements (`expand`), but all together have at most so many times the bytes of the
/// storages that they use ...
const MAX_REPEATS: u64 = 4;
/// ... or this many bytes, whichever is more.
const FREE_BYTES: u64 = 1 << 20;

/// Where storages come from.
pub(crate) trait Storages {
    /// Bytes of a storage; None if the file has none of that name.
    fn length(&self, storage: &Storage) -> Option<u64>;

    /// All of them.
    fn read(&mut self, storage: &Storage) -> Result<Vec<u8>, WeightsError>;
}

/// The element types of the tensors.
pub(crate) fn elements(
    path: &Path,
    tensors: &BTreeMap<String, &TensorInStorage>,
) -> Result<BTreeMap<String, ElementType>, WeightsError> {
    let mut elements = BTreeMap::new();
    let mut unusable = Vec::new();
    for (name, tensor) in tensors {
        match tensor.element {
            Some(element) => drop(elements.insert(name.clone(), element)),
            None => unusable.push(format!("`{name}` is of `{}`", tensor.storage.class)),
        }
    }
    if unusable.is_empty() {
        return Ok(elements);
    }
    let reason =
        format!("tensors of these types cannot be used: {}; convert them to float32", unusable.join(", "));
    Err(malformed(path, reason))
}

/// Every tensor, contiguous, floats as f32. One storage is in memory at a time.
pub(crate) fn materialise(
    path: &Path,
    tensors: BTreeMap<String, &TensorInStorage>,
    storages: &mut dyn Storages,
) -> Result<BTreeMap<String, Tensor>, WeightsError> {
    let mut by_storage: BTreeMap<&str, Vec<(String, &TensorInStorage)>> = BTreeMap::new();
    let (mut asked, mut there) = (0u64, 0u64);
    for (name, tensor) in tensors {
        let fault = |reason: String| malformed(path, format!("its tensor `{name}` {reason}"));
        let length = storages.length(&tensor.storage);
        let length = length
            .ok_or_else(|| fault(format!("is of storage `{}`, which is not there", tensor.storage.key)))?;
        let bytes = check(tensor, length).map_err(fault)?;
        asked = asked.saturating_add(bytes);
        let of_storage = by_storage.entry(&tensor.storage.key).or_default();
        if of_storage.is_empty() {
            there = there.saturating_add(length);
        }
        of_storage.push((name, tensor));
    }
    if asked > FREE_BYTES.max(there.saturating_mul(MAX_REPEATS)) {
        let reason = format!("its tensors claim {asked} bytes, but are made of {there}");
        return Err(malformed(path, reason));
    }
    let mut made = BTreeMap::new();
    for of_storage in by_storage.into_values() {
        let Some((_, first)) = of_storage.first() else { continue };
        let bytes = storages.read(&first.storage)?;
        for (name, tensor) in of_storage {
            let Some(element) = tensor.element else { continue };
            let contiguous = gather(&bytes, tensor, element);
            made.insert(name, element.tensor(&contiguous, &tensor.dims)?);
        }
    }
    Ok(made)
}

/// Bytes that the tensor takes, all of them inside a storage of `length` bytes.
fn check(tensor: &TensorInStorage, length: u64) -> Result<u64, String> {
    let Some(element) = tensor.element else { return Ok(0) };
    let size = element.size() as u64;
    let storage = &tensor.storage;
    let claimed = storage.n_elements.checked_mul(storage.element.map_or(1, ElementType::size) as u64);
    if claimed != Some(length) {
        return Err(format!(
            "is of storage `{}`, which claims {} elements of `{}` and has {length} bytes",
            storage.key, storage.n_elements, storage.class
        ));
    }
    let n_elements = tensor.dims.iter().try_fold(1u64, |product, &side| product.checked_mul(side as u64));
    let n_bytes = n_elements.and_then(|n| n.checked_mul(size));
    let n_bytes = n_bytes
        .filter(|&n| isize::try_from(n).is_ok())
        .ok_or_else(|| format!("has shape {:?}, more than any memory holds", tensor.dims))?;
    if n_bytes == 0 {
        return Ok(0);
    }
    let last = tensor.dims.iter().zip(&tensor.strides).try_fold(tensor.offset, |last, (&side, &stride)| {
        (side as u64 - 1).checked_mul(stride as u64).and_then(|step| last.checked_add(step))
    });
    let end = last.and_then(|last| last.checked_add(1)).and_then(|n| n.checked_mul(size));
    if end.is_none_or(|end| end > length) {
        return Err(format!(
            "(shape {:?}, strides {:?}, offset {}) reaches beyond its storage of {length} bytes",
            tensor.dims, tensor.strides, tensor.offset
        ));
    }
    Ok(n_bytes)
}

/// The tensor's elements in the order of its indices. `check` has seen to it that all are there.
fn gather(bytes: &[u8], tensor: &TensorInStorage, element: ElementType) -> Vec<u8> {
    let size = element.size();
    let n_elements: usize = tensor.dims.iter().product();
    if n_elements == 0 {
        return Vec::new();
    }
    let start = tensor.offset as usize * size;
    if is_contiguous(tensor) {
        return bytes[start..start + n_elements * size].to_vec();
    }
    let mut gathered = Vec::with_capacity(n_elements * size);
    // The stride of a single index is never taken, and may be anything.
    let strides: Vec<usize> = tensor
        .dims
        .iter()
        .zip(&tensor.strides)
        .map(|(&side, &stride)| if side == 1 { 0 } else { stride })
        .collect();
    let mut index = vec![0usize; tensor.dims.len()];
    let mut at = tensor.offset as usize;
    for _ in 0..n_elements {
        gathered.extend_from_slice(&bytes[at * size..(at + 1) * size]);
        // The next index, the last dimension fastest.
        for dim in (0..index.len()).rev() {
            index[dim] += 1;
            at += strides[dim];
            if index[dim] < tensor.dims[dim] {
                break;
            }
            at -= index[dim] * strides[dim];
            index[dim] = 0;
        }
    }
    gathered
}

fn is_contiguous(tensor: &TensorInStorage) -> bool {
    let mut expected = 1;
    for (&side, &stride) in tensor.dims.iter().zip(&tensor.strides).rev() {
        if side != 1 && stride != expected {
            return false;
        }
        expected *= side;
    }
    true
}
