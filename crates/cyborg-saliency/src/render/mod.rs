//! From one annotation to a saliency map of any size.

mod coverage;
mod density;
mod gaussian;
mod outside;
mod resample;
mod scale;

use crate::{Annotation, AnnotationError, Fill, Mark, Placement, SaliencyMap, check_aspect};

pub use density::{Length, PointStyle, PointWeights, Side, View};
pub use gaussian::{Edge, Gaussian, gaussian_blur};
pub use outside::Outside;
pub use resample::resample;
pub use scale::{Normalisation, Threshold, normalise, threshold};

/// How marks become values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawOptions {
    /// What a click or fixation becomes.
    pub points: PointStyle,
    /// How much each point counts.
    pub weights: PointWeights,
    /// Diameter in frame pixels of brushes whose width the file does not state; `None`: such strokes are an error.
    pub brush_px: Option<f64>,
    /// Maps of another shape than the frame are stretched over it; else they are an error.
    pub stretch: bool,
}

impl Default for DrawOptions {
    /// Points become Gaussians of one tenth of the frame's shorter side, all of equal weight; strokes need a width.
    fn default() -> Self {
        Self { points: PointStyle::default(), weights: PointWeights::Equal, brush_px: None, stretch: false }
    }
}

/// What [`draw`] gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The map, of the placement's size.
    pub map: SaliencyMap,
    /// Marks that lie wholly outside the image and so are not in the map.
    pub outside: Outside,
}

/// One person's marks as a map over the image as the placement has it.
///
/// - **Strokes, polygons and rectangles** give the share of each pixel that they cover, in `[0, 1]`: exact along the
///   rows, 16 lines a pixel down the columns. What overlaps counts once. Strokes have round ends and joints; rings of
///   one polygon are filled by its [`Fill`] rule.
/// - **Points** give a density. On a map of the frame's own size each adds its weight to the pixel that holds it, and the
///   whole is blurred as [`gaussian_blur`] does, that is as SciPy's `gaussian_filter` on the image of impulses. On a map of
///   any other size each pixel gets the integral of the Gaussians over its area, so that a small map is the area average
///   of a large one and no point moves to the middle of a pixel. The sum of the map is the sum of the weights (less what
///   the edge mode loses). Or they give discs, as strokes of one point.
/// - **Masks and maps** are resampled ([`resample`]); several give their pixelwise maximum.
///
/// If an annotation has more than one of these three kinds, each is divided by its greatest value first and the result is
/// the pixelwise maximum. An annotation without marks gives a map of zeros.
///
/// # Errors
/// [`AnnotationError::Draw`] if a stroke has no width, a point no duration where durations are the weights, a map
/// another shape than the frame, or the placement no inverse or another
/// frame than the annotation; [`AnnotationError::Setting`] for lengths that are not positive; what
/// [`crate::StoredMap::load`] says.
pub fn draw(
    annotation: &Annotation,
    placement: &Placement,
    options: &DrawOptions,
) -> Result<Drawn, AnnotationError> {
    let fault = |reason: String| AnnotationError::Draw {
        origin: annotation.origin.clone(),
        image: annotation.image.clone(),
        reason,
    };
    let (width, height) = placement.size_px();
    if u64::from(width) * u64::from(height) > crate::read::MAX_PIXELS {
        return Err(fault(format!("a map of {width}x{height} pixels is beyond the limit")));
    }
    let (frame_width, frame_height) = placement.frame_size();
    if let Some((width, height)) = annotation.frame_px
        && (f64::from(width), f64::from(height)) != (frame_width, frame_height)
    {
        return Err(fault(format!(
            "it was made on a frame of {width}x{height}, but is placed as if on {frame_width}x{frame_height}"
        )));
    }
    if placement.matrix().inverse().is_none() {
        return Err(fault(
            "its placement leaves the frame no area, or has numbers that are not finite".into(),
        ));
    }
    let (width, height) = (width as usize, height as usize);
    let mut region = coverage::Region::new(placement.matrix(), height);
    let mut points = Vec::new();
    let mut picture: Option<SaliencyMap> = None;
    for mark in &annotation.marks {
        match mark {
            Mark::Point { x, y, duration_s } => match options.points {
                PointStyle::Density { .. } => {
                    points.push(((*x, *y), options.weights.of(*duration_s).map_err(fault)?));
                }
                PointStyle::Disc { diameter } => {
                    region.stroke(&[(*x, *y)], diameter.in_frame_px(placement.frame_size())?);
                }
            },
            Mark::Stroke { points, width_px } => {
                let width_px = width_px.or(options.brush_px).ok_or_else(|| {
                    fault("a stroke has no width: state the brush's diameter in the settings".into())
                })?;
                region.stroke(points, width_px);
            }
            Mark::Polygon { rings, fill } => region.polygon(rings, *fill),
            Mark::Rectangle { left, top, right, bottom } => {
                let ring = vec![(*left, *top), (*right, *top), (*right, *bottom), (*left, *bottom)];
                region.polygon(&[ring], Fill::EvenOdd);
            }
            Mark::Map(map) => paint(&mut picture, map, None, placement, options).map_err(fault)?,
            Mark::Stored(stored) => {
                paint(&mut picture, &stored.load()?, stored.area, placement, options).map_err(fault)?;
            }
        }
    }
    let mut layers = Vec::new();
    if !region.is_empty() {
        layers.push(region.coverage(width, height));
    }
    layers.extend(picture);
    if !points.is_empty() {
        layers.push(density::density(&points, placement, options.points)?);
    }
    let map = if layers.len() > 1 {
        let mut map = SaliencyMap::filled(width, height, 0.0);
        for mut layer in layers {
            let _can_be_empty = normalise(&mut layer, Normalisation::Max);
            keep_maximum(&mut map, &layer);
        }
        map
    } else {
        layers.pop().unwrap_or_else(|| SaliencyMap::filled(width, height, 0.0))
    };
    Ok(Drawn { map, outside: outside::outside(&annotation.marks, placement) })
}

/// Lays a map over its part of the frame and that over the picture.
fn paint(
    picture: &mut Option<SaliencyMap>,
    map: &SaliencyMap,
    area: Option<(f64, f64, f64, f64)>,
    placement: &Placement,
    options: &DrawOptions,
) -> Result<(), String> {
    let (frame_width, frame_height) = placement.frame_size();
    if area.is_none() && !options.stretch {
        let map_px = (map.width_px as u32, map.height_px as u32);
        check_aspect(map_px, (frame_width as u32, frame_height as u32)).map_err(|error| error.to_string())?;
    }
    let (left, top, right, bottom) = area.unwrap_or((0.0, 0.0, frame_width, frame_height));
    let to_frame =
        crate::Affine::scale((right - left) / map.width_px as f64, (bottom - top) / map.height_px as f64)
            .then(crate::Affine::shift(left, top));
    let (width, height) = placement.size_px();
    let layer = resample(map, &to_frame.then(placement.matrix()), width as usize, height as usize)
        .ok_or("the map or its placement has no area")?;
    match picture {
        Some(picture) => keep_maximum(picture, &layer),
        None => *picture = Some(layer),
    }
    Ok(())
}

fn keep_maximum(map: &mut SaliencyMap, other: &SaliencyMap) {
    for (value, other) in map.values.iter_mut().zip(&other.values) {
        *value = value.max(*other);
    }
}
