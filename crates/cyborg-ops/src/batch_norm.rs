//! Batch normalisation over (batch, height, width), by the batch's own statistics or by given ones.

use candle_core::{Result, Tensor};

use crate::adapter;
use crate::tape::{After, Tape};

/// What one training batch adds to the running statistics; per channel, no gradient.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// Mean over batch, height and width: `(channels)`.
    pub mean: Tensor,
    /// Variance, unbiased (divided by n - 1), as PyTorch puts it into `running_var`: `(channels)`.
    pub variance: Tensor,
}

/// Normalises by the mean and the (biased) variance of this batch, then scales by `gamma` and shifts by `beta`.
///
/// Gradients flow to `input`, through the statistics too, to `gamma` and to `beta`.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - `gamma`, `beta`: `(channels)`
/// - returns: as `input`, and the statistics for the running averages
///
/// # Errors
/// On other shapes, types or devices; on fewer than two values a channel; on an `eps` that is negative or not finite.
pub fn batch_norm_train(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    eps: f64,
) -> Result<(Tensor, BatchStatistics)> {
    train("batch_norm_train", [input, gamma, beta], eps, After::Nothing)
}

/// [`batch_norm_train`] followed by [`crate::relu()`], in the same passes over memory.
///
/// # Errors
/// As [`batch_norm_train`].
pub fn batch_norm_relu_train(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    eps: f64,
) -> Result<(Tensor, BatchStatistics)> {
    train("batch_norm_relu_train", [input, gamma, beta], eps, After::Relu)
}

/// Normalises by running statistics, then scales by `gamma` and shifts by `beta`.
///
/// Gradients flow to `input`, `gamma` and `beta`; the statistics are constants.
///
/// # Shapes
/// - `input`: `(batch, channels, height, width)`
/// - `gamma`, `beta`, `running_mean`, `running_var`: `(channels)`
/// - returns: as `input`
///
/// # Errors
/// On other shapes, types or devices; on an `eps` that is negative or not finite.
pub fn batch_norm_eval(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f64,
) -> Result<Tensor> {
    eval("batch_norm_eval", [input, gamma, beta], [running_mean, running_var], eps, After::Nothing)
}

/// [`batch_norm_eval`] followed by [`crate::relu()`], in the same pass over memory.
///
/// # Errors
/// As [`batch_norm_eval`].
pub fn batch_norm_relu_eval(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f64,
) -> Result<Tensor> {
    eval("batch_norm_relu_eval", [input, gamma, beta], [running_mean, running_var], eps, After::Relu)
}

fn train(
    op: &'static str,
    inputs: [&Tensor; 3],
    eps: f64,
    after: After<'static>,
) -> Result<(Tensor, BatchStatistics)> {
    let run = move |tape: &Tape, [input, gamma, beta]: [&Tensor; 3]| {
        tape.batch_norm_train(&tape.input_of(op, "input", input)?, gamma, beta, eps, after)
    };
    let (output, statistics) = run(&Tape::new(false), inputs)?;
    let output = adapter::attach(op, inputs, output, move |tape, inputs| Ok(run(tape, inputs)?.0))?;
    Ok((output, statistics))
}

fn eval(
    op: &'static str,
    inputs: [&Tensor; 3],
    running: [&Tensor; 2],
    eps: f64,
    after: After<'static>,
) -> Result<Tensor> {
    let [mean, variance] = running.map(Tensor::detach);
    adapter::run(op, inputs, move |tape, [input, gamma, beta]| {
        tape.batch_norm_eval(&tape.input_of(op, "input", input)?, [gamma, beta, &mean, &variance], eps, after)
    })
}
