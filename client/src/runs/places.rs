//! Which runs a branch has heard of beside those that are open: invited and without a place, put off, or over. Everything is bounded, because
//! the coordinator names them.

use std::collections::{BTreeMap, VecDeque};

use tributary_protocol::ids::RunId;
use tributary_protocol::time::Millis;

use crate::telemetry::RunName;

/// Runs that are over, of which so many are remembered.
const OVER_KEPT: usize = 256;

/// Runs that wait for a place, at most.
const INVITED_MAX: usize = 64;

/// Runs that are put off, at most. With so many no other one is begun: whoever invites to ever new runs fills no budget file with refusals.
const PUT_OFF_MAX: usize = 64;

/// A run that is asked about again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PutOff {
    pub(super) name: RunName,
    /// Why.
    pub(super) reason: String,
    /// This branch has refused it: no invitation changes that.
    pub(super) refused: bool,
    /// When it is asked about again.
    pub(super) again: Millis,
}

/// All of them.
#[derive(Default)]
pub(super) struct Places {
    over: VecDeque<RunId>,
    put_off: BTreeMap<RunId, PutOff>,
    invited: VecDeque<RunId>,
}

/// What becomes of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Invitation {
    /// It is taken up as soon as there is a place.
    Noted,
    /// The run is over, put off or noted already.
    Known,
    /// There is no more room for one.
    Full,
}

impl Places {
    /// The coordinator invites to a run.
    pub(super) fn invite(&mut self, run: RunId) -> Invitation {
        let unheard = self.put_off.get(&run).is_some_and(|put_off| !put_off.refused);
        if !unheard && self.knows(run) {
            return Invitation::Known;
        }
        let put_off = self.put_off.len() - usize::from(unheard);
        if self.invited.len() >= INVITED_MAX || put_off >= PUT_OFF_MAX {
            return Invitation::Full;
        }
        self.put_off.remove(&run);
        self.invited.push_back(run);
        Invitation::Noted
    }

    /// A run is to be asked about as soon as there is a place, whoever invites.
    pub(super) fn want(&mut self, run: RunId) {
        if !self.knows(run) {
            self.invited.push_back(run);
        }
    }

    /// Whether a run is over, put off, or waits for a place.
    pub(super) fn knows(&self, run: RunId) -> bool {
        self.over.contains(&run) || self.put_off.contains_key(&run) || self.invited.contains(&run)
    }

    /// The first run that waits for a place.
    pub(super) fn take(&mut self) -> Option<RunId> {
        self.invited.pop_front()
    }

    /// A run is over: no invitation to it counts any more.
    pub(super) fn end(&mut self, run: RunId) {
        if self.over.len() == OVER_KEPT {
            self.over.pop_front();
        }
        self.over.push_back(run);
    }

    /// A run is asked about again later.
    pub(super) fn put_off(&mut self, run: RunId, why: PutOff) {
        if self.put_off.len() >= PUT_OFF_MAX {
            let first = self.put_off.iter().min_by_key(|(_, put_off)| put_off.again).map(|(run, _)| *run);
            first.map(|first| self.put_off.remove(&first));
        }
        self.put_off.insert(run, why);
    }

    /// When the first of those that are put off is due.
    pub(super) fn next(&self) -> Option<Millis> {
        self.put_off.values().map(|put_off| put_off.again).min()
    }

    /// Whoever is due waits for a place.
    pub(super) fn note_due(&mut self, now: Millis) {
        let due: Vec<RunId> =
            self.put_off.iter().filter(|(_, put_off)| put_off.again <= now).map(|(run, _)| *run).collect();
        for run in due {
            self.put_off.remove(&run);
            self.want(run);
        }
    }

    /// Everybody is due: what they were refused for may be there now.
    pub(super) fn make_due(&mut self) {
        self.put_off.values_mut().for_each(|put_off| put_off.again = Millis(0));
    }

    /// One that is put off is due.
    pub(super) fn make_one_due(&mut self, run: RunId) {
        if let Some(put_off) = self.put_off.get_mut(&run) {
            put_off.again = Millis(0);
        }
    }

    /// Those that are put off.
    pub(super) fn all_put_off(&self) -> impl Iterator<Item = &PutOff> {
        self.put_off.values()
    }

    /// Those that wait for a place.
    pub(super) fn all_invited(&self) -> impl Iterator<Item = RunId> {
        self.invited.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: u16) -> RunId {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        RunId(bytes)
    }

    fn until(again: u64) -> PutOff {
        PutOff { name: RunName::default(), reason: "refused".into(), refused: true, again: Millis(again) }
    }

    #[test]
    fn a_run_is_invited_once_and_not_after_its_end() {
        let mut places = Places::default();
        assert_eq!(places.invite(run(1)), Invitation::Noted);
        assert_eq!(places.invite(run(1)), Invitation::Known);
        assert_eq!((places.take(), places.take()), (Some(run(1)), None));
        places.end(run(1));
        assert_eq!(places.invite(run(1)), Invitation::Known);
        (2..258).for_each(|other| places.end(run(other)));
        assert_eq!(places.invite(run(1)), Invitation::Noted, "no more than the last ones are remembered");
    }

    #[test]
    fn who_was_put_off_is_due_at_its_time_or_when_something_has_changed() {
        let mut places = Places::default();
        places.put_off(run(1), until(10));
        places.put_off(run(2), until(20));
        assert_eq!((places.invite(run(1)), places.next()), (Invitation::Known, Some(Millis(10))));
        places.note_due(Millis(10));
        assert_eq!((places.take(), places.take()), (Some(run(1)), None));
        let unheard = PutOff { refused: false, ..until(30) };
        places.put_off(run(3), unheard);
        assert_eq!((places.invite(run(3)), places.take()), (Invitation::Noted, Some(run(3))), "it is heard of now");
        places.make_due();
        places.note_due(Millis(11));
        assert_eq!((places.take(), places.next()), (Some(run(2)), None));
    }

    /// Nobody makes this branch remember ever more runs.
    #[test]
    fn invitations_are_bounded() {
        let mut places = Places::default();
        let noted = (0..1_000).filter(|number| places.invite(run(*number)) == Invitation::Noted);
        assert_eq!(noted.count(), INVITED_MAX);
        let mut places = Places::default();
        (0..100).for_each(|number| places.put_off(run(number), until(number.into())));
        assert_eq!(places.all_put_off().count(), PUT_OFF_MAX);
        assert_eq!((places.next(), places.invite(run(500))), (Some(Millis(36)), Invitation::Full));
        // One that was not heard of is not forgotten because there is no room to take it up now.
        let mut places = Places::default();
        places.put_off(run(500), PutOff { refused: false, ..until(7) });
        let noted = (0..100).filter(|number| places.invite(run(*number)) == Invitation::Noted);
        assert_eq!(noted.count(), INVITED_MAX);
        assert_eq!((places.invite(run(500)), places.next()), (Invitation::Full, Some(Millis(7))));
    }
}
