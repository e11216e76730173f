//! What a coordinator keeps of the branches' budgets over all plans: each head signed by its branch, and none older than the one before.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_protocol::budget::{BudgetHead, Kept};
use tributary_protocol::ids::ClientId;
use tributary_protocol::printable::counted;
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::signed::SignedBody as _;

use crate::entries::{Bad, Entry};

/// What a verified file of heads says.
#[derive(Debug, Serialize)]
pub struct HeadsReport {
    /// Entries of the file.
    pub entries: usize,
    /// Digest over all of them.
    pub head: String,
    /// Clients whose budget is known.
    pub clients: usize,
    /// Rosters under which heads are signed.
    pub rosters: usize,
}

/// Why an entry cannot be what it is.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("a budget head is older than one that was kept before it")]
    Older,
    #[error("a budget head is signed under a roster that was not kept before it, or that does not name its client")]
    NoRoster,
    #[error("a budget head's signature does not verify")]
    Signature,
}

#[derive(Default)]
struct Heads<'a> {
    rosters: BTreeMap<u64, &'a SignedRoster>,
    newest: BTreeMap<ClientId, &'a BudgetHead>,
}

impl<'a> Heads<'a> {
    fn follow(&mut self, kept: &'a Kept) -> Result<(), Broken> {
        match kept {
            Kept::Roster(roster) => {
                self.rosters.insert(roster.roster.epoch(), roster);
            }
            Kept::Head(head) => {
                let entry = self.rosters.get(&head.epoch).and_then(|roster| roster.entry(head.client));
                let entry = entry.ok_or(Broken::NoRoster)?;
                if !RealSuite::verify(&entry.signing_key, &head.to_sign::<RealSuite>(), &head.signature) {
                    return Err(Broken::Signature);
                }
                if self.newest.get(&head.client).is_some_and(|last| !head.follows(last)) {
                    return Err(Broken::Older);
                }
                self.newest.insert(head.client, head);
            }
        }
        Ok(())
    }
}

/// Follows a file of heads from its first entry.
///
/// # Errors
/// The first entry that breaks a rule.
pub(crate) fn audit(entries: &[Entry<Kept>], head: String) -> Result<HeadsReport, Bad> {
    let mut heads = Heads::default();
    for entry in entries {
        heads.follow(&entry.event).map_err(|reason| entry.bad(reason))?;
    }
    Ok(HeadsReport { entries: entries.len(), head, clients: heads.newest.len(), rosters: heads.rosters.len() })
}

impl fmt::Display for HeadsReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "  the branches' budget heads, {}", counted(self.entries, "entry"))?;
        writeln!(formatter, "  head     {}", self.head)?;
        write!(
            formatter,
            "  budgets  of {}, signed under {}",
            counted(self.clients, "client"),
            counted(self.rosters, "roster")
        )
    }
}
