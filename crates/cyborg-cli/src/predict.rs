//! `cargo xtask predict`, and the arguments that it shares with `cam`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use cyborg_causes::for_terminal;
use cyborg_manifest::Split;
use cyborg_predict::{
    Classes, Columns, Effort, Failure, ImageList, ImageOptions, Images, LabelOptions, Model, ModelOptions,
    Output, PredictError, PredictOptions, ScoreKind, ScoreTable, SplitChoice, Tap, backbone_from_name,
    failed_path, write_failures,
};

use crate::print;
use crate::progress::Pictures;

/// Some pictures have no result; the others have.
const SOME_FAILED: u8 = 3;

#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask predict --weights best.safetensors --images photos --output scores.csv
  cargo xtask predict --weights hf://owner/repo --images cxr --split test --output scores.parquet
  cargo xtask predict --weights resnet50.pth --classes real,fake --images rows.csv --image-column file --output -

Exit code: 0 if every image has a score, 3 if some have none (named on stderr and in *.failed.csv), 1 if nothing \
was written.")]
pub(crate) struct PredictArguments {
    /// Where the scores go: a file called .csv or .parquet, or `-` for CSV on stdout.
    #[arg(short, long, value_name = "FILE")]
    output: String,
    /// What the column `score` holds: the softmax probability of the positive class, or the sigmoid of its logit as the
    /// released code has it.
    #[arg(long, value_enum, default_value_t = ScoreName::Softmax)]
    score: ScoreName,
    /// The class that the score speaks for, by name or index [default: 1].
    #[arg(long, value_name = "CLASS")]
    positive: Option<String>,
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    images: ImageArguments,
    #[command(flatten)]
    effort: EffortArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScoreName {
    Softmax,
    Sigmoid,
}

/// Which network, and what it expects. What is not said is taken from the weights file's card, else from what is usual for
/// the network.
#[derive(Args)]
pub(crate) struct ModelArguments {
    /// Trained weights: a safetensors or PyTorch (.pth, .pt) file, or hf://OWNER/REPO@REVISION/FILE (revision and file may be left out).
    #[arg(short, long, value_name = "WEIGHTS")]
    weights: String,
    #[command(flatten)]
    pub(crate) card: CardArguments,
}

#[derive(Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct CardArguments {
    /// The network, such as resnet50, where the weights file does not tell.
    #[arg(long, visible_alias = "network", value_name = "NAME")]
    backbone: Option<String>,
    /// Side of the square input, in pixels [default: the card's, else the network's].
    #[arg(long, value_name = "PX")]
    input_px: Option<usize>,
    /// Mean of red, green and blue on the scale 0 to 1 [default: the card's, else the network's].
    #[arg(long, value_name = "R,G,B", value_parser = triple)]
    mean: Option<[f32; 3]>,
    /// Standard deviation of red, green and blue on the scale 0 to 1 [default: the card's, else the network's].
    #[arg(long, value_name = "R,G,B", value_parser = triple)]
    std: Option<[f32; 3]>,
    /// Names of the classes in the order of the logits [default: the card's, else the manifest's, else 0, 1, ...].
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    classes: Option<Vec<String>>,
    /// Where the CAM is taken: before the last batch norm as the released code does, or from the tensor that is pooled
    /// [default: the card's, else released].
    #[arg(long, value_enum)]
    tap: Option<TapName>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TapName {
    Released,
    Pooled,
}

fn triple(text: &str) -> Result<[f32; 3], String> {
    let numbers: Result<Vec<f32>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    let numbers = numbers.ok().and_then(|numbers| <[f32; 3]>::try_from(numbers).ok());
    numbers.ok_or_else(|| "expected three numbers with commas between, such as 0.5,0.5,0.5".to_owned())
}

/// Which images, and what is known of them.
#[derive(Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct ImageArguments {
    /// A folder (searched with its subfolders), an image, a table (.csv, .tsv), a manifest (.yaml) or a manifest's id.
    #[arg(short, long, value_name = "WHAT")]
    images: String,
    /// Column of the table that holds the images' paths [default: image, path, file or filename].
    #[arg(long, value_name = "NAME")]
    image_column: Option<String>,
    /// Column of the table that holds the labels [default: label, if there is one].
    #[arg(long, value_name = "NAME")]
    label_column: Option<String>,
    /// Column of the table that holds the sources [default: source, if there is one].
    #[arg(long, value_name = "NAME")]
    source_column: Option<String>,
    /// Folder that the table's relative paths start from [default: the table's].
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Which images of a manifest [default: test].
    #[arg(long, value_enum)]
    split: Option<SplitName>,
    /// What the labels are called among the network's classes.
    #[arg(long, value_name = "LABEL=CLASS,...", value_delimiter = ',', value_parser = pair)]
    label_map: Vec<(String, String)>,
    /// Take no notice of labels.
    #[arg(long)]
    no_labels: bool,
    /// Folder of the manifests that are named by id. Default: the nearest `data-manifests` at or above the working directory.
    #[arg(long, value_name = "DIR", env = "CYBORG_MANIFESTS", hide_default_value = true, default_value_os_t = crate::places::manifests())]
    manifests: PathBuf,
    /// Folder that holds the data sets, each in a folder of its id, in place of the manifests' own roots.
    #[arg(long, value_name = "DIR", env = "CYBORG_DATA")]
    data_root: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum SplitName {
    Train,
    Validation,
    Test,
    All,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(label, class)| (label.to_owned(), class.to_owned()));
    pair.ok_or_else(|| "expected LABEL=CLASS".to_owned())
}

/// How much is done at once.
#[derive(Args)]
#[command(next_help_heading = "Effort")]
pub(crate) struct EffortArguments {
    /// Images that go through the network together; memory grows with it.
    #[arg(long, value_name = "N", default_value_t = Effort::default().batch_size, value_parser = at_least_one)]
    batch: usize,
    /// Threads that decode images [default: one a core].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    jobs: Option<usize>,
    /// No progress and no remarks, only the result and what failed.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "expected a whole number above 0".to_owned())
}

impl CardArguments {
    pub(crate) fn options(&self) -> Result<ModelOptions> {
        Ok(ModelOptions {
            backbone: self.backbone.as_deref().map(backbone_from_name).transpose()?,
            input_px: self.input_px,
            mean: self.mean,
            std: self.std,
            tap: self.tap.map(|tap| match tap {
                TapName::Released => Tap::RELEASED,
                TapName::Pooled => Tap::POOLED,
            }),
            classes: self.classes.clone(),
        })
    }
}

impl EffortArguments {
    pub(crate) fn effort(&self) -> Effort {
        Effort { batch_size: self.batch, n_threads: self.jobs.unwrap_or(Effort::default().n_threads) }
    }
}

/// Finds the images, opens the weights, labels the ones with the classes of the others, and tells what should be known.
pub(crate) fn open(model: &ModelArguments, images: &ImageArguments, quiet: bool) -> Result<(Model, Images)> {
    let list = ImageList::find(
        &images.images,
        &ImageOptions {
            image_column: images.image_column.clone(),
            label_column: images.label_column.clone(),
            source_column: images.source_column.clone(),
            root: images.root.clone(),
            split: images.split.map(|split| match split {
                SplitName::Train => SplitChoice::One(Split::Train),
                SplitName::Validation => SplitChoice::One(Split::Validation),
                SplitName::Test => SplitChoice::One(Split::Test),
                SplitName::All => SplitChoice::All,
            }),
            manifests: images.manifests.clone(),
            data_root: images.data_root.clone(),
        },
    )?;
    let path = crate::weights::fetch(&model.weights, quiet)?;
    let (model, card, report) = Model::open(&path, &model.card.options()?, list.class_names())?;
    let labels = LabelOptions {
        map: images.label_map.iter().cloned().collect::<BTreeMap<_, _>>(),
        ignore: images.no_labels,
    };
    let images = list.with_classes(model.classes(), &labels)?;
    if !quiet {
        remark(&describe(&model));
        if card.cyborg_version.is_none() {
            remark(
                "the weights file has no card: what the options do not say is what is usual for the network",
            );
        }
        report.lines().iter().chain(&images.notes).for_each(|note| remark(note));
    }
    Ok((model, images))
}

fn describe(model: &Model) -> String {
    let classes = model.classes();
    let names = if classes.are_named() && classes.len() <= 12 {
        format!(" ({})", classes.names().join(", "))
    } else {
        String::new()
    };
    let (network, px) = (model.network().architecture(), model.input().input_px());
    format!("{network}, {} classes{names}, input {px} px", classes.len())
}

pub(crate) fn run(arguments: &PredictArguments) -> Result<ExitCode> {
    let output = Output::from_name(&arguments.output)?;
    let quiet = arguments.effort.quiet;
    let (model, images) = open(&arguments.model, &arguments.images, quiet)?;
    let positive = positive(arguments.positive.as_deref(), model.classes())?;
    let score = match arguments.score {
        ScoreName::Softmax => ScoreKind::Softmax,
        ScoreName::Sigmoid => ScoreKind::Sigmoid,
    };
    if !quiet {
        let what = match score {
            ScoreKind::Softmax => "softmax probability",
            ScoreKind::Sigmoid => "sigmoid of the logit",
        };
        remark(&format!("score: {what} of class {positive} (`{}`)", model.classes().names()[positive]));
    }
    let columns = Columns {
        source: images.have_sources(),
        label: images.have_labels(),
        n_classes: model.classes().len(),
    };
    let mut table = ScoreTable::create(&output, columns)?;
    let options = PredictOptions { score, positive, effort: arguments.effort.effort() };
    let mut progress = Pictures::new(images.items.len(), quiet);
    let result = cyborg_predict::predict(&model, &images, options, &mut table, &mut |p| progress.set(p));
    progress.end();
    let failed = output.path().map(failed_path);
    let outcome = match result.and_then(|outcome| table.finish().map(|()| outcome)) {
        // Whoever read our output has read enough.
        Err(error) if is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
        other => other?,
    };
    if let Some(path) = &failed {
        write_failures(path, &outcome.failures)?;
    }
    if let Some(path) = output.path() {
        let rate = progress.rate(outcome.n_done);
        print(&format!("scores: {} ({} images, {rate:.1} a second)", path.display(), outcome.n_done));
    }
    Ok(tell_failures(&outcome.failures, failed.as_deref()))
}

fn positive(word: Option<&str>, classes: &Classes) -> Result<usize> {
    let Some(word) = word else { return Ok(1.min(classes.len() - 1)) };
    Ok(classes.find(word).ok_or_else(|| PredictError::no_class("positive", word, "a class", classes))?)
}

fn is_broken_pipe(error: &PredictError) -> bool {
    matches!(error, PredictError::Write { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
}

/// What failed, on stderr, and the exit code that says so.
#[expect(clippy::print_stderr, reason = "failures go to stderr, results to stdout")]
pub(crate) fn tell_failures(failures: &[Failure], list: Option<&std::path::Path>) -> ExitCode {
    const SHOWN: usize = 20;
    if failures.is_empty() {
        return ExitCode::SUCCESS;
    }
    let n = failures.len();
    eprintln!("error: {n} {} could not be used:", if n == 1 { "image" } else { "images" });
    for failure in failures.iter().take(SHOWN) {
        eprintln!("  {}", for_terminal(&failure.to_string()));
    }
    if failures.len() > SHOWN {
        eprintln!("  and {} more", failures.len() - SHOWN);
    }
    if let Some(list) = list {
        eprintln!("all of them: {}", list.display());
    }
    ExitCode::from(SOME_FAILED)
}

#[expect(clippy::print_stderr, reason = "remarks go to stderr, results to stdout")]
pub(crate) fn remark(text: &str) {
    eprintln!("{}", for_terminal(text));
}
