#![doc = include_str!("../README.md")]

mod check;
mod conv;
mod error;
mod noise;
mod ops;
mod protocol;
mod report;
mod serve;
mod settings;
mod shapes;
mod statistics;
mod step;
mod system;
mod workload;

pub use check::Agreement;
pub use error::BenchError;
pub use ops::{ConvTask, OpsFigures, OpsPlan, OpsRow, Pass, run_ops};
pub use protocol::{Launch, Memory, Opened, Process, Request, Timed};
pub use report::{By, ops_text, step_text};
pub use serve::serve;
pub use settings::{Method, Mode, Settings, Variant};
pub use shapes::{ConvShape, Work, convolutions};
pub use step::{Contestant, StepFigures, StepPlan, run_step};
pub use system::{load, processor};

/// Told what is being done, a line at a time.
pub type Progress<'a> = &'a dyn Fn(&str);

/// Names of the networks.
pub fn backbones() -> Vec<&'static str> {
    cyborg_backbones::Architecture::ALL.iter().map(|architecture| architecture.name()).collect()
}

/// Side in pixels of the images that the papers use with a network; None for an unknown one.
pub fn usual_input_px(backbone: &str) -> Option<usize> {
    Some(cyborg_backbones::Architecture::from_name(backbone)?.default_input_px())
}
