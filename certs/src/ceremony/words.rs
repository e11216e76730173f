//! The report in words. Everything in it is of few letters of ASCII or a number, so that no proposal can draw on the signer's terminal.

use core::fmt;
use tributary_protocol::printable::counted;

use tributary_protocol::roster::{EntryChange, GroupChange, RosterEntry};

use super::changes::ChangeReport;
use super::people::Danger;
use super::proposal::Rest;
use crate::inspect::date;
use crate::lines::print_clients;
use crate::office::Fingerprint;

impl fmt::Display for Rest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ground(ground) => ground.fmt(formatter),
            Self::Revoked { reason, at } => write!(formatter, "revoked, {}, {}", reason.as_str(), date(*at)),
        }
    }
}

impl fmt::Display for ChangeReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (epoch, count) = (self.to.epoch, counted(self.count(), "change"));
        match self.from {
            Some(from) => writeln!(formatter, "Roster {epoch} follows roster {}: {count}.", from.epoch),
            None => writeln!(formatter, "Roster {epoch} follows nothing: {count}."),
        }?;
        let (keyed, other): (Vec<_>, Vec<_>) =
            self.changes.changed.iter().partition(|change| change.has_other_keys() || change.has_other_name());
        section(
            formatter,
            "OTHER KEYS OR ANOTHER NAME: whoever holds them speaks for the member",
            &keyed,
            |out, change| self.changed(out, change),
        )?;
        self.people.print(formatter, &[Danger::OtherKey, Danger::MayApprove])?;
        section(formatter, "ADDED", &self.changes.added, |out, entry| {
            self.entry(out, "+", entry)?;
            self.rest(out, entry)
        })?;
        section(formatter, "REMOVED", &self.changes.removed, |out, entry| {
            self.entry(out, "-", entry)?;
            self.rest(out, entry)
        })?;
        section(formatter, "VALID FOR LONGER OR SHORTER", &other, |out, change| {
            let EntryChange { before, after } = change;
            let (from, to) = (date(before.not_after), date(after.not_after));
            writeln!(out, "  ~ client {}  {}  from {from} to {to}", after.client, after.name)?;
            self.rest(out, after)
        })?;
        section(formatter, "GROUPS: a plan counts its coalition of a group", &self.changes.groups, group)?;
        self.people.print(formatter, &[Danger::NewRole, Danger::Less])?;
        let untouched = self.members.saturating_sub(self.changes.added.len() + self.changes.changed.len());
        writeln!(formatter, "\nAs before: {untouched} of {}.", counted(self.members, "member"))?;
        writeln!(formatter, "Digest of these changes: {}", self.digest())
    }
}

/// A heading with its number of changes, and each of them; nothing without any.
fn section<T>(
    formatter: &mut fmt::Formatter<'_>,
    heading: &str,
    changes: &[T],
    mut each: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if changes.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "\n{heading} ({})", changes.len())?;
    changes.iter().try_for_each(|change| each(formatter, change))
}

fn group(formatter: &mut fmt::Formatter<'_>, change: &GroupChange) -> fmt::Result {
    let GroupChange { name, new, gone, added, removed } = change;
    let what = match (new, gone) {
        (true, _) => " (new)",
        (_, true) => " (gone)",
        _ => "",
    };
    write!(formatter, "  ~ {name}{what}")?;
    for (sign, clients) in [("+", added), ("-", removed)] {
        if !clients.is_empty() {
            write!(formatter, "  {sign} clients {}", print_clients(clients, ", "))?;
        }
    }
    writeln!(formatter)
}

impl ChangeReport {
    fn entry(&self, formatter: &mut fmt::Formatter<'_>, sign: &str, entry: &RosterEntry) -> fmt::Result {
        let RosterEntry { client, name, organisation, not_after, .. } = entry;
        let end = date(*not_after);
        writeln!(formatter, "  {sign} client {client}  {name}  (organisation {organisation})  until {end}")?;
        writeln!(formatter, "      fingerprint {}", Fingerprint::of_entry(entry))
    }

    fn changed(&self, formatter: &mut fmt::Formatter<'_>, EntryChange { before, after }: &EntryChange) -> fmt::Result {
        self.entry(formatter, "-", before)?;
        self.entry(formatter, "+", after)?;
        self.rest(formatter, after)
    }

    fn rest(&self, formatter: &mut fmt::Formatter<'_>, entry: &RosterEntry) -> fmt::Result {
        for remark in self.remarks.get(&entry.client).into_iter().flatten() {
            writeln!(formatter, "      {remark}")?;
        }
        match self.rests.members.get(&entry.client) {
            Some(rest) => writeln!(formatter, "      rests, says the office, on: {rest}"),
            None => writeln!(formatter, "      rests, says the office, on: NOTHING that it names"),
        }
    }
}
