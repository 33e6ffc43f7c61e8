//! Parameters that threads share among them have the bits of parameters that they do not.

use candle_core::{Device, Tensor, Var};
use cyborg_optim::{Adam, AdamW, Clip, Optimiser, Parameter, Sgd};
use cyborg_settings::Positive;

/// More than three chunks of 65,536, the last one short.
const LENGTH: usize = 3 * 65_536 + 1_234;

/// Numbers from -1 to 1, by a formula.
fn number(index: usize, which: usize) -> f32 {
    ((index * 7_919 + which * 104_729) % 20_011) as f32 / 10_005.0 - 1.0
}

/// The bits of a long parameter after three steps, where it is cut into variables of at most `piece` elements.
fn walk(optimiser: &dyn Optimiser, clip: &Clip, piece: usize) -> (Vec<u32>, Vec<Option<f64>>) {
    let starts: Vec<usize> = (0..LENGTH).step_by(piece).collect();
    let part = |start: usize, which: usize| {
        let numbers: Vec<f32> =
            (start..(start + piece).min(LENGTH)).map(|index| number(index, which)).collect();
        let length = numbers.len();
        Tensor::from_vec(numbers, length, &Device::Cpu).expect("as many numbers")
    };
    let parameter = |&start: &usize| {
        Parameter::new(format!("from {start}"), Var::from_tensor(&part(start, 0)).expect("a variable"))
    };
    let parameters: Vec<Parameter> = starts.iter().map(parameter).collect();
    let mut state = optimiser.start(&parameters);
    let norms = (1..=3).map(|step| {
        let mut gradients = parameters[0].var.sum_all().and_then(|sum| sum.backward()).expect("gradients");
        for (parameter, &start) in parameters.iter().zip(&starts) {
            gradients.insert(parameter.var.as_tensor(), part(start, step));
        }
        let norm = clip.apply(&parameters, &mut gradients).expect("gradients fit");
        state.step(&gradients, optimiser.learning_rate()).expect("gradients fit");
        norm
    });
    let norms = norms.collect();
    let numbers = parameters.iter().flat_map(|parameter| parameter.var.to_vec1::<f32>().expect("a vector"));
    (numbers.map(f32::to_bits).collect(), norms)
}

#[test]
fn neither_threads_nor_chunks_change_a_bit() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let (alone, three) = (pool(1), pool(3));
    let nesterov = Sgd { nesterov: true, ..Sgd::default() };
    let optimisers: [&dyn Optimiser; 4] = [&Sgd::default(), &nesterov, &Adam::default(), &AdamW::default()];
    let clips = [
        Clip::default(),
        Clip { value: Positive::new(0.5), global_norm: None },
        Clip { value: None, global_norm: Positive::new(0.3) },
    ];
    for (optimiser, clip) in optimisers.into_iter().zip(clips.iter().cycle()) {
        let one_thread = alone.install(|| walk(optimiser, clip, LENGTH));
        assert_eq!(three.install(|| walk(optimiser, clip, LENGTH)), one_thread, "{optimiser:?}, {clip:?}");
        if clip.global_norm.is_none() {
            // Pieces short enough for one chunk, which do not end where chunks end.
            assert_eq!(walk(optimiser, clip, 50_001).0, one_thread.0, "{optimiser:?}, {clip:?}");
        }
    }
}
