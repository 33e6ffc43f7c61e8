//! Filled shapes: how much of each pixel they cover.

use crate::{Affine, Fill, SaliencyMap};

/// Lines a pixel at which shapes are cut. Along a line coverage is exact, so the result is off by at most 1/32 of a pixel
/// where an edge is level, and by far less where it is not.
const LINES: usize = 16;

/// The union of shapes.
pub(crate) struct Region {
    to_image: Affine,
    to_frame: Affine,
    pieces: Vec<Piece>,
    fills: Vec<Fill>,
    /// Rows of the image: what lies above or below all of them is not kept.
    height: f64,
    is_empty: bool,
}

/// What is cut by a line: an edge of a polygon in image coordinates, or a piece of a stroke in frame coordinates.
struct Piece {
    top: f64,
    bottom: f64,
    kind: Kind,
}

/// Where a polygon's edge meets a line.
struct Crossing {
    polygon: usize,
    x: f64,
    down: bool,
}

enum Kind {
    Edge { polygon: usize, from: (f64, f64), to: (f64, f64) },
    Brush(Brush),
}

impl Region {
    /// Nothing yet. The matrix must have an inverse.
    pub(crate) fn new(to_image: Affine, height: usize) -> Self {
        let to_frame = to_image.inverse().unwrap_or(Affine::IDENTITY);
        let height = height as f64;
        Self { to_image, to_frame, pieces: Vec::new(), fills: Vec::new(), height, is_empty: true }
    }

    /// True if nothing was added, not even something outside of the image.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    fn push(&mut self, piece: Piece) {
        self.is_empty = false;
        if piece.bottom >= 0.0 && piece.top < self.height {
            self.pieces.push(piece);
        }
    }

    /// A brush of that diameter drawn along the points.
    pub(crate) fn stroke(&mut self, points: &[(f64, f64)], width_px: f64) {
        let radius = width_px / 2.0;
        let reach = radius * self.to_image.b.hypot(self.to_image.d);
        let ends = |index: usize| (points[index], points[(index + 1).min(points.len() - 1)]);
        for index in 0..points.len().max(2) - 1 {
            if points.is_empty() {
                break;
            }
            let (from, to) = ends(index);
            let is_last = index + 2 >= points.len();
            let (y0, y1) = (self.to_image.apply(from).1, self.to_image.apply(to).1);
            self.push(Piece {
                top: y0.min(y1) - reach,
                bottom: y0.max(y1) + reach,
                kind: Kind::Brush(Brush::new(from, to, radius, is_last, (self.to_frame.a, self.to_frame.b))),
            });
        }
    }

    /// Rings and what is inside of them.
    pub(crate) fn polygon(&mut self, rings: &[Vec<(f64, f64)>], fill: Fill) {
        let polygon = self.fills.len();
        self.fills.push(fill);
        for ring in rings {
            for (index, &point) in ring.iter().enumerate() {
                let from = self.to_image.apply(point);
                let to = self.to_image.apply(ring[(index + 1) % ring.len()]);
                let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
                self.push(Piece { top, bottom, kind: Kind::Edge { polygon, from, to } });
            }
        }
    }

    /// The share of each pixel that is covered.
    pub(crate) fn coverage(mut self, width: usize, height: usize) -> SaliencyMap {
        self.pieces.sort_by(|a, b| a.top.total_cmp(&b.top));
        let mut map = SaliencyMap::filled(width, height, 0.0);
        let mut active: Vec<&Piece> = Vec::new();
        let mut waiting = self.pieces.iter().peekable();
        let (mut spans, mut crossings) = (Vec::new(), Vec::new());
        let (mut parts, mut steps) = (vec![0.0; width], vec![0.0; width + 1]);
        for (y, row) in map.values.chunks_exact_mut(width).enumerate() {
            active.retain(|piece| piece.bottom >= y as f64);
            while let Some(piece) = waiting.next_if(|piece| piece.top < (y + 1) as f64) {
                if piece.bottom >= y as f64 {
                    active.push(piece);
                }
            }
            if active.is_empty() {
                continue;
            }
            parts.fill(0.0);
            steps.fill(0.0);
            for line in 0..LINES {
                let at = y as f64 + (line as f64 + 0.5) / LINES as f64;
                self.cut(&active, at, &mut spans, &mut crossings);
                add_union(&mut spans, width, &mut parts, &mut steps);
            }
            let mut whole = 0.0;
            for ((value, part), step) in row.iter_mut().zip(&parts).zip(&steps) {
                whole += step;
                *value = ((whole + part) / LINES as f64).clamp(0.0, 1.0) as f32;
            }
        }
        map
    }

    /// The spans in which a line of the image lies inside a shape.
    fn cut(&self, active: &[&Piece], at: f64, spans: &mut Vec<(f64, f64)>, crossings: &mut Vec<Crossing>) {
        spans.clear();
        crossings.clear();
        let start = self.to_frame.apply((0.0, at));
        for piece in active {
            match &piece.kind {
                Kind::Brush(brush) => spans.extend(brush.cut(start)),
                Kind::Edge { polygon, from, to } => {
                    if (from.1 <= at) != (to.1 <= at) {
                        let share = (at - from.1) / (to.1 - from.1);
                        let x = from.0 + share * (to.0 - from.0);
                        crossings.push(Crossing { polygon: *polygon, x, down: from.1 < to.1 });
                    }
                }
            }
        }
        crossings.sort_by(|a, b| a.polygon.cmp(&b.polygon).then(a.x.total_cmp(&b.x)));
        // A closed ring goes down as often as up, so each polygon is left as often as it is entered.
        let mut winding = 0i64;
        for pair in crossings.windows(2) {
            winding += if pair[0].down { 1 } else { -1 };
            let inside = match self.fills[pair[0].polygon] {
                Fill::EvenOdd => winding % 2 != 0,
                Fill::NonZero => winding != 0,
            };
            if inside && pair[0].polygon == pair[1].polygon {
                spans.push((pair[0].x, pair[1].x));
            }
        }
    }
}

/// Adds the union of the spans: whole pixels as steps up and down, the rest as parts.
fn add_union(spans: &mut [(f64, f64)], width: usize, parts: &mut [f64], steps: &mut [f64]) {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut done = 0.0f64;
    for &(from, to) in spans.iter() {
        let (from, to) = (from.max(done), to.min(width as f64));
        if from >= to {
            continue;
        }
        done = to;
        let (first, last) = (from as usize, to as usize);
        if first == last {
            parts[first] += to - from;
            continue;
        }
        parts[first] += (first + 1) as f64 - from;
        steps[first + 1] += 1.0;
        steps[last] -= 1.0;
        if last < width {
            parts[last] += to - last as f64;
        }
    }
}

/// A round brush on its way from one point to the next, and the direction of the lines that cut it.
///
/// The disc at the end is left to the next piece, unless this is the last one of its stroke.
struct Brush {
    from: (f64, f64),
    end: Option<(f64, f64)>,
    radius: f64,
    step: (f64, f64),
    /// 1 over the squared length of `step`.
    per_square: f64,
    /// Half planes along and across the way: an axis, the range on it, and `step` on it. None for a way of no length.
    strip: Option<[(Axis, f64, f64, f64); 2]>,
}

type Axis = (f64, f64);

fn dot(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.0 + a.1 * b.1
}

impl Brush {
    fn new(from: (f64, f64), to: (f64, f64), radius: f64, is_last: bool, step: (f64, f64)) -> Self {
        let along = (to.0 - from.0, to.1 - from.1);
        let length = along.0.hypot(along.1);
        let strip = (length > 0.0).then(|| {
            let unit = (along.0 / length, along.1 / length);
            let normal = (-unit.1, unit.0);
            [(unit, 0.0, length, dot(step, unit)), (normal, -radius, radius, dot(step, normal))]
        });
        let end = (is_last && length > 0.0).then_some(to);
        Self { from, end, radius, step, per_square: 1.0 / dot(step, step), strip }
    }

    /// Where the line `start + x * step` is within the brush: the hull of its spans in the discs and in the strip. With the
    /// disc that is left to the next piece, they are convex together, so the hull adds nothing that is not painted.
    fn cut(&self, start: (f64, f64)) -> Option<(f64, f64)> {
        let offset = (start.0 - self.from.0, start.1 - self.from.1);
        let end = self.end.and_then(|end| self.cut_disc((start.0 - end.0, start.1 - end.1)));
        [self.cut_disc(offset), self.cut_strip(offset), end]
            .into_iter()
            .flatten()
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    fn cut_disc(&self, offset: (f64, f64)) -> Option<(f64, f64)> {
        let cross = offset.0 * self.step.1 - offset.1 * self.step.0;
        let left = self.radius * self.radius - cross * cross * self.per_square;
        (left > 0.0).then(|| {
            let middle = -dot(offset, self.step) * self.per_square;
            let half = (left * self.per_square).sqrt();
            (middle - half, middle + half)
        })
    }

    fn cut_strip(&self, offset: (f64, f64)) -> Option<(f64, f64)> {
        let mut span = (f64::NEG_INFINITY, f64::INFINITY);
        for (axis, low, high, slope) in self.strip? {
            let at = dot(offset, axis);
            if slope == 0.0 {
                if at < low || at > high {
                    return None;
                }
            } else {
                let (a, b) = ((low - at) / slope, (high - at) / slope);
                span = (span.0.max(a.min(b)), span.1.min(a.max(b)));
            }
        }
        (span.0 < span.1).then_some(span)
    }
}
