//! What is checked above the complete graph alone: contributions to the seed, and holders of each secret among the survivors.

use alloc::vec::Vec;

use super::{Row, VICTIM, refusals, rejected, revealed, signs, told, until};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::limits::GRAPH_ATTEMPTS_MAX;
use crate::list::List;
use crate::message::{
    Downstream, Freeze, KeysStatement, Neighbourhood, Offer, RefusalCode, RejectCode, SignedBody, Survivors, Upstream,
};
use crate::plan::Plan;
use crate::round::cast::coordinator_signs;
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{Input, ParticipantInput};
use crate::secagg::parameters::{CoalitionRule, CohortRule};
use crate::secagg::suite::Signature;
use crate::secagg::toy::Toy;

const CLIENTS: u32 = 257;

fn world() -> World {
    let mut world = World::new(CLIENTS, plan(|plan| plan.session_rounds = 1));
    world.connect_all();
    world
}

/// Whether a contribution is a lie by itself, and what becomes of it; the other one is told twice.
type Contributed = (bool, fn(&mut [u8; 32]));

pub(super) const CONTRIBUTION: &[Contributed] = &[(true, |contribution| contribution[31] ^= 1), (false, |_| {})];

#[test]
fn a_contribution_that_was_not_committed_or_comes_twice_is_not_taken() {
    let contributes = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Contribution { .. }));
    for (forged, change) in CONTRIBUTION {
        let forged = *forged;
        let mut world = world();
        let Packet::Up(_, message) = until(&mut world, contributes) else { panic!("it goes up") };
        let Upstream::Contribution { session, mut contribution } = message else { panic!("a contribution") };
        change(&mut contribution);
        let message = Upstream::Contribution { session, contribution };
        world.tell(Input::Message(VICTIM, message.clone()));
        assert_eq!(rejected(&world, VICTIM).is_some(), forged);
        if !forged {
            world.tell(Input::Message(VICTIM, message));
        }
        assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved));
    }
}

/// 206 of 257 survive, as many as must; but of the victim's 102 neighbours 51 are lost, and with itself 52 of the 60 holders are left that its
/// secrets need. Lost elsewhere, as many do no harm.
#[test]
fn a_survivor_set_that_leaves_a_secret_without_holders_is_refused() {
    for concentrated in [true, false] {
        let mut world = world();
        let mut neighbours: Vec<ClientId> = told(&mut world, |message| match message {
            Downstream::Neighbourhood(hood) => Some(hood),
            _ => None,
        })
        .keys
        .iter()
        .map(|keys| keys.client)
        .collect();
        assert_eq!(neighbours.len(), 102);
        // It goes on as if nobody had looked.
        world = self::world();
        let mut survivors: Survivors = told(&mut world, |message| match message {
            Downstream::Survivors(survivors) => Some(survivors),
            _ => None,
        });
        if !concentrated {
            // Every fifth member.
            neighbours = (1..=CLIENTS).filter(|number| number % 5 == 1).map(ClientId).collect();
        }
        neighbours.truncate(51);
        survivors.uploads.to_mut().retain(|(client, _)| !neighbours.contains(client));
        assert_eq!(survivors.uploads.len(), 206);
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Survivors(survivors)));
        let expected = if concentrated { &[RefusalCode::SurvivorsInvalid][..] } else { &[] };
        assert_eq!(refusals(&world), expected);
        assert_eq!(revealed(&world), 0);
    }
}

/// The holders of the victim's secrets are itself and its 102 neighbours, and 60 of them must be left: 43 neighbours may be lost, and not one more.
#[test]
fn a_secret_may_lose_holders_down_to_its_threshold_and_not_one_more() {
    for (lost, code) in [(43, None), (44, Some(RefusalCode::SurvivorsInvalid))] {
        let mut world = world();
        let hood = told(&mut world, |message| match message {
            Downstream::Neighbourhood(hood) => Some(hood),
            _ => None,
        });
        let mut gone: Vec<ClientId> = hood.keys.iter().map(|keys| keys.client).collect();
        gone.truncate(lost);
        world = self::world();
        let mut survivors: Survivors = told(&mut world, |message| match message {
            Downstream::Survivors(survivors) => Some(survivors),
            _ => None,
        });
        // Others are lost as well, far from it: so many that its holders must be counted.
        let is_near = |client: ClientId| client == VICTIM || hood.keys.iter().any(|keys| keys.client == client);
        gone.extend((1..=CLIENTS).map(ClientId).filter(|client| !is_near(*client)).take(51 - lost));
        survivors.uploads.to_mut().retain(|(client, _)| !gone.contains(client));
        assert_eq!(survivors.uploads.len(), 206);
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Survivors(survivors)));
        assert_eq!(refusals(&world).first().copied(), code, "{lost} neighbours are lost");
    }
}

pub(super) const NEIGHBOURHOOD: &[Row<Neighbourhood>] = &[
    ("a contribution that was not committed", RefusalCode::SignatureInvalid, |hood| {
        hood.contributions.to_mut()[0][0] ^= 1;
    }),
    ("a contribution too few", RefusalCode::SignatureInvalid, |hood| {
        hood.contributions.to_mut().pop();
    }),
    ("a neighbour's keys are gone", RefusalCode::Unexpected, |hood| {
        hood.keys.pop();
    }),
    ("other keys than a neighbour stated", RefusalCode::SignatureInvalid, |hood| {
        hood.keys[0].exchange.diffie_hellman[0] ^= 1;
    }),
];

#[test]
fn a_neighbourhood_with_one_thing_wrong_is_refused() {
    for (what, code, change) in NEIGHBOURHOOD {
        let mut world = world();
        let mut hood = told(&mut world, |message| match message {
            Downstream::Neighbourhood(hood) => Some(hood),
            _ => None,
        });
        change(&mut hood);
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Neighbourhood(hood)));
        assert_eq!(refusals(&world), [*code], "{what}");
    }
}

/// A rule that admits a cohort of three, so that one can stand in a federation of many.
fn of_three() -> Plan {
    let coalition = CoalitionRule::Fraction { permille: 0 };
    let rule = CohortRule { coalition, cohort_min: 2, organisations_min: 1, survivors_permille: 800, honest_min: 1 };
    plan(|plan| (plan.cohort, plan.session_rounds) = (rule, 3))
}

/// Three of many are here, and the victim, who has admitted the plan, is about to be asked for the keys of their set-up.
fn three_of_many() -> (World, Offer) {
    let mut world = World::new(CLIENTS, of_three());
    [4, 5, 6].into_iter().for_each(|number| world.connect(ClientId(number)));
    world.run();
    world.now = world.coordinator.deadline().expect("others are hoped for");
    world.tell(Input::Timer);
    let offer = told(&mut world, |message| match message {
        Downstream::Offer(offer) => Some(offer),
        _ => None,
    });
    assert_eq!(offer.candidates.len(), 3);
    (world, offer)
}

/// A set-up of so many that is made up, as far as the victim has to answer it: the offer, and the statements of all.
fn made_up(offer: &Offer, count: u32) -> (Offer, Freeze) {
    let session = SessionId([9; 32]);
    let candidates: Vec<ClientId> = (1..=count).map(ClientId).collect();
    let statement = |client: &ClientId| {
        let mut statement = KeysStatement {
            session,
            client: *client,
            contribution: Digest::ZERO,
            keys: Digest::ZERO,
            counter: 1,
            noise: Vec::new(),
            nonce: None,
            signature: Signature::none(),
        };
        statement.signature = signs(*client, &statement);
        statement
    };
    let organisations = alloc::vec![OrganisationId(1); candidates.len()];
    let thresholds = of_three().cohort.thresholds(&organisations, CLIENTS as usize).expect("a cohort");
    let members = candidates.iter().map(statement).collect();
    let freeze = Freeze { session, members, keys: List::default(), thresholds };
    let mut offer = Offer { session, first_round: RoundId(100), candidates: candidates.into(), ..offer.clone() };
    offer.signature = coordinator_signs(&offer.to_sign::<Toy>());
    (offer, freeze)
}

/// Tells the victim a set-up that is made up; whether it shows its part of the graph's seed.
fn reveals(world: &mut World, (offer, freeze): &(Offer, Freeze)) -> bool {
    let told = world.packets.len();
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Offer(offer.clone())));
    let Some(Packet::Up(VICTIM, Upstream::Keys(keys))) = world.packets.get(told).cloned() else { return false };
    let mut freeze = freeze.clone();
    freeze.members.to_mut()[VICTIM.0 as usize - 1] = keys.statement;
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Freeze(freeze)));
    let reveals = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Contribution { .. }));
    let revealed = world.packets.iter().skip(told).any(reveals);
    world.packets.truncate(told);
    revealed
}

/// Contributions to the graph are shown in large cohorts, and the graph could be chosen by breaking off again and again. A set-up that stands ends the count.
#[test]
fn set_ups_that_break_off_behind_the_reveal_are_counted_until_one_stands() {
    let (mut world, offer) = three_of_many();
    let made_up = made_up(&offer, CLIENTS);
    for attempt in 1..GRAPH_ATTEMPTS_MAX {
        assert!(reveals(&mut world, &made_up), "attempt {attempt}");
    }
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Offer(offer)));
    let acknowledged = told(&mut world, |message| matches!(message, Downstream::SetupAcks { .. }).then_some(message));
    world.tell_branch(VICTIM, ParticipantInput::Message(acknowledged));
    for attempt in 0..GRAPH_ATTEMPTS_MAX {
        assert!(reveals(&mut world, &made_up), "attempt {attempt} after the session: {:?}", refusals(&world));
    }
    assert_eq!(refusals(&world), []);
    assert!(!reveals(&mut world, &made_up));
    assert_eq!(refusals(&world), [RefusalCode::AttemptsExhausted]);
}

/// The graph of the largest cohort in which everybody masks with everybody is drawn by nobody.
#[test]
fn nothing_is_revealed_for_a_complete_graph() {
    for (count, revealed) in [(CLIENTS - 1, false), (CLIENTS, true)] {
        let (mut world, offer) = three_of_many();
        assert_eq!(reveals(&mut world, &made_up(&offer, count)), revealed, "{count}");
    }
}
