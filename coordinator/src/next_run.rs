//! Which run of the plan is served: the first one that the journal does not have the end of.

use std::collections::BTreeMap;

use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Run, RunRef};
use tributary_protocol::round::{CoordinatorEvent, Orders, Recorded, ResumeFault, RunRecord};
use tributary_protocol::time::Millis;
use tributary_storage::journal::Ledgers;

use crate::error::CoordinatorError;
use crate::plan::Job;
use crate::store::Store;

/// A job, and when its run may begin.
pub(crate) struct NextRun {
    /// The job of the run.
    pub(crate) job: Job,
    /// By the Unix clock.
    pub(crate) not_before: Millis,
    /// What people had ordered when the last run that was served ended, of whatever plan.
    pub(crate) orders: Orders,
}

/// What the journal knows of a run.
struct Known {
    reference: Option<RunRef>,
    /// Second of the Unix clock.
    began: u64,
    finished: bool,
    released: Option<Digest>,
    orders: Orders,
    /// When its last entry was written.
    last: Millis,
}

impl NextRun {
    /// The first run that is not over, or the last one of the plan where all are.
    ///
    /// # Errors
    /// If the journal contradicts itself, another run is in the middle, or the store no longer has the model that the run before released.
    pub(crate) fn of(job: Job, ledgers: &Ledgers<CoordinatorEvent>, store: &Store) -> Result<Self, CoordinatorError> {
        let known = ledgers.iter().map(|(ledger, events)| Ok((*ledger, Known::of(events)?)));
        let known: BTreeMap<LedgerId, Known> = known.collect::<Result<_, ResumeFault>>()?;
        let of = |number| Run::new(job.plan().clone(), number).and_then(|run| known.get(&run.id().into()));
        let (number, before) = following(job.plan().runs, |number| of(number).filter(|run| run.finished));
        let second = job.plan().schedule.next_after(before.map(|over| over.began));
        let released = before.and_then(|over| over.released);
        let architecture = job.planned.architecture();
        let released = released.map(|released| store.model(architecture, &released)).transpose()?;
        let job = job.later(number, released).expect("a number within the plan's runs");
        // A journal holds many runs, one after the other: another one must be over before this one begins.
        let own = job.run.reference();
        let open = known.values().filter(|run| !run.finished).find_map(|run| run.reference.filter(|run| *run != own));
        if let Some(other) = open {
            return Err(ResumeFault::other_run(other, own).into());
        }
        let last = known.values().filter(|run| run.reference != Some(own)).max_by_key(|run| run.last);
        let orders = last.map(|run| run.orders.clone()).unwrap_or_default();
        Ok(Self { job, not_before: Millis(second.saturating_mul(1000)), orders })
    }
}

impl Known {
    fn of(events: &[Recorded<CoordinatorEvent>]) -> Result<Self, ResumeFault> {
        let record = RunRecord::replay(events.iter().map(|recorded| &recorded.event))?;
        let (reference, released, finished) = (record.reference(), record.released(), record.finished.is_some());
        let last = events.last().map_or(Millis(0), |event| event.at);
        Ok(Self { reference, began: began(events), finished, released, orders: record.orders, last })
    }
}

/// A run begins with its first session: until then nobody was asked for anything.
fn began(events: &[Recorded<CoordinatorEvent>]) -> u64 {
    let keyed =
        |recorded: &&Recorded<CoordinatorEvent>| matches!(recorded.event, CoordinatorEvent::SessionKeyed { .. });
    events.iter().find(keyed).or(events.first()).map_or(0, |recorded| recorded.at.0 / 1000)
}

/// The first of so many runs that is not over, or the last one, and what is known of the one before it.
fn following<R>(runs: u32, over: impl Fn(u32) -> Option<R>) -> (u32, Option<R>) {
    let (mut number, mut before) = (1, None);
    while number < runs {
        let Some(one) = over(number) else { break };
        (number, before) = (number + 1, Some(one));
    }
    (number, before)
}

#[cfg(test)]
mod tests {
    use tributary_planning::settings::PlanSettings;
    use tributary_protocol::ids::SessionId;
    use tributary_protocol::plan::{ModelRef, Rhythm};
    use tributary_protocol::secagg::parameters::{CohortRule, Thresholds};

    use super::*;
    use crate::plan::tests::{job, settings};

    const DAY: u64 = 86_400;

    fn settings_thresholds() -> Thresholds {
        CohortRule::USUAL.smallest_cohort(10).unwrap().1
    }

    #[test]
    fn the_next_run_is_the_first_that_is_not_over() {
        let next = |runs, over: &[u32]| following(runs, |number| over.contains(&number).then_some(number));
        assert_eq!(next(1, &[]), (1, None));
        assert_eq!(next(1, &[1]), (1, None), "nothing follows the last one");
        assert_eq!(next(3, &[1]), (2, Some(1)));
        assert_eq!(next(3, &[1, 2]), (3, Some(2)));
        assert_eq!(next(3, &[1, 2, 3]), (3, Some(2)));
    }

    #[test]
    fn a_run_begins_with_its_first_session_and_waits_for_the_schedule() {
        let mut settings = PlanSettings { initial_model: ModelRef::PreviousRun, ..settings() };
        settings.schedule.runs_max = 2;
        settings.schedule.schedule.rhythm = Rhythm::Interval { seconds: 30 * DAY };
        settings.schedule.schedule.not_before = 5;
        let job = || job(&settings);
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        let first = NextRun::of(job(), &Ledgers::new(), &store).unwrap();
        assert_eq!((first.job.run.reference().number, first.not_before), (1, Millis(5000)));
        let opened = CoordinatorEvent::RunOpened {
            plan: Box::new(job().plan().plan().clone()),
            approvals: Box::new(job().approvals),
            number: 1,
            model: job().initial.digest(),
        };
        let mut events = vec![Recorded { at: Millis(7000), event: opened }];
        assert_eq!(began(&events), 7);
        // It is not over, and goes on.
        let ledgers = Ledgers::from([(first.job.run.id().into(), events.clone())]);
        let again = NextRun::of(job(), &ledgers, &store).unwrap();
        assert_eq!((again.job.run.reference().number, again.not_before), (1, Millis(5000)));
        let session = SessionId([1; 32]);
        let keyed = CoordinatorEvent::SessionKeyed {
            session,
            view: Digest::ZERO,
            cohort: Vec::new(),
            organisations: Vec::new(),
            thresholds: settings_thresholds(),
        };
        events.push(Recorded { at: Millis(8000), event: keyed });
        assert_eq!(began(&events), 8);
        assert_eq!(began(&[]), 0);
    }
}
