//! `cargo xtask data`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table};
use cyborg_manifest::{Dataset, Manifest, ManifestError, Split, list_manifests, read_manifest, verify};
use cyborg_phantom::{PHANTOMS, contact_sheet};
use cyborg_settings::find as find_choice;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};

use crate::print;

#[derive(Subcommand)]
pub(crate) enum DataCommand {
    /// All manifests, and whether their data is there.
    List(Folders),
    /// What a manifest says: what the data set is, how to obtain it, where it must lie.
    Show(One),
    /// Check a data set's files: missing, unreadable, counts, duplicates and people across splits, maps.
    Verify(Verify),
    /// Draw a phantom data set: images, human maps, a table and a manifest.
    Generate(Generate),
}

#[derive(Args)]
pub(crate) struct Folders {
    /// Folder of the manifests.
    #[arg(long, value_name = "DIR", default_value = "data-manifests")]
    manifests: PathBuf,
    /// Folder that holds the data sets, each in a folder of its id, in place of the manifests' own roots.
    #[arg(long, value_name = "DIR", env = "CYBORG_DATA")]
    data_root: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct One {
    /// A manifest's id, or the path of a manifest file.
    id: String,
    #[command(flatten)]
    folders: Folders,
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    one: One,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// The settings that all domains have; what is not given is as the domain has it.
#[derive(Args)]
pub(crate) struct Generate {
    /// What to draw: `faces` or another domain of `phantom` in experiment files.
    domain: String,
    /// Side of the square images, in pixels.
    #[arg(long)]
    image_px: Option<u32>,
    /// Training images, shared equally by the training sources.
    #[arg(long)]
    n_train: Option<usize>,
    /// Validation images, shared equally by the training sources.
    #[arg(long)]
    n_validation: Option<usize>,
    /// Test images of each test source.
    #[arg(long)]
    n_test_per_source: Option<usize>,
    /// How far the shortcut agrees with the label in training, from 0 (not at all) to 1 (always).
    #[arg(long)]
    shortcut: Option<f64>,
    /// Simulated annotators per training image.
    #[arg(long)]
    n_annotators: Option<usize>,
    /// Another seed draws other subjects.
    #[arg(long)]
    seed: Option<u64>,
    /// Test on the development sources, which every choice made by looking at an outcome must use.
    #[arg(long)]
    development: bool,
    /// The data set goes into a folder of its own below this one.
    #[arg(long, value_name = "DIR", default_value = "data")]
    output: PathBuf,
    /// Also draw an overview into this PNG: examples of every source, the evidence alone, the human map.
    #[arg(long, value_name = "PNG")]
    sheet: Option<PathBuf>,
}

pub(crate) fn run(command: &DataCommand) -> Result<ExitCode> {
    match command {
        DataCommand::List(folders) => list(folders),
        DataCommand::Show(one) => show(one),
        DataCommand::Verify(arguments) => check(arguments),
        DataCommand::Generate(arguments) => generate(arguments),
    }
}

fn list(folders: &Folders) -> Result<ExitCode> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["id", "domain", "classes", "images", "data", "title"]);
    for manifest in list_manifests(&folders.manifests)? {
        let standing = match manifest.open(folders.data_root.as_deref()) {
            Ok(data) => format!("{} rows", data.items.len()),
            Err(ManifestError::Missing { .. }) => "not here".to_owned(),
            Err(_) => "faulty".to_owned(),
        };
        table.add_row([
            manifest.id.clone(),
            manifest.domain.to_string(),
            manifest.classes.len().to_string(),
            manifest.expected.images.map_or_else(|| "?".to_owned(), |n| n.to_string()),
            standing,
            manifest.title.clone(),
        ]);
    }
    print(&table.to_string());
    print("\n`cargo xtask data show ID` says how to obtain a set and where to put it.");
    Ok(ExitCode::SUCCESS)
}

fn find(one: &One) -> Result<Manifest> {
    let as_path = Path::new(&one.id);
    if as_path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
        return Ok(read_manifest(as_path)?);
    }
    let all = list_manifests(&one.folders.manifests)?;
    let ids: Vec<String> = all.iter().map(|m| format!("`{}`", m.id)).collect();
    match all.into_iter().find(|m| m.id == one.id) {
        Some(manifest) => Ok(manifest),
        None => bail!(
            "there is no manifest `{}` in `{}`\n  hint: valid ids: {}; a path must end in `.yaml`",
            one.id,
            one.folders.manifests.display(),
            ids.join(", ")
        ),
    }
}

fn show(one: &One) -> Result<ExitCode> {
    let manifest = find(one)?;
    let mut lines = vec![
        format!("{}: {}", manifest.id, manifest.title),
        format!("  manifest  {}", manifest.path.display()),
        format!("  domain    {}", manifest.domain),
        format!("  classes   {}", manifest.classes.join(", ")),
        format!("  licence   {}", manifest.licence),
        format!("  citation  {}", manifest.citation.as_deref().unwrap_or("none stated")),
        format!("  root      {}", manifest.root),
        format!("  obtain    {}", manifest.obtain.trim()),
    ];
    if let Some(n) = manifest.expected.images {
        lines.push(format!("  expected  {n} images"));
    }
    for (source, against) in &manifest.pairs {
        lines.push(format!("  pair      {source} against {}", against.join(", ")));
    }
    match manifest.open(one.folders.data_root.as_deref()) {
        Ok(data) => lines.extend(counts(&data)),
        Err(error) => lines.push(format!("  data      {}", cyborg_experiment::error_chain(&error))),
    }
    print(&lines.join("\n"));
    Ok(ExitCode::SUCCESS)
}

fn counts(data: &Dataset) -> Vec<String> {
    let mut lines = vec![format!("  data      {} rows at {}", data.items.len(), data.root.display())];
    for split in [Split::Train, Split::Validation, Split::Test] {
        let of_split = || data.items.iter().filter(|i| i.split == split);
        let by_class: Vec<String> = data
            .classes
            .iter()
            .enumerate()
            .map(|(label, class)| format!("{} {class}", of_split().filter(|i| i.label == label).count()))
            .collect();
        let with_map = of_split().filter(|i| i.map.is_some()).count();
        let name = format!("{split:?}").to_lowercase();
        lines.push(format!("            {name}: {}; {with_map} with a map", by_class.join(", ")));
    }
    lines
}

fn check(arguments: &Verify) -> Result<ExitCode> {
    let manifest = find(&arguments.one)?;
    let data = manifest.open(arguments.one.folders.data_root.as_deref())?;
    let bar = bar("reading images");
    let report = verify(&data, &|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    if arguments.json {
        print(&serde_json::to_string_pretty(&report)?);
    } else {
        print(&report.to_string());
    }
    Ok(if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn generate(arguments: &Generate) -> Result<ExitCode> {
    let choice = match find_choice(PHANTOMS, &arguments.domain) {
        Ok(choice) => choice,
        Err(hint) => bail!("there is no phantom `{}`\n  hint: {hint}", arguments.domain),
    };
    let given = [
        ("image_px", arguments.image_px.map(Value::from)),
        ("n_train", arguments.n_train.map(Value::from)),
        ("n_validation", arguments.n_validation.map(Value::from)),
        ("n_test_per_source", arguments.n_test_per_source.map(Value::from)),
        ("shortcut", arguments.shortcut.map(Value::from)),
        ("n_annotators", arguments.n_annotators.map(Value::from)),
        ("seed", arguments.seed.map(Value::from)),
    ];
    let fields: Map<String, Value> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let mut phantom = choice.parse(&fields)?;
    if arguments.development {
        phantom = phantom.on_development_sources();
    }
    let images = phantom.words().images;
    let faults: Vec<String> = phantom.faults().into_iter().map(|fault| fault.message).collect();
    if !faults.is_empty() {
        bail!("these {images} cannot be drawn:\n  {}", faults.join("\n  "));
    }
    let bar = bar(&format!("drawing {images}"));
    let path = cyborg_phantom::generate(phantom.as_ref(), &arguments.output, &|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    print(&format!("manifest: {}", path.display()));
    if let Some(sheet) = &arguments.sheet {
        contact_sheet(phantom.as_ref(), sheet)?;
        print(&format!("overview: {}", sheet.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn bar(what: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "{msg:<20} {wide_bar} {pos}/{len}  {eta} left";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what.to_owned());
    bar
}
