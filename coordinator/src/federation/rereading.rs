//! When files that a daemon follows are read again: when they have changed, and some time after they could not be read.

/// When files that could not be used are tried again, though none of them has changed.
const AGAIN_SECONDS: u64 = 30;

/// What was seen of the files last, and when they are tried again. The caller reads the clock and the stamps.
#[derive(Debug)]
pub(crate) struct Rereading<S> {
    stamp: S,
    again: Option<u64>,
}

impl<S: PartialEq> Rereading<S> {
    /// They were read once, when they had this stamp.
    pub(crate) fn of(stamp: S) -> Self {
        Self { stamp, again: None }
    }

    /// Whether to read them now, in Unix seconds: another stamp, or a try that failed long enough ago. What could not be read may be readable later
    /// though no file changes: a disk was full, too many files were open.
    pub(crate) fn is_due(&mut self, stamp: S, now: u64) -> bool {
        let due = stamp != self.stamp || self.again.is_some_and(|again| again <= now);
        self.stamp = stamp;
        due
    }

    /// Whether the reading went well.
    pub(crate) fn ended(&mut self, well: bool, now: u64) {
        self.again = (!well).then(|| now.saturating_add(AGAIN_SECONDS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_is_tried_again_until_it_can() {
        let mut files = Rereading::of(1);
        assert!(!files.is_due(1, 1_000), "nothing has changed");
        assert!(files.is_due(2, 1_000));
        files.ended(false, 1_000);
        assert!(!files.is_due(2, 1_029));
        assert!(files.is_due(2, 1_030), "no file has changed");
        files.ended(false, 1_030);
        assert!(!files.is_due(2, 1_059) && files.is_due(2, 1_060));
        files.ended(true, 1_060);
        assert!(!files.is_due(2, u64::MAX));
    }

    #[test]
    fn a_change_is_read_at_once() {
        let mut files = Rereading::of(1);
        assert!(files.is_due(2, 1_000));
        files.ended(false, 1_000);
        assert!(files.is_due(3, 1_001));
        files.ended(true, 1_001);
        assert!(!files.is_due(3, 1_030), "an older failure is forgotten");
    }
}
