//! Many classes.

use crate::data::{f64_at, frame, row, str_at, strings, u32_at};
use cyborg_eval::{ScoreRow, run_classes, run_confusion};

/// An image of `label` whose logits are these; predicted is the first largest.
fn image(source: &str, label: u32, logits: [f32; 7]) -> ScoreRow {
    let mut best = 0;
    for (i, logit) in logits.iter().enumerate() {
        best = if *logit > logits[best] { i } else { best };
    }
    ScoreRow { predicted: best as u32, logits: logits.to_vec(), ..row(source, label, 0.5) }
}

#[test]
fn top_one_top_five_and_balanced_accuracy() {
    let rising = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let tied = [1.0; 7];
    let rows = [
        image("a", 6, rising), // right
        image("a", 6, rising), // right
        image("a", 2, rising), // fifth from above: in the top five
        image("b", 1, rising), // sixth: out
        image("b", 4, tied),   // all equal, lower classes first: fifth, in
        image("b", 5, tied),   // sixth, out
    ];
    let table = run_classes(&frame(&rows)).unwrap();
    assert_eq!(strings(&table, "source"), ["a", "b", "all images"]);
    assert_eq!(strings(&table, "kind"), ["source", "source", "aggregate"]);
    assert_eq!((u32_at(&table, 0, "n_classes"), u32_at(&table, 2, "n_images")), (Some(7), Some(6)));
    let of = |row, column| f64_at(&table, row, column).unwrap();
    assert_eq!((of(0, "top1"), of(0, "top5"), of(0, "balanced_accuracy")), (2.0 / 3.0, 1.0, 0.5));
    assert_eq!((of(1, "top1"), of(1, "top5")), (0.0, 1.0 / 3.0));
    assert_eq!((of(2, "top1"), of(2, "top5"), of(2, "balanced_accuracy")), (2.0 / 6.0, 4.0 / 6.0, 0.2));
    assert_eq!(str_at(&table, 2, "reason"), None);
}

#[test]
fn two_classes_have_no_top_five() {
    let table = run_classes(&frame(&[row("a", 0, 0.2), row("a", 1, 0.3)])).unwrap();
    assert_eq!((f64_at(&table, 0, "top1"), f64_at(&table, 0, "top5")), (Some(0.5), None));
    assert_eq!(
        str_at(&table, 0, "reason").as_deref(),
        Some("top5: there are 2 logits, and five guesses of five or fewer classes are always right")
    );
    let mut broken = image("a", 3, [0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0]);
    broken.logits[6] = f32::NAN;
    let table = run_classes(&frame(&[broken])).unwrap();
    assert_eq!((f64_at(&table, 0, "top1"), f64_at(&table, 0, "top5")), (Some(1.0), None));
    assert_eq!(str_at(&table, 0, "reason").as_deref(), Some("top5: 1 of 1 images lack a usable logit"));
    let nothing = run_classes(&frame(&[])).unwrap();
    assert_eq!(
        (f64_at(&nothing, 0, "top1"), str_at(&nothing, 0, "reason").as_deref()),
        (None, Some("there is no image"))
    );
}

#[test]
fn confusion_counts_every_pair_of_classes() {
    let rows = [row("a", 0, 0.2), row("a", 0, 0.7), row("a", 0, 0.1), row("b", 1, 0.9)];
    let table = run_confusion(&frame(&rows)).unwrap();
    let n: Vec<u64> = table.column("n").unwrap().u64().unwrap().into_no_null_iter().collect();
    let labels: Vec<u32> = table.column("label").unwrap().u32().unwrap().into_no_null_iter().collect();
    assert_eq!(
        strings(&table, "source"),
        ["a", "a", "b", "b", "all images", "all images", "all images", "all images"]
    );
    assert_eq!(labels, [0, 0, 1, 1, 0, 0, 1, 1]);
    assert_eq!(n, [2, 1, 0, 1, 2, 1, 0, 1]);
    assert_eq!(f64_at(&table, 0, "share"), Some(2.0 / 3.0));
    assert_eq!(run_confusion(&frame(&[])).unwrap().height(), 0);
    // Thousands of classes: only what occurs, not the square of them.
    let many: Vec<ScoreRow> =
        (0..3_000).map(|label| ScoreRow { predicted: label / 2, ..row("a", label, 0.5) }).collect();
    let table = run_confusion(&frame(&many)).unwrap();
    assert_eq!(table.height(), 2 * 3_000);
}
