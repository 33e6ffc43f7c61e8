//! Matrix products of rows of channels: what a convolution and its gradients are made of.
//!
//! The left operand is read as it lies in memory, element by element; the right one in vectors of columns. So nothing but
//! weights is ever packed: rows are pixels, their elements channels.

#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into the dispatched function"
)]

mod finish;

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::fresh::{as_unwritten, written};
use crate::parallel::for_each;
use crate::scratch::with_scratch;
use crate::simd::{Level, best, run_on};
pub(crate) use finish::Finish;

/// Where each row of an operand begins: element `k` of row `r` is `values[bases[r] + k]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) bases: &'a [usize],
}

/// Neighbouring elements of a row: `offset..offset + len` from its base.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

/// How a right operand is laid out: blocks of columns, each row by row, padded with zeros to whole vectors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackedLayout {
    level: Level,
    k: usize,
    columns: usize,
    lanes: usize,
    /// Blocks of columns.
    n_blocks: usize,
    /// Vectors in all blocks together.
    n_vectors: usize,
}

/// Some neighbouring columns: row `k` of them lies at `start + k * width`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackedBlock {
    /// The first of its columns.
    pub(crate) first: usize,
    /// Columns that exist.
    pub(crate) columns: usize,
    /// Values a row, padding included.
    pub(crate) width: usize,
    pub(crate) start: usize,
}

impl PackedLayout {
    /// For `k` rows of `columns` columns.
    pub(crate) fn new(k: usize, columns: usize) -> Self {
        Self::on(best(), k, columns)
    }

    fn on(level: Level, k: usize, columns: usize) -> Self {
        let (lanes, max_vectors) = run_on(level, Shape);
        let n_vectors = columns.div_ceil(lanes);
        Self { level, k, columns, lanes, n_blocks: n_vectors.div_ceil(max_vectors), n_vectors }
    }

    /// Columns that exist.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Values of a packed matrix.
    pub(crate) fn len(&self) -> usize {
        self.n_vectors * self.lanes * self.k
    }

    /// The blocks in order; their widths differ by a vector at most.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = PackedBlock> + use<> {
        let Self { k, columns, lanes, n_blocks, n_vectors, .. } = *self;
        (0..n_blocks).map(move |block| {
            let (first, end) =
                (block * n_vectors / n_blocks * lanes, (block + 1) * n_vectors / n_blocks * lanes);
            PackedBlock { first, columns: end.min(columns) - first, width: end - first, start: first * k }
        })
    }

    /// Packs a matrix: `write` fills the rows of each block, whose values are zero before.
    pub(crate) fn pack(&self, write: impl Fn(PackedBlock, &mut [f32]) + Sync + Send) -> Vec<f32> {
        // SAFETY: the blocks are all of `packed`, and each is filled with zeros first.
        #[expect(unsafe_code, reason = "see `written`; each thread sets its own blocks to zero")]
        unsafe {
            written(self.len(), |packed| {
                let mut blocks = Vec::with_capacity(self.n_blocks);
                let mut rest = packed;
                for block in self.blocks() {
                    let (here, later) = std::mem::take(&mut rest).split_at_mut(self.k * block.width);
                    blocks.push((block, here));
                    rest = later;
                }
                for_each(blocks, |(block, values)| {
                    values.fill(MaybeUninit::new(0.0));
                    write(block, values.assume_init_mut());
                });
            })
        }
    }
}

/// Values a vector, and vectors a block at most.
struct Shape;

impl WithSimd for Shape {
    type Output = (usize, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> (usize, usize) {
        (S::F32_LANES, if S::REGISTER_COUNT >= 32 { 4 } else { 3 })
    }
}

/// Elements of a row that are multiplied before the sums go to memory: a block of the right operand then stays in the
/// second cache.
const ELEMENTS: usize = 512;

/// `out[targets[r] + column] = sum over the elements of all runs, in order, of a(r, element) * b(element, column)`.
///
/// # Panics
/// If the runs have other than `k` elements, or a row of `a` or of `out` reaches beyond its values.
pub(crate) fn multiply(
    a: Rows<'_>,
    runs: &[Run],
    layout: PackedLayout,
    b: &[f32],
    out: &mut [MaybeUninit<f32>],
    targets: &[usize],
) {
    multiply_and(a, runs, layout, b, out, targets, None);
}

/// [`multiply`], and what is done to the sums while they are in the first cache.
///
/// # Panics
/// As [`multiply`]; if `finish` has fewer columns than `layout`.
pub(crate) fn multiply_and(
    a: Rows<'_>,
    runs: &[Run],
    layout: PackedLayout,
    b: &[f32],
    out: &mut [MaybeUninit<f32>],
    targets: &[usize],
    finish: Option<Finish<'_>>,
) {
    let k = runs.iter().map(|run| run.len).sum::<usize>();
    assert_eq!(k, layout.k);
    assert_eq!(b.len(), layout.len());
    assert_eq!(a.bases.len(), targets.len());
    let reach = runs.iter().map(|run| run.offset + run.len).max().unwrap_or(0);
    assert!(a.bases.iter().all(|base| base + reach <= a.values.len()));
    assert!(targets.iter().all(|target| target + layout.columns <= out.len()));
    let finish = finish.map(|finish| finish.columns(0..layout.columns));
    let mut work = Multiply { a, runs, layout, b, out, targets, first: 0, finish: None };
    if k <= ELEMENTS {
        return run_on(layout.level, Multiply { finish, ..work });
    }
    let mut piece = Vec::with_capacity(runs.len());
    let mut room = ELEMENTS;
    for &Run { mut offset, mut len } in runs {
        while len > 0 {
            let here = len.min(room);
            piece.push(Run { offset, len: here });
            (offset, len, room) = (offset + here, len - here, room - here);
            if room == 0 {
                let last = work.first + ELEMENTS == k;
                work = work.step(&piece, finish.filter(|_| last));
                piece.clear();
                room = ELEMENTS;
            }
        }
    }
    if !piece.is_empty() {
        work.step(&piece, finish);
    }
}

struct Multiply<'a> {
    a: Rows<'a>,
    runs: &'a [Run],
    layout: PackedLayout,
    b: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
    targets: &'a [usize],
    /// Elements that came before these runs: their sums are in `out`.
    first: usize,
    finish: Option<Finish<'a>>,
}

impl<'a> Multiply<'a> {
    /// Does some of the elements.
    fn step(self, runs: &[Run], finish: Option<Finish<'a>>) -> Self {
        let Self { a, layout, b, out, targets, first, .. } = self;
        run_on(layout.level, Multiply { a, runs, layout, b, out: &mut *out, targets, first, finish });
        let first = first + runs.iter().map(|run| run.len).sum::<usize>();
        Self { a, runs: &[], layout, b, out, targets, first, finish: None }
    }
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for block in self.layout.blocks() {
            match (S::REGISTER_COUNT >= 32, block.width / S::F32_LANES) {
                (true, 4) => self.block::<S, 6, 4>(simd, block),
                (true, 3) => self.block::<S, 8, 3>(simd, block),
                (true, 2) => self.block::<S, 12, 2>(simd, block),
                (true, _) => self.block::<S, 12, 1>(simd, block),
                (false, 3) => self.block::<S, 4, 3>(simd, block),
                (false, 2) => self.block::<S, 6, 2>(simd, block),
                (false, _) => self.block::<S, 8, 1>(simd, block),
            }
        }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn block<S: Simd, const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, block: PackedBlock) {
        let elements = self.runs.iter().map(|run| run.len).sum::<usize>();
        let b = &self.b[block.start + self.first * block.width..][..elements * block.width];
        let finish = self.finish.map(|finish| finish.columns(block.first..block.first + block.columns));
        let n_rows = self.a.bases.len();
        let mut row = 0;
        while row < n_rows {
            let rows = (n_rows - row).min(ROWS);
            // A tile that is not full computes its last row again.
            let bases: [usize; ROWS] = std::array::from_fn(|r| self.a.bases[row + r.min(rows - 1)]);
            // SAFETY: `multiply` has checked that each row reaches to the end of each run and that `b` is as long as its
            // layout says; the slice above holds `VECTORS` vectors for each element of the runs.
            #[expect(
                unsafe_code,
                reason = "a bounds check for each element would cost as much as the arithmetic"
            )]
            let sums = unsafe {
                tile::<S, ROWS, VECTORS>(simd, self.a.values.as_ptr(), bases, self.runs, b.as_ptr())
            };
            for (sums, &target) in sums.iter().zip(&self.targets[row..row + rows]) {
                let out = &mut self.out[target + block.first..][..block.columns];
                let out = put(simd, sums, out, self.first > 0);
                if let Some(finish) = finish {
                    finish.apply(target + block.first, out);
                }
            }
            row += rows;
        }
    }
}

/// The sums of `ROWS` rows by `VECTORS` vectors, all in registers while the elements go by.
///
/// # Safety
/// For each base and run, `base + offset + len` values from `a` on can be read, and from `b` on `VECTORS` vectors for each
/// element of the runs.
#[expect(unsafe_code, reason = "see above")]
#[inline(always)]
unsafe fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    a: *const f32,
    bases: [usize; ROWS],
    runs: &[Run],
    mut b: *const f32,
) -> [[S::f32s; VECTORS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for run in runs {
        // SAFETY: the caller promises that these and the next `run.len` values of each can be read.
        let rows = bases.map(|base| unsafe { a.add(base + run.offset) });
        for k in 0..run.len {
            // SAFETY: as promised by the caller; any bits are a vector of `f32`.
            let columns: [S::f32s; VECTORS] = std::array::from_fn(|v| unsafe {
                b.add(v * S::F32_LANES).cast::<S::f32s>().read_unaligned()
            });
            // SAFETY: as above; at the end this is one beyond the last value, which a pointer may be.
            b = unsafe { b.add(VECTORS * S::F32_LANES) };
            for (sums, &row) in sums.iter_mut().zip(&rows) {
                // SAFETY: as above.
                let value = simd.splat_f32s(unsafe { *row.add(k) });
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = simd.mul_add_e_f32s(value, column, *sum);
                }
            }
        }
    }
    sums
}

/// Writes a row of sums, or adds it to what an earlier step has written; the last vector may be cut.
#[inline(always)]
fn put<'a, S: Simd, const VECTORS: usize>(
    simd: S,
    sums: &[S::f32s; VECTORS],
    out: &'a mut [MaybeUninit<f32>],
    add: bool,
) -> &'a mut [f32] {
    // SAFETY: the layouts are the same; where values are read, an earlier step has written them, and all are written here
    // before they are handed on.
    #[expect(unsafe_code, reason = "vectors are stored through initialised slices only")]
    let out = unsafe { std::slice::from_raw_parts_mut(out.as_mut_ptr().cast::<f32>(), out.len()) };
    let (whole, rest) = S::as_mut_simd_f32s(out);
    let n_whole = whole.len();
    for (out, &sum) in whole.iter_mut().zip(sums) {
        *out = if add { simd.add_f32s(*out, sum) } else { sum };
    }
    if let Some(&sum) = sums.get(n_whole).filter(|_| !rest.is_empty()) {
        let sum = if add { simd.add_f32s(simd.partial_load_f32s(rest), sum) } else { sum };
        simd.partial_store_f32s(rest, sum);
    }
    out
}

/// Rows whose products are summed in registers before they are added to memory.
const ROWS_A_SUM: usize = 128;

/// `sums[i * columns + column] += sum over rows r of a(r, run.offset + i) * b(r, column)` for each `i` of the run.
///
/// # Panics
/// If `a` and `b` have other numbers of rows, a row reaches beyond its values, or `sums` is not as large as this says.
pub(crate) fn outer(a: Rows<'_>, run: Run, b: Rows<'_>, columns: usize, sums: &mut [f32]) {
    outer_on(best(), a, run, b, columns, sums);
}

fn outer_on(level: Level, a: Rows<'_>, run: Run, b: Rows<'_>, columns: usize, sums: &mut [f32]) {
    assert_eq!(a.bases.len(), b.bases.len());
    assert_eq!(sums.len(), run.len * columns);
    assert!(a.bases.iter().all(|base| base + run.offset + run.len <= a.values.len()));
    assert!(b.bases.iter().all(|base| base + columns <= b.values.len()));
    let layout = PackedLayout::on(level, ROWS_A_SUM, columns);
    let width = layout.blocks().map(|block| block.width).max().unwrap_or(0);
    with_scratch(ROWS_A_SUM * width, |panel| run_on(level, Outer { a, run, b, layout, panel, sums }));
}

struct Outer<'a> {
    a: Rows<'a>,
    run: Run,
    b: Rows<'a>,
    layout: PackedLayout,
    panel: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for (a_bases, b_bases) in self.a.bases.chunks(ROWS_A_SUM).zip(self.b.bases.chunks(ROWS_A_SUM)) {
            for block in self.layout.blocks() {
                match (S::REGISTER_COUNT >= 32, block.width / S::F32_LANES) {
                    (true, 4) => self.block::<S, 6, 4>(simd, a_bases, b_bases, block),
                    (true, 3) => self.block::<S, 8, 3>(simd, a_bases, b_bases, block),
                    (true, 2) => self.block::<S, 12, 2>(simd, a_bases, b_bases, block),
                    (true, _) => self.block::<S, 12, 1>(simd, a_bases, b_bases, block),
                    (false, 3) => self.block::<S, 4, 3>(simd, a_bases, b_bases, block),
                    (false, 2) => self.block::<S, 6, 2>(simd, a_bases, b_bases, block),
                    (false, _) => self.block::<S, 8, 1>(simd, a_bases, b_bases, block),
                }
            }
        }
    }
}

impl Outer<'_> {
    #[inline(always)]
    fn block<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        bases: &[usize],
        b_bases: &[usize],
        block: PackedBlock,
    ) {
        self.lay_out::<S, VECTORS>(simd, b_bases, block);
        let columns = self.layout.columns;
        let mut i = 0;
        while i < self.run.len {
            let left = self.run.len - i;
            i += if left >= ROWS {
                self.tile::<S, ROWS, VECTORS>(simd, bases, block, i, columns);
                ROWS
            } else if left >= 4 {
                self.tile::<S, 4, VECTORS>(simd, bases, block, i, columns);
                4
            } else if left >= 2 {
                self.tile::<S, 2, VECTORS>(simd, bases, block, i, columns);
                2
            } else {
                self.tile::<S, 1, VECTORS>(simd, bases, block, i, columns);
                1
            };
        }
    }

    /// Copies these columns of some rows of `b` into the panel, one row behind the other: what is read for each tile.
    #[inline(always)]
    fn lay_out<S: Simd, const VECTORS: usize>(&mut self, simd: S, bases: &[usize], block: PackedBlock) {
        let (panel, _) = S::as_mut_simd_f32s(self.panel);
        for (panel, base) in panel.chunks_exact_mut(VECTORS).zip(bases) {
            let row = &self.b.values[base + block.first..][..block.columns];
            let (whole, rest) = S::as_simd_f32s(row);
            for (v, to) in panel.iter_mut().enumerate() {
                *to = match whole.get(v) {
                    Some(&values) => values,
                    None => simd.partial_load_f32s(rest),
                };
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        bases: &[usize],
        block: PackedBlock,
        i: usize,
        columns: usize,
    ) {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        let (a, offset) = (self.a.values.as_ptr(), self.run.offset + i);
        let mut panel = self.panel.as_ptr();
        assert!(bases.len() * VECTORS * S::F32_LANES <= self.panel.len());
        for &base in bases {
            // SAFETY: `outer_on` has checked that each row reaches to the end of the run, of which these are `ROWS`; the
            // panel has `VECTORS` vectors for each row.
            #[expect(
                unsafe_code,
                reason = "a bounds check for each element would cost as much as the arithmetic"
            )]
            unsafe {
                let columns: [S::f32s; VECTORS] =
                    std::array::from_fn(|v| panel.add(v * S::F32_LANES).cast::<S::f32s>().read_unaligned());
                panel = panel.add(VECTORS * S::F32_LANES);
                let row = a.add(base + offset);
                for (r, sums) in sums.iter_mut().enumerate() {
                    let value = simd.splat_f32s(*row.add(r));
                    for (sum, &column) in sums.iter_mut().zip(&columns) {
                        *sum = simd.mul_add_e_f32s(value, column, *sum);
                    }
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let out = &mut self.sums[(i + r) * columns + block.first..][..block.columns];
            put(simd, sums, as_unwritten(out), true);
        }
    }
}

#[cfg(test)]
mod tests;
