//! A branch's budget across plans: its first use, the signed heads that say what was spent, and what the coordinator keeps of them.
//!
//! A head says what a branch spent on its customers, whatever the plan. The coordinator keeps the newest one of each client and shows it when
//! the client joins. So an older copy of a budget file is noticed in another plan as well, and after the file itself is lost. A coordinator
//! that shows an older head is noticed by the other members: each set-up tells them every member's counter.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::ids::ClientId;
use crate::limits::{CHARGED_RUNS_MAX, WITHDRAWALS_MAX};
use crate::message::{Charged, SignedBody};
use crate::plan::{Caps, RunRef};
use crate::privacy::{Accounts, YearSpend};
use crate::roster::{Roster, SignedRoster};
use crate::secagg::suite::{Signature, Suite, VerifyingKey};
use crate::time::Millis;

/// What a branch spent, signed by its protocol key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetHead {
    /// Whose.
    pub client: ClientId,
    /// Salted digest of the customers' population: see [`population_digest`].
    pub population: Digest,
    /// Grows with every charge, every withdrawal and every change of caps, and never falls. The first use is 1. A file that adopts a head goes on from its
    /// counter.
    pub counter: u64,
    /// Everything that was ever spent, over all plans.
    pub spent: Accounts,
    /// What of it counts within a year.
    pub year: YearSpend,
    /// The caps of the policy, as the file has seen them last.
    pub caps: Option<Caps>,
    /// The run under which this was signed.
    pub run: RunRef,
    /// What was charged in that run.
    pub charged: Charged,
    /// What was charged in every other run, ascending: no run's own limit begins anew in a file that has adopted this.
    pub others: Vec<(RunRef, Charged)>,
    /// The rounds of the last day in which there were any, which count for the limit by day.
    pub day: LastDay,
    /// The grants that the owner has withdrawn, and the raises of caps that were applied, ascending: an older file revives none.
    pub withdrawn: Vec<Digest>,
    /// Epoch of the roster under which this was signed.
    pub epoch: u64,
    /// The public key of the data's owner, who signed the budget's first use.
    pub owner: VerifyingKey,
    /// Signature by the branch's protocol key.
    pub signature: Signature,
}

impl SignedBody for BudgetHead {
    const KIND: &'static str = "BUDGET";

    fn canonical(&self) -> Canonical {
        let body = Canonical::new("BUDGET").u32(self.client.0).digest(&self.population).u64(self.counter);
        let body = self.year.canonical(self.spent.canonical(body));
        let body = match &self.caps {
            Some(caps) => caps.canonical(body.u8(1)),
            None => body.u8(0),
        };
        let body = self.charged.canonical(self.run.canonical(body));
        let body = body.u32(u32::try_from(self.others.len()).unwrap_or(u32::MAX));
        let body = self.others.iter().fold(body, |body, (run, charged)| charged.canonical(run.canonical(body)));
        let body = body.u32(self.day.rounds).u64(self.day.last.0);
        let body = body.u32(u32::try_from(self.withdrawn.len()).unwrap_or(u32::MAX));
        let body = self.withdrawn.iter().fold(body, Canonical::digest);
        self.owner.canonical(body.u64(self.epoch))
    }
}

impl BudgetHead {
    /// Whether this can be signed after another head of the same client: nothing that was spent is forgotten.
    #[must_use]
    pub fn follows(&self, last: &Self) -> bool {
        let same = self.client == last.client && self.population == last.population;
        // The first caps change nothing: a file without any admits whatever the policy says, and moves no counter for it.
        let same_caps = || last.caps.is_none() || self.caps == last.caps;
        let still = || self.counter == last.counter && self.spent == last.spent && same_caps();
        let forward = self.counter > last.counter || still();
        let runs = || last.runs().all(|(run, charged)| charged.at_most(&self.charged_in(run)));
        let withdrawn = || last.withdrawn.iter().all(|grant| self.withdrawn.contains(grant));
        same && forward && last.spent.at_most(&self.spent) && self.year.knows(&last.year) && runs() && withdrawn()
    }

    /// Every run that was charged, with what was.
    pub fn runs(&self) -> impl Iterator<Item = (&RunRef, &Charged)> {
        let others = self.others.iter().map(|(run, charged)| (run, charged));
        core::iter::once((&self.run, &self.charged)).chain(others)
    }

    /// What was charged in a run.
    #[must_use]
    pub fn charged_in(&self, run: &RunRef) -> Charged {
        self.runs().find(|(known, _)| *known == run).map(|(_, charged)| charged.clone()).unwrap_or_default()
    }

    /// Whether it names no more runs and stages than a branch ever charges, and no more withdrawals than one makes: what is longer goes into no file.
    #[must_use]
    pub fn is_short(&self) -> bool {
        let runs = self.others.len() < CHARGED_RUNS_MAX && self.runs().all(|(_, charged)| charged.is_short());
        runs && self.year.is_short() && self.withdrawn.len() <= WITHDRAWALS_MAX
    }
}

/// The rounds of the day that ends with the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDay {
    /// How many were charged.
    pub rounds: u32,
    /// When the last one was, by the branch's clock.
    pub last: Millis,
}

impl LastDay {
    /// No rounds.
    pub const NONE: Self = Self { rounds: 0, last: Millis(0) };
}

/// The digest by which a head names its population. The salt is drawn at the first use and stays in the budget file.
#[must_use]
pub fn population_digest(salt: &[u8; 32], population: &str) -> Digest {
    Canonical::new("tributary/population/1").digest(&Digest(*salt)).bytes(population.as_bytes()).finish()
}

/// The first use of a budget file, signed by the owner of the data: nothing begins one by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstUse {
    /// Salted digest of the population, which binds its words and the salt.
    pub population: Digest,
    /// The owner's public key.
    pub owner: VerifyingKey,
    /// The branch's protocol signing key at that time.
    pub signing_key: VerifyingKey,
    /// The file takes the place of a lost one: it is good for nothing before it has adopted a head.
    pub adopts: bool,
    /// Signature by the owner.
    pub signature: Signature,
}

impl SignedBody for FirstUse {
    const KIND: &'static str = "BUDGET-BEGIN";

    fn canonical(&self) -> Canonical {
        let body = Canonical::new("BUDGET-BEGIN").digest(&self.population);
        self.signing_key.canonical(self.owner.canonical(body)).u8(self.adopts.into())
    }
}

impl FirstUse {
    /// Whether its owner signed it.
    #[must_use]
    pub fn is_signed<S: Suite>(&self) -> bool {
        S::verify(&self.owner, &self.to_sign::<S>(), &self.signature)
    }

    /// Whether the owner can have signed it for this member: for its key, or for one that no roster in force gives to another. A branch that has
    /// enrolled again has the first use of its earlier key.
    #[must_use]
    pub fn may_be_of(&self, client: ClientId, roster: &Roster) -> bool {
        let holder = roster.entries().iter().find(|entry| entry.signing_key == self.signing_key);
        holder.is_none_or(|entry| entry.client == client)
    }
}

/// A budget passes to another owner, by the signature of the one before: nobody else can. The new one shows that it has its key by signing the
/// policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerChange {
    /// Salted digest of the population.
    pub population: Digest,
    /// The owner before.
    pub from: VerifyingKey,
    /// The owner after.
    pub to: VerifyingKey,
    /// Signature by the owner before.
    pub signature: Signature,
}

impl SignedBody for OwnerChange {
    const KIND: &'static str = "BUDGET-OWNER";

    fn canonical(&self) -> Canonical {
        let body = Canonical::new("BUDGET-OWNER").digest(&self.population);
        self.to.canonical(self.from.canonical(body))
    }
}

impl OwnerChange {
    /// Whether the owner before signed it.
    #[must_use]
    pub fn is_signed<S: Suite>(&self) -> bool {
        S::verify(&self.from, &self.to_sign::<S>(), &self.signature)
    }
}

/// The owner lets go of what a run has reserved that came to no end here: nothing more is ever charged in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Salted digest of the population.
    pub population: Digest,
    /// The run.
    pub run: RunRef,
    /// The owner.
    pub owner: VerifyingKey,
    /// Signature by the owner.
    pub signature: Signature,
}

impl SignedBody for Release {
    const KIND: &'static str = "BUDGET-RELEASE";

    fn canonical(&self) -> Canonical {
        let body = Canonical::new("BUDGET-RELEASE").digest(&self.population);
        self.owner.canonical(self.run.canonical(body))
    }
}

/// A client's newest head as the coordinator shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownHead {
    /// The head.
    pub head: BudgetHead,
    /// The roster under which it was signed, where that names another key of the client than the roster in force.
    pub roster: Option<SignedRoster>,
}

impl ShownHead {
    /// Whether the client signed this head with a key that a roster of these authorities gives it: the one in force, or the one of that time.
    #[must_use]
    pub fn is_signed<S: Suite>(
        &self,
        in_force: &SignedRoster,
        (authorities, needed): (&[VerifyingKey], usize),
    ) -> bool {
        let head = &self.head;
        let roster = match &self.roster {
            None => in_force,
            Some(old) => {
                let genuine = old.verify::<S>(authorities, needed).is_ok() && old.roster.epoch() == head.epoch;
                if !genuine || head.epoch >= in_force.roster.epoch() {
                    return false;
                }
                old
            }
        };
        let entry = roster.roster.entry(head.client);
        entry.is_some_and(|entry| S::verify(&entry.signing_key, &head.to_sign::<S>(), &head.signature))
    }
}

/// What the coordinator appends to its heads, outside any plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// A roster under which heads are signed.
    Roster(Box<SignedRoster>),
    /// A client's newest head.
    Head(Box<BudgetHead>),
}

/// The newest head of each client over all plans, and the rosters that these name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    newest: BTreeMap<ClientId, BudgetHead>,
    rosters: BTreeMap<u64, SignedRoster>,
}

impl Heads {
    /// The state after everything that was kept.
    #[must_use]
    pub fn replay<'a>(kept: impl IntoIterator<Item = &'a Kept>) -> Self {
        let mut heads = Self::default();
        kept.into_iter().for_each(|kept| heads.apply(kept));
        heads
    }

    /// Keeps one more.
    pub fn apply(&mut self, kept: &Kept) {
        match kept {
            Kept::Roster(roster) => {
                self.rosters.insert(roster.roster.epoch(), SignedRoster::clone(roster));
            }
            Kept::Head(head) => {
                self.newest.insert(head.client, BudgetHead::clone(head));
            }
        }
    }

    /// The same in the fewest entries: rosters that no head names any more are left out.
    pub fn compact(&self) -> impl Iterator<Item = Kept> {
        let named = |epoch: &u64| self.newest.values().any(|head| head.epoch == *epoch);
        let rosters = self.rosters.iter().filter(move |(epoch, _)| named(epoch));
        let rosters = rosters.map(|(_, roster)| Kept::Roster(Box::new(roster.clone())));
        rosters.chain(self.newest.values().map(|head| Kept::Head(Box::new(head.clone()))))
    }

    /// How many entries [`Heads::compact`] has at most.
    #[must_use]
    pub fn count(&self) -> usize {
        self.newest.len() + self.rosters.len()
    }

    /// Whether the roster of an epoch is kept.
    #[must_use]
    pub fn has_roster(&self, epoch: u64) -> bool {
        self.rosters.contains_key(&epoch)
    }

    /// A client's newest head.
    #[must_use]
    pub fn newest(&self, client: ClientId) -> Option<&BudgetHead> {
        self.newest.get(&client)
    }

    /// A client's newest head with what it takes to verify it.
    #[must_use]
    pub fn shown_to(&self, client: ClientId, in_force: &SignedRoster) -> Option<ShownHead> {
        let head = self.newest.get(&client)?.clone();
        let key_of = |roster: &SignedRoster| roster.roster.entry(client).map(|entry| entry.signing_key.clone());
        let then = self.rosters.get(&head.epoch);
        let roster = then.filter(|then| key_of(then) != key_of(in_force)).cloned();
        Some(ShownHead { head, roster })
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
