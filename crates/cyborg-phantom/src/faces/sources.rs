//! The cameras, and the generators with their artefacts.
use cyborg_seed::{Seed, Stream};

use crate::settings::TestSources;

/// How a camera sees: white balance, contrast, sharpness, noise and the place where its pictures are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    pub(crate) name: &'static str,
    /// Multiplies red, green and blue.
    pub(crate) gain: [f32; 3],
    pub(crate) contrast: f32,
    pub(crate) saturation: f32,
    /// Standard deviation of the lens blur, in 64ths of the image's side: smallest and largest.
    pub(crate) blur: (f64, f64),
    /// Standard deviation of the sensor noise (white is 1): smallest and largest.
    pub(crate) noise: (f64, f64),
    /// How much darker the corners are.
    pub(crate) vignette: f32,
    /// Pictures are taken outdoors (out-of-focus discs) or in a studio (smooth wall).
    pub(crate) outdoors: bool,
}

/// The two authentic sources.
pub(crate) const CAMERAS: [Camera; 2] = [
    Camera {
        name: "camera-a",
        gain: [1.03, 1.0, 0.95],
        contrast: 0.95,
        saturation: 0.95,
        blur: (0.30, 0.60),
        noise: (0.008, 0.020),
        vignette: 0.05,
        outdoors: false,
    },
    Camera {
        name: "camera-b",
        gain: [0.96, 1.0, 1.05],
        contrast: 1.1,
        saturation: 1.15,
        blur: (0.45, 0.80),
        noise: (0.015, 0.035),
        vignette: 0.2,
        outdoors: true,
    },
];

/// A part of the face that an artefact can sit in and an annotator can mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    Eyes,
    Nose,
    Mouth,
    Brows,
    Ears,
    Hairline,
}

impl Region {
    pub(crate) const ALL: [Self; 6] =
        [Self::Eyes, Self::Nose, Self::Mouth, Self::Brows, Self::Ears, Self::Hairline];
    /// Where people look first, and where every generator errs in two of three places.
    pub(crate) const PRIMARY: [Self; 3] = [Self::Eyes, Self::Nose, Self::Mouth];
    pub(crate) const SECONDARY: [Self; 3] = [Self::Brows, Self::Ears, Self::Hairline];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Eyes => "eyes",
            Self::Nose => "nose",
            Self::Mouth => "mouth",
            Self::Brows => "brows",
            Self::Ears => "ears",
            Self::Hairline => "hairline",
        }
    }
}

/// What upsampling leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Alternating squares (transposed convolution).
    Checkerboard,
    /// Parallel stripes.
    Stripes,
    /// Independent specks.
    Grain,
    /// Rings around the feature's centre.
    Ringing,
    /// Round spots here and there.
    Blotches,
    /// The patch in coarse squares that do not quite agree (nearest-neighbour upsampling).
    Blocks,
}

impl Family {
    pub(crate) const ALL: [Self; 6] =
        [Self::Checkerboard, Self::Stripes, Self::Grain, Self::Ringing, Self::Blotches, Self::Blocks];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Checkerboard => "checkerboard",
            Self::Stripes => "stripes",
            Self::Grain => "grain",
            Self::Ringing => "ringing",
            Self::Blotches => "blotches",
            Self::Blocks => "blocks",
        }
    }
}

/// What one generator does wrong, and where.
#[derive(Clone, Debug)]
pub(crate) struct Artefact {
    /// The generator's name: `ringing-eyes-mouth-ears`.
    pub(crate) name: String,
    pub(crate) family: Family,
    pub(crate) regions: Vec<Region>,
    /// Size of the pattern's smallest element, in 64ths of the image's side.
    pub(crate) element: f64,
    /// Root mean square of the pattern inside a region (white is 1), before jitter.
    pub(crate) strength: f64,
    /// Direction of stripes, in radians.
    pub(crate) angle: f64,
    /// Weight of red, green and blue; mean square 1.
    pub(crate) colour: [f32; 3],
}

/// Smallest and largest element of a pattern, in 64ths of the side.
pub(crate) const ELEMENT: (f64, f64) = (1.0, 2.2);
/// Smallest and largest strength (root mean square; white is 1).
pub(crate) const STRENGTH: (f64, f64) = (0.07, 0.13);

/// Draws one generator by the rule that README states: two primary regions, one secondary, and element, strength,
/// angle and colour uniform in their ranges.
fn draw_generator(family: Family, role: &str) -> Artefact {
    let mut stream =
        Seed::new(2026).child("phantom faces/generators").stream(&format!("{role}/{}", family.name()));
    let skipped = stream.below(3);
    let mut regions: Vec<Region> = Region::PRIMARY
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != skipped)
        .map(|(_, region)| *region)
        .collect();
    regions.push(*stream.choose(&Region::SECONDARY));
    let colour = colour(&mut stream);
    let prefix = match role {
        "training" => "train-",
        "development" => "dev-",
        _ => "",
    };
    let places: Vec<&str> = regions.iter().map(|region| region.name()).collect();
    Artefact {
        name: format!("{prefix}{}-{}", family.name(), places.join("-")),
        family,
        regions,
        element: stream.uniform_in(ELEMENT.0, ELEMENT.1),
        strength: stream.uniform_in(STRENGTH.0, STRENGTH.1),
        angle: stream.uniform_in(0.0, std::f64::consts::PI),
        colour,
    }
}

/// Mostly brightness, tilted a little towards some hue.
fn colour(stream: &mut Stream) -> [f32; 3] {
    let raw = [0; 3].map(|_| stream.uniform_in(0.6, 1.4));
    let norm = (raw.iter().map(|c| c * c).sum::<f64>() / 3.0).sqrt();
    raw.map(|c| (c / norm) as f32)
}

/// The two generators of the training and validation splits.
pub(crate) fn training_generators() -> Vec<Artefact> {
    [Family::Checkerboard, Family::Stripes].iter().map(|&family| draw_generator(family, "training")).collect()
}

/// The six generators of the test split: every family once.
pub(crate) fn unseen_generators(which: TestSources) -> Vec<Artefact> {
    Family::ALL.iter().map(|&family| draw_generator(family, which.name())).collect()
}
