//! Normalising, with the sum and the rectification that may follow, in one pass.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::Lines;
use super::lines::{Folded, at};
use crate::fresh::written;
use crate::parallel::for_each_piece;
use crate::pointwise::rectified;
use crate::vectors::dispatch;
use crate::view::{Strip, View};

/// The value of each channel's line, rectified if `relu`: `(rows, channels)`, without gaps.
///
/// # Panics
/// If `lines` are of another number of channels.
pub(crate) fn normalise(x: View<'_>, lines: &Lines, relu: bool) -> Vec<f32> {
    transformed(x, lines, None, relu)
}

/// The value of each channel's line plus the shortcut, rectified if `relu`: the end of a residual block.
///
/// # Panics
/// If `lines` are of another number of channels, or `shortcut` is not `(rows, channels)` without gaps.
pub(crate) fn normalise_add(x: View<'_>, lines: &Lines, shortcut: &[f32], relu: bool) -> Vec<f32> {
    transformed(x, lines, Some(shortcut), relu)
}

fn transformed(x: View<'_>, lines: &Lines, shortcut: Option<&[f32]>, relu: bool) -> Vec<f32> {
    let channels = x.channels();
    assert_eq!(channels, lines.channels());
    assert!(shortcut.is_none_or(|shortcut| shortcut.len() == x.len()));
    let (rows, fold) = (x.rows_per_job(), x.fold());
    let lines = lines.folded(fold);
    let piece = rows * channels;
    // SAFETY: the pieces are all of the values, and each is written row by row.
    #[expect(unsafe_code, reason = "see `written`")]
    unsafe {
        written(x.len(), |out| {
            for_each_piece(out, piece, |index, out| {
                let shortcut = shortcut.map(|shortcut| &shortcut[index * piece..][..out.len()]);
                let x = x.strip(x.part_rows(index, rows), fold);
                if relu {
                    dispatch(Transform::<true> { x, lines: &lines, shortcut, out });
                } else {
                    dispatch(Transform::<false> { x, lines: &lines, shortcut, out });
                }
            });
        })
    }
}

struct Transform<'a, const RELU: bool> {
    x: Strip<'a>,
    lines: &'a Folded,
    shortcut: Option<&'a [f32]>,
    out: &'a mut [MaybeUninit<f32>],
}

impl<const RELU: bool> WithSimd for Transform<'_, RELU> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { x, lines: Folded { centre, scale, shift }, shortcut, out } = self;
        let width = x.width();
        assert!(centre.len() == width && scale.len() == width && shift.len() == width);
        for (row, out) in out.chunks_mut(width.max(1)).enumerate() {
            let x = x.row(row);
            assert_eq!(x.len(), out.len());
            let lines = centre.iter().zip(scale).zip(shift);
            if let Some(shortcut) = shortcut {
                let shortcut = &shortcut[row * width..][..x.len()];
                for (((out, &x), &shortcut), ((&centre, &scale), &shift)) in
                    out.iter_mut().zip(x).zip(shortcut).zip(lines)
                {
                    let y = at(x, centre, scale, shift) + shortcut;
                    out.write(if RELU { rectified(y) } else { y });
                }
            } else {
                for ((out, &x), ((&centre, &scale), &shift)) in out.iter_mut().zip(x).zip(lines) {
                    let y = at(x, centre, scale, shift);
                    out.write(if RELU { rectified(y) } else { y });
                }
            }
        }
    }
}
