//! All three passes against their definition.

use super::*;

use crate::simd::levels;

/// Uniform between -1 and 1, different for each seed.
fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

fn geometry(batch: usize, channels: [usize; 2], size: [usize; 2], padding: [usize; 2]) -> Geometry {
    let axis = |input: usize, padding: usize| {
        let output = input + 2 * padding - 2;
        Axis { input, output, kernel: 3, stride: 1, padding, dilation: 1 }
    };
    let (down, across) = (axis(size[0], padding[0]), axis(size[1], padding[1]));
    Geometry { batch, groups: 1, group_in: channels[0], group_out: channels[1], down, across }
}

struct Case {
    g: Geometry,
    x: Vec<f32>,
    weight: Vec<f32>,
    dy: Vec<f32>,
}

impl Case {
    fn new(g: Geometry) -> Self {
        let (channels_in, channels_out) = (g.channels_in(), g.channels_out());
        let mut x = values(g.batch * g.down.input * g.across.input * channels_in, 1);
        // As behind a ReLU: sums of numbers of one sign are the harder case for transforms.
        for x in &mut x {
            *x = x.max(0.0);
        }
        let weight = values(channels_in * channels_out * 9, 2);
        let dy = values(g.batch * g.down.output * g.across.output * channels_out, 3);
        Self { g, x, weight, dy }
    }

    /// Output, gradient of the input, gradient of the weights, by their definition.
    fn defined(&self) -> [Vec<f64>; 3] {
        let Self { g, x, weight, dy } = self;
        let (channels_in, channels_out) = (g.channels_in(), g.channels_out());
        let zeros = |len: usize| vec![0.0_f64; len];
        let (mut y, mut dx, mut dw) = (zeros(dy.len()), zeros(x.len()), zeros(weight.len()));
        let (height, width) = (g.down.output, g.across.output);
        for at in 0..g.batch * height * width * 9 {
            let (tap, column, row, image) =
                (at % 9, at / 9 % width, at / 9 / width % height, at / 9 / width / height);
            let from_row = (row + tap / 3).wrapping_sub(g.down.padding);
            let from_column = (column + tap % 3).wrapping_sub(g.across.padding);
            if from_row >= g.down.input || from_column >= g.across.input {
                continue;
            }
            let from = ((image * g.down.input + from_row) * g.across.input + from_column) * channels_in;
            let to = ((image * height + row) * width + column) * channels_out;
            for i in 0..channels_in {
                for o in 0..channels_out {
                    let w = (o * channels_in + i) * 9 + tap;
                    y[to + o] += f64::from(x[from + i]) * f64::from(weight[w]);
                    dx[from + i] += f64::from(dy[to + o]) * f64::from(weight[w]);
                    dw[w] += f64::from(dy[to + o]) * f64::from(x[from + i]);
                }
            }
        }
        [y, dx, dw]
    }

    fn computed(&self, level: Level) -> [Vec<f32>; 3] {
        let Self { g, x, weight, dy } = self;
        [
            forward_on(level, g, x, weight, None),
            input_gradient_on(level, g, weight, dy),
            weight_gradient_on(level, g, x, dy),
        ]
    }
}

fn rms(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len().max(1) as f64;
    (values.map(|value| value * value).sum::<f64>() / n).sqrt()
}

/// Root of the mean square and largest of the errors, both over the root of the mean square of what is expected.
fn errors(found: &[f32], expected: &[f64]) -> [f64; 2] {
    assert_eq!(found.len(), expected.len());
    let scale = rms(expected.iter().copied()).max(f64::MIN_POSITIVE);
    let errors = || found.iter().zip(expected).map(|(&found, expected)| (f64::from(found) - expected).abs());
    assert!(errors().all(f64::is_finite));
    [rms(errors()) / scale, errors().fold(0.0, f64::max) / scale]
}

/// Batch, channels, size, padding.
type Shape = (usize, [usize; 2], [usize; 2], [usize; 2]);

/// Tiles that overhang, vectors that do, paddings that are not those of a map of the same size, sizes below a window and
/// a tile; several jobs and several steps; weights that are packed and summed panel by panel.
const SHAPES: [Shape; 14] = [
    (2, [1, 1], [3, 5], [1, 1]),
    (1, [3, 16], [1, 1], [1, 1]),
    (3, [16, 3], [13, 7], [0, 2]),
    (2, [24, 48], [9, 10], [2, 0]),
    (1, [48, 24], [12, 11], [1, 1]),
    (1, [130, 16], [8, 3], [0, 0]),
    (1, [16, 130], [6, 13], [2, 2]),
    (2, [130, 130], [5, 5], [1, 1]),
    (1, [17, 19], [4, 4], [1, 0]),
    (1, [20, 72], [7, 2], [0, 1]),
    (1, [3, 3], [2, 2], [3, 4]),
    (1, [16, 16], [125, 127], [1, 1]),
    (2, [384, 320], [4, 6], [1, 1]),
    (0, [24, 24], [8, 8], [1, 1]),
];

/// Root of the mean square and largest of the errors, over the root of the mean square of what is expected. Measured, the
/// worst of all passes and instruction sets: 6.5e-7 and 5.2e-6 with 48 channels, 1.1e-6 and 8.9e-6 with 130, 1.9e-6 and
/// 1.7e-5 with 384. A plain sum in `f32`, one product after the other, has 2.6e-7 and 2.4e-6 with 48, 5.5e-7 and 3.7e-6
/// with 130, 7.9e-7 and 8.6e-6 with 320.
const BOUNDS: [f64; 2] = [2.5e-6, 2.5e-5];

#[test]
fn all_passes_are_their_definitions() {
    for shape in SHAPES {
        let (batch, channels, size, padding) = shape;
        let case = Case::new(geometry(batch, channels, size, padding));
        let expected = case.defined();
        for level in levels() {
            for ((pass, found), expected) in PASSES.iter().zip(case.computed(level)).zip(&expected) {
                let found = errors(&found, expected);
                let within = found.iter().zip(&BOUNDS).all(|(found, bound)| found <= bound);
                assert!(within, "{pass} of {shape:?}, {level:?}: errors {found:?}, at most {BOUNDS:?}");
            }
        }
    }
}

const PASSES: [&str; 3] = ["output", "gradient of the input", "gradient of the weights"];

#[test]
fn threads_do_not_change_bits() {
    for (batch, channels, size) in
        [(3, [24, 40], [30, 21]), (1, [16, 16], [125, 127]), (2, [384, 320], [9, 5])]
    {
        let case = Case::new(geometry(batch, channels, size, [1, 1]));
        let on = |threads| {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
            pool.install(|| case.computed(best()))
        };
        let expected = on(1);
        for threads in [2, 3, 8] {
            assert_eq!(on(threads), expected, "{threads} threads, {channels:?} channels");
        }
    }
}

#[test]
fn pays_where_few_pixels_are_wasted() {
    let case = |channels, size| pays(&geometry(2, channels, size, [1, 1]));
    assert!(case([16, 16], [7, 7]) && case([64, 64], [5, 5]));
    assert!(!case([15, 64], [7, 7]) && !case([64, 15], [7, 7]), "few channels");
    assert!(!case([64, 64], [2, 2]) && !case([64, 64], [1, 12]), "tiles that are mostly empty");
    assert!(!case([64, 64], [4, 4]), "two tiles");
    let other = |change: fn(&mut Geometry)| {
        let mut g = geometry(2, [64, 64], [8, 8], [1, 1]);
        assert!(pays(&g));
        change(&mut g);
        pays(&g)
    };
    assert!(!other(|g| g.down.kernel = 5) && !other(|g| g.across.stride = 2));
    assert!(!other(|g| g.down.dilation = 2) && !other(|g| g.groups = 2));
}
