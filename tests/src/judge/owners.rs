//! What the owner of a branch's data has allowed: which runs, how many, at what cost, and until when.

use std::collections::{BTreeMap, BTreeSet};

use tributary_protocol::budget::Kept;
use tributary_protocol::digest::Digest;
use tributary_protocol::message::Charged;
use tributary_protocol::plan::{GrantSubject, RunRef};
use tributary_protocol::privacy::Accounts;
use tributary_protocol::round::Granted;

use super::{Judge, client_of};

impl Judge {
    /// What the owner of a client's data has granted is this now.
    pub(crate) fn granted(&mut self, index: usize, granted: Vec<Granted>) {
        self.branches[index].owner.granted = granted;
    }

    /// A client's process hears that a grant was taken back.
    pub(crate) fn withdrawn(&mut self, index: usize, grant: Digest) {
        self.branches[index].owner.withdrawn.insert(grant);
    }

    /// The coordinator's disk has this of a client's budget for certain.
    pub(crate) fn kept(&mut self, kept: &Kept) {
        let Kept::Head(head) = kept else { return };
        let told = self.told.entry(head.client).or_default();
        for (run, charged) in head.runs() {
            let known = told.entry(*run).or_default();
            *known = known.raised_to(charged);
        }
    }

    /// A client accepts a run under a grant; the file has the entry.
    pub(super) fn accepts_under(&mut self, index: usize, (run, grant): (RunRef, Digest), charge_max: &Accounts) {
        let client = client_of(index);
        let owner = &self.branches[index].owner;
        let about = |granted: &&Granted| {
            let subject = match &granted.grant.subject {
                GrantSubject::Plan(plan) => *plan == run.plan,
                GrantSubject::Plans { .. } => true,
            };
            granted.grant.digest() == grant && subject
        };
        let Some(granted) = owner.granted.iter().find(about).filter(|_| !owner.withdrawn.contains(&grant)) else {
            return self.object("no run without the owner's grant", format!("client {client}: {run:?}"));
        };
        let known: BTreeSet<RunRef> = owner.under.iter().filter(|(_, by)| **by == grant).map(|(run, _)| *run).collect();
        let others = known.iter().filter(|other| **other != run);
        let charged =
            others.filter_map(|other| owner.cost.get(other)).fold(Accounts::zero(), |sum, cost| sum.plus(cost));
        let (lost, lost_cost) = self.lost_under(index, grant, run);
        let uses = known.len() + lost;
        let year = charged.plus(&lost_cost).plus(charge_max);
        let (within, runs) = (year.customer.within(&granted.year), granted.grant.runs as usize);
        if uses > runs {
            self.object(
                "a grant is used no more often than it says",
                format!("client {client}: {uses} of {runs} runs"),
            );
        }
        if !within {
            self.object("a year under a grant costs no more than it says", format!("client {client}: {run:?}"));
        }
    }

    /// Runs that a restored copy of a client's file has lost, of which the coordinator has the client's own signed word: how many under a grant, and
    /// what they cost.
    fn lost_under(&self, index: usize, grant: Digest, but: RunRef) -> (usize, Accounts) {
        let owner = &self.branches[index].owner;
        let told: Option<&BTreeMap<RunRef, Charged>> = self.told.get(&client_of(index));
        let lost = told.into_iter().flatten().filter(|(run, charged)| {
            **run != but
                && **charged != Charged::default()
                && !owner.under.contains_key(*run)
                && owner.ever_under.get(*run) == Some(&grant)
        });
        lost.fold((0, Accounts::zero()), |(count, sum), (run, charged)| {
            let charges = self.terms.get(&run.id()).map_or(&[][..], |terms| terms.charges.as_slice());
            let cost = charges.iter().enumerate().map(|(stage, charge)| charge.times(charged.of(stage).into()));
            (count + 1, cost.fold(sum, |sum, cost| sum.plus(&cost)))
        })
    }

    /// A client is charged for a round; the file has the entry.
    pub(super) fn charged_under(&mut self, index: usize, run: RunRef) {
        let (client, owner) = (client_of(index), &self.branches[index].owner);
        let Some(grant) = owner.under.get(&run) else {
            return self.object("no charge without an accepted run", format!("client {client}: {run:?}"));
        };
        if owner.withdrawn.contains(grant) {
            return self
                .object("nothing is charged under a grant that was taken back", format!("client {client}: {run:?}"));
        }
        let Some(granted) = owner.granted.iter().find(|granted| granted.grant.digest() == *grant) else { return };
        let cost = |run: &RunRef| owner.cost.get(run).cloned().unwrap_or_else(Accounts::zero);
        let under = owner.under.iter().filter(|(_, by)| *by == grant);
        let year = under.fold(Accounts::zero(), |sum, (run, _)| sum.plus(&cost(run)));
        if !year.customer.within(&granted.year) || !cost(&run).customer.within(&granted.run) {
            self.object("a year under a grant costs no more than it says", format!("client {client}: {run:?}"));
        }
    }

    /// What this client may spend, of all plans.
    pub(super) fn cap(&self, index: usize) -> &Accounts {
        self.poor.as_ref().filter(|(client, _)| *client == client_of(index)).map_or(&self.cap, |(_, cap)| cap)
    }
}
