//! What is done to the sums of a product before they leave the caches.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::simd::dispatch;

/// What is done to finished sums: `(sum - centre) * scale + shift`, plus what `other` has there, then ReLU if `relu`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish<'a> {
    /// One of each a column.
    pub(crate) centre: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
    /// Laid out as the result.
    pub(crate) other: Option<&'a [f32]>,
    pub(crate) relu: bool,
}

impl<'a> Finish<'a> {
    /// Of some columns only.
    pub(crate) fn columns(&self, columns: std::ops::Range<usize>) -> Self {
        let part = |values: &'a [f32]| &values[columns.clone()];
        Self { centre: part(self.centre), scale: part(self.scale), shift: part(self.shift), ..*self }
    }

    /// Of the part of the result from `start` on.
    pub(crate) fn from(&self, start: usize) -> Self {
        Self { other: self.other.map(|other| &other[start..]), ..*self }
    }

    /// Finishes whole rows of all columns, the first of which lies `at` from the start of the result.
    pub(crate) fn rows(&self, at: usize, out: &mut [MaybeUninit<f32>]) {
        dispatch(FinishRows { finish: *self, at, out });
    }

    /// Finishes the sums in `out`, which lie `at` from the start of the result and are of these columns.
    #[inline(always)]
    pub(crate) fn apply(&self, at: usize, out: &mut [f32]) {
        let lines = self.centre.iter().zip(self.scale).zip(self.shift);
        let line =
            |(value, ((centre, scale), shift)): (f32, ((&f32, &f32), &f32))| (value - centre) * scale + shift;
        let rectified = |value: f32| if self.relu && value <= 0.0 { 0.0 } else { value };
        match self.other {
            None => {
                for (out, lines) in out.iter_mut().zip(lines) {
                    *out = rectified(line((*out, lines)));
                }
            }
            Some(other) => {
                let other = &other[at..][..out.len()];
                for ((out, lines), other) in out.iter_mut().zip(lines).zip(other) {
                    *out = rectified(line((*out, lines)) + other);
                }
            }
        }
    }
}

struct FinishRows<'a> {
    finish: Finish<'a>,
    at: usize,
    out: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for FinishRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let columns = self.finish.centre.len();
        // SAFETY: the layouts are the same, and sums have been written before they are finished.
        #[expect(unsafe_code, reason = "the standard library has no such view of part of a slice yet")]
        let out =
            unsafe { std::slice::from_raw_parts_mut(self.out.as_mut_ptr().cast::<f32>(), self.out.len()) };
        for (row, out) in out.chunks_exact_mut(columns.max(1)).enumerate() {
            self.finish.apply(self.at + row * columns, out);
        }
    }
}
