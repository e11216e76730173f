//! What a supervisor's inspector asks to see, signed. Each look is an entry of the journal before anything is shown.

use alloc::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::limits::{LOOK_SCOPE_BYTES_MAX, LOOKS_MAX};
use crate::plan::{Attestation, AttestationFault, Over, Wanted};
use crate::printable::{Untrusted, is_one_line};
use crate::role::Action;
use crate::roster::Roster;
use crate::round::{OutOfOrder, order_digest};
use crate::secagg::suite::Suite;

/// What an inspector may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sight {
    /// The compliance report.
    ReportCompliance,
    /// The report for a partner's assessor.
    ReportSecurity,
    /// The input to an impact assessment.
    ReportDpia,
    /// The record of processing activities.
    ReportRopa,
    /// An audit bundle.
    AuditExport,
    /// Incidents and their timelines.
    Incidents,
    /// What the daemon is at.
    Status,
}

impl Sight {
    /// Each of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::ReportCompliance,
        Self::ReportSecurity,
        Self::ReportDpia,
        Self::ReportRopa,
        Self::AuditExport,
        Self::Incidents,
        Self::Status,
    ];

    /// The word in commands and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReportCompliance => "report-compliance",
            Self::ReportSecurity => "report-security",
            Self::ReportDpia => "report-dpia",
            Self::ReportRopa => "report-ropa",
            Self::AuditExport => "audit-export",
            Self::Incidents => "incidents",
            Self::Status => "status",
        }
    }

    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::ReportCompliance => 1,
            Self::ReportSecurity => 2,
            Self::ReportDpia => 3,
            Self::ReportRopa => 4,
            Self::AuditExport => 5,
            Self::Incidents => 6,
            Self::Status => 7,
        }
    }

    /// Whether it is of days, so that a look says which.
    #[must_use]
    pub const fn is_of_days(self) -> bool {
        matches!(self, Self::ReportCompliance | Self::ReportDpia | Self::ReportRopa | Self::AuditExport)
    }
}

/// What an inspector asks to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// In which federation: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// What.
    pub what: Sight,
    /// First second of the first day, by the Unix clock; 0 where it is of no days.
    pub from: u64,
    /// First second of the last day; 0 where it is of no days.
    pub to: u64,
    /// Of which plans, or which incident: the word of the command.
    pub scope: Untrusted,
}

impl Look {
    /// What is signed: the digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/look/1").digest(&self.federation).u8(self.what.number());
        body.u64(self.from).u64(self.to).bytes(self.scope.raw().as_bytes()).finish()
    }
}

/// A look with the inspector's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedLook {
    /// What is asked.
    pub look: Look,
    /// By whom.
    pub signed: Attestation,
}

impl SignedLook {
    /// What names it: inspector, time and what is asked.
    #[must_use]
    pub fn id(&self) -> Digest {
        order_digest(&self.signed)
    }
}

/// Why nothing is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookFault {
    /// No roster.
    #[error("no roster is in force, so nobody's signature counts; put the signed roster where the settings name it")]
    NoRoster,
    /// Of another federation.
    #[error("it was signed for another federation")]
    Federation,
    /// Its days are none.
    #[error("its days are none that such a look has; make it again with a first and a last day, in their order")]
    Days,
    /// Its scope is no line.
    #[error("its scope is not one short line that shows whole; make it again")]
    Scope,
    /// It was used.
    #[error(
        "it was used before, and a request counts once, so that the journal has one entry for each look; have the inspector sign another one"
    )]
    Again,
    /// Too many.
    #[error("the journal has as many looks as it takes")]
    Full,
    /// The signature.
    #[error("its signature does not count: {0}")]
    Signature(AttestationFault),
}

impl LookFault {
    /// The rule of the rule book that it breaks.
    pub(super) const fn rule(self) -> OutOfOrder {
        OutOfOrder(match self {
            Self::NoRoster => "a roster is in force before an inspector's look",
            Self::Federation => "a look is of the federation in which it was signed",
            Self::Days => "a look has the days of what it shows, in their order",
            Self::Scope => "the scope of a look is one short line that shows whole",
            Self::Again => "a look counts once",
            Self::Full => "a journal has 100000 looks at most",
            Self::Signature(_) => "a look is signed by an inspector of the roster in force",
        })
    }
}

/// The looks that were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looks(BTreeSet<Digest>);

impl Looks {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether a look counts by a roster, with its signature, at this second: for whoever shows something.
    ///
    /// # Errors
    /// [`LookFault`].
    pub fn judge<S: Suite>(
        &self,
        signed: &SignedLook,
        (roster, federation): (&Roster, &Digest),
        now: u64,
    ) -> Result<(), LookFault> {
        self.judge_by(signed, federation, |signed, wanted| {
            signed.judge::<S>(roster, Wanted { now: Some(now), ..wanted })
        })
    }

    /// The same without the signature and without a clock: for the rule book.
    pub(super) fn check(&self, signed: &SignedLook, roster: Option<&Roster>) -> Result<(), LookFault> {
        let roster = roster.ok_or(LookFault::NoRoster)?;
        self.judge_by(signed, &signed.look.federation, |signed, wanted| signed.judge_role(roster, wanted))
    }

    fn judge_by(
        &self,
        signed: &SignedLook,
        federation: &Digest,
        judge: impl Fn(&Attestation, Wanted<'_>) -> Result<(), AttestationFault>,
    ) -> Result<(), LookFault> {
        let SignedLook { look, signed: attestation } = signed;
        let holds = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        let own = look.federation == *federation && attestation.federation == *federation;
        holds(own, LookFault::Federation)?;
        let days =
            if look.what.is_of_days() { look.from > 0 && look.from <= look.to } else { look.from == 0 && look.to == 0 };
        holds(days, LookFault::Days)?;
        let scope = look.scope.raw();
        holds(scope.len() <= LOOK_SCOPE_BYTES_MAX && is_one_line(scope), LookFault::Scope)?;
        holds(!self.0.contains(&signed.id()), LookFault::Again)?;
        holds(self.0.len() < LOOKS_MAX, LookFault::Full)?;
        let subject = look.digest();
        let (action, over) = (Action::Inspect, Over::Federation);
        let wanted = Wanted { action, subject: &subject, federation, owner: None, over, now: None };
        judge(attestation, wanted).map_err(LookFault::Signature)
    }

    /// Takes a look that counts.
    pub(super) fn apply(&mut self, signed: &SignedLook) {
        self.0.insert(signed.id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;
    use crate::round::cast::{APPROVER, attested_at, federation, roster};

    /// Whoever asks is judged only where the journal has a place for it.
    #[test]
    fn a_journal_takes_so_many_looks() {
        let look = Look { federation: federation(), what: Sight::Status, from: 0, to: 0, scope: "all".into() };
        let signed = attested_at(400, APPROVER, Role::Inspector, Action::Inspect, look.digest());
        let (signed, roster) = (SignedLook { look, signed }, roster(3).roster);
        let taken = |number: usize| {
            let mut digest = Digest::ZERO;
            digest.0[..8].copy_from_slice(&(number as u64).to_be_bytes());
            digest
        };
        let mut looks = Looks((1..LOOKS_MAX).map(taken).collect());
        assert!(matches!(looks.check(&signed, Some(&roster)), Err(LookFault::Signature(_))));
        looks.0.insert(taken(LOOKS_MAX));
        assert_eq!(looks.check(&signed, Some(&roster)), Err(LookFault::Full));
    }
}
