//! Every sample file, read as its format's documentation says.

use cyborg_saliency::{
    Annotation, BoxOptions, ClickListOptions, CocoMarks, CocoOptions, DrawOptions, EyeTaggerOptions,
    FRACTIONS, Fill, Format, LabelMeOptions, MapOptions, Mark, MatlabOptions, Paint, Placement, PointOptions,
    SvgOptions, Unit, VocOptions, draw,
};

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
    let found = sample("masks/{annotator}/{image}.*", Format::Map(MapOptions::default()));
    assert_eq!(outline(&found), [("0001", "ann", 1), ("0001", "bob", 1)]);
    assert_eq!(area(&found[0], (40, 30)), 240.0, "12 rows of 20 pixels at 255 of 255");
    assert_eq!(area(&found[1], (40, 30)), 120.0, "at one half");
    let found = sample("heat.npy", Format::Map(MapOptions::default()));
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
