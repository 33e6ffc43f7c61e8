//! What one person left on one image, before it is a map.

use crate::SaliencyMap;

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
    /// states it.
    pub frame_px: Option<(u32, u32)>,
    /// The marks.
    pub marks: Vec<Mark>,
    /// Seconds that the person took, where the file says so.
    pub duration_s: Option<f64>,
    /// Whether the person's decision was right, where the file says so.
    pub correct: Option<bool>,
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
    /// A closed region; rings within rings are holes (even-odd).
    Polygon {
        /// At least three points each.
        rings: Vec<Vec<(f64, f64)>>,
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
}
