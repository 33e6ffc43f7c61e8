//! Which vector instructions this processor has.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::sync::OnceLock;

use pulp::{Simd, WithSimd};

/// The widest vector that there is, in values.
pub(crate) const MAX_LANES: usize = 16;

/// Instruction sets, from the plainest on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// Whatever the compiler makes of plain loops, or the only set that there is.
    Plain,
    /// AVX2 and FMA: 16 registers of 8 values.
    #[cfg(target_arch = "x86_64")]
    V3(pulp::x86::V3),
    /// AVX-512: 32 registers of 16 values.
    #[cfg(target_arch = "x86_64")]
    V4(pulp::x86::V4),
}

/// The instruction sets of this processor, from the plainest to the widest.
#[cfg(target_arch = "x86_64")]
pub(crate) fn levels() -> impl Iterator<Item = Level> {
    let (v3, v4) = (pulp::x86::V3::try_new().map(Level::V3), pulp::x86::V4::try_new().map(Level::V4));
    std::iter::once(Level::Plain).chain(v3).chain(v4)
}

/// The instruction sets of this processor, from the plainest to the widest.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn levels() -> impl Iterator<Item = Level> {
    std::iter::once(Level::Plain)
}

/// Runs `work`; what is inlined into it is compiled for this instruction set.
#[inline]
pub(crate) fn run_on<W: WithSimd>(level: Level, work: W) -> W::Output {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Plain => work.with_simd(pulp::Scalar),
        #[cfg(not(target_arch = "x86_64"))]
        Level::Plain => pulp::Arch::new().dispatch(work),
        #[cfg(target_arch = "x86_64")]
        Level::V3(simd) => Simd::vectorize(simd, work),
        #[cfg(target_arch = "x86_64")]
        Level::V4(simd) => Simd::vectorize(simd, work),
    }
}

/// The environment variable that, set to 1 before the first operation, keeps this process to plain loops: for comparisons.
const PORTABLE: &str = "CYBORG_PORTABLE_KERNELS";

/// The widest vectors that there are, unless plain loops are asked for.
#[inline]
pub(crate) fn best() -> Level {
    static BEST: OnceLock<Level> = OnceLock::new();
    *BEST.get_or_init(|| {
        let portable = std::env::var_os(PORTABLE).is_some_and(|value| value == "1");
        if portable { Level::Plain } else { levels().last().unwrap_or(Level::Plain) }
    })
}

/// Runs `work` with the widest vectors that there are.
#[inline]
pub(crate) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    run_on(best(), work)
}

/// The vector that begins at `at`.
///
/// # Safety
/// `at + S::F32_LANES <= values.len()`
#[expect(unsafe_code, reason = "a bounds check for each vector would cost as much as the arithmetic")]
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(_simd: S, values: &[f32], at: usize) -> S::f32s {
    debug_assert!(at + S::F32_LANES <= values.len());
    // SAFETY: the caller sees to it that the vector lies within the slice; `read_unaligned` asks for no alignment, and any
    // bits are a valid vector of `f32`.
    unsafe { values.as_ptr().add(at).cast::<S::f32s>().read_unaligned() }
}
