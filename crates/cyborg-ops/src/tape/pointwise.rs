//! ReLU, sums, and channels side by side.

use std::sync::Arc;

use candle_core::Result;

use super::{Slot, Tape, Value};
use crate::maps::{Maps, Shape};
use crate::view::View;
use crate::{OpsError, pointwise, recycle};

impl Tape {
    /// [`crate::relu()`].
    pub fn relu(&self, input: &Value) -> Value {
        let maps = Arc::new(Maps::new(input.shape(), pointwise::relu(input.values())));
        let (mask, slot) = (Arc::clone(&maps), input.slot());
        self.push_shared(maps, slot.is_some(), move |mut gradient, gradients| {
            pointwise::mask(&mut gradient, &mask.values);
            gradients.add(slot, gradient);
            Ok(())
        })
    }

    /// [`crate::add_relu()`].
    ///
    /// # Errors
    /// Unless both have one shape.
    pub fn add_relu(&self, a: &Value, b: &Value) -> Result<Value> {
        if a.shape() != b.shape() {
            let (expected, found) = (format!("the shape of `a`, {:?}", a.dims()), format!("{:?}", b.dims()));
            return Err(OpsError::Shape { op: "add_relu", tensor: "b", expected, found }.into());
        }
        let maps = Arc::new(Maps::new(a.shape(), pointwise::add_relu(a.values(), b.values())));
        let (mask, slots) = (Arc::clone(&maps), [a.slot(), b.slot()]);
        let wanted = slots.iter().any(Option::is_some);
        Ok(self.push_shared(maps, wanted, move |mut gradient, gradients| {
            pointwise::mask(&mut gradient, &mask.values);
            if let [Some(_), Some(_)] = slots {
                gradients.add(slots[0], gradient.clone());
                gradients.add(slots[1], gradient);
            } else {
                gradients.add(slots[0].or(slots[1]), gradient);
            }
            Ok(())
        }))
    }

    /// [`crate::concat_channels`].
    ///
    /// # Errors
    /// If there is none; if batch, height or width differ from the first one's.
    pub fn concat_channels(&self, inputs: &[&Value]) -> Result<Value> {
        let op = "concat_channels";
        let Some(first) = inputs.first() else {
            return Err(OpsError::Zero { op, setting: "the number of tensors", found: (0, 0) }.into());
        };
        let Shape { batch, height, width, .. } = first.shape();
        let mut channels = 0;
        for input in inputs {
            let shape = input.shape();
            if (Shape { channels: shape.channels, ..first.shape() }) != shape {
                let expected = format!("the first one's batch, height and width, {batch}, {height}, {width}");
                let found = format!("shape {:?}", shape.dims());
                return Err(OpsError::Shape { op, tensor: "tensors", expected, found }.into());
            }
            channels += shape.channels;
        }
        let shape = Shape { channels, ..first.shape() };
        let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
        let maps = Maps::new(shape, pointwise::concat(&views));
        let places: Vec<(Option<Slot>, usize)> =
            inputs.iter().map(|input| (input.slot(), input.shape().channels)).collect();
        let wanted = places.iter().any(|(slot, _)| slot.is_some());
        Ok(self.push(maps, wanted, move |gradient, gradients| {
            let mut start = 0;
            for (slot, len) in places {
                if slot.is_some() {
                    gradients.add(slot, pointwise::take(View::part(&gradient, channels, start, len)));
                }
                start += len;
            }
            recycle::give(gradient);
            Ok(())
        }))
    }
}
