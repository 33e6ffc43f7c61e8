//! Changes of images by people's maps, a file each.

mod blurred_outside;
mod masked_outside;
mod shuffled_outside;

pub(crate) use blurred_outside::BlurredOutside;
pub(crate) use masked_outside::MaskedOutside;
pub(crate) use shuffled_outside::ShuffledOutside;

use candle_core::{DType, Tensor};
use cyborg_loss::HumanSaliency;

use crate::MethodError;

/// The pixels of each image, and its map where it has one, on the host.
struct Planes {
    /// Values of one channel after the other, `3 * height * width` an image.
    images: Vec<Vec<f32>>,
    maps: Vec<Option<Vec<f32>>>,
    height: usize,
    width: usize,
}

impl Planes {
    fn new(images: &Tensor, human: &HumanSaliency) -> Result<Self, MethodError> {
        let (_, _, height, width) = images.dims4()?;
        let flags = human.has_map.to_dtype(DType::F32)?.to_vec1::<f32>()?;
        let maps = human.maps.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2::<f32>()?;
        let maps = maps.into_iter().zip(flags).map(|(map, flag)| (flag != 0.0).then_some(map)).collect();
        Ok(Self { images: images.flatten_from(1)?.to_vec2::<f32>()?, maps, height, width })
    }

    /// The images as a tensor like `images`.
    fn into_tensor(self, images: &Tensor) -> Result<Tensor, MethodError> {
        Ok(Tensor::from_vec(self.images.concat(), images.shape(), images.device())?)
    }
}
