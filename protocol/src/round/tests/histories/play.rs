//! What is played in a history, and the dice that decide what goes wrong in it.

use alloc::vec::Vec;

use crate::entropy::Entropy as _;
use crate::ids::ClientId;
use crate::plan::Plan;
use crate::roster::SignedRoster;
use crate::round::cast;
use crate::round::tests::world::World;
use crate::round::{CoordinatorSettings, Policy};
use crate::secagg::toy::{Seeded, Toy};

pub(super) struct Dice(pub(super) Seeded);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        let [a, b, c, d, ..] = self.0.bytes32();
        usize::try_from(u32::from_le_bytes([a, b, c, d])).expect("a number") % sides
    }

    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.roll(of.len().max(1)))
    }
}

/// What is played in a history.
pub(super) struct Play {
    pub(super) clients: u32,
    pub(super) served: Plan,
    pub(super) settings: fn(u32, Plan) -> CoordinatorSettings<Toy>,
    pub(super) policy: fn(&Plan, ClientId) -> Policy,
    /// What goes wrong beside that which goes wrong in each, as often.
    pub(super) also: Option<fn(&mut World, &mut Dice, &mut Play)>,
    /// Whoever is away comes back each time that nothing is under way, once in so many times.
    pub(super) away: usize,
    /// One of them lies in its cryptography.
    pub(super) liar: Option<u8>,
    /// The roster that was installed last, where that is not the first.
    pub(super) installed: Option<SignedRoster>,
    /// What is served after it.
    pub(super) next: Vec<Plan>,
}

/// The plan, and nothing more than goes wrong in each.
pub(super) fn with(number: u8, served: Plan) -> Play {
    Play {
        clients: 9 + u32::from(number) % 5,
        served,
        settings: cast::settings,
        policy: |plan, _| cast::policy(plan),
        also: None,
        away: 2,
        liar: None,
        installed: None,
        next: Vec::new(),
    }
}

impl Play {
    /// The coordinator's process starts again from its ledger, and everybody comes back.
    pub(super) fn restart(&self, world: &mut World) {
        let settings = (self.settings)(self.clients, self.served.clone());
        let roster = self.installed.clone().unwrap_or_else(|| settings.roster.clone());
        world.restart_with(CoordinatorSettings { roster, ..settings });
        world.all_come_back();
    }
}

pub(super) fn anybody(dice: &mut Dice, play: &Play) -> ClientId {
    ClientId(1 + u32::try_from(dice.roll(play.clients as usize)).expect("few"))
}
