//! Simulated people who mark what they think decided: jitter, misses and false alarms included.
use cyborg_image::Raster;
use cyborg_seed::Stream;

use crate::canvas::Canvas;
use crate::region::Ellipse;

/// Probability that an annotator overlooks a region that shows evidence.
const MISS: f64 = 0.2;
/// Probability that an annotator of an image with evidence also marks one region that is in order.
const FALSE_ALARM: f64 = 0.15;
/// Standard deviation of the maps' blur, in 64ths of the side.
const BLUR: f64 = 1.5;

/// What can be marked in an image: `R` names a region.
pub(crate) struct Markable<'a, R> {
    /// The regions that show evidence; None where there is nothing to be found.
    pub(crate) evidence: Option<&'a [R]>,
    /// Every region of the image.
    pub(crate) all: &'a [R],
    /// Regions that convince where there is nothing to be found, each with its probability of being marked.
    pub(crate) convinces: &'a [(R, f64)],
}

/// The mean over `n` annotators, blurred, as a grey image of `side` pixels (255: everybody marked it).
///
/// `ellipses` gives a region's ellipses, and `point` the coordinates in which they stand of a pixel's centre (column, row).
pub(crate) fn saliency_map<R: Copy + PartialEq>(
    side: usize,
    markable: &Markable<'_, R>,
    ellipses: impl Fn(R) -> Vec<Ellipse>,
    point: impl Fn(usize, usize) -> [f32; 2],
    n: usize,
    stream: &mut Stream,
) -> Raster {
    let mut mean = Canvas::new(side);
    for _ in 0..n {
        let blobs: Vec<Ellipse> = marked(markable, stream)
            .into_iter()
            .flat_map(&ellipses)
            .map(|ellipse| blob(ellipse, stream))
            .collect();
        for row in 0..side {
            for column in 0..side {
                let [x, y] = point(column, row);
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
fn marked<R: Copy + PartialEq>(markable: &Markable<'_, R>, stream: &mut Stream) -> Vec<R> {
    let mut regions = Vec::new();
    if let Some(evidence) = markable.evidence {
        regions.extend(evidence.iter().filter(|_| !stream.bernoulli(MISS)));
        if stream.bernoulli(FALSE_ALARM) {
            let other = *stream.choose(markable.all);
            if !regions.contains(&other) {
                regions.push(other);
            }
        }
        if regions.is_empty() {
            regions.push(*stream.choose(evidence));
        }
    } else {
        let convinces = markable.convinces;
        regions.extend(convinces.iter().filter(|(_, p)| stream.bernoulli(*p)).map(|(region, _)| *region));
        if regions.is_empty() {
            regions.push(stream.choose(convinces).0);
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
