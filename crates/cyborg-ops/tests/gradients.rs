//! Every gradient against central differences, and what must hold for every operation.
#![allow(missing_docs, reason = "a test")]

mod common;

use candle_core::{Result, Tensor};
use common::{Case, apart, large_cases, noise, small_cases, values};
use cyborg_ops::{batch_norm_eval, batch_norm_relu_eval, batch_norm_relu_train, batch_norm_train, relu};

/// Half the distance between the two inner points of a difference; the outer ones are twice as far apart, which takes away
/// what third derivatives add (2e-4 in three batch norms). Outputs below 10, rounded to 24 bits, up to 300 of them:
/// 10 * 6e-8 * sqrt(300) / (2 * H) = 5e-4 at the very worst.
const H: f32 = 0.01;
/// Of the largest gradient (at least 1). Measured: 2.7e-5 at worst (batch norm), so a tenth of a per mille is caught.
const TOLERANCE: f64 = 1e-4;
/// For several operations one after the other, each of which rounds. Measured: 4.4e-4 at worst.
const TOLERANCE_OF_BLOCKS: f64 = 1e-3;

fn check(case: &Case) -> Result<()> {
    let (_, gradients) = case.output_and_gradients()?;
    let tolerance = if case.name.contains("block") { TOLERANCE_OF_BLOCKS } else { TOLERANCE };
    for (which, gradient) in gradients.iter().enumerate() {
        let gradient = values(gradient);
        let scale = gradient.iter().fold(1.0_f64, |scale, g| scale.max(f64::from(g.abs())));
        let start = values(&case.inputs[which]);
        for index in 0..start.len() {
            let loss_at = |shift: f32| -> Result<(f64, f64)> {
                let mut moved = start.clone();
                moved[index] += shift;
                let at = f64::from(moved[index]);
                let mut inputs = case.inputs.clone();
                inputs[which] = Tensor::from_vec(moved, inputs[which].dims(), inputs[which].device())?;
                Ok((case.loss(&inputs)?, at))
            };
            let slope = |h: f32| -> Result<f64> {
                let ((above, high), (below, low)) = (loss_at(h)?, loss_at(-h)?);
                Ok((above - below) / (high - low))
            };
            let expected = (4.0 * slope(H)? - slope(2.0 * H)?) / 3.0;
            let error = (expected - f64::from(gradient[index])).abs() / scale;
            assert!(
                error < tolerance,
                "{}, input {which}, index {index}: {} found, {expected} by differences",
                case.name,
                gradient[index]
            );
        }
    }
    Ok(())
}

#[test]
fn gradients_are_those_of_central_differences() -> Result<()> {
    small_cases().iter().try_for_each(check)
}

#[test]
fn bits_do_not_depend_on_threads() -> Result<()> {
    for case in small_cases().iter().chain(&large_cases()) {
        let bits = |threads: usize| -> Result<Vec<Vec<u32>>> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let (output, gradients) = pool.install(|| case.output_and_gradients())?;
            let tensors = std::iter::once(output).chain(gradients);
            Ok(tensors.map(|t| values(&t).into_iter().map(f32::to_bits).collect()).collect())
        };
        let one = bits(1)?;
        for threads in [2, 3, 8] {
            assert!(bits(threads)? == one, "{} with {threads} threads", case.name);
        }
    }
    Ok(())
}

#[test]
fn layout_in_memory_does_not_matter() -> Result<()> {
    for case in small_cases() {
        let expected = values(&(case.run)(&case.inputs)?);
        // The same values with the first dimension last in memory, and behind other values.
        let rearranged: Vec<Tensor> = case
            .inputs
            .iter()
            .map(|input| {
                let last = input.rank() - 1;
                let moved = input.transpose(0, last)?.contiguous()?.transpose(0, last)?;
                let behind = Tensor::cat(&[&noise(input.dims(), 5), input], 0)?;
                let behind = behind.narrow(0, input.dims()[0], input.dims()[0])?;
                // Values of one direction lie in a row, however they are turned.
                let is_row = input.dims().iter().filter(|&&n| n > 1).count() <= 1;
                assert!(is_row || !moved.is_contiguous());
                Ok(if is_row { behind } else { moved })
            })
            .collect::<Result<_>>()?;
        assert_eq!(values(&(case.run)(&rearranged)?), expected, "{}", case.name);
    }
    Ok(())
}

/// A gradient that comes back through a broadcast or a transposition is not contiguous.
#[test]
fn gradients_of_any_layout_are_taken() -> Result<()> {
    for case in small_cases() {
        let vars: Vec<candle_core::Var> =
            case.inputs.iter().map(candle_core::Var::from_tensor).collect::<Result<_>>()?;
        let inputs: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let output = (case.run)(&inputs)?;
        let last = output.rank() - 1;
        let cotangent = noise(output.dims(), 99).transpose(0, last)?.contiguous()?;
        let gradients = (output.transpose(0, last)? * cotangent)?.sum_all()?.backward()?;
        let (_, expected) = case.output_and_gradients()?;
        for (var, expected) in vars.iter().zip(expected) {
            let found = gradients.get(var).expect("a gradient");
            assert_eq!(values(found), values(&expected), "{}", case.name);
        }
    }
    Ok(())
}

/// Images are no variables: their gradient, the most expensive of all and good for nothing, is left out.
#[test]
fn images_get_no_gradient() -> Result<()> {
    let images = noise(&[2, 3, 8, 8], 1);
    let weight = candle_core::Var::from_tensor(&noise(&[4, 3, 3, 3], 2))?;
    let output = cyborg_ops::conv2d(&images, &weight, None, cyborg_ops::Conv2dConfig::default())?;
    let gradients = output.sum_all()?.backward()?;
    assert!(gradients.get(&images).is_none());
    assert!(gradients.get(&weight).is_some());
    Ok(())
}

#[test]
fn fused_relu_is_relu_after_batch_norm() -> Result<()> {
    let inputs = [noise(&[3, 5, 9, 7], 1), noise(&[5], 2), noise(&[5], 3)];
    let (mean, var) = (noise(&[5], 4), (noise(&[5], 5) + 1.5)?);
    let train = |fused: bool| -> Result<(Tensor, Vec<Tensor>)> {
        let vars: Vec<candle_core::Var> =
            inputs.iter().map(candle_core::Var::from_tensor).collect::<Result<_>>()?;
        let output = if fused {
            batch_norm_relu_train(&vars[0], &vars[1], &vars[2], 1e-5)?.0
        } else {
            relu(&batch_norm_train(&vars[0], &vars[1], &vars[2], 1e-5)?.0)?
        };
        let gradients = (&output * noise(output.dims(), 9))?.sum_all()?.backward()?;
        let gradients = vars.iter().map(|var| gradients.get(var).cloned().expect("a gradient")).collect();
        Ok((output, gradients))
    };
    let (fused, apart) = (train(true)?, train(false)?);
    assert_eq!(values(&fused.0), values(&apart.0));
    for (fused, apart) in fused.1.iter().zip(&apart.1) {
        assert_eq!(values(fused), values(apart));
    }
    let [x, gamma, beta] = &inputs;
    let fused = batch_norm_relu_eval(x, gamma, beta, &mean, &var, 1e-5)?;
    let apart = relu(&batch_norm_eval(x, gamma, beta, &mean, &var, 1e-5)?)?;
    assert_eq!(values(&fused), values(&apart));
    Ok(())
}

/// PyTorch: `torch.relu(nan)` is nan and lets the gradient through; at zero the gradient is zero.
#[test]
fn relu_at_its_edges() -> Result<()> {
    let x = candle_core::Var::new(
        &[f32::NAN, 0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, 2.0],
        &candle_core::Device::Cpu,
    )?;
    let y = relu(&x)?;
    let found = values(&y);
    assert!(found[0].is_nan());
    assert_eq!(found[1..], [0.0, 0.0, f32::INFINITY, 0.0, 2.0]);
    let gradient = y.sum_all()?.backward()?.get(&x).map(values);
    assert_eq!(gradient, Some(vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0]));
    Ok(())
}

#[test]
fn empty_batches_give_empty_outputs() -> Result<()> {
    let x = noise(&[0, 3, 6, 6], 1);
    let y = cyborg_ops::conv2d(&x, &noise(&[4, 3, 3, 3], 2), None, cyborg_ops::Conv2dConfig::default())?;
    assert_eq!(y.dims(), [0, 4, 4, 4]);
    assert_eq!(relu(&y)?.dims(), [0, 4, 4, 4]);
    assert_eq!(cyborg_ops::global_avg_pool2d(&y)?.dims(), [0, 4]);
    let ones = apart(&[3], 0.1, 1).ones_like()?;
    assert_eq!(batch_norm_eval(&x, &ones, &ones, &ones, &ones, 1e-5)?.dims(), [0, 3, 6, 6]);
    Ok(())
}
