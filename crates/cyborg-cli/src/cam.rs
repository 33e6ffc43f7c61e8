//! `cargo xtask cam`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use cyborg_predict::{CamOptions, CamTarget, draw_cams, write_failures};

use crate::predict::{EffortArguments, ImageArguments, ModelArguments, open, tell_failures};
use crate::print;
use crate::progress::Pictures;

#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask cam --weights best.safetensors --images photos --output cams
  cargo xtask cam --weights best.safetensors --images my-set/manifest.yaml --class true --tap pooled --output cams

Writes overlays/IMAGE.png (the image at its own size under the map), cams/IMAGE.npy (float32, the CAM as the network \
gives it, before it is brought to 0..1), with --maps maps/IMAGE.png, and cams.csv, which lists them.

Exit code: 0 if every image has a CAM, 3 if some have none (named on stderr and in cams.failed.csv), 1 if none has.")]
pub(crate) struct CamArguments {
    /// Folder of the results.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Whose activation: of the predicted class of each image, of its true class (needs labels), or of one class for all,
    /// by name or index.
    #[arg(long, value_name = "predicted|true|CLASS", default_value = "predicted")]
    class: String,
    /// Also write each map alone, 8 bit, at the image's size.
    #[arg(long)]
    maps: bool,
    /// How much of the image the map's highest value covers, from 0 to 1.
    #[arg(long, default_value_t = CamOptions::OPACITY)]
    opacity: f64,
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    images: ImageArguments,
    #[command(flatten)]
    effort: EffortArguments,
}

pub(crate) fn run(arguments: &CamArguments) -> Result<ExitCode> {
    let quiet = arguments.effort.quiet;
    let (model, images) = open(&arguments.model, &arguments.images, quiet)?;
    let options = CamOptions {
        target: CamTarget::from_word(&arguments.class, model.classes())?,
        opacity: arguments.opacity,
        maps: arguments.maps,
        effort: arguments.effort.effort(),
    };
    let mut progress = Pictures::new(images.items.len(), quiet);
    let result = draw_cams(&model, &images, options, &arguments.output, &mut |p| progress.set(p));
    progress.end();
    let outcome = result?;
    let failed = arguments.output.join("cams.failed.csv");
    write_failures(&failed, &outcome.failures)?;
    let index = arguments.output.join("cams.csv");
    let rate = progress.rate(outcome.n_done);
    print(&format!("CAMs: {} ({} images, {rate:.1} a second)", index.display(), outcome.n_done));
    Ok(tell_failures(&outcome.failures, Some(&failed)))
}
