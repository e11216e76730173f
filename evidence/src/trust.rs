//! Who signs rosters, and what follows: one federation, and one roster for each epoch.

use std::collections::BTreeMap;

use tributary_certs::roster::RosterAuthorities;
use tributary_protocol::budget::Kept;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::roster::{Roster, RosterError, SignedRoster};
use tributary_protocol::round::CoordinatorEvent;

use crate::entries::{Bad, Entry};

/// Something that another federation, or nobody, has signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untrusted {
    /// A roster that the authorities did not sign.
    #[error("the roster of epoch {epoch} is not signed by the roster authorities: {fault}")]
    Roster {
        /// Its epoch.
        epoch: u64,
        /// Why.
        fault: RosterError,
    },
    /// Two of one epoch.
    #[error("the roster of epoch {0} is another one here than before: members were shown different rosters")]
    Fork(u64),
    /// What people signed is of another federation.
    #[error("what was signed here is of another federation: {found}, and the roster authorities are those of {own}")]
    Federation {
        /// Found.
        found: Digest,
        /// The authorities'.
        own: Digest,
    },
}

/// The federation, as far as it is known.
#[derive(Default)]
pub(crate) struct Federation {
    authorities: Option<RosterAuthorities>,
    rosters: BTreeMap<u64, Digest>,
    /// Each roster that is newer than the ones before it, and the entry that showed it first.
    shown: Vec<(u64, Roster)>,
    /// The entry that is judged.
    at: u64,
    /// Rosters whose authorities' signatures were verified.
    pub(crate) verified: usize,
}

impl Federation {
    /// Rosters are judged by these authorities, where there are any.
    pub(crate) fn of(authorities: Option<RosterAuthorities>) -> Self {
        Self { authorities, ..Self::default() }
    }

    /// What is judged from here on stands in this entry.
    pub(crate) fn at(&mut self, entry: u64) {
        self.at = entry;
    }

    /// The roster in force before an entry.
    pub(crate) fn in_force(&self, entry: u64) -> Option<&Roster> {
        self.shown.iter().rev().find(|(shown, _)| *shown < entry).map(|(_, roster)| roster)
    }

    /// Every roster that was shown.
    pub(crate) fn rosters(&self) -> impl Iterator<Item = &Roster> {
        self.shown.iter().map(|(_, roster)| roster)
    }

    /// Judges a roster.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub(crate) fn roster(&mut self, signed: &SignedRoster) -> Result<(), Untrusted> {
        let (epoch, digest) = (signed.roster.epoch(), signed.roster.digest());
        if *self.rosters.entry(epoch).or_insert(digest) != digest {
            return Err(Untrusted::Fork(epoch));
        }
        if self.shown.last().is_none_or(|(_, last)| last.epoch() < epoch) {
            self.shown.push((self.at, signed.roster.clone()));
        }
        if let Some(authorities) = &self.authorities {
            authorities.verify(signed).map_err(|fault| Untrusted::Roster { epoch, fault })?;
            self.verified = self.verified.saturating_add(1);
        }
        Ok(())
    }

    /// Judges the rosters in a file of budget heads.
    ///
    /// # Errors
    /// The first entry with one that is not the federation's.
    pub(crate) fn of_heads(&mut self, entries: &[Entry<Kept>]) -> Result<(), Bad> {
        entries.iter().try_for_each(|entry| match &entry.event {
            Kept::Roster(roster) => self.roster(roster).map_err(|fault| entry.bad(fault)),
            Kept::Head(_) => Ok(()),
        })
    }

    /// Judges in which federation something was signed.
    ///
    /// # Errors
    /// [`Untrusted::Federation`].
    pub(crate) fn own(&self, found: &Digest) -> Result<(), Untrusted> {
        let Some(own) = self.authorities.as_ref().map(RosterAuthorities::digest) else { return Ok(()) };
        if own == *found { Ok(()) } else { Err(Untrusted::Federation { found: *found, own }) }
    }

    /// Judges an event of a run.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub(crate) fn of_run(&mut self, event: &CoordinatorEvent) -> Result<(), Untrusted> {
        match event {
            CoordinatorEvent::RosterAdopted { roster, .. } => self.roster(roster),
            CoordinatorEvent::RunOpened { approvals, .. } | CoordinatorEvent::ApprovalsShown { approvals } => {
                self.own(&approvals.proposal.federation)?;
                self.own(&approvals.approval.federation)
            }
            CoordinatorEvent::OrderTaken { order } => self.own(&order.federation),
            CoordinatorEvent::OrdersCarried { orders } => {
                orders.standing().try_for_each(|standing| self.own(&standing.order.federation))
            }
            _ => Ok(()),
        }
    }

    /// Judges an event of the registry.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub(crate) fn of_registry(&mut self, event: &RegistryEvent) -> Result<(), Untrusted> {
        match event {
            RegistryEvent::RosterAdopted { roster } => self.roster(roster),
            RegistryEvent::StatementTaken { statement } => {
                self.own(&statement.statement.federation)?;
                let report = statement.report.iter().map(|report| &report.signed);
                statement.signatures().chain(report).try_for_each(|signed| self.own(&signed.federation))
            }
            RegistryEvent::CopyNoted { note } => self.own(&note.federation),
            RegistryEvent::IncidentTold { told } => {
                self.own(&told.word.federation)?;
                self.own(&told.signed.federation)
            }
            RegistryEvent::Looked { look } => {
                self.own(&look.look.federation)?;
                self.own(&look.signed.federation)
            }
            RegistryEvent::AttacksReported { report } => {
                self.own(&report.report.federation)?;
                self.own(&report.signed.federation)
            }
            RegistryEvent::ModelRegistered { .. }
            | RegistryEvent::CardWritten { .. }
            | RegistryEvent::Exported { .. }
            | RegistryEvent::PointsSet { .. }
            | RegistryEvent::Noticed { .. } => Ok(()),
        }
    }
}
