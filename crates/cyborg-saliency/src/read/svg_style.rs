//! What of SVG's styling says where paint is: fill, stroke, width, opacity, visibility, transform.

use super::svg_rules::{Rules, declarations};
use super::table::{in_range, shortened};
use crate::{Affine, Fill};

/// What an element inherits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Style {
    /// From the element's coordinates to the frame.
    pub(super) to_frame: Affine,
    pub(super) fill: Ink,
    pub(super) stroke: Ink,
    pub(super) stroke_width: f64,
    pub(super) fill_rule: Fill,
    pub(super) visible: bool,
    /// No element around this one has `display: none` or no opacity, which nothing below can undo.
    pub(super) displayed: bool,
    /// Width and height in the drawing's units that percentages are of.
    pub(super) view: (f64, f64),
}

/// What an outline or an inside is painted with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ink {
    /// In lower case.
    pub(super) color: String,
    /// Its opacity is not 0.
    opaque: bool,
}

impl Ink {
    fn of(color: &str) -> Self {
        Self { color: color.to_ascii_lowercase(), opaque: true }
    }

    /// True if it can be seen.
    pub(super) fn shows(&self) -> bool {
        let color = self.color.as_str();
        let clear = matches!(color, "none" | "transparent")
            || (color.starts_with('#') && color.len() == 9 && color.ends_with("00"))
            || (color.starts_with('#') && color.len() == 5 && color.ends_with('0'))
            || (color.starts_with("rgba(") && alpha(color).is_some_and(|alpha| alpha == 0.0));
        self.opaque && !clear
    }

    /// True if it is the colour of paper, with which programs erase and lay grounds.
    pub(super) fn is_white(&self) -> bool {
        let color: String = self.color.chars().filter(|c| !c.is_whitespace()).collect();
        matches!(color.as_str(), "white" | "#fff" | "#ffffff" | "#ffff" | "#ffffffff" | "rgb(255,255,255)")
            || color.starts_with("rgba(255,255,255,")
            || color == "rgb(100%,100%,100%)"
    }
}

/// The last number of `rgba(r, g, b, a)`.
fn alpha(color: &str) -> Option<f64> {
    color.trim_end_matches(')').rsplit([',', '/']).next()?.trim().parse().ok()
}

/// Properties that hide parts of what an element paints, and what none of it is called.
const HIDING: [&str; 3] = ["mask", "clip-path", "mask-image"];

impl Style {
    /// SVG's defaults: filled, not stroked, strokes 1 wide.
    pub(super) fn new(to_frame: Affine, view: (f64, f64)) -> Self {
        Self {
            to_frame,
            fill: Ink::of("black"),
            stroke: Ink::of("none"),
            stroke_width: 1.0,
            fill_rule: Fill::NonZero,
            visible: true,
            displayed: true,
            view,
        }
    }

    /// The style of an element below. `rules` are those of the document's `<style>`.
    ///
    /// # Errors
    /// What is wrong, without the place.
    pub(super) fn below(&self, node: &roxmltree::Node<'_, '_>, rules: &Rules) -> Result<Self, String> {
        const ATTRIBUTES: [&str; 15] = [
            "fill",
            "stroke",
            "stroke-width",
            "fill-rule",
            "fill-opacity",
            "stroke-opacity",
            "opacity",
            "visibility",
            "display",
            "mask",
            "clip-path",
            "mask-image",
            "transform",
            "transform-origin",
            "filter",
        ];
        let mut style = self.clone();
        let mut own = Own::default();
        for name in ATTRIBUTES {
            if let Some(value) = node.attribute(name) {
                style.set(name, value, &mut own)?;
            }
        }
        for (name, value) in rules.of(node) {
            style.set(name, value, &mut own)?;
        }
        for (name, value) in declarations(node.attribute("style").unwrap_or("")) {
            style.set(name, value, &mut own)?;
        }
        if let Some(transform) = own.transform {
            let origin = own
                .origin
                .filter(|origin| !matches!(origin.as_str(), "" | "0" | "0 0" | "0px 0px" | "0% 0%"));
            if let Some(origin) = origin.filter(|_| transform != Affine::IDENTITY) {
                return Err(format!(
                    "its `transform-origin` is `{}`, which is not applied: it would be in the wrong place; write the \
                     shift into the `transform` attribute",
                    shortened(&origin)
                ));
            }
            style.to_frame = transform.then(style.to_frame);
        }
        Ok(style)
    }

    fn set(&mut self, name: &str, value: &str, own: &mut Own) -> Result<(), String> {
        let value = value.trim().trim_end_matches("!important").trim();
        if value == "inherit" {
            return Ok(());
        }
        match name {
            "fill" => self.fill.color = value.to_ascii_lowercase(),
            "stroke" => self.stroke.color = value.to_ascii_lowercase(),
            "fill-opacity" => self.fill.opaque = !is_zero(value),
            "stroke-opacity" => self.stroke.opaque = !is_zero(value),
            "opacity" if is_zero(value) => self.displayed = false,
            "stroke-width" => {
                let (width, height) = self.view;
                self.stroke_width =
                    length(value, "stroke-width", (width.powi(2) + height.powi(2)).sqrt() / 2f64.sqrt())?;
                if self.stroke_width < 0.0 {
                    return Err(format!("`stroke-width` is {value}: it must be at least 0"));
                }
            }
            "fill-rule" => self.fill_rule = if value == "evenodd" { Fill::EvenOdd } else { Fill::NonZero },
            "visibility" => self.visible = value == "visible",
            "display" if value == "none" => self.displayed = false,
            "transform" => own.transform = Some(parse_transform(value)?),
            "transform-origin" => own.origin = Some(value.to_owned()),
            "translate" | "rotate" | "scale" | "offset-path" if value != "none" => {
                return Err(format!(
                    "the property `{name}` is not applied, and it would be in the wrong place: write it as `transform`"
                ));
            }
            _ if HIDING.contains(&name) && value != "none" => {
                return Err(format!(
                    "its `{name}` hides parts of it (an eraser does so), and that is not applied: what was rubbed out \
                     would count; export the drawing as a picture and read it with `maps`"
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

/// What an element does not hand down.
#[derive(Default)]
struct Own {
    transform: Option<Affine>,
    origin: Option<String>,
}

fn is_zero(value: &str) -> bool {
    value.trim_end_matches('%').trim().parse() == Ok(0.0)
}

/// A length in pixels: plain, with one of CSS's absolute units (96 pixels an inch), or in percent of `whole`.
///
/// # Errors
/// What is wrong, without the place.
pub(super) fn length(text: &str, what: &str, whole: f64) -> Result<f64, String> {
    let text = text.trim();
    let units = [
        ("%", whole / 100.0),
        ("px", 1.0),
        ("pt", 96.0 / 72.0),
        ("pc", 16.0),
        ("mm", 96.0 / 25.4),
        ("cm", 96.0 / 2.54),
        ("in", 96.0),
    ];
    let (number, factor) = units
        .iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, *factor)))
        .unwrap_or((text, 1.0));
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| format!("`{what}` is `{}`: it must be a length in pixels", shortened(text)))?;
    in_range(number * factor, what)
}

/// `translate(10) rotate(45 5 5) ...`, as the attribute has it or as CSS does: the rightmost is done first.
///
/// # Errors
/// What is wrong, without the place.
pub(super) fn parse_transform(text: &str) -> Result<Affine, String> {
    let fault = || format!("`transform` is `{}`: it cannot be read", shortened(text));
    let mut total = Affine::IDENTITY;
    let mut rest = if text.trim() == "none" { "" } else { text.trim() };
    while !rest.is_empty() {
        let (name, after) = rest.split_once('(').ok_or_else(fault)?;
        let (arguments, after) = after.split_once(')').ok_or_else(fault)?;
        let numbers = arguments
            .split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|word| !word.is_empty())
            .map(|word| plain(word).ok_or_else(fault).and_then(|number| in_range(number, "`transform`")))
            .collect::<Result<Vec<f64>, String>>()?;
        let step = match (name.trim(), &numbers[..]) {
            ("matrix", &[a, b, c, d, e, f]) => Affine { a, b, c, d, e, f },
            ("translate" | "translateX", &[x]) => Affine::shift(x, 0.0),
            ("translateY", &[y]) => Affine::shift(0.0, y),
            ("translate", &[x, y]) => Affine::shift(x, y),
            ("scale", &[both]) => Affine::scale(both, both),
            ("scaleX", &[x]) => Affine::scale(x, 1.0),
            ("scaleY", &[y]) => Affine::scale(1.0, y),
            ("scale", &[x, y]) => Affine::scale(x, y),
            ("rotate", &[degrees]) => Affine::similarity(degrees.to_radians(), 1.0, (0.0, 0.0)),
            ("rotate", &[degrees, x, y]) => {
                Affine::shift(-x, -y).then(Affine::similarity(degrees.to_radians(), 1.0, (x, y)))
            }
            ("skewX" | "skew", &[degrees]) => Affine { c: degrees.to_radians().tan(), ..Affine::IDENTITY },
            ("skewY", &[degrees]) => Affine { b: degrees.to_radians().tan(), ..Affine::IDENTITY },
            _ => return Err(fault()),
        };
        total = step.then(total);
        rest = after.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
    }
    Ok(total)
}

/// A number of a transform in SVG's units: CSS writes pixels (`30px`) and angles with theirs.
fn plain(word: &str) -> Option<f64> {
    let units = [
        ("px", 1.0),
        ("deg", 1.0),
        ("grad", 0.9),
        ("rad", 180.0 / std::f64::consts::PI),
        ("turn", 360.0),
        ("", 1.0),
    ];
    let (number, factor) =
        units.iter().find_map(|(unit, factor)| word.strip_suffix(unit).map(|number| (number, *factor)))?;
    number.parse::<f64>().ok().map(|number| number * factor)
}
