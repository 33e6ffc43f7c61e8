//! Between candle's tensors and plain slices of `f32`.

use candle_core::{CpuStorage, DType, Device, Layout, Result, Storage, Tensor};

use crate::OpsError;

/// The tensor laid out row by row, once it is known to be `f32` on the CPU.
pub(crate) fn checked(op: &'static str, name: &'static str, tensor: &Tensor) -> Result<Tensor> {
    if tensor.dtype() != DType::F32 {
        return Err(OpsError::DType { op, tensor: name, found: tensor.dtype() }.into());
    }
    if !tensor.device().is_cpu() {
        let found = format!("{:?}", tensor.device().location());
        return Err(OpsError::Device { op, tensor: name, found }.into());
    }
    tensor.contiguous()
}

/// `(batch, channels, height, width)` of a tensor that must have them.
pub(crate) fn dims4(op: &'static str, name: &'static str, tensor: &Tensor) -> Result<[usize; 4]> {
    <[usize; 4]>::try_from(tensor.dims()).map_err(|_| {
        let expected = "(batch, channels, height, width)";
        OpsError::Rank { op, tensor: name, expected, found: tensor.dims().to_vec() }.into()
    })
}

/// Demands a vector with one value a channel.
pub(crate) fn per_channel(
    op: &'static str,
    name: &'static str,
    tensor: &Tensor,
    channels: usize,
) -> Result<()> {
    let &[found] = tensor.dims() else {
        let found = tensor.dims().to_vec();
        return Err(OpsError::Rank { op, tensor: name, expected: "(channels)", found }.into());
    };
    if found != channels {
        return Err(OpsError::Size { op, what: name, expected: channels, found }.into());
    }
    Ok(())
}

/// The values of a storage that [`checked`] has laid out.
pub(crate) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("internal error in cyborg-ops: layout {layout:?} is not contiguous");
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Calls `read` with the values of a tensor.
pub(crate) fn with_values<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(read(values(storage, layout)?)),
        _ => candle_core::bail!("internal error in cyborg-ops: a tensor left the CPU"),
    }
}

/// Calls `read` with the values of two tensors.
pub(crate) fn with_both<T>(a: &Tensor, b: &Tensor, read: impl FnOnce(&[f32], &[f32]) -> T) -> Result<T> {
    with_values(a, |a| with_values(b, |b| read(a, b)))?
}

/// A new tensor on the CPU.
pub(crate) fn tensor(values: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
    Tensor::from_vec(values, shape, &Device::Cpu)
}
