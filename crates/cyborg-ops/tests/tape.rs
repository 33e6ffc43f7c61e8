//! What candle sees of a tape, and what a tape refuses. Gradients through one are in `gradients.rs`.
#![allow(missing_docs, reason = "a test")]

mod common;

use candle_core::{DType, Device, Result, Tensor, Var};
use common::{noise, values};
use cyborg_ops::{After, Conv2dConfig, PoolConfig, Tape, conv2d};

fn var(shape: &[usize], seed: u64) -> Var {
    Var::from_tensor(&noise(shape, seed)).expect("a variable")
}

#[track_caller]
fn check<T>(result: Result<T>, expected: &str) {
    let Err(error) = result else { panic!("no error; expected: {expected}") };
    // With RUST_BACKTRACE set candle adds a backtrace behind the message.
    assert_eq!(error.to_string().lines().next(), Some(expected));
}

#[test]
fn a_second_way_back_is_refused() -> Result<()> {
    let (x, w) = (noise(&[1, 2, 4, 4], 1), var(&[3, 2, 3, 3], 2));
    let tape = Tape::new(true);
    let maps = tape.conv2d(&tape.input(&x)?, &w, Conv2dConfig::default())?;
    let [maps] = tape.finish([&maps])?;
    let (first, second) = (maps.sum_all()?, maps.sqr()?.sum_all()?);
    assert!(first.backward()?.get(&w).is_some());
    check(
        second.backward().map(|_| ()),
        "`backward` was called a second time on results of one forward pass, whose values are dropped on the way back: \
         run the forward pass again, or call `backward` once on the sum of the losses",
    );
    Ok(())
}

#[test]
fn only_what_a_loss_uses_gets_gradients() -> Result<()> {
    let x = noise(&[1, 2, 4, 4], 1);
    let (shared, a, b) = (var(&[3, 2, 1, 1], 2), var(&[3, 3, 1, 1], 3), var(&[3, 3, 1, 1], 4));
    // No variable itself: candle goes on through it.
    let half_b = (b.as_tensor() * 0.5)?;
    for wanted in 0..2 {
        let tape = Tape::new(true);
        let config = Conv2dConfig::default();
        let maps = tape.conv2d(&tape.input(&x)?, &shared, config)?;
        let results = [tape.conv2d(&maps, &a, config)?, tape.conv2d(&maps, &half_b, config)?];
        let results = tape.finish([&results[0], &results[1]])?;
        let gradients = results[wanted].sum_all()?.backward()?;
        let sum = |var: &Var| gradients.get(var).map(|g| values(g).iter().map(|v| v.abs()).sum::<f32>());
        assert!(sum(&shared) > Some(0.0));
        assert_eq!([&a, &b].map(|var| sum(var) > Some(0.0)), [wanted == 0, wanted == 1]);
    }
    Ok(())
}

#[test]
fn what_is_used_twice_gets_the_sum() -> Result<()> {
    // y = w * (w * x) with 1x1 weights: dy/dw = 2 w x, 2 * 3 * 5 = 30; dy/dx = 9.
    let scalar = |value: f32| Var::from_tensor(&Tensor::full(value, (1, 1, 1, 1), &Device::Cpu)?);
    let (x, w) = (scalar(5.0)?, scalar(3.0)?);
    let tape = Tape::new(true);
    let config = Conv2dConfig::default();
    let maps = tape.conv2d(&tape.conv2d(&tape.input(&x)?, &w, config)?, &w, config)?;
    let [y] = tape.finish([&maps])?;
    assert_eq!(values(&y), [45.0]);
    let gradients = y.sum_all()?.backward()?;
    assert_eq!(gradients.get(&w).map(values), Some(vec![30.0]));
    assert_eq!(gradients.get(&x).map(values), Some(vec![9.0]));
    Ok(())
}

#[test]
fn nothing_is_recorded_that_nobody_wants() -> Result<()> {
    let (x, w) = (noise(&[1, 2, 4, 4], 1), var(&[3, 2, 3, 3], 2));
    let result = |records, w: &Tensor| -> Result<Tensor> {
        let tape = Tape::new(records);
        let maps = tape.conv2d(&tape.input(&x)?, w, Conv2dConfig::default())?;
        Ok(tape.finish([&maps])?[0].clone())
    };
    assert!(result(true, &w)?.track_op());
    assert!(!result(false, &w)?.track_op());
    assert!(!result(true, &w.as_detached_tensor())?.track_op());
    assert_eq!(values(&result(false, &w)?), values(&conv2d(&x, &w, None, Conv2dConfig::default())?));
    Ok(())
}

/// Maps of which a tape keeps what they were made of, not the values: the weights' gradients must be those of the values.
#[test]
fn what_is_made_again_has_the_same_bits() -> Result<()> {
    let (x, w) = (noise(&[2, 3, 6, 5], 1), var(&[4, 3, 3, 3], 2));
    let (gamma, beta) = (var(&[3], 3), var(&[3], 4));
    let tape = Tape::new(true);
    let normalised = tape.batch_norm_train(&tape.input(&x)?, &gamma, &beta, 1e-5, After::Relu)?.0;
    let maps = tape.conv2d(&normalised, &w, Conv2dConfig::default())?;
    let [maps] = tape.finish([&maps])?;
    let again = maps.sqr()?.sum_all()?.backward()?;

    let kept = cyborg_ops::batch_norm_relu_train(&x, &gamma, &beta, 1e-5)?.0;
    let kept = conv2d(&kept, &w, None, Conv2dConfig::default())?.sqr()?.sum_all()?.backward()?;
    assert!(again.get(&w).is_some());
    assert_eq!(again.get(&w).map(values), kept.get(&w).map(values));
    Ok(())
}

#[test]
fn maps_grow_to_what_was_said() -> Result<()> {
    let tape = Tape::new(true);
    let w = var(&[2, 3, 1, 1], 2);
    let first = tape.input(&noise(&[2, 3, 4, 5], 1))?;
    let two = tape.conv2d(&first, &w, Conv2dConfig::default())?;
    check(
        tape.growing(&first, 2),
        "`grow`: `part` must have batch, height and width (2, 4, 5) and at most 2 channels, found shape [2, 3, 4, 5]",
    );
    let mut growing = tape.growing(&first, 6)?;
    tape.grow(&mut growing, &two)?;
    check(
        tape.grow(&mut growing, &two),
        "`grow`: `part` must have batch, height and width (2, 4, 5) and at most 1 channels, found shape [2, 2, 4, 5]",
    );
    let other = tape.input(&noise(&[2, 1, 4, 4], 1))?;
    check(
        tape.grow(&mut growing, &other),
        "`grow`: `part` must have batch, height and width (2, 4, 5) and at most 1 channels, found shape [2, 1, 4, 4]",
    );
    check(tape.grown(growing), "`grown`: the number of channels that maps have grown to must be 6, found 5");

    let growing = tape.growing(&two, 3)?;
    let ones = Var::ones(2, DType::F32, &Device::Cpu)?;
    let normalised = tape.batch_norm_train(&growing, &ones, &ones, 1e-5, After::Nothing)?.0;
    let [result] = tape.finish([&normalised])?;
    check(
        result.sqr()?.sum_all()?.backward().map(|_| ()),
        "`backward` was called before maps that grow were whole: call `Tape::grown` in the forward pass",
    );
    Ok(())
}

#[test]
fn shapes_that_do_not_go_together_are_refused() -> Result<()> {
    let tape = Tape::new(false);
    let (a, b) = (tape.input(&noise(&[1, 2, 3, 3], 1))?, tape.input(&noise(&[1, 2, 3, 4], 1))?);
    let c = noise(&[2], 1);
    check(
        tape.batch_norm_train(&a, &c, &c, 1e-5, After::AddRelu(&b)),
        "`batch_norm_relu_train`: `other` must have the shape of `input`, [1, 2, 3, 3], found [1, 2, 3, 4]",
    );
    check(
        tape.add_relu(&a, &b),
        "`add_relu`: `b` must have the shape of `a`, [1, 2, 3, 3], found [1, 2, 3, 4]",
    );
    check(
        tape.concat_channels(&[]),
        "`concat_channels`: the number of tensors must be at least 1, found (0, 0)",
    );
    check(
        tape.input(&noise(&[2, 3], 1)),
        "`Tape::input`: `tensor` must be (batch, channels, height, width), found shape [2, 3]",
    );
    let config = PoolConfig { kernel: (4, 3), stride: (1, 1), padding: (0, 0), ceil_mode: false };
    check(
        tape.max_pool2d(&a, config),
        "`max_pool2d`: a window of (4, 3) (height, width, dilation included) does not fit into the padded input of \
         (3, 3); use a larger image or more padding",
    );
    Ok(())
}

/// Each kernel: Winograd's, plain products with and without a border, depthwise; some channels that fill no vector.
#[test]
fn a_convolution_and_its_batch_norm_at_once_have_the_same_bits() -> Result<()> {
    let padded = Conv2dConfig { padding: (1, 1), ..Conv2dConfig::default() };
    let cases = [
        ([20, 17, 3, 3], padded),
        ([24, 17, 3, 3], Conv2dConfig { stride: (2, 2), ..padded }),
        ([33, 17, 1, 1], Conv2dConfig::default()),
        ([600, 17, 1, 1], Conv2dConfig::default()),
        ([17, 1, 3, 3], Conv2dConfig { groups: 17, ..padded }),
    ];
    for (weight, config) in cases {
        let images = noise(&[2, 17, 9, 10], 1);
        let (weight, out) = (noise(&weight, 2), weight[0]);
        let norm = [noise(&[out], 3), noise(&[out], 4), noise(&[out], 5), noise(&[out], 6).abs()?];
        let norm = norm.each_ref();
        let tape = Tape::new(false);
        let input = tape.input(&images)?;
        let apart = tape.conv2d(&input, &weight, config)?;
        let [batch, channels, height, width] = apart.dims();
        let other = tape.input(&noise(&[batch, channels, height, width], 7))?;
        for after in [After::Nothing, After::Relu, After::Add(&other), After::AddRelu(&other)] {
            let expected = tape.batch_norm_eval(&apart, norm, 1e-5, after)?;
            let found = tape.conv2d_batch_norm_eval(&input, &weight, config, norm, 1e-5, after)?;
            let [expected, found] = Tape::new(false).finish([&expected, &found])?;
            assert_eq!(values(&found), values(&expected), "{config:?}, {after:?}");
        }
    }
    Ok(())
}
