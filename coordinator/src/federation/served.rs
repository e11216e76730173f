//! Which run of a plan is next, by what the journal knows of those before it.

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{ModelRef, RunRef};
use tributary_protocol::round::{CoordinatorEvent, Orders, Recorded, ResumeFault, RunRecord};
use tributary_protocol::time::Millis;

use super::ended::{Ended, Over};
use crate::error::CoordinatorError;
use crate::registry::Registry;
use crate::run::job::Job;
use crate::store::Store;

/// A plan that is served, and how far it is.
pub(crate) struct Served {
    /// Its first run.
    job: Job,
    /// The last run that is over.
    before: Option<Over>,
    /// Why none of its runs is opened, where something is wrong with it.
    pub(crate) fault: Option<String>,
}

/// What a run's ledger says to the federation.
pub(crate) enum Known {
    /// The run is not over; nothing where it never opened.
    Open(Option<RunRef>),
    /// It is over, with these orders.
    Over {
        ended: Box<Ended>,
        orders: Orders,
        /// When its last entry was written.
        last: Millis,
    },
}

impl Known {
    /// # Errors
    /// If the ledger contradicts itself.
    pub(crate) fn of(events: &[Recorded<CoordinatorEvent>]) -> Result<Self, ResumeFault> {
        let record = RunRecord::replay(events.iter().map(|recorded| &recorded.event))?;
        let reference = record.reference();
        let Some(over) = reference.filter(|_| record.finished.is_some()) else { return Ok(Self::Open(reference)) };
        let last = events.last().map_or(Millis(0), |event| event.at);
        let ended = Ended::of(over, (&record, events), began(events).unwrap_or(last.0 / 1000));
        Ok(Self::Over { ended: Box::new(ended), orders: record.orders, last })
    }
}

impl Served {
    /// A plan, and the last of its runs that is over: the runs of a plan follow each other.
    pub(crate) fn new(job: Job, before: Option<Over>) -> Self {
        Self { job, before, fault: None }
    }

    /// A plan of which this run is over, and has released a model.
    #[cfg(test)]
    pub(crate) fn after_a_run(job: Job, number: u32, released: Digest) -> Self {
        Self::new(job, Some(Over { number, began: 0, released: Some(released), aborted: false }))
    }

    /// The plan's first run, by which people know it.
    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// Others have signed the plan.
    pub(crate) fn show(&mut self, job: Job) {
        self.job = job;
    }

    /// A run of it is over.
    pub(crate) fn ended(&mut self, over: Over) {
        self.before = Some(over);
    }

    /// The number of the run that is next, and the second of the Unix clock before which it does not begin; nothing where all are over, or
    /// somebody has ended the plan.
    pub(crate) fn next(&self) -> Option<(u32, u64)> {
        let number = self.before.map_or(1, |over| over.number.saturating_add(1));
        let begins = self.job.plan().schedule.next_after(self.before.map(|over| over.began));
        let ended = self.before.is_some_and(|over| over.aborted);
        (!ended && number <= self.job.plan().runs).then_some((number, begins))
    }

    /// The run that is next, with the model from which it begins: the one that its ledger names where it has begun, and else what its plan refers to.
    ///
    /// # Errors
    /// If the store no longer has that model, or the registry has none that the plan may begin from.
    pub(crate) fn open(
        &self,
        number: u32,
        store: &Store,
        (registry, begun): (&Registry, Option<Digest>),
    ) -> Result<Job, CoordinatorError> {
        let (plan, architecture) = (self.job.plan(), self.job.planned.architecture());
        let of_registry = matches!(plan.initial_model, ModelRef::Champion | ModelRef::Digest(_));
        let initial = match (of_registry, begun) {
            (true, Some(begun)) => Some(store.model(architecture, &begun)?),
            (true, None) => registry.initial(plan, &self.job.planned)?,
            (false, _) => {
                let released = self.before.and_then(|over| over.released);
                // A run that has begun goes on with what its ledger names.
                if begun.is_none() {
                    registry.start(plan, released.as_ref())?;
                }
                released.map(|released| store.model(architecture, &released)).transpose()?
            }
        };
        Ok(self.job.later(number, initial).expect("a number within the plan's runs"))
    }
}

/// The public state from which a run has begun.
pub(crate) fn began_from(events: &[Recorded<CoordinatorEvent>]) -> Option<Digest> {
    events.iter().find_map(|recorded| match &recorded.event {
        CoordinatorEvent::RunOpened { model, .. } => Some(*model),
        _ => None,
    })
}

/// A run begins with its first session: until then nobody was asked for anything.
fn began(events: &[Recorded<CoordinatorEvent>]) -> Option<u64> {
    let first = events.iter().find(|entry| matches!(entry.event, CoordinatorEvent::SessionOpened { .. }));
    first.map(|entry| entry.at.0 / 1000)
}

#[cfg(test)]
mod tests {
    use tributary_protocol::ids::SessionId;

    use super::*;
    use crate::run::job::tests::{job, settings};

    /// The first session counts, in whole seconds, and where a run began is what its opening says.
    #[test]
    fn a_run_begins_with_its_first_session_and_from_the_model_of_its_opening() {
        let job = job(&settings());
        let (plan, approvals) = (Box::new(job.plan().plan().clone()), Box::new(job.approvals.clone()));
        let model = Digest([4; 32]);
        let opened = CoordinatorEvent::RunOpened { plan, number: 1, model, approvals, begun: Millis(1_000) };
        let session =
            |number| CoordinatorEvent::SessionOpened { session: SessionId([number; 32]), candidates: Vec::new() };
        let events = [(1_000, opened), (7_999, session(1)), (9_000, session(2))];
        let events = events.map(|(at, event)| Recorded { at: Millis(at), event });
        let found: Vec<_> = (0..=3).map(|count| (began(&events[..count]), began_from(&events[..count]))).collect();
        assert_eq!(found, [(None, None), (None, Some(model)), (Some(7), Some(model)), (Some(7), Some(model))]);
    }

    #[test]
    fn no_run_follows_the_last_one_or_one_with_which_the_plan_was_ended() {
        let mut settings = settings();
        settings.schedule.runs_max = 3;
        let over = |number, aborted| Some(Over { number, began: 0, released: None, aborted });
        let next = |before| Served::new(job(&settings), before).next().map(|(number, _)| number);
        assert_eq!((next(None), next(over(1, false)), next(over(3, false))), (Some(1), Some(2), None));
        assert_eq!(next(over(1, true)), None);
    }
}
