//! Drawing against SciPy's Gaussian filter, and PIL's drawing and resizing.

use cyborg_saliency::{
    Affine, DrawOptions, Edge, Fill, Gaussian, Length, Mark, Normalisation, Placement, PointStyle,
    PointWeights, SaliencyMap, Side, Threshold, View, draw, gaussian_blur, normalise, resample, threshold,
};

use crate::support::{annotation, golden_lines, largest_difference, noise, number, numbers, point};

/// Measured: 3.0e-8, which is the rounding of results below 1 to 32 bits (2^-25).
const GAUSSIAN_TOLERANCE: f64 = 3.1e-8;

fn edge(name: &str) -> Edge {
    match name {
        "reflect" => Edge::Reflect,
        "constant" => Edge::Constant,
        "nearest" => Edge::Nearest,
        "mirror" => Edge::Mirror,
        "wrap" => Edge::Wrap,
        other => panic!("{other}"),
    }
}

#[test]
fn the_gaussian_equals_scipy_s() {
    let mut largest = 0.0f64;
    for words in golden_lines("gaussian.txt") {
        let (width, height) = (number(&words[1]), number(&words[2]));
        let gaussian = Gaussian {
            sigma_x_px: number(&words[3]),
            sigma_y_px: number(&words[4]),
            truncate: number(&words[5]),
        };
        let blurred =
            gaussian_blur(&noise(width, height), &gaussian, edge(&words[0])).expect("good settings");
        let difference = largest_difference(&blurred.values, &numbers(&words[6..]));
        assert!(difference <= GAUSSIAN_TOLERANCE, "{:?}: {difference}", &words[..6]);
        largest = largest.max(difference);
    }
    assert!(largest > 0.0, "nothing was compared");
}

/// A density is the Gaussian filter of an image of impulses.
#[test]
fn points_are_impulses_filtered() {
    let points = [(3.2, 4.9, 1.0), (3.9, 4.1, 2.0), (10.0, 0.0, 0.5)]; // the first two share a pixel
    let marks = points.map(|(x, y, seconds)| Mark::Point { x, y, duration_s: Some(seconds) });
    for weights in [PointWeights::Equal, PointWeights::Duration] {
        let mut impulses = SaliencyMap::filled(17, 11, 0.0);
        for (x, y, seconds) in points {
            impulses.values[y as usize * 17 + x as usize] +=
                if weights == PointWeights::Equal { 1.0 } else { seconds as f32 };
        }
        for edge in [Edge::Constant, Edge::Reflect] {
            let style = PointStyle::Density { sigma: Length::FramePx(1.7), truncate: 4.0, edge };
            let options = DrawOptions { points: style, weights, brush_px: None, stretch: false };
            let drawn =
                draw(&annotation(marks.to_vec()), &Placement::new((17, 11)), &options).expect("drawn");
            assert_eq!(drawn.outside.n_outside, 0);
            assert_eq!(drawn.map, gaussian_blur(&impulses, &Gaussian::new(1.7), edge).expect("blurred"));
        }
    }
}

#[test]
fn points_outside_are_counted_and_not_drawn() {
    let marks = vec![point(-0.001, 5.0), point(17.0, 5.0), point(5.0, 11.0), point(16.999, 10.999)];
    let drawn = draw(&annotation(marks), &Placement::new((17, 11)), &DrawOptions::default()).expect("drawn");
    assert_eq!(drawn.outside.n_outside, 3);
    let inside =
        draw(&annotation(vec![point(16.5, 10.5)]), &Placement::new((17, 11)), &DrawOptions::default());
    assert_eq!(drawn.map, inside.expect("drawn").map);
}

#[test]
fn sigma_is_scaled_with_the_picture() {
    // Drawn on 34x11 and looked at as 17x22: half as wide, twice as high.
    let style = |sigma| PointStyle::Density { sigma, truncate: 4.0, edge: Edge::Reflect };
    let options = |sigma| DrawOptions { points: style(sigma), ..DrawOptions::default() };
    let placement = Placement::new((34, 11)).resized((17, 22));
    let expected = draw(&annotation(vec![point(10.5, 5.1)]), &placement, &options(Length::FramePx(2.0)))
        .expect("drawn")
        .map;
    // The point is at (5.25, 10.2) and sigma 1 and 4: pixel (5, 10) gets the shares of a normal distribution between -0.25
    // and 0.75 sigma and between -0.05 and 0.2 sigma (0.3720790, 0.0991985; Python's statistics.NormalDist), over those
    // within 4 sigma (0.9999367 each). On the columns the other border is 11.8 / 4 = 2.95 sigma away: what comes back from it
    // is 23.6 px away and so beyond 4 sigma.
    let share = 0.372_079_0 * 0.099_198_5 / 0.999_936_7f64.powi(2);
    assert!((f64::from(expected.at(5, 10)) - share).abs() < 1e-6, "{} and {share}", expected.at(5, 10));
    // 2 px of a frame of 34x11 in other words. On a screen of 340 px over 34 cm, 57.29... cm away, a degree is
    // 2 * 57.29... * tan(0.5 degrees) = 1 cm = 10 px; shown at 5 screen px a frame px, that is 2 frame px.
    let view = View {
        distance_cm: 0.5 / 0.5f64.to_radians().tan(),
        screen_width_cm: 34.0,
        screen_width_px: 340.0,
        magnification: 5.0,
    };
    assert!((view.frame_px_per_degree() - 2.0).abs() < 1e-12);
    for sigma in [
        Length::Fraction { of: Side::Width, fraction: 2.0 / 34.0 },
        Length::Fraction { of: Side::Longer, fraction: 2.0 / 34.0 },
        Length::Fraction { of: Side::Height, fraction: 2.0 / 11.0 },
        Length::Fraction { of: Side::Shorter, fraction: 2.0 / 11.0 },
        Length::Degrees { degrees: 1.0, view },
    ] {
        let drawn = draw(&annotation(vec![point(10.5, 5.1)]), &placement, &options(sigma)).expect("drawn");
        let difference = largest_difference(
            &drawn.map.values,
            &expected.values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(),
        );
        assert!(difference < 1e-7, "{sigma:?}: {difference}");
    }
}

/// PIL draws the same shape 256 times as large; the mean over 256x256 is the coverage. Measured: at most 0.0114. What is expected:
/// PIL colours every large pixel that an edge touches, up to 1/512 of a pixel too much on each side, and our 16 lines a pixel
/// are off by up to 1/32 where an edge is level.
const COVERAGE_TOLERANCE: f64 = 0.0115;

#[test]
fn shapes_cover_what_pil_draws() {
    let ring = |points: &[(f64, f64)]| points.to_vec();
    let mut n_shapes = 0;
    for words in golden_lines("coverage.txt") {
        let mark = match (words[0].as_str(), words[1].as_str()) {
            ("polygon", "triangle") => vec![ring(&[(3.3, 2.1), (20.7, 5.4), (8.2, 14.6)])],
            ("polygon", "star") => {
                vec![ring(&[(12.0, 1.0), (16.0, 15.0), (2.0, 6.0), (22.0, 6.0), (8.0, 15.0)])]
            }
            ("polygon", "ring") => vec![
                ring(&[(2.0, 2.0), (21.5, 2.0), (21.5, 13.5), (2.0, 13.5)]),
                ring(&[(6.25, 5.5), (17.0, 4.5), (15.0, 11.75)]),
            ],
            ("polygon", _) => Vec::new(),
            ("stroke", "dot") => vec![vec![(10.3, 7.7)], vec![(7.0, 0.0)]],
            ("stroke", "line") => vec![vec![(4.2, 5.1), (19.4, 10.3)], vec![(4.5, 0.0)]],
            ("stroke", "bend") => {
                vec![vec![(3.0, 12.0), (10.0, 3.0), (14.0, 12.5), (21.0, 4.0)], vec![(3.0, 0.0)]]
            }
            _ => vec![vec![(-2.0, 4.0), (30.0, 9.0)], vec![(5.0, 0.0)]],
        };
        let mark = if words[1] == "rectangle" {
            Mark::Rectangle { left: 4.25, top: 3.5, right: 15.75, bottom: 9.125 }
        } else if words[0] == "stroke" {
            Mark::Stroke { points: mark[0].clone(), width_px: Some(mark[1][0].0) }
        } else {
            Mark::Polygon { rings: mark, fill: Fill::EvenOdd }
        };
        let drawn = draw(&annotation(vec![mark]), &Placement::new((24, 16)), &DrawOptions::default());
        let difference = largest_difference(&drawn.expect("drawn").map.values, &numbers(&words[2..]));
        assert!(difference <= COVERAGE_TOLERANCE, "{} {}: {difference}", words[0], words[1]);
        n_shapes += 1;
    }
    assert_eq!(n_shapes, 8);
}

#[test]
fn coverage_is_exact_where_it_can_be() {
    let cover = |mark: Mark| {
        draw(&annotation(vec![mark]), &Placement::new((4, 3)), &DrawOptions::default()).expect("drawn").map
    };
    // 0.75 of column 0, all of columns 1 and 2, 0.5 of column 3; 0.5 of row 0, all of row 1.
    let map = cover(Mark::Rectangle { left: 0.25, top: 0.5, right: 3.5, bottom: 2.0 });
    assert_eq!(map.values, [0.375, 0.5, 0.5, 0.25, 0.75, 1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0]);
    // A mark over the whole frame covers it, however far it reaches.
    let map = cover(Mark::Rectangle { left: -1e7, top: -1e7, right: 1e7, bottom: 1e7 });
    assert_eq!(map.values, [1.0; 12]);
    let map = cover(Mark::Stroke { points: vec![(-5.0, 1.5), (9.0, 1.5)], width_px: Some(1.0) });
    assert_eq!(map.values, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    // Outside is nothing.
    let map = cover(Mark::Rectangle { left: -5.0, top: -5.0, right: -0.1, bottom: 9.0 });
    assert_eq!(map.values, [0.0; 12]);
}

/// Drawing through a placement is drawing where it puts the marks.
#[test]
fn marks_are_drawn_where_they_are_placed() {
    let points = [(4.0, 3.0), (20.0, 5.0), (9.0, 13.0)];
    let map = |marks: Vec<Mark>, placement: &Placement| {
        draw(&annotation(marks), placement, &DrawOptions::default()).expect("drawn").map
    };
    let here = Placement::new((24, 16));
    let turned = Affine::shift(-12.0, -8.0).then(Affine::similarity(0.6, 0.8, (11.0, 9.0)));
    let placement = here.aligned(turned, (24, 16));
    let placed: Vec<(f64, f64)> = points.iter().map(|&point| placement.map(point)).collect();
    let ring = |ring: &[(f64, f64)]| vec![Mark::Polygon { rings: vec![ring.to_vec()], fill: Fill::EvenOdd }];
    let stroke =
        |points: &[(f64, f64)], width| vec![Mark::Stroke { points: points.to_vec(), width_px: Some(width) }];
    for (found, expected) in [
        (map(ring(&points), &placement), map(ring(&placed), &here)),
        (map(stroke(&points, 5.0), &placement), map(stroke(&placed, 4.0), &here)), // 0.8 times as wide
        (map(stroke(&points[..1], 5.0), &placement), map(stroke(&placed[..1], 4.0), &here)),
    ] {
        let expected: Vec<f64> = expected.values.iter().map(|&value| f64::from(value)).collect();
        assert!(expected.iter().sum::<f64>() > 5.0);
        assert!(largest_difference(&found.values, &expected) < 1e-6);
    }
    // A round brush on a picture that is stretched is an ellipse: half axes 6 and 1.5, area 9 pi.
    let stretched = Placement::new((12, 32)).resized((24, 16));
    let dot = map(stroke(&[(6.0, 16.0)], 6.0), &stretched);
    let area: f32 = dot.values.iter().sum();
    assert!((area - 9.0 * std::f32::consts::PI).abs() < 0.05, "{area}");
    assert_eq!(
        (dot.at(6, 8) > 0.5, dot.at(5, 8), dot.at(12, 9) > 0.0, dot.at(12, 10)),
        (true, 0.0, true, 0.0)
    );
}

/// A loop drawn twice has no hole by the non-zero rule, and nothing but holes by even-odd.
#[test]
fn fill_rules_differ_where_they_should() {
    let square = vec![(1.0, 1.0), (3.0, 1.0), (3.0, 2.0), (1.0, 2.0)];
    let reversed: Vec<_> = square.iter().rev().copied().collect();
    let sum = |rings: Vec<Vec<(f64, f64)>>, fill| {
        let mark = Mark::Polygon { rings, fill };
        let drawn = draw(&annotation(vec![mark]), &Placement::new((4, 3)), &DrawOptions::default());
        drawn.expect("drawn").map.values.iter().sum::<f32>()
    };
    assert_eq!(sum(vec![square.clone(), square.clone()], Fill::NonZero), 2.0);
    assert_eq!(sum(vec![square.clone(), square.clone()], Fill::EvenOdd), 0.0);
    assert_eq!(sum(vec![square.clone(), reversed], Fill::NonZero), 0.0);
    // Two polygons are a union whatever the rule.
    let two = vec![
        Mark::Polygon { rings: vec![square.clone()], fill: Fill::EvenOdd },
        Mark::Polygon { rings: vec![square], fill: Fill::EvenOdd },
    ];
    let drawn = draw(&annotation(two), &Placement::new((4, 3)), &DrawOptions::default()).expect("drawn");
    assert_eq!(drawn.map.values.iter().sum::<f32>(), 2.0);
}

/// PIL computes float images with 64-bit weights and sums; measured: 6.0e-8, the rounding to 32 bits between the axes.
#[test]
fn maps_are_resized_as_pil_does() {
    let mut n_maps = 0;
    for words in golden_lines("resample.txt") {
        let [width, height, new_width, new_height] = [0, 1, 2, 3].map(|at| number::<usize>(&words[at]));
        let [left, top, right, bottom] = [4, 5, 6, 7].map(|at| number::<f64>(&words[at]));
        let affine = Affine::shift(-left, -top)
            .then(Affine::scale(new_width as f64 / (right - left), new_height as f64 / (bottom - top)));
        let map = resample(&noise(width, height), &affine, new_width, new_height).expect("placed");
        let difference = largest_difference(&map.values, &numbers(&words[8..]));
        assert!(difference <= 6.1e-8, "{:?}: {difference}", &words[..8]);
        n_maps += 1;
    }
    assert_eq!(n_maps, 16);
}

#[test]
fn maps_turn_by_any_angle() {
    let map = noise(20, 20);
    let centred = |radians| Affine::shift(-10.0, -10.0).then(Affine::similarity(radians, 1.0, (10.0, 10.0)));
    // A quarter turn by the general way is the one along the axes.
    let quarter = Affine { a: 0.0, b: 1.0, c: -1.0, d: 0.0, e: 20.0, f: 0.0 };
    let exact = resample(&map, &quarter, 20, 20).expect("placed");
    assert_eq!(exact.at(19, 0), map.at(0, 0), "the top left corner goes to the top right");
    assert_eq!(exact.at(0, 0), map.at(0, 19));
    let general = resample(&map, &centred(std::f64::consts::FRAC_PI_2 + 1e-9), 20, 20).expect("placed");
    let expected: Vec<f64> = exact.values.iter().map(|&value| f64::from(value)).collect();
    assert!(largest_difference(&general.values, &expected) < 1e-6);
    // A disc turns into itself but for its steps.
    let mut disc = SaliencyMap::filled(20, 20, 0.0);
    for (at, value) in disc.values.iter_mut().enumerate() {
        let (x, y) = ((at % 20) as f32 - 9.5, (at / 20) as f32 - 9.5);
        *value = (8.0 - x.hypot(y)).clamp(0.0, 1.0);
    }
    let turned = resample(&disc, &centred(0.7), 20, 20).expect("placed");
    let before: f32 = disc.values.iter().sum();
    let after: f32 = turned.values.iter().sum();
    assert!((before - after).abs() < 0.005 * before, "{before} became {after}");
    assert!(resample(&map, &Affine::scale(1.0, 0.0), 20, 20).is_none(), "squashed to a line");
}

#[test]
fn kinds_of_marks_join_by_their_maxima() {
    let map = SaliencyMap { width_px: 4, height_px: 3, values: (0..12u8).map(f32::from).collect() };
    let area = Mark::Rectangle { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };
    let one =
        draw(&annotation(vec![Mark::Map(map.clone())]), &Placement::new((4, 3)), &DrawOptions::default());
    assert_eq!(one.expect("drawn").map, map, "alone it stays as it is");
    let two = annotation(vec![Mark::Map(map.clone()), area]);
    let two = draw(&two, &Placement::new((4, 3)), &DrawOptions::default()).expect("drawn").map;
    assert_eq!(two.at(0, 0), 1.0);
    assert_eq!(two.at(3, 2), 1.0);
    assert_eq!(two.at(1, 1), 5.0 / 11.0);
    let none =
        draw(&annotation(Vec::new()), &Placement::new((4, 3)), &DrawOptions::default()).expect("drawn");
    assert_eq!(none.map, SaliencyMap::filled(4, 3, 0.0));
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let say = |mark: Mark, options: &DrawOptions| {
        draw(&annotation(vec![mark]), &Placement::new((4, 3)), options).expect_err("refused").to_string()
    };
    let plain = DrawOptions::default();
    assert_eq!(
        say(Mark::Stroke { points: vec![(1.0, 1.0)], width_px: None }, &plain),
        "cannot draw annotation test of image `0001.png`: a stroke has no width: state the brush's diameter in the \
         settings"
    );
    let timed = DrawOptions { weights: PointWeights::Duration, ..plain };
    assert_eq!(
        say(point(1.0, 1.0), &timed),
        "cannot draw annotation test of image `0001.png`: a point has no duration, which is to be its weight: name the \
         column, or weigh points equally"
    );
    assert!(
        say(Mark::Map(SaliencyMap::filled(3, 4, 1.0)), &plain)
            .contains("saliency map is 3x4, but its image is 4x3")
    );
    let other = cyborg_saliency::Annotation { frame_px: Some((8, 6)), ..annotation(vec![point(1.0, 1.0)]) };
    let error = draw(&other, &Placement::new((4, 3)), &plain).expect_err("refused").to_string();
    assert!(error.ends_with("it was made on a frame of 8x6, but is placed as if on 4x3"), "{error}");
    let flat = Placement::new((4, 3)).aligned(Affine::scale(1.0, 0.0), (4, 3));
    let error = draw(&annotation(vec![point(1.0, 1.0)]), &flat, &plain).expect_err("refused").to_string();
    assert!(
        error.ends_with("its placement leaves the frame no area, or has numbers that are not finite"),
        "{error}"
    );
    let nothing = DrawOptions {
        points: PointStyle::Density { sigma: Length::FramePx(0.0), truncate: 4.0, edge: Edge::Reflect },
        ..plain
    };
    assert_eq!(
        say(point(1.0, 1.0), &nothing),
        "length is FramePx(0.0) on a frame of 4x3 px, that is 0 px: it must be above 0 and at most 100000 px"
    );
    assert!(gaussian_blur(&noise(3, 3), &Gaussian::new(f64::NAN), Edge::Reflect).is_err());
    assert!(gaussian_blur(&noise(3, 3), &Gaussian::new(-1.0), Edge::Reflect).is_err());
}

#[test]
fn normalisation_does_what_it_is_called() {
    let map = SaliencyMap { width_px: 4, height_px: 1, values: vec![1.0, 2.0, 2.0, 5.0] };
    let by = |rule| {
        let mut map = map.clone();
        assert!(normalise(&mut map, rule));
        map.values
    };
    assert_eq!(by(Normalisation::None), [1.0, 2.0, 2.0, 5.0]);
    assert_eq!(by(Normalisation::Max), [0.2, 0.4, 0.4, 1.0]);
    assert_eq!(by(Normalisation::Sum), [0.1, 0.2, 0.2, 0.5]);
    assert_eq!(by(Normalisation::MinMax), [0.0, 0.25, 0.25, 1.0]);
    for (value, rule, can) in [
        (3.0, Normalisation::Max, true),
        (3.0, Normalisation::MinMax, false),
        (0.0, Normalisation::Max, false),
        (0.0, Normalisation::Sum, false),
        (0.0, Normalisation::None, true),
    ] {
        let mut flat = SaliencyMap::filled(2, 2, value);
        assert_eq!(normalise(&mut flat, rule), can, "{value} {rule:?}");
        assert!(flat.values.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn thresholds_keep_what_they_say() {
    let map = SaliencyMap { width_px: 5, height_px: 1, values: vec![0.0, 1.0, 2.0, 2.0, 4.0] };
    let kept = |rule| threshold(&map, rule).expect("a good rule").values;
    assert_eq!(kept(Threshold::Value(2.0)), [0.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(kept(Threshold::Value(0.0)), [0.0, 1.0, 1.0, 1.0, 1.0], "zeros are never kept");
    assert_eq!(kept(Threshold::ShareOfMax(0.75)), [0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(kept(Threshold::TopShare(0.2)), [0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(kept(Threshold::TopShare(0.4)), [0.0, 0.0, 1.0, 1.0, 1.0], "the tie is kept");
    assert_eq!(kept(Threshold::TopShare(0.0)), [0.0; 5]);
    assert_eq!(kept(Threshold::TopShare(1.0)), [0.0, 1.0, 1.0, 1.0, 1.0]);
    assert!(threshold(&map, Threshold::TopShare(1.5)).is_err());
    assert!(threshold(&map, Threshold::Value(f64::NAN)).is_err());
}
