//! What a member's keys rest on, as the office knows it: for the people who sign the next roster. Nothing here is signed.
//!
//! ```text
//! tributary grounds 1
//! member north-bank/branch-01 keys 1f3c.. way network at 1900000000 approved anna at 1900000100
//! member north-bank/branch-02 keys 88a0.. way made-here at 1900000000 unapproved
//! ```

use core::fmt;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::roster::{MemberName, RosterEntry};

use super::approvals::{Approval, keys_of};
use crate::inspect::date;
use crate::lines::{Fields, read_list, write_list};
use tributary_storage::files::FileError;

const TITLE: &str = "tributary grounds 1";
const GROUNDS: &str = "grounds";

/// How a member's keys reached the office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With a token, through the office's door.
    Network,
    /// With a token, as a file.
    File,
    /// As a file, with a certificate of the organisation's own authority.
    OwnAuthority,
    /// They were made in the authority's folder: whoever runs the office has had them.
    MadeHere,
}

/// What a member's keys rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// How they came.
    pub way: Way,
    /// When, in Unix seconds.
    pub at: u64,
    /// Who compared their fingerprint; nobody where the token alone was enough.
    pub approval: Option<Approval>,
}

/// A ground and the keys that it is for.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    name: MemberName,
    keys: Digest,
    pub(crate) ground: Ground,
}

impl Way {
    const ALL: [Self; 4] = [Self::Network, Self::File, Self::OwnAuthority, Self::MadeHere];

    fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::File => "file",
            Self::OwnAuthority => "own-authority",
            Self::MadeHere => "made-here",
        }
    }
}

impl Ground {
    /// The fields, as [`Ground::parse`] reads them.
    pub(crate) fn print(&self) -> String {
        let approval = match &self.approval {
            Some(Approval { by, at }) => format!("approved {by} at {at}"),
            None => "unapproved".to_owned(),
        };
        format!("way {} at {} {approval}", self.way.as_str(), self.at)
    }

    pub(crate) fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        let word = fields.text("way")?;
        let way = Way::ALL.into_iter().find(|way| way.as_str() == word)?;
        let at = fields.number("at")?;
        let approval = match fields.value()? {
            "approved" => Some(Approval::named(fields)?),
            "unapproved" => None,
            _ => return None,
        };
        Some(Self { way, at, approval })
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = date(self.at);
        match self.way {
            Way::Network => write!(formatter, "a token used over the network, {at}")?,
            Way::File => write!(formatter, "a token used with a request file, {at}")?,
            Way::OwnAuthority => write!(formatter, "a token, and a certificate of its own authority, {at}")?,
            Way::MadeHere => {
                return write!(
                    formatter,
                    "keys that the office made itself, {at}: whoever runs the office has had them"
                );
            }
        }
        match &self.approval {
            Some(Approval { by, at }) => write!(formatter, "; the fingerprint was approved by {by}, {}", date(*at)),
            None => write!(formatter, "; NOBODY compared the fingerprint"),
        }
    }
}

fn read(folder: &Path) -> Result<Vec<Line>, FileError> {
    read_list(&folder.join(GROUNDS), TITLE, "list of what members rest on", |line| {
        let mut fields = Fields::of(line);
        let (name, keys) = (fields.member("member")?, fields.digest("keys")?);
        let ground = Ground::parse(&mut fields)?;
        fields.end().map(|()| Line { name, keys, ground })
    })
}

/// Keeps what an entry rests on, in place of what the member's older keys rested on. What is known of the same keys stays. The folder's lock is
/// held.
pub(crate) fn record_ground(folder: &Path, entry: &RosterEntry, ground: Ground) -> Result<(), FileError> {
    let mut lines = read(folder)?;
    let keys = keys_of(entry);
    if lines.iter().any(|line| line.keys == keys) {
        return Ok(());
    }
    lines.retain(|line| line.name != entry.name);
    lines.push(Line { name: entry.name.clone(), keys, ground });
    let text = |line: &Line| format!("member {} keys {} {}\n", line.name, line.keys, line.ground.print());
    write_list(&folder.join(GROUNDS), TITLE, lines.iter().map(text))
}

/// What the office knows, to be asked for one entry after the other.
pub(crate) fn read_grounds(folder: &Path) -> Result<impl Fn(&RosterEntry) -> Option<Ground>, FileError> {
    let lines: std::collections::BTreeMap<Digest, Ground> =
        read(folder)?.into_iter().map(|line| (line.keys, line.ground)).collect();
    Ok(move |entry: &RosterEntry| lines.get(&keys_of(entry)).cloned())
}

#[cfg(test)]
#[path = "grounds_tests.rs"]
mod tests;
