//! The chain of rosters: a client goes forward only, over rosters that it was shown one by one (PROTOCOL.md, section 1).
//!
//! Why the rosters in between: the newest one names its predecessor by digest, so whoever wants to hide a membership change from a client
//! must break the chain in front of it. A roster that skips some is authentic, but who came and went meanwhile stays unsaid; it is asked
//! for, not believed. What does **not** follow: that the newest roster shown is the newest there is. A coordinator may hold one back, until
//! the keys of its entries end (`not_after`).

use alloc::vec::Vec;

use super::{RosterError, RosterHead, SignedRoster, Succession, at_most};
use crate::limits::ROSTER_LINKS_MAX;
use crate::secagg::suite::{Suite, VerifyingKey};

/// What a client remembers and whom it believes: the newest roster that it accepted, and the authorities pinned at its enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterChain {
    authorities: Vec<VerifyingKey>,
    needed: usize,
    head: Option<RosterHead>,
}

/// How far a roster leads from the one that was accepted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// It is the first one ever accepted here: nothing but its signatures speaks for it.
    First,
    /// It is the same.
    Same,
    /// It is newer, and every roster between the two was seen.
    By {
        /// Rosters after the last one accepted, itself included.
        rosters: u64,
    },
}

/// A roster that was found to be a successor. Record its head durably, then give it to [`RosterChain::advance`]: the other way round, a
/// crash between the two would let an older roster in.
#[derive(Debug, PartialEq, Eq)]
pub struct Successor {
    head: RosterHead,
    advance: Advance,
}

impl Successor {
    /// What to remember from now on.
    #[must_use]
    pub fn head(&self) -> RosterHead {
        self.head
    }

    /// How far it leads; for the operator's screen, with [`super::Roster::changes_since`].
    #[must_use]
    pub fn advance(&self) -> Advance {
        self.advance
    }
}

impl RosterChain {
    /// A chain that stands at `head`, or nowhere yet. `needed` of the authorities must sign every roster.
    #[must_use]
    pub fn new(authorities: Vec<VerifyingKey>, needed: usize, head: Option<RosterHead>) -> Self {
        Self { authorities, needed, head }
    }

    /// The newest roster accepted.
    #[must_use]
    pub fn head(&self) -> Option<RosterHead> {
        self.head
    }

    /// Judges a roster, changing nothing. `links` are the rosters between the last accepted one and this, oldest first; those that are not
    /// newer than the last accepted one are looked at like the others and lead nowhere.
    ///
    /// # Errors
    /// [`RosterError`]: a signature, an older roster, another roster of an epoch that was accepted, or a gap in the chain.
    pub fn judge<S: Suite>(&self, links: &[SignedRoster], offered: &SignedRoster) -> Result<Successor, RosterError> {
        at_most("links", links.len(), ROSTER_LINKS_MAX)?;
        let rosters = || links.iter().chain([offered]);
        // Signatures before anything else: what nobody signed is not worth an explanation.
        rosters().try_for_each(|signed| signed.verify::<S>(&self.authorities, self.needed))?;
        let Some(last) = self.head else {
            return Ok(Successor { head: offered.roster.head(), advance: Advance::First });
        };
        // What is offered decides first, so that a rollback is called one even with links that lead elsewhere.
        if let Succession::Same = offered.roster.follows(&last)? {
            return Ok(Successor { head: last, advance: Advance::Same });
        }
        let mut head = last;
        for signed in rosters().filter(|signed| signed.roster.epoch() > last.epoch) {
            match signed.roster.follows(&head)? {
                Succession::Same => {}
                Succession::Next => head = signed.roster.head(),
                Succession::Skipped { missing } => {
                    return Err(RosterError::Gap { epoch: signed.roster.epoch(), seen: head.epoch, missing });
                }
            }
        }
        // An older link of another history says that the authorities signed two, though the newer ones fit.
        for signed in links.iter().filter(|signed| signed.roster.epoch() == last.epoch) {
            signed.roster.follows(&last)?;
        }
        Ok(Successor { head, advance: Advance::By { rosters: head.epoch - last.epoch } })
    }

    /// Goes forward to a successor, whose head is on the disk by now.
    pub fn advance(&mut self, successor: &Successor) {
        self.head = Some(successor.head);
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
