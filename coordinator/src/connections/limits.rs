//! How long what clients send may be: what the longest run asks for that was open in this process. A vector may be on its way when its run ends.

use std::sync::atomic::{AtomicUsize, Ordering};

use tributary_protocol::limits::SESSION_ROUNDS_MAX;

/// The limits, which grow as runs begin.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    upload_bytes: AtomicUsize,
    session_rounds: AtomicUsize,
}

impl Limits {
    /// From here on uploads may have so many bytes, and a key set-up may be for so many rounds, which its longest message grows with.
    pub(crate) fn admit(&self, upload_bytes: usize, session_rounds: u32) {
        let rounds = usize::try_from(session_rounds).unwrap_or(usize::MAX).min(SESSION_ROUNDS_MAX);
        self.upload_bytes.fetch_max(upload_bytes, Ordering::Relaxed);
        self.session_rounds.fetch_max(rounds, Ordering::Relaxed);
    }

    /// Longest upload, in bytes.
    pub(super) fn upload_bytes(&self) -> usize {
        self.upload_bytes.load(Ordering::Relaxed)
    }

    /// Most rounds of a key set-up.
    pub(super) fn session_rounds(&self) -> usize {
        self.session_rounds.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the longest run asks for counts, for each of the two, whichever came first; no key set-up is longer than the protocol's.
    #[test]
    fn the_longest_of_each_counts() {
        let limits = Limits::default();
        let both = |limits: &Limits| (limits.upload_bytes(), limits.session_rounds());
        assert_eq!(both(&limits), (0, 0));
        limits.admit(700, 3);
        limits.admit(500, 9);
        assert_eq!(both(&limits), (700, 9));
        limits.admit(900, 1);
        assert_eq!(both(&limits), (900, 9));
        let most = u32::try_from(SESSION_ROUNDS_MAX).unwrap();
        for (rounds, kept) in
            [(most - 1, SESSION_ROUNDS_MAX - 1), (most, SESSION_ROUNDS_MAX), (most + 1, SESSION_ROUNDS_MAX)]
        {
            limits.admit(0, rounds);
            assert_eq!(both(&limits), (900, kept));
        }
    }
}
