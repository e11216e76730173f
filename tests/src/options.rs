//! What a run is asked for, in the words of the command line.

use std::fmt;
use std::str::FromStr;

/// What one simulated run is. With a seed it determines everything that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Clients in the roster, 8 to [`CLIENTS_MAX`].
    pub clients: u32,
    /// Rounds that the plan commits, 1 to [`ROUNDS_MAX`].
    pub rounds: u32,
    /// What goes wrong.
    pub faults: Profile,
    /// Which cryptography.
    pub suite: SuiteKind,
}

/// Most clients of a simulated roster.
pub const CLIENTS_MAX: u32 = 10_000;

/// Most rounds of a simulated plan.
pub const ROUNDS_MAX: u32 = 10_000;

/// Which cryptography the machines run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuiteKind {
    /// The right shapes and no security: thousands of clients.
    Toy,
    /// What the daemons run: small cohorts.
    Real,
}

/// What goes wrong, by family. Each seed draws how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// Nothing.
    None,
    /// Latency, resets at any byte, lost responses, partitions one-way and flapping, stragglers, bursts of dropouts.
    Network,
    /// Processes killed between any two effects, with torn disks, and processes stopped by their operators.
    Crash,
    /// Disks that are slow to sync or full.
    Disk,
    /// Clocks that jump ahead, and that stand elsewhere after a restart.
    Clock,
    /// Clients that do not keep to the protocol.
    ByzantineClients,
    /// A coordinator that rewrites its honest machine's messages and signs its lies.
    ByzantineCoordinator,
    /// Any of them together.
    All,
}

/// Every profile and its name on the command line.
pub const PROFILES: [(&str, Profile); 8] = [
    ("none", Profile::None),
    ("network", Profile::Network),
    ("crash", Profile::Crash),
    ("disk", Profile::Disk),
    ("clock", Profile::Clock),
    ("byzantine-clients", Profile::ByzantineClients),
    ("byzantine-coordinator", Profile::ByzantineCoordinator),
    ("all", Profile::All),
];

/// Every suite and its name on the command line.
pub const SUITES: [(&str, SuiteKind); 2] = [("toy", SuiteKind::Toy), ("real", SuiteKind::Real)];

impl Options {
    /// The words that ask for the same run again, behind `tributary simulate`.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { clients, rounds, faults, suite } = self;
        format!("--clients {clients} --rounds {rounds} --faults {faults} --suite {suite}")
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(name_in(&PROFILES, *self))
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        value_in(&PROFILES, text)
    }
}

impl fmt::Display for SuiteKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(name_in(&SUITES, *self))
    }
}

impl FromStr for SuiteKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        value_in(&SUITES, text)
    }
}

/// The name of a value in a table that has all of them.
pub(crate) fn name_in<T: Copy + PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table.iter().find(|(_, other)| *other == value).expect("the table has every value").0
}

/// The value of a name.
///
/// # Errors
/// Every name there is, for the user.
pub(crate) fn value_in<T: Copy>(table: &[(&'static str, T)], name: &str) -> Result<T, String> {
    let found = table.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        format!("{name:?} is none of {}", names.join(", "))
    })
}
