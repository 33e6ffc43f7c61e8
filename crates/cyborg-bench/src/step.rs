//! `bench step`: training steps or evaluations of a network, in turn with PyTorch's.

use crate::check::{self, Agreement};
use crate::protocol::{Launch, Memory, Opened, Process, Request, Timed};
use crate::statistics::{exceeds, median, range};
use crate::{BenchError, Method, Mode, Progress, Settings, Variant, Work};
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What `bench step` measures: everything with everything.
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// Network, input size, batch, mode and seed; method and threads come from the lists.
    pub settings: Settings,
    /// What is minimised.
    pub methods: Vec<Method>,
    /// Threads.
    pub threads: Vec<usize>,
    /// Measured steps of each program.
    pub runs: usize,
    /// How we are started.
    pub ours: Launch,
    /// How PyTorch is started.
    pub torch: Option<Launch>,
}

/// What `bench step` found.
#[derive(Clone, Debug, Serialize)]
pub struct StepFigures {
    /// What was measured.
    pub settings: Settings,
    /// The processor.
    pub processor: String,
    /// Processes that wanted to run beside us in the minute before, where the system tells.
    pub load_before: Option<f64>,
    /// Operations of one image, two a multiply-add.
    pub operations_per_image: f64,
    /// How near the others' numbers were.
    pub agreements: Vec<Agreement>,
    /// Every program with every method and number of threads.
    pub contestants: Vec<Contestant>,
}

impl StepFigures {
    /// How far a program's loss is from ours after one step of the optimiser, relative to its own. None in evaluation,
    /// where nothing moves, and where it is not known.
    pub fn second_loss_error(&self, contestant: &Contestant) -> Option<f64> {
        let ours = ours_of(&self.contestants, contestant)?;
        let (our, their) = (ours.values.get(1)?, contestant.values.get(1)?);
        (self.settings.mode == Mode::Train).then_some((our - their).abs() / their.abs())
    }
}

/// Ours with the same method.
fn ours_of<'a>(contestants: &'a [Contestant], like: &Contestant) -> Option<&'a Contestant> {
    contestants.iter().find(|other| other.variant.is_none() && other.method == like.method)
}

/// One program's steps.
#[derive(Clone, Debug, Serialize)]
pub struct Contestant {
    /// `cyborg` or a [`Variant`]'s name.
    pub program: String,
    /// PyTorch's variant.
    pub variant: Option<Variant>,
    /// What it minimises.
    pub method: Method,
    /// With so many threads.
    pub threads: usize,
    /// Seconds from the start of the process until it could begin its first step, less those for the batch.
    pub start_s: f64,
    /// Of these for the network and its weights.
    pub network_s: f64,
    /// Seconds of the first step.
    pub first_s: f64,
    /// Seconds of each step by the clock.
    pub seconds: Vec<f64>,
    /// Seconds of each step on processors, where the system tells.
    pub cpu_seconds: Option<Vec<f64>>,
    /// Loss before each step, the first one first; in evaluation the mean logit.
    pub values: Vec<f64>,
    /// Memory.
    pub memory: Memory,
    /// Operations a second of the fastest matrix product, ours with the same number of threads.
    pub gemm_peak: Option<f64>,
    /// Versions and settings.
    pub about: BTreeMap<String, String>,
}

impl Contestant {
    /// Of these images a step: median, smallest, largest.
    pub fn images_per_second(&self, batch: usize) -> (f64, f64, f64) {
        let (fastest, slowest) = range(&self.seconds);
        let rate = |seconds: f64| batch as f64 / seconds;
        (rate(self.median_s()), rate(slowest), rate(fastest))
    }

    /// Of a step, by the clock.
    pub fn median_s(&self) -> f64 {
        median(&self.seconds)
    }

    /// Of a step, on processors.
    pub fn median_cpu_s(&self) -> Option<f64> {
        self.cpu_seconds.as_deref().map(median)
    }
}

/// Let threads that wait by spinning (OpenMP's do, for milliseconds) go to sleep before the next program's turn.
const PAUSE: Duration = Duration::from_millis(200);
/// Of the losses before the first step. See `check`.
const FIRST_VALUE: f64 = 1e-5;
/// Of the losses before the second: the first step has moved every parameter.
/// Measured: 2.3e-7 at most.
const SECOND_VALUE: f64 = 1e-4;

/// Compares, then measures.
///
/// # Errors
/// [`BenchError::Differ`] where two programs compute other numbers; else what goes wrong with a process.
pub fn run_step(plan: &StepPlan, progress: Progress<'_>) -> Result<StepFigures, BenchError> {
    let architecture = plan.settings.architecture()?;
    plan.settings.grid()?;
    let work = Work::of(architecture, plan.settings.input_px, 2);
    let training = plan.settings.mode == Mode::Train;
    let operations_per_image = 2.0 * if training { work.train } else { work.forward } as f64;
    let load_before = crate::system::load();
    let inputs = tempfile::tempdir()?;
    let agreements = check_all(plan, inputs.path(), progress)?;
    let contestants = measure(plan, inputs.path(), progress)?;
    check_values(&contestants)?;
    let processor = crate::system::processor();
    let settings = plan.settings.clone();
    Ok(StepFigures { settings, processor, load_before, operations_per_image, agreements, contestants })
}

/// PyTorch's ways in this mode; none without PyTorch.
fn variants(plan: &StepPlan) -> &'static [Variant] {
    match (&plan.torch, plan.settings.mode) {
        (None, _) => &[],
        (Some(_), Mode::Train) => &[Variant::Nchw, Variant::ChannelsLast],
        (Some(_), Mode::Eval) => &[Variant::Nchw, Variant::ChannelsLast, Variant::Folded],
    }
}

fn launch(plan: &StepPlan, variant: Option<Variant>, threads: usize) -> Launch {
    let (base, names): (&Launch, &[&str]) = match (&plan.torch, variant) {
        (Some(torch), Some(_)) => (torch, &["OMP_NUM_THREADS", "MKL_NUM_THREADS"]),
        _ => (&plan.ours, &["RAYON_NUM_THREADS"]),
    };
    let mut launch = base.clone();
    if let Some(variant) = variant {
        variant.name().clone_into(&mut launch.who);
    }
    launch.environment.extend(names.iter().map(|name| (*name, threads.to_string())));
    launch
}

/// Starts a program and has it made ready. Seconds from its start until then, less those for the batch.
fn open(
    plan: &StepPlan,
    variant: Option<Variant>,
    (method, threads): (Method, usize),
    inputs: &Path,
) -> Result<(Process, Opened, f64), BenchError> {
    let inputs = variant.map(|_| inputs.to_owned());
    let settings = Settings { method, threads, variant, inputs, ..plan.settings.clone() };
    let clock = Instant::now();
    let mut process = Process::start(&launch(plan, variant, threads))?;
    let opened: Opened = process.ask(&Request::Open(settings))?;
    let start_s = clock.elapsed().as_secs_f64() - opened.data_s;
    Ok((process, opened, start_s))
}

/// Compares first steps, each program in a process that ends before anything is measured. Leaves weights and batch in
/// `inputs`.
fn check_all(plan: &StepPlan, inputs: &Path, progress: Progress<'_>) -> Result<Vec<Agreement>, BenchError> {
    let mut agreements = Vec::new();
    let threads = plan.threads.iter().copied().max().unwrap_or(1);
    for &method in &plan.methods {
        let ours = inputs.join("ours");
        progress(&format!("checking: plain loops {}", method.name()));
        agreements.push(check_against_portable(plan, method, threads, inputs)?);
        if variants(plan).is_empty() {
            continue;
        }
        progress(&format!("checking: {} {}", plan.ours.who, method.name()));
        let (mut process, _, _) = open(plan, None, (method, threads), inputs)?;
        process.ask::<()>(&Request::Export { dir: inputs.to_owned() })?;
        first(&mut process, Some(ours.clone()))?;
        drop(process);
        for &variant in variants(plan) {
            progress(&format!("checking: {} {}", variant.name(), method.name()));
            let theirs = inputs.join("theirs");
            let (mut process, _, _) = open(plan, Some(variant), (method, threads), inputs)?;
            first(&mut process, Some(theirs.clone()))?;
            let names = (plan.ours.who.as_str(), variant.name());
            // Where it is folded there is no output of the last convolution alone.
            let left_out: &[&str] = if variant == Variant::Folded { &["features"] } else { &[] };
            agreements.push(check::compare((&ours, &theirs), names, method.name(), left_out)?);
        }
    }
    Ok(agreements)
}

/// Images of the comparison with plain loops, which take a hundred times as long.
const PORTABLE_BATCH: usize = 2;

/// Compares our first step with the same by plain loops, each in a process of its own.
fn check_against_portable(
    plan: &StepPlan,
    method: Method,
    threads: usize,
    inputs: &Path,
) -> Result<Agreement, BenchError> {
    let step = |portable: &str, file: &str| -> Result<PathBuf, BenchError> {
        let settings = Settings { batch: plan.settings.batch.min(PORTABLE_BATCH), ..plan.settings.clone() };
        let mut ours = plan.ours.clone();
        ours.environment.push(("CYBORG_PORTABLE_KERNELS", portable.to_owned()));
        let plan = StepPlan { settings, ours, ..plan.clone() };
        let path = inputs.join(file);
        let (mut process, _, _) = open(&plan, None, (method, threads), inputs)?;
        first(&mut process, Some(path.clone()))?;
        Ok(path)
    };
    let (ours, portable) = (step("0", "ours")?, step("1", "portable")?);
    check::compare((&ours, &portable), (&plan.ours.who, "plain loops"), method.name(), &[])
}

fn first(process: &mut Process, write: Option<PathBuf>) -> Result<Timed, BenchError> {
    process.ask(&Request::First { write })
}

fn measure(plan: &StepPlan, inputs: &Path, progress: Progress<'_>) -> Result<Vec<Contestant>, BenchError> {
    let mut running: Vec<(Process, Contestant)> = Vec::new();
    for &threads in &plan.threads {
        for &method in &plan.methods {
            for variant in std::iter::once(None).chain(variants(plan).iter().map(|&v| Some(v))) {
                let program =
                    variant.map_or_else(|| plan.ours.who.clone(), |variant| variant.name().to_owned());
                progress(&format!("first step: {program} {}, {threads} thread(s)", method.name()));
                let (mut process, opened, start_s) = open(plan, variant, (method, threads), inputs)?;
                let warm = first(&mut process, None)?;
                let contestant = Contestant {
                    program,
                    variant,
                    method,
                    threads,
                    start_s,
                    network_s: opened.network_s,
                    first_s: warm.seconds,
                    seconds: Vec::new(),
                    cpu_seconds: Some(Vec::new()),
                    values: vec![warm.value],
                    memory: Memory { peak_bytes: None, before_bytes: None },
                    gemm_peak: None,
                    about: opened.about,
                };
                running.push((process, contestant));
            }
        }
    }
    for run in 1..=plan.runs {
        let mut line = format!("step {run}/{}:", plan.runs);
        for (process, contestant) in &mut running {
            std::thread::sleep(PAUSE);
            let timed: Timed = process.ask(&Request::Step)?;
            contestant.seconds.push(timed.seconds);
            contestant.values.push(timed.value);
            match (&mut contestant.cpu_seconds, timed.cpu_seconds) {
                (Some(all), Some(seconds)) => all.push(seconds),
                (all, _) => *all = None,
            }
            line = format!("{line} {} {:.3} s,", contestant.program, timed.seconds);
        }
        progress(line.trim_end_matches(','));
    }
    for (process, contestant) in &mut running {
        contestant.memory = process.ask(&Request::Memory)?;
    }
    let mut peaks: BTreeMap<usize, f64> = BTreeMap::new();
    for (process, contestant) in running.iter_mut().filter(|(_, contestant)| contestant.variant.is_none()) {
        if let Entry::Vacant(unknown) = peaks.entry(contestant.threads) {
            progress(&format!("largest matrix products, {} thread(s)", contestant.threads));
            std::thread::sleep(PAUSE);
            unknown.insert(process.ask(&Request::Peak)?);
        }
    }
    let with_peak = |(_, mut contestant): (Process, Contestant)| {
        contestant.gemm_peak = peaks.get(&contestant.threads).copied();
        contestant
    };
    Ok(running.into_iter().map(with_peak).collect())
}

/// What was measured computed the same too: every program begins with the same loss and goes on to the same, and ours has
/// the same bits whatever the number of threads.
fn check_values(contestants: &[Contestant]) -> Result<(), BenchError> {
    for contestant in contestants {
        let Some(ours) = ours_of(contestants, contestant) else { continue };
        let mut differences = Vec::new();
        if contestant.variant.is_none() {
            if contestant.values != ours.values {
                differences.push(format!(
                    "  losses {:?} with {} thread(s), {:?} with {}: the same bits were expected",
                    contestant.values, contestant.threads, ours.values, ours.threads
                ));
            }
        } else {
            let pairs = ours.values.iter().zip(&contestant.values);
            for (step, ((our, their), bound)) in pairs.zip([FIRST_VALUE, SECOND_VALUE]).enumerate() {
                if exceeds((our - their).abs(), bound * their.abs()) {
                    let step = step + 1;
                    differences.push(format!(
                        "  before step {step}: {our} and {their}, rounding is below {bound:.0e}"
                    ));
                }
            }
        }
        if !differences.is_empty() {
            let name =
                |contestant: &Contestant| format!("{} ({} threads)", contestant.program, contestant.threads);
            return Err(BenchError::Differ { a: name(ours), b: name(contestant), differences });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contestant(variant: Option<Variant>, threads: usize, values: &[f64]) -> Contestant {
        Contestant {
            program: variant.map_or("cyborg", Variant::name).to_owned(),
            variant,
            method: Method::Cyborg,
            threads,
            start_s: 0.0,
            network_s: 0.0,
            first_s: 0.0,
            seconds: vec![2.0, 1.0, 4.0],
            cpu_seconds: None,
            values: values.to_vec(),
            memory: Memory { peak_bytes: None, before_bytes: None },
            gemm_peak: None,
            about: BTreeMap::new(),
        }
    }

    #[test]
    fn rates_come_from_the_median_and_the_extremes() {
        let (rate, low, high) = contestant(None, 1, &[]).images_per_second(20);
        assert_eq!((rate, low, high), (10.0, 5.0, 20.0));
    }

    #[test]
    fn programs_must_go_on_alike() {
        let check = |other: Contestant| {
            let ours = contestant(None, 1, &[0.75, 0.5, 0.25]);
            check_values(&[ours, other]).map_err(|error| error.to_string())
        };
        check(contestant(None, 2, &[0.75, 0.5, 0.25])).expect("the same bits");
        let error = check(contestant(None, 2, &[0.75, 0.5, 0.25 + 1e-15])).expect_err("other bits");
        assert!(error.contains("the same bits were expected"), "{error}");

        let nchw = Some(Variant::Nchw);
        // Later steps go apart: that is rounding, grown by training.
        check(contestant(nchw, 1, &[0.750_001, 0.500_01, 0.3])).expect("near");
        let error = check(contestant(nchw, 1, &[0.7501, 0.5, 0.25])).expect_err("another loss");
        assert!(error.contains("before step 1: 0.75 and 0.7501"), "{error}");
        let error = check(contestant(nchw, 1, &[0.75, 0.51, 0.25])).expect_err("another optimiser");
        assert!(error.contains("before step 2: 0.5 and 0.51"), "{error}");
        let error = check(contestant(nchw, 1, &[f64::NAN, 0.5, 0.25])).expect_err("not a number");
        assert!(error.contains("before step 1"), "{error}");
    }
}
