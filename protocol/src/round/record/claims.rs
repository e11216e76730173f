//! The signatures on which the events of a ledger rest, for whoever verifies it: to be verified one by one, or all together.
//!
//! Not among them: the signatures of a roster, which [`crate::roster::SignedRoster::verify`] judges by the authorities' keys.

use alloc::vec::Vec;

use super::budget::BudgetRecord;
use super::rule::{OutOfOrder, rule};
use super::run::RunRecord;
use crate::ids::{ClientId, RunId};
use crate::list::List;
use crate::message::{MaskedHeader, SignedBody, Survivors, signed_message};
use crate::plan::Attestation;
use crate::roster::Roster;
use crate::round::agreement::{refusal_message, survivors_ack_message};
use crate::round::event::{CoordinatorEvent, ParticipantEvent, RunEnd};
use crate::secagg::suite::{Signature, Suite, VerifyingKey};

const STRANGER: OutOfOrder = OutOfOrder("whoever signs is an entry of the roster in force");
const UNSIGNED: OutOfOrder = OutOfOrder("every signature on which it rests verifies");
const CLOSED: OutOfOrder = OutOfOrder("a round is open where its members sign");

/// Somebody's signature over a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose key must have signed.
    pub key: VerifyingKey,
    /// The bytes that are signed.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Signature,
}

impl Claim {
    /// Whether it was signed.
    #[must_use]
    pub fn holds<S: Suite>(&self) -> bool {
        S::verify(&self.key, &self.message, &self.signature)
    }
}

fn verified<S: Suite>(claims: &[Claim]) -> Result<usize, OutOfOrder> {
    if claims.iter().all(Claim::holds::<S>) { Ok(claims.len()) } else { Err(UNSIGNED) }
}

impl RunRecord {
    /// Whether an event may come next, and the signatures on which it rests verify: so many.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn verify<S: Suite>(&self, event: &CoordinatorEvent) -> Result<usize, OutOfOrder> {
        self.check(event)?;
        verified::<S>(&self.claims::<S>(event)?)
    }

    /// The signatures on which an event rests that may come next, and that its digests are those of this suite.
    ///
    /// # Errors
    /// If somebody signs who is not in the roster in force, or a digest is another one.
    pub fn claims<S: Suite>(&self, event: &CoordinatorEvent) -> Result<Vec<Claim>, OutOfOrder> {
        match event {
            CoordinatorEvent::UpdateAdmitted { round, client, vector, head, signature } => {
                let descriptor = self.descriptor.ok_or(CLOSED)?;
                let body = S::digest(MaskedHeader::body(*round, [&descriptor, vector, head]));
                let message = signed_message(MaskedHeader::KIND, &body);
                Ok([Claim { key: self.key_of(*client)?, message, signature: signature.clone() }].into())
            }
            CoordinatorEvent::SurvivorsFrozen { round, digest, .. } => {
                let uploads: List<_> = self.admitted.iter().map(|(client, upload)| (*client, *upload)).collect();
                let own = S::digest(Survivors { round: *round, uploads }.canonical());
                rule(own == *digest, "a survivor set's digest is that of its members and uploads")?;
                Ok(Vec::new())
            }
            CoordinatorEvent::QuorumReached { signatures, .. } => {
                let (descriptor, survivors) = self.descriptor.zip(self.survivors).ok_or(CLOSED)?;
                let message = survivors_ack_message::<S>(&descriptor, &survivors);
                let claim = |(signer, signature): &(ClientId, Signature)| {
                    let (message, signature) = (message.clone(), signature.clone());
                    Ok(Claim { key: self.key_of(*signer)?, message, signature })
                };
                signatures.iter().map(claim).collect()
            }
            CoordinatorEvent::ClientRefused { client, code, signature: Some(signature) } => {
                let key = self.key_of(*client)?;
                // A branch that knew of no run yet has signed zeros in its place.
                let unknown = refusal_message::<S>(RunId::NONE, *code);
                let run = self.reference().map_or(RunId::NONE, |run| run.id());
                let message = match S::verify(&key, &unknown, signature) {
                    true => unknown,
                    false => refusal_message::<S>(run, *code),
                };
                Ok([Claim { key, message, signature: signature.clone() }].into())
            }
            CoordinatorEvent::BudgetBegun { first, .. } => {
                let (message, signature) = (first.to_sign::<S>(), first.signature.clone());
                Ok([Claim { key: first.owner.clone(), message, signature }].into())
            }
            CoordinatorEvent::BudgetShown { head } => {
                let (message, signature) = (head.to_sign::<S>(), head.signature.clone());
                Ok([Claim { key: self.key_of(head.client)?, message, signature }].into())
            }
            // Under the roster in force, which may give its people other keys than the one before.
            CoordinatorEvent::SessionOpened { .. } => {
                let signed = self.approvals.iter().flat_map(|approvals| [&approvals.proposal, &approvals.approval]);
                signed.map(|signed| self.claim_of::<S>(signed)).collect()
            }
            CoordinatorEvent::ApprovalsShown { approvals } => [&approvals.proposal, &approvals.approval]
                .into_iter()
                .map(|signed| self.claim_of::<S>(signed))
                .collect(),
            CoordinatorEvent::OrderTaken { order } => Ok([self.claim_of::<S>(order)?].into()),
            CoordinatorEvent::RunOpened { .. }
            | CoordinatorEvent::OrdersCarried { .. }
            | CoordinatorEvent::RosterAdopted { .. }
            | CoordinatorEvent::SessionKeyed { .. }
            | CoordinatorEvent::SessionClosed { .. }
            | CoordinatorEvent::RoundStarted { .. }
            | CoordinatorEvent::RoundCommitted { .. }
            | CoordinatorEvent::RoundAborted { .. }
            | CoordinatorEvent::ClientRefused { signature: None, .. }
            | CoordinatorEvent::ClientChargedMore { .. }
            | CoordinatorEvent::StageConcluded { .. }
            | CoordinatorEvent::ClientEvicted { .. }
            | CoordinatorEvent::RunFinished { .. } => Ok(Vec::new()),
        }
    }

    /// What a person signed, under the roster in force.
    fn claim_of<S: Suite>(&self, signed: &Attestation) -> Result<Claim, OutOfOrder> {
        let person = self.roster.as_ref().and_then(|roster| roster.person(&signed.staff)).ok_or(STRANGER)?;
        let (key, signature) = (person.signing_key.clone(), signed.signature.clone());
        Ok(Claim { key, message: signed.to_sign::<S>(), signature })
    }

    fn key_of(&self, client: ClientId) -> Result<VerifyingKey, OutOfOrder> {
        key_of(self.roster.as_ref(), client)
    }
}

impl BudgetRecord {
    /// As [`RunRecord::verify`], with a roster of the epoch at hand or without one.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn verify<S: Suite>(&self, event: &ParticipantEvent, roster: Option<&Roster>) -> Result<usize, OutOfOrder> {
        self.check(event)?;
        verified::<S>(&self.claims::<S>(event, roster)?)
    }

    /// The signatures on which an event rests that may come next. Of heads where the roster of their epoch is at hand: the file has its digest alone.
    ///
    /// # Errors
    /// If the roster at hand does not have whoever signs.
    pub fn claims<S: Suite>(
        &self,
        event: &ParticipantEvent,
        roster: Option<&Roster>,
    ) -> Result<Vec<Claim>, OutOfOrder> {
        let (key, message, signature) = match event {
            ParticipantEvent::BudgetBegun { first, .. } => {
                (first.owner.clone(), first.to_sign::<S>(), &first.signature)
            }
            ParticipantEvent::OwnerChanged { change } => {
                (change.from.clone(), change.to_sign::<S>(), &change.signature)
            }
            ParticipantEvent::GrantWithdrawn { withdrawal } => {
                (withdrawal.owner.clone(), withdrawal.to_sign::<S>(), &withdrawal.signature)
            }
            ParticipantEvent::CapRaised { raise, officer, roster, .. } => {
                let (message, signature) = (raise.to_sign::<S>(), raise.signature.clone());
                let owner = Claim { key: raise.owner.clone(), message, signature };
                let key = roster.roster.person(&officer.staff).ok_or(STRANGER)?.signing_key.clone();
                let (message, signature) = (officer.to_sign::<S>(), officer.signature.clone());
                return Ok([owner, Claim { key, message, signature }].into());
            }
            ParticipantEvent::RunEnded { how: RunEnd::Released(release), .. } => {
                (release.owner.clone(), release.to_sign::<S>(), &release.signature)
            }
            ParticipantEvent::HeadSigned { head } | ParticipantEvent::HeadAdopted { head, .. } => {
                let Some(roster) = roster.filter(|roster| roster.epoch() == head.epoch) else { return Ok(Vec::new()) };
                (key_of(Some(roster), head.client)?, head.to_sign::<S>(), &head.signature)
            }
            ParticipantEvent::RosterAccepted { .. }
            | ParticipantEvent::CountersSeen { .. }
            | ParticipantEvent::RunAccepted { .. }
            | ParticipantEvent::CapsNoted { .. }
            | ParticipantEvent::RunEnded { .. }
            | ParticipantEvent::BudgetCharged { .. }
            | ParticipantEvent::Uploaded { .. }
            | ParticipantEvent::SurvivorsAcknowledged { .. }
            | ParticipantEvent::SharesRevealed { .. }
            | ParticipantEvent::RoundClosed { .. }
            | ParticipantEvent::Refused { .. } => return Ok(Vec::new()),
        };
        Ok([Claim { key, message, signature: signature.clone() }].into())
    }
}

fn key_of(roster: Option<&Roster>, client: ClientId) -> Result<VerifyingKey, OutOfOrder> {
    roster.and_then(|roster| roster.entry(client)).map(|entry| entry.signing_key.clone()).ok_or(STRANGER)
}
