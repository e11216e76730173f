//! One budget over all plans: heads that are adopted, heads that are refused, and what happens where nobody shows one.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::budget::{BudgetHead, Heads, Kept};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{Charged, Downstream, RefusalCode, SignedBody, Upstream};
use crate::plan::Plan;
use crate::privacy::Accounts;
use crate::roster::SignedRoster;
use crate::round::cast::{self, begun, policy, roster, signing_key};
use crate::round::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorSettings, Outbox, ParticipantEvent, ParticipantInput,
    Policy,
};
use crate::secagg::suite::Suite;
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// Of these one may be accused and one may accuse, and the rest is a cohort.
const MEMBERS: u32 = 12;
/// Whose file is older.
const MEMBER: ClientId = ClientId(4);

fn second() -> Plan {
    plan(|plan| plan.name = "second".into())
}

/// Budgets for life that pay for both plans.
fn for_two(_: ClientId) -> Policy {
    let both = second();
    Policy { cap: both.charge_max().times(2), ..policy(&both) }
}

/// The branches have finished the first plan, with what was spent.
fn after_one() -> (World, Accounts) {
    let mut world = World::with_policy(MEMBERS, plan(|_| {}), for_two);
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.refusals());
    let spent = world.branches[&MEMBER].machine.record().spent.clone();
    assert_eq!(spent, plan(|_| {}).stages[0].charge.times(5));
    (world, spent)
}

/// The second plan, in which the member goes on with the first `events` of its file: what it counts in the end, and whether it adopted a head.
fn after_two(events: usize) -> (World, Accounts, bool) {
    let (mut world, _) = after_one();
    world.serve_next(roster(MEMBERS), second());
    world.restore(MEMBER, events);
    world.connect_all();
    world.run();
    let branch = &world.branches[&MEMBER];
    let adopts = branch.events.iter().any(|event| matches!(event, ParticipantEvent::HeadAdopted { .. }));
    let spent = branch.machine.record().spent.clone();
    (world, spent, adopts)
}

fn both() -> Accounts {
    second().stages[0].charge.times(10)
}

#[test]
fn a_copy_from_before_a_plan_counts_that_plan_in_the_next_one() {
    for events in [1, 2, 3, 6] {
        let (world, spent, adopts) = after_two(events);
        assert_eq!(world.finished, Some(true), "{:?}", world.refusals());
        assert!(adopts, "the file of {events} events is an older copy");
        assert_eq!(spent, both());
    }
    let (_, spent, adopts) = after_two(usize::MAX);
    assert!(!adopts && spent == both(), "the newest file has nothing to adopt");
}

/// Everybody goes on with the first `events` of its file in the second plan: what the member counts in the end.
fn all_restored(events: usize, forgotten: bool) -> (World, Accounts) {
    let (mut world, _) = after_one();
    if forgotten {
        world.kept.clear();
    }
    world.serve_next(roster(MEMBERS), second());
    (1..=MEMBERS).for_each(|number| world.restore(ClientId(number), events));
    world.connect_all();
    world.run();
    let spent = world.branches[&MEMBER].machine.record().spent.clone();
    (world, spent)
}

#[test]
fn copies_of_everybody_count_what_the_coordinator_shows() {
    let (world, spent) = all_restored(1, false);
    assert_eq!((world.finished, spent), (Some(true), both()));
}

/// The first plan's epsilon is forgotten, and nobody says a word.
#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_a_copy_from_before_a_plan_forgets_it() {
    let (world, spent) = super::without(crate::defence::Defence::RecordRollback, || all_restored(1, false));
    assert_eq!((world.finished, spent), (Some(true), second().stages[0].charge.times(5)));
}

#[test]
fn a_copy_from_within_a_plan_counts_its_rounds() {
    let mut world = World::new(MEMBERS, plan(|_| {}));
    world.connect_all();
    while world.coordinator.record().committed(0) < 3 {
        assert!(world.step());
    }
    let before = world.branches[&MEMBER].machine.record().clone();
    world.cut(MEMBER);
    // Back with what was on the disk before the first round.
    world.restore(MEMBER, 3);
    world.connect(MEMBER);
    world.run();
    assert_eq!(world.finished, Some(true));
    let adopted = world.branches[&MEMBER].events.iter().find_map(|event| match event {
        ParticipantEvent::HeadAdopted { head, charge } => Some((head.clone(), charge.clone())),
        _ => None,
    });
    let (head, charge) = adopted.expect("the branch says so in its file");
    let Charged { rounds, last_round } = head.charged.clone();
    assert!(rounds[0] >= 3 && last_round >= 3, "{head:?}");
    assert_eq!((&charge, &head.spent), (&head.spent, &plan(|_| {}).stages[0].charge.times(rounds[0].into())));
    let after = world.branches[&MEMBER].machine.record();
    assert!(before.spent.at_most(&after.spent), "nothing that was spent is forgotten");
    assert!(after.counter >= before.counter && after.last_round(&head.run) >= last_round);
}

/// Two files went their own ways. The one at hand has spent in another plan what the head says was spent in this one: a run is given no more than the whole.
#[test]
fn a_head_of_another_way_adds_no_more_to_a_run_than_to_the_whole() {
    let mut world = World::with_policy(MEMBERS, plan(|_| {}), for_two);
    world.connect_all();
    while world.coordinator.record().committed(0) < 2 {
        assert!(world.step());
    }
    world.cut(MEMBER);
    let other = cast::run(second());
    let charged = |round| ParticipantEvent::BudgetCharged {
        run: other.reference(),
        round: RoundId(round),
        stage: 0,
        at: Millis(0),
        descriptor: Digest::ZERO,
        charge: other.stages[0].charge.clone(),
    };
    let mut file = [begun(MEMBER, false), cast::accepted(&other)].to_vec();
    file.extend((1..=4).map(charged));
    world.reborn(MEMBER, for_two(MEMBER), file);
    world.connect(MEMBER);
    let adopted = |world: &World| {
        world.branches[&MEMBER].events.iter().find_map(|event| match event {
            ParticipantEvent::HeadAdopted { head, charge } => Some((head.charged.rounds[0], charge.clone())),
            _ => None,
        })
    };
    while adopted(&world).is_none() {
        assert!(world.step());
    }
    let (rounds, charge) = adopted(&world).expect("it has come");
    assert!((2..=4).contains(&rounds), "{rounds}");
    assert_eq!(charge, Accounts::zero());
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.refusals());
}

#[test]
fn the_ledger_says_whose_budget_begins_and_what_everybody_has_spent() {
    let (mut world, spent) = after_one();
    let begun = |world: &World| -> Vec<ClientId> {
        let client = |event: &CoordinatorEvent| match event {
            CoordinatorEvent::BudgetBegun { client, first } => first.is_signed::<Toy>().then_some(*client),
            _ => None,
        };
        world.events.iter().filter_map(client).collect()
    };
    let shown = |world: &World| -> Vec<BudgetHead> {
        let head = |event: &CoordinatorEvent| match event {
            CoordinatorEvent::BudgetShown { head } => Some(BudgetHead::clone(head)),
            _ => None,
        };
        world.events.iter().filter_map(head).collect()
    };
    assert_eq!(begun(&world).len(), MEMBERS as usize);
    assert!(shown(&world).iter().all(|head| head.counter == 1 && head.spent == Accounts::zero()));
    world.serve_next(roster(MEMBERS), second());
    world.connect_all();
    world.run();
    assert_eq!(begun(&world), [], "everybody is known");
    let heads = shown(&world);
    assert_eq!(heads.len(), MEMBERS as usize);
    assert!(
        heads.iter().all(|head| head.counter == 6 && head.spent == spent),
        "one for the first use and five charges"
    );
}

/// The folder of heads is lost: what the ledger knows is kept anew, where the roster is at hand that its signature is to be verified with.
#[test]
fn heads_that_the_ledger_alone_knows_are_kept_anew() {
    let mut world = World::new(MEMBERS, plan(|_| {}));
    world.connect_all();
    while world.coordinator.record().committed(0) < 1 {
        assert!(world.step());
    }
    let (first, all) = (roster(MEMBERS), MEMBERS as usize);
    let next = cast::next_roster(&first.roster, MEMBERS);
    let its_roster = [Kept::Roster(Box::new(first.clone()))].to_vec();
    for (what, kept, in_force, expected) in [
        ("nothing is left", Vec::new(), &first, all),
        ("everything is left", world.kept.clone(), &first, 0),
        ("another roster is in force", Vec::new(), &next, 0),
        ("and the one before is left", its_roster, &next, all),
    ] {
        let heads = Heads::replay(&kept);
        let settings = CoordinatorSettings { heads, roster: in_force.clone(), ..cast::settings(MEMBERS, plan(|_| {})) };
        let mut outbox = Outbox::new();
        Coordinator::<Toy>::resume(settings, &world.events, Vec::new(), Millis(0), &mut outbox).expect("it goes on");
        let head = |effect: &&CoordinatorEffect| matches!(effect, CoordinatorEffect::Keep(kept) if matches!(kept, Kept::Head(_)));
        assert_eq!(outbox.iter().filter(head).count(), expected, "{what}");
    }
}

/// The state folder is deleted. Where the coordinator shows the newest head nothing is lost; where it does not, nothing begins.
fn deleted(adopts: Option<bool>, shown: bool) -> (World, Accounts) {
    let (mut world, _) = after_one();
    if !shown {
        world.kept.retain(|kept| !matches!(kept, Kept::Head(head) if head.client == MEMBER));
    }
    world.serve_next(roster(MEMBERS), second());
    world.branches.get_mut(&MEMBER).unwrap().events = adopts.map(|adopts| begun(MEMBER, adopts)).into_iter().collect();
    world.reboot(MEMBER);
    world.connect_all();
    world.run();
    world.pass_deadlines();
    let spent = world.branches[&MEMBER].machine.record().spent.clone();
    (world, spent)
}

#[test]
fn after_a_lost_file_the_only_way_on_is_the_newest_head() {
    let refused = |world: &World| world.refusals().into_iter().find(|(client, _)| *client == MEMBER);
    let (world, spent) = deleted(Some(true), true);
    assert_eq!((refused(&world), spent), (None, both()), "adopted");
    let (world, spent) = deleted(Some(true), false);
    assert_eq!(refused(&world), Some((MEMBER, RefusalCode::BudgetNotBegun)));
    assert_eq!(spent, Accounts::zero());
    let (world, spent) = deleted(None, false);
    assert_eq!(refused(&world), Some((MEMBER, RefusalCode::BudgetNotBegun)));
    assert_eq!((world.finished, spent), (Some(true), Accounts::zero()), "the others go on");
    let (world, _) = deleted(None, true);
    assert_eq!(refused(&world), Some((MEMBER, RefusalCode::BudgetNotBegun)), "its owner has a word to say as well");
}

/// Every file is deleted, and the coordinator shows no heads.
#[test]
fn no_file_begins_by_itself() {
    let (world, spent) = all_restored(0, true);
    assert_eq!((world.finished, spent), (None, Accounts::zero()));
    assert!(world.refusals().iter().all(|(_, code)| *code == RefusalCode::BudgetNotBegun));
    assert_eq!(world.refusals().len(), MEMBERS as usize);
}

/// A file that begins by itself has spent nothing, whatever was spent.
#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_a_deleted_file_begins_anew() {
    let (world, spent) = super::without(crate::defence::Defence::FirstUse, || all_restored(0, true));
    assert_eq!((world.finished, spent), (Some(true), second().stages[0].charge.times(5)));
}

/// The member's file is from before the first plan, and the coordinator shows it its first head again.
fn shown_an_older_head() -> World {
    let (mut world, _) = after_one();
    let oldest = world.kept.iter().find(|kept| matches!(kept, Kept::Head(head) if head.client == MEMBER)).cloned();
    world.kept.extend(oldest);
    world.serve_next(roster(MEMBERS), second());
    world.restore(MEMBER, 1);
    world.connect_all();
    world.run();
    world.pass_deadlines();
    world
}

#[test]
fn peers_do_not_go_on_with_a_member_whose_counter_fell() {
    let world = shown_an_older_head();
    let accused = world.refusals().into_iter().filter(|(_, code)| *code == RefusalCode::CounterFell);
    assert!(accused.count() > 0, "{:?}", world.refusals());
    let charged =
        world.branches[&MEMBER].events.iter().any(|event| matches!(event, ParticipantEvent::BudgetCharged { .. }));
    assert!(!charged, "the member is not made to spend what its file has forgotten");
    assert_eq!(world.finished, Some(true), "the others go on: {:?}", world.coordinator.wait());
}

#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_a_member_spends_what_it_has_forgotten() {
    let world = super::without(crate::defence::Defence::CounterFall, shown_an_older_head);
    let spent = &world.branches[&MEMBER].machine.record().spent;
    assert!(*spent != Accounts::zero() && !both().at_most(spent), "the first plan is forgotten");
}

/// A member that fell behind is not out for good: an honest coordinator has its newest head.
#[test]
fn a_member_that_fell_behind_comes_back_with_its_newest_head() {
    let (mut world, _) = after_one();
    let kept = world.kept.clone();
    let oldest = kept.iter().find(|kept| matches!(kept, Kept::Head(head) if head.client == MEMBER)).cloned();
    world.kept.extend(oldest);
    world.serve_next(roster(MEMBERS), second());
    world.restore(MEMBER, 1);
    world.connect_all();
    // As far as the peers' refusal.
    while !world.refusals().iter().any(|(_, code)| *code == RefusalCode::CounterFell) {
        assert!(world.step());
    }
    world.kept = kept;
    world.serve_next(roster(MEMBERS), second());
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true));
    assert_eq!(world.branches[&MEMBER].machine.record().spent, both());
}

/// What the member makes of a welcome in which its head was changed.
fn welcomed_with(change: impl Fn(&mut crate::budget::ShownHead)) -> Option<RefusalCode> {
    let (mut world, _) = after_one();
    world.serve_next(roster(MEMBERS), second());
    world.restore(MEMBER, 1);
    world.connect(MEMBER);
    loop {
        let packet = world.packets.pop_front().expect("a welcome is under way");
        match packet {
            Packet::Down(to, Downstream::Welcome(mut welcome)) => {
                change(welcome.budget.as_deref_mut().expect("a head is kept"));
                world.tell_branch(to, ParticipantInput::Message(Downstream::Welcome(welcome)));
                return world.refusals().into_iter().find(|(client, _)| *client == MEMBER).map(|(_, code)| code);
            }
            other => {
                world.packets.push_front(other);
                world.step();
            }
        }
    }
}

fn signed_by(head: &mut BudgetHead, client: ClientId) {
    head.signature = Toy::sign(&signing_key(client), &head.to_sign::<Toy>());
}

#[test]
fn a_head_that_is_not_the_branchs_own_is_refused() {
    assert_eq!(welcomed_with(|_| {}), None);
    let invalid = Some(RefusalCode::HeadInvalid);
    assert_eq!(welcomed_with(|shown| shown.head.counter += 1), invalid, "its signature covers everything");
    assert_eq!(welcomed_with(|shown| signed_by(&mut shown.head, ClientId(5))), invalid, "another member's key");
    let foreign = |shown: &mut crate::budget::ShownHead| {
        shown.head.client = ClientId(5);
        signed_by(&mut shown.head, ClientId(5));
    };
    assert_eq!(welcomed_with(foreign), invalid, "another member's head");
    let elsewhere = |shown: &mut crate::budget::ShownHead| {
        shown.head.population = crate::digest::Digest::of(b"others");
        signed_by(&mut shown.head, MEMBER);
    };
    assert_eq!(welcomed_with(elsewhere), invalid, "another population");
    let without_number = |shown: &mut crate::budget::ShownHead| {
        shown.head.caps = Some(crate::plan::Caps { delta_bits: f64::NAN.to_bits(), ..cast::caps() });
        signed_by(&mut shown.head, MEMBER);
    };
    assert_eq!(welcomed_with(without_number), invalid, "caps that no policy has");
    // A roster beside it is one of an earlier time, signed by the authorities.
    assert_eq!(welcomed_with(|shown| shown.roster = Some(roster(MEMBERS))), invalid, "not earlier");
}

/// The member's key changes between the plans: its head stays its head, with the roster of that time as proof.
#[test]
fn a_head_signed_by_an_earlier_key_stays_valid() {
    let (mut world, spent) = after_one();
    let first = roster(MEMBERS);
    let rekeyed = cast::rekeyed_roster(&first.roster, MEMBERS, MEMBER);
    let shown = crate::budget::Heads::replay(&world.kept).shown_to(MEMBER, &rekeyed).expect("a head");
    assert_eq!(shown.roster.as_ref(), Some(&first), "the roster under which it was signed");
    let policy = for_two(MEMBER);
    let authorities = (policy.authorities.as_slice(), 1);
    assert!(shown.is_signed::<Toy>(&rekeyed, authorities));
    let without = crate::budget::ShownHead { roster: None, ..shown.clone() };
    assert!(!without.is_signed::<Toy>(&rekeyed, authorities), "the roster in force names another key");
    let forged = SignedRoster { signatures: Vec::new(), ..first };
    let forged = crate::budget::ShownHead { roster: Some(forged), ..shown };
    assert!(!forged.is_signed::<Toy>(&rekeyed, authorities), "nobody signed that roster");
    world.serve_next(rekeyed, second());
    world.restore(MEMBER, 1);
    world.rekey(MEMBER, cast::second_key(MEMBER));
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.refusals());
    let record = world.branches[&MEMBER].machine.record();
    assert_eq!(record.spent, spent.plus(&second().stages[0].charge.times(5)));
}

/// A client that says less than it has signed before is not heard.
#[test]
fn the_coordinator_takes_no_older_head() {
    let (mut world, _) = after_one();
    let oldest = world.kept.iter().find_map(|kept| match kept {
        Kept::Head(head) if head.client == MEMBER => Some(head.clone()),
        _ => None,
    });
    let mut head = oldest.expect("one was kept");
    world.serve_next(roster(MEMBERS), second());
    world.connect_all();
    loop {
        match world.packets.pop_front().expect("an answer is under way") {
            Packet::Up(MEMBER, Upstream::Accept { run, begun, .. }) => {
                head.run = world.coordinator.run().reference();
                signed_by(&mut head, MEMBER);
                world.packets.push_front(Packet::Up(MEMBER, Upstream::Accept { run, head, begun }));
                break;
            }
            other => {
                world.packets.push_front(other);
                world.step();
            }
        }
    }
    world.step();
    assert!(!world.coordinator.ready_clients().contains(&MEMBER));
    let newest = crate::budget::Heads::replay(&world.kept).newest(MEMBER).map(|head| head.counter);
    assert_eq!(newest, Some(6), "what is kept stays");
}
