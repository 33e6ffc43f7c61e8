//! `cargo xtask bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use cyborg_bench::{By, Launch, Method, Mode, OpsPlan, Settings, StepPlan};

use crate::print;

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    Step(StepArguments),
    Ops(OpsArguments),
    /// Be measured: requests on stdin, answers on stdout.
    #[command(hide = true)]
    Serve,
}

/// Time training steps: images a second, memory, share of what the machine can do.
///
/// Data are in memory. A step is forward pass, loss, backward pass and SGD; or, with `--mode eval`, a forward pass. One step
/// warms up. Every program runs in a process of its own; they take turns. With `--against torch` the loss, the logits and
/// every gradient are compared first, and there are no ratios where they differ. Do nothing else on the machine meanwhile.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask bench step --backbone resnet50 --batch 20
  cargo xtask bench step --backbone densenet121 --batch 20 --against torch --python venv/bin/python
  cargo xtask bench step --backbone resnet18 --batch 20 --method both --threads 1,2")]
pub(crate) struct StepArguments {
    #[command(flatten)]
    common: CommonArguments,
    /// What is minimised; `both` compares the two.
    #[arg(long, value_enum, default_value_t = Methods::Cyborg)]
    method: Methods,
    /// Training steps, or evaluation alone.
    #[arg(long, value_enum, default_value_t = Modes::Train)]
    mode: Modes,
    /// Numbers of threads, such as 1,2: more than one also gives how the steps scale. Default: one a core.
    #[arg(long, value_name = "T,...", value_delimiter = ',')]
    threads: Vec<usize>,
}

/// Time every distinct convolution of a network at its real size: output, input gradient, weight gradient.
///
/// Each product is repeated for 30 ms at least a measurement; programs take turns. With `--against torch` all values are
/// compared first.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask bench ops --backbone resnet50 --batch 20
  cargo xtask bench ops --backbone xception --batch 8 --threads 1 --only depthwise --against torch")]
pub(crate) struct OpsArguments {
    #[command(flatten)]
    common: CommonArguments,
    /// Number of threads. Default: one a core.
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
    /// Only convolutions with this in their name (layer1.0.conv1) or label (3x3, depthwise).
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// Seconds by the clock, or on processors (less disturbed by other work on the machine).
    #[arg(long, value_enum, default_value_t = Clock::Clock)]
    by: Clock,
}

#[derive(Args)]
struct CommonArguments {
    /// The network, such as resnet50.
    #[arg(long, value_name = "NAME")]
    backbone: String,
    /// Images a step.
    #[arg(long, value_name = "N", default_value_t = 20)]
    batch: usize,
    /// Side of the images in pixels. Default: what the papers use with the network.
    #[arg(long, value_name = "PX")]
    input_px: Option<usize>,
    /// Measurements of each program; their median counts.
    #[arg(long, value_name = "R", default_value_t = 5)]
    runs: usize,
    /// Seed of weights and images.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also measure PyTorch: NCHW as the released code, and channels last.
    #[arg(long, value_enum, value_name = "PROGRAM")]
    against: Option<Against>,
    /// A Python with torch, torchvision and safetensors.
    #[arg(long, value_name = "PATH", env = "CYBORG_PYTHON", default_value = "python3")]
    python: PathBuf,
    /// Also write the figures to this file, every measurement included.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Methods {
    Cyborg,
    CrossEntropy,
    Both,
}

#[derive(Clone, Copy, ValueEnum)]
enum Modes {
    Train,
    Eval,
}

#[derive(Clone, Copy, ValueEnum)]
enum Clock {
    Clock,
    Cpu,
}

#[derive(Clone, Copy, ValueEnum)]
enum Against {
    Torch,
}

pub(crate) fn run(command: &BenchCommand) -> Result<ExitCode> {
    match command {
        BenchCommand::Step(arguments) => step(arguments)?,
        BenchCommand::Ops(arguments) => ops(arguments)?,
        BenchCommand::Serve => cyborg_bench::serve(std::io::stdin().lock(), std::io::stdout().lock())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn step(arguments: &StepArguments) -> Result<()> {
    let common = &arguments.common;
    let threads = if arguments.threads.is_empty() { vec![cores()] } else { arguments.threads.clone() };
    check_threads(&threads)?;
    let mode = match arguments.mode {
        Modes::Train => Mode::Train,
        Modes::Eval => Mode::Eval,
    };
    let methods = match (mode, arguments.method) {
        (Mode::Eval, _) | (_, Methods::Cyborg) => vec![Method::Cyborg],
        (_, Methods::CrossEntropy) => vec![Method::CrossEntropy],
        (_, Methods::Both) => vec![Method::Cyborg, Method::CrossEntropy],
    };
    let plan = StepPlan {
        settings: common.settings(mode, threads[0])?,
        methods,
        threads,
        runs: common.runs,
        ours: ours()?,
        torch: common.torch("torch_step.py"),
    };
    let figures = cyborg_bench::run_step(&plan, &remark)?;
    common.write(&serde_json::to_string_pretty(&figures)?)?;
    print(&cyborg_bench::step_text(&figures));
    Ok(())
}

fn ops(arguments: &OpsArguments) -> Result<()> {
    let common = &arguments.common;
    let threads = arguments.threads.unwrap_or_else(cores);
    check_threads(&[threads])?;
    let with_threads = |mut launch: Launch| {
        for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"] {
            launch.environment.push((name, threads.to_string()));
        }
        launch
    };
    let plan = OpsPlan {
        settings: common.settings(Mode::Train, threads)?,
        only: arguments.only.clone(),
        runs: common.runs,
        ours: with_threads(ours()?),
        torch: common.torch("torch_ops.py").map(with_threads),
    };
    let figures = cyborg_bench::run_ops(&plan, &remark)?;
    common.write(&serde_json::to_string_pretty(&figures)?)?;
    let by = match arguments.by {
        Clock::Clock => By::Clock,
        Clock::Cpu => By::Cpu,
    };
    print(&cyborg_bench::ops_text(&figures, by));
    Ok(())
}

impl CommonArguments {
    fn settings(&self, mode: Mode, threads: usize) -> Result<Settings> {
        let Some(usual_px) = cyborg_bench::usual_input_px(&self.backbone) else {
            let hint = cyborg_manifest::hint(&self.backbone, cyborg_bench::backbones());
            bail!("unknown backbone `{}`{hint}", self.backbone);
        };
        if self.runs == 0 || self.batch == 0 {
            bail!("`--runs` and `--batch` must be at least 1");
        }
        Ok(Settings {
            backbone: self.backbone.clone(),
            input_px: self.input_px.unwrap_or(usual_px),
            batch: self.batch,
            method: Method::Cyborg,
            mode,
            threads,
            seed: self.seed,
            variant: None,
            inputs: None,
        })
    }

    fn torch(&self, script: &str) -> Option<Launch> {
        self.against?;
        let script = crate::places::benches().join(script);
        Some(Launch {
            who: "PyTorch".to_owned(),
            program: self.python.clone(),
            arguments: vec![script.into()],
            environment: Vec::new(),
            hint: "\n  hint: name a Python with `--python` or CYBORG_PYTHON that has what `pip install torch torchvision \
                   safetensors numpy` brings",
        })
    }

    fn write(&self, figures: &str) -> Result<()> {
        let Some(path) = &self.json else { return Ok(()) };
        fs_err::write(path, format!("{figures}\n")).context("cannot write the figures")
    }
}

/// This very program, asked to be measured; memory and threads set as for every command.
fn ours() -> Result<Launch> {
    Ok(Launch {
        who: "cyborg".to_owned(),
        program: std::env::current_exe().context("cannot find this program to start it again")?,
        arguments: vec!["bench".into(), "serve".into()],
        environment: crate::startup::ENVIRONMENT.map(|(name, value)| (name, value.to_owned())).into(),
        hint: "",
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn check_threads(threads: &[usize]) -> Result<()> {
    let cores = cores();
    if threads.contains(&0) {
        bail!("`--threads` must be at least 1");
    }
    if let Some(many) = threads.iter().find(|threads| **threads > cores) {
        remark(&format!("{many} threads on {cores} core(s): times will say little"));
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "progress goes to stderr; stdout carries the result")]
fn remark(line: &str) {
    eprintln!("{line}");
}
