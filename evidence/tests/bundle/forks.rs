//! What a coordinator does with checkpoints that has shown some branches another journal, or has another key.

use tributary_protocol::log::{SignedCheckpoint, origin_of};

use super::cases::Change;
use super::world::{COORDINATOR, SMALL, Shape, World, authorities, cosigned};

/// A checkpoint of a whole journal, signed by the key of this seed, which so many branches have cosigned.
fn newest(world: &World, seed: u8, witnesses: u32) -> Vec<u8> {
    let (_, log) = world.journal();
    cosigned(log.checkpoint(&origin_of(&authorities(SMALL.authorities).digest())), seed, witnesses)
}

/// The same federation with another journal.
fn other() -> World {
    World::new(Shape { inputs: 5, ..SMALL })
}

#[rustfmt::skip]
pub(super) const CASES: &[(&str, u8, Change)] = &[
    ("a checkpoint signed again by another key", 1, |world| {
        let note = newest(world, 9, 7);
        world.parts.insert("checkpoints/newest".into(), note);
    }),
    ("a swapped checkpoint: of another journal of the same coordinator", 1, |world| {
        world.parts.insert("checkpoints/newest".into(), newest(&other(), COORDINATOR, 7));
    }),
    ("a swapped checkpoint: two, each under the name of the other", 1, |world| {
        let all = world.all();
        let notes: Vec<&String> = all.keys().filter(|name| name.starts_with("checkpoints/") && !name.ends_with(".key")).collect();
        let [one, two] = notes[..] else { panic!("{notes:?}") };
        world.parts.insert(one.clone(), all[two].clone());
        world.parts.insert(two.clone(), all[one].clone());
    }),
    ("a fork shown to half of the branches: the journal of one half", 2, |world| world.witnesses = 5),
    ("a fork shown to half of the branches: the checkpoint of the other half beside it", 1, |world| {
        world.witnesses = 5;
        world.parts.insert("checkpoints/previous".into(), newest(&other(), COORDINATOR, 5));
    }),
    ("a checkpoint under a name that no export gives", 1, |world| {
        let note = newest(world, COORDINATOR, 7);
        world.parts.insert("checkpoints/again".into(), note);
    }),
    ("a checkpoint under the number of another", 1, |world| {
        let note = newest(world, COORDINATOR, 7);
        world.parts.insert("checkpoints/00000000000000000007".into(), note);
    }),
    ("one checkpoint under every name that an export gives it", 0, |world| {
        let (note, size) = (newest(world, COORDINATOR, 7), world.journal().1.size());
        for name in ["newest".to_owned(), "previous".to_owned(), format!("{size:020}")] {
            world.parts.insert(format!("checkpoints/{name}"), note.clone());
        }
    }),
    ("a fork: cosignatures of one journal under the checkpoint of the other", 1, |world| {
        let (own, others) = (newest(world, COORDINATOR, 0), newest(&other(), COORDINATOR, 7));
        let mut own = SignedCheckpoint::parse(&own).unwrap();
        let others = SignedCheckpoint::parse(&others).unwrap();
        others.signatures().iter().skip(1).for_each(|signature| own.add(signature.clone()));
        world.parts.insert("checkpoints/newest".into(), own.to_string().into_bytes());
    }),
];
