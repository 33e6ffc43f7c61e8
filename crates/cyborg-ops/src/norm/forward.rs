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
use crate::vectors::{Formula, dispatch, unless_stopped, write};
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
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, lines: Folded { centre, scale, shift }, shortcut, out } = self;
        let width = x.width();
        for (row, out) in out.chunks_mut(width.max(1)).enumerate() {
            let x = x.row(row);
            if let Some(shortcut) = shortcut {
                let others = [&shortcut[row * width..][..x.len()], centre, scale, shift];
                write(simd, out, x, others, LineAndAdd::<RELU>);
            } else {
                write(simd, out, x, [centre, scale, shift], Line::<RELU>);
            }
        }
    }
}

/// Centre, scale and shift beside a value.
#[derive(Clone, Copy)]
struct Line<const RELU: bool>;

impl<const RELU: bool> Formula<3> for Line<RELU> {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s, line: [S::f32s; 3]) -> S::f32s {
        let y = at(simd, x, line);
        if RELU { unless_stopped(simd, y, y) } else { y }
    }
}

/// Shortcut, centre, scale and shift beside a value.
#[derive(Clone, Copy)]
struct LineAndAdd<const RELU: bool>;

impl<const RELU: bool> Formula<4> for LineAndAdd<RELU> {
    #[inline(always)]
    fn at<S: Simd>(self, simd: S, x: S::f32s, [shortcut, line @ ..]: [S::f32s; 4]) -> S::f32s {
        let y = simd.add_f32s(at(simd, x, line), shortcut);
        if RELU { unless_stopped(simd, y, y) } else { y }
    }
}
