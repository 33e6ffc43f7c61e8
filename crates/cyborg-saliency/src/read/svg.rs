//! Drawn strokes and regions: one SVG a person and image.
//!
//! ```xml
//! <svg xmlns="http://www.w3.org/2000/svg" width="640" height="480" viewBox="0 0 640 480">
//!   <g transform="translate(10 20)">
//!     <path d="M 0 0 Q 50 -10 100 0" fill="none" stroke="#0f0" stroke-width="20"/>
//!     <polygon points="10,60 80,60 40,120"/>
//!   </g>
//! </svg>
//! ```
//!
//! Read are `path` (all commands), `polyline`, `polygon`, `line`, `rect` (square corners), `circle` and `ellipse`; groups
//! with `transform`; `fill`, `stroke`, `stroke-width`, `fill-rule`, `display`, `visibility` and `transform` as attributes, in
//! `style` and in a `<style>` whose selectors are names, ids and classes. What is filled is a region, what is stroked a stroke with round ends and joints
//! (`DIFFERENCE`: SVG's own ends are butts unless stated). What has no opacity is no
//! mark; other opacity, dashes, texts, images, definitions and markers are passed over. Colours do not matter, but white over
//! other colours is doubted: it may be an eraser's or a ground. `mask`, `clip-path`, `use` and nested `svg` are errors, as
//! what they show or hide would be wrong.
//!
//! The frame is `width` and `height`, onto which `viewBox` is fitted as SVG has it (`preserveAspectRatio`: `none`, or
//! centred and whole); without them the `viewBox`.

use std::path::Path;

use std::sync::Arc;

use super::svg_path::{SubPath, ellipse, flatten, point_list};
use super::svg_rules::Rules;
use super::svg_style::{Style, length};
use super::{Annotations, FoundFile, Reader, Watch, many, text};
use schemars::JsonSchema;
use serde::Deserialize;

use super::formats::Settings;
use crate::{Affine, Annotation, AnnotationError, Mark, Place};

/// Elements nested deeper than this are refused.
const MAX_DEPTH: usize = 1000;

/// A drawing of more points (of 16 bytes) than this is refused element by element.
const MAX_POINTS: usize = 1_000_000;

/// How SVG is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SvgOptions {
    /// What shapes mean.
    pub paint: Paint,
}

/// What the shapes of a drawing mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Paint {
    /// As SVG has it: what is filled is a region (the default of every shape), what is stroked is a stroke; both may be.
    #[default]
    Stated,
    /// Every outline is a stroke, nothing is a region: for tools that leave out `fill="none"`.
    Strokes,
    /// Every outline is a region, nothing is a stroke: for outlines drawn around what matters.
    Regions,
}

/// Drawn strokes and regions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SvgSettings {
    /// Such as `drawings/{annotator}/{image}.svg`.
    pub files: String,
    /// What shapes mean; default: `stated`.
    #[serde(default)]
    pub paint: Paint,
}
impl Settings for SvgSettings {
    type Options = SvgOptions;

    fn files(&self) -> &str {
        &self.files
    }

    fn checked(&self) -> Result<SvgOptions, String> {
        Ok(SvgOptions { paint: self.paint })
    }
}

impl Reader for SvgOptions {
    fn read(&self, file: &FoundFile, _watch: &Arc<Watch>) -> Result<Annotations, AnnotationError> {
        let text = text(&file.path)?;
        let annotation = Annotation {
            annotator: file.annotator.clone(),
            ..Annotation::new(file.image_or_stem(), format!("`{}`", file.path.display()))
        };
        marks(&text, annotation, self.paint, &file.path, "").map(many)
    }
}

/// The drawing as marks of `annotation`, after an error for each element that cannot be read. `within` says where in the
/// file the drawing is.
///
/// # Errors
/// [`AnnotationError::Fault`] if nothing of it can be read.
pub(super) fn marks(
    text: &str,
    mut annotation: Annotation,
    paint: Paint,
    path: &Path,
    within: &str,
) -> Result<Vec<Result<Annotation, AnnotationError>>, AnnotationError> {
    let document = parse_xml(text, path)?;
    let root = document.root_element();
    let place = |node: &roxmltree::Node<'_, '_>| {
        let line = document.text_pos_at(node.range().start).row;
        Place::Element(format!("{within}`<{}>` in line {line}", node.tag_name().name()))
    };
    let fault =
        |node: &roxmltree::Node<'_, '_>, reason: String| AnnotationError::fault(path, place(node), reason);
    if root.tag_name().name() != "svg" {
        return Err(fault(&root, "it is no SVG: the outermost element must be `<svg>`".into()));
    }
    let frame = frame(&root).map_err(|reason| fault(&root, reason))?;
    annotation.frame_px = frame.size_px;
    let mut rules = Rules::default();
    for node in document.descendants().filter(|node| node.tag_name().name() == "style") {
        let texts = node.children().filter_map(|child| child.text());
        let refused: Vec<String> = texts.flat_map(|text| rules.add(text)).collect();
        if let Some(selector) = refused.first() {
            let reason = format!(
                "the rule `{selector}` says where paint is, and only names, ids and classes can be followed (`rect`, \
                 `#id`, `.class`): write it as attributes"
            );
            return Err(fault(&node, reason));
        }
    }
    let style = Style::new(frame.matrix, frame.view);
    let style = style.below(&root, &rules).map_err(|reason| fault(&root, reason))?;
    let mut found = Vec::new();
    let (mut n_points, mut colors) = (0, Colors::default());
    let mut waiting: Vec<_> = root.children().rev().map(|node| (node, style.clone(), 1)).collect();
    while let Some((node, style, depth)) = waiting.pop() {
        let name = node.tag_name().name();
        let ours = node.tag_name().namespace().is_none_or(|space| space == "http://www.w3.org/2000/svg");
        if !node.is_element() || !ours || PASSED_OVER.contains(&name) {
            continue;
        }
        let taken = style.below(&node, &rules).and_then(|style| match name {
            "g" | "a" | "switch" if depth < MAX_DEPTH => {
                waiting.extend(node.children().rev().map(|child| (child, style.clone(), depth + 1)));
                Ok(())
            }
            "g" | "a" | "switch" => Err(format!("groups are nested deeper than {MAX_DEPTH}")),
            _ if !style.visible || !style.displayed => Ok(()),
            _ => {
                let marks = shape(&node, &style, paint)?;
                let n = marks.iter().map(n_points_of).sum::<usize>();
                if n_points + n > MAX_POINTS {
                    return Err(format!(
                        "with it the drawing would have more than {MAX_POINTS} points along its lines: it is far \
                         larger than the frame, or the drawing has too many shapes"
                    ));
                }
                n_points += n;
                if paint == Paint::Stated {
                    colors.note(&style, &marks);
                }
                annotation.marks.extend(marks);
                Ok(())
            }
        });
        if let Err(reason) = taken {
            found.push(Err(fault(&node, reason)));
        }
    }
    annotation.n_lost = found.len();
    if let Some(doubt) = colors.doubt() {
        found.push(Err(AnnotationError::doubtful(path, place(&root), doubt)));
    }
    found.push(Ok(annotation));
    Ok(found)
}

fn n_points_of(mark: &Mark) -> usize {
    match mark {
        Mark::Stroke { points, .. } => points.len(),
        Mark::Polygon { rings, .. } => rings.iter().map(Vec::len).sum(),
        _ => 1,
    }
}

/// How many shapes are white, and how many have a colour.
#[derive(Default)]
struct Colors {
    white: usize,
    other: usize,
}

impl Colors {
    fn note(&mut self, style: &Style, marks: &[Mark]) {
        for mark in marks {
            let paint = if matches!(mark, Mark::Stroke { .. }) { &style.stroke } else { &style.fill };
            *(if paint.is_white() { &mut self.white } else { &mut self.other }) += 1;
        }
    }

    fn doubt(&self) -> Option<String> {
        (self.white > 0 && self.other > 0).then(|| {
            format!(
                "{} of its {} shapes are white, as erasers and grounds are, and they count as marks like all others: \
                 remove them, or export the drawing without a ground and read it with `maps: {{channel: alpha}}`",
                self.white,
                self.white + self.other
            )
        })
    }
}

/// Elements that put no mark on the image.
const PASSED_OVER: [&str; 19] = [
    "defs",
    "style",
    "title",
    "desc",
    "metadata",
    "image",
    "text",
    "script",
    "symbol",
    "marker",
    "pattern",
    "mask",
    "clipPath",
    "filter",
    "linearGradient",
    "radialGradient",
    "foreignObject",
    "view",
    "cursor",
];

/// A document whose size and references are bounded.
///
/// # Errors
/// [`AnnotationError::Fault`] with line and column.
pub(super) fn parse_xml<'a>(text: &'a str, path: &Path) -> Result<roxmltree::Document<'a>, AnnotationError> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        nodes_limit: 5_000_000,
        ..roxmltree::ParsingOptions::default()
    };
    roxmltree::Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        let message = error.to_string();
        let reason = message.rfind(" at ").map_or(message.as_str(), |end| &message[..end]);
        let place = Place::Column(u64::from(at.row), u64::from(at.col));
        AnnotationError::fault(path, place, format!("the XML is broken: {reason}"))
    })
}

/// What the outermost element says of coordinates.
struct Frame {
    size_px: Option<(u32, u32)>,
    /// From the drawing's coordinates.
    matrix: Affine,
    /// Width and height in the drawing's units, which percentages are of.
    view: (f64, f64),
}

fn frame(root: &roxmltree::Node<'_, '_>) -> Result<Frame, String> {
    let side = |name: &str| match root.attribute(name) {
        None => Ok(None),
        Some(text) if text.trim().ends_with('%') => Ok(None),
        Some(text) => {
            let side = length(text, name, 0.0)?;
            if (1.0..=1e6).contains(&side) {
                Ok(Some(side))
            } else {
                Err(format!("`{name}` is {text}: it must be from 1 to 1000000 px"))
            }
        }
    };
    let view = match root.attribute("viewBox") {
        None => None,
        Some(text) => match point_list(text)?[..] {
            [(x, y), (width, height)] if width > 0.0 && height > 0.0 => Some((x, y, width, height)),
            _ => {
                return Err(format!(
                    "`viewBox` is `{}`: it must be x, y, width and height",
                    super::table::shortened(text)
                ));
            }
        },
    };
    let (width, height) = (side("width")?, side("height")?);
    let rounded = |width: f64, height: f64| (width.round().max(1.0) as u32, height.round().max(1.0) as u32);
    Ok(match (width.zip(height), view) {
        (None, None) => Frame { size_px: None, matrix: Affine::IDENTITY, view: (f64::NAN, f64::NAN) },
        // The drawing's units become pixels; a small viewBox (0 0 1 1) is enlarged, so that rounding keeps its shape.
        (None, Some((x, y, width, height))) => {
            let grow = (1000.0 / width.max(height)).ceil().max(1.0);
            let grow =
                if width.fract() == 0.0 && height.fract() == 0.0 && grow <= 100.0 { 1.0 } else { grow };
            let matrix = Affine::shift(-x, -y).then(Affine::scale(grow, grow));
            Frame { size_px: Some(rounded(width * grow, height * grow)), matrix, view: (width, height) }
        }
        (Some((width, height)), None) => {
            let size_px = Some(rounded(width, height));
            Frame { size_px, matrix: Affine::IDENTITY, view: (width, height) }
        }
        (Some((width, height)), Some((x, y, view_width, view_height))) => {
            let (mut across, mut down) = (width / view_width, height / view_height);
            if root.attribute("preserveAspectRatio").is_none_or(|ratio| !ratio.trim().starts_with("none")) {
                across = across.min(down);
                down = across;
            }
            let (left, top) = ((width - across * view_width) / 2.0, (height - down * view_height) / 2.0);
            let matrix =
                Affine::shift(-x, -y).then(Affine::scale(across, down)).then(Affine::shift(left, top));
            Frame { size_px: Some(rounded(width, height)), matrix, view: (view_width, view_height) }
        }
    })
}

fn shape(node: &roxmltree::Node<'_, '_>, style: &Style, paint: Paint) -> Result<Vec<Mark>, String> {
    let whole = |name: &str| match name {
        "x" | "x1" | "x2" | "cx" | "rx" | "width" => style.view.0,
        "r" => style.view.0.hypot(style.view.1) / 2f64.sqrt(),
        _ => style.view.1,
    };
    let optional = |name: &str| node.attribute(name).map_or(Ok(0.0), |text| length(text, name, whole(name)));
    let positive = |name: &str| match node.attribute(name) {
        None => Err(format!("it has no `{name}`")),
        Some(text) => length(text, name, whole(name)).and_then(|length| {
            if length > 0.0 { Ok(length) } else { Err(format!("`{name}` is {text}: it must be above 0")) }
        }),
    };
    let data = |name: &str| node.attribute(name).ok_or_else(|| format!("it has no `{name}`"));
    let matrix = style.to_frame;
    let scale = matrix.a.hypot(matrix.b).max(matrix.c.hypot(matrix.d));
    let name = node.tag_name().name();
    let mut filled = paint == Paint::Regions || (paint == Paint::Stated && style.fill.shows());
    let stroked = paint == Paint::Strokes
        || (paint == Paint::Stated && style.stroke.shows() && style.stroke_width > 0.0);
    let paths = match name {
        "path" => flatten(data("d")?, scale)?,
        "polyline" | "polygon" => {
            vec![SubPath { points: point_list(data("points")?)?, closed: name == "polygon" }]
        }
        "line" => {
            filled = false;
            let points = vec![(optional("x1")?, optional("y1")?), (optional("x2")?, optional("y2")?)];
            vec![SubPath { points, closed: false }]
        }
        "rect" => {
            let (x, y, width, height) =
                (optional("x")?, optional("y")?, positive("width")?, positive("height")?);
            let points = vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height)];
            vec![SubPath { points, closed: true }]
        }
        "circle" => {
            let radius = positive("r")?;
            vec![ellipse((optional("cx")?, optional("cy")?), (radius, radius), scale)]
        }
        "ellipse" => {
            vec![ellipse((optional("cx")?, optional("cy")?), (positive("rx")?, positive("ry")?), scale)]
        }
        _ => {
            return Err("this element is not read: draw the shape itself (path, polygon, circle, ...)".into());
        }
    };
    let mut placed = Vec::new();
    for mut path in paths {
        for point in &mut path.points {
            let (x, y) = matrix.apply(*point);
            *point = (super::table::in_range(x, "a coordinate")?, super::table::in_range(y, "a coordinate")?);
        }
        placed.push(path);
    }
    let mut marks = Vec::new();
    if stroked {
        let width = style.stroke_width * matrix.determinant().abs().sqrt();
        for path in &placed {
            let mut points = path.points.clone();
            if path.closed {
                points.extend(path.points.first());
            }
            if !points.is_empty() && width > 0.0 {
                marks.push(Mark::Stroke { points, width_px: Some(width) });
            }
        }
    }
    if filled {
        let rings: Vec<_> =
            placed.into_iter().map(|path| path.points).filter(|ring| ring.len() > 2).collect();
        if !rings.is_empty() {
            marks.push(Mark::Polygon { rings, fill: style.fill_rule });
        }
    }
    Ok(marks)
}
