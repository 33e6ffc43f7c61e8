//! Work that is done ahead by several threads and taken in order by one.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

/// Does `work` for the numbers below `n` on `n_threads` threads, at most `window` numbers ahead of what is taken, and
/// hands the results to `take` on the calling thread, in order. So no more than `window` results wait at any time.
///
/// A panic in `work` or `take` goes on here.
///
/// # Errors
/// The first error of `take`, which ends it.
pub fn ahead<T: Send, E>(
    n: usize,
    n_threads: usize,
    window: usize,
    work: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let gate =
        Gate { state: Mutex::new(State { next: 0, end: window.clamp(1, n.max(1)) }), moved: Condvar::new() };
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel::<(usize, Result<T, Box<dyn Any + Send>>)>();
        for _ in 0..n_threads.clamp(1, n.max(1)) {
            let (sender, gate, work) = (sender.clone(), &gate, &work);
            scope.spawn(move || {
                while let Some(number) = gate.next(n) {
                    // A failed send means that the taking has ended early.
                    if sender.send((number, catch_unwind(AssertUnwindSafe(|| work(number))))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        // However this ends, the threads must not wait for it any longer.
        let _closing = Closing(&gate);
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        for (number, result) in receiver {
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&due) {
                due += 1;
                gate.allow(due.saturating_add(window.max(1)));
                match result {
                    Ok(result) => take(due - 1, result)?,
                    Err(panic) => resume_unwind(panic),
                }
            }
        }
        Ok(())
    })
}

struct Gate {
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    /// The number to be worked on next.
    next: usize,
    /// Numbers below this one may be worked on.
    end: usize,
}

/// What `end` becomes when nothing more is wanted.
const CLOSED: usize = 0;

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next number, when it may be worked on; None when there are no more.
    fn next(&self, n: usize) -> Option<usize> {
        let mut state = self.state();
        loop {
            if state.end == CLOSED || state.next >= n {
                return None;
            }
            if state.next < state.end {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn allow(&self, end: usize) {
        self.state().end = end;
        self.moved.notify_all();
    }
}

struct Closing<'a>(&'a Gate);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.allow(CLOSED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn in_order_and_never_further_ahead_than_allowed() {
        for (n, n_threads, window) in
            [(0, 1, 1), (1, 4, 1), (100, 1, 1), (100, 4, 7), (50, 8, 1000), (9, 0, 0)]
        {
            let taken = AtomicUsize::new(0);
            let work = |number: usize| {
                let furthest = taken.load(Ordering::SeqCst) + window.max(1);
                // `taken` is counted after the gate has moved on, so one more may be under way.
                assert!(number <= furthest, "{number} while {furthest} was the limit");
                if number.is_multiple_of(3) {
                    thread::yield_now();
                }
                number * number
            };
            let mut found = Vec::new();
            let result: Result<(), ()> = ahead(n, n_threads, window, work, |number, square| {
                found.push((number, square));
                taken.fetch_add(1, Ordering::SeqCst);
                Ok(())
            });
            assert_eq!(result, Ok(()));
            assert_eq!(found, (0..n).map(|number| (number, number * number)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_ends_it() {
        let n_worked = AtomicUsize::new(0);
        let work = |_| n_worked.fetch_add(1, Ordering::SeqCst);
        let result =
            ahead(1_000_000, 3, 5, work, |number, _| if number == 10 { Err("stop") } else { Ok(()) });
        assert_eq!(result, Err("stop"));
        assert!(n_worked.load(Ordering::SeqCst) <= 10 + 5 + 1);
    }

    #[test]
    fn a_panic_of_either_side_comes_through() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let in_work = catch_unwind(|| {
            ahead(100, 3, 5, |number| assert_ne!(number, 20, "broken"), |_, ()| Ok::<(), ()>(()))
        });
        let in_take = catch_unwind(|| {
            ahead(
                100,
                3,
                5,
                |number| number,
                |number, _| {
                    assert_ne!(number, 20, "broken");
                    Ok::<(), ()>(())
                },
            )
        });
        std::panic::set_hook(hook);
        assert!(in_work.is_err() && in_take.is_err());
    }
}
