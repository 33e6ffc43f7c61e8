//! Images that are changed before a network sees them.

use candle_core::Tensor;
use cyborg_loss::HumanSaliency;
use cyborg_seed::Seed;

use crate::MethodError;

/// A change of a batch of images that depends on people's maps, such as a blurred background.
pub trait Alteration: std::fmt::Debug + Send + Sync {
    /// The changed images.
    ///
    /// # Shapes
    /// - `images`: `(batch, 3, height, width)`, normalised as the network takes them
    /// - `human`: maps of `(batch, height, width)` in `[0, 1]`; an image without a map must come back unchanged
    /// - returns: the shape of `images`
    ///
    /// `seed` is that of this step and image batch alone: what is drawn from it must be drawn by the position of an image in
    /// the batch, so that a resumed run draws the same.
    ///
    /// # Errors
    /// What tensor operations refuse.
    fn alter(&self, images: &Tensor, human: &HumanSaliency, seed: &Seed) -> Result<Tensor, MethodError>;
}
