//! What of SVG's styling says where paint is: fill, stroke, width, visibility, transform.

use std::collections::BTreeMap;

use super::table::in_range;
use crate::{Affine, Fill};

/// What an element inherits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Style {
    /// From the element's coordinates to the frame.
    pub(super) to_frame: Affine,
    pub(super) filled: bool,
    pub(super) stroked: bool,
    pub(super) stroke_width: f64,
    pub(super) fill_rule: Fill,
    pub(super) visible: bool,
    /// No element around this one has `display: none`, which nothing below can undo.
    pub(super) displayed: bool,
}

impl Style {
    /// SVG's defaults: filled, not stroked, strokes 1 wide.
    pub(super) fn new(to_frame: Affine) -> Self {
        Self {
            to_frame,
            filled: true,
            stroked: false,
            stroke_width: 1.0,
            fill_rule: Fill::NonZero,
            visible: true,
            displayed: true,
        }
    }

    /// The style of an element below. `classes` are the rules of the document's `<style>`.
    ///
    /// # Errors
    /// What is wrong, without the place.
    pub(super) fn below(&self, node: &roxmltree::Node<'_, '_>, classes: &Classes) -> Result<Self, String> {
        let mut style = self.clone();
        if let Some(transform) = node.attribute("transform") {
            style.to_frame = parse_transform(transform)?.then(style.to_frame);
        }
        for name in ["fill", "stroke", "stroke-width", "fill-rule", "visibility", "display"] {
            if let Some(value) = node.attribute(name) {
                style.set(name, value)?;
            }
        }
        for class in node.attribute("class").unwrap_or("").split_ascii_whitespace() {
            for (name, value) in classes.0.get(class).into_iter().flatten() {
                style.set(name, value)?;
            }
        }
        for (name, value) in declarations(node.attribute("style").unwrap_or("")) {
            style.set(name, value)?;
        }
        Ok(style)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let value = value.trim().trim_end_matches("!important").trim();
        if value == "inherit" {
            return Ok(());
        }
        match name {
            "fill" => self.filled = value != "none" && value != "transparent",
            "stroke" => self.stroked = value != "none" && value != "transparent",
            "stroke-width" => {
                self.stroke_width = length(value, "stroke-width")?;
                if self.stroke_width < 0.0 {
                    return Err(format!("`stroke-width` is {value}: it must be at least 0"));
                }
            }
            "fill-rule" => self.fill_rule = if value == "evenodd" { Fill::EvenOdd } else { Fill::NonZero },
            "visibility" => self.visible = value == "visible",
            "display" if value == "none" => self.displayed = false,
            _ => {}
        }
        Ok(())
    }
}

/// Rules of the form `.name { property: value }`, which is what drawing programs export.
#[derive(Debug, Default)]
pub(super) struct Classes(BTreeMap<String, Vec<(String, String)>>);

impl Classes {
    /// From the text of a `<style>`; rules of other forms are passed over.
    pub(super) fn add(&mut self, text: &str) {
        for rule in text.split('}') {
            let Some((selectors, body)) = rule.split_once('{') else { continue };
            for selector in selectors.split(',') {
                if let Some(name) = selector.trim().strip_prefix('.') {
                    let found = declarations(body).map(|(name, value)| (name.to_owned(), value.to_owned()));
                    self.0.entry(name.to_owned()).or_default().extend(found);
                }
            }
        }
    }
}

fn declarations(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').filter_map(|part| part.split_once(':')).map(|(name, value)| (name.trim(), value.trim()))
}

/// A length in pixels: plain, or with one of CSS's absolute units (96 pixels an inch).
///
/// # Errors
/// What is wrong, without the place.
pub(super) fn length(text: &str, what: &str) -> Result<f64, String> {
    let text = text.trim();
    let units = [
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
    let number: f64 = number.trim().parse().map_err(|_| {
        format!("`{what}` is `{}`: it must be a length in pixels", super::table::shortened(text))
    })?;
    in_range(number * factor, what)
}

/// `translate(10) rotate(45 5 5) ...`: the rightmost is done first.
///
/// # Errors
/// What is wrong, without the place.
pub(super) fn parse_transform(text: &str) -> Result<Affine, String> {
    let fault = || format!("`transform` is `{}`: it cannot be read", super::table::shortened(text));
    let mut total = Affine::IDENTITY;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('(').ok_or_else(fault)?;
        let (arguments, after) = after.split_once(')').ok_or_else(fault)?;
        let numbers = arguments
            .split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|word| !word.is_empty())
            .map(|word| word.parse().map_err(|_| fault()).and_then(|number| in_range(number, "`transform`")))
            .collect::<Result<Vec<f64>, String>>()?;
        let step = match (name.trim(), &numbers[..]) {
            ("matrix", &[a, b, c, d, e, f]) => Affine { a, b, c, d, e, f },
            ("translate", &[x]) => Affine::shift(x, 0.0),
            ("translate", &[x, y]) => Affine::shift(x, y),
            ("scale", &[both]) => Affine::scale(both, both),
            ("scale", &[x, y]) => Affine::scale(x, y),
            ("rotate", &[degrees]) => Affine::similarity(degrees.to_radians(), 1.0, (0.0, 0.0)),
            ("rotate", &[degrees, x, y]) => {
                Affine::shift(-x, -y).then(Affine::similarity(degrees.to_radians(), 1.0, (x, y)))
            }
            ("skewX", &[degrees]) => Affine { c: degrees.to_radians().tan(), ..Affine::IDENTITY },
            ("skewY", &[degrees]) => Affine { b: degrees.to_radians().tan(), ..Affine::IDENTITY },
            _ => return Err(fault()),
        };
        total = step.then(total);
        rest = after.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
    }
    Ok(total)
}
