//! What goes wrong and when, drawn from the seed before the run begins.

use crate::cast::LARGE;
use crate::deeds::Deed;
use crate::dice::Dice;
use crate::options::{Options, Profile};
use crate::trace::Who;

/// Purpose of the dice that decide whether the roster changes.
const ENROLS: u64 = 800;

/// One fault.
#[derive(Clone, Debug)]
pub(crate) enum Strike {
    /// Connections end, each direction at any byte of what is on its way.
    Reset { clients: Vec<usize> },
    /// What a client sent arrives and is processed; the answers are lost with the connection.
    LoseAnswers { client: usize },
    /// Nothing passes in one direction or both, several times in a row.
    Partition { clients: Vec<usize>, up: bool, down: bool, ms: u64, times: u64 },
    /// Every message takes so many times longer.
    Slow { factor: u64, ms: u64 },
    /// A client trains so much longer.
    Straggle { client: usize, train_ms: u64, ms: u64 },
    /// A process is killed after so many further effects.
    Kill { who: Who, effects: u32, down_ms: u64 },
    /// An operator stops a process and starts it again.
    Stop { who: Who, down_ms: u64 },
    /// Syncing takes so long.
    SlowDisk { who: Who, sync_ms: u64, ms: u64 },
    /// So many bytes fit on a disk.
    FullDisk { who: Who, room: usize, ms: u64 },
    /// Somebody puts a copy of a client's disk in its place that holds so many thousandths of its entries.
    Restore { client: usize, permille: u64 },
    /// A clock jumps ahead.
    Jump { who: Who, ahead_ms: u64 },
    /// The coordinator starts again from a copy of its ledger that holds the plan and no round.
    Amnesia,
    /// No fault: the coordinator's operator installs a newer roster.
    Enrol,
    /// No fault: people do something.
    Deed(Deed),
}

/// Which families a run has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Families {
    pub(crate) network: bool,
    pub(crate) crash: bool,
    pub(crate) disk: bool,
    pub(crate) clock: bool,
    pub(crate) cheats: bool,
    pub(crate) deceiver: bool,
}

impl Families {
    /// The families of a profile; of [`Profile::All`] any mixture.
    pub(crate) fn of(profile: Profile, dice: &mut Dice) -> Self {
        let mut of = Self::default();
        match profile {
            Profile::None => {}
            Profile::Network => of.network = true,
            Profile::Crash => of.crash = true,
            Profile::Disk => of.disk = true,
            Profile::Clock => of.clock = true,
            Profile::ByzantineClients => of.cheats = true,
            Profile::ByzantineCoordinator => of.deceiver = true,
            Profile::All => {
                [of.network, of.crash, of.disk, of.clock] = [(); 4].map(|()| dice.chance(500));
                of.cheats = dice.chance(300);
                of.deceiver = dice.chance(300);
            }
        }
        of
    }
}

/// Virtual milliseconds in which faults strike, in all runs together.
pub(crate) fn window_ms(options: &Options, runs: u32) -> u64 {
    (600 + 700 * u64::from(options.rounds.min(50))) * u64::from(runs)
}

/// The faults of all runs, each with its moment.
pub(crate) fn schedule(families: Families, options: &Options, runs: u32, dice: &mut Dice) -> Vec<(u64, Strike)> {
    let clients = options.clients as usize;
    let makers: Vec<fn(usize, &mut Dice) -> Strike> = [
        (families.network, &[reset, lose_answers, partition, slow, straggle] as &[fn(usize, &mut Dice) -> Strike]),
        (families.crash, &[kill, kill, kill, stop]),
        (families.disk, &[slow_disk, full_disk, restore]),
        (families.clock, &[jump]),
    ]
    .into_iter()
    .filter(|(on, _)| *on)
    .flat_map(|(_, makers)| makers.to_vec())
    .collect();
    if makers.is_empty() {
        return Vec::new();
    }
    let beside = dice.clone().word();
    // Every fault may cost a key set-up, whose work grows with the square of the cohort.
    let most = if options.clients > LARGE { 3 } else { 8 } + u64::from(options.rounds) / 4;
    let window = window_ms(options, runs);
    let faults = (0..dice.between(1, most)).map(|_| {
        let at = dice.below(window);
        (at, dice.pick(&makers)(clients, dice))
    });
    let mut beside = Dice::new(beside, ENROLS);
    let enrols = beside.chance(150).then(|| (beside.below(window), Strike::Enrol));
    faults.chain(enrols).collect()
}

/// One client most of the time, sometimes a burst of them.
fn some(clients: usize, dice: &mut Dice) -> Vec<usize> {
    let count = if dice.chance(250) { dice.index(clients / 2) + 1 } else { 1 };
    let mut some: Vec<usize> = (0..count).map(|_| dice.index(clients)).collect();
    some.sort_unstable();
    some.dedup();
    some
}

fn anybody(clients: usize, dice: &mut Dice) -> Who {
    if dice.chance(400) { Who::Centre } else { Who::Branch(dice.index(clients)) }
}

fn reset(clients: usize, dice: &mut Dice) -> Strike {
    Strike::Reset { clients: some(clients, dice) }
}

fn lose_answers(clients: usize, dice: &mut Dice) -> Strike {
    Strike::LoseAnswers { client: dice.index(clients) }
}

fn partition(clients: usize, dice: &mut Dice) -> Strike {
    let (up, down) = *dice.pick(&[(true, true), (true, false), (false, true)]);
    Strike::Partition { clients: some(clients, dice), up, down, ms: dice.between(20, 4_000), times: dice.between(1, 4) }
}

fn slow(_: usize, dice: &mut Dice) -> Strike {
    Strike::Slow { factor: dice.between(2, 40), ms: dice.between(100, 3_000) }
}

fn straggle(clients: usize, dice: &mut Dice) -> Strike {
    Strike::Straggle { client: dice.index(clients), train_ms: dice.between(100, 8_000), ms: dice.between(500, 5_000) }
}

fn kill(clients: usize, dice: &mut Dice) -> Strike {
    let soon = dice.chance(500);
    let effects = u32::try_from(dice.below(if soon { 6 } else { 200 })).expect("small");
    Strike::Kill { who: anybody(clients, dice), effects, down_ms: dice.between(1, 3_000) }
}

fn stop(clients: usize, dice: &mut Dice) -> Strike {
    Strike::Stop { who: anybody(clients, dice), down_ms: dice.between(1, 3_000) }
}

fn slow_disk(clients: usize, dice: &mut Dice) -> Strike {
    Strike::SlowDisk { who: anybody(clients, dice), sync_ms: dice.between(5, 2_000), ms: dice.between(200, 4_000) }
}

fn full_disk(clients: usize, dice: &mut Dice) -> Strike {
    Strike::FullDisk { who: anybody(clients, dice), room: dice.index(3_000), ms: dice.between(100, 4_000) }
}

fn restore(clients: usize, dice: &mut Dice) -> Strike {
    Strike::Restore { client: dice.index(clients), permille: dice.below(1000) }
}

fn jump(clients: usize, dice: &mut Dice) -> Strike {
    Strike::Jump { who: anybody(clients, dice), ahead_ms: dice.between(1, 20_000) }
}
