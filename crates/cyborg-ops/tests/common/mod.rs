//! What the tests share.
#![allow(dead_code, reason = "each test file uses a part")]

use candle_core::{Device, Result, Tensor, Var};
use cyborg_ops::{
    After, ChannelBias, Conv2dConfig, Interpolation, Operation, PoolConfig, Product, Relu6, Sigmoid, Sum,
    Tanh, Tape, Upsample, add_relu, avg_pool2d, batch_norm_eval, batch_norm_relu_eval, batch_norm_relu_train,
    batch_norm_train, concat_channels, conv2d, global_avg_pool2d, max_pool2d, relu,
};

/// Evenly spread over (-1, 1), the same each time.
pub(crate) fn noise(shape: &[usize], seed: u64) -> Tensor {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    };
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("as many values as the shape has")
}

/// Noise of which no two values are closer than `gap` to each other, nor to zero.
pub(crate) fn apart(shape: &[usize], gap: f32, seed: u64) -> Tensor {
    let values = noise(shape, seed).flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32");
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut spaced = vec![0.0; values.len()];
    for (rank, &index) in order.iter().enumerate() {
        spaced[index] = (rank as f32 - values.len() as f32 / 2.0 + 0.5) * gap;
    }
    Tensor::from_vec(spaced, shape, &Device::Cpu).expect("as many values as the shape has")
}

pub(crate) fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|t| t.to_vec1()).expect("f32")
}

type Run = Box<dyn Fn(&[Tensor]) -> Result<Tensor> + Send + Sync>;

/// An operation of some inputs.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) run: Run,
}

impl Case {
    fn new(
        name: impl Into<String>,
        inputs: Vec<Tensor>,
        run: impl Fn(&[Tensor]) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), inputs, run: Box::new(run) }
    }

    /// The output, and the gradient of `sum(output * cotangent)` for each input.
    pub(crate) fn output_and_gradients(&self) -> Result<(Tensor, Vec<Tensor>)> {
        let vars: Vec<Var> = self.inputs.iter().map(Var::from_tensor).collect::<Result<_>>()?;
        let inputs: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let output = (self.run)(&inputs)?;
        let gradients = (&output * noise(output.dims(), 99))?.sum_all()?.backward()?;
        let gradients =
            vars.iter().map(|var| gradients.get(var).cloned().expect("a gradient for every input"));
        Ok((output, gradients.collect()))
    }

    /// `sum(output * cotangent)`, added up in f64.
    pub(crate) fn loss(&self, inputs: &[Tensor]) -> Result<f64> {
        let output = (self.run)(inputs)?;
        let cotangent = values(&noise(output.dims(), 99));
        Ok(values(&output).iter().zip(cotangent).map(|(&y, c)| f64::from(y) * f64::from(c)).sum())
    }
}

fn conv(name: &str, input: [usize; 4], weight: [usize; 4], bias: bool, config: Conv2dConfig) -> Case {
    let mut inputs = vec![noise(&input, 1), noise(&weight, 2)];
    if bias {
        inputs.push(noise(&[weight[0]], 3));
    }
    Case::new(format!("conv2d {name}"), inputs, move |inputs| {
        conv2d(&inputs[0], &inputs[1], inputs.get(2), config)
    })
}

/// `n` tensors, each with one channel more than the one before.
fn concat(n: usize, [batch, channels, height, width]: [usize; 4]) -> Case {
    let input = |index| noise(&[batch, channels + index, height, width], 20 + index as u64);
    Case::new(format!("concat_channels of {n}"), (0..n).map(input).collect(), |inputs| {
        concat_channels(&inputs.iter().collect::<Vec<_>>())
    })
}

/// Shifts of a batch norm that keep each channel clearly above or clearly below zero, where ReLU has a kink.
fn calm(channels: usize) -> Tensor {
    let shifts = (0..channels).map(|channel| if channel % 3 == 2 { -4.0 } else { 4.0 });
    Tensor::from_vec(shifts.collect::<Vec<f32>>(), channels, &Device::Cpu)
        .expect("as many values as channels")
}

/// A residual block on a tape, with a convolution in its shortcut or without; trained, or by given statistics.
fn residual_block(
    name: &str,
    [batch, channels, height, width]: [usize; 4],
    downsample: bool,
    train: bool,
) -> Case {
    let norm = |seed| [noise(&[channels], seed).affine(0.2, 0.5).expect("f32"), calm(channels)];
    let weight = |kernel, seed| noise(&[channels, channels, kernel, kernel], seed);
    let mut inputs = vec![noise(&[batch, channels, height, width], 30), weight(3, 31), weight(3, 32)];
    inputs.extend(norm(33).into_iter().chain(norm(34)));
    if downsample {
        inputs.extend([weight(1, 35)].into_iter().chain(norm(36)));
    }
    Case::new(format!("residual block {name}"), inputs, move |i| {
        let tape = Tape::new(true);
        let same = Conv2dConfig { padding: (1, 1), ..Conv2dConfig::default() };
        let (mean, variance) = (noise(&[channels], 37), (noise(&[channels], 38) + 2.5)?);
        let norm = |maps: &_, gamma: &_, beta: &_, after| {
            if train {
                return Ok(tape.batch_norm_train(maps, gamma, beta, 1e-5, after)?.0);
            }
            tape.batch_norm_eval(maps, [gamma, beta, &mean, &variance], 1e-5, after)
        };
        let x = tape.input(&i[0])?;
        let inner = norm(&tape.conv2d(&x, &i[1], same)?, &i[3], &i[4], After::Relu)?;
        let outer = tape.conv2d(&inner, &i[2], same)?;
        let shortcut = match i.get(7) {
            None => x,
            Some(weight) => {
                norm(&tape.conv2d(&x, weight, Conv2dConfig::default())?, &i[8], &i[9], After::Nothing)?
            }
        };
        let result = norm(&outer, &i[5], &i[6], After::AddRelu(&shortcut))?;
        let result = if train { norm(&result, &i[3], &i[4], After::Add(&inner))? } else { result };
        Ok(tape.finish([&result])?[0].clone())
    })
}

/// A dense block of two layers on a tape, the batch norm behind it, and a branch that goes round it.
fn dense_block([batch, channels, height, width]: [usize; 4]) -> Case {
    let mut inputs = vec![noise(&[batch, channels, height, width], 40)];
    for layer in 0..2 {
        let n_in = channels + 2 * layer;
        inputs.push(noise(&[2, n_in, 3, 3], 41 + layer as u64));
        inputs.extend([noise(&[n_in], 43 + layer as u64).affine(0.2, 0.5).expect("f32"), calm(n_in)]);
    }
    inputs.extend([noise(&[channels + 4], 45), noise(&[channels + 4], 46)]);
    Case::new("dense block", inputs, move |i| {
        let tape = Tape::new(true);
        let same = Conv2dConfig { padding: (1, 1), ..Conv2dConfig::default() };
        let first = tape.input(&i[0])?;
        let mut growing = tape.growing(&first, channels + 4)?;
        for layer in 0..2 {
            let [weight, gamma, beta] = &i[1 + 3 * layer..4 + 3 * layer] else {
                candle_core::bail!("three tensors a layer")
            };
            let maps = tape.batch_norm_train(&growing, gamma, beta, 1e-5, After::Relu)?.0;
            tape.grow(&mut growing, &tape.conv2d(&maps, weight, same)?)?;
        }
        let all = tape.grown(growing)?;
        let normalised = tape.batch_norm_train(&all, &i[7], &i[8], 1e-5, After::Add(&all))?.0;
        let result = tape.concat_channels(&[&normalised, &first])?;
        Ok(tape.finish([&result])?[0].clone())
    })
}

/// An operation that is a type of its own, on two maps or one.
fn applied<O: Operation + Copy + Sync>(name: &str, inputs: Vec<Tensor>, operation: O) -> Case {
    Case::new(name, inputs, move |i| {
        let tape = Tape::new(true);
        let inputs: Vec<_> = i.iter().map(|input| tape.input(input)).collect::<Result<_>>()?;
        let result = tape.apply(operation, &inputs.iter().collect::<Vec<_>>(), &[])?;
        Ok(tape.finish([&result])?[0].clone())
    })
}

/// Operations that are types of their own, on maps of this shape.
fn operations(shape: [usize; 4]) -> Vec<Case> {
    let [batch, channels, height, width] = shape;
    let bilinear = Interpolation::Bilinear;
    let others = [shape, [batch, 1, height, width], [batch, channels, 1, 1], [batch, 1, 1, 1]];
    let pair = |other: &[usize; 4]| vec![noise(&shape, 50), noise(other, 51)];
    let mut cases: Vec<Case> = others
        .iter()
        .flat_map(|other| [applied("product", pair(other), Product), applied("sum", pair(other), Sum)])
        .collect();
    cases.extend([
        applied("sigmoid", vec![noise(&shape, 52)], Sigmoid),
        applied("tanh", vec![noise(&shape, 53)], Tanh),
        // Below 0, within and above 6, away from the kinks.
        applied("relu6", vec![apart(&shape, 0.1, 54).affine(1.0, 3.0).expect("f32")], Relu6),
        applied(
            "upsample",
            vec![noise(&shape, 55)],
            Upsample { height: 7, width: 3, interpolation: bilinear },
        ),
        applied(
            "upsample nearest",
            vec![noise(&shape, 56)],
            Upsample { height: 7, width: 9, interpolation: Interpolation::Nearest },
        ),
        Case::new("channel_bias", vec![noise(&shape, 57), noise(&[channels], 58)], |i| {
            let tape = Tape::new(true);
            let result = tape.apply(ChannelBias, &[&tape.input(&i[0])?], &[&i[1]])?;
            Ok(tape.finish([&result])?[0].clone())
        }),
    ]);
    cases
}

/// Every operation, small.
pub(crate) fn small_cases() -> Vec<Case> {
    let plain = Conv2dConfig::default();
    let same = Conv2dConfig { padding: (1, 1), ..plain };
    let odd = Conv2dConfig { stride: (2, 3), padding: (2, 1), dilation: (2, 1), groups: 2, ..plain };
    let pool = PoolConfig { kernel: (3, 2), stride: (2, 1), padding: (1, 1), ceil_mode: false };
    let ceil = PoolConfig { kernel: (2, 3), stride: (2, 2), padding: (0, 1), ceil_mode: true };
    let image = [2, 3, 5, 4];
    let normalised = || vec![noise(&image, 4), noise(&[3], 5), noise(&[3], 6)];
    let mut cases = vec![
        conv("3x3", [2, 3, 4, 5], [9, 3, 3, 3], true, same),
        conv("1x1", [2, 5, 3, 3], [4, 5, 1, 1], false, plain),
        conv("odd", [2, 4, 7, 8], [6, 2, 3, 2], true, odd),
        conv("depthwise", [1, 5, 4, 3], [5, 1, 3, 3], false, Conv2dConfig { groups: 5, ..same }),
        Case::new("batch_norm_train", normalised(), |i| Ok(batch_norm_train(&i[0], &i[1], &i[2], 1e-5)?.0)),
        Case::new("batch_norm_eval", normalised(), |i| {
            let (mean, var) = (noise(&[3], 7), (noise(&[3], 8) + 1.5)?);
            batch_norm_eval(&i[0], &i[1], &i[2], &mean, &var, 1e-5)
        }),
        conv("1x7", [2, 2, 3, 5], [3, 2, 1, 7], false, Conv2dConfig { padding: (0, 3), ..plain }),
        conv("7x1", [2, 2, 3, 5], [3, 2, 7, 1], false, Conv2dConfig { padding: (3, 0), ..plain }),
        conv("1x3", [2, 2, 3, 5], [3, 2, 1, 3], false, Conv2dConfig { padding: (0, 1), ..plain }),
        concat(2, [2, 1, 3, 4]),
        concat(3, [2, 1, 3, 4]),
        concat(4, [1, 2, 2, 3]),
        residual_block("train", image, false, true),
        residual_block("train, with downsample", image, true, true),
        residual_block("eval", image, true, false),
        dense_block(image),
        Case::new("relu", vec![apart(&image, 0.05, 9)], |i| relu(&i[0])),
        Case::new("add_relu", vec![apart(&image, 0.05, 10), apart(&image, 1e-9, 11)], |i| {
            add_relu(&i[0], &i[1])
        }),
        Case::new("global_avg_pool2d", vec![noise(&image, 12)], |i| global_avg_pool2d(&i[0])),
    ];
    let behind = |groups| Conv2dConfig { stride: (2, 2), extra_padding: (1, 2), groups, ..same };
    cases.push(conv("padded behind", [2, 3, 4, 5], [4, 3, 3, 3], false, behind(1)));
    cases.push(conv("depthwise, padded behind", [2, 3, 4, 5], [3, 1, 5, 5], false, behind(3)));
    cases.extend(operations(image));
    for (name, config) in [("", pool), (" ceil", ceil)] {
        let input = || vec![apart(&[2, 2, 6, 5], 0.05, 13)];
        cases.push(Case::new(format!("max_pool2d{name}"), input(), move |i| max_pool2d(&i[0], config)));
        for counted in [true, false] {
            let name = format!("avg_pool2d{name} {counted}");
            cases.push(Case::new(name, input(), move |i| avg_pool2d(&i[0], config, counted)));
        }
    }
    cases
}

/// Sizes of real networks, so that every way to cut the work is taken.
pub(crate) fn large_cases() -> Vec<Case> {
    let same = Conv2dConfig { padding: (1, 1), ..Conv2dConfig::default() };
    let pool = PoolConfig { kernel: (3, 3), stride: (2, 2), padding: (1, 1), ceil_mode: false };
    let normalised = || vec![noise(&[7, 16, 33, 31], 4), noise(&[16], 5), noise(&[16], 6)];
    let mut cases = operations([5, 16, 33, 31]);
    cases.extend([
        conv("one image", [1, 19, 15, 14], [67, 19, 3, 3], true, same),
        conv("batch", [11, 16, 20, 21], [33, 16, 3, 3], true, same),
        conv("strided", [9, 16, 20, 21], [40, 16, 3, 3], false, Conv2dConfig { stride: (2, 2), ..same }),
        conv("1x1 as it lies", [5, 24, 12, 12], [40, 24, 1, 1], true, Conv2dConfig::default()),
        conv(
            "1x1 as it lies, groups",
            [5, 24, 12, 12],
            [40, 6, 1, 1],
            false,
            Conv2dConfig { groups: 4, ..Conv2dConfig::default() },
        ),
        conv("1x1 of a page", [3, 24, 16, 16], [9, 24, 1, 1], false, Conv2dConfig::default()),
        conv("1x7", [5, 24, 17, 17], [40, 24, 1, 7], false, Conv2dConfig { padding: (0, 3), ..same }),
        conv("7x1", [5, 24, 17, 17], [40, 24, 7, 1], false, Conv2dConfig { padding: (3, 0), ..same }),
        concat(2, [5, 16, 33, 31]),
        concat(3, [5, 16, 33, 31]),
        concat(4, [5, 16, 33, 31]),
        residual_block("train", [5, 16, 33, 31], true, true),
        dense_block([5, 16, 33, 31]),
        conv("small planes", [6, 64, 4, 5], [128, 64, 3, 3], false, same),
        conv("depthwise", [3, 40, 17, 16], [40, 1, 3, 3], false, Conv2dConfig { groups: 40, ..same }),
        Case::new("batch_norm_train", normalised(), |i| Ok(batch_norm_train(&i[0], &i[1], &i[2], 1e-5)?.0)),
        Case::new("batch_norm_relu_train", normalised(), |i| {
            Ok(batch_norm_relu_train(&i[0], &i[1], &i[2], 1e-5)?.0)
        }),
        Case::new("batch_norm_relu_eval", normalised(), |i| {
            let (mean, var) = (noise(&[16], 7), (noise(&[16], 8) + 1.5)?);
            batch_norm_relu_eval(&i[0], &i[1], &i[2], &mean, &var, 1e-5)
        }),
        Case::new("relu", vec![noise(&[5, 16, 65, 65], 9)], |i| relu(&i[0])),
        Case::new("add_relu", vec![noise(&[5, 16, 65, 65], 10), noise(&[5, 16, 65, 65], 11)], |i| {
            add_relu(&i[0], &i[1])
        }),
        Case::new("max_pool2d", vec![noise(&[5, 16, 33, 32], 12)], move |i| max_pool2d(&i[0], pool)),
        Case::new("avg_pool2d", vec![noise(&[5, 16, 33, 32], 13)], move |i| avg_pool2d(&i[0], pool, false)),
        Case::new("global_avg_pool2d", vec![noise(&[5, 64, 33, 32], 14)], |i| global_avg_pool2d(&i[0])),
    ]);
    cases
}
