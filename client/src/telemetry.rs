//! What the daemon tells its operator, and a supervisor that asked for events: one JSON object a line.

use std::io::Write as _;
use std::time::Duration;

use serde::Serialize;
use tributary_certs::inspect::date;
use tributary_certs::renewal::Expiry;
use tributary_certs::roster::print_clients;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{MUSTER_NAMED_MAX, Muster};
use tributary_protocol::roster::RosterChanges;

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
    /// The connection is gone; another attempt follows.
    Disconnected {
        /// Why, and what to do.
        reason: String,
        /// Time until the next attempt.
        retry_ms: u64,
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
    /// A round's upload was noise alone.
    NoiseAlone {
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
        changes: Option<MemberChanges>,
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
        /// Members that are there.
        here: u32,
        /// Members that are needed.
        needed: u32,
        /// The first of those that are missing.
        missing: Vec<u32>,
        /// Others that are missing.
        more: u32,
    },
    /// A round ended.
    Round {
        /// The round.
        round: u64,
        /// Whether its sum was used.
        committed: bool,
    },
    /// This branch refused or was refused.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
    /// The plan is over.
    Finished {
        /// Rounds committed.
        rounds: u32,
        /// CPU seconds of this process.
        cpu_seconds: f64,
        /// Of which before the first round: start, plan, data, key set-up.
        cpu_seconds_before: f64,
        /// Of which training.
        cpu_seconds_training: f64,
        /// Of which drawing noise.
        cpu_seconds_noise: f64,
        /// Largest resident memory, where the system tells.
        rss_bytes_max: Option<u64>,
        /// UDP bytes sent.
        bytes_up: u64,
        /// UDP bytes received.
        bytes_down: u64,
    },
}

/// Members that differ between two rosters, by their numbers.
#[derive(Clone, Debug, Serialize)]
pub struct MemberChanges {
    /// New.
    pub added: Vec<u32>,
    /// Gone.
    pub removed: Vec<u32>,
    /// With another organisation, key or end.
    pub changed: Vec<u32>,
}

impl Report {
    /// What the coordinator says of those who are missing; more than it may name are not shown.
    #[must_use]
    pub fn muster(muster: &Muster) -> Self {
        let missing = muster.missing.iter().take(MUSTER_NAMED_MAX).map(|client| client.0).collect();
        Self::Muster { here: muster.here, needed: muster.needed, missing, more: muster.more }
    }

    /// What the machine says of a roster.
    #[must_use]
    pub fn roster(epoch: u64, missing: u64, changes: Option<RosterChanges>) -> Self {
        let numbers = |clients: Vec<ClientId>| clients.into_iter().map(|client| client.0).collect();
        let changes = changes.map(|RosterChanges { added, removed, changed }| MemberChanges {
            added: numbers(added),
            removed: numbers(removed),
            changed: numbers(changed),
        });
        Self::Roster { epoch, missing, changes }
    }
}

/// Prints a report on standard output: as a JSON line, or as a sentence. A closed output is not an error of the daemon.
pub fn print(report: &Report, events: bool) {
    let line = if events {
        serde_json::to_string(report).expect("reports have no maps with keys that are not texts")
    } else {
        sentence(report)
    };
    let _ = writeln!(std::io::stdout().lock(), "{line}");
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
        Report::RowsDropped { rows, kept } => format!(
            "{rows} rows beyond data.rows_per_customer_max were left out, {kept} are used; raise it (it is public), or send fewer rows of one customer"
        ),
        Report::MaximaPassed { customers, rows } => format!(
            "the data have {customers} customers and {rows} rows, more than data.customers_max or data.rows_max: all take part, but a round then \
             takes as long as the data ask for; raise the maxima, which are public, above these numbers"
        ),
        Report::NoiseAlone { round, reason } => {
            format!(
                "round {round}: this branch's upload was noise alone, so that its customers did not count in it: {reason}"
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
        Report::Roster { epoch, missing, changes } => roster_sentence(*epoch, *missing, changes.as_ref()),
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
        Report::Muster { here, needed, missing, more } => {
            let missing: Vec<ClientId> = missing.iter().copied().map(ClientId).collect();
            let who = if missing.is_empty() {
                "nobody else is in the plan's group".to_owned()
            } else {
                format!("missing: clients {}", print_clients(&missing, ", "))
            };
            let rest = if *more > 0 { format!(" and {more} more") } else { String::new() };
            format!("the coordinator waits: {here} of {needed} members are there; {who}{rest}")
        }
        Report::Round { round, committed: true } => format!("round {round}: committed"),
        Report::Round { round, committed: false } => format!("round {round}: aborted, nothing was revealed"),
        Report::Refused { reason } => format!("refused: {reason}"),
        Report::Finished { rounds, cpu_seconds, bytes_up, bytes_down, .. } => {
            format!(
                "plan finished after {rounds} rounds; {cpu_seconds:.2} CPU s, {bytes_up} bytes up, {bytes_down} down"
            )
        }
    }
}

fn roster_sentence(epoch: u64, missing: u64, changes: Option<&MemberChanges>) -> String {
    let mut text = format!("roster {epoch} is accepted");
    if let Some(MemberChanges { added, removed, changed }) = changes {
        for (what, clients) in [("new", added), ("gone", removed), ("changed", changed)] {
            if !clients.is_empty() {
                let clients: Vec<ClientId> = clients.iter().copied().map(ClientId).collect();
                text += &format!("; {what}: clients {}", print_clients(&clients, ", "));
            }
        }
    }
    if missing > 0 {
        text += &format!(
            ". {missing} rosters before it were not shown to this branch, so it is not known here who came and went in them: ask the roster \
             authorities for them"
        );
    }
    text
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
mod tests {
    use super::*;

    #[test]
    fn a_roster_is_told_with_its_changes_and_its_gap() {
        let clients = |numbers: &[u32]| numbers.iter().copied().map(ClientId).collect();
        let changes = RosterChanges { added: clients(&[4, 5, 6, 9]), removed: clients(&[1]), changed: clients(&[]) };
        let report = Report::roster(7, 2, Some(changes));
        let text = sentence(&report);
        assert!(
            text.starts_with("roster 7 is accepted; new: clients 4-6, 9; gone: clients 1. 2 rosters before it"),
            "{text}"
        );
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(
            json,
            r#"{"event":"roster","epoch":7,"missing":2,"changes":{"added":[4,5,6,9],"removed":[1],"changed":[]}}"#
        );
        assert_eq!(sentence(&Report::roster(1, 0, None)), "roster 1 is accepted");
    }
}
