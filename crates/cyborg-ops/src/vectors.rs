//! Runs kernels with the widest vectors that there are; a test can ask for others.

use pulp::WithSimd;

/// Runs `work` with the widest vectors that there are.
#[inline]
pub(crate) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    #[cfg(test)]
    if let Some(level) = testing::LEVEL.get() {
        return crate::simd::run_on(level, work);
    }
    crate::simd::dispatch(work)
}

#[cfg(test)]
pub(crate) mod testing {
    //! What tests of kernels share.

    use std::cell::Cell;

    use crate::simd::{Level, levels};

    thread_local! {
        /// What kernels on this thread run with, if not the widest vectors.
        pub(super) static LEVEL: Cell<Option<Level>> = const { Cell::new(None) };
    }

    /// Calls `work` once for each instruction set of this processor, on one thread that uses it.
    pub(crate) fn on_each_level(work: impl Fn(Level) + Sync) {
        for level in levels() {
            on_threads(1, || {
                LEVEL.set(Some(level));
                work(level);
            });
        }
    }

    /// Calls `work` in a pool of `threads` threads.
    pub(crate) fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(work)
    }

    /// Values between -1 and 1 that look drawn at random (a linear congruential generator's upper bits).
    pub(crate) fn noise(len: usize, seed: u64) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..len).map(|_| draw()).collect()
    }

    /// The same values in rows of `stride`, from channel `first` on; all other channels are NaN.
    pub(crate) fn spread(values: &[f32], channels: usize, stride: usize, first: usize) -> Vec<f32> {
        let mut wide = vec![f32::NAN; values.len() / channels * stride];
        for (wide, values) in wide.chunks_mut(stride).zip(values.chunks(channels)) {
            wide[first..first + channels].copy_from_slice(values);
        }
        wide
    }
}
