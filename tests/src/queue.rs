//! What will happen, in the order of virtual time and, at one moment, of having been decided.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A queue ordered by time, then by the order of insertion.
pub(crate) struct Queue<E> {
    entries: BinaryHeap<Reverse<Entry<E>>>,
    inserted: u64,
}

struct Entry<E> {
    at: u64,
    sequence: u64,
    event: E,
}

impl<E> Queue<E> {
    pub(crate) fn new() -> Self {
        Self { entries: BinaryHeap::new(), inserted: 0 }
    }

    /// Plans an event for a moment, in milliseconds.
    pub(crate) fn push(&mut self, at: u64, event: E) {
        self.inserted += 1;
        self.entries.push(Reverse(Entry { at, sequence: self.inserted, event }));
    }

    /// The next event and its moment.
    pub(crate) fn pop(&mut self) -> Option<(u64, E)> {
        self.entries.pop().map(|Reverse(entry)| (entry.at, entry.event))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_comes_first_and_insertion_second() {
        let mut queue = Queue::new();
        for (at, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b')] {
            queue.push(at, event);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [(1, 'a'), (2, 'b'), (5, 'c'), (5, 'd')]);
    }
}
