//! Images without what lies outside a map.

use candle_core::Tensor;
use cyborg_loss::HumanSaliency;
use cyborg_seed::Seed;

use super::Planes;
use crate::{Alteration, MethodError};

/// Every pixel is multiplied by its map: the normalised value 0, the mean colour, is left where the map is 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaskedOutside;

impl Alteration for MaskedOutside {
    fn alter(&self, images: &Tensor, human: &HumanSaliency, _: &Seed) -> Result<Tensor, MethodError> {
        let mut planes = Planes::new(images, human)?;
        for (image, map) in planes.images.iter_mut().zip(&planes.maps) {
            let Some(map) = map else { continue };
            for channel in image.chunks_exact_mut(map.len()) {
                for (value, share) in channel.iter_mut().zip(map) {
                    *value *= share;
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
    fn what_lies_outside_is_grey_and_an_image_without_a_map_stays() {
        let images =
            Tensor::new(&[[[[2f32, -4.0]], [[1.0, 1.0]]], [[[5.0, 6.0]], [[7.0, 8.0]]]], &Device::Cpu)
                .expect("a tensor");
        let human = HumanSaliency {
            maps: Tensor::new(&[[[0.5f32, 0.0]], [[0.0, 0.0]]], &Device::Cpu).expect("a tensor"),
            has_map: Tensor::new(&[1f32, 0.0], &Device::Cpu).expect("a tensor"),
        };
        let altered = MaskedOutside.alter(&images, &human, &Seed::new(0)).expect("altered");
        assert_eq!(altered.dims(), images.dims());
        let values = altered.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("values");
        assert_eq!(values, [1.0, 0.0, 0.5, 0.0, 5.0, 6.0, 7.0, 8.0]);
    }
}
