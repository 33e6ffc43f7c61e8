//! `cargo xtask data`.

use std::path::PathBuf;
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
    /// Folder of the manifests. Default: the nearest `data-manifests` at or above the working directory.
    #[arg(long, value_name = "DIR", env = "CYBORG_MANIFESTS", hide_default_value = true, default_value_os_t = crate::places::manifests())]
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
    // The template is there to be copied.
    let manifests = list_manifests(&folders.manifests)?;
    for manifest in manifests.into_iter().filter(|manifest| manifest.id != "template") {
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
    let base = match &folders.data_root {
        Some(base) => format!("looked for in `{}`", base.display()),
        None => "`CYBORG_DATA` is not set".to_owned(),
    };
    print(&format!(
        "\nSets lie in folders of their ids below the folder that `--data-root` or the environment variable `CYBORG_DATA` names \
         ({base}).\n`cargo xtask data show ID` says how to obtain a set and where to put it."
    ));
    Ok(ExitCode::SUCCESS)
}

fn find(one: &One) -> Result<Manifest> {
    let as_path = crate::places::file(&one.id)?;
    if as_path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
        return Ok(read_manifest(&as_path)?);
    }
    if as_path.is_dir() {
        let mut files: Vec<String> = fs_err::read_dir(as_path)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml"))
            .map(|path| format!("`{}`", path.display()))
            .collect();
        files.sort();
        let hint = match files.as_slice() {
            [] => "it has no file that ends in `.yaml`".to_owned(),
            files => format!("say {}", files.join(" or ")),
        };
        bail!("`{}` is a folder, and a manifest is a file\n  hint: {hint}", one.id);
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
        Err(error) => {
            // How to obtain it stands above.
            let text = cyborg_experiment::error_chain(&error);
            let text: Vec<&str> =
                text.lines().filter(|line| !line.trim_start().starts_with("obtain it:")).collect();
            lines.push(format!("  data      {}", text.join("\n")));
        }
    }
    let lines: Vec<String> =
        lines.iter().flat_map(|line| line.lines()).map(|line| folded(line, 100)).collect();
    print(&lines.join("\n"));
    Ok(ExitCode::SUCCESS)
}

/// The line, broken at spaces where it is longer than the width in characters, and indented below the second column.
fn folded(line: &str, width: usize) -> String {
    const INDENT: &str = "            ";
    let mut text = String::new();
    let mut column = 0;
    for word in line.split_inclusive(' ') {
        let n = word.trim_end().chars().count();
        if column > INDENT.len() && column + n > width {
            text.truncate(text.trim_end().len());
            text.push('\n');
            text.push_str(INDENT);
            column = INDENT.len();
        }
        text.push_str(word);
        column += word.chars().count();
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_below_their_column() {
        // 12 characters of the first column, and words of 4 and a space: 12 + 5 + 4 = 21 fit into 21 and not into 20.
        let line = "  obtain    from here over";
        assert_eq!(folded(line, 21), "  obtain    from here\n            over");
        assert_eq!(folded(line, 20), "  obtain    from\n            here\n            over");
        assert_eq!(folded(line, 80), line);
        // What cannot be broken stays whole.
        assert_eq!(folded("  root      a-long-path", 5), "  root      a-long-path");
    }
}
