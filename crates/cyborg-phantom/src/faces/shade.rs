//! The colour of a face at a point: layers from the wall behind to the highlight in the eye.
use super::face::{Identity, Pattern, Shot};
use crate::canvas::{Rgb, mix, scaled};

/// Covers 0 to 1 over about one pixel as the signed distance goes from outside (positive) to inside.
fn cover(distance: f32, pixel: f32) -> f32 {
    (0.5 - distance / pixel).clamp(0.0, 1.0)
}

/// A smooth bump: 1 at 0, 0 from 1 on, of a squared distance.
fn bump(level: f32) -> f32 {
    let rest = (1.0 - level).max(0.0);
    rest * rest
}

/// Signed distance (roughly) to an ellipse.
fn ellipse(x: f32, y: f32, rx: f32, ry: f32) -> f32 {
    let level = (x / rx).hypot(y / ry);
    (level - 1.0) * rx.min(ry)
}

/// Everything that a point's colour depends on.
pub(crate) struct Scene<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) shot: &'a Shot,
    /// Side of a sample, in face coordinates: how soft edges are.
    pub(crate) pixel: f32,
}

impl Scene<'_> {
    /// The colour at a point in image coordinates (-1 to 1).
    pub(crate) fn colour(&self, image_x: f32, image_y: f32) -> Rgb {
        let [x, y] = self.shot.to_face(image_x, image_y);
        let id = self.identity;
        let mut colour = self.wall(image_x, image_y);
        self.back_hair(&mut colour, x, y);
        self.body(&mut colour, x, y);
        self.ears(&mut colour, x, y);
        let head = self.head_distance(x, y);
        let inside = cover(head, self.pixel);
        if inside > 0.0 {
            let skin = self.skin(x, y);
            colour = mix(colour, skin, inside);
        }
        self.front_hair(&mut colour, x, y, head);
        if y > id.eye_y - 0.4 && inside > 0.0 {
            self.brows(&mut colour, x, y);
            self.eyes(&mut colour, x, y);
            self.mouth(&mut colour, x, y);
        }
        colour
    }

    fn wall(&self, x: f32, y: f32) -> Rgb {
        let background = &self.shot.background;
        let t = (y + 1.0) * 0.5;
        let mut colour = mix(background.top, background.bottom, t);
        for &(centre, radius, disc, opacity) in &background.discs {
            let (dx, dy) = (x - centre[0], y - centre[1]);
            let distance = dx * dx + dy * dy;
            if distance < radius * radius * 1.2 {
                colour = mix(colour, disc, opacity * cover(distance.sqrt() - radius, 0.08));
            }
        }
        if background.wall.pattern != Pattern::Plain {
            let wall = background.wall.at(x, y);
            let base = background.wall.colour;
            for c in 0..3 {
                colour[c] += 0.6 * (wall[c] - base[c]);
            }
        }
        colour
    }

    fn strands(&self, x: f32, y: f32) -> Rgb {
        let id = self.identity;
        let u = x * (1.0 + 0.35 * y) + 0.12 * (y * 5.0 + id.strand_phase).sin();
        let wave =
            0.55 * (u * 42.0 + id.strand_phase).sin() + 0.45 * (u * 23.0 + 2.0 * id.strand_phase).sin();
        let light = 0.9 + 0.3 * (-self.shot.light[0] * -x - y * 0.35).clamp(-0.5, 0.8);
        scaled(id.hair, light * (1.0 + 0.22 * wave))
    }

    fn back_hair(&self, colour: &mut Rgb, x: f32, y: f32) {
        let id = self.identity;
        let width = id.head_width + id.hair_volume;
        let cap = ellipse(x, y + 0.14, width, id.head_height - 0.12 + id.hair_volume);
        let mut distance = cap.max(y - 0.1);
        if id.long_hair {
            let fall = (x.abs() - width - 0.03 * (y * 4.0).sin()).max(-0.2 - y).max(y - 0.82);
            distance = distance.min(fall);
        }
        let inside = cover(distance, self.pixel);
        if inside > 0.0 {
            *colour = mix(*colour, scaled(self.strands(x, y), 0.85), inside);
        }
    }

    fn body(&self, colour: &mut Rgb, x: f32, y: f32) {
        if y < 0.35 {
            return;
        }
        let id = self.identity;
        let neck = (x.abs() - 0.27).max(0.35 - y);
        let inside = cover(neck, self.pixel);
        if inside > 0.0 {
            // The chin's shadow.
            let shadow = 0.62 + 0.25 * ((y - 0.6) * 2.5).clamp(0.0, 1.0);
            *colour = mix(*colour, scaled(id.skin, shadow), inside);
        }
        let shoulder = 0.78 + 0.32 * (x.abs() - 0.22).max(0.0) - 0.1 * bump(((x.abs() - 0.3) / 0.25).powi(2));
        let collar = match self.shot.collar {
            0 => 0.80 + 0.20 * (1.0 - (x / 0.27).powi(2)).max(0.0).sqrt(),
            1 => 0.78 + 0.9 * (0.26 - x.abs()).max(0.0),
            _ => 0.76,
        };
        let edge = if x.abs() < 0.27 { collar } else { shoulder };
        let inside = cover(edge - y, self.pixel);
        if inside > 0.0 {
            let light = 0.85 - 0.3 * (x * -self.shot.light[0]) - 0.2 * (x.abs() - 0.5).max(0.0);
            *colour = mix(*colour, scaled(self.shot.clothing.at(x, y), light), inside);
        }
    }

    fn ears(&self, colour: &mut Rgb, x: f32, y: f32) {
        let id = self.identity;
        let out = x.abs() - id.head_width;
        if !(-0.2..0.2).contains(&out) || !(-0.3..0.35).contains(&y) || id.long_hair {
            return;
        }
        let inside = cover(ellipse(out - 0.01, y - 0.02, 0.085, id.ear_height), self.pixel);
        let hollow = bump(((out - 0.02) / 0.06).powi(2) + ((y - 0.01) / (id.ear_height * 0.65)).powi(2));
        let side = 1.0 + 0.25 * self.shot.light[0] * x.signum();
        *colour = mix(*colour, scaled(id.skin, side * (0.86 - 0.35 * hollow)), inside);
    }

    /// Signed distance (roughly) to the head's outline.
    fn head_distance(&self, x: f32, y: f32) -> f32 {
        let id = self.identity;
        let down = ((y - 0.02) / 0.72).clamp(0.0, 1.0);
        let width = id.head_width * (1.0 - id.jaw * down * down * (3.0 - 2.0 * down));
        ellipse(x, y + 0.02, width, id.head_height)
    }

    fn skin(&self, x: f32, y: f32) -> Rgb {
        let (id, shot) = (self.identity, self.shot);
        let (nx, ny) = (x / (id.head_width * 1.08), (y + 0.02) / (id.head_height * 1.08));
        let nz = (1.0 - nx * nx - ny * ny).max(0.02).sqrt();
        let lambert = (shot.light[0] * nx + shot.light[1] * ny + shot.light[2] * nz).max(0.0);
        let mut light = shot.ambient + 0.55 * lambert;
        // Eye sockets, the nose's sides, under the nose and under the lip.
        let feature_shift = shot.yaw * 0.05;
        for side in [-1.0, 1.0] {
            let (dx, dy) = (x - side * id.eye_distance - feature_shift, y - id.eye_y + 0.03);
            light -= 0.16 * bump((dx / 0.24).powi(2) + (dy / 0.17).powi(2));
        }
        let nose_x = x - shot.yaw * (0.04 + 0.05 * ((y - id.eye_y) / 0.3).clamp(0.0, 1.0));
        let along = ((y - id.eye_y + 0.05) / (id.nose_y - id.eye_y + 0.05)).clamp(0.0, 1.0);
        let half = 0.035 + (id.nose_width - 0.045) * along * along;
        if y > id.eye_y - 0.08 && y < id.nose_y + 0.08 {
            let flank = bump(((nose_x.abs() - half) / 0.04).powi(2)) * along.max(0.3);
            light -= flank * (0.13 - 0.2 * shot.light[0] * nose_x.signum());
            light += 0.14 * bump((nose_x / 0.045).powi(2)) * along.sqrt();
        }
        light += 0.13 * bump((nose_x / 0.07).powi(2) + ((y - id.nose_y + 0.02) / 0.07).powi(2));
        light -=
            0.22 * bump((nose_x / (id.nose_width * 1.1)).powi(2) + ((y - id.nose_y - 0.06) / 0.05).powi(2));
        light -=
            0.13 * bump((x / 0.15).powi(2) + ((y - id.mouth_y - id.lip_thickness - 0.07) / 0.05).powi(2));
        let mut colour = scaled(id.skin, light);
        for side in [-1.0, 1.0] {
            let nostril = bump(
                ((nose_x - side * id.nose_width * 0.5) / 0.035).powi(2)
                    + ((y - id.nose_y - 0.045) / 0.025).powi(2),
            );
            colour = mix(colour, scaled(id.skin, 0.25), nostril);
            let blush = bump(((x - side * 0.3) / 0.2).powi(2) + ((y - 0.2) / 0.18).powi(2));
            colour[0] += 0.05 * blush;
            colour[1] -= 0.02 * blush;
            colour[2] -= 0.02 * blush;
        }
        if id.beard > 0.0 && y > 0.1 {
            let around = ((y - 0.22 + 0.25 * x.abs()) / 0.18).clamp(0.0, 1.0);
            let mouth = bump((x / (id.mouth_width + 0.06)).powi(2) + ((y - id.mouth_y) / 0.1).powi(2));
            colour = mix(colour, scaled(id.hair, light), id.beard * around * (1.0 - mouth));
        }
        colour
    }

    fn front_hair(&self, colour: &mut Rgb, x: f32, y: f32, head: f32) {
        let id = self.identity;
        if y > 0.4 {
            return;
        }
        let volume = id.hair_volume * 0.6;
        let line = y - id.hairline(x) - 0.012 * (x * 50.0 + id.strand_phase).sin();
        let distance = line.max(head - volume);
        let inside = cover(distance, self.pixel * 1.2);
        if inside > 0.0 {
            *colour = mix(*colour, self.strands(x, y), inside);
        } else if line < 0.08 && head < 0.0 {
            *colour = scaled(*colour, 0.86 + 1.7 * line.max(0.0));
        }
    }

    fn brows(&self, colour: &mut Rgb, x: f32, y: f32) {
        let (id, shift) = (self.identity, self.shot.yaw * 0.05);
        let dark = scaled(mix(id.hair, scaled(id.skin, 0.4), 0.4), 0.75);
        for side in [-1.0, 1.0] {
            let u = ((x - shift) * side - id.eye_distance - 0.01) / (id.eye_width + 0.02);
            if u.abs() < 1.1 {
                let arch =
                    id.eye_y - id.brow_height - id.brow_arch * (1.0 - u * u) + 0.03 * (u - 0.2).max(0.0);
                let thickness = id.brow_thickness * (1.0 - 0.45 * u.max(0.0));
                let distance = ((y - arch).abs() - thickness).max((u.abs() - 1.0) * id.eye_width);
                *colour = mix(*colour, dark, 0.9 * cover(distance, self.pixel * 1.3));
            }
        }
    }

    fn eyes(&self, colour: &mut Rgb, x: f32, y: f32) {
        let (id, shot) = (self.identity, self.shot);
        for side in [-1.0, 1.0] {
            let dx = x - side * id.eye_distance - shot.yaw * 0.05;
            let dy = y - id.eye_y + side * dx * id.eye_slant;
            let u = dx / id.eye_width;
            if u.abs() > 1.15 || dy.abs() > 0.14 {
                continue;
            }
            let open = (1.0 - u * u).max(0.0);
            let (up, down) =
                (id.eye_height * shot.lid * open, id.eye_height * 0.8 * open.sqrt().min(open * 1.3));
            let lid = (-dy - up).max(dy - down);
            let inside = cover(lid, self.pixel);
            if inside > 0.0 {
                let white = mix([0.95, 0.94, 0.93], scaled(id.skin, 0.9), 0.25 * u * u);
                let mut eye = scaled(white, 0.92 - 0.25 * bump(((dy + up) / 0.05).powi(2)));
                let (ix, iy) = (dx - shot.gaze[0], dy - shot.gaze[1]);
                let radius = id.eye_height * 1.02;
                let r = ix.hypot(iy);
                let ring = scaled(id.iris, 0.75 + 0.6 * (r / radius));
                eye = mix(eye, scaled(ring, 0.45), cover(r - radius, self.pixel));
                eye = mix(eye, ring, cover(r - radius * 0.85, self.pixel));
                eye = mix(eye, [0.03, 0.03, 0.03], cover(r - radius * shot.pupil, self.pixel));
                let glint_x = ix - shot.light[0] * radius * 0.6;
                let glint_y = iy + radius * 0.35;
                eye = mix(eye, [1.0; 3], cover(glint_x.hypot(glint_y) - 0.018, self.pixel));
                *colour = mix(*colour, eye, inside);
            }
            // Lashes and the fold above.
            let lash = ((dy + up).abs() - 0.012).max((u.abs() - 1.03) * id.eye_width);
            *colour = mix(*colour, [0.10, 0.07, 0.06], 0.85 * cover(lash, self.pixel));
            let fold = ((dy + up + 0.035).abs() - 0.006).max((u.abs() - 0.9) * id.eye_width);
            *colour = mix(*colour, scaled(*colour, 0.7), 0.7 * cover(fold, self.pixel));
        }
    }

    fn mouth(&self, colour: &mut Rgb, x: f32, y: f32) {
        let (id, shot) = (self.identity, self.shot);
        let u = (x - shot.yaw * 0.05) / id.mouth_width;
        if u.abs() > 1.1 || (y - id.mouth_y).abs() > 0.25 {
            return;
        }
        let open = (1.0 - u * u).max(0.0);
        let middle = id.mouth_y - shot.smile * u * u + 0.3 * shot.smile;
        let bow = 1.0 - 0.3 * bump((u / 0.25).powi(2));
        let top = middle - shot.opening * 0.5 * open - id.lip_thickness * open.sqrt() * bow;
        let bottom = middle + shot.opening * open + id.lip_thickness * 1.25 * open.sqrt();
        let inside = cover((top - y).max(y - bottom), self.pixel);
        if inside > 0.0 {
            let light = shot.ambient + 0.35;
            let lower = y > middle;
            let gloss = if lower {
                0.18 * bump((u / 0.5).powi(2) + ((y - middle - shot.opening - 0.03) / 0.03).powi(2))
            } else {
                -0.08
            };
            let lip = scaled(id.lips, light + gloss);
            *colour = mix(*colour, lip, inside);
        }
        let gap = (y - middle - shot.opening * 0.25 * open).abs() - (0.006 + shot.opening * 0.72 * open);
        let inside = cover(gap.max((u.abs() - 0.97) * id.mouth_width), self.pixel);
        if inside > 0.0 {
            let mut inner = [0.20, 0.07, 0.07];
            if shot.opening > 0.015 {
                let tooth = (x * 22.0).rem_euclid(1.0);
                let gap = if (0.12..0.88).contains(&tooth) { 1.0 } else { 0.85 };
                let teeth = cover(y - middle - shot.opening * 0.55 * open, self.pixel) * open.sqrt();
                inner = mix(inner, scaled([0.93, 0.91, 0.86], gap * (0.75 + 0.25 * open)), teeth);
            }
            *colour = mix(*colour, inner, inside);
        }
    }
}
