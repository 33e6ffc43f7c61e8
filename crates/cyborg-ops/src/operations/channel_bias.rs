//! The bias of a convolution.

use candle_core::Result;

use crate::OpsError;
use crate::maps::Maps;
use crate::tape::{Backward, Needs, Operation, expect_inputs};

const NAME: &str = "channel_bias";

/// Adds one value to each channel: what `torch.nn.Conv2d` with a bias does behind its sums. Its only parameter is the bias,
/// of `(channels)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChannelBias;

impl Operation for ChannelBias {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&mut self, inputs: &[&Maps], parameters: &[&[f32]]) -> Result<Maps> {
        let ([input], &[bias]) = (expect_inputs(NAME, inputs)?, parameters) else {
            let (what, found) = ("the number of parameters", parameters.len());
            return Err(OpsError::Size { op: NAME, what, expected: 1, found }.into());
        };
        let (expected, found) = (input.shape.channels, bias.len());
        if found != expected {
            return Err(OpsError::Size { op: NAME, what: "bias", expected, found }.into());
        }
        let mut values = input.values.clone();
        for row in values.chunks_exact_mut(bias.len().max(1)) {
            row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
        }
        Ok(Maps::new(input.shape, values))
    }

    fn backward(self, gradient: Maps, backward: &mut Backward<'_>) -> Result<()> {
        if backward.wants_parameter(0) {
            let channels = gradient.shape.channels;
            let mut sums = vec![0.0_f64; channels];
            for row in gradient.values.chunks_exact(channels.max(1)) {
                sums.iter_mut().zip(row).for_each(|(sum, &g)| *sum += f64::from(g));
            }
            backward.add_parameter(0, sums.into_iter().map(|sum| sum as f32).collect())?;
        }
        backward.add_input(0, gradient)
    }
}
