//! A coordinator that puts its colluders together with one victim.
//!
//! Of a hundred enrolled branches a fifth may work with it, and seven do. Counted of a cohort, a fifth of eight is two: the noise shares of six
//! are counted on, and the sum holds the victim's alone.

extern crate std;

use alloc::vec::Vec;

#[cfg(feature = "sabotage")]
use super::without;
use super::world::{Packet, World, plan};
#[cfg(feature = "sabotage")]
use crate::defence::Defence;
use crate::ids::{ClientId, OrganisationId};
use crate::message::{Downstream, Floor, Freeze, Offer, RefusalCode, SignedBody};
use crate::plan::Plan;
use crate::privacy::{Accounts, ORDERS, RdpVector};
use crate::round::cast::coordinator_signs;
use crate::round::{CoordinatorEvent, Input, ParticipantInput};
use crate::secagg::parameters::CohortRule;
use crate::secagg::toy::Toy;

const ENROLLED: u32 = 100;
const VICTIM: ClientId = ClientId(8);
/// Seven colluders and the victim.
const CHOSEN: u32 = 8;
/// Noise variance over squared sensitivity at which the rounds below cost epsilon 1.
const NOISE: u128 = 2156;
const ROUNDS: u64 = 105;

/// A plan whose rounds cost epsilon 1 at delta 1e-6, if the noise is what it says.
fn served() -> Plan {
    plan(|plan| {
        plan.stages[0].noise_variance = NOISE << 40;
        plan.stages[0].charge = Accounts::customers(RdpVector::gaussian(1, NOISE));
    })
}

fn chosen(client: ClientId) -> bool {
    client.0 <= CHOSEN
}

/// Epsilon at delta 1e-6 of all rounds at a noise variance, by the conversion of Canonne, Kamath and Steinke 2020, proposition 12.
fn epsilon(variance: u128) -> f64 {
    let delta = 1e-6_f64;
    let spent = RdpVector::gaussian(1 << 40, variance).times(ROUNDS);
    let orders = ORDERS.iter().zip(spent.nanos()).map(|(order, nanos)| {
        let (order, rdp) = (f64::from(*order), *nanos as f64 / 1e9);
        rdp + ((order - 1.0) / order).ln() - (delta.ln() + order.ln()) / (order - 1.0)
    });
    orders.fold(f64::INFINITY, f64::min)
}

#[test]
fn both_sides_are_told_who_is_missing_until_enough_are_here() {
    let mut world = World::new(ENROLLED, served());
    (1..=58).for_each(|number| world.connect(ClientId(number)));
    world.run();
    let muster = world.coordinator.muster().expect("too few are here");
    assert_eq!((muster.here, muster.needed, muster.more), (58, 61, 42 - 20));
    assert_eq!(muster.missing, (59..79).map(ClientId).collect::<Vec<_>>());
    assert_eq!(world.coordinator.ready_clients().len(), 58);
    (59..=61).for_each(|number| world.connect(ClientId(number)));
    world.run();
    assert_eq!(world.coordinator.muster(), None, "{:?}", world.coordinator.wait());
}

#[test]
fn the_operator_is_told_how_many_must_be_present() {
    let mut world = World::new(ENROLLED, served());
    (1..=CHOSEN).for_each(|number| world.connect(ClientId(number)));
    world.run();
    assert_eq!(world.coordinator.lacking(), None, "others are hoped for");
    world.now = world.coordinator.deadline().expect("until then");
    world.tell(Input::Timer);
    let wait = world.coordinator.wait();
    assert_eq!(world.coordinator.lacking(), Some(wait.reason.clone()));
    assert!(wait.reason.contains("8 are ready; 61 of the 100 members of group \"all\" must be present"), "{wait:?}");
    assert!(wait.reason.contains("up to 20 of the group"), "{wait:?}");
    assert_eq!(wait.deadline, None);
    assert!(world.events.iter().all(|event| !matches!(event, CoordinatorEvent::SessionOpened { .. })));
    // One more than three times the assumed coalition.
    (9..=60).for_each(|number| world.connect(ClientId(number)));
    world.run();
    assert!(world.sums.is_empty());
    world.connect(ClientId(61));
    assert!(world.coordinator.lacking().is_some(), "it has not admitted the plan yet");
    world.run();
    assert_eq!(world.coordinator.lacking(), None);
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    world.assert_sums_exact();
}

/// The victim is shown a set-up of the eight alone, with the thresholds that eight would have.
#[test]
fn a_cohort_of_colluders_and_one_victim_is_refused() {
    let mut world = World::new(ENROLLED, served());
    world.connect_all();
    let victims = |packet: &Packet| match packet {
        Packet::Down(VICTIM, Downstream::Offer(_)) => Some(false),
        Packet::Down(VICTIM, Downstream::Freeze(_)) => Some(true),
        _ => None,
    };
    let mut frozen = false;
    while !frozen {
        let Some(freezes) = world.packets.front().and_then(victims) else {
            assert!(world.step());
            continue;
        };
        frozen = freezes;
        let told = match world.packets.pop_front() {
            Some(Packet::Down(_, Downstream::Offer(offer))) => Downstream::Offer(concentrated_offer(offer)),
            Some(Packet::Down(_, Downstream::Freeze(freeze))) => Downstream::Freeze(concentrated(freeze)),
            _ => panic!("an offer or a freeze"),
        };
        world.tell_branch(VICTIM, ParticipantInput::Message(told));
    }
    assert_eq!(world.refusals(), [(VICTIM, RefusalCode::PolicyFloor(Floor::Cohort))]);
}

fn concentrated_offer(mut offer: Offer) -> Offer {
    offer.candidates.to_mut().retain(|client| chosen(*client));
    offer.signature = coordinator_signs(&offer.to_sign::<Toy>());
    offer
}

fn concentrated(mut freeze: Freeze) -> Freeze {
    freeze.members.to_mut().retain(|statement| chosen(statement.client));
    freeze.keys.to_mut().retain(|keys| chosen(keys.client));
    let members = [OrganisationId(1); CHOSEN as usize];
    freeze.thresholds = CohortRule::USUAL.thresholds(&members, members.len()).expect("as if eight were all");
    freeze
}

/// The coordinator's own machine counts of the cohort as well, and the session of the eight stands.
#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_seven_colluders_leave_their_victim_a_sixth_of_the_noise() {
    let world = without(Defence::GroupCoalition, || {
        let mut world = World::new(ENROLLED, served());
        (1..=CHOSEN).for_each(|number| world.connect(ClientId(number)));
        world.run();
        world.now = world.coordinator.deadline().expect("others are hoped for");
        world.tell(Input::Timer);
        world.run();
        world
    });
    assert_eq!(world.refusals(), []);
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    world.assert_sums_exact();
    let shares: Vec<u128> = world
        .events
        .iter()
        .filter_map(|event| match event {
            CoordinatorEvent::RoundStarted { descriptor } => Some(descriptor.share_variance),
            _ => None,
        })
        .collect();
    assert_eq!(shares, [(NOISE << 40).div_ceil(6); 5]);
    // The seven know what they put in, noise and all: what is left is the victim's update with its own share.
    let (promised, left) = (epsilon(NOISE << 40), epsilon(shares[0]));
    assert!((promised - 1.0).abs() < 0.01, "{promised}");
    assert!((left - 2.6).abs() < 0.05, "{left}");
}

/// With the defence up every cohort of the hundred has enough honest shares for the plan's epsilon, whoever is in it.
#[test]
fn every_cohort_that_is_admitted_carries_the_noise_of_the_plan() {
    for cohort in 61..=100_u16 {
        let members: Vec<OrganisationId> = (0..cohort).map(|_| OrganisationId(1)).collect();
        let own = CohortRule::USUAL.thresholds(&members, ENROLLED as usize).expect("enough of the group");
        let share = (NOISE << 40).div_ceil(own.honest_min.into());
        // All twenty that may collude in the whole group are among the fewest survivors.
        let honest = u128::from(own.survivors_min - 20);
        assert!(epsilon(share * honest) <= epsilon(NOISE << 40) + 1e-9, "{cohort}");
    }
}
