//! As many scores as the released protocol has: six generators of 100,000 images, two authentic sets.

use crate::data::{f64_at, find, plan};
use cyborg_eval::run_metrics;
use polars::prelude::{Column, DataFrame};
use std::time::Instant;

const GENERATORS: [&str; 6] = ["ProGAN", "StyleGAN", "StyleGAN2", "StyleGAN2-ADA", "StyleGAN3", "StarGANv2"];

#[test]
fn seven_hundred_thousand_scores() {
    let sizes = [("CelebA-HQ", 30_000), ("FFHQ", 70_000)].into_iter().chain(GENERATORS.map(|g| (g, 100_000)));
    let (mut sources, mut labels, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for (source, n) in sizes {
        let label = u32::from(n == 100_000);
        for i in 0..n {
            // Evenly spread over [0, 0.75) and [0.25, 1), in a mixed order (7919 is prime to both sizes).
            let even = f64::from(i * 7919 % n) / f64::from(n);
            sources.push(source);
            labels.push(label);
            scores.push(0.75 * even + 0.25 * f64::from(label));
        }
    }
    let n = scores.len();
    assert_eq!(n, 700_000);
    let frame = DataFrame::new_infer_height(vec![
        Column::new("image".into(), vec!["x"; n]),
        Column::new("source".into(), sources),
        Column::new("label".into(), labels.clone()),
        Column::new("predicted".into(), labels),
        Column::new("score".into(), scores),
    ])
    .unwrap();
    let celeba: &[&str] = &["CelebA-HQ"];
    let ffhq: &[&str] = &["FFHQ"];
    let pairs = GENERATORS.map(|g| (g, if matches!(g, "ProGAN" | "StarGANv2") { celeba } else { ffhq }));
    let start = Instant::now();
    let metrics = run_metrics(&frame, &plan(&pairs, &["StyleGAN2"])).unwrap();
    eprintln!("run_metrics of {n} scores: {:?}", start.elapsed());
    // Two uniform distributions, 1/3 of their width apart: P(positive > negative) = 1 - (2/3)^2 / 2. Each list is a
    // grid, so a share of about 1 / 70,000 of the pairs may fall on the other side.
    for source in GENERATORS.into_iter().chain(["unseen mean", "seen mean", "all mean", "all pooled"]) {
        let at = find(&metrics, "source", source);
        let auc = f64_at(&metrics, at, "auc").unwrap();
        assert!((auc - 7.0 / 9.0).abs() < 3e-5, "{source}: {auc}");
        // FPR = FNR where the threshold t leaves (0.75 - t) / 0.75 above and (t - 0.25) / 0.75 below: t = 0.5, 1/3.
        let eer = f64_at(&metrics, at, "eer").unwrap();
        assert!((eer - 1.0 / 3.0).abs() < 3e-5, "{source}: {eer}");
    }
}
