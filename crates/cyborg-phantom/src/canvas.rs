//! Square images of three floating-point channels while they are being drawn.
use cyborg_image::Raster;

pub(crate) type Rgb = [f32; 3];

pub(crate) fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

pub(crate) fn scaled(a: Rgb, s: f32) -> Rgb {
    [a[0] * s, a[1] * s, a[2] * s]
}

/// Rows from top to bottom; black is 0, white 1.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    pub(crate) side: usize,
    pixels: Vec<Rgb>,
}

impl Canvas {
    pub(crate) fn new(side: usize) -> Self {
        Self { side, pixels: vec![[0.0; 3]; side * side] }
    }

    pub(crate) fn pixel(&self, column: usize, row: usize) -> &Rgb {
        &self.pixels[row * self.side + column]
    }

    pub(crate) fn pixel_mut(&mut self, column: usize, row: usize) -> &mut Rgb {
        &mut self.pixels[row * self.side + column]
    }

    pub(crate) fn pixels_mut(&mut self) -> &mut [Rgb] {
        &mut self.pixels
    }

    /// Gaussian blur; the border's pixels go on outside. `sigma` in pixels.
    pub(crate) fn blur(&mut self, sigma: f32) {
        let radius = (3.0 * sigma).ceil().max(1.0) as isize;
        let mut kernel: Vec<f32> =
            (-radius..=radius).map(|i| (-0.5 * (i as f32 / sigma).powi(2)).exp()).collect();
        let total: f32 = kernel.iter().sum();
        for weight in &mut kernel {
            *weight /= total;
        }
        let side = self.side as isize;
        for horizontal in [true, false] {
            let source = self.pixels.clone();
            for row in 0..side {
                for column in 0..side {
                    let mut sum = [0.0f32; 3];
                    for (k, weight) in kernel.iter().enumerate() {
                        let offset = k as isize - radius;
                        let index = if horizontal {
                            row * side + (column + offset).clamp(0, side - 1)
                        } else {
                            (row + offset).clamp(0, side - 1) * side + column
                        };
                        let pixel = source[index as usize];
                        for c in 0..3 {
                            sum[c] += weight * pixel[c];
                        }
                    }
                    self.pixels[(row * side + column) as usize] = sum;
                }
            }
        }
    }

    pub(crate) fn to_raster(&self) -> Raster {
        let to_byte = |v: &f32| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        Raster {
            width_px: self.side as u32,
            height_px: self.side as u32,
            channels: 3,
            pixels: self.pixels.iter().flatten().map(to_byte).collect(),
        }
    }
}
