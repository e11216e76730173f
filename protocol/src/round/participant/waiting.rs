//! What a participant waits for, and until when.

use alloc::string::ToString;

use super::keying::Keying;
use super::{Participant, Phase};
use crate::round::coordinator::Wait;
use crate::secagg::suite::Suite;
use crate::time::Millis;

impl<S: Suite> Participant<S> {
    /// What the machine waits for now: of a round and a set-up beside it, the one whose deadline comes first. Its deadline is sooner where an
    /// entry of the roster ends before.
    #[must_use]
    pub fn wait(&self) -> Wait {
        let wait = self.wait_of_rounds();
        match self.keys_end() {
            Some(end) if wait.deadline.is_none_or(|deadline| end < deadline) => {
                Wait { deadline: Some(end), next: "erase the session's keys: an entry of its cohort has ended", ..wait }
            }
            _ => wait,
        }
    }

    fn wait_of_rounds(&self) -> Wait {
        let plain = |reason: &str| Wait { reason: reason.to_string(), deadline: None, next: "none" };
        let keying = self.keying.as_ref().map(|keying| Wait {
            reason: keying.describe(),
            deadline: Some(keying.deadline()),
            next: "give up the key set-up and erase its keys",
        });
        let round = self.open().map(|open| Wait {
            reason: open.describe(),
            deadline: Some(open.next(self.timing)),
            next: if open.next(self.timing) < open.deadline { "upload" } else { "forget the round and erase its keys" },
        });
        match (&self.phase, keying, round) {
            (_, Some(keying), Some(round)) => {
                if keying.deadline < round.deadline {
                    keying
                } else {
                    round
                }
            }
            (_, Some(wait), None) | (_, None, Some(wait)) => wait,
            (Phase::Offline, ..) => plain("a connection to the coordinator, or its invitation"),
            (Phase::Joining, ..) => plain("the coordinator's welcome"),
            (Phase::Judging, ..) => plain("this branch's verdict on the plan"),
            (Phase::Ready(_), ..) if self.sessions.is_empty() => plain("the next key set-up"),
            (Phase::Ready(_), ..) => plain("the next round"),
            (Phase::Over, ..) => plain("nothing: the plan is over"),
        }
    }

    /// When the machine must be asked again, if ever: the deadline of [`Participant::wait`], without its words. For shells, which ask after
    /// every input.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let keying = self.keying.as_ref().map(Keying::deadline);
        keying.into_iter().chain(self.open().map(|open| open.next(self.timing))).chain(self.keys_end()).min()
    }

    /// The first moment at which keys are to be erased because an entry of their cohort has ended, if that ever comes.
    fn keys_end(&self) -> Option<Millis> {
        let keyed = self.sessions.iter().filter(|session| session.holds_keys());
        keyed.map(|session| session.ends.plus(1)).filter(|end| *end != Millis(u64::MAX)).min()
    }
}
