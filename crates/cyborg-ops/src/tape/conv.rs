//! Convolution.

use candle_core::{Result, Tensor};

use super::{Tape, Value};
use crate::Conv2dConfig;
use crate::conv2d::{Geometry, plan};
use crate::maps::{Maps, Shape};
use crate::plain::{checked, with_values};
use crate::recycle;

/// The sizes of one convolution; (height, width) each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Input channels, output channels.
    pub channels: (usize, usize),
    /// Of the input.
    pub size: (usize, usize),
    /// Of the window.
    pub kernel: (usize, usize),
    /// How the window moves.
    pub config: Conv2dConfig,
}

impl Tape {
    /// [`crate::conv2d()`] without a bias.
    ///
    /// # Errors
    /// As there.
    pub fn conv2d(&self, input: &Value, weight: &Tensor, config: Conv2dConfig) -> Result<Value> {
        let geometry = self.geometry(input, weight, config)?;
        let parameter = self.parameter(weight);
        let weight = checked("conv2d", "weight", weight)?;
        let values = with_values(&weight, |weight| plan::forward(&geometry, input.values(), weight))?;
        let maps = Maps::new(Shape::of(geometry.output_shape()), values);
        let slot = input.slot();
        let wanted = slot.is_some() || parameter.is_some();
        let x = parameter.map(|_| input.keep());
        Ok(self.push(maps, wanted, move |gradient, gradients| {
            if let Some(x) = x {
                let dw = x.with(|x| plan::weight_gradient(&geometry, x, &gradient))?;
                gradients.add_parameter(parameter, dw);
            }
            if slot.is_some() {
                let dx = with_values(&weight, |weight| plan::input_gradient(&geometry, weight, &gradient))?;
                gradients.add(slot, dx);
            }
            recycle::give(gradient);
            Ok(())
        }))
    }

    /// The sizes of a convolution that is about to be done.
    pub(super) fn geometry(&self, input: &Value, weight: &Tensor, config: Conv2dConfig) -> Result<Geometry> {
        let geometry = Geometry::of(input.dims(), weight.dims(), config)?;
        self.convolutions.borrow_mut().push(ConvShape {
            batch: geometry.batch,
            channels: (geometry.channels_in(), geometry.channels_out()),
            size: (geometry.down.input, geometry.across.input),
            kernel: (geometry.down.kernel, geometry.across.kernel),
            config,
        });
        Ok(geometry)
    }

    /// Adds one value a channel, as [`crate::conv2d()`] does behind its sums.
    pub(crate) fn add_bias(&self, input: &Value, bias: &Tensor) -> Result<Value> {
        let op = "conv2d";
        crate::plain::per_channel(op, "bias", bias, input.shape().channels)?;
        let parameter = self.parameter(bias);
        let shape = input.shape();
        let mut values = input.values().to_vec();
        with_values(&checked(op, "bias", bias)?, |bias| {
            for row in values.chunks_exact_mut(bias.len().max(1)) {
                row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
            }
        })?;
        let slot = input.slot();
        let wanted = slot.is_some() || parameter.is_some();
        Ok(self.push(Maps::new(shape, values), wanted, move |gradient, gradients| {
            let mut sums = vec![0.0_f64; shape.channels];
            for row in gradient.chunks_exact(shape.channels.max(1)) {
                sums.iter_mut().zip(row).for_each(|(sum, &g)| *sum += f64::from(g));
            }
            gradients.add_parameter(parameter, sums.into_iter().map(|sum| sum as f32).collect());
            gradients.add(slot, gradient);
            Ok(())
        }))
    }
}
