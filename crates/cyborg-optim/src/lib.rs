#![doc = include_str!("../README.md")]

mod clip;
mod error;
mod groups;
mod optimiser;
mod schedule;

pub use clip::{Clip, clip_by_global_norm, clip_by_value};
pub use error::OptimError;
pub use groups::{GroupPattern, NetworkParameter, ParameterGroups, ParameterRole};
pub use optimiser::{Adam, AdamW, OPTIMISERS, Optimiser, OptimiserState, Parameter, Sgd};
pub use schedule::{
    ConstantRate, CosineDecay, CosineInterval, Moment, MultiStepDecay, SCHEDULES, Schedule, StepDecay, WarmUp,
};
