//! Pooling of feature maps whose pixels are rows of channels: largest value, mean, mean over the whole plane.

mod average;
mod global;
mod max;
#[cfg(test)]
mod tests;

pub(crate) use average::{avg_pool, avg_pool_gradient};
pub(crate) use global::{global_avg_pool, global_avg_pool_gradient};
pub(crate) use max::{max_pool, max_pool_gradient};

/// Values that one thread does at a time, about.
const JOB: usize = 1 << 15;

/// Rows of pixels that one thread does at a time, by their length only.
fn rows_per_job(row_len: usize) -> usize {
    (JOB / row_len.max(1)).max(1)
}

/// Calls `$work::<N>(channel)` for blocks of 32, 8 and 1 channels until all `$channels` are done.
macro_rules! for_blocks {
    ($channels:expr, |$channel:ident, $n:ident| $work:expr) => {{
        let mut $channel = 0;
        while $channel + 32 <= $channels {
            const $n: usize = 32;
            $work;
            $channel += $n;
        }
        while $channel + 8 <= $channels {
            const $n: usize = 8;
            $work;
            $channel += $n;
        }
        while $channel < $channels {
            const $n: usize = 1;
            $work;
            $channel += $n;
        }
    }};
}
use for_blocks;
