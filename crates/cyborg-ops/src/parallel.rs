//! Work over pieces of memory in rayon's current pool. Where the cuts lie depends on shapes only, never on threads.

use rayon::prelude::*;

/// Calls `work` with the index and the values of each piece of `piece` values (the last may be shorter).
pub(crate) fn for_each_piece<T: Send>(
    values: &mut [T],
    piece: usize,
    work: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    if values.is_empty() {
        return;
    }
    let piece = piece.max(1);
    if values.len() <= piece || rayon::current_num_threads() == 1 {
        values.chunks_mut(piece).enumerate().for_each(|(index, values)| work(index, values));
    } else {
        values.par_chunks_mut(piece).enumerate().for_each(|(index, values)| work(index, values));
    }
}

/// `work(0)`, `work(1)` ... `work(n - 1)`, in that order.
pub(crate) fn map<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    if n <= 1 || rayon::current_num_threads() == 1 {
        (0..n).map(work).collect()
    } else {
        (0..n).into_par_iter().map(work).collect()
    }
}

/// `work` on each item.
pub(crate) fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync + Send) {
    if items.len() <= 1 || rayon::current_num_threads() == 1 {
        items.into_iter().for_each(work);
    } else {
        items.into_par_iter().for_each(work);
    }
}
