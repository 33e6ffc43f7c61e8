//! Feature maps as rows of channels, one row a pixel, of which only some channels may be meant.

use std::ops::Range;

/// Values from which a row is long enough for the vector loops.
const LONG: usize = 256;
/// Values that a row must not exceed to be put together with others.
const LONGEST: usize = 2048;
/// Values of the widest vector.
const VECTOR: usize = 16;
/// Values that one thread does at a time, about.
const JOB: usize = 1 << 15;

/// Some channels of all pixels: `(rows, channels)`, a row every `stride` values.
///
/// A row is one pixel of one image; the channels are those from `first` on. So the layers of a DenseNet block, which read a
/// growing number of channels of one buffer, need no concatenation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    values: &'a [f32],
    stride: usize,
    first: usize,
    channels: usize,
}

impl<'a> View<'a> {
    /// All channels: `values` are `(rows, channels)` without gaps.
    ///
    /// # Panics
    /// If `channels` does not divide the number of values.
    pub(crate) fn dense(values: &'a [f32], channels: usize) -> Self {
        Self::part(values, channels, 0, channels)
    }

    /// Channels `first .. first + channels` of `values`, which are `(rows, stride)`.
    ///
    /// # Panics
    /// If `stride` does not divide the number of values or has fewer channels than that.
    pub(crate) fn part(values: &'a [f32], stride: usize, first: usize, channels: usize) -> Self {
        assert!(first + channels <= stride, "channels {first}..{} of rows of {stride}", first + channels);
        assert!(
            stride == 0 && values.is_empty() || stride != 0 && values.len().is_multiple_of(stride),
            "{} values are no whole rows of {stride}",
            values.len()
        );
        Self { values, stride, first, channels }
    }

    pub(crate) fn rows(&self) -> usize {
        self.values.len().checked_div(self.stride).unwrap_or(0)
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Values that are meant.
    pub(crate) fn len(&self) -> usize {
        self.rows() * self.channels
    }

    /// The channels of one pixel.
    #[expect(clippy::inline_always, reason = "vector instructions reach only what is inlined")]
    #[inline(always)]
    pub(crate) fn row(&self, index: usize) -> &'a [f32] {
        &self.values[index * self.stride + self.first..][..self.channels]
    }

    /// How many pixels are best treated as one long row: the power of two that gives whole vectors, where rows are short and
    /// without gaps.
    pub(crate) fn fold(&self) -> usize {
        if self.stride != self.channels || self.channels == 0 {
            return 1;
        }
        let folds = || (0..=8).map(|power| 1_usize << power);
        let long = |fold: &usize| fold * self.channels >= LONG;
        let whole = |fold: &usize| (fold * self.channels).is_multiple_of(VECTOR);
        let found = folds().find(|fold| long(fold) && whole(fold) && fold * self.channels <= LONGEST);
        found.or_else(|| folds().find(long)).unwrap_or(1)
    }

    /// Rows that one thread does at a time: a multiple of the fold, by the shape only.
    pub(crate) fn rows_per_job(&self) -> usize {
        let fold = self.fold();
        (JOB / (self.channels * fold).max(1)).max(1) * fold
    }

    /// Rows of a part of the work that makes one sum for each channel: at most about 32 parts.
    pub(crate) fn rows_per_sum(&self) -> usize {
        let fold = self.fold();
        let least = (8 * JOB / (self.channels * fold).max(1)).max(1) * fold;
        self.rows().div_ceil(32).next_multiple_of(fold).max(least)
    }

    /// The pixels `rows`, `fold` of them to a row.
    pub(crate) fn strip(&self, rows: Range<usize>, fold: usize) -> Strip<'a> {
        debug_assert!(fold == 1 || self.stride == self.channels);
        let (stride, width) = (self.stride * fold, self.channels * fold);
        if rows.is_empty() || width == 0 {
            return Strip { values: &[], stride: stride.max(1), width };
        }
        let start = rows.start * self.stride + self.first;
        let end = (rows.end - 1) * self.stride + self.first + self.channels;
        Strip { values: &self.values[start..end], stride, width }
    }

    /// The rows of part `index` of the work, `rows` to a part.
    pub(crate) fn part_rows(&self, index: usize, rows: usize) -> Range<usize> {
        index * rows..((index + 1) * rows).min(self.rows())
    }
}

/// Rows of `width` values (the last may be shorter), one every `stride` values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strip<'a> {
    values: &'a [f32],
    stride: usize,
    width: usize,
}

impl<'a> Strip<'a> {
    /// Rows of `width` values without gaps; the last may be shorter.
    pub(crate) fn dense(values: &'a [f32], width: usize) -> Self {
        Self { values, stride: width.max(1), width }
    }

    pub(crate) fn rows(&self) -> usize {
        self.values.len().div_ceil(self.stride)
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    #[expect(clippy::inline_always, reason = "vector instructions reach only what is inlined")]
    #[inline(always)]
    pub(crate) fn row(&self, index: usize) -> &'a [f32] {
        let rest = &self.values[index * self.stride..];
        &rest[..self.width.min(rest.len())]
    }

    /// How many rows are of full width.
    pub(crate) fn full_rows(&self) -> usize {
        (self.values.len() + self.stride - self.width) / self.stride
    }

    /// Four rows of full width, `apart` rows from each to the next.
    #[expect(clippy::inline_always, reason = "vector instructions reach only what is inlined")]
    #[inline(always)]
    pub(crate) fn four_rows(&self, first: usize, apart: usize) -> [&'a [f32]; 4] {
        let row = |row: usize| &self.values[row * self.stride..][..self.width];
        [row(first), row(first + apart), row(first + 2 * apart), row(first + 3 * apart)]
    }

    /// Rows `rows`, as far as they are there.
    pub(crate) fn part(&self, rows: Range<usize>) -> Self {
        let start = (rows.start * self.stride).min(self.values.len());
        let end = (rows.end * self.stride).min(self.values.len()).max(start);
        Self { values: &self.values[start..end], ..*self }
    }
}

/// Channels `first ..` of all pixels of a buffer with `stride` channels, to add to.
#[derive(Debug)]
pub(crate) struct ViewMut<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) stride: usize,
    pub(crate) first: usize,
}
