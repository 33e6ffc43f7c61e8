//! Panics of the parquet reader as errors.
//!
//! The reader trusts what a file says of itself, and some files make it panic. That is a fault of the file for whoever
//! asked to read it, not of this program.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic on this thread comes back as its message, and prints nothing.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                usual(info);
            }
        }));
    });
    IS_QUIET.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_QUIET.set(false);
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "it gave no reason".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_is_its_message() {
        assert_eq!(guarded(|| 7), Ok(7));
        let number = std::hint::black_box(3);
        assert_eq!(
            guarded(|| assert_eq!(number, 4, "not four")).map_err(|m| m.contains("not four")),
            Err(true)
        );
    }
}
