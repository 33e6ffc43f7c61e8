//! Every sample file, read as its format's documentation says.

use cyborg_saliency::{
    Annotation, BoxOptions, ClickListOptions, CocoMarks, CocoOptions, DrawOptions, EyeTaggerOptions,
    FRACTIONS, Fill, Format, LabelMeOptions, MapOptions, Mark, MatlabOptions, Paint, Placement, PointOptions,
    SourceSettings, SvgOptions, Unit, VocOptions, draw,
};
use serde_json::json;

use crate::support::{point, read, samples};

/// All annotations of a sample; there must be no error.
fn sample(pattern: &str, format: Format) -> Vec<Annotation> {
    let (good, bad) = read(&samples(), pattern, format);
    assert!(bad.is_empty(), "{pattern}: {bad:?}");
    good
}

/// Image, annotator and number of marks of each.
fn outline(annotations: &[Annotation]) -> Vec<(&str, &str, usize)> {
    annotations
        .iter()
        .map(|a| (a.image.as_str(), a.annotator.as_deref().unwrap_or("-"), a.marks.len()))
        .collect()
}

/// The sum of an annotation drawn at the size of its frame.
fn area(annotation: &Annotation, frame_px: (u32, u32)) -> f32 {
    let placed = annotation.clone().on_frame(frame_px).expect("one shape");
    let placement = Placement::new(placed.frame_px.expect("it has one now"));
    draw(&placed, &placement, &DrawOptions::default()).expect("drawn").map.values.iter().sum()
}

fn columns(options: &mut cyborg_saliency::Table, image: &str, annotator: &str) {
    options.columns.image = Some(image.into());
    options.columns.annotator = Some(annotator.into());
}

#[test]
fn masks_and_heat_maps() {
    let found = sample("masks/{annotator}/{image}.*", Format::Maps(MapOptions::default()));
    assert_eq!(outline(&found), [("0001", "ann", 1), ("0001", "bob", 1)]);
    assert_eq!(area(&found[0], (40, 30)), 240.0, "12 rows of 20 pixels at 255 of 255");
    assert_eq!(area(&found[1], (40, 30)), 120.0, "at one half");
    let found = sample("heat.npy", Format::Maps(MapOptions::default()));
    assert_eq!(outline(&found), [("heat", "-", 1)]);
    assert_eq!(area(&found[0], (20, 15)), 60.0, "half as wide and high");
}

#[test]
fn svg() {
    let found = sample("svg/{image}.svg", Format::Svg(SvgOptions::default()));
    assert_eq!(outline(&found), [("0001", "-", 3)]);
    assert_eq!(found[0].frame_px, Some((40, 30)));
    let Mark::Stroke { points, width_px } = &found[0].marks[0] else { panic!("a stroke first") };
    assert_eq!(*width_px, Some(5.0));
    assert_eq!((points.first(), points.last()), (Some(&(10.0, 10.0)), Some(&(30.0, 10.0))));
    assert!(points.contains(&(20.0, 10.0)), "where the two curves meet");
    let Mark::Polygon { rings, fill: Fill::NonZero } = &found[0].marks[1] else { panic!("then a region") };
    assert_eq!(rings[..], [[(5.0, 20.0), (15.0, 20.0), (10.0, 28.0)]]);
    let Mark::Polygon { rings, .. } = &found[0].marks[2] else { panic!("then an ellipse") };
    for &(x, y) in &rings[0] {
        assert!((((x - 30.0) / 6.0).powi(2) + ((y - 23.0) / 4.0).powi(2) - 1.0).abs() < 1e-12);
    }
    let strokes = sample("svg/{image}.svg", Format::Svg(SvgOptions { paint: Paint::Strokes }));
    assert!(strokes[0].marks.iter().all(|mark| matches!(mark, Mark::Stroke { .. })));
}

#[test]
fn coco() {
    let found = sample("coco.json", Format::Coco(CocoOptions::default()));
    assert_eq!(
        outline(&found),
        [
            ("0001.png", "ann", 2),
            ("0001.png", "bob", 1),
            ("0002.png", "ann", 1),
            ("0002.png", "bob", 1),
            ("0002.png", "eve", 1)
        ]
    );
    assert_eq!(found[0].correct, Some(true));
    assert_eq!(found[0].frame_px, Some((40, 30)));
    // A triangle of 20 x 10 / 2 and a square of 6 x 6; a box of 12.5 x 5.
    assert!((area(&found[0], (40, 30)) - 136.0).abs() < 0.1);
    assert_eq!(area(&found[1], (40, 30)), 62.5);
    // Runs 5, 2, 2, 2, 13 down columns of 4 rows: pixels 5, 6, 9 and 10, that is rows 1 and 2 of columns 1 and 2.
    for plain_or_compressed in &found[2..4] {
        let placement = Placement::new((6, 4));
        let drawn = draw(plain_or_compressed, &placement, &DrawOptions::default()).expect("drawn").map;
        let marked: Vec<usize> = (0..24).filter(|&at| drawn.values[at] == 1.0).collect();
        assert_eq!(marked, [7, 8, 13, 14]);
        assert_eq!(drawn.values.iter().sum::<f32>(), 4.0);
    }
    let eyes = CocoOptions { categories: Some(vec!["eye".into()]), ..CocoOptions::default() };
    assert_eq!(
        outline(&sample("coco.json", Format::Coco(eyes))),
        [("0001.png", "bob", 1), ("0002.png", "eve", 1)]
    );
    let points = CocoOptions { marks: CocoMarks::KeyPoints, ..CocoOptions::default() };
    let (good, bad) = read(&samples(), "coco.json", Format::Coco(points));
    let (marked, lost): (Vec<_>, Vec<_>) = good.into_iter().partition(|annotation| annotation.n_lost == 0);
    assert_eq!((marked.len(), lost.len()), (1, 4));
    assert_eq!(marked[0].marks, [point(2.0, 1.0), point(4.5, 3.0)], "the unlabelled one is none");
    assert_eq!(bad.len(), 4, "the others have no key points");
}

#[test]
fn labelme() {
    let options = LabelMeOptions { annotator: "flags.annotator".into(), ..LabelMeOptions::default() };
    let found = sample("labelme/{image}.json", Format::LabelMe(options));
    assert_eq!(outline(&found), [("0001", "ann", 5), ("0002", "-", 1)]);
    assert_eq!(
        found[0].marks[1..],
        [
            Mark::Rectangle { left: 12.0, top: 22.0, right: 22.0, bottom: 28.0 },
            Mark::Stroke { points: vec![(30.0, 24.0)], width_px: Some(10.0) }, // 3, 4, 5
            Mark::Stroke { points: vec![(5.0, 5.0), (12.0, 4.0), (20.0, 6.0)], width_px: None },
            point(35.0, 5.0),
        ]
    );
    // The mask [[1, 1, 0], [0, 1, 1]] over columns 2 to 4 and rows 1 and 2 of a frame of 6 x 4.
    let placement = Placement::new(found[1].frame_px.expect("stated"));
    let drawn = draw(&found[1], &placement, &DrawOptions::default()).expect("drawn").map;
    let marked: Vec<usize> = (0..24).filter(|&at| drawn.values[at] == 1.0).collect();
    assert_eq!(marked, [8, 9, 15, 16]);
    assert_eq!(drawn.values.iter().sum::<f32>(), 4.0);
    let eyes = LabelMeOptions { labels: Some(vec!["eye".into()]), ..LabelMeOptions::default() };
    assert_eq!(sample("labelme/0001.json", Format::LabelMe(eyes))[0].marks.len(), 2);
}

#[test]
fn pascal_voc() {
    let found = sample("voc/*.xml", Format::Voc(VocOptions::default()));
    assert_eq!(outline(&found), [("0001.png", "-", 2)]);
    assert_eq!(found[0].frame_px, Some((40, 30)));
    assert_eq!(found[0].marks[0], Mark::Rectangle { left: 10.0, top: 5.0, right: 20.0, bottom: 10.0 });
    let edges =
        VocOptions { pixels_from_one: false, names: Some(vec!["nose".into()]), ..VocOptions::default() };
    assert_eq!(
        sample("voc/*.xml", Format::Voc(edges))[0].marks,
        [Mark::Rectangle { left: 21.0, top: 12.5, right: 25.0, bottom: 20.0 }]
    );
}

#[test]
fn boxes() {
    let mut options = BoxOptions::default();
    columns(&mut options.table, "image", "annotator");
    options.table.columns.correct = Some("correct".into());
    options.table.columns.frame = Some(("width".into(), "height".into()));
    let found = sample("boxes.csv", Format::Boxes(options));
    assert_eq!(outline(&found), [("0001.png", "ann", 2), ("0001.png", "bob", 1)]);
    assert_eq!((found[0].correct, found[1].correct), (Some(true), Some(false)));
    assert_eq!(found[0].frame_px, Some((40, 30)));
    assert_eq!(found[0].marks[0], Mark::Rectangle { left: 10.0, top: 10.0, right: 20.5, bottom: 15.0 });
}

#[test]
fn clicks_and_fixations() {
    let mut options = PointOptions::default();
    columns(&mut options.table, "image", "who");
    options.table.first_pixel = cyborg_saliency::FirstPixel::Zero;
    let found = sample("clicks.csv", Format::Points(options));
    assert_eq!(outline(&found), [("0001.png", "ann", 2), ("0001.png", "bob", 1), ("0002.png", "ann", 1)]);
    assert_eq!(found[0].marks, [point(10.5, 12.5), point(11.5, 12.5)]);

    let mut options = PointOptions { duration: Some("duration".into()), ..PointOptions::default() };
    columns(&mut options.table, "image", "subject");
    let found = sample("fixations.csv", Format::Points(options));
    assert_eq!(outline(&found), [("0001.png", "s1", 2), ("0001.png", "s2", 1), ("0002.png", "s1", 1)]);
    assert_eq!(found[0].marks[0], Mark::Point { x: 10.5, y: 12.25, duration_s: Some(0.246) });
    assert_eq!(found[2].marks, [point(3.0, 2.5)], "no duration");

    let mut options = PointOptions {
        x: "fx".into(),
        y: "fy".into(),
        duration: Some("seconds".into()),
        seconds_per_unit: 1.0,
        ..PointOptions::default()
    };
    columns(&mut options.table, "picture", "person");
    options.table.delimiter = b';';
    options.table.unit = Unit::Fractions;
    let found = sample("gaze-fractions.csv", Format::Points(options));
    assert_eq!(outline(&found), [("0001.png", "s1", 2)]);
    assert_eq!(found[0].frame_px, Some(FRACTIONS));
    assert_eq!(found[0].marks[0], Mark::Point { x: 0.25, y: 0.4, duration_s: Some(0.2) });
}

#[test]
fn click_lists() {
    let mut options = ClickListOptions::default();
    columns(&mut options.table, "image_path", "user_id");
    let found = sample("clickme.csv", Format::ClickLists(options));
    assert_eq!(
        outline(&found),
        [("cats/0001.png", "7", 3), ("cats/0001.png", "8", 2), ("cats/0002.png", "7", 0)]
    );
    assert_eq!(found[0].marks, [point(10.5, 12.5), point(11.5, 12.5), point(30.5, 29.5)]);
    let mut options = ClickListOptions { row_first: true, ..ClickListOptions::default() };
    options.table.first_pixel = cyborg_saliency::FirstPixel::Edge;
    assert_eq!(sample("clickme.csv", Format::ClickLists(options))[0].marks[2], point(29.0, 30.0));
}

#[test]
fn eyetagger() {
    let csv = EyeTaggerOptions {
        image: "image_id".into(),
        annotator: "annotator_id".into(),
        ..EyeTaggerOptions::default()
    };
    for (name, options) in [("eyetagger.json", EyeTaggerOptions::default()), ("eyetagger.csv", csv)] {
        let found = sample(name, Format::EyeTagger(options));
        assert_eq!(outline(&found), [("0001", "4", 1), ("0001", "5", 1), ("0002", "5", 0)], "{name}");
        assert_eq!(area(&found[0], (40, 30)), 75.0, "5 rows of 15 half-transparent pixels");
        assert_eq!(
            found[1].marks,
            [Mark::Stroke { points: vec![(5.0, 5.0), (20.0, 20.0)], width_px: Some(4.0) }]
        );
        assert_eq!(found[1].frame_px, Some((40, 30)));
    }
}

#[test]
fn matlab() {
    let found = sample("gaze.mat", Format::Matlab(MatlabOptions::default()));
    assert_eq!(outline(&found), [("0001.png", "0", 2), ("0001.png", "1", 1)]);
    assert_eq!(
        found[0].marks,
        [
            Mark::Point { x: 10.5, y: 12.25, duration_s: Some(0.246) },
            Mark::Point { x: 20.0, y: 15.0, duration_s: Some(0.136) }
        ]
    );
}

/// Settings as a recipe writes them, checked.
fn format(json: serde_json::Value) -> (String, Format) {
    let settings: SourceSettings = serde_json::from_value(json).expect("settings");
    let source = settings.checked().expect("good settings");
    (source.files.as_str().to_owned(), source.format)
}

fn sample_of(json: serde_json::Value) -> Vec<Annotation> {
    let (pattern, format) = format(json);
    sample(&pattern, format)
}

/// Places that are marked on a map of that size, pixel by pixel along the rows.
fn marked(annotation: &Annotation, frame_px: (u32, u32)) -> Vec<usize> {
    let placed = annotation.clone().on_frame(frame_px).expect("one shape");
    let placement = Placement::new(placed.frame_px.expect("it has one now"));
    let map = draw(&placed, &placement, &DrawOptions::default()).expect("drawn").map;
    (0..map.values.len()).filter(|&at| map.values[at] == 1.0).collect()
}

#[test]
fn run_lengths_of_kaggle() {
    let absolute = json!({"run-lengths": {"files": "run-lengths.csv", "height": "Height", "width": "Width"}});
    let found = sample_of(absolute);
    assert_eq!(outline(&found), [("0001.png", "-", 1), ("0002.png", "-", 0)]);
    // Pixels 5, 6, 9 and 10 from 0 down columns of 4 rows: rows 1 and 2 of columns 1 and 2 of 6.
    assert_eq!(marked(&found[0], (6, 4)), [7, 8, 13, 14]);
    let check = |row: &str, settings: serde_json::Value, expected: &[usize]| {
        let (_, format) = format(json!({"run-lengths": settings}));
        let (good, bad) =
            crate::support::read_text("r.csv", &format!("ImageId,EncodedPixels\na,{row}\n"), format);
        assert!(bad.is_empty(), "{row}: {bad:?}");
        assert_eq!(marked(&good[0], (6, 4)), expected, "{row}");
    };
    // The same by distances: 5 zeros, 2 ones, 2 zeros, 2 ones.
    check("5 2 2 2", json!({"files": "r.csv", "start": "relative", "size_px": [6, 4]}), &[7, 8, 13, 14]);
    // Along the rows of 6: pixels 8 and 9 counted from 1.
    check("8 2", json!({"files": "r.csv", "row_first": true, "size_px": [6, 4]}), &[7, 8]);
    let fault = |row: &str| {
        let (_, format) = format(json!({"run-lengths": {"files": "r.csv", "size_px": [6, 4]}}));
        let (good, bad) =
            crate::support::read_text("r.csv", &format!("ImageId,EncodedPixels\na,{row}\n"), format);
        assert_eq!((good[0].n_lost, bad.len()), (1, 1));
        bad[0].clone()
    };
    assert!(fault("5 2 2 2").contains("line 2: run 2 starts at pixel 1 before the one before it ends"));
    assert!(fault("20 9").contains("run 1 ends at pixel 28, but the mask has 24"));
    assert!(fault("1 2 3").contains("3 numbers"));
    let settings: SourceSettings =
        serde_json::from_value(json!({"run-lengths": {"files": "r.csv"}})).expect("read");
    assert!(settings.checked().expect_err("no size").contains("size_px"));
}

#[test]
fn yolo() {
    let found = sample_of(json!({"yolo": {"files": "yolo/{image}.txt"}}));
    assert_eq!(outline(&found), [("0001", "-", 2), ("0002", "-", 0)]);
    assert_eq!(found[0].frame_px, Some(FRACTIONS));
    assert_eq!(found[0].marks[0], Mark::Rectangle { left: 0.375, top: 0.25, right: 0.625, bottom: 0.75 });
    let only = sample_of(json!({"yolo": {"files": "yolo/{image}.txt", "classes": [1]}}));
    assert_eq!(only[0].marks.len(), 1);
    let (_, format) = format(json!({"yolo": {"files": "{image}.txt", "classes": [0, 7]}}));
    let text = "0 0.5 0.5 0.2 0.2\n0 320 240 64 48\n0 0.5 0.5 0.2\n0 0.5 0.5 0.2 0.2 0.93\n";
    let folder = tempfile::tempdir().expect("a folder");
    fs_err::write(folder.path().join("a.txt"), text).expect("written");
    let (good, bad) = read(folder.path(), "{image}.txt", format);
    let bad: Vec<String> = bad.iter().map(ToString::to_string).collect();
    assert_eq!((good[0].marks.len(), good[0].n_lost, bad.len()), (1, 3, 4), "{bad:?}");
    assert!(bad[0].contains("line 2: a number is 320: YOLO's are fractions"), "{bad:?}");
    assert!(bad[2].contains("line 4: it has 5 numbers after the class"), "{bad:?}");
    assert!(bad[3].contains("the class `7`"), "{bad:?}");
}

#[test]
fn via() {
    let found = sample_of(json!({"via": {"files": "via.json", "annotator": "annotator"}}));
    assert_eq!(outline(&found), [("0001.png", "ann", 4), ("0002.png", "ann", 0)]);
    assert_eq!(found[0].marks[0], Mark::Rectangle { left: 10.0, top: 5.0, right: 30.0, bottom: 15.0 });
    // A quarter turn makes the ellipse 3 wide and 6 high about (30, 20).
    let Mark::Polygon { rings, .. } = &found[0].marks[2] else { panic!("an ellipse") };
    for &(x, y) in &rings[0] {
        assert!((((x - 30.0) / 3.0).powi(2) + ((y - 20.0) / 6.0).powi(2) - 1.0).abs() < 1e-9);
    }
    let eyes = sample_of(json!({"via": {"files": "via.json", "label": "type", "labels": ["eye"]}}));
    assert_eq!(outline(&eyes), [("0001.png", "-", 1), ("0002.png", "-", 0)]);
    let (_, format) = format(json!({"via": {"files": "v.json", "annotator": "who"}}));
    let text = r#"{"a": {"filename": "a.png", "file_attributes": {"name": "x"}, "regions": [
        {"shape_attributes": {"name": "star"}}, {"shape_attributes": {"name": "rect", "x": 1}}]}}"#;
    let (good, bad) = crate::support::read_text("v.json", text, format);
    assert_eq!((good[0].marks.len(), good[0].n_lost), (0, 2));
    assert!(bad[0].contains("`a`, regions[0]: a shape `star`"), "{bad:?}");
    assert!(
        bad[1].contains("regions[1]: it has no `y`") && bad[2].contains("file attribute `who`"),
        "{bad:?}"
    );
}

#[test]
fn cvat() {
    let found = sample_of(json!({"cvat": {"files": "cvat.xml", "annotator": "who"}}));
    assert_eq!(outline(&found), [("set/0001.png", "ann", 6), ("set/0002.png", "-", 0)]);
    assert_eq!(found[0].frame_px, Some((40, 30)));
    // 10 x 2 about (15, 16), turned by a quarter: 2 x 10.
    let Mark::Polygon { rings, .. } = &found[0].marks[1] else { panic!("a turned box") };
    let (x, y) = rings[0][0];
    assert!((x - 16.0).abs() < 1e-9 && (y - 11.0).abs() < 1e-9, "{x}, {y}");
    assert_eq!(found[0].marks[3..5], [point(3.0, 4.0), point(5.0, 6.0)]);
    // No zero, two ones, two zeros, two ones along the rows of 3 from (2, 1): (2, 1), (3, 1), (3, 2), (4, 2) on 40 columns.
    let mask = Annotation { marks: vec![found[0].marks[5].clone()], ..found[0].clone() };
    assert_eq!(marked(&mask, (40, 30)), [42, 43, 83, 84]);
    let (_, format) = format(json!({"cvat": {"files": "c.xml", "labels": ["eye", "ear"]}}));
    let text = "<annotations><image name='a.png'>\n<box label='eye' xtl='1' ytl='1' xbr='x' ybr='2'/>\n\
        <polygon label='eye' points='1,1;2,2'/></image></annotations>";
    let (good, bad) = crate::support::read_text("c.xml", text, format);
    assert_eq!(good[0].n_lost, 2);
    assert!(bad[0].contains("`<box>` in line 2") || bad[0].contains("<box> in line 2"), "{bad:?}");
    assert!(bad[1].contains("it has 2 points") && bad[2].contains("the label `ear`"), "{bad:?}");
}

#[test]
fn label_studio() {
    let found = sample_of(json!({"label-studio": {"files": "label-studio.json"}}));
    assert_eq!(
        outline(&found),
        [("0001.png", "3", 3), ("0001.png", "bob@example.org", 0), ("set/0002.png", "3", 1)]
    );
    assert_eq!((found[0].frame_px, found[0].duration_s), (Some((40, 30)), Some(12.5)));
    assert_eq!(found[0].marks[0], Mark::Rectangle { left: 10.0, top: 3.0, right: 30.0, bottom: 9.0 });
    // 4 x 6 at (20, 15), turned clockwise by a quarter about that corner: the right upper corner goes to (20, 19).
    let Mark::Polygon { rings, .. } = &found[0].marks[1] else { panic!("a turned box") };
    let (x, y) = rings[0][1];
    assert!((x - 20.0).abs() < 1e-9 && (y - 19.0).abs() < 1e-9, "{x}, {y}");
    assert_eq!(found[0].marks[2], point(4.0, 6.0));
    // The brush: pixels 1, 2 and 4 of 4 x 2.
    assert_eq!(marked(&found[2], (4, 2)), [1, 2, 4]);
    let eyes = sample_of(json!({"label-studio": {"files": "label-studio.json", "labels": ["nose"]}}));
    assert_eq!(eyes[0].marks.len(), 1);
    let (_, format) = format(json!({"label-studio": {"files": "l.json"}}));
    let text = r#"[{"id": 5, "data": {"picture": "a.png"}}, {"id": 6, "data": {"image": "a.png"}, "annotations": [
        {"result": [{"type": "brush", "original_width": 2, "original_height": 2, "value": {"rle": [0, 0, 0, 9]}}]}]}]"#;
    let (good, bad) = crate::support::read_text("l.json", text, format);
    assert_eq!((good.len(), good[0].n_lost), (1, 1));
    assert!(bad[0].contains("[0] (id 5)") && bad[0].contains("it has picture"), "{bad:?}");
    assert!(bad[1].contains("result[0]") && bad[1].contains("9 numbers"), "{bad:?}");
}

#[test]
fn tables_are_filtered_and_names_composed() {
    let text = "rad_id,split,id,class,l,t,r,b\nR1,train,7,Cardiomegaly,1,1,3,3\nR1,train,7,No finding,,,,\n\
        R2,test,8,Effusion,1,1,3,3\n";
    let read_as = |settings: serde_json::Value| {
        let (_, format) = format(json!({"boxes": settings}));
        crate::support::read_text("b.csv", text, format)
    };
    let columns = json!({"image": "{split}/x{id}.png", "annotator": "rad_id", "left": "l", "top": "t", "right": "r", "bottom": "b"});
    let (good, bad) =
        read_as(json!({"files": "b.csv", "columns": columns, "where": {"class": "Cardiomegaly"}}));
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(outline(&good), [("train/x7.png", "R1", 1)]);
    let several = json!({"class": ["Cardiomegaly", "Effusion", "Nodule"]});
    let (good, bad) =
        read_as(json!({"files": "b.csv", "columns": columns, "where": several, "shape": "ellipse"}));
    assert_eq!(outline(&good), [("train/x7.png", "R1", 1), ("test/x8.png", "R2", 1)]);
    assert!(bad.len() == 1 && bad[0].contains("the value `Nodule` in the column `class`"), "{bad:?}");
    assert!(bad[0].contains("`No finding`"), "{bad:?}");
    // pi for radii of 1; 128 corners: 64 sin(2 pi / 128) = 3.14033.
    let Mark::Polygon { rings, .. } = &good[0].marks[0] else { panic!("an ellipse") };
    let area: f64 = (0..128)
        .map(|at| {
            let ((x0, y0), (x1, y1)) = (rings[0][at], rings[0][(at + 1) % 128]);
            (x0 * y1 - x1 * y0) / 2.0
        })
        .sum();
    assert!((area - 3.140_33).abs() < 1e-5, "{area}");
}

#[test]
fn tables_without_a_header_and_with_starts_and_ends() {
    let columns = json!({"image": "1", "x": "2", "y": "3", "start": "4", "end": "5"});
    let settings = json!({"files": "g.csv", "columns": columns, "headerless": true, "delimiter": "space", "duration_unit": "s"});
    let (_, format) = format(json!({"points": settings}));
    let (good, bad) = crate::support::read_text("g.csv", "a.png 3 4 1.5 1.75\na.png 5 6 2 1\n", format);
    assert_eq!(good[0].marks, [Mark::Point { x: 3.0, y: 4.0, duration_s: Some(0.25) }]);
    assert!(bad.len() == 1 && bad[0].contains("line 2: a duration is -1"), "{bad:?}");
}

#[test]
fn salicon() {
    let found = sample_of(json!({"salicon": {"files": "salicon.json"}}));
    assert_eq!(outline(&found), [("0001.png", "3", 3), ("0001.png", "4", 0)]);
    // Row and column from 1: the first pixel's middle, then row 20 and column 11.
    assert_eq!(found[0].marks, [point(0.5, 0.5), point(10.5, 19.5), point(5.5, 4.5)]);
    let (_, format) = format(json!({"salicon": {"files": "s.json"}}));
    let text = r#"{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [
        {"image_id": 1, "worker_id": 1, "fixations": [[1, 2, 3]]}, {"image_id": 2, "fixations": []}, {"image_id": 1}]}"#;
    let (good, bad) = crate::support::read_text("s.json", text, format);
    assert_eq!(good.iter().map(|a| (a.marks.len(), a.n_lost)).collect::<Vec<_>>(), [(0, 1), (0, 1)]);
    assert!(bad[0].contains("annotations[0]: a point of `fixations` has 3 numbers"), "{bad:?}");
    assert!(
        bad[1].contains("`image_id` is 2") && bad[2].contains("annotations[2]: it has no `fixations`"),
        "{bad:?}"
    );
}

#[test]
fn supervisely() {
    let found = sample_of(json!({"supervisely": {"files": "supervisely/{image}.json"}}));
    assert_eq!(outline(&found), [("0001.png", "ann", 2), ("0001.png", "bob", 1)]);
    // A square of 9 with a hole of 3, and first to last pixel: 81 - 9 + 10 * 5.
    assert!((area(&found[0], (40, 30)) - 122.0).abs() < 0.5, "{}", area(&found[0], (40, 30)));
    // [[1, 1, 0], [0, 1, 1]] from (2, 1) on 40 columns.
    assert_eq!(marked(&found[1], (40, 30)), [42, 43, 83, 84]);
    let (_, format) = format(json!({"supervisely": {"files": "{image}.json", "classes": ["ear"]}}));
    let (_, bad) = read(&samples(), "supervisely/{image}.json", format);
    assert!(bad.len() == 1 && bad[0].to_string().contains("the class `ear`"), "{bad:?}");
}
