//! What other branches say of a statement whose signers have left: that they heard of it while the signatures counted, and follow it.
//!
//! A branch notes, signed, which statement about a model it follows ([`CopyNote`]), and it follows none that it did not believe by the roster that was in
//! force for it then. So the word of more than half of the others shows a branch that comes back what it would have believed itself. Whoever gets the
//! keys of people who have left can date a statement back. No branch that knows they have left follows it.

use alloc::collections::BTreeSet;

use super::copies::CopyNote;
use super::manifest::ModelManifest;
use super::statement::ModelStatement;
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::roster::{Group, MemberName, Roster};
use crate::secagg::suite::Suite;
use crate::signed::SignedBody as _;

/// The branches that follow one statement, as far as their signed words have come. Words about another statement begin anew, so that it never holds
/// more than a roster has entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    statement: Option<Digest>,
    branches: BTreeSet<ClientId>,
}

/// How many other branches of a model's group follow a statement, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Following {
    /// Other branches whose word has come.
    pub found: usize,
    /// All other branches of the group.
    pub others: usize,
}

impl Following {
    /// More than half of the others do.
    #[must_use]
    pub const fn is_enough(self) -> bool {
        self.found > self.others / 2
    }
}

impl Heard {
    /// Nobody's word.
    #[must_use]
    pub const fn none() -> Self {
        Self { statement: None, branches: BTreeSet::new() }
    }

    /// Takes the word of a branch of the roster in force; whether it counts.
    pub fn add<S: Suite>(&mut self, note: &CopyNote, (roster, federation): (&Roster, &Digest)) -> bool {
        let Some(entry) = roster.entry(note.client).filter(|_| note.federation == *federation) else { return false };
        if !S::verify(&entry.signing_key, &note.to_sign::<S>(), &note.signature) {
            return false;
        }
        if self.statement != Some(note.statement) {
            *self = Self { statement: Some(note.statement), branches: BTreeSet::new() };
        }
        self.branches.insert(note.client);
        true
    }

    /// How many others than this branch follow a statement, by the roster in force.
    #[must_use]
    pub fn of(
        &self,
        statement: &ModelStatement,
        model: &ModelManifest,
        (roster, branch): (&Roster, &MemberName),
    ) -> Following {
        let members = roster.group(&model.lineage.group).into_iter().flat_map(Group::members);
        let others = members.filter(|client| roster.name_of(*client).is_some_and(|name| name != branch));
        let about = self.statement == Some(statement.digest());
        others.fold(Following { found: 0, others: 0 }, |so_far, client| Following {
            found: so_far.found.saturating_add(usize::from(about && self.branches.contains(&client))),
            others: so_far.others.saturating_add(1),
        })
    }
}
