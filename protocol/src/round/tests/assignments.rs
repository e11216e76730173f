//! Every way in which the members of a small cohort can behave in one round, and random ways for larger cohorts: the exact sum of the
//! survivors whenever the thresholds hold, a clean end without a sum otherwise.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::entropy::Entropy;
use crate::ids::{ClientId, RoundId};
use crate::message::{Downstream, Upstream};
use crate::round::{CoordinatorEvent, Input};
use crate::secagg::parameters::{CoalitionRule, CohortRule};
use crate::secagg::toy::Seeded;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Stays,
    /// Its connection ends before it hears of the round.
    DropsBeforeMasking,
    /// Its upload arrives when the survivor set is fixed.
    UploadsLate,
    /// Its connection ends before it hears of the certificate.
    DropsAtUnmasking,
}

const ALL: [Behaviour; 4] =
    [Behaviour::Stays, Behaviour::DropsBeforeMasking, Behaviour::UploadsLate, Behaviour::DropsAtUnmasking];

/// Nobody colludes, two are a cohort, and a majority opens.
fn smallest() -> CohortRule {
    let coalition = CoalitionRule::Fraction { permille: 0 };
    CohortRule { coalition, cohort_min: 2, organisations_min: 1, survivors_permille: 500, honest_min: 1 }
}

/// An unmasked sum, and the plain one.
type Sums = (Vec<i64>, Vec<i64>);

/// Plays one round; the survivors that the coordinator fixed, if it did, and the unmasked sum beside the plain one, if there is one.
fn play(behaviours: &[Behaviour], rule: Option<CohortRule>) -> (Option<Vec<ClientId>>, Option<Sums>) {
    let clients = u32::try_from(behaviours.len()).unwrap();
    let mut world = World::new(
        clients,
        plan(|plan| {
            (plan.stages[0].rounds, plan.retries, plan.session_rounds) = (1, 0, 1);
            plan.cohort = rule.unwrap_or(plan.cohort);
        }),
    );
    world.connect_all();
    let behaviour = |client: ClientId| behaviours[client.0 as usize - 1];
    let mut held = Vec::new();
    while world.finished.is_none() {
        let frozen = survivors(&world).is_some();
        if frozen {
            held.drain(..).for_each(|packet| world.packets.push_front(packet));
        }
        match world.packets.front() {
            Some(Packet::Start(client, _)) if behaviour(*client) == Behaviour::DropsBeforeMasking => {
                let client = *client;
                world.cut(client);
            }
            Some(Packet::Down(client, Downstream::Quorum(_))) if behaviour(*client) == Behaviour::DropsAtUnmasking => {
                let client = *client;
                world.cut(client);
            }
            Some(Packet::Up(client, Upstream::Masked(_)))
                if behaviour(*client) == Behaviour::UploadsLate && !frozen =>
            {
                held.extend(world.packets.pop_front());
            }
            Some(_) => {
                world.step();
            }
            None => {
                // Somebody is awaited who does not come.
                world.now = world.coordinator.wait().deadline.expect("a round has a deadline");
                world.tell(Input::Timer);
            }
        }
    }
    (
        survivors(&world),
        world.sums.pop().map(|(round, sum, plain)| {
            assert_eq!(round, RoundId(1));
            (sum, plain)
        }),
    )
}

fn survivors(world: &World) -> Option<Vec<ClientId>> {
    world.events.iter().find_map(|event| match event {
        CoordinatorEvent::SurvivorsFrozen { survivors, .. } => Some(survivors.clone()),
        _ => None,
    })
}

fn count(behaviours: &[Behaviour], wanted: &[Behaviour]) -> usize {
    behaviours.iter().filter(|behaviour| wanted.contains(behaviour)).count()
}

/// Holds the outcome against what the thresholds promise, in a complete graph without a committee.
fn check(behaviours: &[Behaviour], rule: Option<CohortRule>, (survivors_min, threshold): (usize, usize)) -> bool {
    let (frozen, sum) = play(behaviours, rule);
    let uploaded = count(behaviours, &[Behaviour::Stays, Behaviour::DropsAtUnmasking]);
    let stayed = count(behaviours, &[Behaviour::Stays]);
    assert_eq!(frozen.is_some(), uploaded >= survivors_min, "{behaviours:?}");
    if let Some(frozen) = &frozen {
        let expected = (1_u32..)
            .map(ClientId)
            .zip(behaviours)
            .filter(|(_, behaviour)| matches!(behaviour, Behaviour::Stays | Behaviour::DropsAtUnmasking));
        assert!(frozen.iter().copied().eq(expected.map(|(client, _)| client)), "{behaviours:?}");
    }
    assert_eq!(sum.is_some(), uploaded >= survivors_min && stayed >= threshold, "{behaviours:?}");
    if let Some((sum, plain)) = &sum {
        assert_eq!(sum, plain, "{behaviours:?}");
    }
    sum.is_some()
}

/// Plays these assignments, given by number, to a cohort of so many; how many gave a sum.
fn play_all(clients: u32, assignments: impl Iterator<Item = u32>) -> u32 {
    let majority = clients as usize / 2 + 1;
    let one = |assignment: u32| {
        let digit = |place: u32| ALL[(assignment / 4_u32.pow(place) % 4) as usize];
        let behaviours: Vec<Behaviour> = (0..clients).map(digit).collect();
        u32::from(check(&behaviours, Some(smallest()), (majority.max(2), majority)))
    };
    assignments.map(one).sum()
}

#[test]
fn every_assignment_to_cohorts_of_up_to_six_gives_the_exact_sum_or_none() {
    for clients in 2..=6 {
        let assignments = 4_u32.pow(clients);
        let sums = play_all(clients, 0..assignments);
        assert!(sums > 0 && sums < assignments, "both ends are met: {sums} of {assignments}");
    }
}

#[test]
fn every_assignment_to_seven_gives_the_exact_sum_or_none() {
    // The first of the seven stays, and three of the others at least; or it is late, and four of them.
    assert_eq!(play_all(7, (0..4_u32.pow(7)).step_by(2)), 694 + 154);
}

#[test]
fn every_other_assignment_to_seven_does_as_well() {
    // The first of the seven drops, before masking or at unmasking: four of the others stay.
    assert_eq!(play_all(7, (1..4_u32.pow(7)).step_by(2)), 154 + 154);
}

#[test]
fn random_assignments_to_larger_cohorts_give_the_exact_sum_or_none() {
    let mut entropy = Seeded::new(11);
    let mut outcomes: BTreeMap<(usize, bool), u32> = BTreeMap::new();
    for (clients, seeds) in [(9, 40), (16, 40), (40, 12), (120, 3)] {
        for _ in 0..seeds {
            // From almost nobody to more than a third.
            let weight = entropy.bytes32()[0] % 100;
            let behaviours: Vec<Behaviour> = (0..clients)
                .map(|_| {
                    let [draw, which, ..] = entropy.bytes32();
                    if draw < weight { ALL[1 + usize::from(which) % 3] } else { Behaviour::Stays }
                })
                .collect();
            let rule = plan(|_| {}).cohort;
            let own: Vec<_> = (0..u32::try_from(clients).unwrap()).map(|_| crate::ids::OrganisationId(1)).collect();
            let thresholds = rule.thresholds(&own, own.len()).unwrap();
            let numbers = (usize::from(thresholds.survivors_min), usize::from(thresholds.threshold));
            *outcomes.entry((clients, check(&behaviours, None, numbers))).or_default() += 1;
        }
    }
    let met = outcomes.keys().filter(|(clients, _)| *clients < 20).count();
    assert_eq!(met, 4, "both ends, for both sizes: {outcomes:?}");
}

/// In a sparse graph each secret has holders of its own: what is released is exact all the same.
#[test]
fn random_assignments_above_the_complete_graph_give_the_exact_sum_or_none() {
    let mut entropy = Seeded::new(12);
    let mut sums = 0;
    for dropping in [10_u8, 25, 120] {
        let behaviours: Vec<Behaviour> = (0..300)
            .map(|_| {
                let [draw, which, ..] = entropy.bytes32();
                if draw < dropping { ALL[1 + usize::from(which) % 3] } else { Behaviour::Stays }
            })
            .collect();
        let (frozen, sum) = play(&behaviours, None);
        let uploaded = count(&behaviours, &[Behaviour::Stays, Behaviour::DropsAtUnmasking]);
        assert_eq!(frozen.is_some(), uploaded >= 240, "four fifths of 300 must survive; {uploaded} did");
        if let Some((sum, plain)) = sum {
            assert_eq!(sum, plain);
            sums += 1;
        }
    }
    assert_eq!(sums, 2);
}
