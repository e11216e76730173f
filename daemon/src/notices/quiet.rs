//! When something is told: the same thing once until it changes; a storm in one message; only what is critical in quiet hours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;

use super::notice::{Notice, Over, Severity};
use crate::hours::Hours;

/// Messages that leave within [`STORM_SECONDS`]; what comes beyond them is summed up.
const STORM_MESSAGES: usize = 5;

/// The length of a storm's window.
const STORM_SECONDS: u64 = 300;

/// Notices that wait; more are only counted.
const HELD_MAX: usize = 50;

/// Things of which is remembered what was told last.
const TOLD_MAX: usize = 1_024;

/// Attempts with the same notices before they are given up: about two days.
const ATTEMPTS_MAX: u32 = 14;

/// The first pause after a failed attempt, which doubles, and the longest.
const PAUSE_SECONDS: (u64, u64) = (60, 6 * 3_600);

/// What was told and what waits: kept in a file, so that a daemon that begins again tells nothing twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    /// By what it is about.
    told: BTreeMap<String, Told>,
    held: Vec<Notice>,
    /// Notices of which only the number is known.
    more: u64,
    /// When messages left.
    left: Vec<u64>,
    /// Failed attempts in a row, and when the next one is.
    attempts: u32,
    next: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    state: String,
    at: u64,
}

/// What leaves in one message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parcel {
    pub(super) notices: Vec<Notice>,
    pub(super) more: u64,
}

/// The rules, over what is remembered. Times are in Unix seconds, and come from the caller.
pub(super) struct Quiet {
    hours: Option<Hours>,
    memory: Memory,
}

impl Quiet {
    pub(super) fn new(hours: Option<Hours>, memory: Memory) -> Self {
        Self { hours, memory }
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Something happened.
    pub(super) fn hear(&mut self, notice: Notice) {
        let about = notice.about();
        let told = about.as_ref().and_then(|about| self.memory.told.get(about));
        if told.is_some_and(|told| told.state == state(&notice)) {
            // What was told last holds again: whatever waits about it is out of date.
            self.memory.held.retain(|held| held.about() != about);
            return;
        }
        let same = |held: &&mut Notice| about.is_some() && held.about() == about;
        if let Some(held) = self.memory.held.iter_mut().find(same) {
            *held = notice;
        } else if self.memory.held.len() < HELD_MAX {
            self.memory.held.push(notice);
        } else {
            self.lost(1);
        }
    }

    /// Something is over.
    pub(super) fn over(&mut self, over: &Over) {
        let about = over.about();
        self.memory.told.remove(&about);
        self.memory.held.retain(|held| held.about().as_ref() != Some(&about));
    }

    /// So many notices came when there was no room for them.
    pub(super) fn lost(&mut self, count: u64) {
        self.memory.more = self.memory.more.saturating_add(count);
    }

    /// What is to leave now, if anything is.
    pub(super) fn due(&mut self, now: u64) -> Option<Parcel> {
        self.forget_what_a_clock_left(now);
        if now < self.memory.next {
            return None;
        }
        let awake = self.left_of_hours(now).is_none();
        let ready = |notice: &&Notice| awake || notice.severity() == Severity::Critical;
        let mut ready: Vec<Notice> = self.memory.held.iter().filter(ready).cloned().collect();
        let more = if awake { self.memory.more } else { 0 };
        let room = STORM_MESSAGES.saturating_sub(self.memory.left.len());
        if room == 0 || (ready.is_empty() && more == 0) {
            return None;
        }
        // The last message of a window is for all that is left.
        let alone = more == 0 && ready.len() <= room;
        if alone {
            ready.truncate(1);
        }
        Some(Parcel { notices: ready, more })
    }

    /// It has left.
    pub(super) fn delivered(&mut self, now: u64, parcel: &Parcel) {
        for notice in &parcel.notices {
            self.memory.held.retain(|held| held != notice);
            if let Some(about) = notice.about() {
                self.memory.told.insert(about, Told { state: state(notice), at: now });
            }
        }
        while self.memory.told.len() > TOLD_MAX {
            let oldest = self.memory.told.iter().min_by_key(|(_, told)| told.at).map(|(about, _)| about.clone());
            oldest.map(|about| self.memory.told.remove(&about));
        }
        self.memory.more = self.memory.more.saturating_sub(parcel.more);
        self.memory.left.push(now);
        (self.memory.attempts, self.memory.next) = (0, 0);
    }

    /// It has not left. How many notices are given up with it, after the last attempt.
    pub(super) fn failed(&mut self, now: u64) -> u64 {
        self.memory.attempts += 1;
        if self.memory.attempts < ATTEMPTS_MAX {
            let (first, longest) = PAUSE_SECONDS;
            self.memory.next = now.saturating_add((first << self.memory.attempts.min(20)).min(longest));
            return 0;
        }
        let held = u64::try_from(self.memory.held.len()).unwrap_or(u64::MAX);
        let given_up = held.saturating_add(self.memory.more);
        self.memory.held.clear();
        (self.memory.more, self.memory.attempts, self.memory.next) = (0, 0, 0);
        given_up
    }

    /// Seconds until something may be due, if anything waits.
    pub(super) fn pause(&self, now: u64) -> Option<u64> {
        let Memory { held, more, left, next, .. } = &self.memory;
        if held.is_empty() && *more == 0 {
            return None;
        }
        let asleep = self.left_of_hours(now).filter(|_| held.iter().all(|held| held.severity() < Severity::Critical));
        let storm = left
            .first()
            .filter(|_| left.len() >= STORM_MESSAGES)
            .map(|first| (first + STORM_SECONDS).saturating_sub(now));
        let pause = [asleep, storm, Some(next.saturating_sub(now))].into_iter().flatten().max();
        Some(pause.unwrap_or(0).max(1))
    }

    fn left_of_hours(&self, now: u64) -> Option<u64> {
        self.hours.and_then(|hours| hours.left(now))
    }

    /// A clock that was set back makes nobody wait for the time that it told before.
    fn forget_what_a_clock_left(&mut self, now: u64) {
        let Memory { left, next, .. } = &mut self.memory;
        left.retain(|at| *at <= now && now < at + STORM_SECONDS);
        *next = (*next).min(now.saturating_add(PAUSE_SECONDS.1));
    }
}

fn state(notice: &Notice) -> String {
    Digest::of(notice.state().as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::notice::RunName;
    use super::*;

    fn quiet() -> Quiet {
        Quiet::new(None, Memory::default())
    }

    fn failed_run(number: u32) -> Notice {
        Notice::RunFailed { run: RunName { plan: Some("1f".into()), number: Some(number) } }
    }

    fn finished_run(number: u32) -> Notice {
        Notice::RunFinished { run: RunName { plan: Some("1f".into()), number: Some(number) }, epsilon: Some(0.5) }
    }

    /// What leaves at this time, all of it.
    fn leaves(quiet: &mut Quiet, now: u64) -> Vec<Parcel> {
        let mut parcels = Vec::new();
        while let Some(parcel) = quiet.due(now) {
            quiet.delivered(now, &parcel);
            parcels.push(parcel);
        }
        parcels
    }

    fn one(notice: Notice) -> Parcel {
        Parcel { notices: vec![notice], more: 0 }
    }

    #[test]
    fn the_same_is_told_once_until_it_changes() {
        let mut quiet = quiet();
        let held = |here: u32| Notice::PlanHeldBack { plan: "1f".into(), reason: format!("{here} of 8 are here") };
        quiet.hear(held(5));
        assert_eq!(leaves(&mut quiet, 1_000), [one(held(5))]);
        for now in [2_000, 3_000] {
            quiet.hear(held(6));
            assert_eq!(leaves(&mut quiet, now), [], "how many are here is no change");
        }
        let other = Notice::PlanHeldBack { plan: "1f".into(), reason: "the plan is paused".into() };
        quiet.hear(other.clone());
        assert_eq!(leaves(&mut quiet, 4_000), [one(other)]);
        quiet.over(&Over::HeldBack { plan: "1f".into() });
        quiet.hear(held(5));
        assert_eq!(leaves(&mut quiet, 5_000), [one(held(5))], "it was over, and came again");
        // Of what has no name nobody can say that it is the same.
        for now in [6_000, 7_000] {
            quiet.hear(Notice::RunFailed { run: RunName::default() });
            assert_eq!(leaves(&mut quiet, now).len(), 1);
        }
        // What changed back before it could be told is not told.
        quiet.memory.next = 9_000;
        quiet.hear(Notice::PlanHeldBack { plan: "1f".into(), reason: "another".into() });
        quiet.hear(held(4));
        assert_eq!(leaves(&mut quiet, 9_000), []);
    }

    /// Nobody tells of files that were put in place by hand, which is what the notices themselves ask for.
    #[test]
    fn the_end_of_the_next_certificate_or_list_is_told_as_well() {
        let mut quiet = quiet();
        let ends =
            |not_after| [Notice::CertificateExpires { not_after, urgent: false }, Notice::ListsExpire { not_after }];
        for not_after in [100_000, 200_000] {
            for now in [1_000, 2_000] {
                ends(not_after).into_iter().for_each(|notice| quiet.hear(notice));
                let told = leaves(&mut quiet, not_after - 50_000 + now).len();
                assert_eq!(told, if now == 1_000 { 2 } else { 0 }, "{not_after}");
            }
        }
    }

    #[test]
    fn a_storm_is_summed_up() {
        let mut quiet = quiet();
        for number in 0..200 {
            quiet.hear(failed_run(number));
        }
        let parcels = leaves(&mut quiet, 1_000);
        assert_eq!(parcels.len(), 1, "one message for all");
        assert_eq!((parcels[0].notices.len(), parcels[0].more), (HELD_MAX, 150));
        // One after the other: as many as fit, and the rest in the last one of the next window.
        let mut messages = 0;
        for number in 300..400 {
            quiet.hear(failed_run(number));
            messages += leaves(&mut quiet, 1_001).len();
        }
        assert_eq!(messages, STORM_MESSAGES - 1);
        let pause = quiet.pause(1_001).unwrap();
        assert_eq!(pause, 299);
        let parcels = leaves(&mut quiet, 1_001 + pause);
        assert_eq!(parcels.iter().map(|parcel| parcel.notices.len()).sum::<usize>(), HELD_MAX);
        assert!(parcels.len() <= 2, "{parcels:?}");
        assert_eq!(quiet.pause(5_000), None);
    }

    #[test]
    fn a_few_things_leave_one_by_one() {
        let mut quiet = quiet();
        (0..3).for_each(|number| quiet.hear(failed_run(number)));
        assert_eq!(leaves(&mut quiet, 1_000), [0, 1, 2].map(|number| one(failed_run(number))));
    }

    #[test]
    fn quiet_hours_let_through_what_is_critical() {
        let hours = Hours { from: 0, until: 60, offset: 0 };
        let mut quiet = Quiet::new(Some(hours), Memory::default());
        quiet.hear(finished_run(1));
        quiet.hear(finished_run(2));
        assert_eq!(leaves(&mut quiet, 600), []);
        assert_eq!(quiet.pause(600), Some(3_000));
        quiet.hear(failed_run(3));
        assert_eq!(leaves(&mut quiet, 1_200), [one(failed_run(3))]);
        assert_eq!(leaves(&mut quiet, 3_600), [one(finished_run(1)), one(finished_run(2))]);
    }

    #[test]
    fn what_does_not_leave_is_tried_again_and_given_up_in_the_end() {
        let mut quiet = quiet();
        quiet.hear(failed_run(1));
        let (mut now, mut attempts) = (1_000, 0);
        let given_up = loop {
            assert!(quiet.due(now).is_some());
            attempts += 1;
            let given_up = quiet.failed(now);
            if given_up > 0 {
                break given_up;
            }
            assert_eq!(quiet.due(now + 1), None, "not at once");
            now += quiet.pause(now).unwrap();
        };
        assert_eq!((given_up, attempts), (1, ATTEMPTS_MAX));
        assert!((86_400..4 * 86_400).contains(&now), "{now}");
        assert_eq!(quiet.pause(now), None);
        // It was not told, so that it is when it comes again.
        quiet.hear(failed_run(1));
        assert_eq!(leaves(&mut quiet, now), [one(failed_run(1))]);
    }

    #[test]
    fn memory_survives_a_restart_and_does_not_grow() {
        let mut quiet = quiet();
        quiet.hear(failed_run(1));
        leaves(&mut quiet, 1_000);
        quiet.hear(failed_run(2));
        let text = serde_json::to_string(quiet.memory()).unwrap();
        let mut again = Quiet::new(None, serde_json::from_str(&text).unwrap());
        again.hear(failed_run(1));
        assert_eq!(leaves(&mut again, 1_001), [one(failed_run(2))]);
        let mut now = 2_000;
        for number in 0..3_000 {
            again.hear(failed_run(number));
            leaves(&mut again, now);
            now += 100;
        }
        assert!(again.memory.told.len() <= TOLD_MAX && again.memory.left.len() <= STORM_MESSAGES + 1);
        // A clock that is set back holds nothing up.
        again.hear(failed_run(9_999));
        again.memory.next = now + 1_000_000;
        again.due(10);
        assert!(again.pause(10).unwrap() <= PAUSE_SECONDS.1);
    }
}
