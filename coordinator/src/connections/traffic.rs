//! Bytes that went over all connections of clients.

use std::sync::atomic::{AtomicU64, Ordering};

/// Received from clients, and sent to them.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    down: AtomicU64,
    up: AtomicU64,
}

impl Traffic {
    /// One link has moved from so many bytes to so many.
    pub(super) fn add(&self, before: (u64, u64), now: (u64, u64)) {
        self.down.fetch_add(now.0.saturating_sub(before.0), Ordering::Relaxed);
        self.up.fetch_add(now.1.saturating_sub(before.1), Ordering::Relaxed);
    }

    /// Both.
    pub(crate) fn sum(&self) -> (u64, u64) {
        (self.down.load(Ordering::Relaxed), self.up.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_is_summed_by_what_was_added() {
        let traffic = Traffic::default();
        traffic.add((0, 0), (5, 70));
        traffic.add((5, 70), (9, 100));
        traffic.add((0, 0), (1, 2));
        assert_eq!(traffic.sum(), (10, 102));
    }
}
