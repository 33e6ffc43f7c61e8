//! Pooling.

use candle_core::Result;

use super::{Tape, Value};
use crate::maps::{Maps, Shape};
use crate::pool::{self, EMPTY_INPUT};
use crate::windows::Windows;
use crate::{OpsError, PoolConfig, pool2d, recycle};

impl Tape {
    /// [`crate::max_pool2d`].
    ///
    /// # Errors
    /// As there.
    pub fn max_pool2d(&self, input: &Value, config: PoolConfig) -> Result<Value> {
        let windows = pool::windows("max_pool2d", input.dims(), config)?;
        let (values, winners) = pool2d::max_pool(&windows, input.values());
        let slot = input.slot();
        let maps = Maps::new(output_shape(&windows), values);
        Ok(self.push(maps, slot.is_some(), move |gradient, gradients| {
            gradients.add(slot, pool2d::max_pool_gradient(&windows, &winners, &gradient));
            recycle::give(gradient);
            Ok(())
        }))
    }

    /// [`crate::avg_pool2d`].
    ///
    /// # Errors
    /// As there.
    pub fn avg_pool2d(&self, input: &Value, config: PoolConfig, count_include_pad: bool) -> Result<Value> {
        let windows = pool::windows("avg_pool2d", input.dims(), config)?;
        let slot = input.slot();
        let values = pool2d::avg_pool(&windows, input.values(), count_include_pad);
        let maps = Maps::new(output_shape(&windows), values);
        Ok(self.push(maps, slot.is_some(), move |gradient, gradients| {
            gradients.add(slot, pool2d::avg_pool_gradient(&windows, &gradient, count_include_pad));
            recycle::give(gradient);
            Ok(())
        }))
    }

    /// [`crate::global_avg_pool2d`]; the result has one pixel.
    ///
    /// # Errors
    /// If the planes are empty.
    pub fn global_avg_pool2d(&self, input: &Value) -> Result<Value> {
        let shape = input.shape();
        if shape.plane() == 0 {
            let found = (shape.height, shape.width);
            return Err(OpsError::Zero { op: "global_avg_pool2d", setting: EMPTY_INPUT, found }.into());
        }
        let slot = input.slot();
        let values = pool2d::global_avg_pool(input.values(), shape.plane(), shape.channels);
        let maps = Maps::new(Shape { height: 1, width: 1, ..shape }, values);
        Ok(self.push(maps, slot.is_some(), move |gradient, gradients| {
            gradients.add(slot, pool2d::global_avg_pool_gradient(&gradient, shape.plane(), shape.channels));
            Ok(())
        }))
    }
}

fn output_shape(windows: &Windows) -> Shape {
    let Windows { batch, channels, down, across } = *windows;
    Shape { batch, height: down.output, width: across.output, channels }
}
