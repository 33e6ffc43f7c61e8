//! Which vector instructions this processor has.

use pulp::{Simd, WithSimd};

/// Runs `work` with the widest vectors that there are; what is inlined into it is compiled for them.
#[cfg(target_arch = "x86_64")]
pub(crate) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    if let Some(simd) = pulp::x86::V4::try_new() {
        Simd::vectorize(simd, work)
    } else if let Some(simd) = pulp::x86::V3::try_new() {
        Simd::vectorize(simd, work)
    } else {
        work.with_simd(pulp::Scalar)
    }
}

/// Runs `work` with the widest vectors that there are; what is inlined into it is compiled for them.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    pulp::Arch::new().dispatch(work)
}
