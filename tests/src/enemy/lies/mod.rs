//! Lies in which one field is wrong and everything else is in order, signatures by those who lie included: so a check that is missing shows. Each
//! has the answer that it earns where the message was due. The table of lies against single machines is the core's own; this one is told in whole
//! federations, under faults.

mod down;
mod row;
mod start;
mod up;

use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{Downstream, Start, Upstream};

pub(super) use self::down::sign_welcome;
use self::row::Row;
pub(crate) use self::row::{Earned, Lie};
use crate::cast::Keyed;
use crate::dice::Dice;

/// Somebody who lies in one field now and then, and remembers which lies have not been heard yet.
pub(crate) struct Liar<E> {
    /// How often a message is a lie, in thousandths.
    permille: u64,
    /// Listener or speaker, and the bytes of the message.
    told: Vec<(ClientId, Digest, Lie<E>)>,
}

/// How often a message is a lie in usual runs, in thousandths.
pub(crate) const LIES_PERMILLE: u64 = 30;

impl<E: Copy> Liar<E> {
    pub(crate) fn new(permille: u64) -> Self {
        Self { permille, told: Vec::new() }
    }

    /// Makes a message wrong by one of these rows, if the dice say so and one is about such a message.
    fn lie<M: Clone + PartialEq>(
        &mut self,
        client: ClientId,
        message: &M,
        (rows, permille, dice): (&[Row<M, E>], u64, &mut Dice),
        bytes: fn(&M) -> Vec<u8>,
    ) -> Option<M> {
        if !dice.chance(permille) {
            return None;
        }
        let mut lies = rows.iter().filter_map(|(what, earns, change)| {
            let mut lied = message.clone();
            let changed = change(client, &mut lied) && lied != *message;
            changed.then_some((Lie { what, earns: *earns }, lied))
        });
        let count = lies.clone().count();
        let (lie, lied) = lies.nth(dice.index(count))?;
        self.told.push((client, Digest::of(&bytes(&lied)), lie));
        Some(lied)
    }

    /// The lie that a message is, which is heard now.
    fn heard(&mut self, client: ClientId, bytes: impl FnOnce() -> Vec<u8>) -> Option<Lie<E>> {
        if !self.told.iter().any(|(other, ..)| *other == client) {
            return None;
        }
        let digest = Digest::of(&bytes());
        let place = self.told.iter().position(|(other, told, _)| (*other, *told) == (client, digest))?;
        Some(self.told.swap_remove(place).2)
    }
}

impl Liar<Earned> {
    /// What a client is told instead of a message.
    pub(crate) fn tell<S: Keyed>(&mut self, to: ClientId, message: &Downstream, dice: &mut Dice) -> Option<Downstream> {
        // A run ends once.
        let permille = if matches!(message, Downstream::Finished { .. }) { 500 } else { self.permille };
        self.lie(to, message, (&down::rows::<S>(), permille, dice), bytes_down)
    }

    /// What a client is told instead of a round's start.
    pub(crate) fn start<S: Keyed>(&mut self, to: ClientId, start: &Start, dice: &mut Dice) -> Option<Start> {
        self.lie(to, start, (&start::rows::<S>(), self.permille, dice), bytes_of_start)
    }

    /// The lie that a client hears now.
    pub(crate) fn heard_message(&mut self, client: ClientId, message: &Downstream) -> Option<Lie<Earned>> {
        self.heard(client, || bytes_down(message))
    }

    /// The lie that a client hears now, of a round's start.
    pub(crate) fn heard_start(&mut self, client: ClientId, start: &Start) -> Option<Lie<Earned>> {
        self.heard(client, || bytes_of_start(start))
    }
}

impl Liar<()> {
    /// What a client says instead of a message. Every lie of a client earns that it is cut off.
    pub(crate) fn say<S: Keyed>(&mut self, from: ClientId, message: &Upstream, dice: &mut Dice) -> Option<Upstream> {
        self.lie(from, message, (&up::rows::<S>(), self.permille, dice), bytes_up)
    }

    /// The lie that the coordinator hears now.
    pub(crate) fn heard_from(&mut self, client: ClientId, message: &Upstream) -> Option<Lie<()>> {
        self.heard(client, || bytes_up(message))
    }
}

fn bytes_down(message: &Downstream) -> Vec<u8> {
    codec::encode(message)
}

fn bytes_of_start(start: &Start) -> Vec<u8> {
    codec::encode(start)
}

fn bytes_up(message: &Upstream) -> Vec<u8> {
    codec::encode(message)
}

/// What is wrong with every lie that there is.
#[cfg(test)]
pub(crate) fn all<S: Keyed>() -> [Vec<&'static str>; 2] {
    let down = down::rows::<S>().iter().map(|row| row.0).chain(start::rows::<S>().iter().map(|row| row.0)).collect();
    [down, up::rows::<S>().iter().map(|row| row.0).collect()]
}
