//! What a journal says of the branches' budgets: each upload names the head that came with it, by its digest. So heads that were cut off their file, or
//! left out, are missed.

use std::collections::{BTreeMap, BTreeSet};

use tributary_protocol::budget::{BudgetHead, Kept};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::signed::SignedBody as _;

use crate::entries::Entry;

/// What one run says of one branch's budget.
struct Told {
    /// Every head that it names.
    heads: BTreeSet<Digest>,
    /// The last of them, and the entry that names it.
    last: (Digest, u64),
    /// The least counter that it can have: each head with another upload has a larger one.
    counter: u64,
}

impl Default for Told {
    fn default() -> Self {
        Self { heads: BTreeSet::new(), last: (Digest::ZERO, 0), counter: 0 }
    }
}

/// What the runs say, by run and client. Within a run heads go forward; of two runs at once the uploads may cross.
#[derive(Default)]
pub(crate) struct BudgetsTold(BTreeMap<(LedgerId, ClientId), Told>);

impl BudgetsTold {
    /// A branch has shown its whole head.
    pub(crate) fn shown(&mut self, run: LedgerId, entry: u64, head: &BudgetHead) {
        let told = self.0.entry((run, head.client)).or_default();
        if head.counter > told.counter {
            let digest = head.canonical().finish();
            told.counter = head.counter;
            told.heads.insert(digest);
            told.last = (digest, entry);
        }
    }

    /// An upload came with a head.
    pub(crate) fn admitted(&mut self, run: LedgerId, entry: u64, (client, head): (ClientId, Digest)) {
        let told = self.0.entry((run, client)).or_default();
        if told.heads.insert(head) {
            told.counter = told.counter.saturating_add(1);
            told.last = (head, entry);
        }
    }

    /// Whether nothing is said of any budget.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with kept heads, which go forward: each branch's newest one is the last one that each run names, or a later one.
    pub(crate) fn missed(&self, kept: &[Entry<Kept>]) -> Vec<String> {
        let mut all: BTreeMap<ClientId, (BTreeSet<Digest>, &BudgetHead, Digest)> = BTreeMap::new();
        for entry in kept {
            let Kept::Head(head) = &entry.event else { continue };
            let digest = head.canonical().finish();
            let (digests, newest, last) =
                all.entry(head.client).or_insert_with(|| (BTreeSet::new(), head.as_ref(), digest));
            digests.insert(digest);
            (*newest, *last) = (head.as_ref(), digest);
        }
        let mut wrong = BTreeMap::new();
        for ((_, client), told) in &self.0 {
            let why = match all.get(client) {
                None => "no head of it is here",
                Some((digests, ..)) if digests.contains(&told.last.0) => continue,
                // The file was written anew with the newest heads alone.
                Some((_, newest, digest)) if newest.counter >= told.counter && !told.heads.contains(digest) => continue,
                Some(_) => "the newest head here is older",
            };
            wrong.insert(*client, (told.last.1, why));
        }
        let words = |(client, (entry, why)): (ClientId, (u64, &str))| {
            format!(
                "entry {entry} of the journal names a budget head of client {}, and {why}: heads were cut off or left out",
                client.0
            )
        };
        wrong.into_iter().map(words).collect()
    }
}
