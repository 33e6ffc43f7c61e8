//! Writes reports of made-up experiments, to look at: `cargo run -p cyborg-report --example demo -- FOLDER`.
#![allow(clippy::print_stdout, reason = "it is a program")]
use cyborg_report::{FailedRun, build};
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

    let sweep = Plan { sweep: vec![0.0, 0.25, 0.5, 0.75, 1.0], n_images: 60, ..plan.clone() };
    let input = experiment(&dir.join("sweep"), &sweep);
    println!("{}", build(&input, &dir.join("sweep/report"))?.terminal);

    let many = Plan {
        methods: vec!["ce", "cyborg", "cyborg_true_class"],
        backbones: vec!["resnet18", "resnet50"],
        n_images: 60,
        seeds: 4,
        ..plan
    };
    let mut input = experiment(&dir.join("many"), &many);
    let lost = input.runs.remove(5);
    input.failed.push(FailedRun { key: lost.key, reason: "the loss became NaN in epoch 3".to_owned() });
    println!("{}", build(&input, &dir.join("many/report"))?.terminal);
    Ok(())
}
