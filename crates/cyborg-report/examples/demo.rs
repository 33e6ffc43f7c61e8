//! Writes reports of made-up experiments, to look at: `cargo run -p cyborg-report --example demo -- FOLDER`.
#![allow(clippy::print_stdout, reason = "it is a program")]
use cyborg_eval::{EvalPlan, MetricOptions};
use cyborg_report::{FailedRun, ScoresInput, build, build_from_scores};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[path = "../tests/support/mod.rs"]
mod support;
use support::{Plan, experiment};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(std::env::args().nth(1).ok_or("give a folder to write to")?);
    let plan = Plan {
        sources: vec!["ProGAN", "StyleGAN", "StyleGAN2", "StyleGAN2-ADA", "StyleGAN3", "StarGANv2"],
        seeds: 5,
        n_images: 150,
        n_epochs: 12,
        side_px: 64,
        grid: 8,
        ..Plan::default()
    };
    let mut input = experiment(&dir.join("plain"), &plan);
    input.warnings =
        vec!["3 images of the validation set have the same content as training images".to_owned()];
    println!("{}", build(&input, &dir.join("plain/report"))?.terminal);

    let sweep = Plan { sweep: vec![0.0, 0.5, 1.0], n_images: 40, seeds: 3, ..plan.clone() };
    let mut input = experiment(&dir.join("sweep"), &sweep);
    // What a long command and long settings do to the page shows as well.
    input.resolved_yaml = format!("name: demo\ndescription: {}\n", "a long line ".repeat(30));
    println!("{}", build(&input, &dir.join("sweep/report"))?.terminal);

    let many = Plan {
        methods: vec!["ce", "cyborg", "cyborg_true_class"],
        backbones: vec!["resnet18", "resnet50"],
        n_images: 60,
        seeds: 4,
        ..plan
    };
    let mut input = experiment(&dir.join("many"), &many);
    input.alphas = BTreeMap::from(
        [("ce", 1.0), ("cyborg", 0.5), ("cyborg_true_class", 0.25)].map(|(n, a)| (n.to_owned(), a)),
    );
    let lost = input.runs.remove(5);
    input.failed.push(FailedRun { key: lost.key, reason: "the loss became NaN in epoch 3".to_owned() });
    println!("{}", build(&input, &dir.join("many/report"))?.terminal);

    // Two single runs, of which only the scores are known.
    let singles = input.runs.iter().filter(|run| run.key.seed == 0 && run.key.backbone == "resnet18").take(2);
    let mut runs = Vec::new();
    for run in singles {
        runs.push((run.key.clone(), cyborg_eval::read_scores(&run.dir.join("scores.parquet"))?));
    }
    let elsewhere = ScoresInput {
        title: "Scores of another program".to_owned(),
        command: format!(
            "cargo xtask evaluate {}--output elsewhere",
            "scores-of-another-program.csv ".repeat(8)
        ),
        comparisons: vec![(runs[0].0.method.clone(), runs[1].0.method.clone())],
        runs,
        classes: vec!["authentic".to_owned(), "synthetic".to_owned()],
        plan: EvalPlan { positive: 1, pairs: BTreeMap::new(), seen: ["StyleGAN2".to_owned()].into() },
        metrics: MetricOptions::default(),
        bootstrap: None,
        environment: Vec::new(),
    };
    println!("{}", build_from_scores(&elsewhere, &dir.join("elsewhere/report"))?.terminal);
    Ok(())
}
