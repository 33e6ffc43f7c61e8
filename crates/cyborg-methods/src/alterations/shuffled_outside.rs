//! Images whose pixels outside a map are shuffled.

use candle_core::Tensor;
use cyborg_loss::HumanSaliency;
use cyborg_seed::Seed;

use super::Planes;
use crate::{Alteration, MethodError};

/// The pixels outside the map change places with each other at random, the channels of a pixel together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShuffledOutside {
    /// Pixels whose map is below this value are outside.
    pub(crate) outside_below: f64,
}

impl Alteration for ShuffledOutside {
    fn alter(&self, images: &Tensor, human: &HumanSaliency, seed: &Seed) -> Result<Tensor, MethodError> {
        let mut planes = Planes::new(images, human)?;
        for (position, (image, map)) in planes.images.iter_mut().zip(&planes.maps).enumerate() {
            let Some(map) = map else { continue };
            let outside: Vec<usize> =
                (0..map.len()).filter(|&pixel| f64::from(map[pixel]) < self.outside_below).collect();
            let mut from = outside.clone();
            seed.stream(&format!("image/{position}")).shuffle(&mut from);
            for channel in image.chunks_exact_mut(map.len()) {
                let values: Vec<f32> = from.iter().map(|&pixel| channel[pixel]).collect();
                for (&pixel, value) in outside.iter().zip(values) {
                    channel[pixel] = value;
                }
            }
        }
        planes.into_tensor(images)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn pixels_outside_change_places_as_a_whole_and_others_stay() {
        let n = 64;
        let values: Vec<f32> = (0..3).flat_map(|c| (0..n).map(move |i| (c * 1000 + i) as f32)).collect();
        let images = Tensor::from_vec(values.repeat(2), (2, 3, 8, 8), &Device::Cpu).expect("a tensor");
        let map: Vec<f32> = (0..n).map(|i| if i < 24 { 0.5 } else { 0.0 }).collect();
        let human = HumanSaliency {
            maps: Tensor::from_vec(map.repeat(2), (2, 8, 8), &Device::Cpu).expect("a tensor"),
            has_map: Tensor::new(&[1f32, 0.0], &Device::Cpu).expect("a tensor"),
        };
        let alteration = ShuffledOutside { outside_below: 0.5 };
        let altered = |seed| {
            let altered = alteration.alter(&images, &human, &Seed::new(seed)).expect("altered");
            altered.flatten_from(1).and_then(|t| t.to_vec2::<f32>()).expect("values")
        };
        let first = altered(0);
        assert_eq!(first, altered(0));
        assert_ne!(first, altered(1));
        assert_eq!(first[1], values, "no map, no change");
        assert_eq!(first[0][..24], values[..24], "inside");
        let mut outside: Vec<f32> = first[0][24..64].to_vec();
        assert_ne!(outside, values[24..64]);
        for (channel, offset) in [(1, 1000.0), (2, 2000.0)] {
            let expected: Vec<f32> = first[0][..64].iter().map(|value| value + offset).collect();
            assert_eq!(first[0][64 * channel..64 * (channel + 1)], expected, "channels move together");
        }
        outside.sort_by(f32::total_cmp);
        assert_eq!(outside, values[24..64], "every pixel is still there");
    }
}
