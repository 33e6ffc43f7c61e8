//! 8-bit pixels to the numbers that a network takes.

/// Per channel, what each of the 256 values becomes: `(value / 255 - mean) / std` in f32, as torchvision's `ToTensor` and
/// `Normalize` compute it. One table for training and prediction, so that both give the same bits.
///
/// # Examples
/// ```
/// let normalise = cyborg_image::Normalise::new([0.5, 0.25, 0.0], [0.5, 0.25, 1.0]);
/// let mut planes = [0.0; 3];
/// // (0 - 0.5) / 0.5, (1 - 0.25) / 0.25, 51 / 255.
/// normalise.planes(&[0, 255, 51], &mut planes);
/// assert_eq!(planes, [-1.0, 3.0, 0.2]);
/// ```
#[derive(Clone, Debug)]
pub struct Normalise([[f32; 256]; 3]);

impl Normalise {
    /// From the mean and the standard deviation of red, green and blue on the scale 0 to 1.
    pub fn new(mean: [f32; 3], std: [f32; 3]) -> Self {
        Self(std::array::from_fn(|channel| {
            std::array::from_fn(|value| (value as f32 / 255.0 - mean[channel]) / std[channel])
        }))
    }

    /// Turns interleaved RGB into all of red, all of green, all of blue.
    ///
    /// # Panics
    /// If `pixels` and `planes` differ in length.
    pub fn planes(&self, pixels: &[u8], planes: &mut [f32]) {
        assert_eq!(pixels.len(), planes.len(), "three bytes a pixel, three numbers a pixel");
        let (red, rest) = planes.split_at_mut(pixels.len() / 3);
        let (green, blue) = rest.split_at_mut(pixels.len() / 3);
        let [reds, greens, blues] = &self.0;
        for (((pixel, red), green), blue) in pixels.as_chunks::<3>().0.iter().zip(red).zip(green).zip(blue) {
            *red = reds[usize::from(pixel[0])];
            *green = greens[usize::from(pixel[1])];
            *blue = blues[usize::from(pixel[2])];
        }
    }
}
