//! Vectors that are written once, not set to zero first.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::parallel::for_each_piece;
use crate::recycle;
use crate::simd::dispatch;

/// A vector of `len` values, each written by `write`.
///
/// # Safety
/// `write` must write every value.
#[expect(
    unsafe_code,
    reason = "setting to zero what is overwritten at once costs as much as many operations"
)]
pub(crate) unsafe fn written(len: usize, write: impl FnOnce(&mut [MaybeUninit<f32>])) -> Vec<f32> {
    // SAFETY: the caller promises the same.
    unsafe { written_to(recycle::take(len), len, write) }
}

/// [`written`] for a vector that is given away to others, who will not give its memory back.
///
/// # Safety
/// As [`written`].
#[expect(unsafe_code, reason = "see `written`")]
pub(crate) unsafe fn written_for_good(len: usize, write: impl FnOnce(&mut [MaybeUninit<f32>])) -> Vec<f32> {
    // SAFETY: the caller promises the same.
    unsafe { written_to(Vec::with_capacity(len), len, write) }
}

#[expect(unsafe_code, reason = "see `written`")]
unsafe fn written_to(
    mut values: Vec<f32>,
    len: usize,
    write: impl FnOnce(&mut [MaybeUninit<f32>]),
) -> Vec<f32> {
    write(&mut values.spare_capacity_mut()[..len]);
    // SAFETY: there is capacity for `len` values, and the caller promises that `write` has written them.
    unsafe { values.set_len(len) };
    values
}

/// The same memory, seen as values that may be overwritten.
#[expect(unsafe_code, reason = "the standard library has no such view yet")]
pub(crate) fn as_unwritten(values: &mut [f32]) -> &mut [MaybeUninit<f32>] {
    let (start, len) = (values.as_mut_ptr().cast(), values.len());
    // SAFETY: the layouts are the same, the borrow is passed on, and this crate only ever writes values through it.
    unsafe { std::slice::from_raw_parts_mut(start, len) }
}

/// A vector of one value for each index, made in parallel pieces: `values(index of the piece, its range)` gives those of
/// a piece.
pub(crate) fn collect<I: ExactSizeIterator<Item = f32>>(
    len: usize,
    piece: usize,
    values: impl Fn(usize, Range<usize>) -> I + Sync + Send,
) -> Vec<f32> {
    // SAFETY: the pieces are all of `out`, and each is written from its first value to its last.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(len, |out| {
            for_each_piece(out, piece, |index, out| {
                let start = index * piece;
                let values = values(index, start..start + out.len());
                dispatch(WriteAll { out, values });
            });
        })
    }
}

/// Writes one value for each of `out`.
struct WriteAll<'a, I> {
    out: &'a mut [MaybeUninit<f32>],
    values: I,
}

impl<I: ExactSizeIterator<Item = f32>> WithSimd for WriteAll<'_, I> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "vector instructions reach only what is inlined here")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        assert_eq!(self.out.len(), self.values.len());
        let mut written = 0;
        self.out.iter_mut().zip(self.values).for_each(|(out, value)| {
            out.write(value);
            written += 1;
        });
        // An iterator may be wrong about its length.
        assert_eq!(self.out.len(), written);
    }
}
