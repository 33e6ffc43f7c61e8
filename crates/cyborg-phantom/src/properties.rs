//! What every domain of the list promises, checked on the drawn pixels.
#![allow(clippy::unwrap_used)]
use std::collections::BTreeSet;

use serde_json::json;

use crate::phantom::{PHANTOMS, Phantom};
use crate::plan::{PlannedImage, Split, plan};

/// The data set of a domain with some settings of its own.
fn with(domain: &str, fields: serde_json::Value) -> Box<dyn Phantom> {
    let fields = fields.as_object().unwrap();
    cyborg_settings::find(PHANTOMS, domain).unwrap().parse(fields).unwrap()
}

/// Small data sets of all domains; `n_annotators` people.
fn small(n_annotators: usize) -> Vec<Box<dyn Phantom>> {
    let size =
        json!({"n_train": 16, "n_validation": 8, "n_test_per_source": 2, "n_annotators": n_annotators});
    PHANTOMS.iter().map(|choice| with(choice.name, size.clone())).collect()
}

/// The positions at which two images differ, with the squared difference of their first channels (white is 1).
fn differences(
    phantom: &dyn Phantom,
    image: &PlannedImage,
    other: &PlannedImage,
    bare: bool,
) -> Vec<(usize, f64)> {
    let (a, b) = (phantom.picture(image).image(false), phantom.picture(other).image(bare));
    let of_pixel = |i: usize| (f64::from(a.pixels[3 * i + 1]) - f64::from(b.pixels[3 * i + 1])) / 255.0;
    (0..a.pixels.len() / 3).map(|i| (i, of_pixel(i).powi(2))).filter(|(_, d)| *d > 0.0).collect()
}

#[test]
fn evidence_shows_and_lies_where_people_mark() {
    for phantom in small(10) {
        let (mut within, mut all, mut marked, mut n) = (0.0, 0.0, 0.0, 0.0);
        for image in plan(phantom.as_ref()).iter().filter(|image| image.label == 1) {
            let found = differences(phantom.as_ref(), image, image, true);
            let total: f64 = found.iter().map(|(_, d)| d).sum();
            // The root mean square over the pixels that changed; the noise is the same in both.
            assert!((total / found.len() as f64).sqrt() > 0.02, "{}: {total}", image.id);
            // The smallest are single nodules: radius 0.06, in 64 pixels an area of 11 and its blurred rim.
            assert!(found.len() > 12, "{}: {} pixels", image.id, found.len());
            let map = phantom.picture(image).map();
            within += found.iter().filter(|(i, _)| map.pixels[*i] >= 26).map(|(_, d)| d).sum::<f64>() / total;
            all += 1.0;
            marked += map.pixels.iter().filter(|&&v| v >= 26).count() as f64;
            n += map.pixels.len() as f64;
        }
        // Ten people miss a region in five each: where one in ten marked is nearly all of the evidence.
        assert!(within / all > 0.9, "{}: {}", phantom.name(), within / all);
        assert!(marked / n < 0.6, "{}: people mark {} of an image", phantom.name(), marked / n);
    }
}

#[test]
fn images_of_the_first_class_are_their_own_twins() {
    for phantom in small(3) {
        for image in plan(phantom.as_ref()).iter().filter(|image| image.label == 0).take(6) {
            assert!(differences(phantom.as_ref(), image, image, true).is_empty(), "{}", image.id);
        }
    }
}

#[test]
fn the_cue_changes_only_what_nobody_marks_and_no_evidence_touches() {
    for phantom in small(10) {
        for image in plan(phantom.as_ref()).iter().step_by(2) {
            let (with, without) =
                (PlannedImage { cue: 1, ..image.clone() }, PlannedImage { cue: 0, ..image.clone() });
            let changed = differences(phantom.as_ref(), &with, &without, false);
            assert!(changed.len() >= 15, "{}: a mark of {} pixels", image.id, changed.len());
            let map = phantom.picture(image).map();
            let evidence: BTreeSet<usize> =
                differences(phantom.as_ref(), &without, &without, true).into_iter().map(|(i, _)| i).collect();
            for (i, _) in changed {
                // Hands slip: a mark of one in ten may reach the mark's border, but nobody marks it.
                assert!(map.pixels[i] < 26, "{}: pixel {i} is marked", image.id);
                assert!(!evidence.contains(&i), "{}: pixel {i} is evidence", image.id);
            }
        }
    }
}

#[test]
fn the_dial_sets_how_often_the_cue_agrees_and_nothing_else() {
    for choice in PHANTOMS {
        for shortcut in [0.0, 0.3, 0.9, 1.0] {
            let size = json!({"n_train": 4000, "n_validation": 2000, "n_test_per_source": 300, "shortcut": shortcut});
            let phantom = with(choice.name, size);
            let images = plan(phantom.as_ref());
            for split in [Split::Train, Split::Validation, Split::Test] {
                for label in [0, 1] {
                    let sign = if label == 1 { 1.0 } else { -1.0 };
                    let p = if split == Split::Test { 0.5 } else { 0.5 * (1.0 + sign * shortcut) };
                    let of = || images.iter().filter(|i| i.split == split && i.label == label);
                    let (found, n) = (of().filter(|i| i.cue == 1).count() as f64, of().count() as f64);
                    // Binomial: five standard deviations; exact at 0 and 1.
                    let bound = 5.0 * (n * p * (1.0 - p)).sqrt();
                    assert!((found - n * p).abs() <= bound, "{}: {found} of {n}, p {p}", choice.name);
                }
            }
        }
        let (none, all) =
            (with(choice.name, json!({"shortcut": 0})), with(choice.name, json!({"shortcut": 1})));
        let (a, b) = (plan(none.as_ref()), plan(all.as_ref()));
        for (a, b) in a.iter().zip(&b).step_by(97) {
            let same = PlannedImage { cue: a.cue, ..b.clone() };
            assert_eq!(none.picture(a).image(false), all.picture(&same).image(false), "{}", a.id);
        }
    }
}

#[test]
fn sources_and_subjects_of_training_development_and_testing_are_apart() {
    for phantom in small(3) {
        let development = phantom.on_development_sources();
        let names = |phantom: &dyn Phantom, training: bool| -> BTreeSet<String> {
            let of = |s: &&crate::plan::Source| s.label == 1 && s.training == training;
            phantom.sources().iter().filter(of).map(|s| s.name.clone()).collect()
        };
        let training = names(phantom.as_ref(), true);
        let (test, development_names) = (names(phantom.as_ref(), false), names(development.as_ref(), false));
        assert!(
            training.is_disjoint(&test) && training.is_disjoint(&development_names),
            "{}",
            phantom.name()
        );
        assert!(test.is_disjoint(&development_names), "{}", phantom.name());
        assert_ne!(phantom.folder_name(), development.folder_name());
        let subjects = |phantom: &dyn Phantom, split: Split| -> BTreeSet<String> {
            plan(phantom).into_iter().filter(|i| i.split == split).map(|i| i.subject).collect()
        };
        let parts = [
            subjects(phantom.as_ref(), Split::Train),
            subjects(phantom.as_ref(), Split::Validation),
            subjects(phantom.as_ref(), Split::Test),
            subjects(development.as_ref(), Split::Test),
        ];
        for (i, a) in parts.iter().enumerate() {
            assert!(parts[..i].iter().all(|b| a.is_disjoint(b)), "{}", phantom.name());
        }
        let images = plan(phantom.as_ref());
        let ids: BTreeSet<&str> = images.iter().map(|i| i.id.as_str()).collect();
        assert_eq!(ids.len(), images.len());
        for split in [Split::Train, Split::Validation] {
            let of = |label| images.iter().filter(|i| i.split == split && i.label == label).count();
            assert_eq!(of(0), of(1), "{}: training is balanced", phantom.name());
        }
    }
}

#[test]
fn every_image_is_annotated_and_no_map_is_empty() {
    for phantom in small(1) {
        for image in plan(phantom.as_ref()).iter().filter(|image| image.split == Split::Train) {
            let map = phantom.picture(image).map();
            assert!(map.pixels.iter().any(|&v| v > 60), "{}", image.id);
        }
    }
}

#[test]
fn images_of_any_side_show_the_same_scene() {
    for choice in PHANTOMS {
        let means = [48, 64, 101].map(|image_px| {
            let phantom = with(choice.name, json!({"image_px": image_px, "n_train": 40}));
            let raster = phantom.picture(&plan(phantom.as_ref())[0]).image(false);
            assert_eq!((raster.width_px, raster.height_px), (image_px, image_px));
            raster.pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / raster.pixels.len() as f64
        });
        // Twelve of 255: strokes and dots cover other shares of coarse pixels.
        assert!(means.iter().all(|mean| (mean - means[1]).abs() < 12.0), "{}: {means:?}", choice.name);
    }
}
