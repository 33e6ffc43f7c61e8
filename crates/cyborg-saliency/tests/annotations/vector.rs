//! SVG drawings: paths, transforms, frames, faults.

use cyborg_saliency::{Fill, Format, Mark, SvgOptions};

use crate::support::read_text;

fn svg(body: &str) -> (Vec<Mark>, Vec<String>) {
    let text = format!("<svg xmlns='http://www.w3.org/2000/svg' width='100' height='80'>\n{body}\n</svg>");
    let (good, bad) = read_text("s.svg", &text, Format::Svg(SvgOptions::default()));
    (good.into_iter().flat_map(|annotation| annotation.marks).collect(), bad)
}

fn ring(points: &[(f64, f64)]) -> Mark {
    Mark::Polygon { rings: vec![points.to_vec()], fill: Fill::NonZero }
}

#[test]
fn svg_paths_have_all_commands() {
    let check = |data: &str, expected: &[(f64, f64)]| {
        let (marks, bad) = svg(&format!("<path d='{data}'/>"));
        assert!(bad.is_empty(), "{data}: {bad:?}");
        let [Mark::Polygon { rings, .. }] = &marks[..] else { panic!("{data}: {marks:?}") };
        assert_eq!(rings[0].len(), expected.len(), "{data}: {rings:?}");
        for (found, expected) in rings[0].iter().zip(expected) {
            assert!((found.0 - expected.0).hypot(found.1 - expected.1) < 1e-9, "{data}: {rings:?}");
        }
    };
    let square = [(10.0, 10.0), (20.0, 10.0), (20.0, 20.0), (10.0, 20.0)];
    check("M10 10 L20 10 L20 20 L10 20 Z", &square);
    check("m10,10 10,0 0,10 -10,0z", &square);
    check("M10-10m0 20H20V20H10z", &square);
    check("M 10 10 h 10 v 10 h -10", &square);
    check("M1e1+10L2E1,1e+1 20 20 .1e2 20", &square);
    // Shorthands are what they are short for.
    for (short, long) in [
        ("M0 0C0 10 10 10 10 0S20-10 20 0", "M0 0C0 10 10 10 10 0C10-10 20-10 20 0"),
        ("M0 0c0 10 10 10 10 0s10-10 10 0", "M0 0C0 10 10 10 10 0C10-10 20-10 20 0"),
        ("M0 0Q5 10 10 0T20 0", "M0 0Q5 10 10 0Q15-10 20 0"),
        ("M0 0q5 10 10 0t10 0", "M0 0Q5 10 10 0Q15-10 20 0"),
        ("M0 0L10 0S10 10 20 10", "M0 0L10 0C10 0 10 10 20 10"),
        ("M0 0L10 0T20 10L0 9", "M0 0L10 0Q10 0 20 10L0 9"),
        ("M0 0C0 10 10 10 10 0T20 10", "M0 0C0 10 10 10 10 0Q10 0 20 10"),
    ] {
        let marks = |data: &str| svg(&format!("<path d='{data}'/>"));
        assert_eq!(marks(short), marks(long));
        assert!(marks(short).1.is_empty());
    }
}

#[test]
fn svg_curves_stay_within_a_twentieth_of_a_pixel() {
    // Half a circle of radius 30 about (50, 40), flags without spaces between; a quarter by a cubic, whose known error
    // is 2.7e-4 of the radius.
    for (data, tolerance) in [
        ("M20 40A30 30 0 0180 40", 0.0501),
        ("M20 40a30 30 0 1 1 60 0", 0.0501),
        ("M50 10C66.568542495 10 80 23.431457505 80 40", 0.0501 + 30.0 * 2.8e-4),
    ] {
        let (marks, bad) = svg(&format!("<path fill='none' stroke='red' d='{data}'/>"));
        assert!(bad.is_empty(), "{bad:?}");
        let [Mark::Stroke { points, width_px: Some(1.0) }] = &marks[..] else { panic!("{marks:?}") };
        for pair in points.windows(2) {
            let middle = (f64::midpoint(pair[0].0, pair[1].0), f64::midpoint(pair[0].1, pair[1].1));
            for (x, y) in [pair[0], middle] {
                let off = ((x - 50.0).hypot(y - 40.0) - 30.0).abs();
                assert!(off <= tolerance, "{data}: off by {off}");
            }
        }
    }
    // An arc too small for its end points grows; one without radius is a line.
    let (marks, _) = svg("<path fill='none' stroke='red' d='M20 40A1 1 0 0 1 80 40M0 0A0 5 0 0 1 9 9'/>");
    let [Mark::Stroke { points, .. }, Mark::Stroke { points: line, .. }] = &marks[..] else {
        panic!("{marks:?}")
    };
    assert!(points.iter().any(|&(_, y)| y < 10.06), "{points:?}");
    assert_eq!(line[..], [(0.0, 0.0), (9.0, 9.0)]);
}

#[test]
fn svg_transforms_and_styles_are_inherited() {
    let triangle = "<polygon points='0,0 4,0 0,2'/>";
    let placed = |around: &str| svg(&format!("<g {around}>{triangle}</g>")).0;
    assert_eq!(placed("transform='translate(10)'"), [ring(&[(10., 0.), (14., 0.), (10., 2.)])]);
    assert_eq!(placed("transform='translate(1 2) scale(2)'"), [ring(&[(1., 2.), (9., 2.), (1., 6.)])]);
    assert_eq!(placed("transform='matrix(0,1,-1,0,5,6)'"), [ring(&[(5., 6.), (5., 10.), (3., 6.)])]);
    let Mark::Polygon { rings, .. } = &placed("transform='rotate(90, 1, 1)'")[0] else { panic!("a region") };
    assert!((rings[0][0].0 - 2.0).abs() < 1e-12 && rings[0][0].1.abs() < 1e-12, "{rings:?}");
    for hidden in ["display='none'", "visibility='hidden'", "fill='none'", "style='fill: none'"] {
        assert_eq!(placed(hidden), [], "{hidden}");
    }
    let stroke =
        |points: &[(f64, f64)], width| Mark::Stroke { points: points.to_vec(), width_px: Some(width) };
    let styled = "<style>.a, .b { fill: none; stroke: red } .b { stroke-width: 3px }</style>\
                  <g stroke-width='2'><line class='a' x1='1' y1='2' x2='3' y2='4'/>\
                  <line class='b' x2='3'/><line class='b' style='stroke-width:0.5' x2='3'/>\
                  <rect class='a' transform='scale(2)' x='1' width='2' height='1'/></g>";
    let (marks, bad) = svg(styled);
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(
        marks,
        [
            stroke(&[(1., 2.), (3., 4.)], 2.0),
            stroke(&[(0., 0.), (3., 0.)], 3.0),
            stroke(&[(0., 0.), (3., 0.)], 0.5),
            stroke(&[(2., 0.), (6., 0.), (6., 2.), (2., 2.), (2., 0.)], 4.0),
        ]
    );
    // Filled and stroked is both; definitions and other name spaces draw nothing.
    let (marks, bad) = svg("<defs><rect width='9' height='9'/></defs><text>x</text><image href='a.png'/>\
         <other xmlns='urn:other'/><path stroke='red' fill-rule='evenodd' d='M0 0H4V4z'/>");
    assert!(bad.is_empty(), "{bad:?}");
    assert!(
        matches!(&marks[..], [Mark::Stroke { .. }, Mark::Polygon { fill: Fill::EvenOdd, .. }]),
        "{marks:?}"
    );
}

#[test]
fn svg_frames_follow_the_view_box() {
    let corner = |attributes: &str| {
        let text = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' {attributes}><polygon points='0,0 10,0 10,10'/></svg>"
        );
        let (good, bad) = read_text("s.svg", &text, Format::Svg(SvgOptions::default()));
        assert!(bad.is_empty(), "{bad:?}");
        let Mark::Polygon { rings, .. } = &good[0].marks[0] else { panic!("a region") };
        (good[0].frame_px, rings[0][2])
    };
    assert_eq!(corner(""), (None, (10.0, 10.0)));
    assert_eq!(corner("width='40' height='30px'"), (Some((40, 30)), (10.0, 10.0)));
    assert_eq!(corner("width='100%' height='100%' viewBox='5 0 40 30'"), (Some((40, 30)), (5.0, 10.0)));
    assert_eq!(corner("width='80' height='60' viewBox='0 0 40 30'"), (Some((80, 60)), (20.0, 20.0)));
    // Fitted whole and centred: 2 times as large, 10 to the right.
    assert_eq!(corner("width='100' height='60' viewBox='0 0 40 30'"), (Some((100, 60)), (30.0, 20.0)));
    assert_eq!(
        corner("width='100' height='60' viewBox='0 0 40 30' preserveAspectRatio='none'"),
        (Some((100, 60)), (25.0, 20.0))
    );
    // In fractions: so large that rounding keeps the shape.
    let (frame, corner) = corner("viewBox='0 0 20 7.5'");
    assert_eq!((frame, corner), (Some((1000, 375)), (500.0, 500.0)));
    for (attributes, says) in [
        ("viewBox='0 0 40'", "a number is missing before ``"),
        ("viewBox='0 0 40 0'", "`viewBox` is `0 0 40 0`: it must be x, y, width and height"),
        ("width='x' height='1'", "`width` is `x`: it must be a length in pixels"),
        ("width='0' height='1'", "`width` is 0: it must be from 1 to 1000000 px"),
    ] {
        let text = format!("<svg {attributes}/>");
        let (_, bad) = read_text("s.svg", &text, Format::Svg(SvgOptions::default()));
        assert_eq!(bad, [format!("cannot read annotations `ROOT/s.svg`, `<svg>` in line 1: {says}")]);
    }
}

#[test]
fn faulty_svg_elements_name_themselves() {
    let (marks, bad) =
        svg("<path d='M1 1 L2'/>\n<path/>\n<path d='L1 1'/>\n<circle r='0'/>\n<use href='#a'/>\n\
         <path d='M1 1 X 2 2'/><g transform='turn(3)'/>\n<path d='M 1 1 # 2'/>\n<path d='M0 0z 5'/>\
         <path d='M1 1A1 1 0 2 0 5 5'/>\n<polygon points='0 0 1e30 0 4 4'/><line x2='1cm' stroke='red'/>");
    assert_eq!(marks.len(), 1, "the line");
    assert_eq!(
        bad,
        [
            "`<path>` in line 2: a number is missing before ``",
            "`<path>` in line 3: it has no `d`",
            "`<path>` in line 4: path data begin with `L`: they must begin with `M`",
            "`<circle>` in line 5: it has no `r`",
            "`<use>` in line 6: this element is not read: draw the shape itself (path, polygon, circle, ...)",
            "`<path>` in line 7: path data have the unknown command `X`",
            "`<g>` in line 7: `transform` is `turn(3)`: it cannot be read",
            "`<path>` in line 8: path data have the character `#`",
            "`<path>` in line 9: path data have a number without a command",
            "`<path>` in line 9: an arc's flag is missing: it must be 0 or 1",
            "`<polygon>` in line 10: a coordinate is 1000000000000000000000000000000: it must lie between -10000000 and \
             10000000",
        ]
        .map(|reason| format!("cannot read annotations `ROOT/s.svg`, {}", reason.replace("it has no `r`", "`r` is 0: it must be above 0")))
    );
    for (text, says) in [
        ("<html/>", "`<html>` in line 1: it is no SVG: the outermost element must be `<svg>`"),
        ("<svg>", "line 1 column 1: the XML is broken: the root node was opened but never closed"),
    ] {
        let (good, bad) = read_text("s.svg", text, Format::Svg(SvgOptions::default()));
        assert!(good.is_empty());
        assert_eq!(bad, [format!("cannot read annotations `ROOT/s.svg`, {says}")]);
    }
    // Nested as deep as it likes: refused or drawn, never a full stack.
    let (marks, bad) = svg(&format!("{}{}", "<g>".repeat(20_000), "</g>".repeat(20_000)));
    assert!(marks.is_empty());
    assert_eq!(bad.len(), 1);
    assert!(bad[0].ends_with("groups are nested deeper than 1000"), "{}", bad[0]);
    // References to references to references.
    let laughs = "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\
                  <!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>]>\
                  <svg><text>&d;&d;&d;&d;</text></svg>";
    let (_, bad) = read_text("s.svg", laughs, Format::Svg(SvgOptions::default()));
    assert_eq!(bad.len(), 1, "{bad:?}");
}
