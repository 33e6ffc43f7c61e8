//! The matrix product: the one call into `gemm`, with its bounds checked.

use gemm::Parallelism;

/// A matrix in a slice: element `(row, column)` is at `row * row_stride + column * column_stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows one after the other.
    pub(crate) fn rows(values: &'a [f32], row_stride: usize) -> Self {
        Self { values, row_stride, column_stride: 1 }
    }

    /// The transpose of a matrix whose rows lie one after the other.
    pub(crate) fn transposed(values: &'a [f32], row_stride: usize) -> Self {
        Self { values, row_stride: 1, column_stride: row_stride }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        last_index(rows, columns, self.row_stride, self.column_stride) < self.values.len()
    }
}

fn last_index(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> usize {
    (rows - 1) * row_stride + (columns - 1) * column_stride
}

/// `out = left x right`, or `out += left x right` if `accumulate`, on the calling thread.
///
/// `size` is (rows of `left`, columns of `right`, inner size); `out` has rows `out_stride` apart.
///
/// # Panics
/// If a matrix does not hold what `size` says: a fault of this crate, never of its caller.
pub(crate) fn product(
    size: (usize, usize, usize),
    out: &mut [f32],
    out_stride: usize,
    left: Matrix<'_>,
    right: Matrix<'_>,
    accumulate: bool,
) {
    let (m, n, k) = size;
    if m == 0 || n == 0 {
        return;
    }
    assert!(out_stride >= n && last_index(m, n, out_stride, 1) < out.len(), "`out` does not hold {m} x {n}");
    if k == 0 {
        if !accumulate {
            out.chunks_mut(out_stride).take(m).for_each(|row| row[..n].fill(0.0));
        }
        return;
    }
    assert!(left.holds(m, k), "`left` does not hold {m} x {k}");
    assert!(right.holds(k, n), "`right` does not hold {k} x {n}");
    // SAFETY: `gemm` reads `left[i, l]` and `right[l, j]` and writes `out[i, j]` for i < m, j < n, l < k. The
    // strides are not negative, so the largest index of each is that of its last element, which the assertions
    // above place within its slice. `out` is borrowed mutably, so it overlaps neither input.
    #[expect(unsafe_code, reason = "`gemm` takes raw pointers")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            accumulate,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
