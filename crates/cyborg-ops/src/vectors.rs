//! Runs kernels with the widest vectors that there are (a test can ask for others), and formulas over slices.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;

use pulp::{Scalar, Simd, WithSimd};

/// Runs `work` with the widest vectors that there are.
#[inline]
pub(crate) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    #[cfg(test)]
    if let Some(level) = testing::LEVEL.get() {
        return crate::simd::run_on(level, work);
    }
    crate::simd::dispatch(work)
}

/// What a value becomes, element by element, with `N` others at its place.
pub(crate) trait Formula<const N: usize>: Copy {
    /// With any vectors; the rest of a slice that fills no vector is done one by one.
    fn at<S: Simd>(self, simd: S, value: S::f32s, others: [S::f32s; N]) -> S::f32s;
}

/// Writes what the values become.
///
/// # Panics
/// If a slice is shorter than `out`.
#[inline(always)]
pub(crate) fn write<S: Simd, const N: usize>(
    simd: S,
    out: &mut [MaybeUninit<f32>],
    values: &[f32],
    others: [&[f32]; N],
    formula: impl Formula<N>,
) {
    let len = out.len();
    let (out, out_rest) = S::as_uninit_mut_simd_f32s(out);
    let (values, values_rest) = S::as_simd_f32s(&values[..len]);
    let (others, others_rest) = vectors_and_rest::<S, N>(others, len);
    write_each(simd, out, values, others, formula);
    if !out_rest.is_empty() {
        write_each(Scalar, out_rest, values_rest, others_rest, formula);
    }
}

#[inline(always)]
fn write_each<S: Simd, const N: usize>(
    simd: S,
    out: &mut [MaybeUninit<S::f32s>],
    values: &[S::f32s],
    others: [&[S::f32s]; N],
    formula: impl Formula<N>,
) {
    let others = cut(others, out.len());
    for (index, (out, &value)) in out.iter_mut().zip(values).enumerate() {
        out.write(formula.at(simd, value, at_index::<S, N>(value, others, index)));
    }
}

/// Overwrites values with what they become.
///
/// # Panics
/// If one of the others is shorter than `values`.
#[inline(always)]
pub(crate) fn update<S: Simd, const N: usize>(
    simd: S,
    values: &mut [f32],
    others: [&[f32]; N],
    formula: impl Formula<N>,
) {
    let len = values.len();
    let (values, values_rest) = S::as_mut_simd_f32s(values);
    let (others, others_rest) = vectors_and_rest::<S, N>(others, len);
    update_each(simd, values, others, formula);
    if !values_rest.is_empty() {
        update_each(Scalar, values_rest, others_rest, formula);
    }
}

#[inline(always)]
fn update_each<S: Simd, const N: usize>(
    simd: S,
    values: &mut [S::f32s],
    others: [&[S::f32s]; N],
    formula: impl Formula<N>,
) {
    let others = cut(others, values.len());
    for (index, value) in values.iter_mut().enumerate() {
        *value = formula.at(simd, *value, at_index::<S, N>(*value, others, index));
    }
}

/// The first `len` values of each slice, as whole vectors and what is left.
//
// Loops here and below, because `map` of an array may become a call.
#[inline(always)]
pub(crate) fn vectors_and_rest<S: Simd, const N: usize>(
    slices: [&[f32]; N],
    len: usize,
) -> ([&[S::f32s]; N], [&[f32]; N]) {
    let (mut vectors, mut rest): ([&[S::f32s]; N], [&[f32]; N]) = ([&[]; N], [&[]; N]);
    for ((vectors, rest), slice) in vectors.iter_mut().zip(&mut rest).zip(slices) {
        (*vectors, *rest) = S::as_simd_f32s(&slice[..len]);
    }
    (vectors, rest)
}

/// The first `len` of each slice.
#[inline(always)]
pub(crate) fn cut<T, const N: usize>(slices: [&[T]; N], len: usize) -> [&[T]; N] {
    let mut cut: [&[T]; N] = [&[]; N];
    for (cut, slice) in cut.iter_mut().zip(slices) {
        *cut = &slice[..len];
    }
    cut
}

/// One of each slice.
#[inline(always)]
fn at_index<S: Simd, const N: usize>(any: S::f32s, slices: [&[S::f32s]; N], index: usize) -> [S::f32s; N] {
    let mut values = [any; N];
    for (value, slice) in values.iter_mut().zip(slices) {
        *value = slice[index];
    }
    values
}

/// `value` unless `y` is at most zero, then zero: the rectification of `y` and its gradient. NaN counts as more.
#[inline(always)]
pub(crate) fn unless_stopped<S: Simd>(simd: S, y: S::f32s, value: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.less_than_or_equal_f32s(y, zero), zero, value)
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
