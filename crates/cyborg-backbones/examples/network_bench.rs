//! How fast the networks train: `cargo run -p cyborg-backbones --example network_bench -- [BATCH] [NETWORK ...]`
//!
//! Prints images per second of a forward and backward pass in training at the usual input size, on one thread; best of
//! three, in seconds of this thread on a processor (where the system tells), so that other programs disturb less.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a program that prints a table")]

use candle_core::{Device, Tensor};
use cyborg_backbones::{Architecture, Network, Tap};
use cyborg_seed::Seed;
use std::time::Instant;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::disallowed_methods, reason = "a file of the system that may well be missing")]
fn now(begin: Instant) -> f64 {
    let on_processor = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    match on_processor.as_deref().and_then(|text| text.split(' ').next()?.parse::<f64>().ok()) {
        Some(nanoseconds) => nanoseconds * 1e-9,
        None => begin.elapsed().as_secs_f64(),
    }
}

fn main() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
    assert!(one.is_ok());
    let begin = Instant::now();
    let mut arguments = std::env::args().skip(1).peekable();
    let batch = arguments.next_if(|argument| argument.parse::<usize>().is_ok());
    let batch: usize = batch.map_or(8, |batch| batch.parse().unwrap());
    let wanted: Vec<String> = arguments.collect();
    for &architecture in Architecture::ALL {
        if !(wanted.is_empty() || wanted.iter().any(|name| name == architecture.name())) {
            continue;
        }
        let network = Network::new(architecture, 2, &Seed::new(0)).unwrap();
        let side = architecture.default_input_px();
        let mut noise = Seed::new(1).stream("images");
        let pixels: Vec<f32> =
            (0..batch * 3 * side * side).map(|_| noise.uniform_in(-2.0, 2.0) as f32).collect();
        let images = Tensor::from_vec(pixels, (batch, 3, side, side), &Device::Cpu).unwrap();
        let mut best = (f64::INFINITY, f64::INFINITY);
        for _ in 0..3 {
            let start = now(begin);
            let output = network.forward_train(&images, Tap::Released).unwrap();
            let loss = (output.logits.sqr().unwrap().mean_all().unwrap()
                + output.features.sqr().unwrap().mean_all().unwrap())
            .unwrap();
            let forward = now(begin) - start;
            let gradients = loss.backward().unwrap();
            assert!(network.parameters().iter().all(|(_, p)| gradients.get(p.as_tensor()).is_some()));
            let whole = now(begin) - start;
            if whole < best.1 {
                best = (forward, whole);
            }
        }
        println!(
            "{architecture}, {side} px, batch {batch}: {:.2} images/s, forward {:.0} ms, backward {:.0} ms",
            batch as f64 / best.1,
            best.0 * 1e3,
            (best.1 - best.0) * 1e3
        );
    }
}
