//! Checkpoints of a coordinator's journal, as somebody else verifies them: the coordinator's signature, the witnesses of a roster, and whether two
//! checkpoints can be of one journal.
//!
//! Where they stand: `STATE/checkpoints/newest` at a coordinator and at a branch, `STATE/checkpoints/<entries>` (20 digits) for those that a
//! coordinator keeps, and `STATE/checkpoints/coordinator.key` beside them. A branch's folder also has what it refused, as `refused-<entries>-<root>`.
//!
//! Not shown by a checkpoint: that what stands in the journal is true. It shows that the journal is the one that its witnesses saw.

mod beside;
mod compare;
mod roots;

use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_protocol::ids::ClientId;
use tributary_protocol::log::{NoteFault, NoteKey, SignatureKind, SignedCheckpoint};
use tributary_protocol::roster::Roster;
use tributary_protocol::secagg::suite::VerifyingKey;

pub(crate) use beside::entries_of_name;
pub use beside::{NotesBeside, is_kept_name, kept_name};
pub use compare::{Comparison, JournalRoots, compare, roots_of};
pub(crate) use roots::RootsAt;

/// Who cosigned a checkpoint, of the members of a roster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Witnesses {
    /// Members whose cosignature verifies, ascending by client.
    pub witnesses: Vec<Witness>,
    /// Members whose line does not verify: it was changed, or forged.
    pub forged: Vec<String>,
    /// Names of lines by keys that the roster does not have. They say nothing.
    pub unknown: Vec<String>,
    /// Members of the roster.
    pub members: usize,
}

/// One witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// The client.
    pub client: ClientId,
    /// Its name in the roster.
    pub name: String,
    /// Unix seconds of its cosignature, by its own clock.
    pub at: u64,
}

/// Reads a checkpoint and verifies that this coordinator signed it.
///
/// # Errors
/// [`NoteFault`].
pub fn verified(note: &[u8], coordinator: &VerifyingKey) -> Result<SignedCheckpoint, NoteFault> {
    let signed = SignedCheckpoint::parse(note)?;
    signed.verify::<RealSuite>(coordinator)?;
    Ok(signed)
}

/// Verifies the cosignatures by the keys of a roster. The caller has verified the roster's own signatures.
///
/// # Errors
/// [`NoteFault::Algorithm`] if a member's key has no type in a note.
pub fn witnesses(signed: &SignedCheckpoint, roster: &Roster) -> Result<Witnesses, NoteFault> {
    let mut found = Witnesses { members: roster.entries().len(), ..Witnesses::default() };
    let origin = &signed.checkpoint().origin;
    let mut unknown: Vec<&str> =
        signed.signatures().iter().map(|line| line.name()).filter(|name| name != origin).collect();
    for entry in roster.entries() {
        let key = NoteKey::new(entry.name.as_str(), SignatureKind::Witness, &entry.signing_key)?;
        match signed.witnessed::<RealSuite>(&key) {
            Ok(at) => found.witnesses.push(Witness { client: entry.client, name: entry.name.to_string(), at }),
            Err(NoteFault::Forged { name }) => found.forged.push(name),
            Err(_) => continue,
        }
        if let Some(place) = unknown.iter().position(|name| *name == entry.name.as_str()) {
            unknown.swap_remove(place);
        }
    }
    found.unknown = unknown.into_iter().map(Into::into).collect();
    Ok(found)
}

impl fmt::Display for Witnesses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "  witnesses  {} of {} members of the roster cosigned it",
            self.witnesses.len(),
            self.members
        )?;
        if !self.forged.is_empty() {
            write!(formatter, "\n  forged     the lines of {} do not verify", self.forged.join(", "))?;
        }
        if !self.unknown.is_empty() {
            write!(formatter, "\n  unknown    lines by keys that the roster does not have: {}", self.unknown.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
