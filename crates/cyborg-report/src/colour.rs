//! Values to colours: one scale for every map in the report.

/// The colour of a value in 0..1; values outside are taken as the nearer end, NaN as 0.
pub(crate) fn colour(value: f64) -> [u8; 3] {
    cyborg_image::heat_colour(value).map(|channel| channel.round() as u8)
}
