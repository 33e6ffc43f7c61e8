//! Affine maps between images, in units of their sides.

/// Where each place of a new image lies in the old one: `x_old = xx x + xy y + x0` and `y_old = yx x + yy y + y0`.
///
/// Both images are the unit square, x to the right and y down, whatever their sizes in pixels. So the same map serves an
/// image and its human map at another resolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// How far x in the old image goes with x in the new one.
    pub xx: f64,
    /// How far x in the old image goes with y in the new one.
    pub xy: f64,
    /// x in the old image at the new image's top left corner.
    pub x0: f64,
    /// How far y in the old image goes with x in the new one.
    pub yx: f64,
    /// How far y in the old image goes with y in the new one.
    pub yy: f64,
    /// y in the old image at the new image's top left corner.
    pub y0: f64,
}

impl Affine {
    /// Nothing moves.
    pub const IDENTITY: Self = Self { xx: 1.0, xy: 0.0, x0: 0.0, yx: 0.0, yy: 1.0, y0: 0.0 };

    /// Left and right change places.
    pub const HORIZONTAL_FLIP: Self = Self { xx: -1.0, x0: 1.0, ..Self::IDENTITY };

    /// The new image is the window that starts at (`left`, `top`) and is `width` wide and `height` high, all in units of the
    /// old image's sides.
    pub fn window(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self { xx: width, x0: left, yy: height, y0: top, ..Self::IDENTITY }
    }

    /// The content turns counter-clockwise around the middle, as torchvision's `rotate` does. Sine and cosine come from
    /// `libm`, which gives the same bits on every machine; multiples of 90 degrees are exact.
    pub fn rotation(degrees: f64) -> Self {
        let (sin, cos) = match degrees.rem_euclid(360.0) {
            0.0 => (0.0, 1.0),
            90.0 => (1.0, 0.0),
            180.0 => (0.0, -1.0),
            270.0 => (-1.0, 0.0),
            degrees => libm::sincos(degrees.to_radians()),
        };
        // y points down: what turns counter-clockwise to the eye looks up its old place clockwise.
        Self { xx: cos, xy: -sin, yx: sin, yy: cos, x0: 0.0, y0: 0.0 }.around_the_middle()
    }

    /// The content grows by `scale` around the middle, then moves by (`right`, `down`) in units of the image's sides.
    pub fn shift_and_scale(right: f64, down: f64, scale: f64) -> Self {
        let scaled = Self { xx: 1.0 / scale, yy: 1.0 / scale, ..Self::IDENTITY }.around_the_middle();
        Self { x0: -right, y0: -down, ..Self::IDENTITY }.then(&scaled)
    }

    /// The old place of the old place: the map from an image that was made by `self` from one that was made by `other`.
    #[must_use]
    pub fn then(&self, other: &Self) -> Self {
        let (x0, y0) = other.at(self.x0, self.y0);
        Self {
            xx: other.xx * self.xx + other.xy * self.yx,
            xy: other.xx * self.xy + other.xy * self.yy,
            x0,
            yx: other.yx * self.xx + other.yy * self.yx,
            yy: other.yx * self.xy + other.yy * self.yy,
            y0,
        }
    }

    /// The old place of (`x`, `y`).
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.xx * x + self.xy * y + self.x0, self.yx * x + self.yy * y + self.y0)
    }

    fn around_the_middle(self) -> Self {
        let (x, y) = self.at(0.5, 0.5);
        Self { x0: self.x0 + 0.5 - x, y0: self.y0 + 0.5 - y, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_where_arithmetic_puts_them() {
        assert_eq!(Affine::IDENTITY.at(0.2, 0.7), (0.2, 0.7));
        assert_eq!(Affine::HORIZONTAL_FLIP.at(0.25, 0.5), (0.75, 0.5));
        assert_eq!(Affine::window(0.5, 0.25, 0.5, 0.25).at(0.5, 1.0), (0.75, 0.5));
        // Counter-clockwise by a quarter: what is on top of the new image was on the right.
        assert_eq!(Affine::rotation(90.0).at(0.5, 0.0), (1.0, 0.5));
        assert_eq!(Affine::rotation(-90.0).at(0.5, 0.0), (0.0, 0.5));
        // Twice as large and a quarter to the right: the new middle shows what was (0.75 - 0.5 - 0.25) / 2 + 0.5 away.
        assert_eq!(Affine::shift_and_scale(0.25, 0.0, 2.0).at(0.75, 0.5), (0.5, 0.5));
        assert_eq!(Affine::shift_and_scale(0.0, 0.5, 1.0).at(0.1, 0.5), (0.1, 0.0));
        // First the window, then the flip: the new image's left edge shows the window's right edge.
        let both = Affine::HORIZONTAL_FLIP.then(&Affine::window(0.5, 0.0, 0.25, 1.0));
        assert_eq!(both.at(0.0, 0.0), (0.75, 0.0));
    }
}
