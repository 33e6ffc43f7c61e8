#![doc = include_str!("../README.md")]

mod batch_norm;
mod concat;
mod conv2d;
mod error;
mod fresh;
mod parallel;
mod plain;
mod pool;
mod relu;
mod scratch;
mod simd;

pub use batch_norm::{
    BatchStatistics, batch_norm_eval, batch_norm_relu_eval, batch_norm_relu_train, batch_norm_train,
};
pub use concat::concat_channels;
pub use conv2d::{Conv2dConfig, conv2d};
pub use error::OpsError;
pub use pool::{PoolConfig, avg_pool2d, global_avg_pool2d, max_pool2d};
pub use relu::{add_relu, relu};
