//! A training step of a small residual network: `cargo run -p cyborg-ops --example step_bench -- [threads] [steps]`
//!
//! 64 x 64 pixels, 20 images, widths 16, 32, 64: where memory passes and overheads matter as much as arithmetic.
#![allow(clippy::print_stdout, missing_docs, reason = "a program that prints figures")]

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor, Var};
use cyborg_ops::{
    Conv2dConfig, add_relu, batch_norm_relu_train, batch_norm_train, conv2d, global_avg_pool2d,
};

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Convolution, then batch norm.
struct Layer {
    weight: Var,
    gamma: Var,
    beta: Var,
    config: Conv2dConfig,
}

impl Layer {
    fn new(seed: u32, channels: (usize, usize), kernel: usize, stride: usize) -> Result<Self> {
        let shape = (channels.1, channels.0, kernel, kernel);
        let values = noise(channels.1 * channels.0 * kernel * kernel, seed);
        let padding = (kernel / 2, kernel / 2);
        Ok(Self {
            weight: Var::from_tensor(&(Tensor::from_vec(values, shape, &Device::Cpu)? * 0.3)?)?,
            gamma: Var::ones(channels.1, DType::F32, &Device::Cpu)?,
            beta: Var::zeros(channels.1, DType::F32, &Device::Cpu)?,
            config: Conv2dConfig { stride: (stride, stride), padding, ..Conv2dConfig::default() },
        })
    }

    fn plain(&self, x: &Tensor) -> Result<Tensor> {
        Ok(batch_norm_train(&conv2d(x, &self.weight, None, self.config)?, &self.gamma, &self.beta, 1e-5)?.0)
    }

    fn relu(&self, x: &Tensor) -> Result<Tensor> {
        Ok(batch_norm_relu_train(
            &conv2d(x, &self.weight, None, self.config)?,
            &self.gamma,
            &self.beta,
            1e-5,
        )?
        .0)
    }
}

fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_769).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
    };
    (0..len).map(|_| next()).collect()
}

fn main() -> Result<()> {
    let arguments: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let threads = arguments.first().copied().unwrap_or(1);
    let steps = arguments.get(1).copied().unwrap_or(50);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(candle_core::Error::wrap)?;
    pool.install(|| {
        let images = Tensor::from_vec(noise(20 * 3 * 64 * 64, 1), (20, 3, 64, 64), &Device::Cpu)?;
        let stem = Layer::new(2, (3, 16), 3, 2)?;
        let mut blocks = Vec::new();
        for (seed, channels, stride) in [(3, (16, 16), 1), (6, (16, 32), 2), (9, (32, 64), 2)] {
            let first = Layer::new(seed, channels, 3, stride)?;
            let second = Layer::new(seed + 1, (channels.1, channels.1), 3, 1)?;
            let shortcut = if stride == 2 { Some(Layer::new(seed + 2, channels, 1, stride)?) } else { None };
            blocks.push((first, second, shortcut));
        }
        let forward = || -> Result<Tensor> {
            let mut x = stem.relu(&images)?;
            for (first, second, shortcut) in &blocks {
                let residual = second.plain(&first.relu(&x)?)?;
                let shortcut = shortcut.as_ref().map_or_else(|| Ok(x.clone()), |layer| layer.plain(&x))?;
                x = add_relu(&residual, &shortcut)?;
            }
            global_avg_pool2d(&x)?.sqr()?.mean_all()
        };
        let first = forward()?.to_scalar::<f32>()?;
        let (mut forward_s, mut step_s) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..steps {
            let start = Instant::now();
            let loss = forward()?;
            forward_s = forward_s.min(start.elapsed().as_secs_f64());
            let gradients = loss.backward()?;
            step_s = step_s.min(start.elapsed().as_secs_f64());
            assert_eq!(loss.to_scalar::<f32>()?, first);
            assert!(gradients.get(&stem.weight).is_some());
        }
        let images_s = 20.0 / step_s;
        println!(
            "{threads} thread(s): forward {:.2} ms, step {:.2} ms, {images_s:.0} images/s",
            forward_s * 1e3,
            step_s * 1e3
        );
        Ok(())
    })
}
