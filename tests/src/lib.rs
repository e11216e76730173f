//! The simulator: the production machines of coordinator and clients in one thread from one seed, with a hostile network, torn disks,
//! jumping clocks and byzantine peers around them, and a judge that watches the invariants from outside.
//!
//! ```text
//! seed ─► cast, faults, lies ─► world: queue of events ─► machines ─► effects ─► disks, connections, sums
//!                                     ▲                                  │
//!                                     └──────── messages, timers ◄───────┴──► judge ─► violation?
//! ```
//!
//! Every run has two parts. While faults strike only safety is demanded: no invariant of docs/ARCHITECTURE.md is ever broken. Then everything
//! heals, and the plan must come to its end in bounded virtual time.
//!
//! The oracle: client i adds 1 at index i and nothing else, so that an opened sum says exactly who is in it and how often. A plan has one stage or
//! several, and one run or two over the same budgets. In a third of the seeds several plans are in force together, each with a group, a size and
//! rounds of its own: their runs go on side by side, over the same connections and the same budgets. What a sum may be followed by, the judge asks the rule book of the records; what only the
//! world knows, it judges itself.
//!
//! A run is a pure function of seed and options: no clock, no randomness from outside, no iteration over anything unordered. With the real
//! suite ML-KEM draws from its own generator; nothing that is decided depends on it.

mod campaign;
mod cast;
mod deeds;
mod defences;
mod dice;
mod disk;
mod enemy;
mod faults;
mod judge;
mod link;
mod meaning;
mod options;
mod outcome;
mod queue;
mod trace;
mod world;

pub use campaign::{Campaign, campaign, run, run_meaning, trace};
pub use defences::{DEFENCES, Defence, defence_named, name_of};
#[cfg(feature = "sabotage")]
pub use defences::{MARKER, rebuild, take_down};
pub use meaning::{Meaning, Opened};
pub use options::{CLIENTS_MAX, Options, PROFILES, Profile, ROUNDS_MAX, SUITES, SuiteKind};
pub use outcome::{Outcome, Violation};
#[cfg(test)]
mod tests;
