//! Grey images while they are being drawn: strokes, blur, sensor noise.
use cyborg_image::Raster;
use cyborg_seed::Stream;

/// A square grey image; black is 0, white 1. Coordinates run from -1 to 1 over the side, x to the right and y down.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub(crate) side: usize,
    pub(crate) values: Vec<f32>,
}

impl Plane {
    /// Every pixel's value from its centre's coordinates.
    pub(crate) fn of(side: usize, value: impl Fn(f32, f32) -> f32) -> Self {
        let mut values = Vec::with_capacity(side * side);
        for row in 0..side {
            for column in 0..side {
                let [x, y] = point(side, column, row);
                values.push(value(x, y));
            }
        }
        Self { side, values }
    }

    /// Changes every pixel, given its centre's coordinates.
    pub(crate) fn change(&mut self, change: impl Fn(f32, f32, f32) -> f32) {
        for row in 0..self.side {
            for column in 0..self.side {
                let [x, y] = point(self.side, column, row);
                let value = &mut self.values[row * self.side + column];
                *value = change(x, y, *value);
            }
        }
    }

    /// A quadratic curve from `a` to `c`, bent towards `b`, that narrows from `width` to nothing if `tapered`: pixels go towards
    /// `value` by at most `opacity`.
    pub(crate) fn stroke(&mut self, curve: &Curve, value: f32, opacity: f32) {
        const STEPS: usize = 10;
        let unit = 2.0 / self.side as f32;
        let mut from = curve.at(0.0);
        for step in 1..=STEPS {
            let t = step as f32 / STEPS as f32;
            let to = curve.at(t);
            let half = 0.5 * curve.width * if curve.tapered { 1.0 - 0.8 * t } else { 1.0 };
            let reach = half + unit;
            let span = |low: f32, high: f32| {
                let first = ((low - reach + 1.0) / unit).floor().max(0.0) as usize;
                first..(((high + reach + 1.0) / unit).ceil().max(0.0) as usize).min(self.side)
            };
            for row in span(from[1].min(to[1]), from[1].max(to[1])) {
                for column in span(from[0].min(to[0]), from[0].max(to[0])) {
                    let [x, y] = point(self.side, column, row);
                    let far = distance([x, y], from, to);
                    // A stroke narrower than a pixel covers its share of it.
                    let covered = (0.5 + (half - far) / unit).clamp(0.0, 1.0) * (2.0 * half / unit).min(1.0);
                    let pixel = &mut self.values[row * self.side + column];
                    // Overlapping steps of one stroke must not add up: take the larger of the two.
                    *pixel += opacity / STEPS as f32 * 3.0 * covered * (value - *pixel);
                }
            }
            from = to;
        }
    }

    /// The mean of squares of 2 x 2 pixels.
    pub(crate) fn halved(&self) -> Self {
        let side = self.side / 2;
        let mut values = Vec::with_capacity(side * side);
        for row in 0..side {
            for column in 0..side {
                let at = 2 * row * self.side + 2 * column;
                let sum = self.values[at]
                    + self.values[at + 1]
                    + self.values[at + self.side]
                    + self.values[at + self.side + 1];
                values.push(sum * 0.25);
            }
        }
        Self { side, values }
    }

    /// Gaussian blur of `sigma` pixels; the border's pixels go on outside.
    pub(crate) fn blur(&mut self, sigma: f32) {
        if sigma <= 0.0 {
            return;
        }
        let radius = (3.0 * sigma).ceil().max(1.0) as isize;
        let kernel: Vec<f32> =
            (-radius..=radius).map(|i| (-0.5 * (i as f32 / sigma).powi(2)).exp()).collect();
        let total: f32 = kernel.iter().sum();
        let side = self.side as isize;
        for horizontal in [true, false] {
            let source = self.values.clone();
            for row in 0..side {
                for column in 0..side {
                    let mut sum = 0.0;
                    for (k, weight) in kernel.iter().enumerate() {
                        let offset = k as isize - radius;
                        let at = if horizontal {
                            row * side + (column + offset).clamp(0, side - 1)
                        } else {
                            (row + offset).clamp(0, side - 1) * side + column
                        };
                        sum += weight * source[at as usize];
                    }
                    self.values[(row * side + column) as usize] = sum / total;
                }
            }
        }
    }

    /// Adds independent normal noise of this standard deviation.
    pub(crate) fn add_noise(&mut self, deviation: f64, stream: &mut Stream) {
        for value in &mut self.values {
            *value += (stream.normal() * deviation) as f32;
        }
    }

    /// The image with three equal channels.
    pub(crate) fn to_raster(&self) -> Raster {
        let byte = |v: &f32| [(v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8; 3];
        let side = self.side as u32;
        Raster {
            width_px: side,
            height_px: side,
            channels: 3,
            pixels: self.values.iter().flat_map(byte).collect(),
        }
    }
}

/// A quadratic curve to be drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Curve {
    /// The start, the point that the curve bends towards, and the end.
    pub(crate) points: [[f32; 2]; 3],
    pub(crate) width: f32,
    /// Whether it narrows towards the end.
    pub(crate) tapered: bool,
}

impl Curve {
    pub(crate) fn at(&self, t: f32) -> [f32; 2] {
        let [a, b, c] = self.points;
        let s = 1.0 - t;
        [0, 1].map(|i| s * s * a[i] + 2.0 * s * t * b[i] + t * t * c[i])
    }
}

/// The centre of a pixel.
pub(crate) fn point(side: usize, column: usize, row: usize) -> [f32; 2] {
    let scale = 2.0 / side as f32;
    [(column as f32 + 0.5) * scale - 1.0, (row as f32 + 0.5) * scale - 1.0]
}

/// Distance of a point from a line segment.
fn distance(p: [f32; 2], a: [f32; 2], b: [f32; 2]) -> f32 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx * dx + dy * dy;
    let t =
        if length > 0.0 { (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (p[0] - a[0] - t * dx).hypot(p[1] - a[1] - t * dy)
}

/// Rises smoothly from 0 at `low` to 1 at `high` (or falls, if `high` is below `low`).
pub(crate) fn smooth(low: f32, high: f32, t: f32) -> f32 {
    let u = ((t - low) / (high - low)).clamp(0.0, 1.0);
    u * u * (3.0 - 2.0 * u)
}

/// A smooth bump: 1 at 0, falling to 0.6 at 1 (a Gaussian of the squared distance).
pub(crate) fn bell(level: f32) -> f32 {
    (-0.5 * level).exp()
}

/// Random values on a grid, smoothly joined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    pub(crate) key: u64,
}

impl Noise {
    /// The value of a grid point, uniform in [-1, 1].
    pub(crate) fn speck(self, i: i64, j: i64) -> f32 {
        let mut h = self.key ^ (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        h = (h ^ (h >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        h ^= (j as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        h = (h ^ (h >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        h ^= h >> 31;
        (h >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// The smooth value at a point, in [-1, 1]; grid points are 1 apart. The first axis repeats after `period` (0: never).
    pub(crate) fn at(self, x: f32, y: f32, period: i64) -> f32 {
        let (i, j) = (x.floor(), y.floor());
        let (u, v) = (smooth(0.0, 1.0, x - i), smooth(0.0, 1.0, y - j));
        let (i, j) = (i as i64, j as i64);
        let wrap = |i: i64| if period > 0 { i.rem_euclid(period) } else { i };
        let value = |i, j| self.speck(wrap(i), j);
        let top = value(i, j) + u * (value(i + 1, j) - value(i, j));
        let bottom = value(i, j + 1) + u * (value(i + 1, j + 1) - value(i, j + 1));
        top + v * (bottom - top)
    }

    /// Three octaves of [`Noise::at`], each half as strong and twice as fine as the one before.
    pub(crate) fn cloud(self, x: f32, y: f32) -> f32 {
        (self.at(x, y, 0)
            + 0.5 * self.at(2.0 * x + 31.0, 2.0 * y, 0)
            + 0.25 * self.at(4.0 * x, 4.0 * y + 57.0, 0))
            / 1.75
    }
}
