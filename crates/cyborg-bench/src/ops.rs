//! `bench ops`: every distinct convolution of a network, its three products, beside PyTorch's.

use crate::protocol::{Launch, Opened, Process, Request, Timed};
use crate::statistics::{exceeds, median};
use crate::{BenchError, ConvShape, Progress, Settings, Variant, convolutions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A product of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pass {
    /// The output.
    Forward,
    /// The gradient of the input.
    InputGradient,
    /// The gradient of the weight.
    WeightGradient,
}

impl Pass {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Forward, Self::InputGradient, Self::WeightGradient];

    /// As in tables and names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::InputGradient => "input-gradient",
            Self::WeightGradient => "weight-gradient",
        }
    }
}

/// A convolution as a process is to make it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvTask {
    /// Its shape.
    pub shape: ConvShape,
    /// Images.
    pub batch: usize,
    /// Threads to work with.
    pub threads: usize,
    /// PyTorch's layout; None: ours.
    pub variant: Option<Variant>,
}

/// What `bench ops` measures.
#[derive(Clone, Debug)]
pub struct OpsPlan {
    /// Network, input size, batch, threads.
    pub settings: Settings,
    /// Only convolutions whose name or label has this.
    pub only: Option<String>,
    /// Measurements of each product by each program.
    pub runs: usize,
    /// How we are started.
    pub ours: Launch,
    /// How PyTorch is started.
    pub torch: Option<Launch>,
}

/// What `bench ops` found.
#[derive(Clone, Debug, Serialize)]
pub struct OpsFigures {
    /// What was measured.
    pub settings: Settings,
    /// The processor.
    pub processor: String,
    /// Programs in the order of the times: versions and settings of each.
    pub programs: Vec<(String, BTreeMap<String, String>)>,
    /// A row a product.
    pub rows: Vec<OpsRow>,
}

/// A product of a convolution, measured.
#[derive(Clone, Debug, Serialize)]
pub struct OpsRow {
    /// The convolution.
    pub shape: ConvShape,
    /// The product.
    pub pass: Pass,
    /// Operations, two a multiply-add, of one run over the batch.
    pub operations: f64,
    /// Median seconds by the clock, by program.
    pub seconds: Vec<f64>,
    /// Median seconds on processors, by program, where the system tells.
    pub cpu_seconds: Option<Vec<f64>>,
    /// Largest error of ours against each of the others, relative to the largest value.
    pub errors: Vec<f64>,
}

/// Bound on differences relative to the largest value. Both sides sum in f32: over up to 4,608 products forward, and over
/// all images and cells (250,000 for a stem at batch 20) in weight gradients.
/// Measured at batch 2: 7.3e-6 at most.
const BOUND: f64 = 1e-4;
/// A measurement takes at least this long: short products are repeated.
const AT_LEAST_S: f64 = 0.03;

/// Measures.
///
/// # Errors
/// [`BenchError::Differ`] where PyTorch computes something else; else what goes wrong with a process.
pub fn run_ops(plan: &OpsPlan, progress: Progress<'_>) -> Result<OpsFigures, BenchError> {
    let Settings { batch, threads, input_px, .. } = plan.settings;
    let architecture = plan.settings.architecture()?;
    plan.settings.grid()?;
    let shapes: Vec<ConvShape> = convolutions(architecture, input_px)
        .into_iter()
        .filter(|shape| {
            plan.only.as_ref().is_none_or(|part| shape.name.contains(part) || shape.label().contains(part))
        })
        .collect();
    if shapes.is_empty() {
        let found = format!("`{}`", plan.only.as_deref().unwrap_or_default());
        let expected = "part of a layer's name such as `layer1.0.conv1`, or of a label such as `3x3`";
        return Err(BenchError::Setting { setting: "--only", found, expected: expected.to_owned() });
    }
    let mut launches = vec![(None, plan.ours.clone())];
    if let Some(torch) = &plan.torch {
        for variant in [Variant::Nchw, Variant::ChannelsLast] {
            launches.push((Some(variant), Launch { who: variant.name().to_owned(), ..torch.clone() }));
        }
    }
    let mut programs = Vec::new();
    for (variant, launch) in launches {
        programs.push(Program { variant, who: launch.who.clone(), process: Process::start(&launch)? });
    }
    let mut about = Vec::new();
    let mut rows = Vec::new();
    for (index, shape) in shapes.iter().enumerate() {
        progress(&format!("{}/{}: {} {}", index + 1, shapes.len(), shape.name, shape.label()));
        about.clear();
        for program in &mut programs {
            let task = ConvTask { shape: shape.clone(), batch, threads, variant: program.variant };
            let opened: Opened = program.process.ask(&Request::Convolution(task))?;
            about.push((program.who.clone(), opened.about));
        }
        let errors = compare(&mut programs, shape)?;
        for pass in Pass::ALL {
            if pass == Pass::InputGradient && !shape.needs_input_gradient {
                continue;
            }
            let (seconds, cpu_seconds) = measure(&mut programs, pass, plan.runs)?;
            let operations = 2.0 * shape.multiply_adds() as f64 * batch as f64;
            let errors = errors.iter().map(|errors| errors[&pass]).collect();
            rows.push(OpsRow { shape: shape.clone(), pass, operations, seconds, cpu_seconds, errors });
        }
    }
    let processor = crate::system::processor();
    Ok(OpsFigures { settings: plan.settings.clone(), processor, programs: about, rows })
}

struct Program {
    variant: Option<Variant>,
    who: String,
    process: Process,
}

/// Errors of our results against each other program's.
fn compare(programs: &mut [Program], shape: &ConvShape) -> Result<Vec<BTreeMap<Pass, f64>>, BenchError> {
    let Some((ours, others)) = programs.split_first_mut() else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for other in others {
        let dir = tempfile::tempdir()?;
        other.process.ask::<()>(&Request::Outputs { dir: dir.path().to_owned() })?;
        let request = Request::Compare { dir: dir.path().to_owned() };
        let errors: BTreeMap<Pass, f64> = ours.process.ask(&request)?;
        let far = |(pass, error): (&Pass, &f64)| {
            let text = format!(
                "  {} ({}), {}: {error:.1e} of the largest value, rounding is below {BOUND:.0e}",
                shape.name,
                shape.label(),
                pass.name()
            );
            exceeds(*error, BOUND).then_some(text)
        };
        let mut differences: Vec<String> = errors.iter().filter_map(far).collect();
        for pass in Pass::ALL.iter().filter(|pass| !errors.contains_key(pass)) {
            differences.push(format!("  {}, {}: nothing was written", shape.name, pass.name()));
        }
        if !differences.is_empty() {
            return Err(BenchError::Differ { a: ours.who.clone(), b: other.who.clone(), differences });
        }
        all.push(errors);
    }
    Ok(all)
}

/// Median seconds by the clock and on processors, by program, in turn.
fn measure(
    programs: &mut [Program],
    pass: Pass,
    runs: usize,
) -> Result<(Vec<f64>, Option<Vec<f64>>), BenchError> {
    let mut repeats = Vec::new();
    for program in programs.iter_mut() {
        // The first warms up, the second says how long one takes.
        program.process.ask::<Timed>(&Request::Time { pass, repeats: 1 })?;
        let one: Timed = program.process.ask(&Request::Time { pass, repeats: 1 })?;
        repeats.push((AT_LEAST_S / one.seconds.max(1e-6)).ceil().clamp(1.0, 10_000.0) as usize);
    }
    let mut all = vec![Vec::new(); programs.len()];
    for _ in 0..runs {
        for ((program, &repeats), all) in programs.iter_mut().zip(&repeats).zip(&mut all) {
            all.push(program.process.ask::<Timed>(&Request::Time { pass, repeats })?);
        }
    }
    let clock = |all: &Vec<Timed>| median(&all.iter().map(|timed| timed.seconds).collect::<Vec<_>>());
    let cpu = |all: &Vec<Timed>| {
        let seconds: Option<Vec<f64>> = all.iter().map(|timed| timed.cpu_seconds).collect();
        Some(median(&seconds?))
    };
    Ok((all.iter().map(clock).collect(), all.iter().map(cpu).collect()))
}
