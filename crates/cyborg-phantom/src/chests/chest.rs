//! A chest in a frontal radiograph as numbers, and its grey level at a point.
//!
//! Image coordinates run from -1 to 1; the right lung is on the picture's left. Bright is what holds rays back: bone, heart,
//! belly; dark is air.
use cyborg_seed::Stream;

use crate::plane::{Curve, Noise, Plane, bell, smooth};

fn f(stream: &mut Stream, low: f64, high: f64) -> f32 {
    stream.uniform_in(low, high) as f32
}

/// Whose chest it is: the same in every picture.
#[derive(Clone, Debug)]
pub(crate) struct Chest {
    /// Half width of the lungs at their widest.
    width: f32,
    apex: f32,
    /// Height of the right and the left dome of the diaphragm.
    domes: [f32; 2],
    /// Centre, radii and tilt of the heart.
    heart: [f32; 5],
    knob: f32,
    rib_first: f32,
    rib_step: f32,
    rib_contrast: f32,
    bubble: Option<[f32; 3]>,
    breasts: f32,
    vessels: Vec<Curve>,
    tissue: Noise,
}

/// How the picture was taken.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    shift: [f32; 2],
    scale: f32,
    sin: f32,
    cos: f32,
    /// Deeper breath lowers the domes.
    breath: f32,
    /// Half width of the field that the collimator leaves open.
    field: f32,
}

impl Chest {
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        let mut vessels = Vec::new();
        for side in [-1.0f32, 1.0] {
            let hilum = [side * 0.21, if side > 0.0 { -0.10 } else { -0.05 }];
            for _ in 0..16 {
                let angle = f(stream, -1.35, 1.35);
                let length = f(stream, 0.25, 0.55);
                let end = [hilum[0] + side * length * angle.cos(), hilum[1] + length * angle.sin() * 1.15];
                let bend = [
                    0.5 * (hilum[0] + end[0]) + f(stream, -0.05, 0.05),
                    0.5 * (hilum[1] + end[1]) + f(stream, -0.06, 0.06),
                ];
                vessels.push(Curve {
                    points: [hilum, bend, end],
                    width: f(stream, 0.018, 0.036),
                    tapered: true,
                });
            }
        }
        let right = f(stream, 0.36, 0.50);
        Self {
            width: f(stream, 0.80, 0.89),
            apex: f(stream, -0.84, -0.74),
            domes: [right, right + f(stream, 0.01, 0.09)],
            heart: [
                f(stream, 0.10, 0.16),
                f(stream, 0.14, 0.22),
                f(stream, 0.38, 0.46),
                f(stream, 0.30, 0.36),
                f(stream, 0.45, 0.75),
            ],
            knob: f(stream, 0.6, 1.2),
            rib_first: f(stream, -0.92, -0.82),
            rib_step: f(stream, 0.135, 0.155),
            rib_contrast: f(stream, 0.12, 0.20),
            bubble: stream
                .bernoulli(0.6)
                .then(|| [f(stream, 0.35, 0.5), f(stream, 0.72, 0.8), f(stream, 0.08, 0.14)]),
            breasts: if stream.bernoulli(0.5) { f(stream, 0.04, 0.09) } else { 0.0 },
            vessels,
            tissue: Noise { key: stream.next_u64() },
        }
    }

    /// How surely a point (in chest coordinates) is in a lung: 0 to 1, soft at the edges.
    pub(crate) fn lung(&self, shot: &Shot, x: f32, y: f32) -> f32 {
        let away = x.abs();
        let dome = self.domes[usize::from(x > 0.0)] + shot.breath;
        let t = ((y - self.apex) / (dome - self.apex)).clamp(0.0, 1.4);
        let rest = (1.0 - t).max(0.0);
        let outer = self.width * (1.0 - 0.60 * rest.powf(2.6)) - 0.02 * (t - 0.6).max(0.0);
        let inner = 0.13 + 0.12 * rest.powi(3);
        // Domes are highest in the middle of each lung and fall to the sharp outer angle.
        let floor = dome + 1.05 * (away - 0.40).max(0.0).powi(2) + 0.4 * (0.40 - away).max(0.0).powi(2);
        let roof = self.apex + 2.2 * (away - 0.30).powi(2);
        let edge = (away - inner).min(outer - away).min(floor - y).min(y - roof);
        smooth(-0.025, 0.035, edge)
    }

    /// How surely a point is in the heart or the great vessels.
    fn heart(&self, x: f32, y: f32) -> f32 {
        let [cx, cy, rx, ry, tilt] = self.heart;
        let (s, c) = tilt.sin_cos();
        let (u, v) = (c * (x - cx) + s * (y - cy), c * (y - cy) - s * (x - cx));
        let oval = 1.0 - ((u / rx).powi(2) + (v / (0.82 * ry)).powi(2)).sqrt();
        let knob = 1.0 - ((x - 0.11).powi(2) + ((y + 0.34) / 1.4).powi(2)).sqrt() / (0.12 * self.knob);
        let pedicle = 1.0 - (x - 0.02).abs() / (0.17 + 0.08 * (y + 0.4).max(0.0));
        let stem = smooth(-0.1, 0.25, pedicle) * smooth(-0.75, -0.5, y);
        smooth(-0.08, 0.14, oval).max(smooth(-0.3, 0.5, knob)).max(0.9 * stem)
    }

    /// Grey level at a point in image coordinates, without vessels and clavicles.
    fn grey(&self, shot: &Shot, image_x: f32, image_y: f32) -> f32 {
        let [x, y] = shot.to_chest(image_x, image_y);
        let away = x.abs();
        // Neck, shoulders, chest wall.
        let shoulder = -0.93 + 0.32 * (away - 0.2).max(0.0).powf(1.4);
        let neck = smooth(0.24, 0.17, away);
        let wall = smooth(1.14, 1.0, away - 0.08 * (y + 0.2));
        let body = (smooth(shoulder - 0.06, shoulder + 0.06, y) * wall).max(neck);
        let arms = 0.35 * smooth(0.92, 1.0, away) * smooth(-0.75, -0.5, y);
        let mut grey = 0.60 * body + arms * (1.0 - body);
        // Axilla and chest wall are brighter outside the ribs; the shoulders are thin.
        grey -= 0.16 * smooth(-0.55, -0.9, y) * smooth(0.3, 0.7, away) * body;
        let belly = smooth(
            -0.02,
            0.06,
            y - self.domes[usize::from(x > 0.0)] - shot.breath - 1.05 * (away - 0.4).max(0.0).powi(2),
        );
        grey += (0.20 + 0.05 * self.tissue.cloud(x * 2.0, y * 3.0)) * belly * body;
        let spine = bell((x / 0.12).powi(2));
        grey += 0.10 * spine * body;
        grey += 0.03 * spine * (46.0 * y).sin();
        let lung = self.lung(shot, x, y);
        let air = 0.25
            + 0.06 * y
            + 0.04 * self.tissue.cloud(x * 4.0, y * 4.0)
            + 0.03 * self.tissue.at(x * 24.0, y * 24.0, 0);
        grey += lung * (air - grey);
        let heart = self.heart(x, y);
        grey += heart * (0.80 - 0.06 * y - grey).max(0.0) * 0.92;
        // The windpipe and its fork.
        let fork = 0.5 * (y + 0.42).max(0.0);
        let pipe = bell(((away - fork) / 0.035).powi(2)) * smooth(-0.22, -0.34, y) * smooth(-1.1, -0.95, y);
        grey -= 0.14 * pipe;
        if let Some([bx, by, size]) = self.bubble {
            let level = ((x - bx) / (1.5 * size)).powi(2) + ((y - by) / size).powi(2);
            grey -= 0.30 * smooth(1.2, 0.7, level);
        }
        if self.breasts > 0.0 {
            let level = ((away - 0.45) / 0.40).powi(2) + ((y - 0.28) / 0.34).powi(2);
            grey += self.breasts * smooth(1.1, 0.9, level);
        }
        grey +=
            body * self.ribs(x, y) * (0.45 + 0.55 * lung) * smooth(0.10, 0.18, away) * smooth(0.65, 0.45, y);
        grey
    }

    /// Posterior ribs, nearly level and falling outwards, and anterior ones, steeper and crossing them.
    fn ribs(&self, x: f32, y: f32) -> f32 {
        let away = x.abs();
        let inside = smooth(0.97, 0.88, away);
        let band = |level: f32| {
            let k = (level / self.rib_step).round();
            if !(0.0..=10.0).contains(&k) {
                return 0.0;
            }
            // Brighter at the edges than in the middle.
            let far = (level - k * self.rib_step).abs() / (0.26 * self.rib_step);
            0.55 * smooth(1.25, 0.85, far) + 0.45 * bell(((far - 0.95) / 0.22).powi(2))
        };
        let posterior = band(y - self.rib_first + 0.16 * (away * 2.6).sin() - 0.62 * away * away);
        let anterior = band(y - self.rib_first - 0.25 - 0.70 * (0.85 - away) - 0.25 * away * away);
        self.rib_contrast * inside * (posterior + 0.6 * anterior * smooth(0.25, 0.45, away))
    }

    /// The ellipses of the six zones: upper, middle and lower of the right lung, then of the left.
    pub(crate) fn zone(index: usize) -> [f32; 4] {
        let side = if index < 3 { -1.0 } else { 1.0 };
        let (x, y) = [(0.38, -0.48), (0.46, -0.12), (0.52, 0.22)][index % 3];
        [side * x, y, 0.20, 0.17]
    }
}

impl Shot {
    pub(crate) fn draw(stream: &mut Stream, portable: bool) -> Self {
        let turn = stream.normal() * if portable { 0.035 } else { 0.015 };
        Self {
            shift: [f(stream, -0.04, 0.04), f(stream, -0.05, 0.05)],
            scale: f(stream, 0.94, 1.06),
            sin: turn.sin() as f32,
            cos: turn.cos() as f32,
            breath: if portable { f(stream, -0.12, 0.0) } else { f(stream, -0.04, 0.05) },
            field: if stream.bernoulli(0.3) { f(stream, 0.9, 0.97) } else { 1.1 },
        }
    }

    /// From image coordinates to chest coordinates.
    pub(crate) fn to_chest(&self, x: f32, y: f32) -> [f32; 2] {
        let (x, y) = ((x - self.shift[0]) / self.scale, (y - self.shift[1]) / self.scale);
        [self.cos * x + self.sin * y, self.cos * y - self.sin * x]
    }

    /// From chest coordinates to image coordinates.
    fn to_image(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (u, v) = (self.cos * x - self.sin * y, self.cos * y + self.sin * x);
        [u * self.scale + self.shift[0], v * self.scale + self.shift[1]]
    }
}

/// Draws a chest without any finding, and how surely each pixel is in a lung.
pub(crate) fn draw_chest(chest: &Chest, shot: &Shot, side: usize) -> (Plane, Plane) {
    let mut image = Plane::of(2 * side, |x, y| chest.grey(shot, x, y));
    let lungs = Plane::of(side, |x, y| {
        let [u, v] = shot.to_chest(x, y);
        chest.lung(shot, u, v) * (1.0 - 0.8 * chest.heart(u, v))
    });
    let placed = |curve: Curve| Curve { points: curve.points.map(|p| shot.to_image(p)), ..curve };
    for vessel in &chest.vessels {
        image.stroke(&placed(*vessel), 0.66, 0.42);
    }
    for s in [-1.0f32, 1.0] {
        let clavicle = Curve {
            points: [[s * 0.10, -0.60], [s * 0.45, -0.78], [s * 0.86, -0.80]],
            width: 0.075,
            tapered: false,
        };
        image.stroke(&placed(clavicle), 0.80, 0.22);
        let scapula = Curve {
            points: [[s * 0.80, -0.70], [s * 0.78, -0.40], [s * 0.90, -0.05]],
            width: 0.05,
            tapered: false,
        };
        image.stroke(&placed(scapula), 0.75, 0.12);
    }
    let field = shot.field;
    image.change(|x, y, v| {
        let vignette = 1.0 - 0.06 * (x * x + y * y);
        if x.abs() > field { 0.01 } else { v * vignette }
    });
    (image.halved(), lungs)
}
