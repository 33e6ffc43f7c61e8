//! Images' channels one after the other.

use candle_core::{Result, Tensor};

use crate::OpsError;
use crate::adapter;
use crate::tape::{Tape, Value};

const OP: &str = "concat_channels";

/// The channels of all `tensors` in one, in their order: PyTorch's `torch.cat(tensors, 1)`.
///
/// Each gets its own channels of the gradient, copied once (candle's own `cat` hands out views, and adds them to zeros
/// value by value).
///
/// # Shapes
/// - `tensors`: `(batch, channels, height, width)`, channels may differ
/// - returns: `(batch, sum of the channels, height, width)`
///
/// # Errors
/// On another rank, type or device; if there is none; if batch, height or width differ from the first tensor's.
pub fn concat_channels(tensors: &[&Tensor]) -> Result<Tensor> {
    match *tensors {
        [] => Err(OpsError::Zero { op: OP, setting: "the number of tensors", found: (0, 0) }.into()),
        [a] => adapter::run(OP, [a], joined),
        [a, b] => adapter::run(OP, [a, b], joined),
        [a, b, c] => adapter::run(OP, [a, b, c], joined),
        _ => {
            // candle has operations of three inputs at most.
            let (first, last) = tensors.split_at(tensors.len() / 2);
            concat_channels(&[&concat_channels(first)?, &concat_channels(last)?])
        }
    }
}

fn joined<const N: usize>(tape: &Tape, tensors: [&Tensor; N]) -> Result<Value> {
    let mut values = Vec::with_capacity(N);
    for tensor in tensors {
        values.push(tape.input_of(OP, "tensors", tensor)?);
    }
    tape.concat_channels(&values.iter().collect::<Vec<_>>())
}
