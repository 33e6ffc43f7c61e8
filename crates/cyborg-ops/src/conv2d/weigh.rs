//! The innermost loop of the gradient of a convolution's weights, over vectors of positions.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use crate::simd::{MAX_LANES, dispatch, load};

/// Rows in a tile of [`weigh`].
const WEIGH_ROWS: usize = 4;

/// Rows of gradients to be multiplied with shifted planes, for several images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gradients<'a> {
    /// Image by image, row by row; zero between the positions that count.
    pub(super) values: &'a [f32],
    /// Values of one image.
    pub(super) image: usize,
    /// Values of one row: a multiple of [`MAX_LANES`].
    pub(super) row: usize,
}

/// `sums[row][tap] = sum over images and positions of gradients[image][row][position] * planes[image][position +
/// offsets[tap]]` for the rows that `sums` has, from `first` on.
pub(super) fn weigh(
    gradients: Gradients<'_>,
    first: usize,
    planes: &[f32],
    plane_image: usize,
    images: usize,
    offsets: &[usize],
    sums: &mut [f32],
) {
    let rows = sums.len() / offsets.len();
    assert!(gradients.row.is_multiple_of(MAX_LANES));
    let last = images.saturating_sub(1);
    assert!((first + rows) * gradients.row + last * gradients.image <= gradients.values.len());
    let reach = offsets.iter().max().map_or(0, |offset| offset + gradients.row + last * plane_image);
    assert!(reach <= planes.len(), "planes of {} values, {reach} needed", planes.len());
    dispatch(Weigh { gradients, first, rows, planes, plane_image, images, offsets, sums });
}

struct Weigh<'a> {
    gradients: Gradients<'a>,
    first: usize,
    rows: usize,
    planes: &'a [f32],
    plane_image: usize,
    images: usize,
    offsets: &'a [usize],
    sums: &'a mut [f32],
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as registers hold beside what is added to them.
        if S::REGISTER_COUNT >= 32 { self.tiles::<S, 6>(simd) } else { self.tiles::<S, 2>(simd) }
    }
}

impl Weigh<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const TAPS: usize>(mut self, simd: S) {
        for row in (0..self.rows).step_by(WEIGH_ROWS) {
            for tap in (0..self.offsets.len()).step_by(TAPS) {
                match self.rows - row {
                    1 => self.tile::<S, 1, TAPS>(simd, row, tap),
                    2 => self.tile::<S, 2, TAPS>(simd, row, tap),
                    3 => self.tile::<S, 3, TAPS>(simd, row, tap),
                    _ => self.tile::<S, WEIGH_ROWS, TAPS>(simd, row, tap),
                }
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const TAPS: usize>(&mut self, simd: S, row: usize, tap: usize) {
        let zero = simd.splat_f32s(0.0);
        let mut sums = [[zero; TAPS]; ROWS];
        let taps = (self.offsets.len() - tap).min(TAPS);
        // A tile that is not full reads its last tap again.
        let offsets: [usize; TAPS] = std::array::from_fn(|t| self.offsets[tap + t.min(taps - 1)]);
        for image in 0..self.images {
            let planes = &self.planes[image * self.plane_image..];
            let start = image * self.gradients.image + (self.first + row) * self.gradients.row;
            let gradients = &self.gradients.values[start..];
            for position in (0..self.gradients.row).step_by(S::F32_LANES) {
                let mut rows = [zero; ROWS];
                for (r, row) in rows.iter_mut().enumerate() {
                    // SAFETY: `weigh` has checked that there are as many rows as sums; a row is whole vectors.
                    #[expect(unsafe_code, reason = "see `load`")]
                    unsafe {
                        *row = load(simd, gradients, position + r * self.gradients.row);
                    }
                }
                for (t, &offset) in offsets.iter().enumerate() {
                    // SAFETY: `weigh` has checked that `planes` reaches a whole row beyond every offset.
                    #[expect(unsafe_code, reason = "see `load`")]
                    let input = unsafe { load(simd, planes, position + offset) };
                    for (sums, &row) in sums.iter_mut().zip(&rows) {
                        sums[t] = simd.mul_add_e_f32s(row, input, sums[t]);
                    }
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let out = &mut self.sums[(row + r) * self.offsets.len() + tap..][..taps];
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out = simd.reduce_sum_f32s(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{levels, run_on};

    /// Multiples of 1/16 between -1 and 1: their products and the sums of a few hundred of these are exact in f32.
    fn values(len: usize, factor: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * factor + 3) % 33) as f32 / 16.0 - 1.0).collect()
    }

    #[test]
    fn weigh_is_its_definition_on_every_instruction_set() {
        for (rows, taps, row, images) in
            [(1, 1, 16, 1), (2, 5, 48, 2), (3, 6, 16, 3), (4, 7, 32, 1), (7, 13, 64, 2)]
        {
            let offsets: Vec<usize> = (0..taps).map(|tap| tap * 3 % 11).collect();
            let (image, plane_image) = ((rows + 1) * row, row + 11);
            let (g, planes) = (values(images * image, 7), values(images * plane_image, 5));
            let gradients = Gradients { values: &g, image, row };
            let mut expected = vec![0.0; rows * taps];
            for (index, sum) in expected.iter_mut().enumerate() {
                let (r, offset) = (1 + index / taps, offsets[index % taps]);
                let positions = (0..images).flat_map(|i| (0..row).map(move |p| (i, p)));
                *sum = positions
                    .map(|(i, p)| g[i * image + r * row + p] * planes[i * plane_image + offset + p])
                    .sum();
            }
            for level in levels() {
                let mut sums = vec![f32::NAN; expected.len()];
                let (offsets, planes, first) = (&offsets, &planes, 1);
                let work =
                    Weigh { gradients, first, rows, planes, plane_image, images, offsets, sums: &mut sums };
                run_on(level, work);
                assert_eq!(sums, expected, "{level:?}, {rows} rows, {taps} taps");
            }
        }
    }
}
