//! Saliency measures against scikit-image, SciPy and their definitions; `golden/make_golden_saliency.py` says how.

use crate::data::{f64_at, key, str_at, strings, u32_at};
use crate::golden::{assert_close, records};
use cyborg_eval::saliency::{
    AGREEMENTS, CamPair, CamSet, Ceilings, NoMeasure, agreement, auc_judd, cam_agreement, cam_consistency,
    cam_means, dice, entropy, human_ceiling, iou, kl_divergence, map_mse, nss, pearson, similarity, spearman,
    ssim, ssim_window, top_cells,
};
use cyborg_eval::{EvalError, RunKey};

fn map(field: &str) -> Vec<f32> {
    field.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// Off by 2.5e-15 (NSS) and 7.9e-16 (all others) at most; 2e-14 leaves room for other platforms' NumPy.
#[test]
fn measures_equal_their_references() {
    let records = records("saliency.csv");
    assert_eq!(records.len(), 14);
    for (case, r) in records.iter().enumerate() {
        let (height, width): (usize, usize) = (r[0].parse().unwrap(), r[1].parse().unwrap());
        let (cam, human) = (map(&r[2]), map(&r[3]));
        let found = agreement(&cam, &human, height, width, None);
        for (i, name) in AGREEMENTS.iter().enumerate() {
            let what = format!("{name} of case {case}");
            assert_close(&what, found[i].clone().unwrap(), r[4 + i].parse().unwrap(), 2e-14);
        }
        assert_close("entropy", entropy(&cam).unwrap(), r[14].parse().unwrap(), 2e-14);
    }
}

#[test]
fn a_map_agrees_with_itself() {
    let map: Vec<f32> = (0..64).map(|i| ((i * 29) % 64) as f32).collect();
    let found = agreement(&map, &map, 8, 8, None).map(Result::unwrap);
    let of = |name: &str| found[AGREEMENTS.iter().position(|known| *known == name).unwrap()];
    for name in ["pearson", "spearman", "sim", "iou_top10", "dice_top10", "ssim", "auc_judd"] {
        assert!((of(name) - 1.0).abs() < 1e-12, "{name}: {}", of(name));
    }
    assert_eq!(of("mse"), 0.0);
    assert!(of("kl").abs() < 1e-12 && of("nss") > 1.5);
    // Scale and offset of a CAM do not matter.
    let scaled: Vec<f32> = map.iter().map(|v| 4.0 * v - 100.0).collect();
    let again = agreement(&scaled, &map, 8, 8, None).map(Result::unwrap);
    for (a, b) in found.iter().zip(again) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn marked_cells_replace_the_top_of_the_human_map() {
    let cam: Vec<f32> = (0..16).map(|i| i as f32).collect();
    let mut marked = vec![false; 16];
    marked[15] = true;
    marked[3] = true;
    let found = agreement(&cam, &cam, 4, 4, Some(&marked));
    let at = |name: &str| found[AGREEMENTS.iter().position(|known| *known == name).unwrap()].clone().unwrap();
    // Thresholds 15 and 3: (0, 1/2), then 11 of 14 others above 3: (11/14, 1).
    let expected = 11.0 / 14.0 * 0.75 + 3.0 / 14.0;
    assert!((at("auc_judd") - expected).abs() < 1e-15);
    // Mean 7.5, variance (16^2 - 1) / 12; marked 15 and 3: mean 9.
    assert!((at("nss") - 1.5 / (255.0_f64 / 12.0).sqrt()).abs() < 1e-15);
}

#[test]
fn what_has_no_measure_says_why() {
    let (flat, map) = ([1.0; 9], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]);
    let flat_cam = NoMeasure::Flat { map: "CAM" };
    for measure in [map_mse, pearson, spearman, kl_divergence, similarity] {
        assert_eq!(measure(&flat, &map), Err(flat_cam.clone()));
        assert_eq!(measure(&map, &flat), Err(NoMeasure::Flat { map: "human map" }));
        assert_eq!(measure(&map, &map[..8]), Err(NoMeasure::Cells { first: 9, second: 8 }));
        assert_eq!(measure(&[], &[]), Err(NoMeasure::Cells { first: 0, second: 0 }));
        assert_eq!(measure(&[f32::NAN; 9], &map), Err(NoMeasure::NotFinite));
        assert_eq!(measure(&map, &[f32::INFINITY; 9]), Err(NoMeasure::NotFinite));
    }
    assert_eq!(ssim(&flat, &map, 3, 3), Err(flat_cam.clone()));
    assert_eq!(ssim(&map, &map, 1, 9), Err(NoMeasure::SmallGrid { height: 1, width: 9 }));
    assert_eq!(ssim(&map, &map, 3, 4), Err(NoMeasure::Cells { first: 12, second: 9 }));
    assert_eq!(entropy(&flat), Err(flat_cam));
    assert_eq!(nss(&map, &[false; 9]), Err(NoMeasure::Marked { n: 0, of: 9 }));
    assert_eq!(auc_judd(&map, &[true; 9]), Err(NoMeasure::Marked { n: 9, of: 9 }));
    assert_eq!(iou(&[false; 9], &[false; 9]), Err(NoMeasure::Marked { n: 0, of: 9 }));
    assert_eq!(dice(&[true], &[]), Err(NoMeasure::Cells { first: 1, second: 0 }));
    assert_eq!(top_cells(&[]), Err(NoMeasure::Cells { first: 0, second: 0 }));
    // Ranges at the ends of f32 do not overflow.
    let huge = [f32::MIN, f32::MAX, 0.0, 1.0];
    assert!(pearson(&huge, &huge).is_ok_and(|r| (r - 1.0).abs() < 1e-12));
}

#[test]
fn windows_grow_with_the_grid() {
    let windows = [(2, 9), (3, 3), (7, 7), (8, 8), (10, 10), (12, 30), (14, 14), (224, 224)]
        .map(|(h, w)| ssim_window(h, w));
    assert_eq!(windows, [None, Some(3), Some(3), Some(3), Some(5), Some(5), Some(7), Some(7)]);
}

struct Image {
    key: RunKey,
    source: &'static str,
    label: u32,
    cam: Vec<f32>,
    human: Option<Vec<f32>>,
}

impl Image {
    fn pair(&self) -> CamPair<'_> {
        CamPair {
            key: &self.key,
            image: "x.png",
            source: self.source,
            label: self.label,
            height: 3,
            width: 3,
            cam: &self.cam,
            human: self.human.as_deref(),
            marked: None,
        }
    }
}

fn images() -> Vec<Image> {
    let rising: Vec<f32> = (0..9).map(|i| i as f32).collect();
    let falling: Vec<f32> = rising.iter().rev().copied().collect();
    let image = |seed, source, label, cam: &[f32], human: Option<&[f32]>| Image {
        key: key("ce", seed),
        source,
        label,
        cam: cam.to_vec(),
        human: human.map(<[f32]>::to_vec),
    };
    vec![
        image(0, "FFHQ", 0, &rising, Some(&rising)),
        image(0, "FFHQ", 0, &falling, Some(&rising)),
        image(0, "GAN", 1, &rising, None),
        image(0, "GAN", 1, &[2.0; 9], Some(&rising)),
        image(1, "GAN", 1, &rising, Some(&rising)),
    ]
}

#[test]
fn agreement_is_averaged_by_run_source_and_class() {
    let images = images();
    let ceilings = Ceilings::from([("spearman".to_owned(), 0.5), ("auc_judd".to_owned(), 0.75)]);
    let table = cam_agreement(images.iter().map(Image::pair), &ceilings).unwrap();
    let label = |row: usize| table.column("label").unwrap().u32().unwrap().get(row);
    let seeds: Vec<u64> = table.column("seed").unwrap().u64().unwrap().into_no_null_iter().collect();
    assert_eq!(
        strings(&table, "source")[..7],
        ["FFHQ", "GAN", "FFHQ", "GAN", "all images", "all images", "all images"]
    );
    assert_eq!((0..7).map(label).collect::<Vec<_>>(), [Some(0), Some(1), None, None, Some(0), Some(1), None]);
    assert_eq!(seeds, [[0; 7].as_slice(), &[1; 4]].concat());
    // Once the same, once turned round.
    assert_eq!((f64_at(&table, 0, "pearson"), u32_at(&table, 0, "pearson_n")), (Some(0.0), Some(2)));
    assert_eq!(f64_at(&table, 0, "spearman_of_ceiling"), Some(0.0));
    assert_eq!(f64_at(&table, 0, "pearson_of_ceiling"), None);
    assert_eq!(str_at(&table, 0, "reason"), None);
    // One without a map, one flat: no agreement at all, entropy of one.
    assert_eq!((u32_at(&table, 1, "n_images"), u32_at(&table, 1, "pearson_n")), (Some(2), Some(0)));
    assert_eq!((f64_at(&table, 1, "pearson"), u32_at(&table, 1, "entropy_n")), (None, Some(1)));
    let reason = str_at(&table, 1, "reason").unwrap();
    assert!(
        reason.starts_with("human map: 1 of 2 images have none; mse, pearson, spearman, kl, sim, nss"),
        "{reason}"
    );
    assert!(reason.contains("1 without a value, the first: the CAM is flat"), "{reason}");
    assert!(
        (f64_at(&table, 7, "spearman_of_ceiling").unwrap() - 2.0).abs() < 1e-15,
        "people agree half as well"
    );
    assert_eq!(f64_at(&table, 7, "auc_judd_of_ceiling"), Some(2.0));
    let relative = f64_at(&table, 0, "entropy_relative").unwrap();
    assert!((relative - f64_at(&table, 0, "entropy").unwrap() / 9.0_f64.ln()).abs() < 1e-15);
    let mut wrong = images[0].pair();
    wrong.height = 4;
    let error = cam_agreement([wrong], &ceilings).unwrap_err();
    assert_eq!(error.to_string(), "the CAM of image `x.png` has 9 cells, expected 4 x 3");
    assert_eq!(cam_agreement([], &ceilings).unwrap().height(), 0);
}

#[test]
fn average_cams() {
    let images = images();
    let means = cam_means(images.iter().map(Image::pair)).unwrap();
    let all = means.last().unwrap();
    assert_eq!((all.source.as_str(), all.label, all.n_cams, all.n_left_out), ("all images", None, 4, 1));
    // Rising three times, falling once, each from 0 to 1.
    assert_eq!(all.mean[0], 0.25);
    assert_eq!(all.mean[8], 0.75);
    assert_eq!(means[0].mean, [0.5; 9]);
    let mut other = images[1].pair();
    (other.height, other.width) = (1, 9);
    let error = cam_means([images[0].pair(), other]).unwrap_err();
    assert!(matches!(error, EvalError::Grids { found: (1, 9), others: (3, 3), .. }), "{error}");
}

#[test]
fn consistency_is_over_images_and_pairs_of_seeds() {
    let rising: Vec<f32> = (0..9).map(|i| i as f32).collect();
    let falling: Vec<f32> = rising.iter().rev().copied().collect();
    let flat = vec![0.0; 9];
    let set = |cams| CamSet {
        data: "faces",
        method: "ce",
        backbone: "resnet18",
        image: "x.png",
        source: "GAN",
        label: 1,
        height: 3,
        width: 3,
        cams,
    };
    let (three, with_flat) = ([&rising[..], &rising, &falling], [&rising[..], &rising, &flat]);
    let table = cam_consistency([set(&three), set(&with_flat)]).unwrap();
    assert_eq!(strings(&table, "source"), ["GAN", "GAN", "all images", "all images"]);
    assert_eq!(
        ["n_images", "n_seeds", "n_pairs", "pearson_n"].map(|c| u32_at(&table, 0, c)),
        [2, 3, 3, 4].map(Some)
    );
    // 1, -1, -1 of the first image; 1 of the second, whose other pairs have no value.
    assert!(f64_at(&table, 0, "pearson").unwrap().abs() < 1e-15);
    assert_eq!(
        str_at(&table, 0, "reason").as_deref(),
        Some("pearson, ssim: 2 without a value, the first: the CAM is flat")
    );
    let one = cam_consistency([set(&three[..1])]).unwrap();
    assert_eq!((f64_at(&one, 0, "ssim"), u32_at(&one, 0, "n_pairs")), (None, Some(0)));
    assert_eq!(
        str_at(&one, 0, "reason").as_deref(),
        Some("fewer than two seeds: there is nothing to compare")
    );
    let short = [&rising[..8]];
    assert!(matches!(cam_consistency([set(&short)]), Err(EvalError::MapCells { found: 8, .. })));
}

#[test]
fn people_are_their_own_ceiling() {
    let rising: Vec<f32> = (0..9).map(|i| i as f32).collect();
    let falling: Vec<f32> = rising.iter().rev().copied().collect();
    let flat = vec![1.0; 9];
    let of = |maps: &[&[f32]], name: &str| {
        human_ceiling(maps, 3, 3)[AGREEMENTS.iter().position(|n| *n == name).unwrap()]
    };
    assert_eq!(of(&[&rising, &rising, &flat], "mse"), Some(0.0), "the flat one is left out");
    assert!((of(&[&rising, &falling], "pearson").unwrap() + 1.0).abs() < 1e-12);
    assert_eq!(of(&[&rising, &flat], "pearson"), None, "one map is left");
    // The mean of a map and its reverse is flat: no value for the third.
    assert_eq!(of(&[&rising, &falling, &rising], "pearson"), None);
}
