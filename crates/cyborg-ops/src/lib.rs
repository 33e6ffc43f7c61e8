//! Differentiable CNN operations that candle lacks; no networks.
#![allow(missing_docs, unused_variables, clippy::missing_errors_doc)]
use candle_core::{Result, Tensor};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    pub stride: (usize, usize),
    pub padding: (usize, usize),
    pub dilation: (usize, usize),
    pub groups: usize,
}
impl Default for Conv2dConfig {
    fn default() -> Self {
        Self { stride: (1, 1), padding: (0, 0), dilation: (1, 1), groups: 1 }
    }
}
/// `input (batch, in, h, w)`, `weight (out, in / groups, kh, kw)`, `bias (out)`.
pub fn conv2d(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, config: Conv2dConfig) -> Result<Tensor> {
    todo!()
}
/// What one training batch adds to the running statistics; per channel.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    pub mean: Tensor,
    /// Unbiased (divided by n - 1), as PyTorch puts it into `running_var`.
    pub variance: Tensor,
}
/// Normalises by the statistics of this batch. `gamma`, `beta`: `(channels)`. Gradients flow through the statistics.
pub fn batch_norm_train(input: &Tensor, gamma: &Tensor, beta: &Tensor, eps: f64) -> Result<(Tensor, BatchStatistics)> {
    todo!()
}
/// Normalises by running statistics (constants). Differentiable in input, gamma, beta.
pub fn batch_norm_eval(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f64,
) -> Result<Tensor> {
    todo!()
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    pub kernel: (usize, usize),
    pub stride: (usize, usize),
    pub padding: (usize, usize),
    pub ceil_mode: bool,
}
pub fn max_pool2d(input: &Tensor, config: PoolConfig) -> Result<Tensor> {
    todo!()
}
pub fn avg_pool2d(input: &Tensor, config: PoolConfig, count_include_pad: bool) -> Result<Tensor> {
    todo!()
}
/// `(batch, channels, h, w)` to `(batch, channels)`.
pub fn global_avg_pool2d(input: &Tensor) -> Result<Tensor> {
    todo!()
}
pub fn relu(input: &Tensor) -> Result<Tensor> {
    todo!()
}
