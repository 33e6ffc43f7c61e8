//! Regions of an image that evidence can sit in and an annotator can mark.

/// An axis-parallel ellipse, in the domain's own coordinates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ellipse {
    pub(crate) centre: [f32; 2],
    pub(crate) radii: [f32; 2],
}

impl Ellipse {
    pub(crate) fn new(x: f32, y: f32, rx: f32, ry: f32) -> Self {
        Self { centre: [x, y], radii: [rx, ry] }
    }

    /// Squared distance from the centre, 1 on the border.
    pub(crate) fn level(&self, x: f32, y: f32) -> f32 {
        let dx = (x - self.centre[0]) / self.radii[0];
        let dy = (y - self.centre[1]) / self.radii[1];
        dx * dx + dy * dy
    }
}

/// How fully a point belongs to a region (0 outside: None), and to which of its ellipses.
pub(crate) fn weight(ellipses: &[Ellipse], x: f32, y: f32) -> Option<(f32, Ellipse)> {
    let mut best: Option<(f32, Ellipse)> = None;
    for ellipse in ellipses {
        let level = ellipse.level(x, y);
        if level < 1.0 && best.is_none_or(|(least, _)| level < least) {
            best = Some((level, *ellipse));
        }
    }
    // Full up to 0.75 of the squared radius, then down to nothing at the border.
    best.map(|(level, ellipse)| (((1.0 - level) * 4.0).min(1.0), ellipse))
}
