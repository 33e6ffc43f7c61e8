//! How large a page is: 10 seeds, 4 backbones, 3 methods, 6 generators. `cargo run -p cyborg-report --example size -- FOLDER`.
#![allow(clippy::print_stdout, reason = "it is a program")]
use cyborg_report::build;
use std::path::PathBuf;

#[path = "../tests/support/mod.rs"]
mod support;
use support::{Plan, experiment};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(std::env::args().nth(1).ok_or("give a folder to write to")?);
    let plan = Plan {
        sources: vec!["ProGAN", "StyleGAN", "StyleGAN2", "StyleGAN2-ADA", "StyleGAN3", "StarGANv2"],
        methods: vec!["ce", "cyborg", "cyborg-true"],
        backbones: vec!["densenet121", "resnet50", "inception_v3", "xception"],
        seeds: 10,
        n_images: 100,
        n_epochs: 50,
        side_px: 224,
        grid: 8,
        ..Plan::default()
    };
    let input = experiment(&dir, &plan);
    let page = build(&input, &dir.join("report"))?.html;
    println!("{}: {:.1} MB", page.display(), fs_err::metadata(&page)?.len() as f64 / 1e6);
    Ok(())
}
