//! Frozen transcripts: what both machines say, write and wait for in whole runs stays the same to the byte. Whoever changes a message, an event or a step on
//! purpose writes the table again from what the test prints.

use alloc::string::String;

use super::answers;
use super::granting::under_way;
use super::liars::{COMMITMENT, ENVELOPE, SHARE};
use super::membership::install;
use super::orders::{OPERATOR, SECOND, after_two_rounds, order, signed};
use super::world::{World, plan};
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::plan::Plan;
use crate::role::{Action, Role};
use crate::round::cast::{self, APPROVER, next_roster, policy, roster};
use crate::round::orders::order_digest;
use crate::round::{Policy, Timing};
use crate::secagg::modular::Ring;
use crate::time::Millis;

/// So many deliveries after each other look at the records.
const RECORDS_EVERY: u32 = 25;
/// Whose connection, keys or words are not like the others'.
const MEMBER: ClientId = ClientId(4);

/// What is played, the world that plays it, and the digest of all that is said and written.
type Frozen = (&'static str, fn() -> World, &'static str);

/// Each scenario, and the first bytes of what was said in it.
const FROZEN: [Frozen; 12] = [
    ("whole", whole, "93d37299f2973e84"),
    ("small ring", small_ring, "34a4ca106a98c0d8"),
    ("one round a session", one_round_a_session, "1677a01977befd95"),
    ("lost and back", lost_and_back, "049fe7f25126bf84"),
    ("silent", silent, "d64f44563ac696bf"),
    ("restart", restart, "68646d8e70af72a9"),
    ("next plan", next_plan, "6f7591153f82bdbe"),
    ("withdrawn", withdrawn, "022fbc733ad84808"),
    ("frozen and thawed", frozen_and_thawed, "d5ced31071b80309"),
    ("new roster", new_roster, "153d29477040024f"),
    ("strict", strict, "1e9fd9837c03b5aa"),
    ("liars", liars, "1c8a5458b083f634"),
];

fn begun(clients: u32, plan: Plan) -> World {
    let mut world = World::new(clients, plan);
    world.connect_all();
    world
}

/// To the end, with every deadline that is left. Beside what is said, all that the records have come to is part of it, again and again.
fn ended(mut world: World) -> World {
    let mut steps = 0;
    while world.step() {
        steps += 1;
        if steps % RECORDS_EVERY == 0 {
            records(&mut world);
        }
    }
    world.pass_deadlines();
    records(&mut world);
    world
}

fn records(world: &mut World) {
    let all = answers::all(world);
    world.note(all.as_bytes());
}

fn steps(world: &mut World, steps: usize) {
    (0..steps).for_each(|_| assert!(world.step(), "something is under way"));
}

fn whole() -> World {
    ended(begun(9, plan(|_| {})))
}

fn small_ring() -> World {
    let narrow = plan(|plan| {
        let stage = &mut plan.stages[0];
        (stage.ring, stage.reach) = (Ring::Bits32, 1_000);
        (stage.sensitivity_squared, stage.noise_variance) = (1_000_000, 2_000_000_000);
    });
    ended(begun(8, cast::priced(narrow)))
}

fn one_round_a_session() -> World {
    ended(begun(9, plan(|plan| (plan.stages[0].rounds, plan.session_rounds) = (2, 1))))
}

fn lost_and_back() -> World {
    let mut world = begun(9, plan(|_| {}));
    steps(&mut world, 200);
    world.cut(MEMBER);
    steps(&mut world, 20);
    world.connect(MEMBER);
    ended(world)
}

/// One is lost in a set-up, and two in a round: it ends without a sum, and the next one begins.
fn silent() -> World {
    let mut world = begun(10, plan(|_| {}));
    steps(&mut world, 60);
    world.cut(MEMBER);
    while world.coordinator.record().charged(0) < 2 {
        assert!(world.step() || world.coordinator.wait().deadline.is_some());
        if world.packets.is_empty() {
            world.pass_deadlines();
        }
    }
    world.cut(ClientId(1));
    world.cut(ClientId(2));
    ended(world)
}

fn restart() -> World {
    let mut world = begun(8, plan(|_| {}));
    while world.coordinator.record().committed(0) < 1 || world.coordinator.record().round.is_none() {
        assert!(world.step());
    }
    world.restart_coordinator(8, plan(|_| {}));
    ended(world)
}

/// After a whole plan another one, in which a member goes on with an older file.
fn next_plan() -> World {
    let second = plan(|plan| plan.name = "second".into());
    let own = Policy { cap: second.charge_max().times(2), ..policy(&second) };
    let mut world = World::with_policy(12, plan(|_| {}), |_| own.clone());
    world.connect_all();
    world.run();
    world.serve_next(roster(12), second);
    world.restore(MEMBER, 3);
    world.connect_all();
    ended(world)
}

fn withdrawn() -> World {
    let (mut world, grant) = under_way();
    world.withdraw(ClientId(1), cast::withdrawal(&grant));
    ended(world)
}

fn frozen_and_thawed() -> World {
    let mut world = after_two_rounds();
    let stop = signed(APPROVER, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    assert!(order(&mut world, &stop));
    world.run();
    for (staff, role) in [(OPERATOR, Role::PlatformOperator), (SECOND, Role::PrivacyOfficer)] {
        assert!(order(&mut world, &signed(staff, role, Action::Thaw, order_digest(&stop))));
    }
    ended(world)
}

fn new_roster() -> World {
    let mut world = begun(9, plan(|_| {}));
    while world.coordinator.record().committed(0) < 1 {
        assert!(world.step());
    }
    install(&mut world, &next_roster(&roster(9).roster, 8));
    for client in world.branches.keys().copied().collect::<alloc::vec::Vec<_>>() {
        world.cut(client);
        world.connect(client);
    }
    ended(world)
}

fn strict() -> World {
    let served = plan(|plan| (plan.upload_offset_ms, plan.stages[0].rounds, plan.retries) = (100, 1, 0));
    let mut world = World::with_policy(9, served.clone(), |_| Policy { timing: Timing::Strict, ..policy(&served) });
    world.branches.get_mut(&MEMBER).expect("a member").late = true;
    world.connect_all();
    world.run();
    world.now = Millis(100);
    world.pass_at_branches();
    ended(world)
}

fn liars() -> World {
    let mut world = World::new(14, plan(|_| {}));
    world.corrupt::<COMMITMENT>(ClientId(2));
    world.corrupt::<ENVELOPE>(ClientId(5));
    world.corrupt::<SHARE>(ClientId(9));
    world.connect_all();
    ended(world)
}

#[test]
fn whole_runs_stay_the_same_to_the_byte() {
    let short = |said: Digest| alloc::format!("{said}")[..16].into();
    let found: alloc::vec::Vec<(&str, String)> =
        FROZEN.iter().map(|(name, play, _)| (*name, short(play().said))).collect();
    let frozen: alloc::vec::Vec<(&str, String)> =
        FROZEN.iter().map(|(name, _, said)| (*name, String::from(*said))).collect();
    assert_eq!(found, frozen);
}
