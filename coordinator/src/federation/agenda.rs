//! Which plans are served, how far each is, and which of their runs is due.

use std::collections::{BTreeMap, BTreeSet};

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RunId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::RunRef;
use tributary_protocol::time::Millis;

use super::ended::{Ended, Over};
use super::served::Served;
use crate::control::WaitingStatus;
use crate::run::job::Job;
use crate::settings::Windows;
use crate::store::KeptRun;

/// The plans, and what the journal says of their runs.
pub(crate) struct Agenda {
    plans: BTreeMap<Digest, Served>,
    /// When runs may begin.
    windows: Windows,
    /// The last run that is over, of every plan that the journal names: one that comes, or comes back, goes on after it.
    before: BTreeMap<Digest, Over>,
    /// Runs that the journal may name and that are not over: they are opened from what it says of them.
    begun: BTreeMap<LedgerId, Option<RunRef>>,
    /// Until when what is kept of a run stays, of those that are over.
    kept: BTreeMap<RunId, Millis>,
}

impl Agenda {
    /// After what the journal's ledgers say, at the start of a process: what was kept too long is forgotten by then.
    pub(crate) fn of<'e>(
        ended: impl IntoIterator<Item = &'e Ended>,
        begun: BTreeMap<LedgerId, Option<RunRef>>,
        windows: Windows,
        now: Millis,
    ) -> Self {
        let (mut before, mut kept): (BTreeMap<Digest, Over>, BTreeMap<RunId, Millis>) = Default::default();
        for run in ended {
            let until = run.kept.as_ref().and_then(KeptRun::until);
            kept.extend(until.filter(|until| *until > now).map(|until| (run.reference.id(), until)));
            let (over, last) = (run.over(), before.entry(run.reference.plan).or_insert_with(|| run.over()));
            if last.number < over.number {
                *last = over;
            }
        }
        Self { plans: BTreeMap::new(), windows, before, begun, kept }
    }

    /// Serves a plan from now on.
    pub(crate) fn serve(&mut self, job: Job) {
        let plan = job.plan().digest();
        self.plans.insert(plan, Served::new(job, self.before.get(&plan).copied()));
    }

    pub(crate) fn plan(&self, plan: &Digest) -> Option<&Served> {
        self.plans.get(plan)
    }

    /// Plans that are served, but for these.
    pub(crate) fn others<'a>(&'a self, open: &'a BTreeSet<Digest>) -> impl Iterator<Item = (&'a Digest, &'a Served)> {
        self.plans.iter().filter(|(plan, _)| !open.contains(plan))
    }

    pub(crate) fn plan_mut(&mut self, plan: &Digest) -> Option<&mut Served> {
        self.plans.get_mut(plan)
    }

    /// Ledgers of runs whose plan is not here any more are named: they stay as they are.
    pub(crate) fn name_the_lost(&self) {
        for run in self.begun.values().flatten().filter(|run| !self.plans.contains_key(&run.plan)) {
            tracing::error!(
                plan = %run.plan, run = run.number,
                "the journal is in the middle of a run whose plan is not in the folder of plans: activate the plan again, and the run goes on"
            );
        }
    }

    /// The last runs of the plans that are served, where they are over and were not aborted.
    pub(crate) fn last_runs(&self) -> Vec<RunRef> {
        let served = self.before.iter().filter(|(plan, over)| self.plans.contains_key(plan) && !over.aborted);
        served.map(|(plan, over)| RunRef { plan: *plan, number: over.number }).collect()
    }

    /// The journal may name this run from now on, whatever happens to this process.
    pub(crate) fn begins(&mut self, run: RunRef) {
        self.begun.insert(run.id().into(), Some(run));
    }

    /// Whether the journal may name a run that is not over.
    pub(crate) fn has_begun(&self, run: RunRef) -> bool {
        self.begun.contains_key(&run.id().into())
    }

    /// A run of a plan is over, and what is kept of it stays until then.
    pub(crate) fn ended(&mut self, plan: Digest, over: Over, kept_until: Option<Millis>) {
        let run = RunRef { plan, number: over.number };
        self.before.insert(plan, over);
        self.begun.remove(&run.id().into());
        self.kept.extend(kept_until.map(|until| (run.id(), until)));
        if let Some(served) = self.plans.get_mut(&plan) {
            served.ended(over);
        }
    }

    /// Runs that are over, and of which nothing is kept any more from now on.
    pub(crate) fn outlived(&mut self, now: Millis) -> Vec<RunId> {
        self.kept.extract_if(.., |_, until| *until <= now).map(|(run, _)| run).collect()
    }

    /// Runs that are due and whose plan has none open, in the order in which they are due.
    pub(crate) fn due(&self, open: &BTreeSet<Digest>, now: u64) -> Vec<RunRef> {
        let mut due: Vec<(u64, Digest, u32)> = Vec::new();
        for (plan, served) in self.plans.iter().filter(|(plan, _)| !open.contains(plan)) {
            let Some((number, begins)) = served.next().filter(|_| served.fault.is_none()) else { continue };
            // One that has begun goes on, whatever the hour.
            let begun = self.has_begun(RunRef { plan: *plan, number });
            if begun || begins <= now && self.windows.opens_in(now).is_none() {
                due.push((if begun { 0 } else { begins }, *plan, number));
            }
        }
        due.sort_unstable();
        due.into_iter().map(|(_, plan, number)| RunRef { plan, number }).collect()
    }

    /// The next runs of the plans that have none open, why each waits, and until when; `full` says why where nothing else is in the way.
    pub(crate) fn waiting(&self, open: &BTreeSet<Digest>, now: u64, full: &str) -> Vec<WaitingStatus> {
        let mut all = Vec::new();
        let opens = self.windows.opens_in(now).map(|left| now.saturating_add(left));
        for (_, served) in self.plans.iter().filter(|(plan, _)| !open.contains(plan)) {
            let Some((number, begins)) = served.next() else { continue };
            let reason = match &served.fault {
                Some(fault) => fault.clone(),
                None if begins > now => "the plan's schedule lets this run begin later".into(),
                None if opens.is_some() => {
                    format!("this coordinator lets runs begin within its windows alone: {}", self.windows)
                }
                None => full.into(),
            };
            all.push(WaitingStatus {
                of: served.job().name_of(number),
                reason,
                begins: Some(begins).filter(|begins| *begins > now).max(opens),
            });
        }
        all
    }

    /// Whether every run of every plan is over; not where there is no plan.
    pub(crate) fn is_through(&self) -> bool {
        !self.plans.is_empty() && self.plans.values().all(|served| served.next().is_none())
    }

    /// Why none of the runs that are left will be opened, where something is wrong with all of them.
    pub(crate) fn stuck(&self) -> Option<&str> {
        let mut left = self.plans.values().filter(|served| served.next().is_some());
        let first = left.next()?;
        let all = left.all(|served| served.fault.is_some());
        first.fault.as_deref().filter(|_| all)
    }
}

#[cfg(test)]
mod tests {
    use tributary_daemon::hours::Hours;

    use super::*;
    use crate::run::job::tests::{job, settings};

    fn over(number: u32) -> Over {
        Over { number, began: 0, released: None, aborted: false }
    }

    fn next(agenda: &Agenda) -> Vec<u32> {
        agenda.due(&BTreeSet::new(), u64::MAX).into_iter().map(|run| run.number).collect()
    }

    /// Runs stand in no order.
    #[test]
    fn a_plan_goes_on_after_the_latest_run_that_the_journal_knows() {
        let mut settings = settings();
        settings.schedule.runs_max = 4;
        let plan = job(&settings).plan().digest();
        let ended = |number| Ended {
            reference: RunRef { plan, number },
            entries: 1,
            began: 0,
            outcome: Err(String::new()),
            aborted: false,
            kept: None,
        };
        for numbers in [[1, 3, 2], [3, 1, 2], [2, 1, 3]] {
            let known = numbers.map(ended);
            let mut agenda = Agenda::of(&known, BTreeMap::new(), Windows::default(), Millis(0));
            agenda.serve(job(&settings));
            assert_eq!(next(&agenda), [4], "{numbers:?}");
        }
    }

    /// At a start there may be more of them than a coordinator runs at once.
    #[test]
    fn runs_that_have_begun_go_on_before_new_ones_begin() {
        let mut agenda = Agenda::of([], BTreeMap::new(), Windows::default(), Millis(0));
        let plans = [1, 2, 3].map(|week: u64| {
            let mut settings = settings();
            settings.schedule.schedule.not_before += week * 7 * 86_400;
            let job = job(&settings);
            let run = RunRef { plan: job.plan().digest(), number: 1 };
            agenda.serve(job);
            run
        });
        let [first, second, third] = plans;
        assert_eq!(agenda.due(&BTreeSet::new(), u64::MAX), plans, "who waits longest is first");
        agenda.begins(third);
        assert_eq!(agenda.due(&BTreeSet::new(), u64::MAX), [third, first, second]);
    }

    /// A plan that was away, or that came only after its runs were recorded: none of them is opened again.
    #[test]
    fn a_plan_that_comes_back_goes_on_after_the_last_of_its_runs() {
        let mut settings = settings();
        settings.schedule.runs_max = 3;
        let plan = job(&settings).plan().digest();
        let mut agenda = Agenda::of([], BTreeMap::new(), Windows::default(), Millis(0));
        agenda.ended(plan, over(2), Some(Millis(9)));
        assert_eq!(next(&agenda), [0; 0], "it is not served");
        agenda.serve(job(&settings));
        assert_eq!(next(&agenda), [3]);
        // Beside the windows nothing begins, and people are told when it will; what has begun goes on.
        agenda.windows = Windows(vec![Hours::parse("00:00-01:00", 0).unwrap()]);
        let noon = 30_000 * 86_400 + 12 * 3_600;
        assert_eq!(agenda.due(&BTreeSet::new(), noon), []);
        let [waits] = agenda.waiting(&BTreeSet::new(), noon, "full").try_into().unwrap();
        assert_eq!(waits.begins, Some(noon + 12 * 3_600));
        assert!(waits.reason.contains("00:00-01:00"), "{}", waits.reason);
        let third = RunRef { plan, number: 3 };
        agenda.begins(third);
        assert!(agenda.has_begun(third));
        assert_eq!(agenda.due(&BTreeSet::new(), noon), [third]);
        agenda.ended(plan, over(3), Some(Millis(10)));
        assert!(!agenda.has_begun(third) && agenda.is_through());
        assert_eq!((agenda.outlived(Millis(8)).len(), agenda.outlived(Millis(9)).len()), (0, 1));
        assert_eq!(agenda.outlived(Millis(u64::MAX)), [third.id()], "once each");
    }

    /// A plan whose first run may begin so many weeks after the others'.
    fn weekly(week: u64, runs: u32) -> Job {
        let mut settings = settings();
        settings.schedule.runs_max = runs;
        settings.schedule.schedule.not_before += week * 7 * 86_400;
        job(&settings)
    }

    fn fresh() -> Agenda {
        Agenda::of([], BTreeMap::new(), Windows::default(), Millis(0))
    }

    #[test]
    fn what_is_kept_of_runs_goes_when_its_time_is_over_and_not_before() {
        let ended = |number: u32, until: Option<u64>| Ended {
            reference: RunRef { plan: Digest([1; 32]), number },
            entries: 1,
            began: 0,
            outcome: Err(String::new()),
            aborted: false,
            kept: until.map(KeptRun::until_then),
        };
        let known = [ended(1, Some(7)), ended(2, Some(8)), ended(3, Some(9)), ended(4, None)];
        let ids = [1, 2, 3].map(|number| RunRef { plan: Digest([1; 32]), number }.id());
        let mut agenda = Agenda::of(&known, BTreeMap::new(), Windows::default(), Millis(7));
        assert_eq!(agenda.outlived(Millis(7)), [], "the first one was forgotten at the start");
        assert_eq!(agenda.outlived(Millis(8)), [ids[1]]);
        assert_eq!(agenda.outlived(Millis(9)), [ids[2]]);
        assert_eq!(agenda.outlived(Millis(u64::MAX)), []);
    }

    /// Models that are not released yet are those of the last runs, of plans that are served and were not aborted.
    #[test]
    fn the_last_runs_are_those_of_plans_that_are_here_and_go_on() {
        let mut agenda = fresh();
        let plans = [0, 1, 2].map(|week| {
            let job = weekly(week, 3);
            let plan = job.plan().digest();
            if week < 2 {
                agenda.serve(job);
            }
            agenda.ended(plan, over(1), None);
            agenda.ended(plan, Over { aborted: week == 1, ..over(2) }, None);
            plan
        });
        assert_eq!(agenda.last_runs(), [RunRef { plan: plans[0], number: 2 }]);
        // What is aborted has no next run.
        assert_eq!(next(&agenda), [3]);
        assert!(!agenda.is_through());
        agenda.ended(plans[0], over(3), None);
        assert!(agenda.is_through());
        assert!(!fresh().is_through(), "a plan may come");
    }

    /// Only where something is wrong with every run that is left there is no use in waiting.
    #[test]
    fn a_coordinator_is_stuck_where_nothing_that_is_left_can_be_opened() {
        let mut agenda = fresh();
        assert_eq!(agenda.stuck(), None);
        let plans = [0, 1, 2].map(|week| {
            let job = weekly(week, 1);
            let plan = job.plan().digest();
            agenda.serve(job);
            plan
        });
        let at = |agenda: &Agenda| agenda.due(&BTreeSet::new(), u64::MAX).len();
        agenda.ended(plans[2], over(1), None);
        assert_eq!((at(&agenda), agenda.stuck()), (2, None));
        agenda.plan_mut(&plans[0]).unwrap().fault = Some("no model".into());
        assert_eq!((at(&agenda), agenda.stuck()), (1, None), "one goes on");
        agenda.plan_mut(&plans[1]).unwrap().fault = Some("no model".into());
        assert_eq!((at(&agenda), agenda.stuck()), (0, Some("no model")));
        let others: BTreeSet<Digest> = agenda.others(&BTreeSet::from([plans[0]])).map(|(plan, _)| *plan).collect();
        assert_eq!(others, BTreeSet::from([plans[1], plans[2]]));
    }

    /// A run's own fault comes before its schedule, and that before the windows; where nothing is in the way, there is no room.
    #[test]
    fn each_wait_has_the_first_of_its_reasons_and_its_end() {
        let mut agenda = fresh();
        let job = weekly(0, 1);
        let (plan, begins) = (job.plan().digest(), job.plan().schedule.not_before);
        agenda.serve(job);
        let waits = |agenda: &Agenda, now: u64| {
            let [waits] = agenda.waiting(&BTreeSet::new(), now, "full").try_into().unwrap();
            (waits.reason, waits.begins)
        };
        assert_eq!(waits(&agenda, begins), ("full".into(), None));
        assert!(agenda.waiting(&BTreeSet::from([plan]), begins, "full").is_empty(), "it is open");
        agenda.windows = Windows(vec![Hours::parse("00:00-01:00", 0).unwrap()]);
        // The schedule's seconds begin with a day.
        let midnight = begins.next_multiple_of(86_400);
        assert_eq!(waits(&agenda, midnight + 3_599), ("full".into(), None));
        let (reason, until) = waits(&agenda, midnight + 3_600);
        assert!(reason.contains("windows alone: 00:00-01:00"), "{reason}");
        assert_eq!(until, Some(midnight + 86_400));
        assert_eq!(agenda.due(&BTreeSet::new(), midnight + 3_599).len(), 1);
        assert_eq!(agenda.due(&BTreeSet::from([plan]), midnight + 3_599).len(), 0);
        agenda.plan_mut(&plan).unwrap().fault = Some("no model".into());
        assert_eq!(waits(&agenda, midnight).0, "no model");
        // Before its time.
        let mut agenda = fresh();
        let job = weekly(1, 1);
        let (plan, begins) = (job.plan().digest(), job.plan().schedule.not_before);
        agenda.serve(job);
        let later = "the plan's schedule lets this run begin later".to_owned();
        assert!(begins > 0);
        assert_eq!(waits(&agenda, begins - 1), (later, Some(begins)));
        let due = |now| agenda.due(&BTreeSet::new(), now);
        assert_eq!((due(begins - 1), due(begins)), (vec![], vec![RunRef { plan, number: 1 }]));
    }
}
