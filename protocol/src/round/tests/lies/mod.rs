//! The table of lies. Every refusal by itself: one row for each thing that a machine checks, and a message in which that thing alone is wrong. Whatever else
//! could be checked is in order, signatures by those who lie included, so that a check that is missing shows.

mod budget_record;
mod caps;
mod claims;
mod coverage;
mod ends;
mod from_coordinator;
mod from_members;
mod from_members_keying;
mod from_members_rounds;
mod joining;
mod keying;
mod large;
mod losses;
mod owners;
mod proofs;
mod reliance;
mod rounds;
mod run_record;
mod signals;
mod told;

use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::ids::ClientId;
use crate::message::{Downstream, RefusalCode, RejectCode, SignedBody, Upstream};
use crate::round::cast::signing_key;
use crate::round::{ParticipantEvent, ParticipantInput};
use crate::secagg::suite::{Signature, Suite};
use crate::secagg::toy::Toy;

/// Who is lied to, or lies: one with members before it and after it.
const VICTIM: ClientId = ClientId(5);

/// What is wrong, the refusal that it earns, and how it becomes wrong.
type Row<M> = (&'static str, RefusalCode, fn(&mut M));

/// A plan of nine, about to begin.
fn nine() -> World {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    world
}

/// Lets a world run until this packet is the next one, and takes it out.
fn until(world: &mut World, due: impl Fn(&Packet) -> bool) -> Packet {
    loop {
        if world.packets.front().is_some_and(&due) {
            return world.packets.pop_front().expect("it is there");
        }
        assert!(world.step(), "the packet comes: {:?}", world.coordinator.wait());
    }
}

/// As [`until`], for what the victim is told; the first message in which `find` finds something.
fn told<M>(world: &mut World, find: fn(Downstream) -> Option<M>) -> M {
    let due = |packet: &Packet| match packet {
        Packet::Down(VICTIM, message) => find(message.clone()).is_some(),
        _ => false,
    };
    match until(world, due) {
        Packet::Down(_, message) => find(message).expect("it was found before"),
        Packet::Up(..) | Packet::Start(..) => panic!("it goes down"),
    }
}

/// Tells the victim of every world a message in which one thing is wrong. It refuses in the row's words, once, and nothing is revealed.
fn refuses<M: Clone>(find: fn(Downstream) -> Option<M>, tell: fn(M) -> Downstream, rows: &[Row<M>]) {
    for (what, code, change) in rows {
        let mut world = nine();
        let mut message = told(&mut world, find);
        change(&mut message);
        world.tell_branch(VICTIM, ParticipantInput::Message(tell(message)));
        assert_eq!(refusals(&world), [*code], "{what}");
        assert_eq!(revealed(&world), 0, "{what}");
    }
}

/// What the victim refused.
fn refusals(world: &World) -> Vec<RefusalCode> {
    world.refusals().into_iter().filter(|(client, _)| *client == VICTIM).map(|(_, code)| code).collect()
}

/// How often the victim revealed shares.
fn revealed(world: &World) -> usize {
    let reveals = |event: &&ParticipantEvent| matches!(event, ParticipantEvent::SharesRevealed { .. });
    world.branches[&VICTIM].events.iter().filter(reveals).count()
}

/// The code with which a client was rejected, as it is on its way.
fn rejected(world: &World, client: ClientId) -> Option<RejectCode> {
    world.packets.iter().find_map(|packet| match packet {
        Packet::Down(to, Downstream::Rejected { code, .. }) if *to == client => Some(*code),
        _ => None,
    })
}

/// A member signs whatever this says.
fn signs(client: ClientId, body: &impl SignedBody) -> Signature {
    Toy::sign(&signing_key(client), &body.to_sign::<Toy>())
}

/// Whether a packet comes from the victim and holds such a message.
fn from_victim(packet: &Packet, is: fn(&Upstream) -> bool) -> bool {
    matches!(packet, Packet::Up(VICTIM, message) if is(message))
}

/// The rules that a file of the rule book names, in their own words: every text of more than one word that is no error's form and no comment.
fn rules_in(source: &'static str) -> Vec<&'static str> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let texts = code.filter_map(|line| Some(line.split_once('"')?.1.rsplit_once('"')?.0));
    texts.filter(|text| text.contains(' ') && !text.contains('{')).collect()
}
