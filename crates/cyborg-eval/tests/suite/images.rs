//! Two runs on the same images.

use crate::data::{f64_at, find, plan, row, str_at, strings, u32_at};
use cyborg_eval::{ScoreRow, compare_images, delong_paired, read_scores, write_scores};
use polars::prelude::DataFrame;

fn frame(rows: &[ScoreRow]) -> DataFrame {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    write_scores(&path, rows).unwrap();
    read_scores(&path).unwrap()
}

/// Twelve images of two generators and one authentic set; `noise` mixes the scores.
fn run(noise: u32) -> Vec<ScoreRow> {
    (0..36_u32)
        .map(|i| {
            let (source, label) = [("FFHQ", 0), ("ProGAN", 1), ("StyleGAN", 1)][i as usize % 3];
            let score = 0.3 * f64::from(label) + 0.7 * f64::from(i * noise % 41) / 41.0;
            ScoreRow { image: format!("{i}.png"), ..row(source, label, score) }
        })
        .collect()
}

#[test]
fn the_table_is_delong_of_each_source() {
    let (a, b) = (run(7), run(11));
    let mut shuffled = b.clone();
    shuffled.rotate_left(13);
    shuffled.reverse();
    let table = compare_images(&frame(&a), &frame(&shuffled), &plan(&[], &["ProGAN"])).unwrap();
    assert_eq!(strings(&table, "source"), ["ProGAN", "StyleGAN", "all pooled"]);
    for source in ["ProGAN", "StyleGAN", "all pooled"] {
        let at = find(&table, "source", source);
        let is_in = |r: &&ScoreRow| r.label == 0 || r.source == source || source == "all pooled";
        let labels: Vec<bool> = a.iter().filter(is_in).map(|r| r.label == 1).collect();
        let of = |rows: &[ScoreRow]| rows.iter().filter(is_in).map(|r| r.score).collect::<Vec<f64>>();
        let expected = delong_paired(&labels, &of(&a), &of(&b), 0.95).unwrap();
        // The images of a class come in another order: sums differ in their last bits.
        let close = |column: &str, value: f64| {
            let found = f64_at(&table, at, column).unwrap();
            assert!((found - value).abs() < 1e-14, "{column} of {source}: {found} {value}");
        };
        close("auc_baseline", expected.auc_baseline);
        close("auc_candidate", expected.auc_candidate);
        close("se", expected.se);
        close("ci_low", expected.ci.unwrap().0);
        close("p", expected.p.unwrap());
    }
    let (p, q) = (f64_at(&table, 0, "p").unwrap(), f64_at(&table, 1, "p").unwrap());
    assert_eq!(f64_at(&table, 0, "p_holm"), Some(if p <= q { 2.0 * p } else { p.max(2.0 * q) }.min(1.0)));
    assert_eq!((u32_at(&table, 0, "n_family"), f64_at(&table, 2, "p_holm")), (Some(2), None));
}

#[test]
fn one_model_against_itself_has_no_test() {
    let table = compare_images(&frame(&run(7)), &frame(&run(7)), &plan(&[], &[])).unwrap();
    assert_eq!((f64_at(&table, 0, "difference"), f64_at(&table, 0, "p")), (Some(0.0), None));
    assert_eq!(
        str_at(&table, 0, "reason").as_deref(),
        Some("both order every pair alike: there is no variance to test")
    );
    let mut broken = run(7);
    broken[1].score = f64::NAN;
    let table = compare_images(&frame(&run(7)), &frame(&broken), &plan(&[], &[])).unwrap();
    let reason = |at| str_at(&table, at, "reason");
    assert_eq!(reason(0).as_deref(), Some("1 of 24 scores is not a finite number"));
    assert_eq!(reason(2).as_deref(), Some("1 of 36 scores is not a finite number"));
    let table =
        compare_images(&frame(&run(7)), &frame(&run(11)), &plan(&[("ProGAN", &["FRGC"])], &[])).unwrap();
    assert!(
        str_at(&table, 0, "reason").unwrap().starts_with("the negative source `FRGC` that it is paired with")
    );
}

#[test]
fn other_images_are_an_error() {
    let error = |change: fn(&mut Vec<ScoreRow>)| {
        let mut rows = run(11);
        change(&mut rows);
        compare_images(&frame(&run(7)), &frame(&rows), &plan(&[], &[])).unwrap_err().to_string()
    };
    let end = "; score both on one test set";
    let check = |found: String, what: &str| {
        assert_eq!(found, format!("cannot compare image by image: {what}{end}"));
    };
    check(
        error(|rows| rows.truncate(35)),
        "image `35.png` of source `StyleGAN` is in the baseline's scores only",
    );
    check(
        error(|rows| rows.push(ScoreRow { image: "new.png".into(), ..row("FFHQ", 0, 0.1) })),
        "image `new.png` of source `FFHQ` is in the candidate's scores only",
    );
    check(
        error(|rows| rows.push(rows[0].clone())),
        "image `0.png` of source `FFHQ` is there twice in the candidate's scores",
    );
    let mut twice = run(7);
    twice[5] = twice[2].clone();
    let found = compare_images(&frame(&twice), &frame(&run(11)), &plan(&[], &[])).unwrap_err();
    check(found.to_string(), "image `2.png` of source `StyleGAN` is there twice in the baseline's scores");
    check(
        error(|rows| rows[3].label = 1),
        "image `3.png` of source `FFHQ` has label 0 in the baseline's scores and 1 in the candidate's",
    );
}
