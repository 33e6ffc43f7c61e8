//! An allocator that keeps large blocks for the next tensor of their size.
//!
//! Training allocates and frees the same few sizes thousands of times. A usual allocator gives blocks of megabytes back to
//! the system at once and gets fresh pages the next time, and the first touch of a fresh page costs more than the
//! arithmetic on its 1,024 numbers: on a virtual machine with two AVX-512 cores, ReLU over 1.3 MB took 0.85 ms with fresh
//! pages and 0.11 ms with kept ones.

#![expect(unsafe_code, reason = "an allocator is an unsafe trait over raw pointers")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Blocks from this size on are kept; smaller ones are the system allocator's business.
const SMALLEST: usize = 1 << 16;
/// Alignment of every kept block: whole cache lines.
const ALIGNMENT: usize = 64;
/// Sizes between one power of two and the next: a block is at most an eighth larger than what was asked for.
const STEPS: usize = 8;
/// Enough classes for blocks of 2^47 bytes.
const CLASSES: usize = 32 * STEPS;

/// Keeps freed blocks of 64 KiB or more and hands them out again; everything else goes to the system allocator.
///
/// Together, blocks in use and blocks kept stay within 5/4 of the most that was ever in use (plus the block asked for):
/// beyond that, kept blocks go back to the system, largest first.
///
/// Install it in a program that trains, once:
///
/// ```
/// #[global_allocator]
/// static MEMORY: cyborg_ops::Recycling = cyborg_ops::Recycling::new();
/// # fn main() {}
/// ```
pub struct Recycling {
    state: Mutex<State>,
}

struct State {
    /// For each class the first kept block; each kept block begins with the address of the next.
    kept: [*mut Kept; CLASSES],
    bytes_kept: usize,
    bytes_used: usize,
    most_used: usize,
}

struct Kept {
    next: *mut Kept,
}

// SAFETY: the pointers are to blocks that nobody else knows of while they are kept; the mutex around `State` sees to it
// that one thread at a time follows them.
unsafe impl Send for State {}

/// What a recycling allocator holds, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecyclingStatus {
    /// In large blocks that are in use.
    pub used: usize,
    /// In large blocks kept for later.
    pub kept: usize,
    /// The most that was ever in use at once.
    pub most_used: usize,
}

impl Default for Recycling {
    fn default() -> Self {
        Self::new()
    }
}

impl Recycling {
    /// An allocator that keeps nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        let kept = [std::ptr::null_mut(); CLASSES];
        Self { state: Mutex::new(State { kept, bytes_kept: 0, bytes_used: 0, most_used: 0 }) }
    }

    /// What it holds now.
    pub fn status(&self) -> RecyclingStatus {
        let state = self.state();
        RecyclingStatus { used: state.bytes_used, kept: state.bytes_kept, most_used: state.most_used }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A kept block, or a new one; `true` if it is new and should be zero.
    fn take(&self, class: usize, zeroed: bool) -> (*mut u8, bool) {
        let layout = layout(class);
        let mut state = self.state();
        state.bytes_used += layout.size();
        state.most_used = state.most_used.max(state.bytes_used);
        let first = state.kept[class];
        if !first.is_null() {
            // SAFETY: a block in the list of its class is at least as large as `Kept`, aligned, and was given its `next`
            // when it was put there; nobody else holds it.
            state.kept[class] = unsafe { (*first).next };
            state.bytes_kept -= layout.size();
            return (first.cast(), false);
        }
        let limit = state.most_used / 4 * 5;
        let surplus = state.release(limit);
        drop(state);
        give_back(surplus);
        // SAFETY: the layout's size is not zero.
        let block = unsafe { if zeroed { System.alloc_zeroed(layout) } else { System.alloc(layout) } };
        if block.is_null() {
            let mut state = self.state();
            state.bytes_used -= layout.size();
        }
        (block, zeroed)
    }

    #[expect(clippy::cast_ptr_alignment, reason = "large blocks are aligned to cache lines")]
    fn keep(&self, class: usize, block: *mut u8) {
        let size = layout(class).size();
        let mut state = self.state();
        let next = state.kept[class];
        // SAFETY: the caller gives up a block of this class: large and aligned enough for `Kept`, not in use any more.
        let block = block.cast::<Kept>();
        unsafe { block.write(Kept { next }) };
        state.kept[class] = block;
        state.bytes_kept += size;
        state.bytes_used -= size;
    }
}

impl State {
    /// Takes kept blocks out until blocks used and kept are within `limit`; returns them as a list with their classes.
    fn release(&mut self, limit: usize) -> [(*mut Kept, usize); 8] {
        let mut surplus = [(std::ptr::null_mut(), 0); 8];
        let mut found = 0;
        for class in (0..CLASSES).rev() {
            while found < surplus.len()
                && self.bytes_used + self.bytes_kept > limit
                && !self.kept[class].is_null()
            {
                let block = self.kept[class];
                // SAFETY: as in `take`.
                self.kept[class] = unsafe { (*block).next };
                self.bytes_kept -= layout(class).size();
                surplus[found] = (block, class);
                found += 1;
            }
        }
        surplus
    }
}

fn give_back(surplus: [(*mut Kept, usize); 8]) {
    for (block, class) in surplus {
        if !block.is_null() {
            // SAFETY: the block came from `System` with the layout of its class, and is in no list any more.
            unsafe { System.dealloc(block.cast(), layout(class)) };
        }
    }
}

/// The class of a large request: the smallest whose blocks hold it.
fn class(size: usize) -> Option<usize> {
    let doublings = size.ilog2().checked_sub(SMALLEST.ilog2())? as usize;
    let step = (SMALLEST << doublings) / STEPS;
    let class = doublings * STEPS + (size - (SMALLEST << doublings)).div_ceil(step);
    (class < CLASSES).then_some(class)
}

/// Size and alignment of the blocks of a class.
fn layout(class: usize) -> Layout {
    let base = SMALLEST << (class / STEPS);
    let size = base + base / STEPS * (class % STEPS);
    // SAFETY: the alignment is a power of two, and the largest class is far from the largest size there is.
    unsafe { Layout::from_size_align_unchecked(size, ALIGNMENT) }
}

fn is_large(layout: Layout) -> Option<usize> {
    if layout.size() < SMALLEST || layout.align() > ALIGNMENT {
        return None;
    }
    class(layout.size())
}

// SAFETY: blocks are those of `System`, of at least the size and alignment asked for; each is handed out once until it
// is freed. Whether a block is large depends on its layout only, which is the same when it is freed. No method unwinds:
// the lock is never poisoned for good, and the sums cannot overflow.
unsafe impl GlobalAlloc for Recycling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match is_large(layout) {
            Some(class) => self.take(class, false).0,
            // SAFETY: the caller's promise, passed on.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(class) = is_large(layout) else {
            // SAFETY: the caller's promise, passed on.
            return unsafe { System.alloc_zeroed(layout) };
        };
        let (block, zero) = self.take(class, true);
        if !zero && !block.is_null() {
            // SAFETY: the block has at least `layout.size()` bytes and is this caller's.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match is_large(layout) {
            Some(class) => self.keep(class, block),
            // SAFETY: the caller's promise, passed on.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, old: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `size` is a valid size for this alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, old.align()) };
        match (is_large(old), is_large(new)) {
            // SAFETY: the caller's promise, passed on.
            (None, None) => unsafe { System.realloc(block, old, size) },
            (Some(before), Some(after)) if before == after => block,
            _ => {
                // SAFETY: `new` is not empty; the blocks are different, and both have the bytes that are copied; the old
                // one is freed with the layout it has.
                unsafe {
                    let moved = self.alloc(new);
                    if !moved.is_null() {
                        moved.copy_from_nonoverlapping(block, old.size().min(size));
                        self.dealloc(block, old);
                    }
                    moved
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_is_asked_and_little_more() {
        for size in (SMALLEST..1 << 24).step_by(4_099).chain([SMALLEST, SMALLEST + 1, (1 << 20) - 1, 1 << 20])
        {
            let found = layout(class(size).expect("a class")).size();
            assert!(found >= size && found <= size + size / STEPS, "{size}: {found}");
        }
        assert_eq!(class(SMALLEST - 1), None);
        assert!((0..CLASSES - 1).all(|class| layout(class).size() < layout(class + 1).size()));
        assert!((0..CLASSES).all(|c| class(layout(c).size()) == Some(c)));
    }
}
