#![doc = include_str!("../README.md")]

mod adapter;
mod batch_norm;
mod bridge;
mod concat;
mod conv2d;
mod error;
mod fresh;
mod gemm;
mod kernels;
mod layout;
mod maps;
mod norm;
mod operations;
mod parallel;
mod plain;
mod pointwise;
mod pool;
mod pool2d;
mod recycle;
mod relu;
mod scratch;
mod simd;
mod tape;
mod vectors;
mod view;
mod windows;

pub use batch_norm::{
    BatchStatistics, batch_norm_eval, batch_norm_relu_eval, batch_norm_relu_train, batch_norm_train,
};
pub use bridge::backward;
pub use concat::concat_channels;
pub use conv2d::{Conv2dConfig, conv2d};
pub use error::OpsError;
pub use kernels::{Conv2dKernels, Values};
pub use maps::{Maps, Shape as MapShape};
pub use operations::{ChannelBias, Interpolation, Product, Relu6, Sigmoid, Sum, Tanh, Upsample};
pub use pool::{PoolConfig, avg_pool2d, global_avg_pool2d, max_pool2d};
pub use relu::{add_relu, relu};
pub use tape::{After, Backward, Channels, Growing, Needs, Operation, Tape, Value};
