//! Optimisers, schedules and clipping against PyTorch; `golden/torch_optim.py` made the values and says how.

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use cyborg_optim::{
    Adam, AdamW, Clip, ConstantRate, CosineDecay, CosineInterval, Moment, MultiStepDecay, Optimiser,
    Parameter, Schedule, Sgd, StepDecay, WarmUp,
};
use cyborg_settings::{AtLeastOne, BelowOne, Fraction, NonNegative, Positive};
use std::collections::HashMap;
use std::path::Path;

const STEPS: usize = 20;
const SAVED_AFTER: [usize; 3] = [1, 7, 20];
const NAMES: [&str; 4] = ["conv", "bias", "scalar", "odd"];
/// `bias` has no gradient at these steps.
const WITHOUT_GRADIENT: [usize; 4] = [0, 3, 4, 11];

type Golden = HashMap<String, Tensor>;

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/torch_optim.safetensors");
    candle_core::safetensors::load(path, &Device::Cpu).expect("the golden file is whole")
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.flatten_all().and_then(|flat| flat.to_dtype(candle_core::DType::F64));
    tensor.and_then(|flat| flat.to_vec1()).expect("numbers")
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    let numbers: Vec<f32> = tensor.flatten_all().and_then(|flat| flat.to_vec1()).expect("f32");
    numbers.into_iter().map(f32::to_bits).collect()
}

/// The parameters at their first values, with the factors of `torch_optim.py` where there are groups.
fn parameters(golden: &Golden, groups: bool) -> Vec<Parameter> {
    let factors = [(10.0, 1.0), (1.0, 0.0), (0.5, 2.0), (1.0, 1.0)];
    let parameter = |(name, factors): (&str, (f64, f64))| {
        // Copied: a variable of a golden tensor would share its memory.
        let value = golden[&format!("value/{name}")].copy().expect("a copy");
        let (learning_rate_factor, weight_decay_factor) = if groups { factors } else { (1.0, 1.0) };
        let var = Var::from_tensor(&value).expect("a variable");
        Parameter { learning_rate_factor, weight_decay_factor, ..Parameter::new(name, var) }
    };
    NAMES.into_iter().zip(factors).map(parameter).collect()
}

/// The gradients of a step: those of the sum of each parameter times a given tensor.
fn gradients(golden: &Golden, parameters: &[Parameter], step: usize) -> GradStore {
    let mut store = parameters[0].var.sum_all().and_then(|sum| sum.backward()).expect("gradients");
    store.remove(parameters[0].var.as_tensor());
    for parameter in parameters {
        if parameter.name == "bias" && WITHOUT_GRADIENT.contains(&step) {
            continue;
        }
        let gradient = golden[&format!("gradient/{}", parameter.name)].get(step).expect("a step");
        store.insert(parameter.var.as_tensor(), gradient);
    }
    store
}

/// As in `torch_optim.py`.
fn rate(optimiser: &dyn Optimiser, step: usize) -> f64 {
    optimiser.learning_rate() * (1.0 - step as f64 / 40.0)
}

/// The largest difference, as a share of the largest expected number.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0, |largest: f64, number| largest.max(number.abs()));
    let differences = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
    differences.fold(0.0, f64::max) / largest
}

/// Twenty steps beside PyTorch's, then the state beside PyTorch's: `state` pairs our name with that of PyTorch.
///
/// PyTorch's own float32 is up to 3.0e-7 from its float64 here (`torch_optim.py` prints it). PyTorch fuses
/// multiplications with additions where the processor can, we round after each: parameters differ by up to 1.4e-7,
/// the state by up to 1.7e-7.
fn check(name: &str, optimiser: &dyn Optimiser, groups: bool, clip: &Clip, state: &[(&str, &str)]) {
    let golden = golden();
    let parameters = parameters(&golden, groups);
    let mut optimiser_state = optimiser.start(&parameters);
    for step in 0..STEPS {
        let mut gradients = gradients(&golden, &parameters, step);
        let norm = clip.apply(&parameters, &mut gradients).expect("gradients fit");
        if let Some(norm) = norm {
            let expected = numbers(&golden[&format!("{name}/norms")])[step];
            assert!((norm - expected).abs() <= 1e-6 * expected, "{name}: norm {norm}, PyTorch {expected}");
        }
        optimiser_state.step(&gradients, rate(optimiser, step)).expect("gradients fit");
        let Some(index) = SAVED_AFTER.iter().position(|&saved| saved == step + 1) else { continue };
        for parameter in &parameters {
            let expected = golden[&format!("{name}/{}", parameter.name)].get(index).expect("saved");
            let off = difference(&numbers(parameter.var.as_tensor()), &numbers(&expected));
            assert!(off <= 1e-6, "{name}: `{}` after {} steps is off by {off:e}", parameter.name, step + 1);
        }
    }
    let tensors: HashMap<String, Tensor> =
        optimiser_state.tensors().expect("the state").into_iter().collect();
    assert_eq!(tensors.len(), NAMES.len() * state.len());
    for (ours, theirs) in state {
        // All parameters together: the one number of `scalar` may come out near 0, where a share of it means
        // nothing.
        let found: Vec<f64> =
            NAMES.iter().flat_map(|parameter| numbers(&tensors[&format!("{ours}/{parameter}")])).collect();
        let expected = NAMES.iter().map(|parameter| &golden[&format!("{name}/{theirs}/{parameter}")]);
        let off = difference(&found, &expected.flat_map(numbers).collect::<Vec<_>>());
        assert!(off <= 1e-6, "{name}: {ours} is off by {off:e}");
    }
}

const MOMENTUM: &[(&str, &str)] = &[("momentum", "momentum_buffer")];
const MOMENTS: &[(&str, &str)] =
    &[("first_moment", "exp_avg"), ("second_moment", "exp_avg_sq"), ("step_count", "step")];

fn positive(number: f64) -> Positive {
    Positive::new(number).expect("above 0")
}

fn not_negative(number: f64) -> NonNegative {
    NonNegative::new(number).expect("not negative")
}

fn below_one(number: f64) -> BelowOne {
    BelowOne::new(number).expect("below 1")
}

fn sgd(learning_rate: f64, momentum: f64, weight_decay: f64) -> Sgd {
    Sgd {
        learning_rate: positive(learning_rate),
        momentum: below_one(momentum),
        weight_decay: not_negative(weight_decay),
        nesterov: false,
    }
}

#[test]
fn sgd_moves_as_in_pytorch() {
    let none = Clip::default();
    check("sgd", &sgd(0.05, 0.9, 0.01), false, &none, MOMENTUM);
    check("sgd-without-momentum", &sgd(0.05, 0.0, 0.01), false, &none, &[]);
    check("sgd-nesterov", &Sgd { nesterov: true, ..sgd(0.05, 0.8, 0.01) }, false, &none, MOMENTUM);
    check("sgd-groups", &sgd(0.01, 0.9, 0.1), true, &none, MOMENTUM);
}

#[test]
fn adam_moves_as_in_pytorch() {
    let none = Clip::default();
    let adam = Adam { learning_rate: positive(0.01), ..Adam::default() };
    let with_decay = Adam { weight_decay: not_negative(0.1), ..adam.clone() };
    check("adam", &adam, false, &none, MOMENTS);
    let other = Adam { betas: [0.8, 0.95].map(below_one), eps: positive(1e-6), ..with_decay.clone() };
    check("adam-decay", &other, false, &none, MOMENTS);
    let short = Adam { betas: [0.4, 0.7].map(below_one), ..with_decay.clone() };
    check("adam-short-memory", &short, false, &none, MOMENTS);
    check("adam-groups", &with_decay, true, &none, MOMENTS);
}

#[test]
fn adamw_moves_as_in_pytorch() {
    let adamw = AdamW { learning_rate: positive(0.01), ..AdamW::default() };
    check("adamw", &adamw, false, &Clip::default(), MOMENTS);
    let with_decay = AdamW { weight_decay: not_negative(0.1), ..adamw };
    check("adamw-groups", &with_decay, true, &Clip::default(), MOMENTS);
}

#[test]
fn clipped_gradients_move_parameters_as_in_pytorch() {
    let norm = Clip { value: None, global_norm: Some(positive(1.5)) };
    let value = Clip { value: Some(positive(0.25)), global_norm: None };
    check("sgd-clip-norm", &sgd(0.05, 0.9, 0.01), false, &norm, MOMENTUM);
    check("sgd-clip-value", &sgd(0.05, 0.9, 0.01), false, &value, MOMENTUM);
    let adam = Adam { learning_rate: positive(0.01), ..Adam::default() };
    check("adam-clip-norm", &adam, false, &norm, MOMENTS);
}

/// Our steps round after every operation in this order, which keeps the bits of trainings from before this crate.
#[test]
fn sgd_rounds_after_every_operation() {
    let golden = golden();
    let parameters = parameters(&golden, false);
    let odd = parameters[3].clone();
    let mut values: Vec<f32> = odd.var.flatten_all().and_then(|flat| flat.to_vec1()).expect("f32");
    let mut velocities = vec![0f32; values.len()];
    let optimiser = sgd(0.05, 0.9, 0.01);
    let mut state = optimiser.start(&parameters);
    for step in 0..STEPS {
        let gradients = gradients(&golden, &parameters, step);
        let gradient = gradients.get(odd.var.as_tensor()).expect("a gradient");
        let gradient: Vec<f32> = gradient.flatten_all().and_then(|flat| flat.to_vec1()).expect("f32");
        let (momentum, rate) = (if step == 0 { 0.0 } else { 0.9f32 }, rate(&optimiser, step) as f32);
        for ((value, velocity), gradient) in values.iter_mut().zip(&mut velocities).zip(gradient) {
            let decayed = gradient + 0.01f32 * *value;
            let kept = momentum * *velocity;
            *velocity = kept + decayed;
            let change = rate * *velocity;
            *value -= change;
        }
        state.step(&gradients, self::rate(&optimiser, step)).expect("gradients fit");
    }
    let expected: Vec<u32> = values.into_iter().map(f32::to_bits).collect();
    assert_eq!(bits(odd.var.as_tensor()), expected);
}

/// Twenty steps at one go, and with a new optimiser from the saved state after some of them.
#[test]
fn a_restored_state_goes_on_with_the_same_bits() {
    let golden = golden();
    let walk = |optimiser: &dyn Optimiser, restart_after: usize, restored: bool| {
        let parameters = parameters(&golden, true);
        let mut state = optimiser.start(&parameters);
        for step in 0..STEPS {
            if restart_after == step {
                let saved: HashMap<String, Tensor> =
                    state.tensors().expect("the state").into_iter().collect();
                state = optimiser.start(&parameters);
                state.restore(&|name| saved.get(name).filter(|_| restored).cloned()).expect("the state fits");
            }
            let gradients = gradients(&golden, &parameters, step);
            state.step(&gradients, rate(optimiser, step)).expect("gradients fit");
        }
        parameters.iter().map(|parameter| bits(parameter.var.as_tensor())).collect::<Vec<_>>()
    };
    let optimisers: [&dyn Optimiser; 4] = [
        &sgd(0.05, 0.9, 0.01),
        &Sgd { nesterov: true, ..sgd(0.05, 0.8, 0.01) },
        &Adam { weight_decay: not_negative(0.1), ..Adam::default() },
        &AdamW::default(),
    ];
    for optimiser in optimisers {
        let whole = walk(optimiser, STEPS, true);
        // After one step `bias` has no state yet.
        for restart_after in [1, 7] {
            assert_eq!(walk(optimiser, restart_after, true), whole, "{optimiser:?} after {restart_after}");
        }
        assert_ne!(walk(optimiser, 7, false), whole, "{optimiser:?}: without its state it goes another way");
    }
}

fn rates(
    schedule: &dyn Schedule,
    warm_up: Option<&WarmUp>,
    n_epochs: usize,
    steps_per_epoch: usize,
) -> Vec<f64> {
    let moments = (0..n_epochs * steps_per_epoch).map(|steps| Moment {
        epoch: steps / steps_per_epoch,
        n_epochs,
        step: steps % steps_per_epoch,
        steps_per_epoch,
    });
    let rate = |at| match warm_up {
        Some(warm_up) => warm_up.learning_rate(schedule, 0.1, at),
        None => schedule.learning_rate(0.1, at),
    };
    moments.map(rate).collect()
}

/// The largest difference, as a share of the first rate.
fn assert_near(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs() / 0.1;
        assert!(off <= tolerance, "{name} at {step}: {found:?}, PyTorch {expected:?}, off by {off:e}");
    }
}

#[test]
fn drops_have_the_bits_of_pytorch() {
    let golden = golden();
    let expected = |name: &str| numbers(&golden[&format!("rates/{name}")]);
    assert_eq!(rates(&StepDecay::default(), None, 50, 1), expected("step"));
    let every_7 = StepDecay { every_epochs: AtLeastOne::new(7).expect("at least 1"), factor: positive(0.3) };
    assert_eq!(rates(&every_7, None, 50, 1), expected("step-7"));
    let epochs = [3, 10, 11].map(|epoch| AtLeastOne::new(epoch).expect("at least 1")).to_vec();
    let multi_step = MultiStepDecay { epochs, factor: positive(0.2) };
    assert_eq!(rates(&multi_step, None, 50, 1), expected("multi-step"));
    assert_eq!(rates(&ConstantRate {}, None, 3, 2), [0.1; 6]);
    // From 0.005, as the released protocol has it: the power 0.005 * 0.1 ** 2 is 5.000000000000001e-05.
    let at = |epoch| Moment { epoch, n_epochs: 50, step: 3, steps_per_epoch: 5 };
    assert_eq!(StepDecay::default().learning_rate(0.005, at(24)), 5e-05);
}

#[test]
fn a_cosine_has_the_bits_of_pytorchs_closed_form() {
    let golden = golden();
    let to = Fraction::new(0.05).expect("in range");
    let by_epoch = |to| CosineDecay { to, every: CosineInterval::Epoch };
    let by_step = CosineDecay { to, every: CosineInterval::Step };
    let check = |name: &str, found: Vec<f64>| {
        assert_eq!(found, numbers(&golden[&format!("closed-rates/{name}")]), "{name}");
        // The recursion that PyTorch's scheduler runs rounds at every step: by up to 3.5e-16 of the first rate in
        // these runs.
        assert_near(name, &found, &numbers(&golden[&format!("rates/{name}")]), 1e-15);
    };
    check("cosine", rates(&CosineDecay::default(), None, 50, 1));
    check("cosine-to", rates(&by_epoch(to), None, 50, 1));
    check("cosine-steps", rates(&by_step, None, 10, 8));
    // Within an epoch the rate stays.
    let per_epoch = rates(&by_epoch(to), None, 50, 3);
    assert!(per_epoch.chunks(3).all(|epoch| epoch == [epoch[0]; 3]));
}

#[test]
fn a_warm_up_rises_as_in_pytorch() {
    let golden = golden();
    let warm_up = |from| WarmUp { epochs: positive(1.5), from: Fraction::new(from).expect("in range") };
    let alone = rates(&ConstantRate {}, Some(&warm_up(0.01)), 10, 8);
    assert_eq!(alone, numbers(&golden["closed-rates/warm-up"]));
    // PyTorch's recursion rounds at every step: by up to 2.8e-16 of the last rate in these runs.
    assert_near("warm-up", &alone, &numbers(&golden["rates/warm-up"]), 1e-15);
    let halved = StepDecay { every_epochs: AtLeastOne::new(1).expect("at least 1"), factor: positive(0.5) };
    let chained = rates(&halved, Some(&warm_up(0.25)), 10, 8);
    assert_near("warm-up-step", &chained, &numbers(&golden["rates/warm-up-step"]), 1e-15);
}
