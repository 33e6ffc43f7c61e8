//! Memory that operations fill and throw away, kept by each thread from call to call.

use std::cell::RefCell;

thread_local! {
    /// As many as were ever in use at once on this thread.
    static KEPT: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with `len` values of scratch memory that still hold whatever was there before.
pub(crate) fn with_scratch<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    // Taken, not borrowed: `work` may come back here, on this thread, for more.
    let mut scratch = KEPT.with(|kept| best_fit(&mut kept.borrow_mut(), len));
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    let result = work(&mut scratch[..len]);
    KEPT.with(|kept| kept.borrow_mut().push(scratch));
    result
}

/// The shortest that is long enough, else the longest.
fn best_fit(kept: &mut Vec<Vec<f32>>, len: usize) -> Vec<f32> {
    let fitness = |scratch: &Vec<f32>| {
        if scratch.len() >= len { (0, scratch.len()) } else { (1, usize::MAX - scratch.len()) }
    };
    let best = (0..kept.len()).min_by_key(|&index| fitness(&kept[index]));
    best.map(|index| kept.swap_remove(index)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_fit_is_taken() {
        let mut kept: Vec<Vec<f32>> = [5, 20, 10].map(|len| vec![0.0; len]).into();
        assert_eq!(best_fit(&mut kept, 6).len(), 10);
        assert_eq!(best_fit(&mut kept, 100).len(), 20);
        assert_eq!(best_fit(&mut kept, 1).len(), 5);
        assert_eq!(best_fit(&mut kept, 1).len(), 0);
    }
}
