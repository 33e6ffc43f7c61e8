//! `cargo xtask evaluate`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use cyborg_experiment::{EvaluateOptions, Field, ScoreColumns, ScoreScale, SourceGroup};

use crate::print;

/// Evaluate and report scores that another program wrote, as CSV or parquet.
///
/// One row an image. Nothing else of this repository is needed: train with whatever you like, write the scores, and get the
/// tables, tests and plots.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask evaluate scores.csv --image-column file --score-column p_fake --label-column truth \\
    --classes real,fake --source-column generator --pair ProGAN=CelebA-HQ --pair StyleGAN=FFHQ --output reports/mine
  cargo xtask evaluate ce.csv cyborg.csv --compare ce=cyborg --output reports/two     a file a method
  cargo xtask evaluate all.parquet --method-column model --seed-column seed --logit-columns z0,z1 --output reports/all")]
pub(crate) struct EvaluateArguments {
    /// Files of scores (`-`: CSV from standard input); told apart by their content: CSV (commas, semicolons or tabs, with a header) or parquet.
    #[arg(required = true, value_name = "SCORES")]
    files: Vec<PathBuf>,
    /// The report's folder.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Column of the image's id; `-` if there is none: rows are then numbered.
    #[arg(long, value_name = "NAME", default_value = "image")]
    image_column: String,
    /// Column of the score of the positive class: more means more positive.
    #[arg(long, value_name = "NAME", default_value = "score", conflicts_with = "logit_columns")]
    score_column: String,
    /// Columns of the logits, one a class in the order of the classes, in place of a score.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    logit_columns: Vec<String>,
    /// Column of the true class: a number from 0, or a name of `--classes`.
    #[arg(long, value_name = "NAME", default_value = "label")]
    label_column: String,
    /// Names of the classes in the order of their numbers, separated by commas, where labels are names.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    classes: Vec<String>,
    /// The positive class: a name of `--classes`, or a number. Default: 1, the second one.
    #[arg(long, value_name = "CLASS")]
    positive: Option<String>,
    /// Column of the source: generator, or authentic data set.
    #[arg(long, value_name = "NAME", default_value = "source")]
    source_column: String,
    /// One source for all rows, where no column names one.
    #[arg(long, value_name = "NAME", conflicts_with = "source_column")]
    source: Option<String>,
    /// Column of the person, eye or patient: bootstrap intervals then draw people, not images.
    #[arg(long, value_name = "NAME")]
    subject_column: Option<String>,
    /// Column of the method. Default: each file is a method, named after the file.
    #[arg(long, value_name = "NAME")]
    method_column: Option<String>,
    /// Column of the network.
    #[arg(long, value_name = "NAME")]
    backbone_column: Option<String>,
    /// Column of the seed, a whole number; runs of one method that differ in it are repetitions.
    #[arg(long, value_name = "NAME")]
    seed_column: Option<String>,
    /// Column of the data set's name.
    #[arg(long, value_name = "NAME")]
    data_column: Option<String>,
    /// Low scores mean the positive class, as those of a detector that scores how genuine an image is.
    #[arg(long, conflicts_with = "logit_columns")]
    low_is_positive: bool,
    /// What the scores are.
    #[arg(long, value_enum, default_value = "probability")]
    scale: Scale,
    /// Test a source against the negatives of these alone, such as `ProGAN=CelebA-HQ`; may be repeated, also for one
    /// source. A source without a pair is tested against all negatives.
    #[arg(long = "pair", value_name = "SOURCE=SOURCE,...")]
    pairs: Vec<String>,
    /// Sources that training or validation saw, separated by commas: kept out of the mean over unseen ones.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    seen: Vec<String>,
    /// A group of sources that gets rows of its own, such as `GANs=ProGAN,StyleGAN`; may be repeated.
    #[arg(long = "group", value_name = "NAME=SOURCE,...")]
    groups: Vec<String>,
    /// Compare two methods, such as `ce=cyborg` (baseline=candidate); may be repeated.
    #[arg(long = "compare", value_name = "BASELINE=CANDIDATE")]
    comparisons: Vec<String>,
    /// What scores at least this is called positive. Default: 0.5 for probabilities, none on another scale.
    #[arg(long, value_name = "SCORE")]
    threshold: Option<f64>,
    /// A threshold that was chosen on validation images, for the metrics that are named after it.
    #[arg(long, value_name = "SCORE")]
    validation_threshold: Option<f64>,
    /// Also write bootstrap intervals of every metric of every run, from so many replicates (1000 is usual; 0: none).
    #[arg(long, value_name = "N", default_value_t = 0)]
    bootstrap: usize,
    /// Heading of the report.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

/// What scores are, on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Scale {
    /// Probabilities of the positive class, 0 to 1.
    Probability,
    /// A single logit: images are ranked by it, and probabilities follow from the logistic function.
    LogOdds,
    /// Anything of which more means more positive.
    Any,
}

pub(crate) fn run(arguments: &EvaluateArguments) -> Result<ExitCode> {
    let options = options(arguments)?;
    let outcome = cyborg_experiment::evaluate_scores(&options)?;
    print(&outcome.terminal);
    print(&format!("\nreport: {}", outcome.html.display()));
    Ok(ExitCode::SUCCESS)
}

fn options(arguments: &EvaluateArguments) -> Result<EvaluateOptions> {
    let default = ScoreColumns::default();
    let field = |column: &Option<String>, otherwise: Field| column.clone().map_or(otherwise, Field::Column);
    let columns = ScoreColumns {
        image: (arguments.image_column != "-").then(|| arguments.image_column.clone()),
        label: arguments.label_column.clone(),
        source: match &arguments.source {
            Some(source) => Field::Constant(source.clone()),
            None => Field::Column(arguments.source_column.clone()),
        },
        score: arguments.logit_columns.is_empty().then(|| arguments.score_column.clone()),
        logits: arguments.logit_columns.clone(),
        predicted: None,
        subject: arguments.subject_column.clone(),
        data: field(&arguments.data_column, default.data),
        method: field(&arguments.method_column, default.method),
        backbone: field(&arguments.backbone_column, default.backbone),
        seed: field(&arguments.seed_column, default.seed),
        scale: match arguments.scale {
            Scale::Probability => ScoreScale::Probability,
            Scale::LogOdds => ScoreScale::LogOdds,
            Scale::Any => ScoreScale::Any,
        },
        classes: arguments.classes.clone(),
        positive: positive(arguments)?,
        low_is_positive: arguments.low_is_positive,
    };
    for (name, threshold) in
        [("--threshold", arguments.threshold), ("--validation-threshold", arguments.validation_threshold)]
    {
        ensure!(threshold.is_none_or(f64::is_finite), "`{name}` must be a number");
    }
    let split_all = |values: &[String], flag: &str| -> Result<Vec<(String, String)>> {
        values.iter().map(|value| split(value, flag)).collect()
    };
    let list = |text: &str| text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
    // A source may be given several pairs: all of its negatives count.
    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (source, against) in split_all(&arguments.pairs, "--pair")? {
        let known = pairs.entry(source).or_default();
        known.extend(list(&against).into_iter().filter(|name| !name.is_empty()));
    }
    let groups = split_all(&arguments.groups, "--group")?;
    Ok(EvaluateOptions {
        files: arguments.files.clone(),
        columns,
        method_by_file: arguments.method_column.is_none(),
        pairs,
        seen: arguments.seen.iter().cloned().collect(),
        groups: groups
            .into_iter()
            .map(|(name, sources)| SourceGroup { name, sources: list(&sources) })
            .collect(),
        comparisons: split_all(&arguments.comparisons, "--compare")?,
        threshold: arguments.threshold,
        validation_threshold: arguments.validation_threshold,
        bootstrap: arguments.bootstrap,
        title: arguments.title.clone().unwrap_or_else(|| {
            let names = arguments.files.iter().filter_map(|path| path.file_name());
            format!("Scores of {}", names.map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(", "))
        }),
        command: command_line(),
        output: arguments.output.clone(),
    })
}

/// The number of the positive class.
fn positive(arguments: &EvaluateArguments) -> Result<u32> {
    let Some(given) = &arguments.positive else { return Ok(1) };
    if let Some(at) = arguments.classes.iter().position(|class| class == given) {
        return Ok(u32::try_from(at)?);
    }
    if arguments.classes.is_empty() {
        return given.parse().with_context(|| {
            format!("`--positive {given}`: without `--classes` it must be the number of a class")
        });
    }
    bail!("`--positive {given}` is none of `--classes {}`", arguments.classes.join(","))
}

/// `A=B` in two.
fn split(text: &str, flag: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((left, right)) if !left.trim().is_empty() && !right.trim().is_empty() => {
            Ok((left.trim().to_owned(), right.trim().to_owned()))
        }
        _ => bail!("`{flag} {text}`: expected two names with `=` between them"),
    }
}

/// What was typed, so that the report can say how it was made.
fn command_line() -> String {
    let quoted = |word: String| {
        let is_plain = |c: char| c.is_alphanumeric() || "-_=./,:+@%".contains(c);
        if !word.is_empty() && word.chars().all(is_plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    let words: Vec<String> = std::env::args().skip(1).map(quoted).collect();
    format!("{} {}", crate::program::name(), words.join(" "))
}
