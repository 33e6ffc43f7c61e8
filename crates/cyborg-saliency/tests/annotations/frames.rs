//! Geometry: where a mark lands after orientation, crop, alignment and resize.

use cyborg_image::{orientation, read_grey};
use cyborg_saliency::{
    Affine, Annotation, Crop, DrawOptions, FRACTIONS, Mark, Orientation, Placement, SaliencyMap, draw,
};
use proptest::prelude::*;

use crate::support::{annotation, golden, golden_lines, number, numbers, point};

/// What PIL's `exif_transpose` makes of a picture 5 wide and 3 high, whose pixels are all different.
#[test]
fn all_eight_orientations_are_pil_s() {
    let mut n = 0;
    for words in golden_lines("exif.txt") {
        let exif: u8 = number(&words[0]);
        let turn = Orientation::from_exif(exif).expect("1 to 8");
        let upright_px: (u32, u32) = (number(&words[1]), number(&words[2]));
        let expected = numbers(&words[3..]);
        let stored =
            SaliencyMap { width_px: 5, height_px: 3, values: (0..15u8).map(|v| f32::from(v * 16)).collect() };
        let upright = SaliencyMap {
            width_px: upright_px.0 as usize,
            height_px: upright_px.1 as usize,
            values: expected.iter().map(|&value| value as f32).collect(),
        };
        // A map of the stored pixels, seen upright, and back.
        let to_upright = Placement::new((5, 3)).upright(turn);
        assert_eq!(to_upright.size_px(), upright_px, "{exif}");
        let drawn = draw(&annotation(vec![Mark::Map(stored.clone())]), &to_upright, &DrawOptions::default());
        assert_eq!(drawn.expect("drawn").map, upright, "{exif}");
        let to_stored = Placement::new(upright_px).stored(turn);
        assert_eq!(to_stored.size_px(), (5, 3), "{exif}");
        let drawn = draw(&annotation(vec![Mark::Map(upright.clone())]), &to_stored, &DrawOptions::default());
        assert_eq!(drawn.expect("drawn").map, stored, "{exif}");
        // A rectangle over each upright pixel covers the stored pixel of the same value, and nothing else.
        for (at, value) in upright.values.iter().enumerate() {
            let (left, top) = ((at % upright.width_px) as f64, (at / upright.width_px) as f64);
            let mark = Mark::Rectangle { left, top, right: left + 1.0, bottom: top + 1.0 };
            let drawn = draw(&annotation(vec![mark]), &to_stored, &DrawOptions::default()).expect("drawn");
            let marked: Vec<f32> = stored.values.iter().map(|v| f32::from(u8::from(v == value))).collect();
            assert_eq!(drawn.map.values, marked, "orientation {exif}, pixel {at}");
        }
        n += 1;
    }
    assert_eq!(n, 8);
    assert_eq!(Orientation::from_exif(0), None);
    assert_eq!(Orientation::from_exif(9), None);
}

/// cyborg-image reads the tag and leaves the pixels alone: so marks go to stored pixels.
#[test]
fn image_files_state_their_orientation_and_are_not_turned() {
    for exif in 1..=8u8 {
        let path = golden(&format!("files/orientation-{exif}.jpg"));
        assert_eq!(orientation(&path).expect("read"), exif);
        let image = read_grey(&path).expect("decoded");
        assert_eq!((image.width_px, image.height_px), (5, 3), "as stored");
    }
    for ending in ["png", "tiff", "webp"] {
        for exif in [1, 6] {
            let path = golden(&format!("files/orientation-{exif}.{ending}"));
            assert_eq!(orientation(&path).expect("read"), exif, "{ending}");
        }
    }
}

#[test]
fn steps_are_taken_in_their_order() {
    // A frame of 400x300 shows an image of 800x600; crop (100, 50) 200x500; seen at 40x100.
    let crop = Crop { x: 100.0, y: 50.0, width: 200.0, height: 500.0 };
    let placement =
        Placement::on_image((400, 300), (800, 600)).expect("one shape").cropped(crop).resized((40, 100));
    assert_eq!(placement.size_px(), (40, 100));
    assert_eq!(placement.frame_size(), (400.0, 300.0));
    // (60, 50) -> (120, 100) -> (20, 50) -> (4, 10)
    assert_eq!(placement.map((60.0, 50.0)), (4.0, 10.0));
    // An alignment by its matrix: twice as large, then moved by (-10, 5).
    let affine = Affine { a: 2.0, b: 0.0, c: 0.0, d: 2.0, e: -10.0, f: 5.0 };
    let aligned = Placement::new((50, 40)).aligned(affine, (60, 60));
    assert_eq!(aligned.map((10.0, 10.0)), (10.0, 25.0));
    // Turned by 90 degrees clockwise: what pointed right points down.
    let turned = Affine::similarity(std::f64::consts::FRAC_PI_2, 2.0, (0.0, 0.0)).apply((1.0, 0.0));
    assert!((turned.0).abs() < 1e-12 && (turned.1 - 2.0).abs() < 1e-12);
    // Other shapes are refused, fractions are not.
    assert!(Placement::on_image((400, 300), (300, 400)).is_err());
    assert_eq!(
        Placement::on_image(FRACTIONS, (300, 400)).expect("any shape").map((0.5, 0.25)),
        (150.0, 100.0)
    );
}

#[test]
fn annotations_get_the_frame_that_they_lack() {
    let marks = vec![
        point(0.5, 0.25),
        Mark::Stroke { points: vec![(0.1, 0.2)], width_px: Some(0.1) },
        Mark::Polygon {
            rings: vec![vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]],
            fill: cyborg_saliency::Fill::EvenOdd,
        },
        Mark::Rectangle { left: 0.0, top: 0.5, right: 1.0, bottom: 1.0 },
    ];
    let fractions = Annotation { frame_px: Some(FRACTIONS), ..annotation(marks.clone()) };
    let placed = fractions.on_frame((200, 100)).expect("any shape");
    assert_eq!(placed.frame_px, Some((200, 100)));
    assert_eq!(
        placed.marks,
        [
            point(100.0, 25.0),
            Mark::Stroke { points: vec![(20.0, 20.0)], width_px: Some(20.0) },
            Mark::Polygon {
                rings: vec![vec![(0.0, 0.0), (200.0, 0.0), (200.0, 100.0)]],
                fill: cyborg_saliency::Fill::EvenOdd
            },
            Mark::Rectangle { left: 0.0, top: 50.0, right: 200.0, bottom: 100.0 },
        ]
    );
    let plain = annotation(marks.clone()).on_frame((200, 100)).expect("no frame stated");
    assert_eq!((plain.frame_px, &plain.marks), (Some((200, 100)), &marks));
    let stated = Annotation { frame_px: Some((400, 200)), ..annotation(marks.clone()) };
    assert_eq!(stated.on_frame((200, 100)).expect("one shape").frame_px, Some((400, 200)));
    let other = Annotation { frame_px: Some((100, 200)), ..annotation(marks) };
    let message = other.on_frame((200, 100)).expect_err("another shape").to_string();
    assert_eq!(message, "cannot place annotation test on image `0001.png`");
}

/// A shape drawn on the frame and then resized is the shape drawn at the small size, up to the two ways of antialiasing
/// (measured: 0.011 of the area on average): nothing is shifted, not by half a pixel either.
#[test]
fn drawing_small_is_drawing_large_and_shrinking() {
    let mark = Mark::Polygon {
        rings: vec![vec![(30.0, 20.0), (170.0, 50.0), (60.0, 130.0)]],
        fill: cyborg_saliency::Fill::EvenOdd,
    };
    let large = draw(&annotation(vec![mark.clone()]), &Placement::new((200, 150)), &DrawOptions::default());
    let centre = |map: &SaliencyMap| {
        let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
        for (at, &value) in map.values.iter().enumerate() {
            let value = f64::from(value);
            sum += value;
            x += value * ((at % map.width_px) as f64 + 0.5) / map.width_px as f64;
            y += value * ((at / map.width_px) as f64 + 0.5) / map.height_px as f64;
        }
        (x / sum, y / sum, sum / map.values.len() as f64)
    };
    let expected = centre(&large.expect("drawn").map);
    for size in [(20, 15), (7, 7), (33, 50)] {
        let placement = Placement::new((200, 150)).resized(size);
        let small =
            draw(&annotation(vec![mark.clone()]), &placement, &DrawOptions::default()).expect("drawn").map;
        let found = centre(&small);
        for (a, b) in [(found.0, expected.0), (found.1, expected.1), (found.2, expected.2)] {
            assert!((a - b).abs() < 0.002, "{size:?}: {found:?}, not {expected:?}");
        }
    }
}

proptest! {
    #[test]
    fn there_and_back_is_nowhere(
        exif in 1u8..=8, width in 1u32..500, height in 1u32..500,
        (x, y) in (0.0..1.0f64, 0.0..1.0f64), radians in -3.0..3.0f64, factor in 0.1..10.0f64,
    ) {
        let turn = Orientation::from_exif(exif).expect("1 to 8");
        let point = (x * f64::from(width), y * f64::from(height));
        let round = Placement::new((width, height)).upright(turn).stored(turn);
        prop_assert_eq!(round.size_px(), (width, height));
        let there = round.map(point);
        prop_assert!((there.0 - point.0).abs() < 1e-9 && (there.1 - point.1).abs() < 1e-9);
        // Inside stays inside.
        let upright = Placement::new((width, height)).upright(turn);
        let (seen_width, seen_height) = upright.size_px();
        let seen = upright.map(point);
        prop_assert!((0.0..=f64::from(seen_width)).contains(&seen.0) && (0.0..=f64::from(seen_height)).contains(&seen.1));
        let affine = Affine::similarity(radians, factor, (3.0, -4.0));
        let back = affine.inverse().expect("a similarity");
        let again = affine.then(back).apply(point);
        prop_assert!((again.0 - point.0).abs() < 1e-6 && (again.1 - point.1).abs() < 1e-6);
    }
}
