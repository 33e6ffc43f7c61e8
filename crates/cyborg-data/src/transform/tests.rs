//! What all transforms hold to, and what each does to an image and its map.

use super::{Sample, TRANSFORMS, Transform, augment};
use cyborg_image::Raster;
use cyborg_saliency::grid_from_map;
use cyborg_seed::Seed;
use cyborg_settings::find;
use serde_json::{Value, json};
use std::sync::Arc;

const SIDE: usize = 48;

fn parsed(name: &str, fields: &Value) -> Arc<dyn Transform> {
    let choice = find(TRANSFORMS, name).expect("listed");
    choice.parse(fields.as_object().expect("an object")).expect("valid settings").into()
}

/// Every geometric transform, so that it always acts.
fn geometric() -> Vec<Arc<dyn Transform>> {
    vec![
        parsed("horizontal-flip", &json!({"probability": 1})),
        parsed("random-resized-crop", &json!({"scale": [0.5, 0.9]})),
        parsed("rotation", &json!({"degrees": 40})),
        parsed("shift-and-scale", &json!({"translate": 0.1, "scale": [0.8, 1.3]})),
    ]
}

/// Every transform that changes values, so that it always acts.
fn of_values() -> Vec<Arc<dyn Transform>> {
    vec![
        parsed("brightness-contrast-gamma", &json!({"gamma": 0.5})),
        parsed("blur", &json!({"probability": 1, "sigma": [1, 2]})),
        parsed("noise", &json!({"probability": 1, "sigma": [0.05, 0.1]})),
        parsed("jpeg-compression", &json!({"probability": 1, "quality": [20, 30]})),
        parsed("erasing", &json!({"probability": 1})),
    ]
}

/// A black image with a white square around a place, in units of its sides.
fn marked(width_px: u32, height_px: u32, channels: usize, (x, y): (f64, f64), radius: f64) -> Raster {
    let inside =
        |at: u32, size: u32, place: f64| ((f64::from(at) + 0.5) / f64::from(size) - place).abs() < radius;
    let pixel = |column, row| if inside(column, width_px, x) && inside(row, height_px, y) { 255 } else { 0 };
    let row = |row| (0..width_px).flat_map(move |column| std::iter::repeat_n(pixel(column, row), channels));
    Raster { width_px, height_px, channels, pixels: (0..height_px).flat_map(row).collect() }
}

/// Where the brightness lies on average, in units of the sides; None if there is none.
fn centre(raster: &Raster) -> Option<(f64, f64)> {
    let (mut sum, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
    let width = raster.width_px as usize;
    for (at, pixel) in raster.pixels.chunks_exact(raster.channels).enumerate() {
        let value = f64::from(pixel[0]);
        sum += value;
        x_sum += value * ((at % width) as f64 + 0.5) / width as f64;
        y_sum += value * ((at / width) as f64 + 0.5) / f64::from(raster.height_px);
    }
    (sum > 0.0).then(|| (x_sum / sum, y_sum / sum))
}

fn all_of(lists: Vec<Vec<Arc<dyn Transform>>>) -> Vec<Arc<dyn Transform>> {
    lists.into_iter().flatten().collect()
}

#[test]
fn the_map_stays_on_what_it_marks() {
    // The map has another size than the image. A mark of a tenth of the sides moves with both.
    let image = marked(120, 90, 3, (0.45, 0.55), 0.05);
    let map = marked(80, 60, 1, (0.45, 0.55), 0.05);
    let mut chains: Vec<Vec<Arc<dyn Transform>>> = geometric().into_iter().map(|one| vec![one]).collect();
    chains.push(geometric());
    for chain in chains {
        let mut n_seen = 0;
        for seed in 0..20 {
            let sample =
                augment(&chain, image.clone(), Some(&map), SIDE, &Seed::new(seed)).expect("augmented");
            let map = sample.map.expect("there is one");
            let (Some(in_image), Some(in_map)) = (centre(&sample.image), centre(&map)) else { continue };
            n_seen += 1;
            let distance = (in_image.0 - in_map.0).hypot(in_image.1 - in_map.1);
            // A pixel of the image is 1/48 wide. Bilinear sampling and rounding move a centre by a fraction of it; at the edge,
            // where a part of the mark is cut off, a little more.
            assert!(distance < 0.01, "{chain:?}, seed {seed}: {in_image:?} and {in_map:?}");
            assert_eq!((sample.image.width_px, sample.image.height_px), (SIDE as u32, SIDE as u32));
        }
        assert!(n_seen >= 15, "{chain:?}: the mark was in sight {n_seen} times");
    }
}

#[test]
fn a_flip_of_the_map_is_exact_on_any_grid() {
    let flip = [parsed("horizontal-flip", &json!({"probability": 1}))];
    let map = marked(30, 20, 1, (0.3, 0.6), 0.17);
    let image = Raster::filled(48, 48, 3, 7);
    let sample = augment(&flip, image, Some(&map), SIDE, &Seed::new(0)).expect("augmented");
    let flipped = sample.map.expect("there is one");
    for row in 0..20 {
        for column in 0..30 {
            assert_eq!(flipped.pixel(column, row), map.pixel(29 - column, row));
        }
    }
    // PIL's weights are symmetric up to the last of their 22 bits, so that a grid is mirrored up to one level in 255.
    let (before, after) = (grid_from_map(&map, 5, 7), grid_from_map(&flipped, 5, 7));
    for (before, after) in before.values.chunks(7).zip(after.values.chunks(7)) {
        assert!(before.iter().rev().zip(after).all(|(a, b)| (a - b).abs() < 0.01), "{before:?} {after:?}");
    }
}

#[test]
fn transforms_of_values_leave_the_map_and_change_the_image() {
    let image = marked(48, 48, 3, (0.4, 0.5), 0.3);
    let map = marked(16, 16, 1, (0.4, 0.5), 0.3);
    for transform in of_values() {
        let one = [transform];
        let sample = augment(&one, image.clone(), Some(&map), SIDE, &Seed::new(3)).expect("augmented");
        assert_eq!(sample.map.as_ref(), Some(&map), "{one:?}");
        assert_ne!(sample.image, image, "{one:?}");
        assert_eq!(sample.image.pixels.len(), 48 * 48 * 3);
    }
}

#[test]
fn erasing_covers_the_area_it_says_and_the_map_if_asked() {
    let fields = json!({"probability": 1, "scale": [0.25, 0.25], "ratio": [1, 1], "value": [9, 8, 7], "erase_map": true});
    let erasing = [parsed("erasing", &fields)];
    let (image, map) = (Raster::filled(48, 48, 3, 200), Raster::filled(16, 16, 1, 255));
    let sample = augment(&erasing, image, Some(&map), SIDE, &Seed::new(1)).expect("augmented");
    // A quarter of 48 x 48 pixels.
    assert_eq!(
        sample.image.pixels.as_chunks::<3>().0.iter().filter(|&&pixel| pixel == [9, 8, 7]).count(),
        576
    );
    // 24 of 48 pixels touch 8 of the map's 16, or 9.
    let covered: usize =
        sample.map.expect("there is one").pixels.iter().map(|&value| usize::from(value == 0)).sum();
    assert!((64..=81).contains(&covered), "{covered}");
}

#[test]
fn noise_has_the_deviation_it_says() {
    let noise = [parsed("noise", &json!({"probability": 1, "sigma": [0.04, 0.04]}))];
    let sample =
        augment(&noise, Raster::filled(48, 48, 3, 128), None, SIDE, &Seed::new(5)).expect("augmented");
    let n = sample.image.pixels.len() as f64;
    let mean = sample.image.pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = sample.image.pixels.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    // sigma = 0.04 * 255 = 10.2, and rounding adds 1/12. 6912 samples: standard errors 0.123 and 0.087; five of them.
    assert!((mean - 128.0).abs() < 0.62, "{mean}");
    assert!((variance.sqrt() - (10.2_f64.powi(2) + 1.0 / 12.0).sqrt()).abs() < 0.44, "{variance}");
}

#[test]
fn draws_depend_on_the_seed_and_the_name_alone() {
    let (image, map) = (marked(60, 60, 3, (0.5, 0.4), 0.2), marked(20, 20, 1, (0.5, 0.4), 0.2));
    let make = |transforms: &[Arc<dyn Transform>], seed: &Seed| -> Sample {
        augment(transforms, image.clone(), Some(&map), SIDE, seed).expect("augmented")
    };
    let all = all_of(vec![geometric(), of_values()]);
    let seed = Seed::new(11);
    assert_eq!(make(&all, &seed), make(&all, &seed));
    assert_ne!(make(&all, &seed), make(&all, &Seed::new(12)));
    // A transform that never acts changes no draw of the others, wherever it stands.
    let mut with_idle = all_of(vec![geometric(), of_values()]);
    with_idle.insert(0, parsed("jpeg-compression", &json!({"probability": 0})));
    assert_eq!(make(&with_idle[1..], &seed), make(&all, &seed));
    let idle_last = all_of(vec![geometric(), of_values(), vec![parsed("blur", &json!({"probability": 0}))]]);
    assert_eq!(make(&idle_last, &seed), make(&all, &seed));
    // Two of a kind do not draw the same: two flips of one half each would always undo each other.
    let two = [parsed("horizontal-flip", &json!({})), parsed("horizontal-flip", &json!({}))];
    let still = make(&[], &seed);
    let n_flipped = (0..64).filter(|&seed| make(&two, &Seed::new(seed)).map != still.map).count();
    // The mark is in the middle of the columns, so look at the map of another one.
    assert_eq!(n_flipped, 0);
    let aside = marked(20, 20, 1, (0.2, 0.4), 0.1);
    let flipped = |seed| {
        let moved = augment(&two, image.clone(), Some(&aside), SIDE, &Seed::new(seed)).expect("augmented");
        moved.map.as_ref() != Some(&aside)
    };
    // Binomial(64, 1/2): 32, standard deviation 4; five of them.
    assert!((12..=52).contains(&(0..64).filter(|&seed| flipped(seed)).count()));
}

#[test]
fn settings_out_of_range_are_refused() {
    let fault = |name: &str, fields: Value| {
        let choice = find(TRANSFORMS, name).expect("listed");
        choice.parse(fields.as_object().expect("an object")).expect_err("refused").to_string()
    };
    for (name, fields, expected) in [
        (
            "horizontal-flip",
            json!({"probability": 1.5}),
            "`probability`: expected a number from 0 to 1, found 1.5",
        ),
        ("rotation", json!({"degrees": 181}), "`degrees`: expected degrees from 0 to 180, found 181"),
        ("rotation", json!({}), "missing field `degrees`"),
        ("random-resized-crop", json!({"scale": [0, 1]}), "`scale`: expected a least area above 0, found 0"),
        (
            "random-resized-crop",
            json!({"ratio": [2, 1]}),
            "`ratio`: expected the least value first, found [2, 1]",
        ),
        (
            "shift-and-scale",
            json!({"scale": [0.05, 1]}),
            "`scale`: expected factors from 0.1 to 10, found [0.05, 1]",
        ),
        ("blur", json!({"sigma": [1, 200]}), "`sigma`: expected a sigma of up to 100 pixels, found 200"),
        ("noise", json!({"sigma": [0.2, 0.1]}), "`sigma`: expected the least value first, found [0.2, 0.1]"),
        (
            "jpeg-compression",
            json!({"quality": [50, 101]}),
            "`quality`: expected [least, greatest] from 1 to 100, found [50, 101]",
        ),
        (
            "erasing",
            json!({"scale": [0.5, 0.1]}),
            "`scale`: expected the least value first, found [0.5, 0.1]",
        ),
    ] {
        assert_eq!(fault(name, fields), expected, "{name}");
    }
}
