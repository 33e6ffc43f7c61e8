//! Memory of large vectors, kept from one pass to the next.
//!
//! A step of training takes and frees the same sizes as the one before. What is given back to the system has its pages
//! cleared when it is taken again, which costs up to a third of a step of a large network.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values from which on a vector is worth keeping: 256 KiB.
const LARGE: usize = 1 << 16;
/// Passes after which a vector that nobody took is freed. Several networks may train side by side.
const PASSES: u64 = 32;

/// Empty vectors by their capacity, each with the pass in which it was given back.
struct Kept {
    vectors: BTreeMap<usize, Vec<(u64, Vec<f32>)>>,
    pass: u64,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { vectors: BTreeMap::new(), pass: 0 });

/// A panic elsewhere cannot leave half a value: each change is one call.
fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty vector with room for `len` values.
pub(crate) fn take(len: usize) -> Vec<f32> {
    if len < LARGE {
        return Vec::with_capacity(len);
    }
    let mut kept = kept();
    // One that is not much larger than needed.
    let Some((&capacity, vectors)) = kept.vectors.range_mut(len..=len + len / 8).next() else {
        drop(kept);
        return Vec::with_capacity(len);
    };
    let found = vectors.pop();
    if vectors.is_empty() {
        kept.vectors.remove(&capacity);
    }
    found.map_or_else(|| Vec::with_capacity(len), |(_, vector)| vector)
}

/// A vector of zeros.
pub(crate) fn zeros(len: usize) -> Vec<f32> {
    let mut vector = take(len);
    vector.resize(len, 0.0);
    vector
}

/// Keeps the memory of a vector for whoever needs one of its size.
pub(crate) fn give(mut vector: Vec<f32>) {
    if vector.capacity() < LARGE {
        return;
    }
    vector.clear();
    let mut kept = kept();
    let pass = kept.pass;
    kept.vectors.entry(vector.capacity()).or_default().push((pass, vector));
}

/// Frees what nobody has taken for long: called at the beginning of each pass.
pub(crate) fn begin_pass() {
    let mut kept = kept();
    kept.pass += 1;
    let pass = kept.pass;
    let mut old = Vec::new();
    kept.vectors.retain(|_, vectors| {
        old.extend(vectors.extract_if(.., |(given, _)| *given + PASSES < pass));
        !vectors.is_empty()
    });
    drop(kept);
    // Outside the lock: it takes the system a while.
    drop(old);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A size that no other test of this crate uses.
    const LEN: usize = LARGE + 12_345;

    #[test]
    fn memory_comes_back_and_is_freed_when_nobody_wants_it() {
        let mut vector = take(LEN);
        vector.push(1.0);
        let (address, capacity) = (vector.as_ptr(), vector.capacity());
        give(vector);
        let again = take(LEN - 1000);
        assert_eq!((again.as_ptr(), again.capacity(), again.len()), (address, capacity, 0));
        give(again);
        assert!(take(LEN / 2).capacity() < capacity, "too large for half of it");
        (0..=PASSES).for_each(|_| begin_pass());
        assert!(!kept().vectors.contains_key(&capacity));
    }
}
