//! How branches took part in a run, by their own signed budget heads and uploads: what a grant of an owner must fit.

use std::collections::BTreeMap;

use tributary_protocol::budget::BudgetHead;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{MemberName, Roster};
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_protocol::time::Millis;

/// A branch whose uploads were admitted.
#[derive(Clone, Debug)]
pub(crate) struct PartTaken {
    /// Its name in the roster.
    pub(crate) name: MemberName,
    /// Keys that its heads named as the owner's, up to its last upload. A budget may pass to another owner within a run.
    pub(crate) owners: Vec<VerifyingKey>,
    /// When its first head of this run came, with which it accepted the run.
    pub(crate) accepted: Millis,
    /// When the last round began to which it uploaded.
    pub(crate) last: Millis,
    /// Grants that its heads named as withdrawn, up to its last upload.
    pub(crate) withdrawn: Vec<Digest>,
    /// The counter of the head that was read last.
    counter: Option<u64>,
}

/// What a client has shown.
struct Shown {
    first: Millis,
    owners: Vec<VerifyingKey>,
    newest: BudgetHead,
}

/// The branches of a run so far.
#[derive(Default)]
pub(crate) struct PartsTaken {
    began: Option<Millis>,
    shown: BTreeMap<ClientId, Shown>,
    taken: BTreeMap<ClientId, PartTaken>,
}

impl PartsTaken {
    /// Follows an entry of the run, under the roster in force.
    pub(crate) fn follow(&mut self, at: Millis, event: &CoordinatorEvent, roster: Option<&Roster>) {
        match event {
            CoordinatorEvent::BudgetShown { head } => {
                let head = BudgetHead::clone(head);
                let owner = head.owner.clone();
                let shown = self.shown.entry(head.client);
                let shown = shown.or_insert_with(|| Shown { first: at, owners: Vec::new(), newest: head.clone() });
                if !shown.owners.contains(&owner) {
                    shown.owners.push(owner);
                }
                shown.newest = head;
            }
            CoordinatorEvent::RoundStarted { .. } => self.began = Some(at),
            CoordinatorEvent::UpdateAdmitted { client, .. } => self.uploaded(*client, at, roster),
            _ => {}
        }
    }

    fn uploaded(&mut self, client: ClientId, at: Millis, roster: Option<&Roster>) {
        let Some(entry) = roster.and_then(|roster| roster.entry(client)) else { return };
        let (began, shown) = (self.began.unwrap_or(at), self.shown.get(&client));
        let taken = self.taken.entry(client).or_insert_with(|| PartTaken {
            name: entry.name.clone(),
            owners: Vec::new(),
            accepted: shown.map_or(began, |shown| shown.first),
            last: began,
            withdrawn: Vec::new(),
            counter: None,
        });
        taken.last = began;
        if let Some(shown) = shown.filter(|shown| taken.counter != Some(shown.newest.counter)) {
            taken.owners.clone_from(&shown.owners);
            taken.withdrawn.clone_from(&shown.newest.withdrawn);
            taken.counter = Some(shown.newest.counter);
        }
    }

    /// The branches whose uploads were admitted.
    pub(crate) fn taken(&self) -> impl Iterator<Item = (ClientId, &PartTaken)> {
        self.taken.iter().map(|(client, taken)| (*client, taken))
    }

    /// The newest head of each client that has shown one.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &BudgetHead> {
        self.shown.values().map(|shown| &shown.newest)
    }
}
