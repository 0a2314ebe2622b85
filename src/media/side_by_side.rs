//! Pieces of one work on several processors: threads of its own, because some of them wait for helper programs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Threads at most: what is made side by side must leave room for the pages.
const MOST: usize = 2;

/// Does `work` with each item, two at a time where there are two processors; what came of it in the order of the
/// items. A panic is that of the caller.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MOST);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(items.len())));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(item) = items.get(number)
                {
                    let made = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((number, made));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn everything_is_done_once_and_comes_in_order() {
        let items: Vec<u64> = (0..100).collect();
        assert_eq!(each(&items, |n| n * n), items.iter().map(|n| n * n).collect::<Vec<_>>());
        assert!(each(&[0_u8; 0], |n| *n).is_empty());
    }
}
