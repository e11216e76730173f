//! What is remembered of an owner's grants, and of what was done under them.

use std::collections::{BTreeMap, BTreeSet};

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::Charged;
use tributary_protocol::plan::RunRef;
use tributary_protocol::privacy::Accounts;
use tributary_protocol::round::{Granted, ParticipantEvent};

/// By client: what the coordinator's disk says that it was charged, by the client's own signature.
pub(super) type Told = BTreeMap<ClientId, BTreeMap<RunRef, Charged>>;

/// What is known of one owner's grants, and of what was done under them.
#[derive(Default)]
pub(super) struct Owner {
    /// What it has granted.
    pub(super) granted: Vec<Granted>,
    /// What it has taken back, and the branch was told so.
    pub(super) withdrawn: BTreeSet<Digest>,
    /// By run, as the file has it: the grant under which it was accepted.
    pub(super) under: BTreeMap<RunRef, Digest>,
    /// By run, as the file has it: what was charged.
    pub(super) cost: BTreeMap<RunRef, Accounts>,
    /// The same as `under`, and whatever an old copy of the file has lost.
    pub(super) ever_under: BTreeMap<RunRef, Digest>,
}

impl Owner {
    /// The file has one more entry.
    pub(super) fn note(&mut self, event: &ParticipantEvent) {
        match event {
            ParticipantEvent::RunAccepted { run, grant, .. } => {
                self.under.insert(*run, *grant);
                self.ever_under.insert(*run, *grant);
            }
            ParticipantEvent::BudgetCharged { run, charge, .. } => {
                let cost = self.cost.entry(*run).or_insert_with(Accounts::zero);
                *cost = cost.plus(charge);
            }
            ParticipantEvent::GrantWithdrawn { withdrawal } => {
                self.withdrawn.insert(withdrawal.grant);
            }
            ParticipantEvent::HeadAdopted { head, .. } => self.withdrawn.extend(&head.withdrawn),
            _ => {}
        }
    }

    /// The file is what it holds now.
    pub(super) fn recovers(&mut self, events: &[ParticipantEvent]) {
        (self.under, self.cost) = (BTreeMap::new(), BTreeMap::new());
        events.iter().for_each(|event| self.note(event));
    }

    /// The branch has an old copy of its file, and maybe of what the owner has signed: what it is not told again it cannot know.
    pub(super) fn forgets(&mut self) {
        self.withdrawn.clear();
    }

    /// Everything that was charged, over all runs.
    pub(super) fn spent(&self) -> Accounts {
        self.cost.values().fold(Accounts::zero(), |sum, cost| sum.plus(cost))
    }
}
