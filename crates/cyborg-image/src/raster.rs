//! The one pixel buffer that everything else passes around.

/// 8-bit pixels, rows from top to bottom, channels interleaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `height_px * width_px * channels` bytes.
    pub pixels: Vec<u8>,
}

impl Raster {
    /// A raster of one value.
    pub fn filled(width_px: u32, height_px: u32, channels: usize, value: u8) -> Self {
        let pixels = vec![value; width_px as usize * height_px as usize * channels];
        Self { width_px, height_px, channels, pixels }
    }

    /// The `channels` bytes of the pixel in column `x` and row `y`.
    ///
    /// # Panics
    /// If there is no such pixel.
    pub fn pixel(&self, x: u32, y: u32) -> &[u8] {
        let start = (y as usize * self.width_px as usize + x as usize) * self.channels;
        &self.pixels[start..start + self.channels]
    }

    /// The length that `pixels` must have.
    pub(crate) fn expected_len(&self) -> usize {
        self.width_px as usize * self.height_px as usize * self.channels
    }
}
