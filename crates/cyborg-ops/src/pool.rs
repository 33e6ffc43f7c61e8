//! Pooling: largest value, mean, mean over the whole plane.

use candle_core::{Result, Tensor};

use crate::OpsError;
use crate::adapter;
use crate::plain::dims4;
use crate::windows::{Axis, Windows};

pub(crate) const EMPTY_INPUT: &str = "height and width of `input`";

/// Where the windows of a pooling lie; (height, width) each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// Size of the window.
    pub kernel: (usize, usize),
    /// Step from one window to the next.
    pub stride: (usize, usize),
    /// Cells added on each side: minus infinity for the largest value, zero for the mean. At most half the kernel.
    pub padding: (usize, usize),
    /// Round the number of windows up instead of down. As in PyTorch, no window starts beyond the input and the
    /// padding before it.
    pub ceil_mode: bool,
}

/// The largest value in each window. NaN wins over every number; of equals the first in reading order gets the gradient.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - returns: `(batch, channels, windows down, windows across)`
///
/// # Errors
/// On another rank, type or device; if kernel or stride is 0, if padding is more than half the kernel, if the kernel
/// does not fit into the padded input.
pub fn max_pool2d(input: &Tensor, config: PoolConfig) -> Result<Tensor> {
    let op = "max_pool2d";
    adapter::run(op, [input], move |tape, [input]| {
        tape.max_pool2d(&tape.input_of(op, "input", input)?, config)
    })
}

/// The mean of each window.
///
/// With `count_include_pad` the padding counts as zeros; without, the mean is over real cells only. In both cases, as in
/// PyTorch, what ceil mode adds beyond the padding is not counted.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - returns: `(batch, channels, windows down, windows across)`
///
/// # Errors
/// As [`max_pool2d`].
pub fn avg_pool2d(input: &Tensor, config: PoolConfig, count_include_pad: bool) -> Result<Tensor> {
    let op = "avg_pool2d";
    adapter::run(op, [input], move |tape, [input]| {
        tape.avg_pool2d(&tape.input_of(op, "input", input)?, config, count_include_pad)
    })
}

/// The mean of each plane.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - returns: `(batch, channels)`
///
/// # Errors
/// On another rank, type or device; if the planes are empty.
pub fn global_avg_pool2d(input: &Tensor) -> Result<Tensor> {
    let op = "global_avg_pool2d";
    let [batch, channels, ..] = dims4(op, "input", input)?;
    adapter::run_shaped(op, [input], &[batch, channels], move |tape, [input]| {
        tape.global_avg_pool2d(&tape.input_of(op, "input", input)?)
    })
}

/// The windows of a pooling over an input of (batch, channels, height, width).
pub(crate) fn windows(
    op: &'static str,
    [batch, channels, height, width]: [usize; 4],
    config: PoolConfig,
) -> Result<Windows> {
    let PoolConfig { kernel, stride, padding, ceil_mode } = config;
    for (setting, found) in [("kernel", kernel), ("stride", stride), (EMPTY_INPUT, (height, width))] {
        if found.0 == 0 || found.1 == 0 {
            return Err(OpsError::Zero { op, setting, found }.into());
        }
    }
    if padding.0 > kernel.0 / 2 || padding.1 > kernel.1 / 2 {
        return Err(OpsError::Padding { op, padding, kernel }.into());
    }
    let down = Axis::new(height, kernel.0, stride.0, padding.0, ceil_mode);
    let across = Axis::new(width, kernel.1, stride.1, padding.1, ceil_mode);
    let (Some(down), Some(across)) = (down, across) else {
        let padded = (height + 2 * padding.0, width + 2 * padding.1);
        return Err(OpsError::Window { op, window: kernel, padded }.into());
    };
    Ok(Windows { batch, channels, down, across })
}
