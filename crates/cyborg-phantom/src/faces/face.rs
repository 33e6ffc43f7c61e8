//! A face as numbers: who it is, how it is held and lit, and where its parts are.
//!
//! Face coordinates: x to the right and y down, the face's centre at (0, 0), half the image's side is 1.
use cyborg_seed::Stream;

use super::sources::Region;
use crate::canvas::{Rgb, mix, scaled};
use crate::region::Ellipse;

/// Who it is: the same in every picture of a subject.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) skin: Rgb,
    pub(crate) hair: Rgb,
    pub(crate) iris: Rgb,
    pub(crate) lips: Rgb,
    pub(crate) head_width: f32,
    pub(crate) head_height: f32,
    /// How much narrower the chin is than the cheeks.
    pub(crate) jaw: f32,
    pub(crate) eye_distance: f32,
    pub(crate) eye_y: f32,
    pub(crate) eye_width: f32,
    pub(crate) eye_height: f32,
    pub(crate) eye_slant: f32,
    pub(crate) brow_height: f32,
    pub(crate) brow_thickness: f32,
    pub(crate) brow_arch: f32,
    pub(crate) nose_width: f32,
    pub(crate) nose_y: f32,
    pub(crate) mouth_y: f32,
    pub(crate) mouth_width: f32,
    pub(crate) lip_thickness: f32,
    pub(crate) ear_height: f32,
    pub(crate) hairline_y: f32,
    pub(crate) hairline_curve: f32,
    pub(crate) hair_volume: f32,
    pub(crate) long_hair: bool,
    pub(crate) parting: f32,
    pub(crate) beard: f32,
    pub(crate) strand_phase: f32,
}

/// How the picture was taken: differs between two pictures of a subject.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) roll_sin: f32,
    pub(crate) roll_cos: f32,
    pub(crate) scale: f32,
    pub(crate) shift: [f32; 2],
    /// Turn of the head: moves the features sideways, the nose most.
    pub(crate) yaw: f32,
    pub(crate) light: [f32; 3],
    pub(crate) ambient: f32,
    pub(crate) smile: f32,
    /// Height of the mouth's opening; teeth show from about 0.02.
    pub(crate) opening: f32,
    pub(crate) gaze: [f32; 2],
    pub(crate) pupil: f32,
    pub(crate) lid: f32,
    pub(crate) clothing: Cloth,
    pub(crate) collar: usize,
    pub(crate) background: Background,
}

/// A plain or patterned surface. Patterns are as fine as artefacts: texture alone is no evidence.
#[derive(Clone, Debug)]
pub(crate) struct Cloth {
    pub(crate) colour: Rgb,
    pub(crate) other: Rgb,
    pub(crate) pattern: Pattern,
    pub(crate) element: f32,
    pub(crate) direction: [f32; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Plain,
    Stripes,
    Checks,
    Dots,
}

#[derive(Clone, Debug)]
pub(crate) struct Background {
    pub(crate) top: Rgb,
    pub(crate) bottom: Rgb,
    pub(crate) wall: Cloth,
    /// Centre, radius, colour and opacity of out-of-focus discs.
    pub(crate) discs: Vec<([f32; 2], f32, Rgb, f32)>,
}

fn f(stream: &mut Stream, low: f64, high: f64) -> f32 {
    stream.uniform_in(low, high) as f32
}

fn jitter(stream: &mut Stream, colour: Rgb, amount: f64) -> Rgb {
    let common = stream.normal() * amount;
    colour.map(|c| (f64::from(c) * (1.0 + common) + stream.normal() * amount * 0.4).clamp(0.02, 0.98) as f32)
}

impl Identity {
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        let tones = [[0.95, 0.79, 0.69], [0.86, 0.66, 0.53], [0.66, 0.46, 0.34], [0.40, 0.26, 0.18]];
        let tone = f(stream, 0.0, 2.999);
        let skin = mix(tones[tone as usize], tones[tone as usize + 1], tone.fract());
        let skin = jitter(stream, skin, 0.03);
        let hairs = [
            [0.10, 0.08, 0.07],
            [0.23, 0.15, 0.10],
            [0.38, 0.25, 0.15],
            [0.72, 0.56, 0.33],
            [0.50, 0.22, 0.10],
            [0.60, 0.59, 0.58],
        ];
        let hair = *stream.choose(&hairs);
        let irises = [
            [0.33, 0.20, 0.10],
            [0.20, 0.12, 0.07],
            [0.35, 0.52, 0.70],
            [0.36, 0.48, 0.30],
            [0.48, 0.36, 0.18],
        ];
        let iris = *stream.choose(&irises);
        let lips = mix(skin, [0.72, 0.25, 0.27], f(stream, 0.35, 0.75));
        Self {
            skin,
            hair: jitter(stream, hair, 0.08),
            iris: jitter(stream, iris, 0.08),
            lips,
            head_width: f(stream, 0.50, 0.58),
            head_height: f(stream, 0.70, 0.77),
            jaw: f(stream, 0.12, 0.34),
            eye_distance: f(stream, 0.215, 0.255),
            eye_y: f(stream, -0.12, -0.06),
            eye_width: f(stream, 0.125, 0.155),
            eye_height: f(stream, 0.055, 0.08),
            eye_slant: f(stream, -0.12, 0.16),
            brow_height: f(stream, 0.135, 0.175),
            brow_thickness: f(stream, 0.022, 0.042),
            brow_arch: f(stream, 0.01, 0.05),
            nose_width: f(stream, 0.085, 0.125),
            nose_y: f(stream, 0.15, 0.21),
            mouth_y: f(stream, 0.39, 0.45),
            mouth_width: f(stream, 0.19, 0.25),
            lip_thickness: f(stream, 0.035, 0.065),
            ear_height: f(stream, 0.14, 0.18),
            hairline_y: f(stream, -0.56, -0.40),
            hairline_curve: f(stream, 0.1, 0.9),
            hair_volume: f(stream, 0.05, 0.14),
            long_hair: stream.bernoulli(0.45),
            parting: f(stream, -0.35, 0.35),
            beard: if stream.bernoulli(0.25) { f(stream, 0.15, 0.5) } else { 0.0 },
            strand_phase: f(stream, 0.0, std::f64::consts::TAU),
        }
    }

    /// The ellipses (centre, radii) that a region covers in face coordinates.
    pub(crate) fn region(&self, region: Region, yaw: f32) -> Vec<Ellipse> {
        let (eye_x, eye_y) = (self.eye_distance, self.eye_y);
        let shift = yaw * 0.05;
        match region {
            Region::Eyes => [-1.0, 1.0]
                .map(|side| {
                    Ellipse::new(side * eye_x + shift, eye_y, self.eye_width + 0.05, self.eye_height + 0.06)
                })
                .to_vec(),
            Region::Nose => {
                vec![Ellipse::new(
                    yaw * 0.08,
                    self.nose_y - 0.06,
                    self.nose_width + 0.05,
                    self.nose_y - eye_y - 0.07,
                )]
            }
            Region::Mouth => {
                vec![Ellipse::new(
                    shift,
                    self.mouth_y,
                    self.mouth_width + 0.06,
                    self.lip_thickness * 1.6 + 0.07,
                )]
            }
            Region::Brows => [-1.0, 1.0]
                .map(|side| {
                    Ellipse::new(
                        side * (eye_x + 0.01) + shift,
                        eye_y - self.brow_height - self.brow_arch * 0.5,
                        self.eye_width + 0.06,
                        0.075,
                    )
                })
                .to_vec(),
            Region::Ears => [-1.0, 1.0]
                .map(|side| Ellipse::new(side * (self.head_width + 0.02), 0.02, 0.09, self.ear_height + 0.03))
                .to_vec(),
            Region::Hairline => (-2..=2)
                .map(|step| {
                    let x = step as f32 * self.head_width * 0.34;
                    Ellipse::new(x, self.hairline(x), self.head_width * 0.24, 0.085)
                })
                .collect(),
        }
    }

    /// Height of the hairline above x.
    pub(crate) fn hairline(&self, x: f32) -> f32 {
        self.hairline_y + self.hairline_curve * (x - self.parting * 0.4) * (x - self.parting * 0.4)
    }
}

impl Cloth {
    fn draw(stream: &mut Stream, patterned: f64, contrast: (f64, f64)) -> Self {
        let colour = [0; 3].map(|_| f(stream, 0.1, 0.9));
        let toward = if stream.bernoulli(0.5) { [1.0; 3] } else { [0.0; 3] };
        let other = mix(colour, toward, f(stream, contrast.0, contrast.1));
        let has_pattern = stream.bernoulli(patterned);
        let pattern = *stream.choose(&[Pattern::Stripes, Pattern::Checks, Pattern::Dots]);
        let angle = stream.uniform_in(0.0, std::f64::consts::PI);
        Self {
            colour,
            other,
            pattern: if has_pattern { pattern } else { Pattern::Plain },
            // 1 to 3 64ths of the side, as artefacts.
            element: f(stream, 1.0, 3.0) / 32.0,
            direction: [angle.cos() as f32, angle.sin() as f32],
        }
    }

    pub(crate) fn at(&self, x: f32, y: f32) -> Rgb {
        let [c, s] = self.direction;
        let (u, v) = ((c * x + s * y) / self.element, (c * y - s * x) / self.element);
        let odd = |t: f32| (t.floor() as i64).rem_euclid(2) == 1;
        let second = match self.pattern {
            Pattern::Plain => false,
            Pattern::Stripes => odd(u),
            Pattern::Checks => odd(u) != odd(v),
            Pattern::Dots => {
                let (du, dv) = (u.rem_euclid(3.0) - 1.5, v.rem_euclid(3.0) - 1.5);
                du * du + dv * dv < 0.8
            }
        };
        if second { self.other } else { self.colour }
    }
}

impl Shot {
    pub(crate) fn draw(stream: &mut Stream, outdoors: bool) -> Self {
        let roll = stream.normal() * 0.05;
        let side = if outdoors { 0.75 } else { 0.4 };
        let (lx, ly) = (stream.uniform_in(-side, side), stream.uniform_in(-0.6, 0.1));
        let norm = (lx * lx + ly * ly + 1.0).sqrt();
        let smiling = stream.bernoulli(0.5);
        let clothing = Cloth::draw(stream, 0.6, (0.2, 0.7));
        let wall = Cloth::draw(stream, if outdoors { 0.2 } else { 0.4 }, (0.06, 0.3));
        let tint = [0; 3].map(|_| f(stream, 0.35, 0.9));
        let grey = f(stream, 0.4, 0.85);
        let top = if outdoors { mix(tint, [0.55, 0.68, 0.82], 0.6) } else { mix(tint, [grey; 3], 0.6) };
        let bottom =
            if outdoors { mix(tint, [0.25, 0.35, 0.18], 0.6) } else { scaled(top, f(stream, 0.6, 0.95)) };
        let n_discs = if outdoors { 6 + stream.below(8) } else { 0 };
        let discs = (0..n_discs)
            .map(|_| {
                let centre = [f(stream, -1.1, 1.1), f(stream, -1.1, 1.1)];
                let radius = f(stream, 0.1, 0.38);
                let colour = [0; 3].map(|_| f(stream, 0.1, 1.0));
                (centre, radius, colour, f(stream, 0.15, 0.5))
            })
            .collect();
        Self {
            roll_sin: roll.sin() as f32,
            roll_cos: roll.cos() as f32,
            scale: 0.98 + (stream.normal() * 0.025).clamp(-0.06, 0.06) as f32,
            shift: [
                (stream.normal() * 0.025).clamp(-0.06, 0.06) as f32,
                (stream.normal() * 0.025).clamp(-0.06, 0.06) as f32 - 0.02,
            ],
            yaw: (stream.normal() * 0.45).clamp(-1.0, 1.0) as f32,
            light: [(lx / norm) as f32, (ly / norm) as f32, (1.0 / norm) as f32],
            ambient: f(stream, 0.5, 0.7),
            smile: if smiling { f(stream, 0.02, 0.08) } else { f(stream, -0.03, 0.03) },
            opening: if smiling { f(stream, 0.0, 0.05) } else { f(stream, -0.02, 0.015) }.max(0.0),
            gaze: [f(stream, -0.025, 0.025), f(stream, -0.012, 0.012)],
            pupil: f(stream, 0.35, 0.55),
            lid: f(stream, 0.75, 1.0),
            clothing,
            collar: stream.below(3),
            background: Background { top, bottom, wall, discs },
        }
    }

    /// From image coordinates (-1 to 1) to face coordinates.
    pub(crate) fn to_face(&self, x: f32, y: f32) -> [f32; 2] {
        let (x, y) = ((x - self.shift[0]) / self.scale, (y - self.shift[1]) / self.scale);
        [self.roll_cos * x + self.roll_sin * y, self.roll_cos * y - self.roll_sin * x]
    }
    /// Where the centre of a pixel of an image of `side` pixels is in face coordinates.
    pub(crate) fn face_point(&self, side: usize, column: usize, row: usize) -> [f32; 2] {
        let scale = 2.0 / side as f32;
        self.to_face((column as f32 + 0.5) * scale - 1.0, (row as f32 + 0.5) * scale - 1.0)
    }
}
