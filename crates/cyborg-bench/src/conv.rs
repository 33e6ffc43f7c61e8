//! One convolution of ours and its three products. The one place that calls the operations that `bench ops` times.

use crate::noise::noise;
use crate::ops::{ConvTask, Pass};
use crate::protocol::Timed;
use crate::system::Stopwatch;
use crate::{BenchError, ConvShape};
use cyborg_ops::{Conv2dConfig, Conv2dKernels, Values};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;

/// Values of maps with channels last, of weights as PyTorch has them.
pub(crate) struct Convolution {
    kernels: Conv2dKernels,
    x: Vec<f32>,
    weight: Vec<f32>,
    /// Of the output.
    gradient: Vec<f32>,
    /// Images; channels, height and width of input and output.
    batch: usize,
    input: [usize; 3],
    output: [usize; 3],
}

impl Convolution {
    pub(crate) fn new(task: &ConvTask) -> Result<Self, BenchError> {
        let ConvShape { input, weight, stride, padding, groups, .. } = task.shape;
        let (batch, output) = (task.batch, task.shape.output());
        let config = Conv2dConfig {
            stride: (stride[0], stride[1]),
            padding: (padding[0], padding[1]),
            groups,
            ..Conv2dConfig::default()
        };
        let maps = |name: &str, dims: [usize; 3]| {
            channels_last(&noise(name, batch * dims.iter().product::<usize>()), dims)
        };
        Ok(Self {
            kernels: Conv2dKernels::new([batch, input[0], input[1], input[2]], weight, config)?,
            x: maps("x", input),
            weight: noise("weight", weight.iter().product()),
            gradient: maps("gradient", output),
            batch,
            input,
            output,
        })
    }

    fn run(&self, pass: Pass) -> Values {
        match pass {
            Pass::Forward => self.kernels.forward(&self.x, &self.weight),
            Pass::InputGradient => self.kernels.input_gradient(&self.weight, &self.gradient),
            Pass::WeightGradient => self.kernels.weight_gradient(&self.x, &self.gradient),
        }
    }

    /// Runs one of the products so often.
    pub(crate) fn time(&self, pass: Pass, repeats: usize) -> Timed {
        let mut watch = Stopwatch::default();
        watch.time(|| {
            for _ in 0..repeats {
                black_box(self.run(pass));
            }
        });
        watch.read(repeats, 0.0)
    }

    /// One of the results in PyTorch's order.
    fn result(&self, pass: Pass) -> Vec<f32> {
        let values = self.run(pass);
        let dims = match pass {
            Pass::Forward => self.output,
            Pass::InputGradient => self.input,
            Pass::WeightGradient => return values.to_vec(),
        };
        debug_assert_eq!(values.len(), self.batch * dims.iter().product::<usize>());
        channels_first(&values, dims)
    }

    /// Largest difference from the values in `dir`, relative to the largest of those; of each that is there.
    pub(crate) fn compare(&self, dir: &Path) -> Result<BTreeMap<Pass, f64>, BenchError> {
        let mut errors = BTreeMap::new();
        for pass in Pass::ALL {
            let path = dir.join(pass.name());
            if !path.exists() {
                continue;
            }
            let (bytes, found) = (fs_err::read(&path)?, self.result(pass));
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

/// From `(batch, channels, height, width)` to `(batch, height, width, channels)`; `dims` without the batch.
fn channels_last(values: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
    turned(values, channels, height * width)
}

/// And back.
fn channels_first(values: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
    turned(values, height * width, channels)
}

/// Each matrix of so many rows and columns, transposed.
fn turned(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(values.len());
    for matrix in values.chunks_exact(rows * columns) {
        for column in 0..columns {
            turned.extend((0..rows).map(|row| matrix[row * columns + column]));
        }
    }
    turned
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
            assert!(convolution.time(pass, 2).seconds > 0.0);
        }

        bytes[0..4].copy_from_slice(&f32::NAN.to_le_bytes());
        fs_err::write(dir.path().join("forward"), &bytes).expect("written");
        assert_eq!(convolution.compare(dir.path()).expect("compared")[&Pass::Forward], f64::INFINITY);
        fs_err::write(dir.path().join("forward"), &bytes[4..]).expect("written");
        let error = convolution.compare(dir.path()).expect_err("one is missing").to_string();
        assert!(error.ends_with("it has 255 values, we have 256"), "{error}");
    }
}
