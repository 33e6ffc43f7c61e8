//! What generators leave behind, put into the regions where they leave it.
use cyborg_seed::Stream;

use super::face::{Identity, Shot};
use super::sources::{Artefact, Family, Region};
use crate::canvas::Canvas;
use crate::region::weight;

/// Probability that a generator errs in one of its regions in a given image (at least one always shows).
const REGION_SHOWS: f64 = 0.85;

/// The artefacts of one image: which regions, how strong, which phase.
#[derive(Clone, Debug)]
pub(crate) struct Flaw {
    pub(crate) regions: Vec<Region>,
    family: Family,
    element: f32,
    strength: f32,
    direction: [f32; 2],
    phase: [f32; 2],
    colour: [f32; 3],
    key: u64,
}

impl Flaw {
    pub(crate) fn draw(artefact: &Artefact, stream: &mut Stream) -> Self {
        let sure = stream.below(artefact.regions.len());
        let mut regions = Vec::new();
        for (i, region) in artefact.regions.iter().enumerate() {
            if stream.bernoulli(REGION_SHOWS) || i == sure {
                regions.push(*region);
            }
        }
        let angle = artefact.angle + stream.normal() * 0.1;
        Self {
            regions,
            family: artefact.family,
            element: (artefact.element * stream.uniform_in(0.9, 1.1)) as f32,
            strength: (artefact.strength * stream.uniform_in(0.75, 1.25)) as f32,
            direction: [angle.cos() as f32, angle.sin() as f32],
            phase: [stream.uniform_in(0.0, 64.0) as f32, stream.uniform_in(0.0, 64.0) as f32],
            colour: artefact.colour,
            key: stream.next_u64(),
        }
    }

    /// Spoils the regions of `canvas`.
    pub(crate) fn apply(&self, canvas: &mut Canvas, identity: &Identity, shot: &Shot) {
        let side = canvas.side;
        // One element, in pixels: never finer than the pixels are.
        let element = (self.element * side as f32 / 64.0).max(1.0);
        let clean = (self.family == Family::Blocks).then(|| canvas.clone());
        for &region in &self.regions {
            let ellipses = identity.region(region, shot.yaw);
            for row in 0..side {
                for column in 0..side {
                    let [x, y] = shot.face_point(side, column, row);
                    let Some((weight, nearest)) = weight(&ellipses, x, y) else { continue };
                    let at = [column as f32 + self.phase[0], row as f32 + self.phase[1]];
                    let pixel = canvas.pixel_mut(column, row);
                    if let Some(clean) = &clean {
                        let mean = block_mean(clean, at, self.phase, element * 2.0);
                        for (channel, mean) in pixel.iter_mut().zip(mean) {
                            *channel += weight * 0.7 * (mean - *channel);
                        }
                    }
                    let from_centre =
                        (x - nearest.centre[0]).hypot(y - nearest.centre[1]) * shot.scale * side as f32 * 0.5;
                    let value = self.pattern(at, from_centre, element);
                    for (channel, colour) in pixel.iter_mut().zip(self.colour) {
                        *channel += weight * self.strength * colour * value;
                    }
                }
            }
        }
    }

    /// The pattern, root mean square about 1, at a pixel's centre.
    fn pattern(&self, at: [f32; 2], from_centre: f32, element: f32) -> f32 {
        let [c, s] = self.direction;
        let wave = |t: f32| (2.0f32).sqrt() * (std::f32::consts::PI * t).sin();
        let cell = |size: f32| [(at[0] / size).floor() as i64, (at[1] / size).floor() as i64];
        match self.family {
            Family::Checkerboard => {
                let [i, j] = cell(element);
                if (i + j).rem_euclid(2) == 0 { 1.0 } else { -1.0 }
            }
            Family::Stripes => wave((c * at[0] + s * at[1]) / (element * 1.15)),
            Family::Grain => self.speck(cell(element)),
            Family::Ringing => wave(from_centre / (element * 1.15) + self.phase[0]),
            Family::Blotches => {
                let size = 3.0 * element;
                let [i, j] = cell(size);
                let sign = self.speck([i, j]);
                let (u, v) = (at[0] / size - i as f32 - 0.5, at[1] / size - j as f32 - 0.5);
                let far = (u * u + v * v).sqrt() * 3.0;
                // Discs of radius 1.1 elements fill 0.42 of their cells.
                1.54 * sign * (1.6 - far).clamp(0.0, 1.0)
            }
            Family::Blocks => self.speck(cell(element * 2.0)),
        }
    }

    /// A random value of a cell, uniform with mean 0 and variance 1.
    fn speck(&self, cell: [i64; 2]) -> f32 {
        let mut h = self.key ^ (cell[0] as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        h = (h ^ (h >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        h ^= (cell[1] as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        h = (h ^ (h >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        h ^= h >> 31;
        let uniform = (h >> 40) as f32 / (1u64 << 24) as f32;
        (uniform - 0.5) * 12.0f32.sqrt()
    }
}

/// Mean of the clean image over the block that holds the point.
fn block_mean(clean: &Canvas, at: [f32; 2], phase: [f32; 2], size: f32) -> [f32; 3] {
    let range = |t: f32, offset: f32| {
        let first = (t / size).floor() * size - offset;
        let last = first + size;
        let low = (first.ceil().max(0.0)) as usize;
        let high = (last.ceil().min(clean.side as f32).max(0.0)) as usize;
        low..high.max(low + 1).min(clean.side)
    };
    let (mut sum, mut n) = ([0.0f32; 3], 0.0f32);
    for row in range(at[1], phase[1]) {
        for column in range(at[0], phase[0]) {
            let pixel = clean.pixel(column, row);
            for c in 0..3 {
                sum[c] += pixel[c];
            }
            n += 1.0;
        }
    }
    sum.map(|s| s / n.max(1.0))
}
