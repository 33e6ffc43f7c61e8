//! Every operation, forward and backward, against PyTorch: see `golden/generate.py`.
#![allow(missing_docs, reason = "a test")]

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};
use cyborg_ops::{
    Conv2dConfig, PoolConfig, avg_pool2d, batch_norm_eval, batch_norm_train, concat_channels, conv2d,
    max_pool2d,
};

/// Measured: 1.1e-6 at worst, where Winograd's transforms are used (sums of 153 products); 4.1e-7 without them.
const CONV_TOLERANCE: f32 = 3e-6;
/// Measured: 2.2e-6 at worst (the gradient of gamma, a sum of 4,160 products); 1.4e-7 but for that.
const BATCH_NORM_TOLERANCE: f32 = 5e-6;
/// Measured: 1.2e-7 at worst, the rounding of one result.
const POOL_TOLERANCE: f32 = 3e-7;

type Case = BTreeMap<String, Tensor>;

fn cases(bytes: &[u8]) -> BTreeMap<String, Case> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).expect("golden file loads");
    for (name, tensor) in BTreeMap::from_iter(tensors) {
        let (case, key) = name.split_once('/').expect("names are case/key");
        cases.entry(case.to_owned()).or_default().insert(key.to_owned(), tensor);
    }
    assert!(cases.len() > 3);
    cases
}

fn settings(case: &Case) -> Vec<usize> {
    let settings = case["settings"].to_vec1::<i64>().expect("whole numbers");
    settings.into_iter().map(|s| usize::try_from(s).expect("not negative")).collect()
}

fn var(case: &Case, key: &str) -> Var {
    Var::from_tensor(&case[key]).expect("a variable")
}

/// Largest difference, in units of the largest expected value (at least 1). Infinities and NaN must agree.
fn difference(found: &Tensor, expected: &Tensor, what: &str) -> f32 {
    assert_eq!(found.dims(), expected.dims(), "shape of {what}");
    let flat = |t: &Tensor| t.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32");
    let (found, expected) = (flat(found), flat(expected));
    let finite = |x: &&f32| x.is_finite();
    let scale = expected.iter().filter(finite).fold(1.0_f32, |scale, x| scale.max(x.abs()));
    found.iter().zip(&expected).fold(0.0, |worst: f32, (&f, &e)| {
        if f == e || (f.is_nan() && e.is_nan()) {
            return worst;
        }
        let difference = (f - e).abs() / scale;
        worst.max(if difference.is_nan() { f32::INFINITY } else { difference })
    })
}

/// Compares an output and the gradients of `sum(output * cotangent)`; returns the largest difference.
fn check(name: &str, case: &Case, prefix: &str, output: &Tensor, inputs: &[(&str, &Var)]) -> Result<f32> {
    let mut worst = difference(output, &case[&format!("{prefix}output")], &format!("{name}/{prefix}output"));
    let gradients = (output * &case["cotangent"])?.sum_all()?.backward()?;
    for (input, var) in inputs {
        let key = format!("{prefix}d_{input}");
        let found = gradients.get(var).expect("every input has a gradient");
        worst = worst.max(difference(found, &case[&key], &format!("{name}/{key}")));
    }
    Ok(worst)
}

#[test]
fn conv2d_as_pytorch() -> Result<()> {
    let more = cases(include_bytes!("golden/conv2d_more.safetensors"));
    for (name, case) in cases(include_bytes!("golden/conv2d.safetensors")).into_iter().chain(more) {
        let [sy, sx, py, px, dy, dx, groups] = settings(&case)[..] else { panic!("settings of {name}") };
        let config = Conv2dConfig {
            stride: (sy, sx),
            padding: (py, px),
            dilation: (dy, dx),
            groups,
            ..Conv2dConfig::default()
        };
        let (input, weight) = (var(&case, "input"), var(&case, "weight"));
        let bias = case.contains_key("bias").then(|| var(&case, "bias"));
        let output = conv2d(&input, &weight, bias.as_ref().map(Var::as_tensor), config)?;
        let mut inputs = vec![("input", &input), ("weight", &weight)];
        inputs.extend(bias.as_ref().map(|bias| ("bias", bias)));
        let worst = check(&name, &case, "", &output, &inputs)?;
        assert!(worst < CONV_TOLERANCE, "{name}: off by {worst:e}");
    }
    Ok(())
}

#[test]
fn concat_channels_as_pytorch() -> Result<()> {
    for (name, case) in cases(include_bytes!("golden/concat.safetensors")) {
        let names: Vec<String> = case.keys().filter(|key| key.starts_with("input")).cloned().collect();
        let inputs: Vec<Var> = names.iter().map(|key| var(&case, key)).collect();
        let output = concat_channels(&inputs.iter().map(Var::as_tensor).collect::<Vec<_>>())?;
        let inputs: Vec<(&str, &Var)> = names.iter().map(String::as_str).zip(&inputs).collect();
        // Values are copied, and the gradient of a product with one factor is rounded once.
        assert_eq!(check(&name, &case, "", &output, &inputs)?, 0.0, "{name}");
    }
    Ok(())
}

#[test]
fn batch_norm_as_pytorch() -> Result<()> {
    for (name, case) in cases(include_bytes!("golden/batch_norm.safetensors")) {
        let eps = case["eps"].to_vec1::<f64>()?[0];
        let vars = ["input", "gamma", "beta"].map(|key| (key, var(&case, key)));
        let [(_, input), (_, gamma), (_, beta)] = &vars;
        let inputs = vars.each_ref().map(|(key, var)| (*key, var));
        let (output, statistics) = batch_norm_train(input, gamma, beta, eps)?;
        let mut worst = check(&name, &case, "train_", &output, &inputs)?;
        worst = worst.max(difference(&statistics.mean, &case["mean"], "mean"));
        worst = worst.max(difference(&statistics.variance, &case["variance"], "variance"));
        let output = batch_norm_eval(input, gamma, beta, &case["running_mean"], &case["running_var"], eps)?;
        worst = worst.max(check(&name, &case, "eval_", &output, &inputs)?);
        assert!(worst < BATCH_NORM_TOLERANCE, "{name}: off by {worst:e}");
    }
    Ok(())
}

fn pool_config(name: &str, case: &Case) -> PoolConfig {
    let [ky, kx, sy, sx, py, px, ceil] = settings(case)[..] else { panic!("settings of {name}") };
    PoolConfig { kernel: (ky, kx), stride: (sy, sx), padding: (py, px), ceil_mode: ceil == 1 }
}

#[test]
fn max_pool2d_as_pytorch() -> Result<()> {
    for (name, case) in cases(include_bytes!("golden/max_pool2d.safetensors")) {
        let input = var(&case, "input");
        let output = max_pool2d(&input, pool_config(&name, &case))?;
        let worst = check(&name, &case, "", &output, &[("input", &input)])?;
        assert!(worst < POOL_TOLERANCE, "{name}: off by {worst:e}");
    }
    Ok(())
}

#[test]
fn avg_pool2d_as_pytorch() -> Result<()> {
    for (name, case) in cases(include_bytes!("golden/avg_pool2d.safetensors")) {
        let config = pool_config(&name, &case);
        let input = var(&case, "input");
        for (counted, prefix) in [(true, "with_pad_"), (false, "without_pad_")] {
            let output = avg_pool2d(&input, config, counted)?;
            let worst = check(&name, &case, prefix, &output, &[("input", &input)])?;
            assert!(worst < POOL_TOLERANCE, "{name}: off by {worst:e}");
        }
    }
    Ok(())
}
