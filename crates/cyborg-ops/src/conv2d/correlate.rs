//! The innermost loop of a convolution and of the gradient of its input, over vectors.
//!
//! It reads *planes*: rows of the padded image one after the other without a gap ([`super::planes`]). A tap of the window
//! is then one fixed offset, whatever the position, and neighbouring positions are neighbouring values, so that the matrix
//! of windows need not be written out.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use crate::simd::{MAX_LANES, dispatch, has_many_registers, load};

/// Rows of weights in a tile of [`correlate`], at most: with 8 x 3 sums, 3 vectors of input and a weight, 28 registers.
const MAX_ROWS: usize = 8;
/// Vectors across in a tile of [`correlate`], at most.
const MAX_VECTORS: usize = 3;
/// The same where there are 16 registers, not 32: 6 x 2 sums, 2 vectors of input and a weight, 15 registers.
const FEW_ROWS: usize = 6;
const FEW_VECTORS: usize = 2;
/// Positions in a tile of [`correlate`], at most.
pub(super) const MAX_POSITIONS: usize = MAX_VECTORS * MAX_LANES;

/// Rows `first..first + rows` of the weights, stored for one tile: `height` values for each tap, padded with zeros.
#[derive(Clone, Copy, Debug)]
struct Strip {
    first: usize,
    rows: usize,
    height: usize,
    start: usize,
}

/// A matrix of weights, (rows, taps), cut into strips in the order in which the loop reads it.
#[derive(Debug)]
pub(super) struct Weights {
    values: Vec<f32>,
    strips: Vec<Strip>,
    taps: usize,
}

impl Weights {
    /// `weight(row, tap)` for `rows` and `taps`.
    pub(super) fn pack(rows: usize, taps: usize, weight: impl Fn(usize, usize) -> f32 + Sync) -> Self {
        let mut strips = Vec::new();
        let (mut first, mut start) = (0, 0);
        while first < rows {
            let height = match rows - first {
                1 => 1,
                2..=4 => 4,
                _ if has_many_registers() => MAX_ROWS,
                _ => FEW_ROWS,
            };
            let strip = Strip { first, rows: height.min(rows - first), height, start };
            strips.push(strip);
            first += strip.rows;
            start += height * taps;
        }
        let mut values = vec![0.0; start];
        for strip in &strips {
            let values = &mut values[strip.start..][..strip.height * taps];
            for (tap, values) in values.chunks_exact_mut(strip.height).enumerate() {
                for (row, value) in values[..strip.rows].iter_mut().enumerate() {
                    *value = weight(strip.first + row, tap);
                }
            }
        }
        Self { values, strips, taps }
    }
}

/// The planes of several images, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a> {
    pub(super) values: &'a [f32],
    pub(super) images: usize,
}

impl Sources<'_> {
    /// Values of one image.
    fn image(&self) -> usize {
        self.values.len() / self.images.max(1)
    }
}

/// A finished tile: `rows` rows of results, [`MAX_POSITIONS`] apart, from row `row` and position `position` on.
pub(super) struct Tile<'a> {
    pub(super) image: usize,
    pub(super) row: usize,
    pub(super) rows: usize,
    pub(super) position: usize,
    pub(super) positions: usize,
    pub(super) values: &'a [f32],
}

/// Takes finished tiles. Implementations should be `#[inline(always)]`: what is not inlined into the loop is compiled
/// without its vectors.
pub(super) trait Emit {
    fn emit(&mut self, tile: &Tile<'_>);
}

/// For each image, row and position: `sum over taps of weight(row, tap) * planes[position + offsets[tap]]`, handed to
/// `emit` tile by tile.
///
/// # Panics
/// Unless the planes of each image reach [`MAX_LANES`] beyond the last position at every offset.
pub(super) fn correlate(
    weights: &Weights,
    sources: Sources<'_>,
    offsets: &[usize],
    positions: usize,
    emit: impl Emit,
) {
    assert_eq!(offsets.len(), weights.taps);
    let reach = offsets.iter().max().map_or(0, |offset| offset + positions.next_multiple_of(MAX_LANES));
    assert!(reach <= sources.image(), "planes of {} values, {reach} needed", sources.image());
    dispatch(Correlate { weights, sources, offsets, positions, emit });
}

struct Correlate<'a, E> {
    weights: &'a Weights,
    sources: Sources<'a>,
    offsets: &'a [usize],
    positions: usize,
    emit: E,
}

impl<E: Emit> WithSimd for Correlate<'_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let width = vectors::<S>() * S::F32_LANES;
        let mut values = [0.0_f32; MAX_ROWS * MAX_POSITIONS];
        let across = self.positions.div_ceil(width);
        let (strips, tiles) = (self.weights.strips.len(), self.sources.images * across);
        // The larger operand is read once, the smaller again and again.
        let weights_once = self.weights.values.len() > self.sources.image();
        let (outer, inner) = if weights_once { (strips, tiles) } else { (tiles, strips) };
        for outer in 0..outer {
            for inner in 0..inner {
                let (strip, tile) = if weights_once { (outer, inner) } else { (inner, outer) };
                let strip = self.weights.strips[strip];
                self.tile(simd, strip, tile / across, tile % across * width, &mut values);
            }
        }
    }
}

impl<E: Emit> Correlate<'_, E> {
    #[inline(always)]
    fn tile<S: Simd>(
        &mut self,
        simd: S,
        strip: Strip,
        image: usize,
        position: usize,
        values: &mut [f32; MAX_ROWS * MAX_POSITIONS],
    ) {
        let positions = (self.positions - position).min(vectors::<S>() * S::F32_LANES);
        let vectors = positions.div_ceil(S::F32_LANES);
        let weights = &self.weights.values[strip.start..][..strip.height * self.offsets.len()];
        let planes = &self.sources.values[image * self.sources.image() + position..];
        let offsets = self.offsets;
        match (strip.height, vectors) {
            (8, 3) => block::<S, 8, 3>(simd, weights, planes, offsets, values),
            (8, 2) => block::<S, 8, 2>(simd, weights, planes, offsets, values),
            (8, _) => block::<S, 8, 1>(simd, weights, planes, offsets, values),
            (6, 2) => block::<S, 6, 2>(simd, weights, planes, offsets, values),
            (6, 1) => block::<S, 6, 1>(simd, weights, planes, offsets, values),
            (6, _) => block::<S, 6, 3>(simd, weights, planes, offsets, values),
            (4, 3) => block::<S, 4, 3>(simd, weights, planes, offsets, values),
            (4, 2) => block::<S, 4, 2>(simd, weights, planes, offsets, values),
            (4, _) => block::<S, 4, 1>(simd, weights, planes, offsets, values),
            (_, 3) => block::<S, 1, 3>(simd, weights, planes, offsets, values),
            (_, 2) => block::<S, 1, 2>(simd, weights, planes, offsets, values),
            (_, _) => block::<S, 1, 1>(simd, weights, planes, offsets, values),
        }
        self.emit.emit(&Tile { image, row: strip.first, rows: strip.rows, position, positions, values });
    }
}

#[inline(always)]
fn vectors<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { MAX_VECTORS } else { FEW_VECTORS }
}

/// `ROWS` rows by `VECTORS` vectors of results, all in registers while the taps go by.
#[inline(always)]
fn block<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    weights: &[f32],
    planes: &[f32],
    offsets: &[usize],
    values: &mut [f32; MAX_ROWS * MAX_POSITIONS],
) {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; VECTORS]; ROWS];
    for (weights, &offset) in weights.chunks_exact(ROWS).zip(offsets) {
        let mut inputs = [zero; VECTORS];
        for (v, input) in inputs.iter_mut().enumerate() {
            // SAFETY: `correlate` has checked that `planes` reaches a whole tile beyond its last position at every offset.
            #[expect(unsafe_code, reason = "see `load`")]
            unsafe {
                *input = load(simd, planes, offset + v * S::F32_LANES);
            }
        }
        for (sums, &weight) in sums.iter_mut().zip(weights) {
            let weight = simd.splat_f32s(weight);
            for (sum, &input) in sums.iter_mut().zip(&inputs) {
                *sum = simd.mul_add_e_f32s(weight, input, *sum);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        let values = &mut values[row * MAX_POSITIONS..][..VECTORS * S::F32_LANES];
        let (vectors, _) = S::as_mut_simd_f32s(values);
        vectors.copy_from_slice(sums);
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

    struct Collect<'a> {
        found: &'a mut [f32],
        rows: usize,
        positions: usize,
    }

    impl Emit for Collect<'_> {
        #[inline(always)]
        fn emit(&mut self, tile: &Tile<'_>) {
            for row in 0..tile.rows {
                let start = (tile.image * self.rows + tile.row + row) * self.positions + tile.position;
                let from = &tile.values[row * MAX_POSITIONS..][..tile.positions];
                self.found[start..start + tile.positions].copy_from_slice(from);
            }
        }
    }

    #[test]
    fn correlate_is_its_definition_on_every_instruction_set() {
        let offsets = [0, 1, 7, 30, 31];
        for (rows, positions, images) in
            [(1, 1, 1), (3, 15, 2), (8, 16, 1), (9, 49, 3), (21, 100, 2), (12, 47, 1)]
        {
            let image = positions + 31 + 2 * MAX_LANES;
            let (w, planes) = (values(rows * offsets.len(), 7), values(images * image, 5));
            let weight = |row: usize, tap: usize| w[row * offsets.len() + tap];
            let weights = Weights::pack(rows, offsets.len(), weight);
            let sources = Sources { values: &planes, images };
            let mut expected = vec![0.0; images * rows * positions];
            for (index, sum) in expected.iter_mut().enumerate() {
                let (row, start) =
                    (index / positions % rows, index / positions / rows * image + index % positions);
                *sum = offsets.iter().enumerate().map(|(tap, o)| weight(row, tap) * planes[start + o]).sum();
            }
            for level in levels() {
                let mut found = vec![f32::NAN; expected.len()];
                let emit = Collect { found: &mut found, rows, positions };
                run_on(level, Correlate { weights: &weights, sources, offsets: &offsets, positions, emit });
                assert_eq!(found, expected, "{level:?}, {rows} rows, {positions} positions, {images} images");
            }
        }
    }
}
