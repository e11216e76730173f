//! The text form of the public lists: one record a line, fields behind their names, single spaces. An auditor reads and compares them
//! with ordinary tools; the parser takes nothing else.

use core::str::{FromStr, Split};
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::limits::ROSTER_ENTRIES_MAX;
use tributary_protocol::roster::{MemberName, RosterEntry, RosterGroup};
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};

use crate::identity::Identity;
use tributary_storage::files::{self, Existing, FileError, read_titled};

/// The rest of a line. Every method is `None` where the line has another form.
#[derive(Clone)]
pub(crate) struct Fields<'a>(Split<'a, char>);

impl<'a> Fields<'a> {
    pub(crate) fn of(line: &'a str) -> Self {
        Self(line.split(' '))
    }

    /// The value behind the next name, which must be this one.
    pub(crate) fn text(&mut self, name: &str) -> Option<&'a str> {
        (self.0.next()? == name).then(|| self.0.next())?
    }

    /// A decimal number, written the one way that it is printed.
    pub(crate) fn number<T: FromStr + ToString>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        text.parse::<T>().ok().filter(|value| value.to_string() == text)
    }

    /// 64 hexadecimal digits, in lower case: of two forms one is printed.
    pub(crate) fn digest(&mut self, name: &str) -> Option<Digest> {
        let text = self.text(name)?;
        Digest::from_hex(text).filter(|digest| digest.to_string() == text)
    }

    /// Bytes as lower-case hexadecimal digits.
    pub(crate) fn bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        unhex(self.text(name)?)
    }

    /// A public signing key, after the name of its algorithm.
    pub(crate) fn key(&mut self, name: &str) -> Option<VerifyingKey> {
        VerifyingKey::of_text(self.text(name)?)
    }

    /// A signature, after the name of its algorithm.
    pub(crate) fn signature(&mut self, name: &str) -> Option<Signature> {
        Signature::of_text(self.text(name)?)
    }

    /// `yes` or `no`.
    pub(crate) fn yes(&mut self, name: &str) -> Option<bool> {
        match self.text(name)? {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }
    }

    /// An identity.
    pub(crate) fn identity(&mut self, name: &str) -> Option<Identity> {
        Identity::parse(self.text(name)?).ok()
    }

    /// A member's name.
    pub(crate) fn member(&mut self, name: &str) -> Option<MemberName> {
        MemberName::parse(self.text(name)?).ok()
    }

    /// A bare value.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    /// Nothing may follow.
    pub(crate) fn end(mut self) -> Option<()> {
        self.0.next().is_none().then_some(())
    }

    /// A whole line of a group, written the one way that it is printed.
    pub(crate) fn group(mut self) -> Option<RosterGroup> {
        let name = self.text("group")?.to_owned();
        let rest: Vec<&str> = self.0.collect();
        let members = clients(rest.iter().copied())?;
        (print_clients(&members, " ") == rest.join(" ")).then_some(RosterGroup { name, members })
    }

    /// The fields of a roster entry, in their order.
    pub(crate) fn entry(&mut self) -> Option<RosterEntry> {
        Some(RosterEntry {
            client: ClientId(self.number("client")?),
            name: self.member("name")?,
            organisation: OrganisationId(self.number("organisation")?),
            signing_key: self.key("signing")?,
            tls_spki_sha256: self.digest("tls")?,
            not_after: self.number("not-after")?,
        })
    }
}

/// Clients as a person writes them: numbers and ranges of them, ascending, with a comma between. `None` for anything else.
#[must_use]
pub fn parse_clients(text: &str) -> Option<Vec<ClientId>> {
    clients(text.split(','))
}

/// Clients as [`parse_clients`] reads them, with another text between.
#[must_use]
pub fn print_clients(clients: &[ClientId], between: &str) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for ClientId(client) in clients {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*client) => *last = *client,
            _ => runs.push((*client, *client)),
        }
    }
    let run = |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.iter().map(run).collect::<Vec<_>>().join(between)
}

fn clients<'a>(runs: impl Iterator<Item = &'a str>) -> Option<Vec<ClientId>> {
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| number.to_string() == text);
    let mut clients: Vec<ClientId> = Vec::new();
    for run in runs {
        let (first, last) = run.split_once('-').unwrap_or((run, run));
        let (first, last) = (number(first)?, number(last)?);
        let ascending = clients.last().is_none_or(|before| before.0 < first);
        let more = usize::try_from(last.checked_sub(first)?).ok()?;
        if !ascending || clients.len().saturating_add(more) >= ROSTER_ENTRIES_MAX {
            return None;
        }
        clients.extend((first..=last).map(ClientId));
    }
    Some(clients)
}

/// A group, as [`Fields::group`] reads it.
pub(crate) fn print_group(group: &RosterGroup) -> String {
    format!("group {} {}", group.name, print_clients(&group.members, " "))
}

/// The fields of a roster entry, as [`Fields::entry`] reads them.
pub(crate) fn print_entry(entry: &RosterEntry) -> String {
    let RosterEntry { client, name, organisation, signing_key, tls_spki_sha256, not_after } = entry;
    format!(
        "client {client} name {name} organisation {organisation} signing {signing_key} tls {tls_spki_sha256} not-after {not_after}"
    )
}

/// The lines after the expected first one; `None` if that one is missing or the text does not end with a line end.
pub(crate) fn body<'a>(text: &'a str, title: &str) -> Option<Split<'a, char>> {
    // Not `lines`, which would drop an empty last line.
    let mut lines = text.strip_suffix('\n')?.split('\n');
    (lines.next()? == title && !text.contains('\r')).then_some(lines)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What [`hex`] printed; `None` for anything else, upper case too.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// Reads a list of lines; an absent one is empty.
///
/// # Errors
/// [`FileError`].
pub(crate) fn read_list<T>(
    path: &Path,
    title: &str,
    what: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, FileError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = read_titled(path, title, what)?;
    let list = body(&text, title).and_then(|lines| lines.map(parse).collect());
    list.ok_or_else(|| FileError::content(path, what))
}

/// Writes a list of lines, each with its line end, in place of an older one.
///
/// # Errors
/// [`FileError`]; [`FileError::TooLong`] before it is written if it could not be read again.
pub(crate) fn write_list(path: &Path, title: &str, lines: impl Iterator<Item = String>) -> Result<(), FileError> {
    let text: String = [format!("{title}\n")].into_iter().chain(lines).collect();
    files::write_public(path, text.as_bytes(), Existing::Replace)
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
