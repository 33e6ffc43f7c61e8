//! Memory that operations fill and throw away, kept by each thread from call to call.

use std::cell::RefCell;

thread_local! {
    static KEPT: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with `len` values of scratch memory that still hold whatever was there before.
pub(crate) fn with_scratch<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    // Taken, not borrowed: `work` may come back here, on this thread, for more.
    let mut scratch = KEPT.with(RefCell::take);
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    let result = work(&mut scratch[..len]);
    KEPT.with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.len() < scratch.len() {
            *kept = scratch;
        }
    });
    result
}
