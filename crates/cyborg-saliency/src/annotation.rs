//! What one person left on one image, before it is a map.

use crate::{AnnotationError, FRACTIONS, SaliencyMap, StoredMap, check_aspect};

/// One person's marks on one image.
///
/// Coordinates are pixels of the frame: x to the right, y down, the top left pixel covers `[0, 1) x [0, 1)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// The image, as the annotation file names it.
    pub image: String,
    /// Who, where the file says so.
    pub annotator: Option<String>,
    /// Width and height in pixels of the frame that coordinates refer to (the image as people saw it), where the file
    /// states it; [`FRACTIONS`] if coordinates are fractions of the image's sides.
    pub frame_px: Option<(u32, u32)>,
    /// The marks.
    pub marks: Vec<Mark>,
    /// Seconds that the person took, where the file says so.
    pub duration_s: Option<f64>,
    /// Whether the person's decision was right, where the file says so.
    pub correct: Option<bool>,
    /// How many of the person's marks on the image could not be read: what is here is not all that the person marked.
    pub n_lost: usize,
    /// File and line, element or index, for error messages.
    pub origin: String,
}

/// One mark.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A click or a fixation.
    Point {
        /// Column.
        x: f64,
        /// Row.
        y: f64,
        /// Seconds that the gaze rested there, where known.
        duration_s: Option<f64>,
    },
    /// A brush stroke: round ends and joints.
    Stroke {
        /// Along the middle of the brush, at least one point.
        points: Vec<(f64, f64)>,
        /// Diameter of the brush, where the file states it.
        width_px: Option<f64>,
    },
    /// A closed region of one or more rings.
    Polygon {
        /// At least three points each.
        rings: Vec<Vec<(f64, f64)>>,
        /// What is inside.
        fill: Fill,
    },
    /// An upright rectangle `(left, top, right, bottom)`.
    Rectangle {
        /// Left edge.
        left: f64,
        /// Top edge.
        top: f64,
        /// Right edge.
        right: f64,
        /// Bottom edge.
        bottom: f64,
    },
    /// A mask or heat map over the whole frame, of any size with the frame's shape.
    Map(SaliencyMap),
    /// A mask or heat map that is decoded when it is drawn. Readers give these, never [`Mark::Map`].
    Stored(StoredMap),
}

/// What is inside of rings that cross themselves or each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fill {
    /// Points that an odd number of rings go around: rings within rings are holes.
    #[default]
    EvenOdd,
    /// Points that rings go around more often one way than the other: a loop drawn over itself has no hole. SVG's
    /// default.
    NonZero,
}

impl Annotation {
    /// An annotation without marks, of which nothing else is known.
    pub fn new(image: impl Into<String>, origin: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            annotator: None,
            frame_px: None,
            marks: Vec::new(),
            duration_s: None,
            correct: None,
            n_lost: 0,
            origin: origin.into(),
        }
    }

    /// With a frame, and coordinates in its pixels: what [`crate::Placement`] and [`crate::draw`] need. `shown_px` is the size of
    /// the image as the person saw it, upright: it is the frame where the file states none, and what fractions are
    /// fractions of. A stated frame stays as it is.
    ///
    /// # Errors
    /// [`AnnotationError::Shape`] if a stated frame has another shape than the image shown.
    pub fn on_frame(mut self, shown_px: (u32, u32)) -> Result<Self, AnnotationError> {
        match self.frame_px {
            None => self.frame_px = Some(shown_px),
            Some(FRACTIONS) => self.fractions_to_pixels(shown_px),
            Some(frame_px) => {
                if let Err(source) = check_aspect(frame_px, shown_px) {
                    return Err(AnnotationError::Shape { origin: self.origin, image: self.image, source });
                }
            }
        }
        Ok(self)
    }

    /// Makes pixels of a frame of `(width, height)` out of coordinates that are [`FRACTIONS`] of it; brush widths are
    /// fractions of the width. The frame is stated from then on.
    pub fn fractions_to_pixels(&mut self, frame_px: (u32, u32)) {
        self.frame_px = Some(frame_px);
        let (width, height) = (f64::from(frame_px.0), f64::from(frame_px.1));
        let scaled = |point: &mut (f64, f64)| *point = (point.0 * width, point.1 * height);
        for mark in &mut self.marks {
            match mark {
                Mark::Point { x, y, .. } => (*x, *y) = (*x * width, *y * height),
                Mark::Stroke { points, width_px } => {
                    points.iter_mut().for_each(scaled);
                    *width_px = width_px.map(|brush| brush * width);
                }
                Mark::Polygon { rings, .. } => rings.iter_mut().flatten().for_each(scaled),
                Mark::Rectangle { left, top, right, bottom } => {
                    (*left, *right) = (*left * width, *right * width);
                    (*top, *bottom) = (*top * height, *bottom * height);
                }
                Mark::Map(_) => {}
                Mark::Stored(stored) => {
                    if let Some((left, top, right, bottom)) = &mut stored.area {
                        (*left, *right) = (*left * width, *right * width);
                        (*top, *bottom) = (*top * height, *bottom * height);
                    }
                }
            }
        }
    }
}
