//! What may be compared, and what is refused.

use cyborg_eval::{CommonImages, DataDigests, EvalPlan, RunKey, check_images_once, compare_digests};
use polars::prelude::{Column, DataFrame};
use std::collections::{BTreeMap, BTreeSet};

fn key(method: &str) -> RunKey {
    RunKey { data: "d".to_owned(), method: method.to_owned(), backbone: "b".to_owned(), seed: 0 }
}

fn images(rows: &[(&str, &str, u32)]) -> DataFrame {
    DataFrame::new_infer_height(vec![
        Column::new("image".into(), rows.iter().map(|r| r.0).collect::<Vec<_>>()),
        Column::new("source".into(), rows.iter().map(|r| r.1).collect::<Vec<_>>()),
        Column::new("label".into(), rows.iter().map(|r| r.2).collect::<Vec<_>>()),
    ])
    .unwrap()
}

fn plan() -> EvalPlan {
    EvalPlan { positive: 1, pairs: BTreeMap::new(), seen: BTreeSet::new() }
}

#[test]
fn an_image_twice_is_named_with_its_rows() {
    let error = check_images_once(&key("ce"), &images(&[("a", "N", 0), ("b", "N", 0), ("a", "N", 0)]));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("image `a` of source `N`") && error.contains("rows 1 and 3"), "{error}");
    let error =
        check_images_once(&key("ce"), &images(&[("a", "N", 0), ("a", "N", 1)])).unwrap_err().to_string();
    assert!(error.contains("with labels 0 and 1"), "{error}");
    // One name in two folders is two images.
    check_images_once(&key("ce"), &images(&[("a", "N", 0), ("a", "G", 1)])).unwrap();
}

#[test]
fn the_same_images_in_any_order_need_no_word() {
    let mut common = CommonImages::default();
    common.add(&key("ce"), &images(&[("a", "N", 0), ("b", "G", 1)])).unwrap();
    common.add(&key("cyborg"), &images(&[("b", "G", 1), ("a", "N", 0)])).unwrap();
    assert!(common.is_same() && common.len() == 2);
    assert_eq!(common.difference(), None);
    common.check(&plan()).unwrap();
}

#[test]
fn what_is_not_in_common_is_left_out_and_said() {
    let all = images(&[("a", "N", 0), ("b", "G1", 1), ("c", "G2", 1), ("d", "G2", 1)]);
    let mut common = CommonImages::default();
    common.add(&key("ce"), &all).unwrap();
    common.add(&key("cyborg"), &images(&[("a", "N", 0), ("b", "G1", 1)])).unwrap();
    assert_eq!(common.keep(&all).unwrap().height(), 2);
    let difference = common.difference().unwrap();
    assert_eq!(difference, "`ce` (b): 2 of 4 images (all 2 of `G2`), seed 0");
    common.check(&plan()).unwrap();
}

#[test]
fn too_little_in_common_and_contradictions_are_refused() {
    let mut common = CommonImages::default();
    common.add(&key("ce"), &images(&[("a", "N", 0), ("b", "G", 1)])).unwrap();
    let error = common.add(&key("cyborg"), &images(&[("a", "N", 1), ("b", "G", 1)])).unwrap_err().to_string();
    assert!(error.contains("image `a`") && error.contains("label 0") && error.contains("label 1"), "{error}");
    let mut common = CommonImages::default();
    common.add(&key("ce"), &images(&[("a", "N", 0), ("b", "G", 1)])).unwrap();
    common.add(&key("cyborg"), &images(&[("a", "N", 0), ("c", "G", 1)])).unwrap();
    let error = common.check(&plan()).unwrap_err().to_string();
    assert!(error.contains("no image of the positive class in common"), "{error}");
    let mut common = CommonImages::default();
    common.add(&key("ce"), &images(&[("a", "N", 0)])).unwrap();
    common.add(&key("cyborg"), &images(&[("b", "N", 0)])).unwrap();
    assert!(common.check(&plan()).unwrap_err().to_string().contains("they have no image in common"));
}

#[test]
fn digests_decide_for_runs_of_one_name() {
    let digests = |training: &str, test: &str| DataDigests {
        training: training.to_owned(),
        validation: "v".to_owned(),
        test: test.to_owned(),
    };
    assert_eq!(
        compare_digests("a", &digests("x", "t"), "b", &digests("x", "t")).unwrap(),
        Vec::<String>::new()
    );
    let notes = compare_digests("a", &digests("x", "t"), "b", &digests("y", "t")).unwrap();
    assert!(notes.len() == 1 && notes[0].contains("was trained on other images"), "{notes:?}");
    let error = compare_digests("a", &digests("x", "t"), "b", &digests("x", "u")).unwrap_err().to_string();
    assert!(error.contains("test images are not the same"), "{error}");
    // What an old run does not know says nothing.
    assert!(compare_digests("a", &digests("", ""), "b", &digests("y", "u")).unwrap().is_empty());
}
