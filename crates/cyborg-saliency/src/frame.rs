//! Where a point that a person marked lies in the image as the network sees it.
//!
//! Coordinates are continuous everywhere: the top left pixel covers `[0, 1) x [0, 1)`, so a resize is a
//! multiplication and a flip is `width - x`, without half pixels.

use crate::{GeometryError, check_aspect};

/// The frame of annotations whose coordinates are fractions of the image's sides.
///
/// A 1x1 frame has no shape of its own: [`Placement::on_image`] stretches it over any image.
pub const FRACTIONS: (u32, u32) = (1, 1);

/// `x' = a x + c y + e`, `y' = b x + d y + f`: the order of SVG's `matrix(a b c d e f)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// x to x.
    pub a: f64,
    /// x to y.
    pub b: f64,
    /// y to x.
    pub c: f64,
    /// y to y.
    pub d: f64,
    /// Shift of x.
    pub e: f64,
    /// Shift of y.
    pub f: f64,
}

impl Affine {
    /// Leaves every point where it is.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    /// Stretches by two factors.
    pub fn scale(x: f64, y: f64) -> Self {
        Self { a: x, d: y, ..Self::IDENTITY }
    }

    /// Shifts.
    pub fn shift(x: f64, y: f64) -> Self {
        Self { e: x, f: y, ..Self::IDENTITY }
    }

    /// Turns clockwise as seen on a screen (y down), by radians, about `(0, 0)`; scales by `factor`; then shifts: the
    /// similarity that face alignment fits to landmarks.
    pub fn similarity(radians: f64, factor: f64, shift: (f64, f64)) -> Self {
        let (sin, cos) = radians.sin_cos();
        Self { a: factor * cos, b: factor * sin, c: -factor * sin, d: factor * cos, e: shift.0, f: shift.1 }
    }

    /// First `self`, then `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            a: next.a * self.a + next.c * self.b,
            b: next.b * self.a + next.d * self.b,
            c: next.a * self.c + next.c * self.d,
            d: next.b * self.c + next.d * self.d,
            e: next.a * self.e + next.c * self.f + next.e,
            f: next.b * self.e + next.d * self.f + next.f,
        }
    }

    /// Where a point goes.
    pub fn apply(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// How much areas grow; negative if the map is mirrored.
    pub fn determinant(&self) -> f64 {
        self.a * self.d - self.b * self.c
    }

    /// The way back, if there is one: none for a map that squashes the plane or has numbers that are not finite.
    pub fn inverse(&self) -> Option<Self> {
        let det = self.determinant();
        let inverse = Self {
            a: self.d / det,
            b: -self.b / det,
            c: -self.c / det,
            d: self.a / det,
            e: (self.c * self.f - self.d * self.e) / det,
            f: (self.b * self.e - self.a * self.f) / det,
        };
        let numbers = [inverse.a, inverse.b, inverse.c, inverse.d, inverse.e, inverse.f];
        (det != 0.0 && numbers.iter().all(|number| number.is_finite())).then_some(inverse)
    }

    /// True if rows stay rows, or become columns: resizes, crops, flips and quarter turns.
    pub fn is_upright(&self) -> bool {
        (self.b == 0.0 && self.c == 0.0) || (self.a == 0.0 && self.d == 0.0)
    }
}

/// EXIF orientation: what must be done to the stored pixels to see the image upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Orientation {
    /// 1: nothing.
    #[default]
    Upright,
    /// 2: mirror left and right.
    Mirrored,
    /// 3: half a turn.
    HalfTurn,
    /// 4: mirror top and bottom.
    Flipped,
    /// 5: swap rows and columns.
    Transposed,
    /// 6: a quarter turn clockwise.
    QuarterTurn,
    /// 7: swap rows and columns over the other diagonal.
    Transversed,
    /// 8: a quarter turn against the clock.
    ThreeQuarterTurn,
}

impl Orientation {
    /// From the value of EXIF tag 0x0112; `None` outside `1..=8`.
    pub fn from_exif(value: u8) -> Option<Self> {
        Some(match value {
            1 => Self::Upright,
            2 => Self::Mirrored,
            3 => Self::HalfTurn,
            4 => Self::Flipped,
            5 => Self::Transposed,
            6 => Self::QuarterTurn,
            7 => Self::Transversed,
            8 => Self::ThreeQuarterTurn,
            _ => return None,
        })
    }

    /// Width and height after turning: swapped or not.
    pub fn turned_size<T>(self, (width, height): (T, T)) -> (T, T) {
        if matches!(self, Self::Transposed | Self::QuarterTurn | Self::Transversed | Self::ThreeQuarterTurn) {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// From stored pixels of that size to the upright image.
    pub fn upright_from_stored(self, (width, height): (f64, f64)) -> Affine {
        let (w, h) = (width, height);
        let [a, b, c, d, e, f] = match self {
            Self::Upright => [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            Self::Mirrored => [-1.0, 0.0, 0.0, 1.0, w, 0.0],
            Self::HalfTurn => [-1.0, 0.0, 0.0, -1.0, w, h],
            Self::Flipped => [1.0, 0.0, 0.0, -1.0, 0.0, h],
            Self::Transposed => [0.0, 1.0, 1.0, 0.0, 0.0, 0.0],
            Self::QuarterTurn => [0.0, 1.0, -1.0, 0.0, h, 0.0],
            Self::Transversed => [0.0, -1.0, -1.0, 0.0, h, w],
            Self::ThreeQuarterTurn => [0.0, -1.0, 1.0, 0.0, 0.0, w],
        };
        Affine { a, b, c, d, e, f }
    }
}

/// From an annotation's frame to the image as the network sees it, step by step.
///
/// Begin with the frame, then say what was done to the picture between the person and the network, in that order. An
/// image photographed on its side (EXIF 6: stored 640x480, seen by people as 480x640), of which the network gets a
/// crop of 128x256 pixels of the upright picture at 64x64:
///
/// ```
/// use cyborg_saliency::{Crop, Orientation, Placement};
/// let placement = Placement::on_image((240, 320), (480, 640))? // drawn at half size
///     .cropped(Crop { x: 100.0, y: 50.0, width: 128.0, height: 256.0 })
///     .resized((64, 64));
/// assert_eq!(placement.map((100.0, 100.0)), (100.0 / 2.0, 150.0 / 4.0));
///
/// // cyborg-image leaves the pixels as stored; so must the map, if the whole image is used.
/// let stored = Placement::new((480, 640)).stored(Orientation::QuarterTurn);
/// assert_eq!(stored.size_px(), (640, 480));
/// assert_eq!(stored.map((480.0, 0.0)), (0.0, 0.0)); // seen top right is stored top left
/// # Ok::<(), cyborg_saliency::GeometryError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    matrix: Affine,
    frame: (f64, f64),
    size: (f64, f64),
}

/// A rectangle of the image; it may reach beyond it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop {
    /// Left edge, in pixels.
    pub x: f64,
    /// Top edge, in pixels.
    pub y: f64,
    /// Width, in pixels, above 0.
    pub width: f64,
    /// Height, in pixels, above 0.
    pub height: f64,
}

impl Placement {
    /// The frame itself is the image.
    pub fn new(frame_px: (u32, u32)) -> Self {
        let size = (f64::from(frame_px.0), f64::from(frame_px.1));
        Self { matrix: Affine::IDENTITY, frame: size, size }
    }

    /// The frame shows the whole image, at any size; [`FRACTIONS`] fit any image.
    ///
    /// # Errors
    /// [`GeometryError::Aspect`] if their shapes differ by more than rounding.
    pub fn on_image(frame_px: (u32, u32), image_px: (u32, u32)) -> Result<Self, GeometryError> {
        if frame_px != FRACTIONS {
            check_aspect(frame_px, image_px)?;
        }
        Ok(Self::new(frame_px).resized(image_px))
    }

    /// Then stretched to a size.
    #[must_use]
    pub fn resized(self, size_px: (u32, u32)) -> Self {
        let size = (f64::from(size_px.0), f64::from(size_px.1));
        self.with(Affine::scale(size.0 / self.size.0, size.1 / self.size.1), size)
    }

    /// Then cut to a rectangle.
    #[must_use]
    pub fn cropped(self, crop: Crop) -> Self {
        self.with(Affine::shift(-crop.x, -crop.y), (crop.width, crop.height))
    }

    /// Then moved by an alignment into an image of that size (a warp: `affine` maps old to new coordinates).
    #[must_use]
    pub fn aligned(self, affine: Affine, size_px: (u32, u32)) -> Self {
        self.with(affine, (f64::from(size_px.0), f64::from(size_px.1)))
    }

    /// Then, from upright as people saw it, back to how the pixels are stored.
    #[must_use]
    pub fn stored(self, orientation: Orientation) -> Self {
        let size = orientation.turned_size(self.size); // a quarter turn swaps the sides either way
        let back = orientation.upright_from_stored(size).inverse().unwrap_or(Affine::IDENTITY);
        self.with(back, size)
    }

    /// Then, from how the pixels are stored to upright.
    #[must_use]
    pub fn upright(self, orientation: Orientation) -> Self {
        self.with(orientation.upright_from_stored(self.size), orientation.turned_size(self.size))
    }

    fn with(self, next: Affine, size: (f64, f64)) -> Self {
        Self { matrix: self.matrix.then(next), frame: self.frame, size }
    }

    /// Where a point of the frame lies in the image, in pixels.
    pub fn map(&self, point: (f64, f64)) -> (f64, f64) {
        self.matrix.apply(point)
    }

    /// The steps taken together.
    pub fn matrix(&self) -> Affine {
        self.matrix
    }

    /// The frame's size, in its pixels.
    pub fn frame_size(&self) -> (f64, f64) {
        self.frame
    }

    /// The image's size in pixels, rounded (a crop may be fractional); at least 1.
    pub fn size_px(&self) -> (u32, u32) {
        (self.size.0.round().max(1.0) as u32, self.size.1.round().max(1.0) as u32)
    }
}
