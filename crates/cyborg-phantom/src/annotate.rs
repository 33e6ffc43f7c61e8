//! Simulated people who mark what they think decided: jitter, misses and false alarms included.
use cyborg_image::Raster;
use cyborg_seed::Stream;

use crate::canvas::Canvas;
use crate::face::{Ellipse, Identity, Shot};
use crate::sources::Region;

/// Probability that an annotator overlooks a region that shows an artefact.
const MISS: f64 = 0.2;
/// Probability that an annotator of a synthetic image also marks one region that is in order.
const FALSE_ALARM: f64 = 0.15;
/// Probability that an annotator of an authentic image names eyes, nose, mouth as what convinced.
const CONVINCES: [(Region, f64); 3] = [(Region::Eyes, 0.7), (Region::Nose, 0.5), (Region::Mouth, 0.6)];
/// Standard deviation of the maps' blur, in 64ths of the side.
const BLUR: f64 = 1.5;

/// The mean over `n` annotators, blurred, as a grey image of the canvas' size (255: everybody marked it).
pub(crate) fn saliency_map(
    side: usize,
    identity: &Identity,
    shot: &Shot,
    flawed: Option<&[Region]>,
    n: usize,
    stream: &mut Stream,
) -> Raster {
    let mut mean = Canvas::new(side);
    for _ in 0..n {
        let blobs: Vec<Ellipse> = marked(flawed, stream)
            .into_iter()
            .flat_map(|region| identity.region(region, shot.yaw))
            .map(|ellipse| blob(ellipse, stream))
            .collect();
        for row in 0..side {
            for column in 0..side {
                let [x, y] = mean.face_point(shot, column, row);
                if blobs.iter().any(|blob| blob.level(x, y) < 1.0) {
                    mean.pixel_mut(column, row)[0] += 1.0 / n as f32;
                }
            }
        }
    }
    mean.blur((BLUR * side as f64 / 64.0) as f32);
    let pixels = mean.pixels_mut().iter().map(|p| (p[0].clamp(0.0, 1.0) * 255.0 + 0.5) as u8).collect();
    Raster { width_px: side as u32, height_px: side as u32, channels: 1, pixels }
}

/// The regions that one annotator marks: never none.
fn marked(flawed: Option<&[Region]>, stream: &mut Stream) -> Vec<Region> {
    let mut regions = Vec::new();
    if let Some(flawed) = flawed {
        regions.extend(flawed.iter().filter(|_| !stream.bernoulli(MISS)));
        if stream.bernoulli(FALSE_ALARM) {
            let other = *stream.choose(&Region::ALL);
            if !regions.contains(&other) {
                regions.push(other);
            }
        }
        if regions.is_empty() {
            regions.push(*stream.choose(flawed));
        }
    } else {
        regions.extend(CONVINCES.iter().filter(|(_, p)| stream.bernoulli(*p)).map(|(region, _)| *region));
        if regions.is_empty() {
            regions.push(stream.choose(&CONVINCES).0);
        }
    }
    regions
}

/// A blob drawn over an ellipse by hand: shifted, and larger or smaller.
fn blob(ellipse: Ellipse, stream: &mut Stream) -> Ellipse {
    let mut shifted = |at: f32| at + (stream.normal() * 0.035) as f32;
    let centre = [shifted(ellipse.centre[0]), shifted(ellipse.centre[1])];
    let size = stream.uniform_in(0.85, 1.35) as f32;
    Ellipse { centre, radii: [ellipse.radii[0] * size, ellipse.radii[1] * size] }
}
