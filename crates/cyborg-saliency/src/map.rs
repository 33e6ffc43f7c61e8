//! A saliency map in full precision, over its whole image.

/// How much each pixel matters to people: rows from top to bottom, finite values of at least 0.
///
/// The scale is the maker's (a count, a density, a share of annotators); what needs `[0, 1]` normalises by a stated rule.
#[derive(Clone, Debug, PartialEq)]
pub struct SaliencyMap {
    /// Columns.
    pub width_px: usize,
    /// Rows.
    pub height_px: usize,
    /// `height_px * width_px` values.
    pub values: Vec<f32>,
}

impl SaliencyMap {
    /// A map of one value.
    pub fn filled(width_px: usize, height_px: usize, value: f32) -> Self {
        Self { width_px, height_px, values: vec![value; width_px * height_px] }
    }

    /// The value in column `x` and row `y`.
    ///
    /// # Panics
    /// If there is no such pixel.
    pub fn at(&self, x: usize, y: usize) -> f32 {
        assert!(x < self.width_px, "column {x} of {}", self.width_px);
        self.values[y * self.width_px + x]
    }
}
