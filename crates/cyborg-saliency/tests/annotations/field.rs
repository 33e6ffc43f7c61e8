//! What annotation tools and trackers really write, and what would be wrong without a word.

use cyborg_saliency::{
    AnnotationError, BoxOptions, ClickListOptions, CocoOptions, DrawOptions, Edge, Format, LabelMeOptions,
    Length, Mark, MatlabOptions, Placement, PointOptions, PointStyle, SvgOptions, area_average, draw,
};

use crate::support::{annotation, point, read, read_text};

fn coco(text: &str) -> (Vec<cyborg_saliency::Annotation>, Vec<String>) {
    read_text("c.json", text, Format::Coco(CocoOptions::default()))
}

fn labelme(shapes: &str) -> (Vec<Mark>, usize, Vec<String>) {
    let text =
        format!(r#"{{"imagePath": "a.png", "imageWidth": 60, "imageHeight": 40, "shapes": [{shapes}]}}"#);
    let (good, bad) = read_text("a.json", &text, Format::LabelMe(LabelMeOptions::default()));
    (good[0].marks.clone(), good[0].n_lost, bad)
}

#[test]
fn labelme_shapes_of_four_corners_are_polygons() {
    let corners = "[[10, 5], [30, 5], [30, 25], [10, 25]]";
    for kind in ["rectangle", "rotation", "quadrilateral"] {
        let (marks, n_lost, bad) = labelme(&format!(r#"{{"shape_type": "{kind}", "points": {corners}}}"#));
        assert_eq!((n_lost, bad.len()), (0, 0), "{kind}: {bad:?}");
        let drawn =
            draw(&annotation(marks), &Placement::new((60, 40)), &DrawOptions::default()).expect("drawn");
        assert_eq!(drawn.map.values.iter().sum::<f32>(), 400.0, "{kind}: 20 x 20");
    }
    let (marks, n_lost, bad) = labelme(r#"{"shape_type": "rectangle", "points": [[1, 1], [2, 2], [3, 3]]}"#);
    assert_eq!((marks.len(), n_lost), (0, 1));
    assert!(bad[0].ends_with("a rectangle of 3 points: it must have 2 or 4"), "{bad:?}");
}

#[test]
fn json_is_read_as_tools_write_it() {
    let text = r#"{"images": [{"id": 1, "file_name": "a.png", "width": null, "height": null}],
        "annotations": [{"id": 1, "image_id": 1, "bbox": [10, 5, 20, 20], "score": NaN},
                        {"id": 2, "image_id": 1, "bbox": [1, NaN, 3, -Infinity]}]}"#;
    let (good, bad) = coco(&format!("\u{feff}{text}"));
    assert_eq!(good[0].marks, [Mark::Rectangle { left: 10.0, top: 5.0, right: 30.0, bottom: 25.0 }]);
    assert_eq!((good[0].n_lost, good[0].frame_px), (1, None));
    assert_eq!(bad.len(), 1);
    assert!(bad[0].contains("annotations[1] (id 2): `bbox` is empty or not a number (NaN)"), "{bad:?}");
    // NaN within a text is none.
    let (good, bad) = coco(&text.replace("a.png", "NaN-Infinity.png"));
    assert_eq!((good[0].image.as_str(), bad.len()), ("NaN-Infinity.png", 1));
}

#[test]
fn another_encoding_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    // "ni hao" in GBK.
    let gbk =
        [b"{\"images\": [], \"annotations\": [], \"x\": \"".as_slice(), &[0xc4, 0xe3, 0xba, 0xc3], b"\"}"]
            .concat();
    fs_err::write(folder.path().join("c.json"), gbk).expect("written");
    let (_, bad) = read(folder.path(), "c.json", Format::Coco(CocoOptions::default()));
    let text = bad[0].to_string();
    assert!(text.contains("line 1") && text.contains("GBK") && text.contains("iconv"), "{text}");
    fs_err::write(folder.path().join("c.json"), [0xff, 0xfe, b'{', 0]).expect("written");
    let (_, bad) = read(folder.path(), "c.json", Format::Coco(CocoOptions::default()));
    assert!(bad[0].to_string().contains("UTF-16"), "{}", bad[0]);
}

#[test]
fn crumbs_of_coco_polygons_cost_nothing_else() {
    let head = r#"{"images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}], "annotations": [{"id": 1,
        "image_id": 1, "bbox": [10, 5, 20, 20], "segmentation": "#;
    let good_part = "[10, 5, 30, 5, 30, 25, 10, 25]";
    let (good, bad) = coco(&format!("{head}[{good_part}, [50, 5, 50, 9], [3, 3]]}}]}}"));
    assert_eq!((good[0].marks.len(), good[0].n_lost), (1, 0));
    assert!(bad.len() == 1 && bad[0].contains("2 of its 3 polygons have fewer than 3 points"), "{bad:?}");
    let (good, bad) = coco(&format!("{head}[[]]}}]}}"));
    assert_eq!(good[0].marks, [Mark::Rectangle { left: 10.0, top: 5.0, right: 30.0, bottom: 25.0 }]);
    assert!(bad[0].contains("its box is taken"), "{bad:?}");
    // No box either: the person is not one who marked nothing.
    let (good, bad) = coco(&format!("{}[[]]}}]}}", head.replace("20, 20]", "0, 20]")));
    assert_eq!((good[0].marks.len(), good[0].n_lost, bad.len()), (0, 1, 1));
}

#[test]
fn json_of_another_tool_is_refused_by_name() {
    let check = |text: &str, expected: &str| {
        let (good, bad) = coco(text);
        assert!(good.is_empty() && bad.len() == 1 && bad[0].contains(expected), "{text}: {bad:?}");
    };
    check(r#"{"a.png123": {"filename": "a.png", "size": 123, "regions": []}}"#, "VGG Image Annotator");
    check(r#"{"shapes": [], "imagePath": "a.png"}"#, "LabelMe");
    check(r#"[{"data": {}, "annotations": []}]"#, "Label Studio");
    check(r"[1, 2]", "it is an array");
    check("{}", "it is an object");
    let (_, bad) = read_text(
        "a.json",
        r#"{"images": [], "annotations": []}"#,
        Format::LabelMe(LabelMeOptions::default()),
    );
    assert!(bad[0].contains("no `shapes`") && bad[0].contains("COCO"), "{bad:?}");
}

#[test]
fn a_setting_that_names_nothing_is_refused() {
    let text = r#"{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "eye"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "worker": "ann"}]}"#;
    let refused = |options: CocoOptions| read_text("c.json", text, Format::Coco(options)).1;
    let bad = refused(CocoOptions { annotator: "woker".into(), ..CocoOptions::default() });
    assert_eq!(bad.len(), 1);
    assert!(bad[0].contains("the key `woker`") && bad[0].contains("`worker`"), "{bad:?}");
    let bad = refused(CocoOptions { categories: Some(vec!["nose".into()]), ..CocoOptions::default() });
    assert!(bad[0].contains("the category `nose`") && bad[0].contains("`eye`"), "{bad:?}");
    assert!(refused(CocoOptions { annotator: "worker".into(), ..CocoOptions::default() }).is_empty());
}

fn svg(body: &str) -> (Vec<Mark>, usize, Vec<String>) {
    let text = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40">{body}</svg>"#);
    let (good, bad) = read_text("a.svg", &text, Format::Svg(SvgOptions::default()));
    good.first().map_or((vec![], 0, bad.clone()), |good| (good.marks.clone(), good.n_lost, bad.clone()))
}

#[test]
fn svg_transforms_count_wherever_they_stand() {
    let check = |body: &str, expected: (f64, f64)| {
        let (marks, _, bad) = svg(body);
        assert!(bad.is_empty(), "{body}: {bad:?}");
        let Mark::Polygon { rings, .. } = &marks[0] else { panic!("a region") };
        let (x, y) = rings[0][0];
        assert!((x - expected.0).abs() < 1e-9 && (y - expected.1).abs() < 1e-9, "{body}: {x}, {y}");
    };
    let rect = r#"width="10" height="10""#;
    check(&format!(r#"<g style="transform: translate(30px, 20px)"><rect {rect}/></g>"#), (30.0, 20.0));
    check(
        &format!(r#"<style>.m {{ transform: translate(30px,20px) }}</style><rect class="m" {rect}/>"#),
        (30.0, 20.0),
    );
    check(
        &format!(r#"<style>/* .m */ rect {{ transform: translateY(7px) }}</style><rect class="m" {rect}/>"#),
        (0.0, 7.0),
    );
    check(
        &format!(
            r#"<style>#e {{ transform: none }} rect {{ transform: scale(2) }}</style><rect id="e" x="3" {rect}/>"#
        ),
        (3.0, 0.0),
    );
    // CSS comes before the attribute, and does not add to it; a quarter turn takes (10, 0) to (0, 10).
    check(
        &format!(r#"<rect x="10" transform="scale(9)" style="transform: rotate(0.25turn)" {rect}/>"#),
        (0.0, 10.0),
    );
    let refused = |body: &str, name: &str| {
        let (marks, _, bad) = svg(body);
        assert!(marks.is_empty() && bad.len() == 1 && bad[0].contains(name), "{body}: {bad:?}");
    };
    refused(
        &format!(r#"<rect style="transform: scale(2); transform-origin: center" {rect}/>"#),
        "transform-origin",
    );
    refused(&format!(r#"<rect style="rotate: 45deg" {rect}/>"#), "`rotate`");
    refused(&format!(r"<style>g > rect {{ transform: scale(2) }}</style><g><rect {rect}/></g>"), "g > rect");
}

#[test]
fn svg_erasers_do_not_pass() {
    let stroke = r#"<path d="M 10 20 L 50 20" fill="none" stroke="red" stroke-width="6"/>"#;
    let eraser = r#"<path d="M 10 20 L 50 20" fill="none" stroke="white" stroke-width="16"/>"#;
    for hides in [r#"mask="url(#e)""#, r#"clip-path="url(#e)""#, r#"style="mask: url(#e)""#] {
        let (marks, n_lost, bad) = svg(&format!("<g {hides}>{stroke}</g>{stroke}"));
        assert_eq!((marks.len(), n_lost, bad.len()), (1, 1, 1), "{hides}: {bad:?}");
        assert!(bad[0].contains("eraser"), "{bad:?}");
    }
    let (marks, n_lost, bad) =
        svg(&format!("<rect width='100%' height='100%' fill='#FFF'/>{stroke}{eraser}"));
    assert_eq!((marks.len(), n_lost), (3, 0), "{bad:?}");
    assert!(bad.len() == 1 && bad[0].contains("2 of its 3 shapes are white"), "{bad:?}");
    // What cannot be seen is no mark.
    for clear in ["opacity='0'", "fill='rgba(0, 0, 0, 0)'", "fill='#ff000000'", "style='fill-opacity: 0%'"] {
        let (marks, _, bad) = svg(&format!("<rect width='9' height='9' {clear}/>"));
        assert!(marks.is_empty() && bad.is_empty(), "{clear}: {marks:?} {bad:?}");
    }
}

#[test]
fn a_drawing_is_bounded() {
    let circles = "<circle cx='30' cy='20' r='1000000'/>".repeat(300);
    let (marks, n_lost, bad) = svg(&circles);
    assert_eq!(marks.len() + n_lost, 300);
    // 0.05 px off the rim: at least 2 pi / (2 acos(1 - 0.05 / 10^6)) chords, 9,935 points of 16 bytes each; none is finer
    // than 0.001, which leaves 6,284. A million points hold 159 circles.
    assert_eq!(marks.len(), 159);
    assert!(bad[0].contains("`<circle>` in line 1") && bad[0].contains("1000000 points"), "{}", bad[0]);
}

fn points(text: &str) -> (Vec<cyborg_saliency::Annotation>, Vec<String>) {
    let mut options = PointOptions { duration: Some("duration".into()), ..PointOptions::default() };
    options.table.columns.annotator = Some("who".into());
    read_text("g.csv", text, Format::Points(options))
}

#[test]
fn lost_samples_are_counted_and_zeros_doubted() {
    let rows = "a,s,30,20,250\na,s,,,120\na,s,NaN,NaN,120\na,s,-32768,-32768,90\na,s,.,.,5\na,s,7,8,1\n";
    let (good, bad) = points(&format!("image,who,x,y,duration\n{rows}"));
    assert_eq!((good[0].marks.len(), good[0].n_lost), (2, 0));
    assert_eq!(bad.len(), 1);
    assert!(bad[0].contains("line 3") && bad[0].contains("4 of 6 samples have no position"), "{bad:?}");
    let (good, bad) = points(&format!("image,who,x,y,duration\n{}", "a,s,0,0,200\n".repeat(3)));
    assert_eq!(good[0].marks.len(), 3);
    assert!(bad.len() == 1 && bad[0].contains("3 of 3 points lie at exactly (0, 0)"), "{bad:?}");
    assert!(
        points("image,who,x,y,duration\na,s,0,0,9\na,s,0,0,9\na,s,1,0,9\n").1.is_empty(),
        "two are clicks"
    );
    // Without a duration an empty row is a person who marked nothing.
    let (good, bad) = points("image,who,x,y,duration\na,s,,,\n");
    assert!(bad.is_empty() && good.len() == 1 && good[0].marks.is_empty(), "{bad:?}");
}

#[test]
fn who_marked_nothing_is_still_there() {
    let mut options = BoxOptions::default();
    options.table.columns.annotator = Some("who".into());
    let text = "image,who,left,top,right,bottom\na,R1,1,1,3,3\na,R2,,,,\na,R3,nan,nan,nan,nan\na,R4,1,1,,3\na,R5,1,1,3,3\na,R5,9,9,3,3\n";
    let (good, bad) = read_text("b.csv", text, Format::Boxes(options));
    let found: Vec<_> =
        good.iter().map(|a| (a.annotator.as_deref().unwrap_or(""), a.marks.len(), a.n_lost)).collect();
    assert_eq!(found, [("R1", 1, 0), ("R2", 0, 0), ("R3", 0, 0), ("R4", 0, 1), ("R5", 1, 1)]);
    assert_eq!(bad.len(), 2, "{bad:?}");
}

#[test]
fn a_column_that_stands_twice_is_refused() {
    let (_, bad) = points("image,who,x,y,duration,x\na,s,1,2,3,4\n");
    assert!(bad[0].contains("column `x` stands in it twice, as field 3 and as field 6"), "{bad:?}");
    let options = ClickListOptions::default();
    let (_, bad) =
        read_text("c.csv", "image_path,clicks,clicks\na,\"(1,2)\",\n", Format::ClickLists(options));
    assert!(bad[0].contains("`clicks` stands in it twice"), "{bad:?}");
}

#[test]
fn a_matlab_file_of_one_image_has_an_element_a_person() {
    // `gaze.mat` has `fixations{1}.subjects`, here taken for a file of one image's persons: the names come from the path.
    let options = MatlabOptions { annotators: "subjects".into(), ..MatlabOptions::default() };
    let folder = tempfile::tempdir().expect("a folder");
    fs_err::copy(crate::support::samples().join("gaze.mat"), folder.path().join("0007.mat")).expect("copied");
    let (good, bad) = read(folder.path(), "{image}.mat", Format::Matlab(options));
    assert!(bad.is_empty(), "{bad:?}");
    let found: Vec<_> =
        good.iter().map(|a| (a.image.as_str(), a.annotator.as_deref(), a.marks.len())).collect();
    assert_eq!(found, [("0007", Some("0"), 2), ("0007", Some("1"), 1)]);
}

#[test]
fn marks_beside_the_image_are_counted_with_their_cause() {
    // 60 x 40, x and y swapped: (10, 60) and (30, 20); the box reaches into the image.
    let marks = vec![
        point(10.0, 60.0),
        point(30.0, 20.0),
        Mark::Rectangle { left: 50.0, top: -5.0, right: 70.0, bottom: 10.0 },
        Mark::Stroke { points: vec![(5.0, 42.0)], width_px: Some(2.0) },
        Mark::Stroke { points: vec![(5.0, 42.0)], width_px: Some(6.0) },
    ];
    let drawn = draw(&annotation(marks), &Placement::new((60, 40)), &DrawOptions::default()).expect("drawn");
    let outside = drawn.outside;
    assert_eq!((outside.n_marks, outside.n_outside), (5, 2));
    // Swapped: (60, 10) is at the right edge and so outside; the box becomes (-5, 50) to (10, 70), below the image.
    assert_eq!(outside.n_inside_if_swapped, 3);
}

#[test]
fn a_density_is_exact_at_any_size() {
    let marks = vec![point(15.9, 11.9), point(41.3, 30.2), point(2.0, 39.0)];
    for edge in [Edge::Constant, Edge::Reflect, Edge::Wrap] {
        let points = PointStyle::Density { sigma: Length::FramePx(4.0), truncate: 4.0, edge };
        let options = DrawOptions { points, ..DrawOptions::default() };
        let drawn = |width: u32, height: u32| {
            let placement = Placement::new((64, 48)).resized((width, height));
            draw(&annotation(marks.clone()), &placement, &options).expect("drawn").map
        };
        // A pixel of 16 x 12 is a square of 8 x 8 pixels of 128 x 96: its integral is their sum, 64 times their mean.
        let (small, large) = (drawn(16, 12), drawn(128, 96));
        let averaged = area_average(&large, 16, 12);
        for (small, mean) in small.values.iter().zip(&averaged.values) {
            // 32 bits of values below 0.2, 64 of them added.
            assert!((small - 64.0 * mean).abs() < 1e-6, "{edge:?}: {small} and {}", 64.0 * mean);
        }
        let sum = small.values.iter().map(|&value| f64::from(value)).sum::<f64>();
        if edge == Edge::Constant {
            assert!(sum < 2.9, "what spreads beyond the border is lost: {sum}");
        } else {
            assert!((sum - 3.0).abs() < 1e-6, "{edge:?}: {sum}");
        }
    }
    // The normal distribution within one sigma on each axis: 0.682689492... / erf(4 / sqrt(2)) = 0.999936657...
    let points = PointStyle::Density { sigma: Length::FramePx(8.0), truncate: 4.0, edge: Edge::Constant };
    let options = DrawOptions { points, ..DrawOptions::default() };
    let placement = Placement::new((144, 144)).resized((9, 9));
    let drawn = draw(&annotation(vec![point(72.0, 72.0)]), &placement, &options).expect("drawn").map;
    assert!((drawn.at(4, 4) - (0.682_689_5f32 / 0.999_936_7).powi(2)).abs() < 1e-6, "{}", drawn.at(4, 4));
}

#[test]
fn only_settings_that_name_nothing_are_fatal() {
    let (_, bad) = read(&crate::support::samples(), "labelme/{image}.json", {
        let options = LabelMeOptions { annotator: "flags.annotatr".into(), ..LabelMeOptions::default() };
        Format::LabelMe(options)
    });
    assert!(matches!(&bad[..], [AnnotationError::NowhereFound { setting: "annotator", .. }]), "{bad:?}");
}
