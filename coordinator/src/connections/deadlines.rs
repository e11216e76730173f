//! What a session waits for, and until when. It has no clock: time is an argument.

use std::time::Duration;

use tokio::time::Instant;
use tributary_transport::limits::{HANDSHAKE_TIME, PROGRESS_BYTES_MIN, PROGRESS_TIME, PROOF_OF_LIFE_TIME};

/// The deadlines of one session.
pub(super) struct Deadlines {
    /// Until when a cut link may be taken up again.
    detached: Option<Instant>,
    /// Until when the client must have proved that it is alive.
    proving: Option<Instant>,
    /// Until when the client must have taken the welcome.
    welcoming: Option<Instant>,
    /// The frame that is incomplete must have come so far until then.
    progress: Option<(Instant, u64)>,
}

/// How far the peer has come when deadlines are looked at.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// It has answered the last question whether it is alive.
    pub(super) answered: bool,
    /// It has taken the welcome.
    pub(super) welcomed: bool,
    /// Bytes of the whole link.
    pub(super) received: u64,
}

/// What did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// The client, over another connection.
    Return,
    /// A sign of life.
    Answer,
    /// Its word that it has the welcome.
    Welcome,
    /// Enough bytes of a frame.
    Bytes,
}

impl Deadlines {
    /// Of a client that has just been welcomed.
    pub(super) fn begin(now: Instant) -> Self {
        Self { detached: None, proving: None, welcoming: Some(now + HANDSHAKE_TIME), progress: None }
    }

    pub(super) const fn is_detached(&self) -> bool {
        self.detached.is_some()
    }

    /// The connection was cut, and its client may come back within `patience`. What the old connection owed is owed no more.
    pub(super) fn cut(&mut self, now: Instant, patience: Duration) {
        self.detached = Some(now + patience);
        (self.welcoming, self.progress) = (None, None);
    }

    /// The client is back, and is welcomed again.
    pub(super) fn resume(&mut self, now: Instant) {
        (self.detached, self.proving) = (None, None);
        self.welcoming = Some(now + HANDSHAKE_TIME);
    }

    /// The client was asked for a sign of life. Whoever asks again does not give a dead one more time.
    pub(super) fn prove(&mut self, now: Instant) {
        self.proving.get_or_insert(now + PROOF_OF_LIFE_TIME);
    }

    /// A frame is incomplete. Again after a cut: a peer that comes back and says nothing more would otherwise have no deadline.
    pub(super) fn demand_progress(&mut self, now: Instant, received: u64) {
        if !self.is_detached() {
            self.progress.get_or_insert((now + PROGRESS_TIME, received + PROGRESS_BYTES_MIN));
        }
    }

    /// The frame is complete, or nobody wants the rest.
    pub(super) const fn forget_progress(&mut self) {
        self.progress = None;
    }

    /// The first moment at which something is late.
    pub(super) fn first(&mut self, seen: Seen) -> Option<Instant> {
        if seen.answered {
            self.proving = None;
        }
        if seen.welcomed {
            self.welcoming = None;
        }
        let progress = self.progress.map(|(until, _)| until);
        [self.detached, self.proving, self.welcoming, progress].into_iter().flatten().min()
    }

    /// What is late now. A frame whose bytes came in time has as long again.
    pub(super) fn late(&mut self, now: Instant, seen: Seen) -> Option<Late> {
        let is_past = |until: Option<Instant>| until.is_some_and(|until| now >= until);
        if is_past(self.detached) {
            return Some(Late::Return);
        }
        if is_past(self.proving) && !seen.answered {
            return Some(Late::Answer);
        }
        if is_past(self.welcoming) {
            self.welcoming = None;
            if !seen.welcomed {
                return Some(Late::Welcome);
            }
        }
        if let Some((until, needed)) = self.progress
            && is_past(Some(until))
        {
            if seen.received < needed {
                return Some(Late::Bytes);
            }
            self.progress = Some((now + PROGRESS_TIME, seen.received + PROGRESS_BYTES_MIN));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seen(answered: bool, welcomed: bool, received: u64) -> Seen {
        Seen { answered, welcomed, received }
    }

    /// The peer has done nothing since the session began.
    const NOTHING: Seen = seen(false, false, 0);

    /// Welcomed, and nothing else is owed.
    const AT_REST: Seen = seen(false, true, 0);

    fn at_rest() -> (Deadlines, Instant) {
        let now = Instant::now();
        let mut deadlines = Deadlines::begin(now);
        assert_eq!(deadlines.first(AT_REST), None);
        (deadlines, now)
    }

    /// Nothing is late a moment before, and this is what is late then.
    fn assert_late(deadlines: &mut Deadlines, at: Instant, seen: Seen, late: Late) {
        assert_eq!(deadlines.first(seen), Some(at));
        assert_eq!(deadlines.late(at - Duration::from_nanos(1), seen), None);
        assert_eq!(deadlines.late(at, seen), Some(late));
    }

    #[test]
    fn a_client_that_was_cut_may_come_back_for_its_time_and_no_longer() {
        let (mut deadlines, now) = at_rest();
        let patience = Duration::from_secs(20);
        deadlines.demand_progress(now, 7);
        deadlines.prove(now + Duration::from_secs(19));
        deadlines.cut(now, patience);
        // A frame that lies in pieces is waited for when its sender is back.
        deadlines.demand_progress(now, 7);
        assert_late(&mut deadlines, now + patience, NOTHING, Late::Return);
        // Once it is back it has to take a welcome, and to prove nothing of before.
        let back = now + patience;
        deadlines.resume(back);
        assert!(!deadlines.is_detached());
        assert_late(&mut deadlines, back + HANDSHAKE_TIME, NOTHING, Late::Welcome);
        // Nothing is owed of the frame that lay in pieces, before it is asked for again.
        assert_eq!((deadlines.first(AT_REST), deadlines.late(back + PROGRESS_TIME, AT_REST)), (None, None));
    }

    #[test]
    fn a_cut_in_the_middle_of_a_welcome_is_one_cut() {
        let now = Instant::now();
        let mut deadlines = Deadlines::begin(now);
        deadlines.cut(now, Duration::from_secs(20));
        assert_late(&mut deadlines, now + Duration::from_secs(20), NOTHING, Late::Return);
    }

    #[test]
    fn a_welcome_that_is_not_taken_is_late_once() {
        let now = Instant::now();
        let mut deadlines = Deadlines::begin(now);
        let end = now + HANDSHAKE_TIME;
        assert_late(&mut deadlines, end, NOTHING, Late::Welcome);
        assert_eq!((deadlines.first(NOTHING), deadlines.late(end, NOTHING)), (None, None));
        // One that was taken at the last moment is not late.
        let mut deadlines = Deadlines::begin(now);
        assert_eq!(deadlines.late(end, AT_REST), None);
    }

    #[test]
    fn a_client_that_is_asked_again_has_no_more_time_for_its_sign_of_life() {
        let (mut deadlines, now) = at_rest();
        deadlines.prove(now);
        deadlines.prove(now + PROOF_OF_LIFE_TIME / 2);
        assert_late(&mut deadlines, now + PROOF_OF_LIFE_TIME, AT_REST, Late::Answer);
        // An answer is good at any time before the look, and the next question has a time of its own.
        let answered = seen(true, true, 0);
        let end = now + PROOF_OF_LIFE_TIME;
        assert_eq!(deadlines.late(end, answered), None);
        assert_eq!(deadlines.first(answered), None);
        deadlines.prove(end);
        assert_late(&mut deadlines, end + PROOF_OF_LIFE_TIME, AT_REST, Late::Answer);
    }

    #[test]
    fn a_frame_may_come_as_slowly_as_the_limit_says_and_no_more_slowly() {
        let (mut deadlines, now) = at_rest();
        deadlines.demand_progress(now, 1_000);
        let first = now + PROGRESS_TIME;
        // Each piece that comes demands again, and that gives no more time.
        deadlines.demand_progress(now + PROGRESS_TIME / 2, 2_000);
        assert_eq!(deadlines.first(AT_REST), Some(first));
        let enough = seen(false, true, 1_000 + PROGRESS_BYTES_MIN);
        assert_eq!(deadlines.late(first, enough), None);
        let too_few = seen(false, true, 1_000 + 2 * PROGRESS_BYTES_MIN - 1);
        assert_late(&mut deadlines, first + PROGRESS_TIME, too_few, Late::Bytes);
        // Whatever comes after a whole frame has a time of its own.
        deadlines.forget_progress();
        assert_eq!((deadlines.first(AT_REST), deadlines.late(first + PROGRESS_TIME, AT_REST)), (None, None));
    }
}
