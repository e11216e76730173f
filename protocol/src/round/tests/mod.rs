//! Both machines against each other, and each against an enemy.

mod aborts;
mod adopting;
mod anchor;
mod answers;
mod assignments;
mod budgets;
mod concentration;
mod endings;
mod enemies;
mod floors;
mod four_eyes;
mod granting;
mod histories;
mod liars;
mod lies;
mod lifting;
mod membership;
mod never_weaker;
mod orders;
mod paused;
mod raises;
mod readiness;
mod scheduling;
mod several;
mod steering;
mod stored;
mod terms;
mod timing;
mod transcripts;
mod uses;
mod validity;
mod verdicts;
mod withheld;
mod words;
mod world;
mod years;

use alloc::vec::Vec;

use self::world::{Packet, World, plan};
use crate::digest::frozen;
use crate::ids::ClientId;
use crate::ids::OrganisationId;
use crate::message::Upstream;
use crate::plan::{ModelRef, NoiseShare, Plan, PlanFault, PrivacyMode, Rhythm};
use crate::privacy::{Accounts, Unit};
use crate::round::cast::{self, policy};
use crate::round::{CoordinatorEvent, Input};
use crate::secagg::modular::Ring;
use crate::secagg::parameters::CoalitionRule;
use crate::time::Millis;

/// Plays with one defence taken down in the whole process: such tests run one behind the other, and without others beside them.
#[cfg(feature = "sabotage")]
fn without<T>(defence: crate::defence::Defence, play: impl FnOnce() -> T) -> T {
    crate::defence::take_down(defence);
    let end = play();
    crate::defence::rebuild();
    end
}

#[test]
fn a_plan_runs_to_its_end_over_several_sessions_and_every_sum_is_exact() {
    for ring in [Ring::Bits64, Ring::Bits32] {
        for clients in [8, 9, 16] {
            let mut world = World::new(
                clients,
                plan(|plan| {
                    let stage = &mut plan.stages[0];
                    stage.ring = ring;
                    if ring == Ring::Bits32 {
                        stage.reach = 1000;
                        stage.sensitivity_squared = 1_000_000;
                        stage.noise_variance = 2_000_000_000;
                        *plan = cast::priced(plan.clone());
                    }
                }),
            );
            world.connect_all();
            world.run();
            assert_eq!(world.finished, Some(true), "{:?} {:?}", world.coordinator.wait(), world.refusals());
            assert_eq!(world.sums.len(), 5);
            world.assert_sums_exact();
            assert!(world.aborts().is_empty());
            let sessions = world.events.iter().filter(|event| matches!(event, CoordinatorEvent::SessionKeyed { .. }));
            assert_eq!(
                sessions.count(),
                2,
                "three rounds a session, five rounds, the second session keyed beside the first"
            );
            for branch in world.branches.values() {
                assert_eq!(branch.stopped, None);
                assert_eq!(branch.machine.record().runs.values().map(|spend| spend.charged.of(0)).sum::<u32>(), 5);
            }
        }
    }
}

#[test]
fn the_session_waits_for_the_whole_roster_and_then_takes_those_that_came() {
    let mut world = World::new(10, plan(|_| {}));
    for number in 1..=9 {
        world.connect(ClientId(number));
    }
    world.run();
    assert!(world.coordinator.wait().reason.contains("9 are ready"), "{}", world.coordinator.wait().reason);
    assert_eq!(world.coordinator.wait().deadline, Some(Millis(100)));
    world.tell(Input::Timer);
    assert!(world.packets.is_empty(), "the deadline has not passed");
    world.now = Millis(100);
    world.tell(Input::Timer);
    world.run();
    assert_eq!(world.finished, Some(true));
    world.assert_sums_exact();
}

#[test]
fn too_few_clients_wait_without_a_deadline() {
    let mut world = World::new(10, plan(|_| {}));
    for number in 1..=7 {
        world.connect(ClientId(number));
    }
    world.run();
    world.now = Millis(1_000_000);
    world.tell(Input::Timer);
    assert_eq!(world.coordinator.wait().deadline, None);
    assert!(world.packets.is_empty());
}

/// They may be back at once: before the next set-up no operator is told that those who are here are too few.
#[test]
fn those_who_were_lost_in_a_set_up_are_hoped_for() {
    let mut world = World::new(10, plan(|_| {}));
    world.connect_all();
    while !world.events.iter().any(|event| matches!(event, CoordinatorEvent::SessionOpened { .. })) {
        assert!(world.step());
    }
    (1..=3).for_each(|number| world.cut(ClientId(number)));
    world.run();
    assert_eq!(world.coordinator.lacking(), None);
    world.pass_deadlines();
    let lacking = world.coordinator.lacking().expect("nobody came back");
    assert!(lacking.contains("7 are ready"), "{lacking}");
}

/// A participant is cut off after every possible number of deliveries. The round in progress goes on without it, and so does the plan;
/// nothing ever comes out wrong.
#[test]
fn a_client_lost_at_any_moment_costs_nothing_but_its_upload() {
    let mut moments = 0;
    for steps in 0.. {
        let mut world = World::new(9, plan(|plan| (plan.stages[0].rounds, plan.session_rounds) = (2, 1)));
        world.connect_all();
        let mut taken = 0;
        while taken < steps && world.step() {
            taken += 1;
        }
        if taken < steps {
            break;
        }
        moments += 1;
        world.cut(ClientId(4));
        world.run();
        world.pass_deadlines();
        assert_eq!(world.finished, Some(true), "cut after {steps} deliveries: {:?}", world.coordinator.wait());
        assert_eq!(world.sums.len(), 2);
        world.assert_sums_exact();
        assert!(world.aborts().is_empty(), "{:?}", world.aborts());
        let charged = world.coordinator.record().charged(0);
        for branch in world.branches.values() {
            let spent: u32 = branch.machine.record().runs.values().map(|spend| spend.charged.of(0)).sum();
            assert!(spent <= charged, "no branch charges a round that was not started");
        }
    }
    assert!(moments > 200, "{moments}");
}

#[test]
fn a_lost_client_comes_back_with_the_next_session() {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    for _ in 0..120 {
        world.step();
    }
    world.cut(ClientId(9));
    world.connect(ClientId(9));
    world.run();
    assert_eq!(world.finished, Some(true));
    world.assert_sums_exact();
    let last = world.events.iter().rev().find_map(|event| match event {
        CoordinatorEvent::SessionKeyed { cohort, .. } => Some(cohort.clone()),
        _ => None,
    });
    assert!(last.expect("a session").contains(&ClientId(9)));
}

#[test]
fn silence_is_ended_by_the_deadline() {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    // Client 3 goes silent when the first round collects: its upload never leaves.
    while world.step() {
        let silent = |packet: &Packet| matches!(packet, Packet::Up(ClientId(3), Upstream::Masked(_)));
        if world.packets.iter().any(silent) {
            world.packets.retain(|packet| !silent(packet));
            break;
        }
    }
    world.run();
    let wait = world.coordinator.wait();
    assert!(wait.reason.contains("8 here, 1 awaited") && wait.reason.ends_with("first 3"), "{}", wait.reason);
    world.now = wait.deadline.expect("a round has a deadline");
    world.tell(Input::Timer);
    world.run();
    assert!(world.aborts().is_empty(), "eight of nine are enough");
    world.assert_sums_exact();
    assert_eq!(world.finished, Some(true), "nobody waits for client 3 again until it is in time");
}

#[test]
fn above_the_complete_graph_neighbours_mask_and_hold_and_losses_are_recovered() {
    let clients = 300;
    let mut world = World::new(clients, plan(|plan| (plan.stages[0].rounds, plan.session_rounds) = (2, 2)));
    world.connect_all();
    while world.coordinator.record().charged(0) == 0 {
        assert!(world.step(), "{:?} {:?}", world.coordinator.wait(), world.refusals());
    }
    // Twenty are gone before they could mask, twenty more behind their uploads.
    (1..=20).for_each(|number| world.cut(ClientId(number)));
    while world.coordinator.record().admitted.len() < 150 {
        assert!(world.step());
    }
    let here: Vec<ClientId> = world.coordinator.record().admitted.keys().copied().take(20).collect();
    here.into_iter().for_each(|client| world.cut(client));
    world.run();
    world.pass_deadlines();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    assert!(world.aborts().is_empty(), "{:?}", world.aborts());
    assert_eq!(world.sums.len(), 2);
    world.assert_sums_exact();
}

#[test]
fn a_restart_aborts_the_open_round_and_keeps_everything_else() {
    let mut batches = Vec::new();
    for steps in (0..400).step_by(7) {
        let mut world = World::new(8, plan(|_| {}));
        world.connect_all();
        for _ in 0..steps {
            world.step();
        }
        let before = world.coordinator.record().clone();
        world.restart_coordinator(8, plan(|_| {}));
        assert_eq!(world.coordinator.record().committed, before.committed);
        assert_eq!(world.coordinator.record().model, before.model);
        world.run();
        world.pass_deadlines();
        assert_eq!(world.finished, Some(true), "after {steps} deliveries");
        world.assert_sums_exact();
        assert_eq!(world.sums.len(), 5);
        let sessions = world.events.iter().filter(|event| matches!(event, CoordinatorEvent::SessionKeyed { .. }));
        // Five rounds and the one that was open fit into two sessions, so a third would mean that one was lost.
        batches.push(sessions.count());
    }
    let kept = batches.iter().filter(|count| **count == 2).count();
    assert!(10 * kept >= 9 * batches.len(), "sessions outlive the coordinator: {batches:?}");
}

#[test]
fn retries_end_where_the_charges_end() {
    let mut world = World::new(9, plan(|plan| plan.retries = 0));
    world.connect_all();
    while world.coordinator.record().charged(0) < 2 {
        assert!(world.step());
    }
    // Two of nine are more than a round can lose.
    world.cut(ClientId(1));
    world.cut(ClientId(2));
    world.connect(ClientId(1));
    world.connect(ClientId(2));
    world.run();
    world.pass_deadlines();
    assert_eq!(world.finished, Some(false), "five rounds may be charged, one was lost");
    assert_eq!(world.sums.len(), 4);
    world.assert_sums_exact();
}

#[test]
fn without_noise_nothing_runs_unless_every_policy_says_so() {
    let quiet = |plan: &mut crate::plan::Plan| {
        (plan.privacy, plan.delta_bits) = (PrivacyMode::None, 0);
        plan.stages[0].noise_variance = 0;
        plan.stages[0].charge = Accounts::zero();
    };
    let mut world = World::new(8, plan(quiet));
    world.connect_all();
    world.run();
    assert!(world.sums.is_empty());
    assert!(world.branches.values().all(|branch| branch.stopped.is_some()));

    let open = plan(quiet);
    let mut world = World::with_policy(8, open.clone(), |_| {
        let mut policy = policy(&plan(|_| {}));
        policy.modes.push(PrivacyMode::None);
        policy
    });
    world.connect_all();
    world.run();
    assert_eq!(world.finished, Some(true));
    world.assert_sums_exact();
}

#[test]
fn a_plan_whose_sum_could_wrap_is_refused() {
    let fault = plan(|plan| plan.stages[0].ring = Ring::Bits32).validate();
    assert!(matches!(fault, Err(PlanFault::Wraps { bits: 32, .. })), "{fault:?}");
    let huge = plan(|plan| plan.customers_max = (1 << 40) + 1).validate();
    assert!(matches!(huge, Err(PlanFault::OutOfRange { field: "customers_max", .. })));
}

/// A participant that adds the whole noise instead of its share tells nobody, so the ring is large enough for all of them.
#[test]
fn the_ring_has_room_for_the_whole_noise_of_every_participant() {
    let with = |deviation: u128| {
        let variance = deviation.pow(2);
        let narrow = plan(|plan| {
            let stage = &mut plan.stages[0];
            stage.ring = Ring::Bits32;
            (stage.reach, stage.sensitivity_squared, stage.noise_variance) = (1 << 10, 1 << 20, variance);
        });
        cast::priced(narrow).validate()
    };
    // 2000 customers of 1024 units, and 13 deviations of the sum of 10,000 whole noises: below 2^31, and with one unit more not.
    let most = 1_650_335;
    assert!(2_048_000 + 13 * (100 * most + 1) < 1 << 31 && 2_048_000 + 13 * 100 * (most + 1) >= 1_u128 << 31);
    assert!(with(most).is_ok());
    assert!(matches!(with(most + 1), Err(PlanFault::Wraps { bits: 32, .. })));
}

fn organisations(operator: u32, others: u16, outside_min: u16) -> Plan {
    let operator = OrganisationId(operator);
    plan(|plan| plan.cohort.coalition = CoalitionRule::Organisations { operator, others, outside_min })
}

/// Two plans that differ are two, and one plan is the same in every version.
#[test]
fn every_field_of_a_plan_is_in_its_digest() {
    let plans = [
        plan(|_| {}),
        plan(|plan| plan.name = "other".into()),
        plan(|plan| plan.purpose = "other".into()),
        plan(|plan| plan.schema.0[0] ^= 1),
        plan(|plan| plan.architecture.push(2)),
        plan(|plan| plan.initial_model = ModelRef::Digest(crate::digest::Digest::ZERO)),
        plan(|plan| plan.initial_model = ModelRef::Zero),
        plan(|plan| plan.initial_model = ModelRef::Seed(1)),
        plan(|plan| plan.initial_model = ModelRef::Seed(2)),
        plan(|plan| plan.initial_model = ModelRef::PreviousRun),
        plan(|plan| plan.initial_model = ModelRef::Champion),
        plan(|plan| (plan.privacy, plan.delta_bits) = (PrivacyMode::None, 0)),
        plan(|plan| plan.privacy = PrivacyMode::Local),
        plan(|plan| plan.privacy = PrivacyMode::Branch),
        plan(|plan| plan.overlap_max += 1),
        plan(|plan| plan.stages.push(cast::stage())),
        plan(|plan| plan.stages[0].kind = "other".into()),
        plan(|plan| plan.stages[0].settings.push(4)),
        plan(|plan| plan.stages[0].dimension += 1),
        plan(|plan| plan.stages[0].ring = Ring::Bits32),
        plan(|plan| plan.stages[0].summed = Unit::Branch),
        plan(|plan| plan.stages[0].reach -= 1),
        plan(|plan| plan.stages[0].sensitivity_squared += 1),
        plan(|plan| plan.stages[0].customer_sensitivity_squared += 1),
        plan(|plan| plan.stages[0].noise_variance += 1),
        plan(|plan| plan.stages[0].noise = NoiseShare::Whole),
        plan(|plan| plan.stages[0].noise = NoiseShare::Inside),
        plan(|plan| plan.stages[0].releases += 1),
        plan(|plan| plan.stages[0].sampling_threshold += 1),
        plan(|plan| plan.stages[0].charge = plan.stages[0].charge.times(2)),
        plan(|plan| plan.stages[0].charge.branch = plan.stages[0].charge.customer.clone()),
        plan(|plan| plan.stages[0].rounds += 1),
        plan(|plan| plan.stages[0].model_bytes += 1),
        plan(|plan| plan.retries += 1),
        plan(|plan| plan.runs += 1),
        plan(|plan| plan.customers_nominal += 1),
        plan(|plan| plan.customers_max += 1),
        plan(|plan| plan.session_rounds += 1),
        plan(|plan| plan.cohort.cohort_min += 1),
        plan(|plan| plan.cohort.organisations_min += 1),
        plan(|plan| plan.cohort.coalition = CoalitionRule::Fraction { permille: 201 }),
        organisations(200, 1, 2),
        organisations(201, 1, 2),
        organisations(200, 2, 2),
        organisations(200, 1, 3),
        plan(|plan| plan.cohort.survivors_permille += 1),
        plan(|plan| plan.cohort.honest_min += 1),
        plan(|plan| plan.group = "pilot".into()),
        plan(|plan| plan.round_deadline_ms += 1),
        plan(|plan| plan.upload_offset_ms += 1),
        plan(|plan| plan.keying_deadline_ms += 1),
        plan(|plan| plan.delta_bits += 1),
        plan(|plan| plan.cap = plan.cap.times(2)),
        plan(|plan| plan.schedule.not_before += 1),
        plan(|plan| plan.schedule.not_after -= 1),
        plan(|plan| plan.schedule.rhythm = Rhythm::Interval { seconds: 1 }),
        plan(|plan| plan.schedule.rhythm = Rhythm::Monthly { day: 1 }),
        plan(|plan| plan.readiness.ready_min += 1),
        plan(|plan| plan.retention.uploads_dimension_max -= 1),
        plan(|plan| plan.retention.sums = false),
        plan(|plan| plan.retention.days -= 1),
        plan(|plan| plan.gates.card = false),
        plan(|plan| plan.gates.challenger = false),
    ];
    assert_eq!(frozen(plans.iter().map(Plan::digest)), "46975272");
}
