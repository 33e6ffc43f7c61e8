//! Clicks and fixations to a density.

use super::gaussian::{Edge, Gaussian, blur};
use crate::{AnnotationError, Placement, SaliencyMap};

/// What a click or fixation becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PointStyle {
    /// A Gaussian.
    Density {
        /// Its standard deviation.
        sigma: Length,
        /// The kernel reaches `floor(truncate * sigma + 0.5)` pixels; SciPy's default is 4. (ClickMe's 49x49 kernel of
        /// sigma 28 is 0.86.)
        truncate: f64,
        /// What lies beyond the border.
        edge: Edge,
    },
    /// A filled disc.
    Disc {
        /// Its diameter.
        diameter: Length,
    },
}

impl Default for PointStyle {
    /// A Gaussian of one tenth of the frame's shorter side, cut off after 4 sigma; what falls beyond the border comes back
    /// (SciPy's default), so that points near it count as much as others.
    fn default() -> Self {
        let sigma = Length::Fraction { of: Side::Shorter, fraction: 0.1 };
        Self::Density { sigma, truncate: 4.0, edge: Edge::Reflect }
    }
}

/// How much each point counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PointWeights {
    /// 1.
    #[default]
    Equal,
    /// The seconds that the gaze rested there; a point without them is an error.
    Duration,
}

impl PointWeights {
    pub(crate) fn of(self, duration_s: Option<f64>) -> Result<f64, String> {
        match self {
            Self::Equal => Ok(1.0),
            Self::Duration => duration_s.ok_or_else(|| {
                "a point has no duration, which is to be its weight: name the column, or weigh points equally".into()
            }),
        }
    }
}

/// A length on the annotation's frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// Pixels of the frame.
    FramePx(f64),
    /// A share of one of the frame's sides.
    Fraction {
        /// Of what.
        of: Side,
        /// The share.
        fraction: f64,
    },
    /// Degrees of visual angle.
    Degrees {
        /// How many.
        degrees: f64,
        /// How the frame was seen.
        view: View,
    },
}

/// A side of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Its width.
    Width,
    /// Its height.
    Height,
    /// The shorter of the two.
    Shorter,
    /// The longer of the two.
    Longer,
}

/// How a frame was seen on a screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// From the eye to the screen.
    pub distance_cm: f64,
    /// The screen's width.
    pub screen_width_cm: f64,
    /// The screen's width.
    pub screen_width_px: f64,
    /// Screen pixels a pixel of the frame: 1 if the image was shown at its own size.
    pub magnification: f64,
}

impl View {
    /// Frame pixels in one degree of visual angle, centred on the line of sight: `2 d tan(0.5 degrees)` on the screen.
    pub fn frame_px_per_degree(&self) -> f64 {
        let degree_cm = 2.0 * self.distance_cm * 0.5f64.to_radians().tan();
        degree_cm * self.screen_width_px / self.screen_width_cm / self.magnification
    }
}

impl Length {
    /// In pixels of a frame of that size.
    ///
    /// # Errors
    /// [`AnnotationError::Setting`] unless it is positive and finite.
    pub fn in_frame_px(&self, (width, height): (f64, f64)) -> Result<f64, AnnotationError> {
        let length = match *self {
            Self::FramePx(length) => length,
            Self::Fraction { of, fraction } => {
                let side = match of {
                    Side::Width => width,
                    Side::Height => height,
                    Side::Shorter => width.min(height),
                    Side::Longer => width.max(height),
                };
                fraction * side
            }
            Self::Degrees { degrees, view } => degrees * view.frame_px_per_degree(),
        };
        if length > 0.0 && length <= 1e5 {
            Ok(length)
        } else {
            let found = format!("{self:?} on a frame of {width}x{height} px, that is {length} px");
            Err(AnnotationError::Setting { what: "length", found, expected: "above 0 and at most 100000 px" })
        }
    }
}

/// The density of weighted points of the frame; points outside the image are left out.
///
/// Sigma is scaled with the placement: by its two factors where it keeps rows or turns them into columns, by the root of
/// its determinant otherwise (right for every similarity).
pub(crate) fn density(
    points: &[((f64, f64), f64)],
    placement: &Placement,
    style: PointStyle,
) -> Result<SaliencyMap, AnnotationError> {
    let (width, height) = placement.size_px();
    let (width, height) = (width as usize, height as usize);
    let PointStyle::Density { sigma, truncate, edge } = style else {
        return Ok(SaliencyMap::filled(width, height, 0.0));
    };
    let sigma = sigma.in_frame_px(placement.frame_size())?;
    let matrix = placement.matrix();
    let (scale_x, scale_y) = if matrix.is_upright() {
        ((matrix.a + matrix.c).abs(), (matrix.b + matrix.d).abs())
    } else {
        (matrix.determinant().abs().sqrt(), matrix.determinant().abs().sqrt())
    };
    let gaussian = Gaussian { sigma_x_px: sigma * scale_x, sigma_y_px: sigma * scale_y, truncate };
    gaussian.check()?;
    let is_inside = |&((x, y), _): &((f64, f64), f64)| {
        (0.0..width as f64).contains(&x) && (0.0..height as f64).contains(&y)
    };
    let placed = points.iter().map(|&(point, weight)| (placement.map(point), weight)).filter(is_inside);
    let mut values = vec![0.0; width * height];
    if (scale_x, scale_y) == (1.0, 1.0) {
        for ((x, y), weight) in placed {
            values[y as usize * width + x as usize] += weight;
        }
        blur(&mut values, width, height, &gaussian, edge);
    } else {
        for ((x, y), weight) in placed {
            let (left, columns) = integrals(x, gaussian.sigma_x_px, truncate, width, edge);
            let (top, rows) = integrals(y, gaussian.sigma_y_px, truncate, height, edge);
            for (row, share) in rows.iter().enumerate() {
                let start = (top + row) * width + left;
                for (value, column) in values[start..start + columns.len()].iter_mut().zip(&columns) {
                    *value += weight * share * column;
                }
            }
        }
    }
    let values = values.iter().map(|&value| value as f32).collect();
    Ok(SaliencyMap { width_px: width, height_px: height, values })
}

/// The integrals of a Gaussian about `centre` over the pixels of an axis, from the first one that it reaches. It is cut off
/// at `truncate` sigma and its integral is 1. What lies beyond the border comes back as the edge has it: mirrored at the
/// border ([`Edge::Reflect`], and [`Edge::Mirror`], which differs from it by a pixel that has no size here), at the other end
/// ([`Edge::Wrap`]), or not at all ([`Edge::Constant`], and [`Edge::Nearest`], which would repeat a border of no width).
fn integrals(centre: f64, sigma: f64, truncate: f64, n_pixels: usize, edge: Edge) -> (usize, Vec<f64>) {
    let (length, reach) = (n_pixels as f64, truncate * sigma);
    let mut centres = vec![centre];
    // So often as the Gaussian is longer than the axis.
    let n_images = (reach / length).ceil().min(1e4) as i64 + 1;
    let images = (-n_images..=n_images).filter(|_| !matches!(edge, Edge::Constant | Edge::Nearest));
    for image in images {
        match edge {
            Edge::Wrap if image != 0 => centres.push(centre + image as f64 * length),
            Edge::Reflect | Edge::Mirror => {
                let period = 2.0 * image as f64 * length;
                centres.push(period - centre);
                if image != 0 {
                    centres.push(period + centre);
                }
            }
            _ => {}
        }
    }
    let scale = 1.0 / (sigma * 2f64.sqrt());
    let whole = libm::erf(truncate / 2f64.sqrt());
    let below = |at: f64, centre: f64| 0.5 * libm::erf((at - centre).clamp(-reach, reach) * scale) / whole;
    centres.retain(|centre| centre + reach > 0.0 && centre - reach < length);
    let first = centres.iter().map(|centre| centre - reach).fold(length, f64::min).max(0.0) as usize;
    let last = centres.iter().map(|centre| centre + reach).fold(0.0, f64::max).min(length).ceil() as usize;
    let pixels = first..last.max(first);
    let mut values = vec![0.0; pixels.len()];
    for centre in centres {
        // Only the pixels that this image reaches.
        let start = ((centre - reach).max(0.0) as usize).max(first);
        let end = ((centre + reach).min(length).ceil() as usize).min(last);
        let mut before = below(start as f64, centre);
        for pixel in start..end {
            let after = below((pixel + 1) as f64, centre);
            values[pixel - first] += after - before;
            before = after;
        }
    }
    (first, values)
}
