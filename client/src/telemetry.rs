//! What the daemon tells its operator, and a supervisor that asked for events: one JSON object a line.

mod last;
mod name;
mod roster;

use serde::Serialize;
use tributary_certs::inspect::date;
use tributary_certs::renewal::Expiry;
use tributary_daemon::lines;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::message::{MUSTER_NAMED_MAX, Muster};
use tributary_protocol::plan::GrantFault;
use tributary_protocol::printable::Printable;
use tributary_protocol::roster::{Roster, RosterChanges};
use tributary_texts::{Language, Said, screen};

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
    /// The coordinator has carried here what the owner of the data granted or took back.
    GrantCarried {
        /// The grant.
        grant: String,
        /// It was taken back.
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
        /// The same, for people.
        #[serde(skip)]
        said: Said,
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
        /// The same, for people.
        #[serde(skip)]
        said: Said,
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
        /// Its last second, Unix.
        not_after: u64,
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
        /// The last second of the first that ends, Unix.
        next_update: u64,
        /// Seconds until then.
        left_seconds: u64,
        /// Who must do what.
        cure: String,
    },
    /// The coordinator has shown a checkpoint of its journal that does not go on from the last one. It is not cosigned, and both are kept.
    LogRefused {
        /// Entries of the last one.
        seen: u64,
        /// Entries of what was shown.
        shown: u64,
        /// Whether these are fewer: entries were cut off, or an older copy was put back.
        shorter: bool,
        /// Where what was shown is kept.
        file: String,
    },
    /// A branch leaves after a run, and was shown no checkpoint of the run's end.
    EndNotCosigned {
        /// Entries of the last checkpoint that it was shown.
        seen: u64,
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
        /// The same, for people.
        #[serde(skip)]
        said: Said,
    },
    /// Files that are said to be ready could not be read again; the rows in memory stay.
    NotReadyAgain {
        /// Why, and what to do. It may depend on rows.
        reason: String,
        /// The same, for people.
        #[serde(skip)]
        said: Said,
    },
    /// The owner of the data has not granted all that a run needs, or has taken that back.
    GrantAwaited {
        /// Which run.
        #[serde(flatten)]
        of: RunName,
        /// It was taken back.
        withdrawn: bool,
        /// The last second at which a run of the plan may begin, Unix: an answer after it changes nothing.
        until: Option<u64>,
        /// What is missing, and what to do.
        reason: String,
        /// The same, for people.
        #[serde(skip)]
        said: Said,
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

    /// What the owner's grants lack for a run.
    #[must_use]
    pub fn grant_awaited(of: RunName, fault: GrantFault, until: Option<u64>) -> Self {
        let said = match fault {
            GrantFault::None => screen::grant_none(),
            GrantFault::Window => screen::grant_window(),
            GrantFault::Uses => screen::grant_uses(),
            GrantFault::EpsilonRun => screen::grant_epsilon_run(),
            GrantFault::EpsilonYear => screen::grant_epsilon_year(),
            GrantFault::Fields => screen::grant_fields(),
            GrantFault::Withdrawn => screen::grant_withdrawn(),
        };
        let withdrawn = fault == GrantFault::Withdrawn;
        Self::GrantAwaited { of, withdrawn, until, reason: fault.to_string(), said }
    }

    /// An upload that was not ready in time left as noise alone.
    #[must_use]
    pub fn late(of: RunName, round: RoundId) -> Self {
        let said = screen::too_late_for_its_offset();
        Self::NoiseAlone { of, round: round.0, reason: said.text(Language::English).to_owned(), said }
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
pub fn print(report: &Report, events: bool, language: Language) {
    if let Some(line) = line(report, events, lines::is_terminal(), language) {
        lines::print(&line);
    }
}

/// A service's output goes into the system's journal, and from there to a collector of logs. So figures of rows are shown to a person at a
/// terminal, and to a supervisor that asked for events, alone.
fn line(report: &Report, events: bool, terminal: bool, language: Language) -> Option<String> {
    if events {
        Some(lines::json(report))
    } else {
        (terminal || !report.tells_of_rows()).then(|| sentence(report).text(language).to_owned())
    }
}

fn sentence(report: &Report) -> Said {
    match report {
        Report::Connected { coordinator, transport, resumed: false } => screen::connected(coordinator, transport),
        Report::Connected { coordinator, transport, resumed: true } => screen::connected_again(coordinator, transport),
        Report::Disconnected { reason, retry_ms } => screen::disconnected(reason, retry_ms),
        Report::ModelStated { words, .. } => screen::model_stated(words),
        Report::ModelKept { model, purpose } => screen::model_kept(Printable::new(purpose), model),
        Report::ModelDeleted { model, withdrawn: true } => screen::model_withdrawn(model),
        Report::ModelDeleted { model, withdrawn: false } => screen::model_not_kept(model),
        Report::GrantCarried { grant, withdrawn: false } => screen::grant_carried(grant),
        Report::GrantCarried { grant, withdrawn: true } => screen::withdrawal_carried(grant),
        Report::Dataset(dataset) => dataset.said(),
        Report::DatasetRemark { file, said, .. } => screen::remark(file, said),
        Report::RowsDropped { rows, kept } => screen::rows_dropped(rows, kept),
        Report::MaximaPassed { customers, rows } => screen::maxima_passed(customers, rows),
        Report::Accepted { of } => screen::takes_part(of.said()),
        Report::Paused => screen::paused(),
        Report::Resumed => screen::resumed(),
        Report::NoiseAlone { of, round, said, .. } => screen::noise_alone(of.said(), round, said),
        Report::HeadAdopted { file: 0, shown } => screen::head_of_a_lost_file(shown),
        Report::HeadAdopted { file, shown } => screen::head_adopted(file, shown),
        Report::Roster { epoch, missing, changes } => roster::sentence(*epoch, *missing, changes.as_deref()),
        Report::BudgetBegun { counter: 1 } => screen::budget_begun(),
        Report::BudgetBegun { counter } => screen::budget_forgotten(counter),
        Report::ClockDiffers { skew_seconds } => screen::clock_differs(skew_seconds),
        Report::CertificateRenewed { not_after } => screen::certificate_renewed(date(*not_after)),
        Report::RenewalFailed { reason, retry_seconds } => screen::renewal_failed(reason, retry_seconds),
        Report::CertificateEnds { left_seconds, level, .. } => {
            let level = match level {
                Expiry::Fine | Expiry::Due | Expiry::Warning => screen::level_warning(),
                Expiry::Critical => screen::level_critical(),
                Expiry::Expired => screen::level_expired(),
            };
            screen::certificate_ends(left_seconds / 3_600, level)
        }
        Report::Muster { of, here, needed, missing, more } => {
            let who = match missing.as_slice() {
                [] => screen::nobody_else(),
                missing => screen::missing(missing.join(", ")),
            };
            let rest = if *more > 0 { screen::and_more(more) } else { Said::empty() };
            screen::members_missing(of.said(), here, needed, who, rest)
        }
        Report::Distrusted { reason } => screen::distrusted(reason),
        Report::ListsRenewed { next_update } => screen::lists_renewed(next_update),
        Report::ListsEnd { left_seconds: 0, cure, .. } => screen::lists_over(cure),
        Report::ListsEnd { left_seconds, cure, .. } => screen::lists_end(left_seconds / 3_600, cure),
        Report::LogRefused { seen, shown, shorter: true, file } => screen::log_shorter(seen, shown, file),
        Report::LogRefused { seen, shown, shorter: false, file } => screen::log_forked(seen, shown, file),
        Report::EndNotCosigned { seen } => screen::end_not_cosigned(seen),
        Report::Round { of, round, committed: true } => screen::round_committed(of.said(), round),
        Report::Round { of, round, committed: false } => screen::round_aborted(of.said(), round),
        Report::GrantAwaited { of, said, until: None, .. } => screen::not_granted(of.said(), said),
        Report::GrantAwaited { of, said, until: Some(until), .. } => {
            screen::not_granted_until(of.said(), said, date(*until))
        }
        Report::NotReady { said, .. } => screen::not_ready(said),
        Report::NotReadyAgain { said, .. } => screen::not_ready_again(said),
        Report::Refused { of, reason } => screen::refused(of.said(), reason),
        Report::Finished { of, rounds, cpu_seconds, bytes_up, bytes_down, .. } => {
            screen::finished(of.said(), rounds, format!("{cpu_seconds:.2}"), bytes_up, bytes_down)
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod told_tests;
