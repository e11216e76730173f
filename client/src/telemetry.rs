//! What the daemon tells its operator, and a supervisor that asked for events: one JSON object a line.

mod last;
mod name;
mod roster;

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use serde::Serialize;
use tributary_certs::inspect::date;
use tributary_certs::renewal::Expiry;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{MUSTER_NAMED_MAX, Muster};
use tributary_protocol::printable::Printable;
use tributary_protocol::roster::{Roster, RosterChanges};

pub use self::last::{Last, LastEvent};
pub use self::name::RunName;
pub use self::roster::{MemberChanges, Named, PeopleChanges};
use crate::dataset::DatasetReport;

/// A line for a supervisor or a person.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Report {
    /// The coordinator's certificate was checked and the stream is open.
    Connected {
        /// The coordinator's identity.
        coordinator: String,
        /// `quic` or `tcp`.
        transport: &'static str,
        /// Whether everything goes on where it was before a cut.
        resumed: bool,
    },
    /// Two people state what becomes of a model.
    ModelStated {
        /// `promote`, `rollback`, `retire` or `withdraw`.
        step: &'static str,
        /// The same in a sentence.
        words: String,
    },
    /// A champion was fetched, and is kept in the state folder.
    ModelKept {
        /// The model.
        model: String,
        /// What it is for.
        purpose: String,
    },
    /// A model's files were deleted.
    ModelDeleted {
        /// The model.
        model: String,
        /// Whether it was withdrawn: then it is refused for ever.
        withdrawn: bool,
    },
    /// The connection is gone; another attempt follows.
    Disconnected {
        /// Why, and what to do.
        reason: String,
        /// Time until the next attempt.
        retry_ms: u64,
    },
    /// What a file holds. For this machine's screen alone.
    Dataset(Box<DatasetReport>),
    /// Something remarkable about a file that is used. For this machine's screen alone.
    DatasetRemark {
        /// The file.
        file: String,
        /// What it is, and what to do.
        remark: String,
    },
    /// Customers with more rows than the settings allow: the rows beyond were left out.
    RowsDropped {
        /// Rows left out.
        rows: usize,
        /// Rows that are used.
        kept: usize,
    },
    /// The data have more customers or rows than the public maxima in the settings. Nobody is left out, but a round then takes as long as the
    /// data ask for, which the coordinator could see where uploads are later than the plan's offset.
    MaximaPassed {
        /// Customers.
        customers: usize,
        /// Rows that are used.
        rows: usize,
    },
    /// This branch takes part in a run.
    Accepted {
        /// Which.
        #[serde(flatten)]
        of: RunName,
    },
    /// The operator has this branch take part in nothing until it is resumed.
    Paused,
    /// The operator has this branch take part again.
    Resumed,
    /// A round's upload was noise alone.
    NoiseAlone {
        /// Of which run.
        #[serde(flatten)]
        of: RunName,
        /// The round.
        round: u64,
        /// Why.
        reason: String,
    },
    /// The budget file was older than what this branch itself has signed, under this plan or another; the larger figures count from here on.
    HeadAdopted {
        /// Counter of the file.
        file: u64,
        /// Counter of the head that the coordinator showed.
        shown: u64,
    },
    /// The coordinator keeps no head of this branch's budget, and is told of its first use.
    BudgetBegun {
        /// Counter of the file: 1 where nothing was spent yet.
        counter: u64,
    },
    /// Another roster than the last one was accepted.
    Roster {
        /// Its epoch.
        epoch: u64,
        /// Rosters between the last one and this, which were not shown here.
        missing: u64,
        /// Who came, left, or has other keys or another end; nothing where this process has not seen the last roster.
        changes: Option<Box<MemberChanges>>,
    },
    /// This machine's clock and the coordinator's differ.
    ClockDiffers {
        /// By so many seconds.
        skew_seconds: u64,
    },
    /// The certificate was renewed; the next connection proves the new key.
    CertificateRenewed {
        /// Its last second, Unix.
        not_after: u64,
    },
    /// The certificate was not renewed; another attempt follows.
    RenewalFailed {
        /// Why, and what to do.
        reason: String,
        /// Time until the next attempt.
        retry_seconds: u64,
    },
    /// The certificate ends soon.
    CertificateEnds {
        /// Seconds until then.
        left_seconds: u64,
        /// How urgent it is.
        level: Expiry,
    },
    /// Too few members are at the coordinator for a round or a key set-up: so it says.
    Muster {
        /// For which run.
        #[serde(flatten)]
        of: RunName,
        /// Members that are there.
        here: u32,
        /// Members that are needed.
        needed: u32,
        /// The first of those that are missing, by the names of the roster that this branch accepted.
        missing: Vec<String>,
        /// Others that are missing.
        more: u32,
    },
    /// Whoever answered did not prove to be the coordinator; the connection was cut, and another one is tried.
    Distrusted {
        /// What it said or did.
        reason: String,
    },
    /// Newer lists of revoked certificates are in force.
    ListsRenewed {
        /// The last second of the first that ends, Unix.
        next_update: u64,
    },
    /// The lists of revoked certificates end soon, or have ended: then no coordinator is believed.
    ListsEnd {
        /// Seconds until then.
        left_seconds: u64,
        /// Who must do what.
        cure: String,
    },
    /// A round ended.
    Round {
        /// Of which run.
        #[serde(flatten)]
        of: RunName,
        /// The round.
        round: u64,
        /// Whether its sum was used.
        committed: bool,
    },
    /// This branch does not join a run now, because nobody has said here that the data of its day are ready.
    NotReady {
        /// Which run.
        #[serde(flatten)]
        of: RunName,
        /// Of which day its data must be.
        as_of: String,
        /// Why, and what to do.
        reason: String,
    },
    /// Files that are said to be ready could not be read again; the rows in memory stay.
    NotReadyAgain {
        /// Why, and what to do. It may depend on rows.
        reason: String,
    },
    /// This branch refused a run or was refused.
    Refused {
        /// In which run, as far as that is known.
        #[serde(flatten)]
        of: RunName,
        /// Why, and what to do.
        reason: String,
    },
    /// A run is over.
    Finished {
        /// Which.
        #[serde(flatten)]
        of: RunName,
        /// Rounds committed.
        rounds: u32,
        /// CPU seconds of this process so far, other runs' among them.
        cpu_seconds: f64,
        /// Of which before this run's first round: start, plan, data, key set-up.
        cpu_seconds_before: f64,
        /// Of which this run's training.
        cpu_seconds_training: f64,
        /// Of which drawing this run's noise.
        cpu_seconds_noise: f64,
        /// Largest resident memory, where the system tells.
        rss_bytes_max: Option<u64>,
        /// Bytes sent to the coordinator so far, in all runs.
        bytes_up: u64,
        /// Bytes received.
        bytes_down: u64,
    },
}

impl Report {
    /// Whether it holds figures that depend on a row.
    fn tells_of_rows(&self) -> bool {
        use Report::{Dataset, DatasetRemark, MaximaPassed, NotReadyAgain, RowsDropped};
        matches!(
            self,
            Dataset(_) | DatasetRemark { .. } | RowsDropped { .. } | MaximaPassed { .. } | NotReadyAgain { .. }
        )
    }

    /// What the machine says of a roster.
    #[must_use]
    pub fn roster(epoch: u64, missing: u64, changes: Option<RosterChanges>) -> Self {
        Self::Roster { epoch, missing, changes: changes.as_ref().map(MemberChanges::of).map(Box::new) }
    }

    /// What the coordinator says of those who are missing; more than it may name are not shown.
    #[must_use]
    pub fn muster(of: RunName, muster: &Muster, roster: Option<&Roster>) -> Self {
        let name = |client: &ClientId| {
            let name = roster.and_then(|roster| roster.name_of(*client));
            name.map_or_else(|| format!("client {client}"), |name| format!("client {client} ({name})"))
        };
        let missing = muster.missing.iter().take(MUSTER_NAMED_MAX).map(name).collect();
        Self::Muster { of, here: muster.here, needed: muster.needed, missing, more: muster.more }
    }
}

/// Prints a report on standard output: as a JSON line, or as a sentence. A closed output is not an error of the daemon.
pub fn print(report: &Report, events: bool) {
    let mut out = std::io::stdout().lock();
    if let Some(line) = line(report, events, out.is_terminal()) {
        let _ = writeln!(out, "{line}");
    }
}

/// A service's output goes into the system's journal, and from there to a collector of logs. So figures of rows are shown to a person at a
/// terminal, and to a supervisor that asked for events, alone.
fn line(report: &Report, events: bool, terminal: bool) -> Option<String> {
    if events {
        Some(serde_json::to_string(report).expect("reports have no maps with keys that are not texts"))
    } else {
        (terminal || !report.tells_of_rows()).then(|| sentence(report))
    }
}

fn sentence(report: &Report) -> String {
    match report {
        Report::Connected { coordinator, transport, resumed: false } => {
            format!("connected to {coordinator} over {transport}")
        }
        Report::Connected { coordinator, transport, resumed: true } => {
            format!("connected to {coordinator} again, over {transport}; nothing was lost")
        }
        Report::Disconnected { reason, retry_ms } => format!("{reason}; next attempt in {retry_ms} ms"),
        Report::ModelStated { words, .. } => format!("two people state: {words}"),
        Report::ModelKept { model, purpose } => {
            format!("the champion for \"{}\" is kept here: models/{model}", Printable::new(purpose))
        }
        Report::ModelDeleted { model, withdrawn: true } => format!(
            "model {model} was withdrawn: its files are deleted, and this branch refuses it from now on. Stop using what was copied from them"
        ),
        Report::ModelDeleted { model, withdrawn: false } => format!(
            "model {model} is not kept any more: it was retired, or no grant of the owner lets this branch keep it. Its files are deleted"
        ),
        Report::Dataset(dataset) => dataset.to_string(),
        Report::DatasetRemark { file, remark } => format!("{file}: {remark}"),
        Report::RowsDropped { rows, kept } => format!(
            "{rows} rows beyond data.rows_per_customer_max were left out, {kept} are used; raise it (it is public), or send fewer rows of one customer"
        ),
        Report::MaximaPassed { customers, rows } => format!(
            "the data have {customers} customers and {rows} rows, more than data.customers_max or data.rows_max: all take part, but a round then \
             takes as long as the data ask for; raise the maxima, which are public, above these numbers"
        ),
        Report::Accepted { of } => format!("{of}: this branch takes part"),
        Report::Paused => {
            "paused: this branch has left every run and takes part in none until `tributary client resume`".to_owned()
        }
        Report::Resumed => "resumed: this branch takes part again".to_owned(),
        Report::NoiseAlone { of, round, reason } => {
            format!(
                "{of}: round {round}: this branch's upload was noise alone, so that its customers did not count in it: {reason}"
            )
        }
        Report::HeadAdopted { file: 0, shown } => {
            format!(
                "the budget file takes the place of a lost one: what this branch has signed up to counter {shown} is counted now"
            )
        }
        Report::HeadAdopted { file, shown } => format!(
            "the budget file ends at counter {file}, and this branch has signed more, up to counter {shown}: all of it is counted now. \
             An older copy of the file was put back; find out by whom, and keep the newest one"
        ),
        Report::Roster { epoch, missing, changes } => roster::sentence(*epoch, *missing, changes.as_deref()),
        Report::BudgetBegun { counter: 1 } => {
            "the coordinator is told of this budget's first use; its ledger names the branch and the owner's key"
                .to_owned()
        }
        Report::BudgetBegun { counter } => format!(
            "the coordinator keeps nothing of this branch's budget, whose counter is {counter}: it has lost its copy; tell its operator"
        ),
        Report::ClockDiffers { skew_seconds } => format!(
            "this machine's clock and the coordinator's are {skew_seconds} seconds apart; certificates are judged by them: synchronise the clock"
        ),
        Report::CertificateRenewed { not_after } => {
            format!("the certificate was renewed, until {}; nothing was interrupted", date(*not_after))
        }
        Report::RenewalFailed { reason, retry_seconds } => {
            format!("the certificate was not renewed: {reason}; next attempt in {retry_seconds} s")
        }
        Report::CertificateEnds { left_seconds, level } => format!(
            "the certificate ends in {} hours ({level:?}), and then this branch cannot connect; see the last renewal's reason, or renew by hand",
            left_seconds / 3_600
        ),
        Report::Muster { of, here, needed, missing, more } => {
            let who = match missing.as_slice() {
                [] => "nobody else is in the plan's group".to_owned(),
                missing => format!("missing: {}", missing.join(", ")),
            };
            let rest = if *more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{of}: the coordinator waits: {here} of {needed} members are there; {who}{rest}")
        }
        Report::Distrusted { reason } => format!(
            "whoever answered at the coordinator's address did not prove to be the coordinator: {reason}. The connection was cut; another attempt \
             follows. If this stays so, call the coordinator's operator: its certificate may be in other hands"
        ),
        Report::ListsRenewed { next_update } => {
            format!("newer revocation lists are in force, until {next_update} (Unix seconds)")
        }
        Report::ListsEnd { left_seconds: 0, cure } => {
            format!("the revocation lists have ended, so that no coordinator is believed: {cure}")
        }
        Report::ListsEnd { left_seconds, cure } => {
            format!(
                "the revocation lists end in {} hours, and then no coordinator is believed: {cure}",
                left_seconds / 3_600
            )
        }
        Report::Round { of, round, committed: true } => format!("{of}: round {round}: committed"),
        Report::Round { of, round, committed: false } => format!("{of}: round {round}: aborted, nothing was revealed"),
        Report::NotReady { reason, .. } => format!("not ready: {reason}"),
        Report::NotReadyAgain { reason } => format!("the files that are said to be ready could not be read: {reason}"),
        Report::Refused { of, reason } => format!("{of}: refused: {reason}"),
        Report::Finished { of, rounds, cpu_seconds, bytes_up, bytes_down, .. } => {
            format!(
                "{of}: finished after {rounds} rounds; so far {cpu_seconds:.2} CPU s, {bytes_up} bytes up, {bytes_down} down"
            )
        }
    }
}

/// CPU time of this process so far.
#[must_use]
pub fn process_cpu() -> Duration {
    cpu_time::ProcessTime::try_now().map_or(Duration::ZERO, |time| time.as_duration())
}

/// Largest resident memory of this process, where the system tells.
#[must_use]
pub fn rss_bytes_max() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests;
