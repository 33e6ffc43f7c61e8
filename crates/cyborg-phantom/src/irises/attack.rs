//! Presentation attacks: what betrays each, and where.
use cyborg_seed::{Seed, Stream};

use super::eye::{Eye, Shot};
use crate::plane::{Noise, Plane, bell, smooth};
use crate::region::{Ellipse, weight};
use crate::settings::TestSources;

/// A part of the eye that shows evidence and that people mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    /// The ring between pupil and limbus.
    Iris,
    Pupil,
    /// The border of the iris, where a lens ends.
    Limbus,
    /// The edge of the upper lid.
    Lid,
}

impl Region {
    pub(crate) const ALL: [Self; 4] = [Self::Iris, Self::Pupil, Self::Limbus, Self::Lid];

    /// The ellipses that the region covers, in image coordinates.
    pub(crate) fn ellipses(self, eye: &Eye, shot: &Shot) -> Vec<Ellipse> {
        let around = |n: usize, radius: f32, size: f32| {
            (0..n)
                .map(|i| {
                    let angle = std::f32::consts::TAU * i as f32 / n as f32;
                    let (x, y) =
                        (shot.centre[0] + radius * angle.cos(), shot.centre[1] + radius * angle.sin());
                    Ellipse::new(x, y, size, size)
                })
                .collect()
        };
        let width = shot.radius - shot.pupil;
        match self {
            Self::Iris => around(12, shot.pupil + 0.52 * width, 0.62 * width),
            Self::Pupil => {
                let [x, y] = shot.pupil_centre;
                vec![Ellipse::new(x, y, shot.pupil + 0.05, shot.pupil + 0.05)]
            }
            Self::Limbus => around(16, shot.radius, 0.11),
            Self::Lid => (-2..=2)
                .map(|step| {
                    let x = shot.centre[0] + step as f32 * 0.2;
                    Ellipse::new(x, eye.upper_lid(shot, x), 0.14, 0.09)
                })
                .collect(),
        }
    }
}

/// A type of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// An eye printed on paper: rows of dots, a grey pupil.
    Print,
    /// A contact lens with a regular printed pattern around a clear opening.
    RegularLens,
    /// A contact lens printed with irregular dabs.
    IrregularLens,
    /// A glass or doll's eye: painted spokes, perfect circles.
    Artificial,
    /// An eye on a screen: pixel grid, moire bands, a grey pupil.
    Display,
    /// An eye after death: clouded cornea, wrinkles and ragged reflections.
    PostMortem,
    /// An eye from a generative network: a grid of upsampling, fibres that fade, an uneven pupil.
    Synthetic,
}

impl Family {
    pub(crate) const ALL: [Self; 7] = [
        Self::Print,
        Self::RegularLens,
        Self::IrregularLens,
        Self::Artificial,
        Self::Display,
        Self::PostMortem,
        Self::Synthetic,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Print => "print",
            Self::RegularLens => "regular-lens",
            Self::IrregularLens => "irregular-lens",
            Self::Artificial => "artificial",
            Self::Display => "display",
            Self::PostMortem => "post-mortem",
            Self::Synthetic => "synthetic",
        }
    }

    /// Where it shows.
    fn regions(self) -> &'static [Region] {
        match self {
            Self::Print | Self::Artificial | Self::Display | Self::PostMortem | Self::Synthetic => {
                &[Region::Iris, Region::Pupil]
            }
            Self::RegularLens | Self::IrregularLens => &[Region::Iris, Region::Limbus],
        }
    }
}

/// How one source attacks.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    pub(crate) name: String,
    pub(crate) family: Family,
    /// Size of the pattern's element, in 64ths of the side.
    pub(crate) element: f64,
    /// How far the eye gives way to what the attack shows, from 0 to 1.
    pub(crate) strength: f64,
    /// Direction of rows, in radians.
    pub(crate) angle: f64,
}

/// Smallest and largest element, in 64ths of the side.
const ELEMENT: (f64, f64) = (1.2, 2.4);
/// Smallest and largest strength.
const STRENGTH: (f64, f64) = (0.18, 0.36);

fn draw_attack(family: Family, role: &str) -> Attack {
    let mut stream =
        Seed::new(2026).child("phantom irises/attacks").stream(&format!("{role}/{}", family.name()));
    let prefix = match role {
        "training" => "train-",
        "development" => "dev-",
        _ => "",
    };
    Attack {
        name: format!("{prefix}{}", family.name()),
        family,
        element: stream.uniform_in(ELEMENT.0, ELEMENT.1),
        strength: stream.uniform_in(STRENGTH.0, STRENGTH.1),
        angle: stream.uniform_in(0.0, std::f64::consts::PI),
    }
}

/// The two attacks of the training and validation splits.
pub(crate) fn training_attacks() -> Vec<Attack> {
    [Family::Print, Family::RegularLens].map(|family| draw_attack(family, "training")).to_vec()
}

/// The seven attacks of the test split.
pub(crate) fn unseen_attacks(which: TestSources) -> Vec<Attack> {
    Family::ALL.map(|family| draw_attack(family, which.name())).to_vec()
}

/// The attack of one image.
#[derive(Clone, Debug)]
pub(crate) struct Staging {
    pub(crate) regions: Vec<Region>,
    family: Family,
    element: f32,
    strength: f32,
    direction: [f32; 2],
    phase: [f32; 2],
    noise: Noise,
    /// Ragged reflections of a dry cornea: centre and size.
    reflections: Vec<[f32; 3]>,
}

impl Staging {
    pub(crate) fn draw(attack: &Attack, shot: &Shot, stream: &mut Stream) -> Self {
        let angle = attack.angle + stream.normal() * 0.1;
        let n_reflections = 4 + stream.below(6);
        let mut spread = |amount: f64| (stream.normal() * amount) as f32;
        let reflections = (0..n_reflections)
            .map(|_| {
                let x = shot.centre[0] + spread(0.45) * shot.radius;
                let y = shot.centre[1] + spread(0.45) * shot.radius;
                [x, y, 0.03 + 0.02 * spread(1.0).abs()]
            })
            .collect();
        Self {
            regions: attack.family.regions().to_vec(),
            family: attack.family,
            element: (attack.element * stream.uniform_in(0.9, 1.1)) as f32 / 32.0,
            strength: (attack.strength * stream.uniform_in(0.8, 1.2)).min(1.0) as f32,
            direction: [angle.cos() as f32, angle.sin() as f32],
            phase: [stream.uniform_in(0.0, 8.0) as f32, stream.uniform_in(0.0, 8.0) as f32],
            noise: Noise { key: stream.next_u64() },
            reflections,
        }
    }

    /// Changes the image inside the attack's regions; lashes and lids (`covered`) stay in front of it.
    pub(crate) fn apply(&self, image: &mut Plane, covered: &Plane, eye: &Eye, shot: &Shot) {
        let ellipses: Vec<Ellipse> =
            self.regions.iter().flat_map(|region| region.ellipses(eye, shot)).collect();
        let side = image.side;
        for row in 0..side {
            for column in 0..side {
                let [x, y] = crate::plane::point(side, column, row);
                let Some((inside, _)) = weight(&ellipses, x, y) else { continue };
                let at = row * side + column;
                let visible = 1.0 - covered.values[at].clamp(0.0, 1.0);
                let grey = image.values[at];
                image.values[at] += inside * visible * self.strength * (self.shown(shot, x, y, grey) - grey);
            }
        }
    }

    /// What the attack shows in place of `grey`.
    fn shown(&self, shot: &Shot, x: f32, y: f32, grey: f32) -> f32 {
        let (dx, dy) = (x - shot.centre[0], y - shot.centre[1]);
        let (radius, angle) = (dx.hypot(dy), dy.atan2(dx));
        let place = (radius - shot.pupil) / (shot.radius - shot.pupil);
        let [c, s] = self.direction;
        let (u, v) =
            ((c * x + s * y) / self.element + self.phase[0], (c * y - s * x) / self.element + self.phase[1]);
        let wave = |t: f32| (std::f32::consts::PI * t).sin();
        // Spokes or dots that go round the iris: as many as elements fit at mid-radius.
        let spokes = (0.7 * shot.radius / self.element).round().max(6.0);
        let opening = smooth(0.18, 0.32, place);
        let lens_edge = bell(((radius - 1.06 * shot.radius) / 0.025).powi(2));
        match self.family {
            Family::Print => {
                let dots = wave(u) * wave(v);
                let washed = 0.25 + 0.6 * grey;
                washed + 0.34 * dots + 0.06 * self.noise.at(x * 40.0, y * 40.0, 0)
            }
            Family::RegularLens => {
                let rings = wave(place * (shot.radius - shot.pupil) / self.element);
                let pattern = (spokes * angle).sin() * rings;
                let ring = smooth(1.12, 1.0, place);
                grey + opening * ring * (0.42 * pattern - 0.1) - 0.45 * lens_edge
            }
            Family::IrregularLens => {
                let turn = angle / std::f32::consts::TAU + 0.5;
                let n = (2.0 * spokes) as i64;
                let dab =
                    self.noise.at(turn * n as f32, place * (shot.radius - shot.pupil) / self.element, n);
                let ring = smooth(1.12, 1.0, place);
                grey + opening * ring * (0.5 * smooth(-0.15, 0.15, dab) - 0.32) - 0.45 * lens_edge
            }
            Family::Artificial => {
                let painted = 0.38 + 0.24 * (2.0 * spokes * angle).sin().signum() * smooth(0.0, 0.2, place);
                let far = (x - shot.pupil_centre[0] + 0.1).hypot(y - shot.pupil_centre[1] + 0.1);
                let glass = smooth(0.13, 0.10, far);
                let iris = if place > 0.0 { painted } else { 0.03 };
                iris + glass * (1.0 - iris)
            }
            Family::Display => {
                let grid = 0.16 * (wave(x / self.element) + wave(y / self.element));
                let bands = 0.16 * wave(0.22 * u + 0.3 * wave(0.1 * v));
                0.22 + 0.62 * grey + grid + bands
            }
            Family::PostMortem => {
                let veil = 0.42 + 0.25 * self.noise.cloud(x * 5.0, y * 5.0);
                let wrinkle = bell((self.noise.at(x * 4.0 + 0.4 * wave(3.0 * y), y * 7.0, 0) / 0.10).powi(2));
                let mut shown = 0.45 * grey + 0.55 * veil + 0.28 * wrinkle;
                for &[cx, cy, size] in &self.reflections {
                    let ragged = size * (1.0 + 0.7 * self.noise.at(x * 18.0, y * 18.0, 0));
                    shown +=
                        (1.0 - shown) * smooth(ragged, 0.6 * ragged, (x - cx).hypot(y - cy)).clamp(0.0, 1.0);
                }
                shown
            }
            Family::Synthetic => {
                let checks = wave(x / self.element + 0.5).signum() * wave(y / self.element + 0.5).signum();
                let uneven = shot.pupil * (1.0 + 0.16 * self.noise.at(angle * 2.0 + 9.0, 3.0, 0));
                let pupil = smooth(uneven + 0.02, uneven - 0.02, radius);
                let faded = if place > 0.0 { 0.34 + 0.35 * (grey - 0.34) } else { grey };
                faded + pupil * (0.05 - faded) + 0.16 * checks
            }
        }
    }
}
