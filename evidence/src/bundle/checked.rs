//! What the audit of a bundle came to, in words and for programs.

use std::fmt;

use serde::Serialize;
use tributary_protocol::printable::Printable;
use tributary_protocol::time::Millis;

use super::checkpoints::CheckpointsReport;
use super::fault::Fault;
use super::grants::GrantsReport;
use crate::heads::HeadsReport;
use crate::journal_report::JournalReport;
use crate::report::shown::moment;
use crate::run::NotVerified;

/// How a bundle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everything that is there is in order, and nothing is missing that must be there.
    Intact,
    /// Something in it contradicts something else in it, or is not what somebody signed.
    Tampered,
    /// What is there is in order, and something is missing without which nobody can rely on it.
    Incomplete,
    /// It is of other roster authorities than those that were named.
    WrongKey,
}

impl Standing {
    /// The exit code of whoever verifies it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Intact => 0,
            Self::Tampered => 1,
            Self::Incomplete => 2,
            Self::WrongKey => 3,
        }
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Intact => "INTACT",
            Self::Tampered => "TAMPERED",
            Self::Incomplete => "INCOMPLETE",
            Self::WrongKey => "WRONG KEY",
        }
    }
}

/// What the audit of a bundle came to.
#[derive(Debug, Serialize)]
pub struct Audited {
    /// How it stands.
    pub standing: Standing,
    /// Digest of the table: it names the bundle.
    pub bundle: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Parts of it.
    pub parts: usize,
    /// The days for which it was made, as it says itself: from, to.
    pub days: Option<(String, String)>,
    /// When it was made, as it says itself, in milliseconds of the Unix clock.
    pub made: Option<u64>,
    /// The verifier's clock, which counts where that is later.
    pub now: u64,
    /// The days for which whoever verified it asked: from, to.
    pub asked: Option<(String, String)>,
    /// Of what it has entries, as it says itself, where it has a part of the journal.
    pub part: Option<String>,
    /// Fingerprint of the roster authorities by whom it was judged.
    pub federation: Option<String>,
    /// Whether whoever verifies it named these authorities; else the bundle claims them itself.
    pub authority_given: bool,
    /// Signatures that were verified, of rosters, people and branches.
    pub signatures: usize,
    /// Sums that were recomputed from the uploads that branches signed.
    pub sums_verified: u32,
    /// Models that were computed again from opened sums.
    pub models_verified: u32,
    /// The journal.
    pub journal: Option<JournalReport>,
    /// Checkpoints of the journal, and who vouches for them.
    pub checkpoints: CheckpointsReport,
    /// The branches' budget heads.
    pub heads: Option<HeadsReport>,
    /// Grants of owners.
    pub grants: GrantsReport,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What is missing without which nobody can rely on the rest.
    pub missing: Vec<String>,
    /// What was not verified in the days for which it was asked, and why; of every run where nobody asked for days.
    pub not_verified: Vec<NotVerified>,
    /// What was not verified of runs outside of those days.
    pub outside: Vec<NotVerified>,
    /// What is not in this bundle, where it has a part of the journal: nothing is said of it.
    pub elsewhere: Vec<NotVerified>,
}

impl fmt::Display for Audited {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "  bundle   {}", self.bundle)?;
        writeln!(formatter, "           {} parts, {} bytes", self.parts, self.bytes)?;
        if let Some((from, to)) = &self.days {
            writeln!(formatter, "  days     {from} to {to}, as it says itself")?;
        }
        if let Some(made) = self.made {
            let later = if made > self.now { "; that is to come, so the clock of this machine counts" } else { "" };
            writeln!(formatter, "  made     {}, as it says itself{later}", moment(Millis(made)))?;
        }
        if let Some((from, to)) = &self.asked {
            writeln!(formatter, "  asked    {from} to {to}: of runs of other days nothing that is kept is wanted")?;
        }
        self.part
            .iter()
            .try_for_each(|part| writeln!(formatter, "  part     {}, as it says itself", Printable::new(part)))?;
        match (&self.federation, self.authority_given) {
            (Some(federation), true) => writeln!(formatter, "  of       the federation {federation}, as you named it")?,
            (Some(federation), false) => {
                writeln!(
                    formatter,
                    "  of       the federation {federation}, as it says itself; nobody vouched for that here"
                )?;
            }
            (None, _) => writeln!(formatter, "  of       nobody: it names no roster authorities")?,
        }
        writeln!(formatter, "  verified {} signatures of rosters, people and branches", self.signatures)?;
        writeln!(
            formatter,
            "           {} sums from the uploads that branches signed, {} models from opened sums",
            self.sums_verified, self.models_verified
        )?;
        if let Some(last) = self.journal.as_ref().and_then(|journal| journal.last_at) {
            writeln!(formatter, "  ends     with an entry of {}, by the coordinator's clock", moment(Millis(last)))?;
        }
        writeln!(formatter, "  witness  {}", self.checkpoints)?;
        writeln!(formatter, "  grants   {}", self.grants)?;
        for Fault { part, reason } in &self.faults {
            writeln!(formatter, "  WRONG    {part}: {reason}")?;
        }
        for missing in &self.missing {
            writeln!(formatter, "  MISSING  {missing}")?;
        }
        for NotVerified { count, reason } in &self.not_verified {
            writeln!(formatter, "  not verified: {reason} ({count})")?;
        }
        for NotVerified { count, reason } in &self.outside {
            writeln!(formatter, "  outside of these days: {reason} ({count})")?;
        }
        for NotVerified { count, reason } in &self.elsewhere {
            writeln!(formatter, "  not in this bundle: {reason} ({count})")?;
        }
        if let Some(heads) = &self.heads {
            writeln!(formatter, "{heads}")?;
        }
        match &self.journal {
            Some(journal) => write!(formatter, "{journal}"),
            None => write!(formatter, "  no journal"),
        }
    }
}
