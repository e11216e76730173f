//! Histories that dice have written: connections break, messages are lost, doubled, late or changed, processes start again, deadlines pass. What both
//! machines say and write in them stays the same to the byte, like [the transcripts](super::transcripts) of runs that were thought out.

use alloc::string::String;
use alloc::vec::Vec;

use super::answers;
use super::liars::{COMMITMENT, ENVELOPE, LONGER_PATH, LOW_BYTE, PAIR, SHARE, SHORTER_PATH, SIBLING};
use super::world::{Packet, World, plan};
use crate::codec;
use crate::digest::Digest;
use crate::entropy::Entropy as _;
use crate::ids::ClientId;
use crate::limits::CONTROL_MESSAGE_BYTES_MAX;
use crate::message::Upstream;
use crate::plan::Plan;
use crate::round::ParticipantInput;
use crate::round::cast::{self, counting_plan};
use crate::secagg::toy::Seeded;
use crate::time::Millis;

/// Of each plan and those who play it, the first bytes of all that was said in its histories.
const FROZEN: [(&str, &str); 5] = [
    ("short sessions", "b92711e3951fba2f"),
    ("three stages", "542d17a61de522b9"),
    ("an offset", "5c5fd73cc45abc99"),
    ("two stages", "7f220a841db126ce"),
    ("a liar", "450d7925c87d4675"),
];

/// So many histories each has.
const HISTORIES: u8 = 8;
/// So many steps a history has at most.
const STEPS: u32 = 6_000;
/// So often the records are looked at.
const RECORDS_EVERY: u32 = 200;

struct Dice(Seeded);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        let [a, b, c, d, ..] = self.0.bytes32();
        usize::try_from(u32::from_le_bytes([a, b, c, d])).expect("a number") % sides
    }
}

/// What is played in the history of this number, and by how many.
fn begun(number: u8) -> (u32, Plan) {
    let served = match number / HISTORIES {
        0 => plan(|plan| (plan.retries, plan.session_rounds) = (2, 2)),
        1 => counting_plan(),
        2 => plan(|plan| (plan.upload_offset_ms, plan.retries) = (50, 1)),
        3 => cast::priced(plan(|plan| plan.stages.push(cast::stage()))),
        _ => plan(|_| {}),
    };
    (9 + u32::from(number) % 5, served)
}

/// One of them lies in its cryptography.
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

fn played(number: u8) -> World {
    let (clients, served) = begun(number);
    let mut world = World::new(clients, served.clone());
    if number / HISTORIES == 4 {
        lies(&mut world, number);
    }
    let mut dice = Dice(Seeded::new(number.into()));
    // Of a thousand steps so many are mishaps.
    let mishaps = [2, 5, 10, 20][dice.roll(4)];
    world.connect_all();
    for step in 1..=STEPS {
        if world.finished.is_some() {
            break;
        }
        if dice.roll(1_000) < mishaps {
            mishap(&mut world, &mut dice, (clients, &served));
        } else if !world.step() {
            come_back(&mut world, &mut dice);
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

fn mishap(world: &mut World, dice: &mut Dice, (clients, served): (u32, &Plan)) {
    let client = ClientId(1 + u32::try_from(dice.roll(clients as usize)).expect("few"));
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
        15 => world.restart_coordinator(clients, served.clone()),
        16 => world.pass_deadline(),
        17 => world.tell_branch(client, ParticipantInput::Stop),
        _ => world.now = Millis(world.now.0 + dice.roll(20) as u64),
    }
}

/// Whoever is away comes back, sooner or later.
fn come_back(world: &mut World, dice: &mut Dice) {
    for client in world.branches.keys().copied().collect::<Vec<_>>() {
        let branch = &world.branches[&client];
        match (branch.connected, branch.stopped.is_some()) {
            (false, _) if dice.roll(2) == 0 => world.connect(client),
            (true, true) if dice.roll(2) == 0 => world.start_again(client),
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
    let all = |kind: u8| {
        let histories = kind * HISTORIES..(kind + 1) * HISTORIES;
        let said: Vec<u8> = histories.flat_map(|number| played(number).said.0).collect();
        short(Digest::of(&said))
    };
    let found: Vec<(&str, String)> = (0_u8..).zip(FROZEN).map(|(kind, (name, _))| (name, all(kind))).collect();
    assert_eq!(found, FROZEN.map(|(name, said)| (name, String::from(said))));
}
