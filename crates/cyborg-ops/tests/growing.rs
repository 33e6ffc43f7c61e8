//! Maps that grow against the same network of concatenations.
#![allow(missing_docs, reason = "a test")]

mod common;

use candle_core::{Result, Tensor, Var};
use common::{noise, values};
use cyborg_ops::{After, BatchStatistics, Channels, Conv2dConfig, Growing, Tape, Value};

const EPS: f64 = 1e-5;
/// Channels that each layer adds.
const GROWTH: usize = 3;
const FIRST: usize = 5;
const LAYERS: usize = 3;
const SAME: Conv2dConfig =
    Conv2dConfig { stride: (1, 1), padding: (1, 1), extra_padding: (0, 0), dilation: (1, 1), groups: 1 };

/// Where the last batch norm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Behind all layers.
    All,
    /// Before the last layer, whose channels are wanted by nobody.
    BeforeLast,
    /// Behind all layers, with a sum of itself and something else.
    Sum,
    /// Behind all layers, once before the maps are said to be whole and once after.
    Two,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    dims: [usize; 4],
    train: bool,
    end: End,
    /// Whether the first maps want a gradient.
    first_wanted: bool,
}

/// The channels so far, in one way or the other.
enum Features {
    Growing(Growing),
    Concatenated(Value),
}

impl Features {
    fn input(&self) -> Channels<'_> {
        match self {
            Self::Growing(growing) => growing.into(),
            Self::Concatenated(value) => value.into(),
        }
    }
}

/// Gamma, beta, mean, variance and weights of each layer and of the last two norms.
struct Parameters {
    first: Tensor,
    norms: Vec<[Tensor; 4]>,
    weights: Vec<Tensor>,
    other: Tensor,
}

impl Parameters {
    fn new(settings: Settings) -> Result<(Self, Vec<Tensor>)> {
        let [batch, _, height, width] = settings.dims;
        let mut variables = Vec::new();
        let mut variable = |tensor: Tensor| -> Result<Tensor> {
            let tensor = Var::from_tensor(&tensor)?.into_inner();
            variables.push(tensor.clone());
            Ok(tensor)
        };
        let first = noise(&[batch, FIRST, height, width], 1);
        let first = if settings.first_wanted { variable(first)? } else { first };
        let (mut norms, mut weights) = (Vec::new(), Vec::new());
        for layer in 0..LAYERS + 2 {
            let channels = FIRST + GROWTH * layer.min(LAYERS);
            let seed = 10 * layer as u64;
            let mean = noise(&[channels], seed + 4);
            let variance = (noise(&[channels], seed + 5) + 1.5)?;
            let gamma = variable((noise(&[channels], seed + 2) + 1.5)?)?;
            norms.push([gamma, variable(noise(&[channels], seed + 3))?, mean, variance]);
            if layer < LAYERS {
                weights.push(variable(noise(&[GROWTH, channels, 3, 3], seed + 6))?);
            }
        }
        let other = variable(noise(&[batch, FIRST + GROWTH * LAYERS, height, width], 7))?;
        Ok((Self { first, norms, weights, other }, variables))
    }
}

struct Run {
    outputs: Vec<Vec<f32>>,
    statistics: Vec<Vec<f32>>,
    gradients: Vec<Option<Vec<f32>>>,
}

fn norm(
    tape: &Tape,
    features: &Features,
    parameters: &[Tensor; 4],
    after: After<'_>,
    settings: Settings,
    statistics: &mut Vec<Vec<f32>>,
) -> Result<Value> {
    let [gamma, beta, mean, variance] = parameters;
    if !settings.train {
        return tape.batch_norm_eval(features.input(), [gamma, beta, mean, variance], EPS, after);
    }
    let (output, BatchStatistics { mean, variance }) =
        tape.batch_norm_train(features.input(), gamma, beta, EPS, after)?;
    statistics.extend([values(&mean), values(&variance)]);
    Ok(output)
}

fn run(grows: bool, settings: Settings) -> Result<Run> {
    let (parameters, variables) = Parameters::new(settings)?;
    let tape = Tape::new(true);
    let first = tape.input(&parameters.first)?;
    let other = tape.input(&parameters.other)?;
    let mut features = if grows {
        Features::Growing(tape.growing(&first, FIRST + GROWTH * LAYERS)?)
    } else {
        Features::Concatenated(first)
    };
    let mut statistics = Vec::new();
    let mut ends = Vec::new();
    for (layer, weight) in parameters.weights.iter().enumerate() {
        if settings.end == End::BeforeLast && layer == LAYERS - 1 {
            let parameters = &parameters.norms[layer];
            ends.push(norm(&tape, &features, parameters, After::Nothing, settings, &mut statistics)?);
        }
        let inner = norm(&tape, &features, &parameters.norms[layer], After::Relu, settings, &mut statistics)?;
        let new = tape.conv2d(&inner, weight, SAME)?;
        match &mut features {
            Features::Growing(growing) => tape.grow(growing, &new)?,
            Features::Concatenated(value) => *value = tape.concat_channels(&[value, &new])?,
        }
    }
    if settings.end == End::Two {
        let parameters = &parameters.norms[LAYERS];
        ends.push(norm(&tape, &features, parameters, After::Relu, settings, &mut statistics)?);
    }
    if let Features::Growing(growing) = features {
        features = Features::Concatenated(tape.grown(growing)?);
    }
    let after = match settings.end {
        End::BeforeLast => None,
        End::All => Some(After::Nothing),
        End::Sum => Some(After::AddRelu(&other)),
        End::Two => Some(After::Add(&other)),
    };
    if let Some(after) = after {
        let parameters = &parameters.norms[LAYERS + 1];
        ends.push(norm(&tape, &features, parameters, after, settings, &mut statistics)?);
    }
    // As many results as there can be: the first twice where there is one.
    let [a, b] = tape.finish([&ends[0], &ends[ends.len() - 1]])?;
    let loss = |tensor: &Tensor, seed| (tensor * noise(tensor.dims(), seed))?.sum_all();
    let gradients = (loss(&a, 8)? + loss(&b, 9)?)?.backward()?;
    let gradients = variables.iter().map(|variable| gradients.get(variable).map(values)).collect();
    Ok(Run { outputs: vec![values(&a), values(&b)], statistics, gradients })
}

/// Of the largest value. Measured: 1.2e-6 at worst: sums in f32 over other blocks of rows.
const TOLERANCE: f32 = 5e-6;

/// The largest difference, as a part of the largest value.
fn worst(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0_f32, |l, value| l.max(value.abs()));
    let difference = largest(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    difference / largest(&mut expected.iter().copied())
}

fn all_settings(dims: [usize; 4]) -> Vec<Settings> {
    let mut all = Vec::new();
    for train in [true, false] {
        for end in [End::All, End::BeforeLast, End::Sum, End::Two] {
            for first_wanted in [true, false] {
                all.push(Settings { dims, train, end, first_wanted });
            }
        }
    }
    all
}

#[test]
fn values_statistics_and_gradients_are_those_of_concatenations() -> Result<()> {
    for dims in [[2, FIRST, 5, 4], [3, FIRST, 33, 31]] {
        for settings in all_settings(dims) {
            let (found, expected) = (run(true, settings)?, run(false, settings)?);
            let pairs = found.outputs.iter().chain(&found.statistics);
            for (found, expected) in pairs.zip(expected.outputs.iter().chain(&expected.statistics)) {
                let worst = worst(found, expected);
                assert!(worst < TOLERANCE, "{settings:?}: {worst}");
            }
            for (index, (found, expected)) in found.gradients.iter().zip(&expected.gradients).enumerate() {
                match (found, expected) {
                    (Some(found), Some(expected)) => {
                        let worst = worst(found, expected);
                        assert!(worst < TOLERANCE, "{settings:?}, gradient {index}: {worst}");
                    }
                    (found, expected) => {
                        assert_eq!(found, expected, "{settings:?}, gradient {index}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn bits_do_not_depend_on_threads() -> Result<()> {
    let settings = Settings { dims: [5, FIRST, 65, 63], train: true, end: End::Two, first_wanted: true };
    let bits = |threads| -> Result<Vec<Vec<u32>>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let run = pool.install(|| run(true, settings))?;
        let gradients = run.gradients.into_iter().flatten();
        let all = run.outputs.into_iter().chain(run.statistics).chain(gradients);
        Ok(all.map(|values| values.into_iter().map(f32::to_bits).collect()).collect())
    };
    let one = bits(1)?;
    for threads in [2, 5] {
        assert!(bits(threads)? == one, "{threads} threads");
    }
    Ok(())
}
