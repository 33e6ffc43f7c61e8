//! Values with intervals, one row a source: what a forest plot shows of studies.
use super::axis::Axis;
use super::{STYLES, limits, marker, segment};
use crate::escape::html;
use std::fmt::Write as _;

/// Style, value, interval.
pub(crate) type Mark = (usize, f64, Option<(f64, f64)>);

/// One row: a name and a value of each method.
#[derive(Clone, Debug)]
pub(crate) struct ForestRow {
    pub(crate) name: String,
    pub(crate) marks: Vec<Mark>,
    /// Set apart by a line above it.
    pub(crate) apart: bool,
}

/// The whole plot.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    /// For those who do not see it.
    pub(crate) description: String,
    pub(crate) x_label: String,
    /// A vertical line here: chance.
    pub(crate) reference: f64,
    pub(crate) rows: Vec<ForestRow>,
}

const WIDTH: f64 = 760.0;
const TOP: f64 = 8.0;
/// Of one method in one row.
const PITCH: f64 = 12.0;
const CHARACTER: f64 = 7.0;

impl Forest {
    /// The `<svg>` element.
    pub(crate) fn draw(&self) -> String {
        let longest = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let left = (longest as f64 * CHARACTER + 16.0).clamp(70.0, 300.0);
        let heights: Vec<f64> =
            self.rows.iter().map(|row| 10.0 + PITCH * row.marks.len().max(1) as f64).collect();
        let bottom = TOP + heights.iter().sum::<f64>();
        let height = bottom + 40.0;
        let values = self.rows.iter().flat_map(|row| &row.marks).flat_map(|(_, value, interval)| {
            [Some(*value), interval.map(|i| i.0), interval.map(|i| i.1)].into_iter().flatten()
        });
        let x = Axis::new(limits(values.chain([self.reference])), false, 8, (left, WIDTH - 14.0));
        let mut svg = format!(
            "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
             aria-label=\"{}\">",
            html(&self.description)
        );
        for &tick in &x.ticks {
            segment(&mut svg, "grid", (x.at(tick), TOP), (x.at(tick), bottom));
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                x.at(tick),
                bottom + 14.0,
                x.text(tick)
            );
        }
        segment(&mut svg, "axis", (x.from, bottom), (x.to, bottom));
        segment(&mut svg, "guide", (x.at(self.reference), TOP), (x.at(self.reference), bottom));
        let mut y = TOP;
        for (row, height) in self.rows.iter().zip(&heights) {
            if row.apart {
                segment(&mut svg, "axis", (4.0, y), (x.to, y));
            }
            let _ = write!(
                svg,
                "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                y + height / 2.0 + 4.0,
                html(&shortened(&row.name))
            );
            for (at, (style, value, interval)) in row.marks.iter().enumerate() {
                let middle = y + 5.0 + PITCH * (at as f64 + 0.5);
                let _ = write!(svg, "<g class=\"line m{}\">", style % STYLES);
                if let Some((low, high)) = interval {
                    let (low, high) = (x.at(*low), x.at(*high));
                    segment(&mut svg, "bar", (low, middle), (high, middle));
                    segment(&mut svg, "bar", (low, middle - 3.0), (low, middle + 3.0));
                    segment(&mut svg, "bar", (high, middle - 3.0), (high, middle + 3.0));
                }
                let _ = write!(svg, "{}</g>", marker(style % STYLES, x.at(*value), middle));
            }
            y += height;
        }
        let _ = write!(
            svg,
            "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></svg>",
            f64::midpoint(x.from, x.to),
            height - 6.0,
            html(&self.x_label)
        );
        svg
    }
}

/// A name that fits the left margin.
fn shortened(name: &str) -> String {
    const FITS: usize = 40;
    if name.chars().count() <= FITS {
        return name.to_owned();
    }
    let head: String = name.chars().take(FITS - 1).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_and_interval_is_drawn() {
        let row = |name: &str, value: f64, interval| ForestRow {
            name: name.to_owned(),
            marks: vec![(0, value, interval), (1, value + 0.1, None)],
            apart: name == "mean",
        };
        let forest = Forest {
            description: "AUC".to_owned(),
            x_label: "AUC".to_owned(),
            reference: 0.5,
            rows: vec![row("<ProGAN>", 0.6, Some((0.55, 0.65))), row("mean", 0.7, None)],
        };
        let svg = forest.draw();
        assert!(svg.contains("&lt;ProGAN&gt;") && svg.contains(">mean<"), "{svg}");
        assert_eq!(svg.matches("class=\"bar\"").count(), 3, "one interval: a bar with two ends");
        assert_eq!(svg.matches("class=\"line m").count(), 4);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(shortened(&"x".repeat(60)).chars().count(), 40);
    }
}
