//! Annotation sources from raw to checked.

use cyborg_manifest::SourceText;
use cyborg_saliency::{
    BoxOptions, Channel, ClickListOptions, CocoMarks, CocoOptions, Columns, EyeTaggerOptions, FirstPixel,
    Format, Invalid, LabelMeOptions, MapOptions, MatlabOptions, MatlabPoints, Paint, PointOptions, Scale,
    Sides, Source, SvgOptions, Table, Unit, VocOptions,
};
use serde_yaml::Spanned;

use crate::check::pattern;
use crate::raw_sources::{
    RawBoxes, RawChannel, RawClickLists, RawCoco, RawCocoMarks, RawDelimiter, RawFirstPixel, RawInvalid,
    RawMaps, RawMatlab, RawPaint, RawPoints, RawScale, RawSource, RawTimeUnit, RawUnit,
};

/// The source, if its pattern can be read; faults go to `source`.
pub(crate) fn checked(raw: &RawSource, source: &mut SourceText) -> Option<Source> {
    let (files, named, format) = match raw {
        RawSource::Maps(raw) => (&raw.files, true, Format::Map(maps(raw, source))),
        RawSource::Points(raw) => (&raw.files, false, Format::Points(points(raw, source))),
        RawSource::ClickLists(raw) => (&raw.files, false, Format::ClickLists(click_lists(raw, source))),
        RawSource::Boxes(raw) => (&raw.files, false, Format::Boxes(boxes(raw, source))),
        RawSource::Svg(raw) => (&raw.files, false, Format::Svg(SvgOptions { paint: paint(raw.paint) })),
        RawSource::Coco(raw) => (&raw.files, false, Format::Coco(coco(raw))),
        RawSource::LabelMe(raw) => {
            let default = LabelMeOptions::default();
            let annotator = raw.annotator.clone().unwrap_or(default.annotator);
            (&raw.files, false, Format::LabelMe(LabelMeOptions { labels: raw.labels.clone(), annotator }))
        }
        RawSource::Voc(raw) => {
            let default = VocOptions::default();
            let options = VocOptions {
                names: raw.names.clone(),
                pixels_from_one: raw.pixels_from_one.unwrap_or(default.pixels_from_one),
                annotator: raw.annotator.clone().unwrap_or(default.annotator),
            };
            (&raw.files, false, Format::Voc(options))
        }
        RawSource::EyeTagger(raw) => {
            let default = EyeTaggerOptions::default();
            let options = EyeTaggerOptions {
                image: raw.image.clone().unwrap_or(default.image),
                annotator: raw.annotator.clone().unwrap_or(default.annotator),
                annotation: raw.annotation.clone().unwrap_or(default.annotation),
                picture: default.picture,
                paint: paint(raw.paint),
            };
            (&raw.files, false, Format::EyeTagger(options))
        }
        RawSource::Matlab(raw) => (&raw.files, false, Format::Matlab(matlab(raw, source))),
    };
    Some(Source { files: pattern(files, named, source)?, format })
}

fn paint(raw: RawPaint) -> Paint {
    match raw {
        RawPaint::Stated => Paint::Stated,
        RawPaint::Strokes => Paint::Strokes,
        RawPaint::Regions => Paint::Regions,
    }
}

fn first_pixel(raw: RawFirstPixel) -> FirstPixel {
    match raw {
        RawFirstPixel::Edge => FirstPixel::Edge,
        RawFirstPixel::Zero => FirstPixel::Zero,
        RawFirstPixel::One => FirstPixel::One,
    }
}

fn seconds_per_unit(raw: RawTimeUnit) -> f64 {
    match raw {
        RawTimeUnit::Ms => 0.001,
        RawTimeUnit::S => 1.0,
    }
}

fn maps(raw: &RawMaps, source: &mut SourceText) -> MapOptions {
    let scale = match &raw.scale {
        None => Scale::Depth,
        Some(scale) => match scale.value {
            RawScale::Depth => Scale::Depth,
            RawScale::Kept => Scale::Kept,
            RawScale::Binary => Scale::Binary,
            RawScale::Divide(by) => {
                if !(1e-30..=1e30).contains(&by) {
                    source.fault(scale, &format!("`divide` is {by}: it must be above 0"));
                }
                Scale::Divide(by)
            }
        },
    };
    MapOptions {
        channel: match raw.channel {
            RawChannel::Grey => Channel::Grey,
            RawChannel::Alpha => Channel::Alpha,
            RawChannel::Red => Channel::Red,
            RawChannel::Green => Channel::Green,
            RawChannel::Blue => Channel::Blue,
        },
        labels: raw.labels.clone(),
        variable: raw.variable.clone(),
        scale,
        invalid: match raw.invalid {
            RawInvalid::Refuse => Invalid::Refuse,
            RawInvalid::Zero => Invalid::Zero,
        },
    }
}

/// What all tables say of their columns.
struct Shared<'a> {
    files: &'a Spanned<String>,
    image: &'a Option<String>,
    annotator: &'a Option<String>,
    seconds: &'a Option<String>,
    correct: &'a Option<String>,
    frame: (&'a Option<String>, &'a Option<String>),
    unit: RawUnit,
    first_pixel: Option<RawFirstPixel>,
    delimiter: RawDelimiter,
}

/// What the raw tables have in common. A macro, since they are types of their own: serde cannot both flatten a common part
/// and refuse unknown fields.
macro_rules! shared {
    ($raw:expr) => {
        Shared {
            files: &$raw.files,
            image: &$raw.columns.image,
            annotator: &$raw.columns.annotator,
            seconds: &$raw.columns.seconds,
            correct: &$raw.columns.correct,
            frame: (&$raw.columns.frame_width, &$raw.columns.frame_height),
            unit: $raw.unit,
            first_pixel: $raw.first_pixel,
            delimiter: $raw.delimiter,
        }
    };
}

fn table(shared: &Shared, default: Table, source: &mut SourceText) -> Table {
    let frame = match shared.frame {
        (Some(width), Some(height)) => Some((width.clone(), height.clone())),
        (None, None) => None,
        _ => {
            source.fault(shared.files, "name both `frame_width` and `frame_height`, or neither");
            None
        }
    };
    let in_name = shared.files.value.contains("{image}");
    let default_image = if in_name { None } else { default.columns.image };
    Table {
        columns: Columns {
            image: shared.image.clone().or(default_image),
            annotator: shared.annotator.clone(),
            seconds: shared.seconds.clone(),
            correct: shared.correct.clone(),
            frame,
        },
        delimiter: match shared.delimiter {
            RawDelimiter::Comma => b',',
            RawDelimiter::Semicolon => b';',
            RawDelimiter::Tab => b'\t',
        },
        unit: match shared.unit {
            RawUnit::Pixels => Unit::Pixels,
            RawUnit::Fractions => Unit::Fractions,
        },
        first_pixel: shared.first_pixel.map_or(default.first_pixel, first_pixel),
        frame_px: None,
    }
}

fn points(raw: &RawPoints, source: &mut SourceText) -> PointOptions {
    let default = PointOptions::default();
    let columns = &raw.columns;
    let shared = shared!(raw);
    PointOptions {
        table: table(&shared, default.table, source),
        x: columns.x.clone().unwrap_or(default.x),
        y: columns.y.clone().unwrap_or(default.y),
        duration: columns.duration.clone(),
        seconds_per_unit: seconds_per_unit(raw.duration_unit),
    }
}

fn click_lists(raw: &RawClickLists, source: &mut SourceText) -> ClickListOptions {
    let default = ClickListOptions::default();
    let columns = &raw.columns;
    let shared = shared!(raw);
    ClickListOptions {
        table: table(&shared, default.table, source),
        clicks: columns.clicks.clone().unwrap_or(default.clicks),
        row_first: raw.row_first,
    }
}

fn boxes(raw: &RawBoxes, source: &mut SourceText) -> BoxOptions {
    let default = BoxOptions::default();
    let columns = &raw.columns;
    let shared = shared!(raw);
    let name = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    let left = name(&columns.left, "left");
    let top = name(&columns.top, "top");
    let sides = match (&columns.width, &columns.height) {
        (Some(width), Some(height)) => {
            if columns.right.is_some() || columns.bottom.is_some() {
                source.fault(&raw.files, "name `width` and `height`, or `right` and `bottom`, not both");
            }
            Sides::Size([left, top, width.clone(), height.clone()])
        }
        (None, None) => {
            Sides::Edges([left, top, name(&columns.right, "right"), name(&columns.bottom, "bottom")])
        }
        _ => {
            source.fault(&raw.files, "name both `width` and `height`, or neither");
            default.sides
        }
    };
    BoxOptions { table: table(&shared, default.table, source), sides }
}

fn matlab(raw: &RawMatlab, source: &mut SourceText) -> MatlabOptions {
    let default = MatlabOptions::default();
    let points = match (&raw.points, &raw.x, &raw.y) {
        (Some(rows), None, None) => MatlabPoints::Rows(rows.clone()),
        (None, None, None) => default.points,
        (None, Some(x), Some(y)) => MatlabPoints::Two { x: x.clone(), y: y.clone() },
        _ => {
            source.fault(&raw.files, "name both `x` and `y`, or `points`");
            default.points
        }
    };
    let duration = if raw.points.is_none() && raw.x.is_none() { default.duration } else { None };
    MatlabOptions {
        variable: raw.variable.clone().unwrap_or(default.variable),
        image: raw.image.clone(),
        annotators: raw.annotators.clone().unwrap_or(default.annotators),
        points,
        duration: raw.duration.clone().or(duration),
        seconds_per_unit: seconds_per_unit(raw.duration_unit),
        first_pixel: raw.first_pixel.map_or(default.first_pixel, first_pixel),
        frame_px: None,
    }
}

fn coco(raw: &RawCoco) -> CocoOptions {
    let default = CocoOptions::default();
    CocoOptions {
        marks: match raw.marks {
            RawCocoMarks::Segmentation => CocoMarks::Segmentation,
            RawCocoMarks::Boxes => CocoMarks::Boxes,
            RawCocoMarks::KeyPoints => CocoMarks::KeyPoints,
        },
        categories: raw.categories.clone(),
        annotator: raw.annotator.clone().unwrap_or(default.annotator),
        correct: raw.correct.clone().unwrap_or(default.correct),
        uploads: raw.uploads,
    }
}
