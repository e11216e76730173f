//! What the participants of a branch share.

use alloc::vec::Vec;

use super::policy::{Granted, Policy};
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::roster::{Roster, federation_digest};
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::round::record::{BudgetFault, BudgetRecord};
use crate::secagg::suite::{Signature, Suite};

/// What the participants of a branch share, one for each run: its policy, its key, and the one budget that pays for all of them.
pub struct Branch<S: Suite> {
    pub(super) policy: Policy,
    /// In whose name people sign.
    pub(super) federation: Digest,
    pub(super) schema: Digest,
    pub(super) signing_key: S::SigningKey,
    pub(super) record: BudgetRecord,
    /// Known from the roster by the signing key.
    pub(super) client: Option<ClientId>,
    /// Counter of the newest budget head that left.
    pub(super) announced: u64,
    /// The last roster that was accepted in this process, in whatever run.
    pub(super) roster: Option<Roster>,
}

impl<S: Suite> Branch<S> {
    /// Starts from the events of the budget file.
    ///
    /// # Errors
    /// The first entry that breaks a rule: nothing may be spent from such a file.
    pub fn resume(
        policy: Policy,
        schema: Digest,
        signing_key: S::SigningKey,
        recorded: &[ParticipantEvent],
    ) -> Result<Self, BudgetFault> {
        let record = BudgetRecord::replay(recorded)?;
        let federation = federation_digest(&policy.authorities, policy.authorities_needed);
        Ok(Self { policy, federation, schema, signing_key, record, client: None, announced: 0, roster: None })
    }

    /// The durable state.
    #[must_use]
    pub fn record(&self) -> &BudgetRecord {
        &self.record
    }

    /// The owner's grants are these now.
    pub fn set_grants(&mut self, grants: Vec<Granted>) {
        self.policy.grants = grants;
    }

    /// Records an event: state first, the file's line next, before anything that relies on it.
    pub(super) fn commit(&mut self, event: ParticipantEvent, outbox: &mut Outbox<ParticipantEffect>) {
        self.record.check(&event).expect("the machine only decides what its record allows");
        self.record.apply(&event);
        outbox.push(ParticipantEffect::Append(event));
    }

    pub(super) fn sign(&self, message: &[u8]) -> Signature {
        S::sign(&self.signing_key, message)
    }
}

#[cfg(test)]
impl<S: Suite> Branch<S> {
    /// A charge stands in the record that this machine did not make: by itself no order of messages brings it there.
    pub(in crate::round) fn overtaken_by(&mut self, charge: &ParticipantEvent) {
        self.record.apply(charge);
    }
}
