//! Histories that dice have written: connections break, messages are lost, doubled, late or changed, processes start again, deadlines pass. What both
//! machines say and write in them stays the same to the byte, like [the transcripts](super::transcripts) of runs that were thought out.

mod federation;
mod play;

use alloc::string::String;
use alloc::vec::Vec;

use self::play::{Dice, Play, anybody, with};
use super::answers;
use super::liars::{COMMITMENT, ENVELOPE, LONGER_PATH, LOW_BYTE, PAIR, SHARE, SHORTER_PATH, SIBLING};
use super::world::{Packet, World, plan};
use crate::codec;
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::limits::CONTROL_MESSAGE_BYTES_MAX;
use crate::message::Upstream;
use crate::round::ParticipantInput;
use crate::round::cast::{self, counting_plan};
use crate::secagg::toy::Seeded;
use crate::time::Millis;

/// A kind of histories: its name, what is played in each of them, and the first bytes of all that was said in them.
type Kind = (&'static str, fn(u8) -> Play, &'static str);

const KINDS: [Kind; 11] = [
    (
        "short sessions",
        |number| with(number, plan(|plan| (plan.retries, plan.session_rounds) = (2, 2))),
        "b92711e3951fba2f",
    ),
    ("three stages", |number| with(number, counting_plan()), "542d17a61de522b9"),
    (
        "an offset",
        |number| with(number, plan(|plan| (plan.upload_offset_ms, plan.retries) = (50, 1))),
        "5c5fd73cc45abc99",
    ),
    (
        "two stages",
        |number| with(number, cast::priced(plan(|plan| plan.stages.push(cast::stage())))),
        "7f220a841db126ce",
    ),
    ("a liar", |number| Play { liar: Some(number), ..with(number, plan(|_| {})) }, "450d7925c87d4675"),
    ("people", federation::people, "0a60d346609bda9b"),
    ("rosters", federation::rosters, "eb6db112a61920bb"),
    ("older files", federation::older_files, "e671269e0c691ec6"),
    ("days", federation::days, "c305c5495d105dc0"),
    ("a crowd that leaves", federation::crowd, "1e8ebba5b1b22701"),
    ("runs of other plans", federation::runs, "48bdc7d202701338"),
];

/// So many histories each has.
const HISTORIES: u8 = 8;
/// So many steps a history has at most.
const STEPS: u32 = 6_000;
/// So often the records are looked at.
const RECORDS_EVERY: u32 = 200;

fn lies(world: &mut World, number: u8) {
    let corrupt = [
        World::corrupt::<COMMITMENT>,
        World::corrupt::<ENVELOPE>,
        World::corrupt::<PAIR>,
        World::corrupt::<SHARE>,
        World::corrupt::<LOW_BYTE>,
        World::corrupt::<SIBLING>,
        World::corrupt::<LONGER_PATH>,
        World::corrupt::<SHORTER_PATH>,
    ];
    corrupt[usize::from(number % HISTORIES)](world, ClientId(3));
}

fn played(number: u8, mut play: Play) -> World {
    let (clients, served) = (play.clients, play.served.clone());
    let mut world =
        World::with_settings((play.settings)(clients, served.clone()), |client| (play.policy)(&served, client));
    if let Some(number) = play.liar {
        lies(&mut world, number);
    }
    let mut dice = Dice(Seeded::new(number.into()));
    // Of a thousand steps so many are mishaps.
    let mishaps = [2, 5, 10, 20][dice.roll(4)];
    world.connect_all();
    for step in 1..=STEPS {
        if world.finished.is_some() {
            let Some(next) = play.next.pop() else { break };
            world.serve_next(cast::roster(clients), next.clone());
            world.connect_all();
            play.served = next;
        }
        if dice.roll(1_000) < mishaps {
            match play.also {
                Some(also) if dice.roll(2) == 0 => also(&mut world, &mut dice, &mut play),
                _ => mishap(&mut world, &mut dice, &play),
            }
        } else if !world.step() {
            come_back(&mut world, &mut dice, play.away);
            world.pass_deadline();
        }
        if step % RECORDS_EVERY == 0 {
            let all = answers::all(&world);
            world.note(all.as_bytes());
        }
    }
    let all = answers::all(&world);
    world.note(all.as_bytes());
    world
}

fn mishap(world: &mut World, dice: &mut Dice, play: &Play) {
    let client = anybody(dice, play);
    match dice.roll(20) {
        0 => drop(world.packets.pop_front()),
        1 | 2 => {
            let again = world.packets.front().filter(|packet| !has_vector(packet)).cloned();
            world.packets.extend(again);
        }
        3 | 4 => world.packets.rotate_left(dice.roll(world.packets.len().max(1))),
        5..=9 => change(world, dice),
        10..=12 if world.branches[&client].connected => world.cut(client),
        13 | 14 => world.start_again(client),
        15 => play.restart(world),
        16 => world.pass_deadline(),
        17 => world.tell_branch(client, ParticipantInput::Stop),
        _ => world.now = Millis(world.now.0 + dice.roll(20) as u64),
    }
}

/// Whoever is away comes back, sooner or later.
fn come_back(world: &mut World, dice: &mut Dice, away: usize) {
    for client in world.branches.keys().copied().collect::<Vec<_>>() {
        let branch = &world.branches[&client];
        match (branch.connected, branch.stopped.is_some()) {
            (false, _) if dice.roll(away) == 0 => world.connect(client),
            (true, true) if dice.roll(away) == 0 => world.start_again(client),
            _ => {}
        }
    }
}

/// What announces a vector comes with it, once.
const fn has_vector(packet: &Packet) -> bool {
    matches!(packet, Packet::Up(_, Upstream::Masked(_)) | Packet::Start(..))
}

/// One bit of the next message is another one, where that is a message still.
fn change(world: &mut World, dice: &mut Dice) {
    match world.packets.front_mut().filter(|packet| !has_vector(packet)) {
        Some(Packet::Up(_, message)) => changed(message, dice),
        Some(Packet::Down(_, message)) => changed(message, dice),
        Some(Packet::Start(..)) | None => {}
    }
}

fn changed<M: serde::Serialize + serde::de::DeserializeOwned>(message: &mut M, dice: &mut Dice) {
    let mut bytes = codec::encode(message);
    let at = dice.roll(bytes.len());
    bytes[at] ^= 1 << dice.roll(8);
    if let Ok(other) = codec::decode(&bytes, CONTROL_MESSAGE_BYTES_MAX) {
        *message = other;
    }
}

#[test]
fn histories_of_dice_stay_the_same_to_the_byte() {
    let short = |said: Digest| String::from(&alloc::format!("{said}")[..16]);
    let all = |(kind, play): (u8, fn(u8) -> Play)| {
        let histories = kind * HISTORIES..(kind + 1) * HISTORIES;
        let said: Vec<u8> = histories.flat_map(|number| played(number, play(number)).said.0).collect();
        short(Digest::of(&said))
    };
    let found: Vec<(&str, String)> =
        (0_u8..).zip(KINDS).map(|(kind, (name, play, _))| (name, all((kind, play)))).collect();
    assert_eq!(found, KINDS.map(|(name, _, said)| (name, String::from(said))));
}
