//! What is checked above the complete graph alone: contributions to the seed, and holders of each secret among the survivors.

use alloc::vec::Vec;

use super::{Row, VICTIM, refusals, rejected, revealed, told, until};
use crate::ids::ClientId;
use crate::message::{Downstream, Neighbourhood, RefusalCode, RejectCode, Survivors, Upstream};
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{Input, ParticipantInput};

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
