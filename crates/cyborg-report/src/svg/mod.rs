//! Plots as inline SVG: axes with round ticks, lines told apart by colour, dash and marker. Colours come from the
//! page's style, so that one drawing serves light, dark and paper.
mod axis;
mod forest;

use crate::escape::html;
use axis::{Axis, is_geometric};
pub(crate) use axis::{Scale, probit};
pub(crate) use forest::{Forest, ForestRow};
use std::fmt::Write as _;

/// Number of styles that can be told apart; further lines start again.
pub(crate) const STYLES: usize = 6;
const DASHES: [&str; STYLES] = ["", "7 3", "2 3", "9 3 2 3", "4 2", "1 4"];

/// One point of a line. `y` is missing where there is no value: the line has a gap there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: Option<f64>,
    /// Lower and upper end of what is drawn around the point.
    pub(crate) range: Option<(f64, f64)>,
}

/// How ranges are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    Band,
    Bars,
    /// What lies below the line is filled: a histogram.
    Area,
}

/// One line of a plot.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Which of the [`STYLES`].
    pub(crate) style: usize,
    pub(crate) points: Vec<Point>,
    pub(crate) range: Range,
}

/// What stands behind the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guide {
    None,
    /// From the lower left to the upper right corner: chance in a ROC.
    Diagonal,
    /// From the upper left to the lower right corner: chance in a DET whose limits are alike at both ends.
    Falling,
    /// y = x on a logarithmic x axis: chance.
    Chance,
    /// At y = 0.
    Zero,
}

/// A plot, in pixels of the page at its natural size.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    /// For those who do not see it.
    pub(crate) description: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    /// Fixed limits; else those of the points.
    pub(crate) x_limits: Option<(f64, f64)>,
    /// Ticks where the points are instead of at round numbers, for few points along a sweep. The axis is logarithmic
    /// where that spaces them more evenly.
    pub(crate) ticks_at_points: bool,
    pub(crate) y_limits: Option<(f64, f64)>,
    pub(crate) x_scale: Scale,
    pub(crate) y_scale: Scale,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) guide: Guide,
    pub(crate) lines: Vec<Line>,
}

/// The smallest and largest of some values; 0 and 1 when there is none.
fn limits(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

impl Plot {
    /// An empty plot with linear axes.
    pub(crate) fn new(
        description: String,
        x_label: &str,
        y_label: &str,
        (width, height): (f64, f64),
    ) -> Self {
        Self {
            description,
            x_label: x_label.to_owned(),
            y_label: y_label.to_owned(),
            x_limits: None,
            ticks_at_points: false,
            y_limits: None,
            x_scale: Scale::Linear,
            y_scale: Scale::Linear,
            width,
            height,
            guide: Guide::None,
            lines: Vec::new(),
        }
    }

    /// The different x of all points, rising.
    fn positions(&self) -> Vec<f64> {
        let mut positions: Vec<f64> =
            self.lines.iter().flat_map(|line| &line.points).map(|point| point.x).collect();
        positions.sort_by(f64::total_cmp);
        positions.dedup();
        positions
    }

    /// The `<svg>` element.
    pub(crate) fn draw(&self) -> String {
        let (left, right, top, bottom) = (58.0, 12.0, 10.0, 42.0);
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let pixels = (left, self.width - right);
        let x = if self.x_scale != Scale::Linear {
            Axis::of_rates(self.x_scale, self.x_limits.unwrap_or((0.001, 1.0)), pixels)
        } else if self.ticks_at_points {
            let positions = self.positions();
            Axis::at_positions(&positions, is_geometric(&positions), pixels)
        } else {
            let x_limits = self.x_limits.unwrap_or_else(|| limits(points().map(|point| point.x)));
            let n_ticks = (self.width / 75.0) as usize;
            // Epochs: no tick between two whole numbers.
            let is_whole = self.x_limits.is_none() && points().all(|point| point.x.fract() == 0.0);
            let at_most = if is_whole { ((x_limits.1 - x_limits.0) as usize).max(1) } else { n_ticks };
            Axis::new(x_limits, true, n_ticks.min(at_most), pixels)
        };
        let ys = || points().flat_map(|p| [p.y, p.range.map(|r| r.0), p.range.map(|r| r.1)]).flatten();
        let zero = (self.guide == Guide::Zero).then_some(0.0);
        let y_limits = self.y_limits.unwrap_or_else(|| limits(ys().chain(zero)));
        let n_ticks = (self.height / 50.0) as usize;
        let up = (self.height - bottom, top);
        let y = if self.y_scale == Scale::Linear {
            Axis::new(y_limits, self.y_limits.is_some(), n_ticks, up)
        } else {
            Axis::of_rates(self.y_scale, y_limits, up)
        };

        let mut svg = format!(
            "<svg class=\"plot\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
             aria-label=\"{}\">",
            html(&self.description),
            w = self.width,
            h = self.height
        );
        self.draw_axes(&mut svg, &x, &y);
        match self.guide {
            Guide::None => {}
            Guide::Zero => segment(&mut svg, "guide", (x.from, y.at(0.0)), (x.to, y.at(0.0))),
            Guide::Diagonal => segment(&mut svg, "guide", (x.from, y.from), (x.to, y.to)),
            Guide::Falling => segment(&mut svg, "guide", (x.from, y.to), (x.to, y.from)),
            Guide::Chance => chance(&mut svg, &x, &y),
        }
        for line in &self.lines {
            match line.range {
                Range::Band => draw_band(&mut svg, line, &x, &y),
                Range::Area => draw_area(&mut svg, line, &x, &y),
                Range::Bars => {}
            }
        }
        for (at, line) in self.lines.iter().enumerate() {
            draw_line(&mut svg, line, &x, &y, (at, self.lines.len()));
        }
        svg.push_str("</svg>");
        svg
    }

    fn draw_axes(&self, svg: &mut String, x: &Axis, y: &Axis) {
        for &tick in &y.ticks {
            let at = y.at(tick);
            segment(svg, "grid", (x.from, at), (x.to, at));
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                x.from - 6.0,
                at + 3.5,
                y.text(tick)
            );
        }
        for &tick in &x.ticks {
            let at = x.at(tick);
            segment(svg, "axis", (at, y.from), (at, y.from + 4.0));
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                y.from + 16.0,
                x.text(tick)
            );
        }
        segment(svg, "axis", (x.from, y.from), (x.to, y.from));
        segment(svg, "axis", (x.from, y.from), (x.from, y.to));
        let (middle_x, middle_y) = (f64::midpoint(x.from, x.to), f64::midpoint(y.from, y.to));
        let _ = write!(
            svg,
            "<text class=\"label\" x=\"{middle_x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"label\" transform=\"translate(12 {middle_y:.1}) rotate(-90)\" \
             text-anchor=\"middle\">{}</text>",
            self.height - 8.0,
            html(&axis_label(&self.x_label, x.scale)),
            html(&axis_label(&self.y_label, y.scale))
        );
    }
}

/// An axis that is not linear says so.
fn axis_label(label: &str, scale: Scale) -> String {
    match scale {
        Scale::Linear => label.to_owned(),
        Scale::Log => format!("{label} (logarithmic)"),
        Scale::Probit => format!("{label}, % (probit)"),
    }
}

/// y = x where x is logarithmic: a curve.
fn chance(svg: &mut String, x: &Axis, y: &Axis) {
    let mut path = String::new();
    for at in 0..=60 {
        let rate = 10_f64.powf(-f64::from(60 - at) / 15.0);
        let _ = write!(path, "{}{:.1} {:.1}", if at == 0 { 'M' } else { 'L' }, x.at(rate), y.at(rate));
    }
    let _ = write!(svg, "<path class=\"guide\" fill=\"none\" d=\"{path}\"/>");
}

/// The area between a line and the bottom of the plot.
fn draw_area(svg: &mut String, line: &Line, x: &Axis, y: &Axis) {
    let (Some(first), Some(last)) = (line.points.first(), line.points.last()) else { return };
    let mut path = format!("M{:.1} {:.1}", x.at(first.x), y.from);
    for point in &line.points {
        let _ = write!(path, "L{:.1} {:.1}", x.at(point.x), point.y.map_or(y.from, |value| y.at(value)));
    }
    let _ = write!(path, "L{:.1} {:.1}Z", x.at(last.x), y.from);
    let _ = write!(svg, "<path class=\"band m{}\" d=\"{path}\"/>", line.style % STYLES);
}

fn segment(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = write!(
        svg,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn draw_band(svg: &mut String, line: &Line, x: &Axis, y: &Axis) {
    // Each stretch of points with a range is one area.
    for stretch in line.points.split(|point| point.range.is_none()).filter(|stretch| stretch.len() > 1) {
        let mut path = String::new();
        let edge = |point: &Point, upper: bool| {
            let (low, high) = point.range.unwrap_or_default();
            (x.at(point.x), y.at(if upper { high } else { low }).clamp(y.to, y.from))
        };
        let there = stretch.iter().map(|point| edge(point, true));
        let back = stretch.iter().rev().map(|point| edge(point, false));
        for (at, (px, py)) in there.chain(back).enumerate() {
            let _ = write!(path, "{}{px:.1} {py:.1}", if at == 0 { 'M' } else { 'L' });
        }
        let _ = write!(svg, "<path class=\"band m{}\" d=\"{path}Z\"/>", line.style % STYLES);
    }
}

/// `place`: which line of how many, so that markers of several lines do not hide each other.
fn draw_line(svg: &mut String, line: &Line, x: &Axis, y: &Axis, place: (usize, usize)) {
    let style = line.style % STYLES;
    // Bars at the same x stand beside each other.
    let shift = match line.range {
        Range::Bars => (place.0 as f64 - (place.1 - 1) as f64 / 2.0) * 5.0,
        Range::Band | Range::Area => 0.0,
    };
    let _ = write!(svg, "<g class=\"line m{style}\"><title>{}</title>", html(&line.name));
    if line.range == Range::Bars {
        for point in &line.points {
            let Some((low, high)) = point.range else { continue };
            let (at, low, high) = (x.at(point.x) + shift, y.at(low), y.at(high));
            segment(svg, "bar", (at, low), (at, high));
            segment(svg, "bar", (at - 3.0, low), (at + 3.0, low));
            segment(svg, "bar", (at - 3.0, high), (at + 3.0, high));
        }
    }
    let mut path = String::new();
    let mut is_down = false;
    for point in &line.points {
        match point.y {
            Some(value) => {
                let command = if is_down { 'L' } else { 'M' };
                let _ = write!(path, "{command}{:.1} {:.1}", x.at(point.x) + shift, y.at(value));
                is_down = true;
            }
            None => is_down = false,
        }
    }
    if !path.is_empty() {
        let dash = DASHES[style];
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        let _ = write!(svg, "<path d=\"{path}\"{dash}/>");
    }
    if line.range == Range::Area {
        svg.push_str("</g>");
        return;
    }
    // A marker on every point, or on about six of many, staggered.
    let every = if line.points.len() <= 12 { 1 } else { line.points.len() / 6 };
    let first = every * (2 * place.0 + 1) / (2 * place.1.max(1));
    for point in line.points.iter().skip(first.min(every - 1)).step_by(every) {
        if let Some(value) = point.y {
            svg.push_str(&marker(style, x.at(point.x) + shift, y.at(value)));
        }
    }
    svg.push_str("</g>");
}

/// Circle, square, triangle, diamond, and the hollow ones of the first two.
fn marker(style: usize, x: f64, y: f64) -> String {
    let polygon = |points: [(f64, f64); 4]| {
        let points: Vec<String> =
            points.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy)).collect();
        points.join(" ")
    };
    match style {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\"/>"),
        1 => format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"6\"/>", x - 3.0, y - 3.0),
        2 => {
            let points = polygon([(0.0, -4.0), (3.8, 3.0), (-3.8, 3.0), (0.0, -4.0)]);
            format!("<polygon points=\"{points}\"/>")
        }
        3 => {
            let points = polygon([(0.0, -4.2), (4.2, 0.0), (0.0, 4.2), (-4.2, 0.0)]);
            format!("<polygon points=\"{points}\"/>")
        }
        4 => format!("<circle class=\"hollow\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\"/>"),
        _ => {
            let (x, y) = (x - 3.0, y - 3.0);
            format!("<rect class=\"hollow\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"6\" height=\"6\"/>")
        }
    }
}

/// The key to a group of plots: a piece of line and a name each.
pub(crate) fn legend<'a>(names: impl IntoIterator<Item = (usize, &'a str)>) -> String {
    let mut text = "<ul class=\"legend\">".to_owned();
    for (style, name) in names {
        let style = style % STYLES;
        let dash = DASHES[style];
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        let _ = write!(
            text,
            "<li><svg class=\"key\" viewBox=\"0 0 36 12\" width=\"36\" height=\"12\" aria-hidden=\"true\">\
             <g class=\"line m{style}\"><path d=\"M0 6L36 6\"{dash}/>{}</g></svg>{}</li>",
            marker(style, 18.0, 6.0),
            html(name)
        );
    }
    text.push_str("</ul>");
    text
}

/// A difference and its interval against zero, on a scale that several share.
pub(crate) fn interval_mark(
    difference: f64,
    interval: Option<(f64, f64)>,
    scale: f64,
    style: usize,
) -> String {
    let x = Axis::new((-scale, scale), true, 4, (6.0, 194.0));
    let mut svg =
        "<svg class=\"mark\" viewBox=\"0 0 200 36\" width=\"200\" height=\"36\" aria-hidden=\"true\">"
            .to_owned();
    segment(&mut svg, "axis", (x.from, 13.0), (x.to, 13.0));
    segment(&mut svg, "axis", (x.at(0.0), 3.0), (x.at(0.0), 23.0));
    let _ = write!(svg, "<text x=\"{:.1}\" y=\"34\" text-anchor=\"middle\">0</text>", x.at(0.0));
    let _ = write!(svg, "<g class=\"line m{}\">", style % STYLES);
    if let Some((low, high)) = interval {
        let (low, high) = (x.at(low.max(-scale)), x.at(high.min(scale)));
        segment(&mut svg, "bar", (low, 13.0), (high, 13.0));
        segment(&mut svg, "bar", (low, 9.0), (low, 17.0));
        segment(&mut svg, "bar", (high, 9.0), (high, 17.0));
    }
    let _ = write!(svg, "{}</g></svg>", marker(style % STYLES, x.at(difference.clamp(-scale, scale)), 13.0));
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_the_line_and_the_band() {
        let point = |x: f64, y: Option<f64>| Point { x, y, range: y.map(|y| (y - 0.1, y + 0.1)) };
        let points = vec![
            point(0.0, Some(0.2)),
            point(1.0, Some(0.3)),
            point(2.0, None),
            point(3.0, Some(0.5)),
            point(4.0, Some(0.4)),
        ];
        let plot = Plot {
            lines: vec![Line { name: "a".to_owned(), style: 0, points, range: Range::Band }],
            ..Plot::new("a \"plot\"".to_owned(), "<x>", "y", (300.0, 200.0))
        };
        let svg = plot.draw();
        assert_eq!(svg.matches("class=\"band m0\"").count(), 2, "{svg}");
        let path = svg.split("<path d=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a line");
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert!(svg.contains("a &quot;plot&quot;") && svg.contains("&lt;x&gt;"), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
