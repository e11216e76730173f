//! A budget that lasts: months, reservations, and the ends of runs, whatever order things happen in.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::world::{Packet, World, plan};
use crate::budget::BudgetHead;
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::limits::{CLOCKS_APART_MS_MAX, HOLDING_SECONDS_MAX};
use crate::message::{Downstream, RefusalCode, SignedBody};
use crate::plan::{Allowance, Approvals, Plan, PrivacyMode, RunRef, days_before};
use crate::privacy::{Accounts, Day, RdpVector};
use crate::roster::Roster;
use crate::round::cast::{self, APPROVER, PROPOSER, begun, cap, policy, roster};
use crate::round::{BudgetRecord, ParticipantEvent, Policy, RunEnd, StageTerms};
use crate::secagg::suite::{Signature, Suite};
use crate::secagg::toy::Toy;
use crate::time::Millis;

const MEMBER: ClientId = ClientId(4);
const DAY: u64 = 86_400_000;

fn record(world: &World) -> &BudgetRecord {
    world.branches[&MEMBER].machine.record()
}

fn refusals(world: &World) -> Vec<RefusalCode> {
    world.refusals().into_iter().filter(|(client, _)| *client == MEMBER).map(|(_, code)| code).collect()
}

/// A run that is over has reserved nothing more: what its retries would have cost is free.
#[test]
fn what_a_run_has_not_charged_is_free_at_its_end() {
    let served = plan(|_| {});
    let mut world = World::new(9, served.clone());
    world.connect_all();
    let run = world.coordinator.run().reference();
    while record(&world).accepted.is_empty() {
        assert!(world.step());
    }
    assert_eq!((record(&world).reserved(), record(&world).is_open(&run)), (cap(&served, 8), true));
    world.run();
    assert_eq!(world.finished, Some(true));
    assert_eq!((record(&world).spent.clone(), record(&world).reserved()), (cap(&served, 5), Accounts::zero()));
    assert_eq!(record(&world).accepted[&run].ended, Some(RunEnd::Finished));
    let replayed = BudgetRecord::replay(&world.branches[&MEMBER].events).expect("a file in order");
    assert_eq!(&replayed, record(&world));
    // Whoever shows the run again, the branch has no second part in it.
    world.serve_next(roster(9), served);
    world.connect_all();
    world.run();
    assert_eq!(refusals(&world), [RefusalCode::NotDue]);
}

/// A run that the branch refuses in the middle of it reserves nothing. The same run may be accepted again, as far as the budget pays for it then.
#[test]
fn a_run_that_was_refused_is_free_and_may_be_accepted_again() {
    let served = plan(|_| {});
    let day = |rounds| Policy { rounds_a_day: rounds, ..policy(&served) };
    let mut world = World::with_policy(9, served.clone(), |client| day(if client == MEMBER { 2 } else { 9 }));
    world.connect_all();
    world.run();
    let run = world.coordinator.run().reference();
    let ended = |world: &World| record(world).accepted[&run].ended.clone();
    assert_eq!((ended(&world), record(&world).reserved()), (Some(RunEnd::Refused), Accounts::zero()));
    assert_eq!(record(&world).spent, cap(&served, 2));
    let mut world = World::with_policy(9, served.clone(), |client| day(if client == MEMBER { 2 } else { 9 }));
    world.connect_all();
    while refusals(&world).is_empty() {
        assert!(world.step());
    }
    world.start_again(MEMBER);
    while ended(&world).is_some() {
        assert!(world.step());
    }
    assert_eq!(record(&world).reserved(), cap(&served, 6), "of eight rounds two were charged");
}

/// The life's cap would pay for the second plan, and what another run has reserved of it is not there to be spent.
#[test]
fn another_runs_reservation_is_not_spent() {
    let (first, second) = (plan(|_| {}), plan(|plan| plan.name = "second".into()));
    for (cap_of, expected) in [((16, 1_000), None), ((15, 1_000), Some(RefusalCode::BudgetExceeded))]
        .into_iter()
        .chain([((1_000, 16), None), ((1_000, 15), Some(RefusalCode::BudgetExceeded))])
    {
        let (life, year) = cap_of;
        let own = |_| Policy { cap: cap(&first, life), cap_year: cap(&first, year), ..policy(&second) };
        let mut world = World::with_policy(9, second.clone(), own);
        let file = [begun(MEMBER, false), cast::accepted(&cast::run(first.clone()))].to_vec();
        world.overtake(MEMBER, file[1..].to_vec());
        world.connect_all();
        world.run();
        assert_eq!(refusals(&world).first().copied(), expected, "{life} for life, {year} in a year");
        if expected.is_none() {
            let open = record(&world).accepted.keys().filter(|run| record(&world).is_open(run)).count();
            assert_eq!((open, world.finished), (1, Some(true)), "the first is open, and the second is over");
        }
    }
}

/// A federation of the second year: its people hold their roles then, and have signed then.
fn of_second_year(served: &Plan, own: impl Fn(ClientId) -> Policy) -> World {
    let begins = days_before(1971, 1, 1) * 86_400;
    let mut people = cast::people();
    for holding in people.iter_mut().flat_map(|person| &mut person.holdings) {
        (holding.from, holding.until) = (begins, begins + HOLDING_SECONDS_MAX);
    }
    let entries = cast::roster(9).roster.entries().to_vec();
    let mut settings = cast::settings(9, served.clone());
    let roster = Roster::new(1, Digest::ZERO, entries, Vec::new(), people).expect("a roster");
    settings.roster = cast::signed_by_authority(roster);
    let Approvals { proposal, approval } = &mut settings.approvals;
    for (signed, number) in [(proposal, PROPOSER), (approval, APPROVER)] {
        signed.at = begins;
        signed.signature = Toy::sign(&cast::person_key(number), &signed.to_sign::<Toy>());
    }
    World::with_settings(settings, own)
}

/// A year's spend is free again when both clocks have passed it, and not when the branch's alone has, or the coordinator's.
#[test]
fn a_year_passes_by_two_clocks() {
    let served = plan(|_| {});
    let spent = Millis(days_before(1970, 1, 31) * DAY);
    let first = cast::run(plan(|plan| plan.name = "first".into()));
    let mut file = [cast::accepted(&first)].to_vec();
    file.extend((1..=5).map(|round| ParticipantEvent::BudgetCharged {
        run: first.reference(),
        round: RoundId(round),
        stage: 0,
        at: spent,
        descriptor: Digest::ZERO,
        charge: first.stages[0].charge.clone(),
    }));
    file.push(ParticipantEvent::RunEnded { run: first.reference(), at: spent, how: RunEnd::Finished });
    let before = Millis(days_before(1971, 1, 30) * DAY);
    let after = Millis(days_before(1971, 1, 31) * DAY);
    let apart = CLOCKS_APART_MS_MAX;
    for (branch, coordinator, expected) in [
        (before, before, Some(RefusalCode::BudgetExceeded)),
        (after, before, Some(RefusalCode::BudgetExceeded)),
        (before, after, Some(RefusalCode::BudgetExceeded)),
        (after, after, None),
        (after.plus(apart), after, None),
        (after.plus(apart + 1), after, Some(RefusalCode::ClockDiffers)),
        (after, after.plus(apart + 1), Some(RefusalCode::ClockDiffers)),
    ] {
        let own = |_| Policy { cap: cap(&served, 100), cap_year: cap(&served, 8), ..policy(&served) };
        let mut world = of_second_year(&served, own);
        world.overtake(MEMBER, file.clone());
        world.now = coordinator;
        world.connect(MEMBER);
        // The welcome is on its way when the branch looks at its own clock.
        while !world.packets.iter().any(|packet| matches!(packet, Packet::Down(MEMBER, Downstream::Welcome(_)))) {
            assert!(world.step());
        }
        world.now = branch;
        world.run();
        assert_eq!(refusals(&world).first().copied(), expected, "{branch:?} {coordinator:?}");
        assert_eq!(record(&world).year.spent() == Accounts::zero(), expected.is_none());
    }
}

/// A charge counts on the day of the later clock: by how much the coordinator's was ahead when the run was accepted last.
#[test]
fn a_charge_counts_by_the_later_of_two_clocks() {
    let run = cast::run(plan(|_| {}));
    let day = |day: u64| Millis(day * DAY);
    let accepted = |own: u64, coordinators: u64| {
        let mut event = cast::accepted(&run);
        let ParticipantEvent::RunAccepted { at, shown, .. } = &mut event else { panic!("it is accepted") };
        (*at, *shown) = (day(own), day(coordinators));
        event
    };
    let charged = ParticipantEvent::BudgetCharged {
        run: run.reference(),
        round: RoundId(1),
        stage: 0,
        at: day(40),
        descriptor: Digest::ZERO,
        charge: run.stages[0].charge.clone(),
    };
    let clocks: [(&[(u64, u64)], u64); 4] =
        [(&[(35, 37)], 42), (&[(37, 35)], 40), (&[(35, 37), (39, 39)], 40), (&[(35, 35), (36, 39)], 43)];
    for (accepts, counts) in clocks {
        let accepts = accepts.iter().map(|(own, coordinators)| accepted(*own, *coordinators));
        let events: Vec<_> = [begun(MEMBER, false)].into_iter().chain(accepts).chain([charged.clone()]).collect();
        let record = BudgetRecord::replay(&events).expect("a file in order");
        assert_eq!(record.year.days(), [(Day::of(day(counts)), run.stages[0].charge.clone())]);
    }
}

#[test]
fn the_end_of_a_run_is_told_in_words() {
    let served = cast::run(plan(|_| {}));
    let record = BudgetRecord::replay(&[begun(MEMBER, false), cast::accepted(&served)]).expect("a file in order");
    let told = |how| {
        let event = ParticipantEvent::RunEnded { run: served.reference(), at: Millis(0), how };
        record.describe(&event, None).split_once(": ").expect("a reason").1.to_string()
    };
    assert_eq!(told(RunEnd::Finished), "the coordinator signed that it is over");
    assert_eq!(told(RunEnd::Dismissed), "the coordinator signed that nothing more of it is asked of this branch");
    assert_eq!(told(RunEnd::Refused), "this branch refused to go on");
}

/// What happens to a branch.
#[derive(Clone, Debug)]
enum Step {
    /// A run is offered.
    Offer { plan: u8, number: u32 },
    /// A round begins of the run that was accepted on this connection.
    Round,
    /// An open run comes to an end.
    End { pick: usize, finished: bool },
    /// The process is killed and starts again.
    Crash,
    /// An older copy of the file is put back.
    Restore { permille: usize },
    /// One of the two clocks is set, so many days from the true time, and its process starts again.
    Set { own: bool, days: i64 },
    /// Months pass.
    Wait { days: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..4, 1_u32..4).prop_map(|(plan, number)| Step::Offer { plan, number }),
        8 => Just(Step::Round),
        2 => (0_usize..8, any::<bool>()).prop_map(|(pick, finished)| Step::End { pick, finished }),
        1 => Just(Step::Crash),
        1 => (0_usize..1000).prop_map(|permille| Step::Restore { permille }),
        1 => (any::<bool>(), prop_oneof![-2_i64..3, -900_i64..900]).prop_map(|(own, days)| Step::Set { own, days }),
        3 => (1_u64..120).prop_map(|days| Step::Wait { days }),
    ];
    prop::collection::vec(step, 0..120)
}

const LIFE: u64 = 60;
const YEAR: u64 = 25;

fn charge(times: u64) -> Accounts {
    Accounts::customers(RdpVector::gaussian(1, 2000).times(times))
}

/// A branch that decides by its record as the machine does, and somebody who knows what it truly spent, and when.
struct Branch {
    events: Vec<ParticipantEvent>,
    record: BudgetRecord,
    head: Option<BudgetHead>,
    now: u64,
    /// What the two clocks show beside the true time, in days.
    wrong: [i64; 2],
    spent: BTreeMap<u64, u64>,
    restored: bool,
    /// The run that was accepted on this connection.
    welcomed: Option<RunRef>,
}

impl Branch {
    fn new() -> Self {
        let events = [begun(MEMBER, false)].to_vec();
        let record = BudgetRecord::replay(&events).expect("it begins");
        let now = days_before(2026, 1, 1);
        Self { events, record, head: None, now, wrong: [0; 2], spent: BTreeMap::new(), restored: false, welcomed: None }
    }

    fn clock(&self, which: usize) -> Millis {
        Millis(self.now.saturating_add_signed(self.wrong[which]) * DAY)
    }

    fn commit(&mut self, event: ParticipantEvent) {
        assert_eq!(self.record.check(&event), Ok(()));
        self.record.apply(&event);
        self.events.push(event);
    }

    fn caps() -> (Accounts, Accounts) {
        (charge(LIFE), charge(YEAR))
    }

    fn offer(&mut self, plan: u8, number: u32) {
        let run = RunRef { plan: Digest([plan; 32]), number };
        let stage = |kind: &str, rounds, times| StageTerms { kind: kind.into(), rounds, charge: charge(times) };
        let stages = [stage("count", 1, 1), stage("gradient", 3, 1 + u64::from(plan % 4))].to_vec();
        let allowance = Allowance::new(stages.iter().map(|stage| (stage.rounds, &stage.charge)), 1);
        let charge_max = allowance.charge_left(&[]);
        let left = allowance.charge_left(&self.record.charged(&run).rounds);
        let (at, shown) = (self.clock(0), self.clock(1));
        let (name, purpose, privacy) = ("p".into(), "p".into(), PrivacyMode::Customer);
        let (retries, grant, until) = (1, Digest::ZERO, Millis(0));
        let accepted = ParticipantEvent::RunAccepted {
            run,
            name,
            purpose,
            privacy,
            stages: stages.clone(),
            retries,
            charge_max,
            grant,
            at,
            shown,
            until,
        };
        self.welcomed = None;
        let (life, year) = Self::caps();
        let together = at.until(shown).max(shown.until(at)) <= CLOCKS_APART_MS_MAX;
        if together
            && self.record.check(&accepted).is_ok()
            && self.record.pays((&run, &left), (&life, &year), at.min(shown))
        {
            self.commit(accepted);
            self.welcomed = Some(run);
            let reserved = self.record.reserved();
            assert!(
                self.record.spent.plus(&reserved).within(&life),
                "spend and reservations are within the cap for life"
            );
            assert!(self.record.year.spent().plus(&reserved).within(&year), "and within the year's");
        }
    }

    fn open(&self, pick: usize) -> Option<RunRef> {
        let open: Vec<RunRef> = self.record.accepted.keys().filter(|run| self.record.is_open(run)).copied().collect();
        (!open.is_empty()).then(|| open[pick % open.len()])
    }

    fn round(&mut self) {
        let Some(run) = self.welcomed.filter(|run| self.record.is_open(run)) else { return };
        let terms = self.record.accepted[&run].clone();
        let charged = self.record.charged(&run);
        let Some(stage) = (0..2).find(|stage| terms.allowance().may_charge(&charged.rounds, *stage)) else { return };
        let price = terms.stages[usize::from(stage)].charge.clone();
        let (life, year) = Self::caps();
        let pays = self.record.pays((&run, &price), (&life, &year), Millis(0));
        assert!(pays || self.restored, "a run that was accepted is not given up half paid");
        if !pays {
            return;
        }
        let round = RoundId(charged.last_round + 1);
        let at = self.clock(0);
        let descriptor = Digest::ZERO;
        self.commit(ParticipantEvent::BudgetCharged { run, round, stage, at, descriptor, charge: price.clone() });
        let times = (1..=9).find(|times| charge(*times) == price).expect("a price");
        *self.spent.entry(self.now).or_default() += times;
        self.head = Some(BudgetHead {
            client: MEMBER,
            population: self.record.population_digest.expect("it has begun"),
            counter: self.record.counter,
            spent: self.record.spent.clone(),
            year: self.record.year.clone(),
            caps: self.record.caps,
            run,
            charged: self.record.charged(&run),
            others: self.record.others(&run),
            day: self.record.last_day(),
            withdrawn: Vec::new(),
            epoch: 1,
            owner: self.record.owner().cloned().expect("it has an owner"),
            signature: Signature::none(),
        });
    }

    fn restart(&mut self, keep: usize) {
        self.welcomed = None;
        self.events.truncate(keep.max(1));
        self.record = BudgetRecord::replay(&self.events).expect("a file in order");
        if let Some(head) = self.head.clone().filter(|head| !self.record.knows(head)) {
            self.restored = true;
            self.commit(ParticipantEvent::HeadAdopted { head: Box::new(head.clone()), charge: Accounts::zero() });
            assert!(self.record.knows(&head));
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Offer { plan, number } => self.offer(plan, number),
            Step::Round => self.round(),
            Step::End { pick, finished } => {
                if let Some(run) = self.open(pick) {
                    let how = if finished { RunEnd::Finished } else { RunEnd::Refused };
                    self.commit(ParticipantEvent::RunEnded { run, at: self.clock(0), how });
                }
            }
            Step::Crash => self.restart(self.events.len()),
            Step::Restore { permille } => self.restart(self.events.len() * permille / 1000),
            Step::Set { own, days } => {
                self.wrong = if own { [days, 0] } else { [0, days] };
                self.welcomed = None;
            }
            Step::Wait { days } => self.now += days,
        }
    }

    /// By the true times of what was truly charged.
    fn judge(&self) {
        assert!(self.spent.values().sum::<u64>() <= LIFE, "more than for life was spent: {:?}", self.spent);
        for day in self.spent.keys() {
            // Twelve months are 365 days at least.
            let year: u64 = self.spent.range(day.saturating_sub(364)..=*day).map(|(_, times)| times).sum();
            assert!(year <= YEAR, "{year} were spent in the year that ends with day {day}: {:?}", self.spent);
        }
        let replayed = BudgetRecord::replay(&self.events).expect("a file in order");
        assert_eq!(replayed, self.record, "replay is the state");
    }
}

proptest! {
    /// Whatever order runs, ends, crashes, restored copies and wrong clocks come in: no more is spent than for life and in any year, as long as
    /// one of the two clocks is right. A clock that is set is set for a new connection, on which it is compared. Before a copy was restored, spend and reservations stay within both.
    #[test]
    fn no_order_of_things_spends_more_than_the_caps(steps in steps()) {
        let mut branch = Branch::new();
        for step in steps {
            branch.take(step);
        }
        branch.judge();
    }
}

/// The same, where the order is made so that months pass and the year's cap is reached again and again.
#[test]
fn a_year_is_spent_again_when_it_is_over() {
    let mut branch = Branch::new();
    for number in 0..40 {
        branch.offer(number, 1);
        (0..6).for_each(|_| branch.round());
        if let Some(run) = branch.open(0) {
            branch.commit(ParticipantEvent::RunEnded { run, at: branch.clock(0), how: RunEnd::Finished });
        }
        branch.now += 45;
    }
    branch.judge();
    let all: u64 = branch.spent.values().sum();
    assert!(all > YEAR, "{all} in all: more than a year's, and at most a life's");
}
