//! How fast the convolutions are: `cargo run -p cyborg-ops --example conv_bench -- [threads] [name part]`
//!
//! Prints GFLOP/s (two operations a multiply-add) forward and backward (input and weight gradients, through candle's
//! `backward`, its own additions included), best of several runs, after checking the answer against a naive loop.
#![allow(clippy::print_stdout, missing_docs, reason = "a program that prints a table")]

use std::time::Instant;

use candle_core::{Device, Result, Tensor, Var};
use cyborg_ops::{Conv2dConfig, conv2d};

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Shape {
    name: &'static str,
    batch: usize,
    channels: (usize, usize),
    size: usize,
    kernel: usize,
    stride: usize,
    groups: usize,
}

const fn shape(
    name: &'static str,
    batch: usize,
    channels: (usize, usize),
    size: usize,
    kernel: usize,
    stride: usize,
) -> Shape {
    Shape { name, batch, channels, size, kernel, stride, groups: 1 }
}

const SHAPES: &[Shape] = &[
    shape("resnet 64->64 56 3x3", 8, (64, 64), 56, 3, 1),
    shape("resnet 256->64 56 1x1", 8, (256, 64), 56, 1, 1),
    shape("resnet 128->128 28 3x3", 8, (128, 128), 28, 3, 1),
    shape("resnet 256->256 14 3x3", 8, (256, 256), 14, 3, 1),
    shape("resnet 512->512 7 3x3", 8, (512, 512), 7, 3, 1),
    shape("resnet 256->512 56 1x1 s2", 8, (256, 512), 56, 1, 2),
    shape("resnet 64->128 56 3x3 s2", 8, (64, 128), 56, 3, 2),
    shape("resnet 3->64 224 7x7 s2", 8, (3, 64), 224, 7, 2),
    shape("thin 3->16 64 3x3 s2", 20, (3, 16), 64, 3, 2),
    shape("thin 16->16 32 3x3", 20, (16, 16), 32, 3, 1),
    shape("thin 16->32 32 3x3 s2", 20, (16, 32), 32, 3, 2),
    shape("thin 32->32 16 3x3", 20, (32, 32), 16, 3, 1),
    shape("thin 16->32 32 1x1 s2", 20, (16, 32), 32, 1, 2),
    shape("thin 32->64 16 3x3 s2", 20, (32, 64), 16, 3, 2),
    shape("thin 64->64 8 3x3", 20, (64, 64), 8, 3, 1),
    shape("thin 32->64 16 1x1 s2", 20, (32, 64), 16, 1, 2),
    shape("one image 64->64 56 3x3", 1, (64, 64), 56, 3, 1),
    shape("one image 512->512 7 3x3", 1, (512, 512), 7, 3, 1),
    Shape { groups: 128, ..shape("depthwise 128 28 3x3", 8, (128, 128), 28, 3, 1) },
    Shape { groups: 728, ..shape("depthwise 728 19 3x3", 8, (728, 728), 19, 3, 1) },
    Shape { groups: 128, ..shape("depthwise 128 147 3x3", 2, (128, 128), 147, 3, 1) },
];

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

/// Some outputs by the definition, in f64.
fn check(shape: &Shape, x: &[f32], w: &[f32], out: &Tensor) -> Result<()> {
    let (_, _, height, width) = out.dims4()?;
    let out = out.flatten_all()?.to_vec1::<f32>()?;
    let (size, kernel, padding) = (shape.size, shape.kernel, shape.kernel / 2);
    let (group_in, group_out) = (shape.channels.0 / shape.groups, shape.channels.1 / shape.groups);
    for index in (0..out.len()).step_by(out.len() / 101 + 1) {
        let (ox, oy) = (index % width, index / width % height);
        let (oc, image) =
            (index / width / height % shape.channels.1, index / width / height / shape.channels.1);
        let mut sum = 0.0_f64;
        for ic in 0..group_in {
            for (ky, kx) in (0..kernel * kernel).map(|k| (k / kernel, k % kernel)) {
                let (y, x_at) = (oy * shape.stride + ky, ox * shape.stride + kx);
                if y >= padding && x_at >= padding && y - padding < size && x_at - padding < size {
                    let channel = image * shape.channels.0 + oc / group_out * group_in + ic;
                    let input = x[(channel * size + y - padding) * size + x_at - padding];
                    sum +=
                        f64::from(input) * f64::from(w[((oc * group_in + ic) * kernel + ky) * kernel + kx]);
                }
            }
        }
        assert!((sum - f64::from(out[index])).abs() < 1e-4 * (1.0 + sum.abs()), "{}: {index}", shape.name);
    }
    Ok(())
}

/// Seconds: of this thread on a processor if it is the only one (and the system tells), so that other programs disturb
/// less; else of the clock.
#[expect(clippy::disallowed_methods, reason = "a file of the system that may well be missing")]
fn now(threads: usize) -> f64 {
    thread_local! {
        static BEGIN: Instant = Instant::now();
    }
    let on_processor = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    match on_processor.as_deref().and_then(|text| text.split(' ').next()?.parse::<f64>().ok()) {
        Some(nanoseconds) if threads == 1 => nanoseconds * 1e-9,
        _ => BEGIN.with(Instant::elapsed).as_secs_f64(),
    }
}

fn best(threads: usize, work: impl Fn() -> Result<()>) -> Result<f64> {
    let time = |repeats: usize| -> Result<f64> {
        let start = now(threads);
        (0..repeats).try_for_each(|_| work())?;
        Ok((now(threads) - start) / repeats as f64)
    };
    // The system counts time on a processor in steps of some milliseconds: measure many of them.
    let begin = Instant::now();
    work()?;
    let repeats = (0.05 / begin.elapsed().as_secs_f64()).ceil() as usize;
    (0..8).try_fold(f64::INFINITY, |best, _| time(repeats).map(|time| best.min(time)))
}

fn run(threads: usize, shape: &Shape) -> Result<()> {
    let (cin, cout) = shape.channels;
    let input = [shape.batch, cin, shape.size, shape.size];
    let weight = [cout, cin / shape.groups, shape.kernel, shape.kernel];
    let (x, w) = (noise(input.iter().product(), 1), noise(weight.iter().product(), 2));
    let config = Conv2dConfig {
        stride: (shape.stride, shape.stride),
        padding: (shape.kernel / 2, shape.kernel / 2),
        groups: shape.groups,
        ..Conv2dConfig::default()
    };
    let input = Var::from_tensor(&Tensor::from_slice(&x, &input, &Device::Cpu)?)?;
    let weight = Var::from_tensor(&Tensor::from_slice(&w, &weight, &Device::Cpu)?)?;
    let out = conv2d(&input, &weight, None, config)?;
    check(shape, &x, &w, &out)?;
    let giga = 2e-9 * out.elem_count() as f64 * (w.len() / cout) as f64;
    let forward = best(threads, || conv2d(&input, &weight, None, config).map(|_| ()))?;
    let backward = best(threads, || out.backward().map(|_| ()))?;
    println!(
        "| {:<26} | {:>7.1} | {:>7.1} | {:>8.3} | {:>8.3} |",
        shape.name,
        giga / forward,
        2.0 * giga / backward,
        forward * 1e3,
        backward * 1e3
    );
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let threads = arguments.first().and_then(|threads| threads.parse().ok()).unwrap_or(1);
    let part = arguments.get(1).map_or("", String::as_str);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(candle_core::Error::wrap)?;
    println!("{threads} thread(s), GFLOP/s and milliseconds");
    println!("| {:<26} | {:>7} | {:>7} | {:>8} | {:>8} |", "shape", "fwd", "bwd", "fwd ms", "bwd ms");
    println!("|{:-<28}|{:->9}|{:->9}|{:->10}|{:->10}|", "", "", "", "", "");
    pool.install(|| {
        SHAPES.iter().filter(|shape| shape.name.contains(part)).try_for_each(|shape| run(threads, shape))
    })
}
