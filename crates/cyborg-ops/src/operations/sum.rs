//! Sums, element by element.

use candle_core::Result;

use super::broadcast::Broadcast;
use crate::maps::Maps;
use crate::tape::{Backward, Needs, Operation, expect_inputs};

const NAME: &str = "sum";

/// The sum of two maps, element by element. The second may have one channel where the first has several, one pixel, or
/// both; the result has the shape of the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum;

impl Operation for Sum {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&mut self, inputs: &[&Maps], _parameters: &[&[f32]]) -> Result<Maps> {
        let [a, b] = expect_inputs(NAME, inputs)?;
        Ok(Broadcast::of(NAME, a.shape, b.shape)?.combine(&a.values, b, |a, b| a + b))
    }

    fn backward(self, gradient: Maps, backward: &mut Backward<'_>) -> Result<()> {
        let (a, b) = (backward.input_shape(0)?, backward.input_shape(1)?);
        if backward.wants_input(1) {
            let sums = Broadcast::of(NAME, a, b)?.sum(b, |index| gradient.values[index]);
            backward.add_input(1, sums)?;
        }
        backward.add_input(0, gradient)
    }
}
