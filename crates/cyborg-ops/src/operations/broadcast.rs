//! Two maps of one shape, or of which the second has one channel, one pixel or both where the first has several.

use candle_core::Result;

use crate::OpsError;
use crate::maps::{Maps, Shape};
use crate::parallel::{for_each, map};

/// How the second maps are spread over the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broadcast {
    shape: Shape,
    /// Whether one pixel stands for all of its image, and one channel for all of its pixel.
    one_pixel: bool,
    one_channel: bool,
}

impl Broadcast {
    /// Fails unless the second has the batch of the first, its height and width or one pixel, its channels or one channel.
    pub(super) fn of(op: &'static str, a: Shape, b: Shape) -> Result<Self> {
        let (one_pixel, one_channel) = ((b.height, b.width) == (1, 1), b.channels == 1);
        let pixels = one_pixel || (b.height, b.width) == (a.height, a.width);
        if b.batch == a.batch && pixels && (one_channel || b.channels == a.channels) {
            return Ok(Self { shape: a, one_pixel, one_channel });
        }
        let expected =
            format!("the shape of the first, {:?}, or in its place one channel, one pixel or both", a.dims());
        let found = format!("{:?}", b.dims());
        Err(OpsError::Shape { op, tensor: "second input", expected, found }.into())
    }

    /// `combine(a, b)` for each value of the first, in a copy of it.
    pub(super) fn combine(
        &self,
        a: &[f32],
        b: &Maps,
        combine: impl Fn(f32, f32) -> f32 + Sync + Send,
    ) -> Maps {
        let mut values = a.to_vec();
        self.update(&mut values, b, combine);
        Maps::new(self.shape, values)
    }

    /// Sets each value `a` of maps of the first's shape to `change(a, b)`.
    pub(super) fn update(&self, a: &mut [f32], b: &Maps, change: impl Fn(f32, f32) -> f32 + Sync + Send) {
        let Shape { channels, .. } = self.shape;
        let (of_a, of_b) = (self.shape.plane() * channels, b.shape.plane() * b.shape.channels);
        if of_a == 0 {
            return;
        }
        let images: Vec<_> = a.chunks_exact_mut(of_a).zip(b.values.chunks_exact(of_b)).collect();
        for_each(images, |(a, b)| {
            for (pixel, a) in a.chunks_exact_mut(channels).enumerate() {
                let b = self.pixel(b, pixel);
                if self.one_channel {
                    for a in a {
                        *a = change(*a, b[0]);
                    }
                } else {
                    a.iter_mut().zip(b).for_each(|(a, &b)| *a = change(*a, b));
                }
            }
        });
    }

    /// The sums over all that one value of the second stands for, of values of the first's shape: `term(index)`. Sums of
    /// several are in f64, pixel by pixel and channel by channel.
    pub(super) fn sum(&self, b: Shape, term: impl Fn(usize) -> f32 + Sync + Send) -> Maps {
        let (plane, channels) = (self.shape.plane(), self.shape.channels);
        let images = map(self.shape.batch, |image| {
            let mut sums = vec![0.0_f64; b.plane() * b.channels];
            for pixel in 0..plane {
                let first = if self.one_pixel { 0 } else { pixel * b.channels };
                let start = (image * plane + pixel) * channels;
                for channel in 0..channels {
                    let at = first + if self.one_channel { 0 } else { channel };
                    sums[at] += f64::from(term(start + channel));
                }
            }
            sums.into_iter().map(|sum| sum as f32).collect::<Vec<_>>()
        });
        Maps::new(b, images.concat())
    }

    /// The values of an image of the second that belong to a pixel.
    fn pixel<'b>(&self, image: &'b [f32], pixel: usize) -> &'b [f32] {
        let channels = if self.one_channel { 1 } else { self.shape.channels };
        let pixel = if self.one_pixel { 0 } else { pixel };
        &image[pixel * channels..][..channels]
    }
}
