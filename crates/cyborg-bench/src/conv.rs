//! One convolution of ours and its three products. The one place that calls the operations that `bench ops` times.

use crate::noise::noise;
use crate::ops::{ConvTask, Pass};
use crate::protocol::Timed;
use crate::system::Stopwatch;
use crate::{BenchError, ConvShape};
use candle_core::{Device, Tensor, Var};
use cyborg_ops::{Conv2dConfig, Tape, Value, conv2d};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) struct Convolution {
    x: Var,
    /// `x` in the layout of the kernels.
    maps: Value,
    weight: Var,
    /// Of the output.
    gradient: Tensor,
    config: Conv2dConfig,
}

impl Convolution {
    pub(crate) fn new(task: &ConvTask) -> Result<Self, BenchError> {
        let ConvShape { input: [n_in, height, width], weight, stride, padding, groups, .. } = task.shape;
        let [n_out, rows, columns] = task.shape.output();
        let tensor = |name: &str, dims: [usize; 4]| {
            Tensor::from_vec(noise(name, dims.iter().product()), dims.as_slice(), &Device::Cpu)
        };
        let x = Var::from_tensor(&tensor("x", [task.batch, n_in, height, width])?)?;
        let weight = Var::from_tensor(&tensor("weight", weight)?)?;
        let gradient = tensor("gradient", [task.batch, n_out, rows, columns])?;
        let config = Conv2dConfig {
            stride: (stride[0], stride[1]),
            padding: (padding[0], padding[1]),
            groups,
            ..Conv2dConfig::default()
        };
        let maps = Tape::new(false).input(&x)?;
        Ok(Self { x, maps, weight, gradient, config })
    }

    /// Runs one of the products so often. The output is timed alone. Gradients are those of ones; the changes of layout of the
    /// output's gradient (and of the input's) at the ends of the tape count, the forward pass before does not.
    pub(crate) fn time(&self, pass: Pass, repeats: usize) -> Result<Timed, BenchError> {
        let mut watch = Stopwatch::default();
        let weight = self.weight.as_detached_tensor();
        if pass == Pass::Forward {
            watch.time(|| {
                (0..repeats)
                    .try_for_each(|_| Tape::new(false).conv2d(&self.maps, &weight, self.config).map(drop))
            })?;
            return Ok(watch.read(repeats, 0.0));
        }
        for _ in 0..repeats {
            let output = self.recorded(pass)?;
            watch.time(|| output.backward().map(drop))?;
        }
        Ok(watch.read(repeats, 0.0))
    }

    /// The output as a function of the input alone, or of the weight alone.
    fn recorded(&self, pass: Pass) -> candle_core::Result<Tensor> {
        let tape = Tape::new(true);
        let output = if pass == Pass::InputGradient {
            tape.conv2d(&tape.input(&self.x)?, &self.weight.as_detached_tensor(), self.config)?
        } else {
            tape.conv2d(&self.maps, &self.weight, self.config)?
        };
        let [output] = tape.finish([&output])?;
        Ok(output)
    }

    /// The three results in PyTorch's order.
    fn result(&self, pass: Pass) -> Result<Vec<f32>, BenchError> {
        let (x, weight) = (self.x.as_detached_tensor(), self.weight.as_detached_tensor());
        let gradient_of = |variable: &Var| {
            let output = self.recorded(pass)?;
            let gradients = (output * &self.gradient)?.sum_all()?.backward()?;
            gradients.get(variable).cloned().ok_or_else(|| candle_core::Error::msg("no gradient"))
        };
        let tensor = match pass {
            Pass::Forward => conv2d(&x, &weight, None, self.config)?,
            Pass::InputGradient => gradient_of(&self.x)?,
            Pass::WeightGradient => gradient_of(&self.weight)?,
        };
        Ok(tensor.flatten_all()?.to_vec1()?)
    }

    /// Largest difference from the values in `dir`, relative to the largest of those; of each that is there.
    pub(crate) fn compare(&self, dir: &Path) -> Result<BTreeMap<Pass, f64>, BenchError> {
        let mut errors = BTreeMap::new();
        for pass in Pass::ALL {
            let path = dir.join(pass.name());
            if !path.exists() {
                continue;
            }
            let (bytes, found) = (fs_err::read(&path)?, self.result(pass)?);
            let expected = bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value));
            if bytes.len() != 4 * found.len() {
                let reason = format!("it has {} values, we have {}", bytes.len() / 4, found.len());
                return Err(BenchError::Tensors { path, reason });
            }
            errors.insert(pass, relative_error(&found, expected));
        }
        Ok(errors)
    }
}

/// Largest difference over the largest expected value; a NaN is the worst of all.
fn relative_error(found: &[f32], expected: impl Iterator<Item = f32>) -> f64 {
    let (mut worst, mut largest) = (0f64, 0f64);
    for (found, expected) in found.iter().zip(expected) {
        let (found, expected) = (f64::from(*found), f64::from(expected));
        let error = (found - expected).abs();
        worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
        largest = largest.max(expected.abs());
    }
    if worst == 0.0 { 0.0 } else { worst / largest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyborg_backbones::Architecture;

    #[test]
    fn values_are_compared_pass_by_pass() {
        let shape = crate::convolutions(Architecture::ThinResNet8, 8).remove(1);
        let task = ConvTask { shape, batch: 1, threads: 1, variant: None };
        let convolution = Convolution::new(&task).expect("made");
        let dir = tempfile::tempdir().expect("a folder");
        // By the definition, in f64: 16 channels, 4 x 4, 3 x 3 with padding 1.
        let (x, w) = (noise("x", 16 * 16), noise("weight", 16 * 16 * 9));
        let mut bytes = Vec::new();
        for (out, y, x_at) in (0..256).map(|index| (index / 16, index / 4 % 4, index % 4)) {
            let mut sum = 0f64;
            for (n_in, ky, kx) in (0..144).map(|k| (k / 9, k / 3 % 3, k % 3)) {
                let (row, column) = (y + ky, x_at + kx);
                if (1..5).contains(&row) && (1..5).contains(&column) {
                    let value = x[n_in * 16 + (row - 1) * 4 + column - 1];
                    sum += f64::from(value) * f64::from(w[(out * 16 + n_in) * 9 + ky * 3 + kx]);
                }
            }
            bytes.extend((sum as f32).to_le_bytes());
        }
        fs_err::write(dir.path().join("forward"), &bytes).expect("written");
        let errors = convolution.compare(dir.path()).expect("compared");
        assert_eq!(errors.keys().collect::<Vec<_>>(), [&Pass::Forward]);
        // Measured: 1e-7; sums of 144 products in f32.
        assert!(errors[&Pass::Forward] < 1e-6, "{errors:?}");
        for pass in Pass::ALL {
            assert!(convolution.time(pass, 2).expect("it runs").seconds > 0.0);
        }

        bytes[0..4].copy_from_slice(&f32::NAN.to_le_bytes());
        fs_err::write(dir.path().join("forward"), &bytes).expect("written");
        assert_eq!(convolution.compare(dir.path()).expect("compared")[&Pass::Forward], f64::INFINITY);
        fs_err::write(dir.path().join("forward"), &bytes[4..]).expect("written");
        let error = convolution.compare(dir.path()).expect_err("one is missing").to_string();
        assert!(error.ends_with("it has 255 values, we have 256"), "{error}");
    }
}
