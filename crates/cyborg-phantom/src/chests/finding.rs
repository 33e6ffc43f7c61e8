//! Findings: opacities of several kinds, and where they sit.
use cyborg_seed::{Seed, Stream};

use super::chest::{Chest, Shot};
use crate::plane::{Noise, Plane, point, smooth};
use crate::region::{Ellipse, weight};
use crate::settings::TestSources;

/// A kind of opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// One homogeneous bright area in a middle or lower zone.
    Consolidation,
    /// One to three round, rather sharp spots.
    Nodule,
    /// A net of fine lines over several zones.
    Interstitial,
    /// Fluid that blunts the outer angle and rises to the side.
    Effusion,
    /// Several hazy patches on both sides, outer and lower.
    GroundGlass,
    /// Haze around both hila, as the wings of a bat.
    Oedema,
}

impl Family {
    pub(crate) const ALL: [Self; 6] = [
        Self::Consolidation,
        Self::Nodule,
        Self::Interstitial,
        Self::Effusion,
        Self::GroundGlass,
        Self::Oedema,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Consolidation => "consolidation",
            Self::Nodule => "nodule",
            Self::Interstitial => "interstitial",
            Self::Effusion => "effusion",
            Self::GroundGlass => "ground-glass",
            Self::Oedema => "oedema",
        }
    }
}

/// How findings of one source look.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) name: String,
    pub(crate) family: Family,
    /// Size in relation to the family's typical one.
    pub(crate) size: f64,
    /// How much brighter the finding is than the lung (white is 1).
    pub(crate) strength: f64,
}

/// Smallest and largest size.
const SIZE: (f64, f64) = (0.85, 1.2);
/// Smallest and largest strength.
const STRENGTH: (f64, f64) = (0.16, 0.28);

fn draw_finding(family: Family, role: &str) -> Finding {
    let mut stream =
        Seed::new(2026).child("phantom chests/findings").stream(&format!("{role}/{}", family.name()));
    let prefix = match role {
        "training" => "train-",
        "development" => "dev-",
        _ => "",
    };
    Finding {
        name: format!("{prefix}{}", family.name()),
        family,
        size: stream.uniform_in(SIZE.0, SIZE.1),
        strength: stream.uniform_in(STRENGTH.0, STRENGTH.1),
    }
}

/// The two findings of the training and validation splits.
pub(crate) fn training_findings() -> Vec<Finding> {
    [Family::Consolidation, Family::Nodule].map(|family| draw_finding(family, "training")).to_vec()
}

/// The six findings of the test split.
pub(crate) fn unseen_findings(which: TestSources) -> Vec<Finding> {
    Family::ALL.map(|family| draw_finding(family, which.name())).to_vec()
}

/// The finding of one image.
#[derive(Clone, Debug)]
pub(crate) struct Lesions {
    family: Family,
    strength: f32,
    /// Where it is, in chest coordinates.
    pub(crate) ellipses: Vec<Ellipse>,
    noise: Noise,
}

impl Lesions {
    pub(crate) fn draw(finding: &Finding, stream: &mut Stream) -> Self {
        let size = (finding.size * stream.uniform_in(0.85, 1.15)) as f32;
        let side = if stream.bernoulli(0.5) { 1.0 } else { -1.0 };
        let mut near = |amount: f32| (stream.uniform_in(-1.0, 1.0) as f32) * amount;
        let mut ellipses = Vec::new();
        let mut add =
            |x: f32, y: f32, rx: f32, ry: f32| ellipses.push(Ellipse::new(x, y, rx * size, ry * size));
        match finding.family {
            Family::Consolidation => {
                add(side * (0.46 + near(0.08)), 0.10 + near(0.14), 0.26 + near(0.03), 0.20 + near(0.03));
            }
            Family::Nodule => {
                let n = 1 + ((near(1.0) + 1.0) * 1.49) as usize;
                for k in 0..n {
                    let s = if k % 2 == 0 { side } else { -side };
                    let radius = 0.085 + near(0.015);
                    add(s * (0.45 + near(0.18)), -0.10 + near(0.38), radius, radius);
                }
            }
            Family::Interstitial => {
                for s in [-1.0, 1.0] {
                    add(s * (0.48 + near(0.04)), 0.22 + near(0.05), 0.27, 0.19);
                    add(s * (0.44 + near(0.04)), -0.10 + near(0.05), 0.24, 0.19);
                }
            }
            Family::Effusion => add(side * (0.60 + near(0.03)), 0.36 + near(0.05), 0.30, 0.30),
            Family::GroundGlass => {
                for k in 0..4 {
                    let s = if k % 2 == 0 { 1.0 } else { -1.0 };
                    add(s * (0.54 + near(0.08)), 0.08 + near(0.28), 0.17 + near(0.03), 0.14 + near(0.03));
                }
            }
            Family::Oedema => {
                for s in [-1.0, 1.0] {
                    add(s * (0.34 + near(0.03)), -0.04 + near(0.05), 0.24, 0.26);
                }
            }
        }
        Self {
            family: finding.family,
            strength: (finding.strength * stream.uniform_in(0.8, 1.2)) as f32,
            ellipses,
            noise: Noise { key: stream.next_u64() },
        }
    }

    /// Adds the finding to the lungs of an image.
    pub(crate) fn apply(&self, image: &mut Plane, lungs: &Plane, shot: &Shot) {
        let side = image.side;
        for row in 0..side {
            for column in 0..side {
                let [u, v] = point(side, column, row);
                let [x, y] = shot.to_chest(u, v);
                let Some((inside, ellipse)) = weight(&self.ellipses, x, y) else { continue };
                let at = row * side + column;
                let shown = self.shown(x, y, inside, &ellipse) * self.strength * lungs.values[at];
                // Opacities never outshine bone.
                image.values[at] += shown * (1.0 - smooth(0.6, 1.0, image.values[at]));
            }
        }
    }

    /// How strongly the finding shows at a point of one of its ellipses.
    fn shown(&self, x: f32, y: f32, inside: f32, ellipse: &Ellipse) -> f32 {
        // Falls from the centre to the border without an edge.
        let soft = smooth(0.0, 0.85, 1.0 - ellipse.level(x, y));
        let haze = |scale: f32| 0.5 + 0.5 * self.noise.cloud(x * scale, y * scale);
        match self.family {
            Family::Consolidation => {
                // Dark branching tubes inside: the air bronchogram.
                let tube = smooth(0.16, 0.04, self.noise.at(x * 9.0, y * 9.0, 0).abs());
                soft * (1.35 * (0.6 + 0.4 * haze(6.0)) - 0.3 * tube)
            }
            Family::Nodule => 1.1 * smooth(0.0, 0.45, 1.0 - ellipse.level(x, y)),
            Family::Interstitial => {
                let line = |scale: f32, shift: f32| {
                    smooth(0.22, 0.05, self.noise.at(x * scale + shift, y * scale, 0).abs())
                };
                inside * 0.9 * (line(17.0, 0.0).max(line(27.0, 40.0)))
            }
            Family::Effusion => {
                let surface = ellipse.centre[1] - 0.05 - 0.35 * (x.abs() - ellipse.centre[0].abs());
                inside.sqrt() * 1.6 * smooth(surface - 0.05, surface + 0.06, y)
            }
            Family::GroundGlass => soft * 1.1 * smooth(0.1, 0.75, haze(5.0)),
            Family::Oedema => soft * 1.1 * (0.5 + 0.5 * haze(8.0)),
        }
    }
}

/// The zones that people name where nothing is wrong.
pub(crate) fn zones() -> Vec<Vec<Ellipse>> {
    (0..6)
        .map(|index| {
            let [x, y, rx, ry] = Chest::zone(index);
            vec![Ellipse::new(x, y, rx, ry)]
        })
        .collect()
}
