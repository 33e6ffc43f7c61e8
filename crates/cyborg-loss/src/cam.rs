//! Class activation maps, in the graph: the map term trains the network through them.

use crate::error::{LossError, expect_rank, expect_shape};
use candle_core::{D, DType, Tensor};

/// Which class's activation map is compared with people's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CamClass {
    /// The class with the largest logit, as in the released CYBORG and VISER code; the reference.
    Predicted,
    /// The label, as in MENTOR, Grains of Saliency and the fingerprint follow-up.
    True,
}

/// The class with the largest logit, `(batch)` u32: the first of equals. It is an index, so no gradient passes it.
///
/// A NaN counts as the largest, as in PyTorch.
///
/// # Errors
/// [`LossError::ShapeMismatch`] unless `logits` is `(batch, classes)` with at least one class.
pub fn predicted_class(logits: &Tensor) -> Result<Tensor, LossError> {
    let [batch, classes] = expect_rank("logits", logits, "(batch, classes)")?;
    if classes == 0 {
        return Err(LossError::ShapeMismatch {
            what: "logits",
            expected: "(batch, classes) with at least one class".to_owned(),
            found: logits.dims().to_vec(),
        });
    }
    let rows = logits.detach().to_dtype(DType::F64)?.to_vec2::<f64>()?;
    let predicted: Vec<u32> = rows.iter().map(|row| first_largest(row)).collect();
    Ok(Tensor::from_vec(predicted, batch, logits.device())?)
}

fn first_largest(row: &[f64]) -> u32 {
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if row[best].is_nan() {
            break;
        }
        if value.is_nan() || *value > row[best] {
            best = index;
        }
    }
    best as u32
}

/// The class activation map `W_c . F(y, x)` of one class per image: no bias, no ReLU (Zhou et al. 2016, as the
/// released CYBORG code has it).
///
/// # Shapes
/// - `features`: `(batch, channels, height, width)`, from the network's tap
/// - `weight`: `(classes, channels)`, of the last linear layer
/// - `class_idx`: `(batch)`, u32, each below `classes`
/// - returns: `(batch, height, width)`, differentiable in `features` and `weight`
///
/// # Errors
/// [`LossError::ShapeMismatch`] unless the shapes agree; [`LossError::Tensor`] for a class that does not exist.
pub fn cam_from_features(
    features: &Tensor,
    weight: &Tensor,
    class_idx: &Tensor,
) -> Result<Tensor, LossError> {
    let [batch, channels, height, width] =
        expect_rank("features", features, "(batch, channels, height, width)")?;
    let [_, weight_channels] = expect_rank("weight", weight, "(classes, channels)")?;
    if weight_channels != channels {
        return Err(LossError::ShapeMismatch {
            what: "weight",
            expected: format!("(classes, {channels})"),
            found: weight.dims().to_vec(),
        });
    }
    expect_shape("class_idx", class_idx, &[batch])?;
    let rows = weight.index_select(class_idx, 0)?.unsqueeze(1)?;
    let cells = features.flatten_from(2)?.contiguous()?;
    Ok(rows.matmul(&cells)?.reshape((batch, height, width))?)
}

/// Per image: minus its minimum, then divided by the maximum of that. Gradient flows through both, shared equally
/// among cells that tie for the minimum or the maximum (as PyTorch's `min()` and `max()` do).
///
/// DIFFERENCE: a flat CAM becomes 0 everywhere with gradient 0; the released code divides 0 by 0.
///
/// # Shapes
/// - `cams`: `(batch, height, width)`
/// - returns: the same, values in `[0, 1]`, differentiable
///
/// # Errors
/// [`LossError::ShapeMismatch`] unless `cams` has three dimensions and at least one cell.
///
/// # Examples
/// ```
/// use candle_core::{Device, Tensor};
/// let cams = Tensor::new(&[[[-1f32, 1.0, 3.0]]], &Device::Cpu)?;
/// let normalised = cyborg_loss::min_max_normalise(&cams)?;
/// assert_eq!(normalised.to_vec3::<f32>()?, [[[0.0, 0.5, 1.0]]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn min_max_normalise(cams: &Tensor) -> Result<Tensor, LossError> {
    let [batch, height, width] = expect_rank("cams", cams, "(batch, height, width)")?;
    if height * width == 0 {
        return Err(LossError::ShapeMismatch {
            what: "cams",
            expected: "(batch, height, width) with at least one cell".to_owned(),
            found: cams.dims().to_vec(),
        });
    }
    let cells = cams.reshape((batch, height * width))?;
    let minimum = shared_extreme(&cells, &cells.detach().min_keepdim(D::Minus1)?)?;
    let shifted = cells.broadcast_sub(&minimum)?;
    let maximum = shared_extreme(&shifted, &shifted.detach().max_keepdim(D::Minus1)?)?;

    // Where the image is flat, divide by 1 and multiply by 0: value and gradient are 0, and never 0 / 0.
    let is_flat = maximum.detach().eq(0f64)?;
    let divisor = is_flat.where_cond(&maximum.ones_like()?.detach(), &maximum)?;
    let keep = is_flat.eq(0f64)?.to_dtype(cams.dtype())?;
    let normalised = shifted.broadcast_div(&divisor)?.broadcast_mul(&keep)?;
    Ok(normalised.reshape((batch, height, width))?)
}

/// `extreme`, the smallest or largest value of each row of `values`, as a function of `values`: its value is exact
/// (what is added is 0) and its gradient is shared equally among the cells that equal it.
///
/// `values (batch, cells)`, `extreme (batch, 1)` outside the graph; returns `(batch, 1)`.
fn shared_extreme(values: &Tensor, extreme: &Tensor) -> candle_core::Result<Tensor> {
    let constant = values.detach();
    let ties = constant.broadcast_eq(extreme)?.to_dtype(values.dtype())?;
    let share = ties.broadcast_div(&ties.sum_keepdim(D::Minus1)?)?;
    let nothing = ((values - constant)? * share)?.sum_keepdim(D::Minus1)?;
    extreme + nothing
}
