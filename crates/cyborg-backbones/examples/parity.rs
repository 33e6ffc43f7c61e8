//! How far the networks are from PyTorch's at full size.
//!
//! ```console
//! $ python crates/cyborg-backbones/tests/golden/networks.py --full DIR
//! $ cargo run -p cyborg-backbones --example parity -- DIR [NETWORK ...]
//! ```
//!
//! The first command prints how far PyTorch's float32 is from its float64 and from itself with another number of
//! threads; the second how far we are from its float64.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a program that prints a table")]

#[path = "../tests/oracle/mod.rs"]
mod oracle;

use candle_core::{DType, Device, Tensor};
use cyborg_backbones::Architecture;
use oracle::{Expected, calm, errors};
use safetensors::SafeTensors;
use std::path::PathBuf;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("usage: parity DIR [NETWORK ...]"));
    let wanted: Vec<String> = arguments.collect();
    for &architecture in Architecture::ALL {
        let path = folder.join(format!("{architecture}.safetensors"));
        if !(wanted.is_empty() || wanted.iter().any(|name| name == architecture.name())) || !path.exists() {
            continue;
        }
        let bytes = fs_err::read(&path).unwrap();
        let open = || SafeTensors::deserialize(&bytes).unwrap();
        let file = open();
        let view = file.tensor("images").unwrap();
        let images = Tensor::from_raw_buffer(view.data(), DType::F32, view.shape(), &Device::Cpu).unwrap();
        for (kind, calm) in [("calm/", calm(architecture)), ("ordinary/", None)] {
            if !file.names().iter().any(|name| name.starts_with(kind)) {
                continue;
            }
            let clock = std::time::Instant::now();
            let errors = errors(architecture, &images, calm, &Expected { file: open(), prefix: kind });
            println!("{architecture}, {kind} {errors} ({:.0} s)", clock.elapsed().as_secs_f64());
        }
    }
}
