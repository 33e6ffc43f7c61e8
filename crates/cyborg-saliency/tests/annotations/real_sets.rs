//! Public sets in a folder that the environment names; without it these tests say that they are skipped.
#![allow(clippy::print_stderr, reason = "a skipped test must say so")]

use std::path::PathBuf;

use cyborg_saliency::{
    Aggregation, Aggregator, DrawOptions, Edge, Format, Length, MapOptions, Mark, MatlabOptions,
    MatlabPoints, Normalisation, Placement, PointOptions, PointStyle, draw, normalise, read_map,
};

use crate::support::read;

fn data(set: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("CYBORG_TEST_DATA") else {
        eprintln!("skipped: CYBORG_TEST_DATA names no folder with the set `{set}`");
        return None;
    };
    Some(PathBuf::from(root).join(set))
}

fn fixations() -> PointOptions {
    let mut options = PointOptions {
        x: "x_px".into(),
        y: "y_px".into(),
        duration: Some("duration_ms".into()),
        ..PointOptions::default()
    };
    options.table.columns.annotator = Some("subject".into());
    options
}

/// OSIE in MATLAB's structures is OSIE in CSV.
#[test]
fn osie_is_the_same_in_both_formats() {
    let Some(root) = data("osie") else { return };
    let (csv, bad) = read(&root, "fixations.csv", Format::Points(fixations()));
    assert!(bad.is_empty(), "{:?}", bad.first());
    let (mat, bad) = read(&root, "fixations.mat", Format::Matlab(MatlabOptions::default()));
    assert!(bad.is_empty(), "{:?}", bad.first());
    let mut n_same = 0;
    for annotation in &csv {
        let same = mat.iter().find(|a| a.image == annotation.image && a.annotator == annotation.annotator);
        let same = same.unwrap_or_else(|| panic!("{} of {:?}", annotation.image, annotation.annotator));
        assert_eq!(annotation.marks, same.marks, "{}", annotation.origin);
        n_same += 1;
    }
    assert!(n_same > 1800, "125 images of 15 people at least: {n_same}");
}

/// OSIE's fixations drawn as its maps were: all people's points together, sigma 24 px, 8 bits. How fixations were rounded to
/// pixels there is not stated; SciPy with every rounding tried differs by as much (0.053 of 1 at one pixel).
#[test]
fn osie_maps_are_the_published_ones() {
    let Some(root) = data("osie") else { return };
    let (annotations, _) = read(&root, "fixations.csv", Format::Points(fixations()));
    let style = PointStyle::Density { sigma: Length::FramePx(24.0), truncate: 4.0, edge: Edge::Reflect };
    let options = DrawOptions { points: style, ..DrawOptions::default() };
    for name in ["1001", "1011"] {
        let mut sum = Aggregator::new(Aggregation::Mean, 800, 600);
        for annotation in annotations.iter().filter(|a| a.image == format!("{name}.jpg")) {
            let drawn = draw(annotation, &Placement::new((800, 600)), &options).expect("drawn");
            sum.add(&drawn.map, 1.0);
        }
        let mut map = sum.finish().expect("people");
        assert!(normalise(&mut map, Normalisation::Max));
        let published =
            read_map(&root.join(format!("maps/{name}.png")), &MapOptions::default()).expect("read");
        let difference =
            map.values.iter().zip(&published.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        eprintln!("{name}: largest difference from the published map {difference} of 1");
        assert!(difference < 0.06, "{name}: {difference}");
    }
}

#[test]
fn massvis_clicks_are_read() {
    let Some(root) = data("massvis") else { return };
    let options = MatlabOptions {
        variable: "bubble".into(),
        image: Some("filename".into()),
        annotators: "userdata".into(),
        points: MatlabPoints::Rows("fixations.enc".into()),
        duration: None,
        ..MatlabOptions::default()
    };
    let (good, bad) = read(&root, "massvis_exp1_40x32.mat", Format::Matlab(options));
    let n_points: usize = good.iter().map(|a| a.marks.len()).sum();
    eprintln!("{} annotations, {n_points} clicks, {} faulty: {:?}", good.len(), bad.len(), bad.first());
    assert!(good.len() > 1000 && n_points > 10_000 && bad.is_empty());
    assert_eq!(good[0].image, "economist_daily_chart_124.png");
    assert_eq!(good[0].marks.len(), 31);
    assert!(matches!(good[0].marks[0], Mark::Point { x, .. } if (x - 64.59).abs() < 0.001));
}

#[test]
fn radiologists_masks_are_read() {
    let Some(root) = data("cxr") else { return };
    let (good, bad) = read(&root, "lung/{image}.png", Format::Maps(MapOptions::default()));
    assert!(bad.is_empty() && good.len() == 100, "{} masks, {:?}", good.len(), bad.first());
    for annotation in good {
        let Mark::Stored(stored) = &annotation.marks[0] else { panic!("a mask") };
        assert!(stored.load().expect("read").values.iter().all(|&value| (0.0..=1.0).contains(&value)));
    }
}
