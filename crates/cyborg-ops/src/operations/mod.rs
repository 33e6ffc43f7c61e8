//! Operations on feature maps that are types of their own, for [`Tape::apply`](crate::Tape::apply).

mod activation;
mod broadcast;
mod channel_bias;
mod product;
mod sum;
mod upsample;

pub use activation::{Relu6, Sigmoid, Tanh};
pub use channel_bias::ChannelBias;
pub use product::Product;
pub use sum::Sum;
pub use upsample::{Interpolation, Upsample};
