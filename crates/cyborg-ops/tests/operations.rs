//! Operations that are types of their own, against PyTorch (`golden/operations.py`), and what a wrong one says. Finite
//! differences and threads are in `gradients.rs`.
#![allow(missing_docs, reason = "a test")]

mod common;

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};
use common::{noise, values};
use cyborg_ops::{
    Backward, ChannelBias, Conv2dConfig, Interpolation, Maps, Needs, Operation, Product, Relu6, Sigmoid, Sum,
    Tanh, Tape, Upsample, Value,
};

/// Of the largest expected value (at least 1). Measured: 2.5e-7 at worst (a convolution).
const TOLERANCE: f32 = 2e-6;

/// The operation that a case is named after.
fn run(name: &str, tape: &Tape, a: &Value, b: Option<&Tensor>) -> Result<Value> {
    let words: Vec<&str> = name.split(' ').collect();
    let number = |index: usize| words[index].parse::<usize>().expect("a number");
    let other = || b.expect("a second input");
    match words[0] {
        "product" => tape.apply(Product, &[a, &tape.input(other())?], &[]),
        "sum" => tape.apply(Sum, &[a, &tape.input(other())?], &[]),
        "sigmoid" => tape.apply(Sigmoid, &[a], &[]),
        "tanh" => tape.apply(Tanh, &[a], &[]),
        "relu6" => tape.apply(Relu6, &[a], &[]),
        "channel_bias" => tape.apply(ChannelBias, &[a], &[other()]),
        "nearest" | "bilinear" => {
            let interpolation =
                if words[0] == "nearest" { Interpolation::Nearest } else { Interpolation::Bilinear };
            tape.apply(Upsample { height: number(1), width: number(2), interpolation }, &[a], &[])
        }
        "conv2d" => {
            let n = words.len();
            let config = Conv2dConfig {
                stride: (number(n - 6), number(n - 6)),
                padding: (number(n - 4), number(n - 3)),
                extra_padding: (number(n - 2), number(n - 1)),
                groups: number(n - 5),
                ..Conv2dConfig::default()
            };
            tape.conv2d(a, other(), config)
        }
        _ => panic!("no operation `{name}`"),
    }
}

fn difference(found: &Tensor, expected: &Tensor, what: &str) -> f32 {
    assert_eq!(found.dims(), expected.dims(), "shape of {what}");
    let pairs = values(found).into_iter().zip(values(expected));
    let scale = values(expected).iter().fold(1.0_f32, |scale, x| scale.max(x.abs()));
    pairs.fold(0.0, |worst: f32, (found, expected)| {
        let difference = (found - expected).abs() / scale;
        worst.max(if difference.is_nan() { f32::INFINITY } else { difference })
    })
}

#[test]
fn operations_as_pytorch() -> Result<()> {
    let tensors =
        candle_core::safetensors::load_buffer(include_bytes!("golden/operations.safetensors"), &Device::Cpu)?;
    let mut cases: BTreeMap<String, BTreeMap<String, Tensor>> = BTreeMap::new();
    for (name, tensor) in BTreeMap::from_iter(tensors) {
        let (case, key) = name.split_once('/').expect("names are case/key");
        cases.entry(case.to_owned()).or_default().insert(key.to_owned(), tensor);
    }
    assert_eq!(cases.len(), 28);
    for (name, case) in cases {
        let a = Var::from_tensor(&case["a"])?;
        let b = case.get("b").map(Var::from_tensor).transpose()?;
        let tape = Tape::new(true);
        let value = run(&name, &tape, &tape.input(&a)?, b.as_ref().map(Var::as_tensor))?;
        let [output] = tape.finish([&value])?;
        let mut worst = difference(&output, &case["output"], &name);
        let gradients = (output * &case["cotangent"])?.sum_all()?.backward()?;
        for (key, var) in [("d_a", Some(&a)), ("d_b", b.as_ref())] {
            let Some(var) = var else { continue };
            worst = worst.max(difference(gradients.get(var).expect("a gradient"), &case[key], &name));
        }
        assert!(worst < TOLERANCE, "{name}: off by {worst:e}");
    }
    Ok(())
}

#[test]
fn activations_at_their_edges() -> Result<()> {
    // torch.sigmoid(-200) is 0 in float32, tanh(200) 1, relu6(nan) nan.
    let x = Tensor::new(&[[[[-200.0_f32, 200.0, f32::NAN]]]], &Device::Cpu)?;
    let tape = Tape::new(false);
    let input = tape.input(&x)?;
    let results = [
        tape.apply(Sigmoid, &[&input], &[])?,
        tape.apply(Tanh, &[&input], &[])?,
        tape.apply(Relu6, &[&input], &[])?,
    ];
    let [sigmoid, tanh, relu6] = tape.finish([&results[0], &results[1], &results[2]])?;
    assert_eq!(values(&sigmoid)[..2], [0.0, 1.0]);
    assert_eq!(values(&tanh)[..2], [-1.0, 1.0]);
    assert_eq!(values(&relu6)[..2], [0.0, 6.0]);
    assert!([sigmoid, tanh, relu6].iter().all(|result| values(result)[2].is_nan()));
    Ok(())
}

/// An operation whose backward pass does something wrong.
struct Wrong(&'static str);

impl Operation for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn forward(&mut self, inputs: &[&Maps], _parameters: &[&[f32]]) -> Result<Maps> {
        Ok(Maps::from_values(inputs[0].shape(), inputs[0].values().to_vec())?)
    }

    fn backward(self, gradient: Maps, backward: &mut Backward<'_>) -> Result<()> {
        match self.0 {
            "input" => backward.input(0).map(|_| ()),
            "output" => backward.output().map(|_| ()),
            "parameter" => backward.parameter(1).map(|_| ()),
            "length" => backward.add_parameter(0, vec![0.0; 3]),
            _ => {
                let shape = cyborg_ops::MapShape { channels: 1, ..gradient.shape() };
                backward.add_input(0, Maps::from_values(shape, vec![0.0; shape.batch * 12])?)
            }
        }
    }
}

#[test]
fn a_wrong_operation_is_told_what_is_wrong() -> Result<()> {
    for (what, expected) in [
        ("input", "reads its input 0, which it did not ask for"),
        ("output", "reads its output, which it did not ask for"),
        ("parameter", "reads its parameter 1, which it does not have"),
        ("length", "gives parameter 0 3 gradients instead of 2"),
        ("shape", "gives input 0 of"),
    ] {
        let x = Var::from_tensor(&noise(&[1, 2, 3, 4], 1))?;
        let w = Var::from_tensor(&noise(&[2], 2))?;
        let tape = Tape::new(true);
        let value = tape.apply(Wrong(what), &[&tape.input(&x)?], &[&w])?;
        let [output] = tape.finish([&value])?;
        let error = output.sum_all()?.backward().map(|_| ()).expect_err(what).to_string();
        assert!(error.contains("the backward pass of `wrong`") && error.contains(expected), "{error}");
    }
    Ok(())
}

#[test]
fn inputs_that_do_not_go_together_are_refused() -> Result<()> {
    let tape = Tape::new(false);
    let input = |shape: &[usize]| tape.input(&noise(shape, 1));
    let (a, b) = (input(&[1, 2, 3, 4])?, input(&[1, 3, 3, 4])?);
    let message = |result: Result<Value>| result.map(|_| ()).expect_err("refused").to_string();
    let error = message(tape.apply(Product, &[&a, &b], &[]));
    assert!(
        error.starts_with(
            "`product`: `second input` must have the shape of the first, [1, 2, 3, 4], or in its place one channel, \
             one pixel or both, found [1, 3, 3, 4]"
        ),
        "{error}"
    );
    let error = message(tape.apply(Sum, &[&a], &[]));
    assert!(error.starts_with("`sum`: the number of inputs must be 2, found 1"), "{error}");
    let error = message(tape.apply(ChannelBias, &[&a], &[&noise(&[3], 1)]));
    assert!(error.starts_with("`channel_bias`: bias must be 2, found 3"), "{error}");
    let upsample = Upsample { height: 0, width: 3, interpolation: Interpolation::Nearest };
    let error = message(tape.apply(upsample, &[&a], &[]));
    assert!(
        error.starts_with("`upsample`: height and width of the result must be at least 1, found (0, 3)"),
        "{error}"
    );
    Ok(())
}
