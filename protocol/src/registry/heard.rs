//! What is shown to a branch that comes back of a statement whose signers have left: the roster by which it was taken, and other branches that follow it.
//!
//! The signatures are judged by that roster, which the federation's authorities have signed. It proves that those people had their roles once, and not that
//! they signed then. So other branches stand in for the time. A branch notes, signed, which statement about a model it follows ([`CopyNote`]). It follows
//! none that it did not believe by the roster that was in force for it then. So the word of more than half of the others shows a branch that comes back
//! what it would have believed itself. Whoever gets the keys of people who have left can date a statement back. No branch that knows they have left
//! follows it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::copies::CopyNote;
use super::manifest::ModelManifest;
use super::statement::ModelStatement;
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::roster::{MemberName, Roster};
use crate::secagg::suite::Suite;
use crate::signed::SignedBody as _;

/// The roster by which statements were taken, and the branches that follow one of them, as far as their signed words have come. Words about another
/// statement begin anew, so that it never holds more than a roster has entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    before: Option<Roster>,
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
        Self { before: None, statement: None, branches: BTreeSet::new() }
    }

    /// Nobody's word so far, about a statement that was taken by this roster, whose own signatures were verified.
    #[must_use]
    pub const fn under(before: Roster) -> Self {
        Self { before: Some(before), statement: None, branches: BTreeSet::new() }
    }

    /// The roster by which the statement was taken, if one was shown.
    #[must_use]
    pub const fn before(&self) -> Option<&Roster> {
        self.before.as_ref()
    }

    /// Takes the word of a branch of the roster in force; whether it counts.
    pub fn add<S: Suite>(&mut self, note: &CopyNote, (roster, federation): (&Roster, &Digest)) -> bool {
        let Some(entry) = roster.entry(note.client).filter(|_| note.federation == *federation) else { return false };
        if !S::verify(&entry.signing_key, &note.to_sign::<S>(), &note.signature) {
            return false;
        }
        if self.statement != Some(note.statement) {
            (self.statement, self.branches) = (Some(note.statement), BTreeSet::new());
        }
        self.branches.insert(note.client);
        true
    }

    /// How many others than this branch follow a statement, by the roster in force: of the model's group, where this branch is in it, and else of all.
    #[must_use]
    pub fn of(
        &self,
        statement: &ModelStatement,
        model: &ModelManifest,
        (roster, branch): (&Roster, &MemberName),
    ) -> Following {
        let own = roster.entries().iter().find(|entry| entry.name == *branch).map(|entry| entry.client);
        let group =
            roster.group(&model.lineage.group).filter(|group| group.members().any(|client| Some(client) == own));
        let is_asked = |client: ClientId| group.is_none_or(|group| group.members().any(|member| member == client));
        let members = roster.entries().iter().map(|entry| entry.client);
        let others: Vec<ClientId> = members.filter(|client| Some(*client) != own && is_asked(*client)).collect();
        let follows = |client: &&ClientId| self.branches.contains(*client);
        let about = self.statement == Some(statement.digest());
        let found = if about { others.iter().filter(follows).count() } else { 0 };
        Following { found, others: others.len() }
    }
}
