//! `cargo xtask weights`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use anyhow::Result;
use clap::{Args, Subcommand};
use comfy_table::{CellAlignment, ContentArrangement, Table};
use cyborg_causes::shown;
use cyborg_predict::{Card, ElementType, Inspection, TensorSummary, backbone_from_name, convert, inspect};
use cyborg_weights::{Hub, Progress, Source};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::predict::CardArguments;
use crate::print;

#[derive(Subcommand)]
pub(crate) enum WeightsCommand {
    /// What a weights file holds: card, network, tensors, digests.
    Inspect(InspectArguments),
    /// Write a weights file as safetensors, checked against its network.
    Convert(ConvertArguments),
}

#[derive(Args)]
#[command(after_help = "Example:
  cargo xtask weights inspect runs/ID/best.safetensors --tensors")]
pub(crate) struct InspectArguments {
    /// A safetensors or PyTorch (.pth, .pt) file, or hf://OWNER/REPO@REVISION/FILE (revision and file may be left out).
    weights: String,
    /// Also list every tensor: type, shape, smallest, mean and largest number.
    #[arg(long)]
    tensors: bool,
    /// Print JSON, tensors included.
    #[arg(long)]
    json: bool,
    /// The network, such as resnet50, where the weights file does not tell.
    #[arg(long, visible_alias = "backbone", value_name = "NAME")]
    network: Option<String>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask weights convert model.pth model.safetensors --network densenet121 --classes real,fake
  cargo xtask weights convert best.safetensors small.safetensors --dtype f16

PyTorch reads the result: model.load_state_dict(safetensors.torch.load_file('model.safetensors'))")]
pub(crate) struct ConvertArguments {
    /// A safetensors or PyTorch (.pth, .pt) file, or hf://OWNER/REPO@REVISION/FILE (revision and file may be left out).
    input: String,
    /// The file to write, called .safetensors.
    output: PathBuf,
    /// How floats are stored: f32, f16 or bf16.
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = element)]
    dtype: ElementType,
    #[command(flatten)]
    card: CardArguments,
}

fn element(text: &str) -> Result<ElementType, String> {
    ElementType::from_name(text).ok_or_else(|| "expected f32, f16 or bf16".to_owned())
}

/// The file that `weights` names, downloaded if it has to be.
pub(crate) fn fetch(weights: &str, quiet: bool) -> Result<PathBuf> {
    let progress = Download { bar: Mutex::new(ProgressBar::hidden()), quiet };
    Ok(Hub::from_env().fetch(&Source::parse(weights)?, &progress)?)
}

/// A download on a terminal, or in a log.
struct Download {
    bar: Mutex<ProgressBar>,
    quiet: bool,
}

impl Download {
    fn with(&self, act: impl FnOnce(&mut ProgressBar)) {
        if let Ok(mut bar) = self.bar.lock() {
            act(&mut bar);
        }
    }
}

impl Progress for Download {
    fn start(&self, wanted: &str, n_bytes: u64, n_here: u64) {
        if self.quiet {
            return;
        }
        if !std::io::stderr().is_terminal() {
            return crate::predict::remark(&format!("downloading {wanted}, {}", HumanBytes(n_bytes)));
        }
        let template = "{msg}  {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.with(|bar| {
            *bar = ProgressBar::new(n_bytes).with_style(style).with_message(wanted.to_owned());
            bar.set_position(n_here);
            bar.reset_eta();
        });
    }

    fn advance(&self, n_bytes: u64) {
        self.with(|bar| bar.inc(n_bytes));
    }

    fn note(&self, line: &str) {
        if !self.quiet {
            self.with(|bar| bar.suspend(|| crate::predict::remark(line)));
        }
    }

    fn finish(&self) {
        self.with(|bar| bar.finish_and_clear());
    }
}

pub(crate) fn run(command: &WeightsCommand) -> Result<ExitCode> {
    match command {
        WeightsCommand::Inspect(arguments) => {
            let path = fetch(&arguments.weights, arguments.json)?;
            let network = arguments.network.as_deref().map(backbone_from_name).transpose()?;
            let found = inspect(&path, network)?;
            if arguments.json {
                print(&serde_json::to_string_pretty(&as_json(&found))?);
            } else {
                print(&as_text(&found, arguments.tensors));
            }
        }
        WeightsCommand::Convert(arguments) => {
            let path = fetch(&arguments.input, false)?;
            let done = convert(&path, &arguments.output, arguments.dtype, &arguments.card.options()?)?;
            for note in &done.notes {
                crate::predict::remark(note);
            }
            let network = match &done.card {
                Some(card) if card.n_classes == 1 => format!("{}, 2 classes by one logit", card.architecture),
                Some(card) => format!("{}, {} classes", card.architecture, card.n_classes),
                None => "network not known".to_owned(),
            };
            print(&format!(
                "weights: {} ({network}, {} tensors)",
                arguments.output.display(),
                done.n_tensors
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn as_text(found: &Inspection, with_tensors: bool) -> String {
    let mut lines = vec![found.path.display().to_string()];
    let mut line =
        |name: &str, value: String| lines.push(format!("  {name:<12} {value}").trim_end().to_owned());
    let types: Vec<String> = types(found).into_iter().map(|(name, n)| format!("{n} {name}")).collect();
    let n_values: usize = found.tensors.iter().map(|tensor| tensor.n_values).sum();
    line("form", format!("{}, {} bytes", found.weights.format, found.n_bytes));
    line("blake3", format!("{} (file)", found.digest));
    line("", format!("{} (tensors alone)", found.tensors_digest));
    line("tensors", format!("{}: {}; {n_values} numbers", found.tensors.len(), types.join(", ")));
    let not_finite: usize = found.tensors.iter().map(|tensor| tensor.n_not_finite).sum();
    if not_finite > 0 {
        line("damaged", format!("{not_finite} numbers are NaN or infinite"));
    }
    match &found.network {
        Err(reason) => line("network", format!("cannot be used: {reason}")),
        Ok((card, report)) => {
            let parameters = found.n_parameters.map(|n| format!(", {n} parameters")).unwrap_or_default();
            line("network", format!("{}{parameters}", card.architecture));
            for note in report.lines() {
                line("", note);
            }
            let origin = if found.has_card { "in the file:" } else { "none; usual for the network:" };
            line("card", origin.to_owned());
            for text in indented(&card_lines(card)) {
                line("", text);
            }
        }
    }
    let metadata = match &found.network {
        Ok((card, _)) => &card.other,
        Err(_) => &found.weights.metadata,
    };
    if !metadata.is_empty() {
        line("metadata", String::new());
        let entries: Vec<(String, String)> = metadata.clone().into_iter().collect();
        for text in indented(&entries) {
            line("", text);
        }
    }
    if with_tensors {
        lines.push(tensor_table(&found.tensors));
    }
    lines.join("\n")
}

/// Names and values in two columns.
fn indented(entries: &[(String, String)]) -> Vec<String> {
    let entries: Vec<_> = entries.iter().map(|(name, value)| (shown(name), value)).collect();
    let width = entries.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    entries.iter().map(|(name, value)| format!("{name:<width$}  {}", shown(value))).collect()
}

/// How many tensors of each type.
fn types(found: &Inspection) -> std::collections::BTreeMap<&'static str, usize> {
    let mut types = std::collections::BTreeMap::new();
    for tensor in &found.tensors {
        *types.entry(tensor.stored_as.name()).or_default() += 1;
    }
    types
}

fn card_lines(card: &Card) -> Vec<(String, String)> {
    let triple = |values: [f32; 3]| values.map(|value| value.to_string()).join(", ");
    let names = card.class_names.as_ref().map(|names| format!(" ({})", names.join(", "))).unwrap_or_default();
    let classes = match card.n_classes {
        1 => "2, by one logit: its sigmoid is the probability of class 1".to_owned(),
        n => n.to_string(),
    };
    let mut lines = vec![
        ("classes", format!("{classes}{names}")),
        ("input", format!("{} px", card.input_px)),
        ("mean", triple(card.normalisation.0)),
        ("std", triple(card.normalisation.1)),
        ("tap", card.tap.name().to_owned()),
    ];
    lines.extend(card.method.clone().map(|method| ("method", method)));
    lines.extend(card.cyborg_version.clone().map(|version| ("cyborg", version)));
    let mut lines: Vec<(String, String)> =
        lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    lines.extend(card.data.iter().map(|(name, digest)| (format!("data {name}"), digest.clone())));
    lines
}

fn tensor_table(tensors: &[TensorSummary]) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["tensor", "type", "shape", "min", "mean", "max"]);
    for tensor in tensors {
        let number = |at: usize| match tensor.range {
            Some(range) => short(range[at]),
            None => "-".to_owned(),
        };
        let shape: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
        let shape = if shape.is_empty() { "scalar".to_owned() } else { shape.join("x") };
        let mut row = vec![
            shown(&tensor.name).into_owned(),
            tensor.stored_as.to_string(),
            shape,
            number(0),
            number(1),
            number(2),
        ];
        if tensor.n_not_finite > 0 {
            row.push(format!("{} not finite", tensor.n_not_finite));
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Five digits.
fn short(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) {
        format!("{value:.4e}")
    } else {
        format!("{value:.5}")
    }
}

fn as_json(found: &Inspection) -> Value {
    let tensors: Vec<Value> = found
        .tensors
        .iter()
        .map(|tensor| {
            let [min, mean, max] = tensor.range.map_or([None; 3], |range| range.map(Some));
            json!({
                "name": tensor.name,
                "type": tensor.stored_as.name(),
                "shape": tensor.shape,
                "min": min,
                "mean": mean,
                "max": max,
                "not_finite": tensor.n_not_finite,
            })
        })
        .collect();
    let network = match &found.network {
        Err(reason) => json!({"unknown": reason}),
        Ok((card, report)) => json!({
            "name": card.architecture.name(),
            "parameters": found.n_parameters,
            "card_in_file": found.has_card,
            "classes": card.n_classes,
            "class_names": card.class_names,
            "input_px": card.input_px,
            "mean": card.normalisation.0,
            "std": card.normalisation.1,
            "tap": card.tap.name(),
            "method": card.method,
            "data": card.data,
            "cyborg_version": card.cyborg_version,
            "adapted": report.lines(),
        }),
    };
    json!({
        "path": found.path,
        "format": found.weights.format.to_string(),
        "bytes": found.n_bytes,
        "blake3": found.digest,
        "tensors_blake3": found.tensors_digest,
        "network": network,
        "metadata": found.weights.metadata,
        "tensors": tensors,
    })
}
