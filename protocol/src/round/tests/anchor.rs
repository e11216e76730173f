//! Attacks on the budget's anchor: by a coordinator that chooses what it shows, by an operator who restores or exchanges files, and by a
//! member that says too much.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::budget::{BudgetHead, Heads, Kept, LastDay, OwnerChange};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::limits::CHARGED_RUNS_MAX;
use crate::message::{Charged, ClosedReason, Downstream, Floor, RefusalCode, RoundOutcome, SignedBody, Upstream};
use crate::plan::{Plan, Run, RunRef};
use crate::privacy::{Accounts, RdpVector};
use crate::round::cast::{self, OWNER_KEY, accepted, begun, policy, roster, signing_key};
use crate::round::{BudgetRecord, CoordinatorEvent, ParticipantEvent, ParticipantInput, Policy};
use crate::secagg::suite::{Signature, Suite};
use crate::secagg::toy::Toy;
use crate::time::Millis;

const MEMBERS: u32 = 12;
/// Who is attacked, or attacks.
pub(super) const MEMBER: ClientId = ClientId(4);

fn first() -> Plan {
    plan(|_| {})
}

fn second() -> Plan {
    plan(|plan| plan.name = "second".into())
}

/// Budgets for life that pay for three plans.
fn for_three(_: ClientId) -> Policy {
    let both = second();
    Policy { cap: both.charge_max().times(3), ..policy(&both) }
}

fn run(plan: &Plan) -> RunRef {
    cast::run(plan.clone()).reference()
}

/// The branches have finished the first plan: five rounds of it.
fn after_one(policy: impl Fn(ClientId) -> Policy) -> World {
    let mut world = World::with_policy(MEMBERS, first(), policy);
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.refusals());
    world
}

fn record(world: &World) -> BudgetRecord {
    world.branches[&MEMBER].machine.record().clone()
}

fn charges(world: &World) -> usize {
    let charged = |event: &&ParticipantEvent| matches!(event, ParticipantEvent::BudgetCharged { .. });
    world.branches[&MEMBER].events.iter().filter(charged).count()
}

/// The member's file is lost, and takes the newest head's place.
fn lose_file(world: &mut World) {
    world.branches.get_mut(&MEMBER).unwrap().events = [begun(MEMBER, true)].to_vec();
    world.reboot(MEMBER);
}

/// The newest head is of the second plan. What the first one charged is no secret of the lost file: its own limit does not begin anew.
#[test]
fn a_lost_file_forgets_no_plans_rounds() {
    let mut world = after_one(for_three);
    world.serve_next(roster(MEMBERS), second());
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.refusals());
    let before = record(&world);
    for lost in [true, false] {
        world.serve_next(roster(MEMBERS), first());
        match lost {
            true => lose_file(&mut world),
            // A copy from before the first plan.
            false => world.restore(MEMBER, 1),
        }
        world.connect(MEMBER);
        world.run();
        let after = record(&world);
        for served in [first(), second()] {
            let charged = after.charged(&run(&served));
            assert_eq!(
                (charged.rounds.clone(), charged),
                (alloc::vec![5], before.charged(&run(&served))),
                "{}",
                served.name
            );
        }
        assert_eq!((after.spent, after.counter), (before.spent.clone(), before.counter));
    }
}

/// Seven rounds a day: five were charged today, whatever the file says.
#[test]
fn an_older_copy_has_no_second_day() {
    let strict = |client| match client {
        MEMBER => Policy { rounds_a_day: 7, ..for_three(client) },
        _ => for_three(client),
    };
    for lost in [true, false] {
        let mut world = after_one(strict);
        world.serve_next(roster(MEMBERS), second());
        if lost {
            lose_file(&mut world);
        } else {
            world.restore(MEMBER, 1);
        }
        world.connect_all();
        world.run();
        let refused = world.refusals().into_iter().find(|(client, _)| *client == MEMBER);
        assert_eq!(refused, Some((MEMBER, RefusalCode::PolicyFloor(Floor::RoundsADay))));
        assert_eq!((charges(&world), record(&world).spent), (2, second().stages[0].charge.times(7)));
    }
}

/// The rounds of a day that a head says count at the day's end, and once.
#[test]
fn an_adopted_day_counts_once_and_ends() {
    let of = cast::run(first());
    let charge = |round: u64, at: u64| charge_of(&of, round, at);
    const DAY: u64 = 86_400_000;
    let newest = file(&of, [charge(1, 5), charge(2, 10), charge(3, 20), charge(4, DAY + 7)]);
    assert_eq!(newest.last_day(), LastDay { rounds: 3, last: Millis(DAY + 7) }, "the first is more than a day ago");
    let adopted = ParticipantEvent::HeadAdopted { head: Box::new(head_of(&newest, &of)), charge: Accounts::zero() };
    for known in 0..4 {
        let own = [charge(1, 5), charge(2, 10), charge(3, 20)].into_iter().take(known);
        let record = file(&of, own.chain([adopted.clone()]));
        assert_eq!(record.charged_within_a_day(Millis(DAY + 8)), 3, "{known} known");
        assert_eq!(record.last_day(), newest.last_day(), "{known} known");
        assert_eq!(record.charged_within_a_day(Millis(2 * DAY + 7)), 0, "{known} known");
        assert!(record.knows(&head_of(&newest, &of)));
    }
    assert_eq!(BudgetRecord::default().last_day(), LastDay::NONE);
}

/// A charge of one round of a run's first stage.
pub(super) fn charge_of(run: &Run, round: u64, at: u64) -> ParticipantEvent {
    ParticipantEvent::BudgetCharged {
        run: run.reference(),
        round: RoundId(round),
        stage: 0,
        at: Millis(at),
        descriptor: Digest::ZERO,
        charge: run.stages[0].charge.clone(),
    }
}

/// The record of a file that begins, accepts a run, and goes on.
pub(super) fn file(run: &Run, events: impl IntoIterator<Item = ParticipantEvent>) -> BudgetRecord {
    let begun = [begun(MEMBER, false), accepted(run)];
    let events: Vec<ParticipantEvent> = begun.into_iter().chain(events).collect();
    BudgetRecord::replay(&events).expect("a file in order")
}

/// What a record would sign.
pub(super) fn head_of(record: &BudgetRecord, run: &Run) -> BudgetHead {
    let run = run.reference();
    BudgetHead {
        client: MEMBER,
        population: record.population_digest.expect("it has begun"),
        counter: record.counter,
        spent: record.spent.clone(),
        year: record.year.clone(),
        caps: record.caps,
        run,
        charged: record.charged(&run),
        others: record.others(&run),
        day: record.last_day(),
        withdrawn: record.withdrawn.iter().copied().collect(),
        epoch: 1,
        owner: record.owner().cloned().expect("it has an owner"),
        signature: Signature::none(),
    }
}

/// The coordinator shows the last head but one. Were an adoption a step of the counter, the branch would come up at the newest one's counter, with
/// a charge less, and no peer could tell.
#[test]
fn a_head_before_the_newest_does_not_pass_for_it() {
    let mut world = after_one(for_three);
    world.serve_next(roster(MEMBERS), second());
    world.connect_all();
    let peers_know = |world: &World| world.branches[&ClientId(1)].machine.record().counters.get(&MEMBER).copied();
    while peers_know(&world) != Some(6) {
        assert!(world.step());
    }
    let before =
        world.kept.iter().find(|kept| matches!(kept, Kept::Head(head) if head.client == MEMBER && head.counter == 5));
    world.kept.push(before.expect("each upload brought one").clone());
    world.serve_next(roster(MEMBERS), second());
    lose_file(&mut world);
    world.connect_all();
    world.run();
    world.pass_deadlines();
    assert_eq!((record(&world).counter, charges(&world)), (5, 0), "{:?}", world.refusals());
    assert!(world.refusals().iter().any(|(_, code)| *code == RefusalCode::CounterFell), "{:?}", world.refusals());
}

/// Two copies of a file each went on without the other. What they come to together is at least what each has spent, has a counter of its own, and
/// is a head that follows both.
#[test]
fn two_copies_come_to_at_least_what_each_has_spent() {
    let of = |name: &str, index: usize| {
        let mut nanos = RdpVector::zero().nanos().to_vec();
        nanos[index] = 11;
        let mut plan = plan(|plan| plan.name = name.into());
        // Cheaper at one order than at all others, by a coin.
        let full = plan.stages[0].charge.customer.nanos().to_vec();
        nanos.iter_mut().zip(full).for_each(|(nanos, full)| *nanos = if *nanos == 0 { 1 } else { full });
        plan.stages[0].sampling_threshold = 1 << 63;
        plan.stages[0].charge = Accounts::customers(RdpVector::from_nanos(nanos).unwrap());
        cast::run(plan)
    };
    let (first, second) = (of("one", 0), of("other", 1));
    let one = file(&first, [charge_of(&first, 1, 1), charge_of(&first, 2, 2)]);
    let same = of("the same in all, of another plan", 0);
    for (run, rounds) in [(&second, 2), (&second, 1), (&second, 3), (&same, 2)] {
        let mut other = file(run, (1..=rounds).map(|round| charge_of(run, round, round)));
        let (head, own) = (head_of(&one, &first), head_of(&other, run));
        assert!(!other.knows(&head));
        let adopted = ParticipantEvent::HeadAdopted { head: Box::new(head.clone()), charge: Accounts::zero() };
        assert_eq!(other.check(&adopted), Ok(()));
        other.apply(&adopted);
        assert_eq!(other.counter, one.counter.max(own.counter) + 1);
        let both = head_of(&other, &first);
        assert!(both.follows(&head) && both.follows(&own) && other.knows(&head));
        assert!(!head.follows(&both));
    }
}

/// A head that forgets a plan's rounds follows none that names them, whatever its counter.
#[test]
fn a_head_that_forgets_a_plans_rounds_is_not_the_next_one() {
    let charged = |rounds, last_round| Charged { rounds: [rounds].into(), last_round };
    let numbered = |plan: u8| RunRef { plan: Digest([plan; 32]), number: 1 };
    let run = cast::run(self::first());
    let last = BudgetHead { counter: 5, run: numbered(0), charged: charged(3, 4), ..head_of(&file(&run, []), &run) };
    let next = |plan: u8, charged, others: &[(RunRef, Charged)]| BudgetHead {
        counter: 6,
        run: numbered(plan),
        charged,
        others: others.to_vec(),
        ..last.clone()
    };
    let of_last = |charged| [(last.run, charged)];
    assert!(next(1, charged(1, 1), &of_last(charged(3, 4))).follows(&last));
    assert!(next(0, charged(4, 5), &[]).follows(&last));
    assert!(!next(1, charged(9, 9), &[]).follows(&last), "forgotten");
    assert!(!next(1, charged(9, 9), &of_last(charged(2, 4))).follows(&last), "a round less");
    assert!(!next(1, charged(9, 9), &of_last(charged(3, 3))).follows(&last), "a round may be used again");
    // Another run of the same plan is another run.
    let again = RunRef { number: 2, ..numbered(0) };
    assert!(!BudgetHead { run: again, charged: charged(9, 9), ..next(0, charged(9, 9), &[]) }.follows(&last));
    // By stage: what one stage has more is no excuse for what another has less.
    let by_stage = |rounds: &[u32]| Charged { rounds: rounds.to_vec(), last_round: 5 };
    assert!(!next(0, by_stage(&[2, 9]), &[]).follows(&last) && next(0, by_stage(&[3, 1]), &[]).follows(&last));
}

/// The folder of heads is lost within a plan, and a member's file is from before the plans: the plan's ledger knows better.
#[test]
fn a_ledger_stands_in_for_lost_heads() {
    let mut world = after_one(for_three);
    world.serve_next(roster(MEMBERS), second());
    world.connect_all();
    while world.coordinator.record().heads.len() < MEMBERS as usize {
        assert!(world.step());
    }
    world.kept.clear();
    world.restore(MEMBER, 1);
    world.restart_coordinator(MEMBERS, second());
    world.run();
    assert_eq!((world.finished, world.refusals()), (Some(true), Vec::new()));
    assert_eq!(record(&world).spent, second().stages[0].charge.times(10));
}

/// Another branch's first use, from its file or from a ledger: the owner has not signed it for this one.
#[test]
fn a_first_use_is_good_for_the_branch_that_it_was_signed_for() {
    let (own, other) = (ClientId(5), MEMBER);
    let mut world = World::new(MEMBERS, first());
    world.reborn(own, policy(&first()), [begun(other, false)].to_vec());
    world.connect(own);
    world.run();
    assert_eq!(world.refusals(), [(own, RefusalCode::BudgetNotBegun)]);
    assert_eq!(Heads::replay(&world.kept).newest(own), None);

    // A branch that goes on all the same has no place: neither the budget nor its population is taken.
    for adopts in [false, true] {
        let mut world = World::new(MEMBERS, first());
        world.connect(own);
        let ParticipantEvent::BudgetBegun { first: foreign, .. } = begun(other, adopts) else { panic!("it begins") };
        let mut head = accept(&mut world, own);
        head.population = foreign.population;
        head.signature = Toy::sign(&signing_key(own), &head.to_sign::<Toy>());
        let message = Upstream::Accept { run: run(&first()).id(), head, begun: Some(foreign) };
        world.packets.push_front(Packet::Up(own, message));
        world.step();
        assert_eq!(Heads::replay(&world.kept).newest(own), None, "adopts: {adopts}");
        assert!(!world.events.iter().any(|event| matches!(event, CoordinatorEvent::BudgetBegun { .. })));
    }
}

/// The key of somebody who would like to own the budget.
const STRANGER: [u8; 32] = [77; 32];

/// A file that takes the place of the member's lost one, begun by the stranger.
fn begun_by_stranger() -> ParticipantEvent {
    let ParticipantEvent::BudgetBegun { population, salt, mut first } = begun(MEMBER, true) else {
        panic!("it begins")
    };
    first.owner = Toy::verifying_key(&STRANGER);
    first.signature = Toy::sign(&STRANGER, &first.to_sign::<Toy>());
    ParticipantEvent::BudgetBegun { population, salt, first }
}

/// The owner's key is anchored in the first event, and in every head that was signed since: an operator who is not the owner makes a key,
/// a policy of its own, and a file in the place of the true one.
#[test]
fn a_budget_of_another_owner_is_not_adopted() {
    let owner = Toy::verifying_key(&OWNER_KEY);
    let change = |signer: &[u8; 32], population: Digest| {
        let to = Toy::verifying_key(&STRANGER);
        let mut change = OwnerChange { population, from: owner.clone(), to, signature: Signature::none() };
        change.signature = Toy::sign(signer, &change.to_sign::<Toy>());
        change
    };
    let mut world = after_one(for_three);
    let population = record(&world).population_digest.expect("it has one");
    let lose = |world: &mut World, events: Vec<ParticipantEvent>| {
        world.serve_next(roster(MEMBERS), second());
        world.branches.get_mut(&MEMBER).unwrap().events = events;
        world.reboot(MEMBER);
        // Whoever owns the data grants its use: what the owner before has granted counts no more.
        let mut granted = cast::grant(&second());
        granted.owner = Toy::verifying_key(&STRANGER);
        granted.signature = Toy::sign(&STRANGER, &granted.to_sign::<Toy>());
        let granted = cast::granted(&second(), granted);
        world.branches.get_mut(&MEMBER).unwrap().machine.set_grants([granted].to_vec());
        world.connect(MEMBER);
        world.run();
    };
    lose(&mut world, [begun_by_stranger()].to_vec());
    assert_eq!(world.refusals(), [(MEMBER, RefusalCode::OwnerDiffers)]);
    assert!(record(&world).awaits_head && charges(&world) == 0);

    // The owner before signs that the budget is the next one's: then it goes on, and heads name the next one.
    let signed = change(&OWNER_KEY, population);
    assert!(signed.is_signed::<Toy>() && !change(&STRANGER, population).is_signed::<Toy>());
    let mut world = after_one(for_three);
    lose(&mut world, [begun_by_stranger(), ParticipantEvent::OwnerChanged { change: signed }].to_vec());
    assert_eq!(world.refusals(), []);
    let record = record(&world);
    assert!(!record.awaits_head);
    assert_eq!(record.owners(), [owner.clone(), Toy::verifying_key(&STRANGER)]);
    let newest = Heads::replay(&world.kept).newest(MEMBER).cloned().expect("a head");
    assert_eq!(newest.owner, Toy::verifying_key(&STRANGER));
    // Nobody comes back by an old signature, and a change of another population is none.
    assert!(!record.admits_change(&change(&OWNER_KEY, population)));
    let mut before = BudgetRecord::replay(&[begun(MEMBER, false)]).expect("it begins");
    assert!(before.admits_change(&change(&OWNER_KEY, population)));
    assert!(!before.admits_change(&change(&OWNER_KEY, Digest([1; 32]))));
    before.apply(&ParticipantEvent::OwnerChanged { change: change(&OWNER_KEY, population) });
    let back = OwnerChange { from: Toy::verifying_key(&STRANGER), to: owner.clone(), ..change(&OWNER_KEY, population) };
    assert!(!before.admits_change(&back));
}

/// Takes a client's acceptance off the wire.
fn accept(world: &mut World, from: ClientId) -> Box<BudgetHead> {
    loop {
        match world.packets.pop_front().expect("an acceptance is under way") {
            Packet::Up(client, Upstream::Accept { head, .. }) if client == from => return head,
            other => {
                world.packets.push_front(other);
                world.step();
            }
        }
    }
}

/// A verdict on a plan that comes after the connection broke: the next welcome may bring a head, and is waited for.
#[test]
fn a_late_verdict_accepts_nothing_before_the_next_welcome() {
    let mut world = World::new(MEMBERS, first());
    world.silent_workers = true;
    world.connect(MEMBER);
    world.run();
    world.cut(MEMBER);
    world.connect(MEMBER);
    let verdict = || ParticipantInput::RunJudged { run: run(&first()).id(), verdict: Ok(()) };
    world.tell_branch(MEMBER, verdict());
    let accepted =
        |world: &World| world.packets.iter().any(|packet| matches!(packet, Packet::Up(_, Upstream::Accept { .. })));
    assert!(!accepted(&world), "nothing is accepted that was not offered on this connection");
    world.run();
    world.tell_branch(MEMBER, verdict());
    assert!(accepted(&world));
    world.run();
    assert_eq!((world.refusals(), world.coordinator.ready_clients()), (Vec::new(), alloc::vec![MEMBER]));
}

/// A coordinator that talks of rounds that the branch knows nothing of fills neither its disk nor its screen.
#[test]
fn a_file_grows_by_its_own_rounds_alone() {
    let mut world = World::new(MEMBERS, first());
    world.connect_all();
    while charges(&world) < 2 {
        assert!(world.step());
    }
    world.packets.clear();
    let closed = |world: &World| {
        let closed = |event: &&ParticipantEvent| matches!(event, ParticipantEvent::RoundClosed { .. });
        world.branches[&MEMBER].events.iter().filter(closed).count()
    };
    assert_eq!(closed(&world), 1);
    let most = usize::try_from(first().rounds_charged_max()).unwrap();
    for round in [2, 2, 1, 3, 2].into_iter().chain(100..1_000).chain([u64::MAX, 0]) {
        let outcome = RoundOutcome::Aborted { round: RoundId(round), reason: ClosedReason::TooFew };
        world.tell_branch(MEMBER, ParticipantInput::Message(Downstream::Outcome(outcome)));
    }
    assert_eq!(closed(&world), 2, "the second round ended, once");
    assert_eq!(world.branches[&MEMBER].heard_ends, most, "no more than the plan can have, and each once");
}

/// An ending that comes again is not told to people again, also where the branch has charged nothing of its round.
#[test]
fn the_end_of_a_round_is_heard_once() {
    let mut world = World::new(MEMBERS, first());
    world.connect_all();
    while charges(&world) < 2 {
        assert!(world.step());
    }
    world.packets.clear();
    let before = world.branches[&MEMBER].heard_ends;
    // The end of its own round comes behind one of which it knows nothing.
    for (round, heard) in [(4, 1), (4, 1), (2, 2), (2, 2), (4, 2), (3, 2), (5, 3), (5, 3)] {
        let outcome = RoundOutcome::Aborted { round: RoundId(round), reason: ClosedReason::TooFew };
        world.tell_branch(MEMBER, ParticipantInput::Message(Downstream::Outcome(outcome)));
        assert_eq!(world.branches[&MEMBER].heard_ends - before, heard, "round {round}");
    }
}

/// Each acceptance is an entry of the plan's ledger. A connection has one.
#[test]
fn a_ledger_grows_by_one_acceptance_for_each_connection() {
    let mut world = World::new(MEMBERS, first());
    world.connect(MEMBER);
    world.run();
    let newest = Heads::replay(&world.kept).newest(MEMBER).cloned().expect("it has accepted");
    let entries = world.events.len();
    for counter in 2..=9 {
        let mut head = Box::new(BudgetHead { counter, ..newest.clone() });
        head.signature = Toy::sign(&signing_key(MEMBER), &head.to_sign::<Toy>());
        let run = run(&first()).id();
        world.packets.push_front(Packet::Up(MEMBER, Upstream::Accept { run, head, begun: None }));
        world.step();
    }
    assert_eq!(world.events.len(), entries);
    assert_eq!(Heads::replay(&world.kept).newest(MEMBER), Some(&newest));
}

/// The list of plans in a head has an end on both sides: no file holds more of it than it can take.
#[test]
fn a_head_names_a_limited_number_of_plans() {
    let named = |number: usize| cast::run(plan(|plan| plan.name = alloc::format!("{number}").into()));
    let numbered = |number: usize| named(number).reference();
    let file = |runs: usize| {
        let charged = |number| {
            let run = named(number);
            [accepted(&run), charge_of(&run, 1, 0)]
        };
        [begun(MEMBER, false)].into_iter().chain((0..runs).flat_map(charged)).collect::<Vec<_>>()
    };
    for (plans, refused) in [(CHARGED_RUNS_MAX - 1, None), (CHARGED_RUNS_MAX, Some(RefusalCode::BudgetExceeded))] {
        let mut world = World::new(MEMBERS, first());
        let cap = first().charge_max().times(1000);
        world.reborn(MEMBER, Policy { cap, ..policy(&first()) }, file(plans));
        world.connect(MEMBER);
        world.run();
        let code = world.refusals().first().map(|(_, code)| *code);
        let taken = Heads::replay(&world.kept).newest(MEMBER).map(|head| head.others.len());
        assert_eq!((code, taken), (refused, refused.is_none().then_some(plans)));
    }
    // What a member signs in spite of that is not taken.
    let mut world = World::new(MEMBERS, first());
    world.connect(MEMBER);
    let mut head = accept(&mut world, MEMBER);
    head.others = (0..CHARGED_RUNS_MAX).map(|number| (numbered(number), Charged::default())).collect();
    head.signature = Toy::sign(&signing_key(MEMBER), &head.to_sign::<Toy>());
    let ParticipantEvent::BudgetBegun { first: begun, .. } = begun(MEMBER, false) else { panic!("it begins") };
    let message = Upstream::Accept { run: run(&first()).id(), head, begun: Some(begun) };
    world.packets.push_front(Packet::Up(MEMBER, message));
    world.step();
    assert_eq!(Heads::replay(&world.kept).newest(MEMBER), None);
}
