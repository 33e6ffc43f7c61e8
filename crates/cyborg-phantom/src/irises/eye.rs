//! An eye in near-infrared light as numbers, and its grey level at a point.
//!
//! Image coordinates run from -1 to 1 over the side of the square crop around the iris.
use cyborg_seed::Stream;

use crate::plane::{Curve, Noise, Plane, bell, smooth};

fn f(stream: &mut Stream, low: f64, high: f64) -> f32 {
    stream.uniform_in(low, high) as f32
}

/// Whose eye it is: the same in every picture.
#[derive(Clone, Debug)]
pub(crate) struct Eye {
    /// Grey level of the iris; skin and sclera are brighter, the pupil darker.
    iris: f32,
    contrast: f32,
    /// Number of radial fibres around the iris.
    fibres: i64,
    /// Where the collarette is between pupil (0) and limbus (1).
    collarette: f32,
    /// Angle, place between pupil and limbus, half width (radians) and half length of dark holes.
    crypts: Vec<[f32; 4]>,
    /// Places of concentric contraction furrows between pupil and limbus.
    furrows: Vec<f32>,
    skin: f32,
    sclera: f32,
    lashes: Vec<Lash>,
    /// Sideways slope of the lids.
    slant: f32,
    texture: Noise,
    skin_texture: Noise,
}

/// One eyelash, in lid coordinates.
#[derive(Clone, Copy, Debug)]
struct Lash {
    x: f32,
    length: f32,
    lean: f32,
    upper: bool,
}

/// How the picture was taken.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) centre: [f32; 2],
    /// Radii of iris and pupil.
    pub(crate) radius: f32,
    pub(crate) pupil: f32,
    pub(crate) pupil_centre: [f32; 2],
    /// Height of the upper and the lower lid's edge at the iris' middle.
    upper: f32,
    lower: f32,
    light: [f32; 2],
    /// Centres and radii of the lamps' reflections.
    pub(crate) highlights: Vec<([f32; 2], f32)>,
    glints: Vec<[f32; 2]>,
}

impl Eye {
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        let n_crypts = 2 + stream.below(13);
        let n_furrows = 2 + stream.below(4);
        let n_upper = 40 + stream.below(40);
        let n_lower = 12 + stream.below(20);
        let lashes = (0..n_upper + n_lower)
            .map(|i| {
                let upper = i < n_upper;
                let x = f(stream, -1.15, 1.15);
                let length = if upper { f(stream, 0.22, 0.5) } else { f(stream, 0.08, 0.2) };
                Lash { x, length, lean: 0.75 * x + 0.28 * stream.normal() as f32, upper }
            })
            .collect();
        Self {
            iris: f(stream, 0.28, 0.42),
            contrast: f(stream, 0.14, 0.24),
            fibres: 36 + stream.below(40) as i64,
            collarette: f(stream, 0.28, 0.42),
            crypts: (0..n_crypts)
                .map(|_| {
                    let angle = f(stream, 0.0, std::f64::consts::TAU);
                    [angle, f(stream, 0.3, 0.7), f(stream, 0.04, 0.10), f(stream, 0.06, 0.16)]
                })
                .collect(),
            furrows: (0..n_furrows).map(|_| f(stream, 0.6, 0.95)).collect(),
            skin: f(stream, 0.70, 0.92),
            sclera: f(stream, 0.62, 0.74),
            lashes,
            slant: f(stream, -0.12, 0.12),
            texture: Noise { key: stream.next_u64() },
            skin_texture: Noise { key: stream.next_u64() },
        }
    }

    /// How far a point is between the upper and the lower lid: the smaller distance to either edge, negative on the lids.
    fn opening(&self, shot: &Shot, x: f32, y: f32) -> f32 {
        (y - self.upper_lid(shot, x)).min(self.lower_lid(shot, x) - y)
    }

    pub(crate) fn upper_lid(&self, shot: &Shot, x: f32) -> f32 {
        let dx = x - shot.centre[0];
        shot.upper + self.slant * dx + 0.30 * dx * dx
    }

    pub(crate) fn lower_lid(&self, shot: &Shot, x: f32) -> f32 {
        let dx = x - shot.centre[0];
        shot.lower + self.slant * dx - 0.20 * dx * dx
    }

    /// Grey level at a point, without lashes and highlights.
    pub(crate) fn grey(&self, shot: &Shot, x: f32, y: f32) -> f32 {
        let opening = self.opening(shot, x, y);
        let light = 1.0 + shot.light[0] * x + shot.light[1] * y;
        if opening < -0.03 {
            return self.skin_grey(shot, x, y) * light;
        }
        let (dx, dy) = (x - shot.centre[0], y - shot.centre[1]);
        let radius = dx.hypot(dy);
        let vessels = 1.0
            - self
                .skin_texture
                .at(x * 9.0 + 3.0 * self.skin_texture.at(x * 3.0, y * 3.0, 0), y * 5.0, 0)
                .abs();
        let white = self.sclera - 0.05 * smooth(0.85, 1.0, vessels) - 0.10 * smooth(0.8, 1.3, radius);
        // The limbus is soft: an eighth of the radius.
        let inside = smooth(shot.radius * 1.05, shot.radius * 0.93, radius);
        let mut grey = white + inside * (self.iris_grey(shot, dx, dy, radius) - white);
        let pupil_radius = (x - shot.pupil_centre[0]).hypot(y - shot.pupil_centre[1]);
        let pupil = smooth(shot.pupil + 0.02, shot.pupil - 0.02, pupil_radius);
        grey += pupil * (0.05 - grey);
        // The lid's shadow, and the wet line at its edge.
        grey *= 1.0 - 0.25 * bell((opening / 0.07).powi(2));
        let lid = self.skin_grey(shot, x, y);
        let edge = smooth(0.012, -0.03, opening);
        (grey + edge * (lid - grey)) * light
    }

    fn skin_grey(&self, shot: &Shot, x: f32, y: f32) -> f32 {
        let above = self.upper_lid(shot, x) - y;
        let below = y - self.lower_lid(shot, x);
        let crease = bell(((above - 0.34 - 0.08 * x) / 0.035).powi(2))
            + 0.5 * bell(((below - 0.3 + 0.1 * x) / 0.05).powi(2));
        let margin = bell(((above - 0.05) / 0.035).powi(2));
        let wet = bell(((below - 0.03) / 0.02).powi(2));
        self.skin + 0.05 * self.skin_texture.cloud(x * 7.0, y * 9.0) - 0.16 * crease - 0.14 * margin
            + 0.08 * wet
    }

    fn iris_grey(&self, shot: &Shot, dx: f32, dy: f32, radius: f32) -> f32 {
        let place = ((radius - shot.pupil) / (shot.radius - shot.pupil)).clamp(0.0, 1.0);
        let angle = dy.atan2(dx);
        let turn = angle / std::f32::consts::TAU + 0.5;
        let n = self.fibres;
        let bend = 0.6 * self.texture.at(turn * 12.0, place * 2.0 + 40.0, 12);
        let spokes = self.texture.at(turn * n as f32 + bend, place * 2.5, n)
            + 0.6 * self.texture.at(turn * (2 * n) as f32 + bend, place * 4.0 + 9.0, 2 * n);
        let ring = self.collarette + 0.05 * self.texture.at(turn * 22.0, 77.0, 22);
        let mut texture = spokes * (0.65 + 0.6 * bell(((place - ring) / 0.12).powi(2)));
        texture +=
            1.1 * bell(((place - ring) / 0.035).powi(2)) - 0.5 * smooth(ring + 0.03, ring - 0.08, place);
        for &[crypt, at, half_width, half_length] in &self.crypts {
            let mut away = angle - (crypt - std::f32::consts::PI);
            away -= std::f32::consts::TAU * (away / std::f32::consts::TAU).round();
            texture -=
                1.8 * bell(2.0 * (away / half_width).powi(2) + 2.0 * ((place - at) / half_length).powi(2));
        }
        for &furrow in &self.furrows {
            let there = smooth(-0.2, 0.4, self.texture.at(turn * 5.0, furrow * 50.0, 5));
            texture -= 0.9 * there * bell(((place - furrow) / 0.02).powi(2));
        }
        // The dark beaded ruff at the pupil, and the darker limbal ring.
        let ruff = (0.5 + 0.5 * self.texture.at(turn * 40.0, 123.0, 40)) * bell((place / 0.035).powi(2));
        self.iris * (1.0 + self.contrast * texture) - 0.09 * ruff - 0.07 * smooth(0.8, 1.0, place)
    }

    /// Lashes as curves, each with its opacity.
    pub(crate) fn lashes(&self, shot: &Shot) -> Vec<(Curve, f32)> {
        let curve = |lash: &Lash| {
            let edge = if lash.upper {
                self.upper_lid(shot, lash.x) - 0.02
            } else {
                self.lower_lid(shot, lash.x) + 0.02
            };
            let up = if lash.upper { -1.0 } else { 1.0 };
            let (lean, length) = (lash.lean.clamp(-1.2, 1.2), lash.length);
            let end = [lash.x + lean * length, edge + up * length * (1.0 - 0.35 * lean.abs())];
            // Upper lashes first hang over the eye, then rise.
            let hang = if lash.upper { 0.10 } else { 0.0 };
            let bend = [lash.x + 0.2 * lean * length, edge + up * length * 0.25 + hang];
            let width = if lash.upper { 0.022 } else { 0.014 };
            (
                Curve { points: [[lash.x, edge], bend, end], width, tapered: true },
                if lash.upper { 0.75 } else { 0.45 },
            )
        };
        self.lashes.iter().map(curve).collect()
    }
}

impl Shot {
    /// `lamps`: how many reflections the sensor's lamps leave, side by side.
    pub(crate) fn draw(stream: &mut Stream, lamps: usize) -> Self {
        let radius = f(stream, 0.49, 0.56);
        let centre = [f(stream, -0.05, 0.05), f(stream, -0.04, 0.08)];
        let pupil = radius * f(stream, 0.34, 0.54);
        let pupil_centre =
            [centre[0] + radius * f(stream, -0.04, 0.04), centre[1] + radius * f(stream, 0.0, 0.04)];
        let covered = f(stream, 0.04, 0.22);
        let offset = [pupil * f(stream, -0.25, 0.25), pupil * f(stream, -0.2, 0.2)];
        let size = f(stream, 0.035, 0.05);
        let apart = pupil * f(stream, 0.6, 0.72);
        let highlights = (0..lamps)
            .map(|lamp| {
                let shift = (lamp as f32 - 0.5 * (lamps - 1) as f32) * apart;
                let at = [pupil_centre[0] + offset[0] + shift, pupil_centre[1] + offset[1]];
                (at, if lamp == 0 { size } else { size * 0.75 })
            })
            .collect();
        let n_glints = 2 + stream.below(5);
        Self {
            centre,
            radius,
            pupil,
            pupil_centre,
            upper: centre[1] - radius + 2.0 * radius * covered,
            lower: centre[1] + radius * f(stream, 0.88, 1.08),
            light: [f(stream, -0.08, 0.08), f(stream, -0.08, 0.05)],
            highlights,
            glints: (0..n_glints).map(|_| [f(stream, -0.6, 0.6), f(stream, 0.0, 1.0)]).collect(),
        }
    }
}

/// Draws an eye without any attack at twice the side, and how much of it lashes and lids cover (1: all).
pub(crate) fn draw_eye(eye: &Eye, shot: &Shot, side: usize) -> (Plane, Plane) {
    let mut image = Plane::of(2 * side, |x, y| eye.grey(shot, x, y));
    let mut covered = Plane::of(2 * side, |x, y| smooth(0.01, -0.02, eye.opening(shot, x, y)));
    for &(at, radius) in &shot.highlights {
        image.change(|x, y, v| {
            let far = (x - at[0]).hypot(y - at[1]);
            let halo = 0.25 * bell((far / (2.0 * radius)).powi(2));
            v + (1.0 - v) * (smooth(radius * 1.3, radius * 0.7, far) + halo).min(1.0)
        });
    }
    for &[x, t] in &shot.glints {
        // On the upper lid's wet edge or on the lower lid's tear film.
        let y = if t < 0.5 { eye.upper_lid(shot, x) + 0.005 } else { eye.lower_lid(shot, x) - 0.005 };
        let glint = Curve { points: [[x - 0.03, y], [x, y], [x + 0.03, y]], width: 0.02, tapered: false };
        image.stroke(&glint, 1.0, 0.8);
    }
    for (curve, opacity) in eye.lashes(shot) {
        image.stroke(&curve, 0.14, opacity);
        covered.stroke(&curve, 1.0, opacity);
    }
    (image.halved(), covered.halved())
}
