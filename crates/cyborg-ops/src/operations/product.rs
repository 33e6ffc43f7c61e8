//! Products, element by element: gates and attention maps.

use candle_core::Result;

use super::broadcast::Broadcast;
use crate::maps::Maps;
use crate::tape::{Backward, Needs, Operation, expect_inputs};

const NAME: &str = "product";

/// The product of two maps, element by element. The second may have one channel where the first has several (an attention
/// map), one pixel (a gate for each channel), or both; the result has the shape of the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Product;

impl Operation for Product {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn forward(&mut self, inputs: &[&Maps], _parameters: &[&[f32]]) -> Result<Maps> {
        let [a, b] = expect_inputs(NAME, inputs)?;
        Ok(Broadcast::of(NAME, a.shape, b.shape)?.combine(&a.values, b, |a, b| a * b))
    }

    fn backward(self, mut gradient: Maps, backward: &mut Backward<'_>) -> Result<()> {
        let (a, b) = (backward.input(0)?, backward.input(1)?);
        let broadcast = Broadcast::of(NAME, a.shape, b.shape)?;
        if backward.wants_input(1) {
            let sums = broadcast.sum(b.shape, |index| gradient.values[index] * a.values[index]);
            backward.add_input(1, sums)?;
        }
        if backward.wants_input(0) {
            broadcast.update(&mut gradient.values, &b, |gradient, b| gradient * b);
            backward.add_input(0, gradient)?;
        }
        Ok(())
    }
}
