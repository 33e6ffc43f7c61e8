//! Convolution.

use candle_core::{Result, Tensor};

use super::{Tape, Value};
use crate::Conv2dConfig;
use crate::conv2d::{Geometry, plan};
use crate::maps::{Maps, Shape};
use crate::plain::{checked, with_values};
use crate::recycle;

impl Tape {
    /// [`crate::conv2d()`] without a bias.
    ///
    /// # Errors
    /// As there.
    pub fn conv2d(&self, input: &Value, weight: &Tensor, config: Conv2dConfig) -> Result<Value> {
        let geometry = Geometry::of(input.dims(), weight.dims(), config)?;
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
}
