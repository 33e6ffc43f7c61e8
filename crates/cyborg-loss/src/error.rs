//! What can go wrong: shapes that do not fit together.

use candle_core::Tensor;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// Two arguments do not fit together, or one has the wrong number of dimensions.
    #[error("{what}: expected shape {expected}, found {found:?}")]
    ShapeMismatch {
        /// The argument, as the function's signature calls it.
        what: &'static str,
        /// The shape that the other arguments ask for.
        expected: String,
        /// The shape that it has.
        found: Vec<usize>,
    },
    /// The tensor library refused: an index outside the classes, another type of number.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// Fails unless `tensor` has exactly these dimensions.
pub(crate) fn expect_shape(what: &'static str, tensor: &Tensor, expected: &[usize]) -> Result<(), LossError> {
    if tensor.dims() == expected {
        return Ok(());
    }
    Err(LossError::ShapeMismatch { what, expected: format!("{expected:?}"), found: tensor.dims().to_vec() })
}

/// The dimensions of a tensor that must have `N` of them; `names` says what they are, for the message.
pub(crate) fn expect_rank<const N: usize>(
    what: &'static str,
    tensor: &Tensor,
    names: &str,
) -> Result<[usize; N], LossError> {
    <[usize; N]>::try_from(tensor.dims()).map_err(|_| LossError::ShapeMismatch {
        what,
        expected: names.to_owned(),
        found: tensor.dims().to_vec(),
    })
}
