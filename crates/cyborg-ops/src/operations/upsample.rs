//! Maps of another height and width, by interpolation.

use candle_core::Result;

use crate::OpsError;
use crate::maps::{Maps, Shape};
use crate::parallel::map;
use crate::tape::{Backward, Needs, Operation, expect_inputs};

const NAME: &str = "upsample";

/// How values between pixels are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The pixel that the place falls into: PyTorch's `interpolate(mode="nearest")`.
    Nearest,
    /// Between the four pixels around the place, by their distance: PyTorch's
    /// `interpolate(mode="bilinear", align_corners=False)`.
    Bilinear,
}

/// Maps of this height and width, as PyTorch's `interpolate(size=...)` makes them. The gradient is that of the very sums
/// that the forward pass takes. It works for smaller sizes too, where it leaves pixels out, as PyTorch does without
/// `antialias`.
#[derive(Clone, Copy, Debug)]
pub struct Upsample {
    /// Rows of the result, at least 1.
    pub height: usize,
    /// Columns of the result, at least 1.
    pub width: usize,
    /// How values between pixels are found.
    pub interpolation: Interpolation,
}

/// Two cells of the input and their weights; where one is enough, the second has weight 0.
type Pair = [(usize, f32); 2];

impl Upsample {
    /// For each cell of a direction of the result, where its value comes from. In f32, as PyTorch does it, so that places on
    /// the edge between two cells fall to the same one.
    fn pairs(self, input: usize, output: usize) -> Vec<Pair> {
        let scale = input as f32 / output as f32;
        let pair = |cell: usize| match self.interpolation {
            Interpolation::Nearest => {
                let at = ((cell as f32 * scale) as usize).min(input - 1);
                [(at, 1.0), (at, 0.0)]
            }
            Interpolation::Bilinear => {
                let place = (scale * (cell as f32 + 0.5) - 0.5).max(0.0);
                let at = (place as usize).min(input - 1);
                let next = (at + 1).min(input - 1);
                let weight = place - at as f32;
                [(at, 1.0 - weight), (next, weight)]
            }
        };
        (0..output).map(pair).collect()
    }

    fn output(self, input: Shape) -> Result<Shape> {
        let sizes = [
            ("height and width of the input", (input.height, input.width)),
            ("height and width of the result", (self.height, self.width)),
        ];
        for (setting, found) in sizes {
            if found.0 == 0 || found.1 == 0 {
                return Err(OpsError::Zero { op: NAME, setting, found }.into());
            }
        }
        Ok(Shape { height: self.height, width: self.width, ..input })
    }
}

/// The pixels that a pixel of the result is a sum of, with their weights.
fn corners([rows, columns]: [Pair; 2], width: usize) -> impl Iterator<Item = (usize, f32)> {
    let corners = rows
        .into_iter()
        .flat_map(move |(y, a)| columns.into_iter().map(move |(x, b)| (y * width + x, a * b)));
    corners.filter(|&(_, weight)| weight != 0.0)
}

impl Operation for Upsample {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&mut self, inputs: &[&Maps], _parameters: &[&[f32]]) -> Result<Maps> {
        let [input] = expect_inputs(NAME, inputs)?;
        let (from, to) = (input.shape, self.output(input.shape)?);
        let (down, across) = (self.pairs(from.height, to.height), self.pairs(from.width, to.width));
        let channels = to.channels;
        let images = map(to.batch, |image| {
            let source = &input.values[image * from.plane() * channels..][..from.plane() * channels];
            let mut values = vec![0.0; to.plane() * channels];
            if channels == 0 {
                return values;
            }
            for (index, out) in values.chunks_exact_mut(channels).enumerate() {
                for (pixel, weight) in corners([down[index / to.width], across[index % to.width]], from.width)
                {
                    let source = &source[pixel * channels..][..channels];
                    out.iter_mut().zip(source).for_each(|(out, &x)| *out += weight * x);
                }
            }
            values
        });
        Ok(Maps::new(to, images.concat()))
    }

    fn backward(self, gradient: Maps, backward: &mut Backward<'_>) -> Result<()> {
        let (from, to) = (backward.input_shape(0)?, gradient.shape);
        let (down, across) = (self.pairs(from.height, to.height), self.pairs(from.width, to.width));
        let channels = to.channels;
        let images = map(to.batch, |image| {
            let gradient = &gradient.values[image * to.plane() * channels..][..to.plane() * channels];
            let mut values = vec![0.0; from.plane() * channels];
            if channels == 0 {
                return values;
            }
            for (index, gradient) in gradient.chunks_exact(channels).enumerate() {
                for (pixel, weight) in corners([down[index / to.width], across[index % to.width]], from.width)
                {
                    let sums = &mut values[pixel * channels..][..channels];
                    sums.iter_mut().zip(gradient).for_each(|(sum, &g)| *sum += weight * g);
                }
            }
            values
        });
        backward.add_input(0, Maps::new(from, images.concat()))
    }
}
