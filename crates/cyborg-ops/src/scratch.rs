//! Memory that operations fill and throw away, kept by each thread from call to call.

use std::cell::RefCell;

thread_local! {
    /// As many as were ever in use at once on this thread.
    static KEPT: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with `len` values of scratch memory that still hold whatever was there before.
pub(crate) fn with_scratch<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    // Taken, not borrowed: `work` may come back here, on this thread, for more.
    let mut scratch = KEPT.with(|kept| kept.borrow_mut().pop()).unwrap_or_default();
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    let result = work(&mut scratch[..len]);
    KEPT.with(|kept| kept.borrow_mut().push(scratch));
    result
}
