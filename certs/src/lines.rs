//! The text form of the public lists: one record a line, fields behind their names, single spaces. An auditor reads and compares them
//! with ordinary tools; the parser takes nothing else.

use core::str::{FromStr, Split};

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::roster::RosterEntry;
use tributary_protocol::secagg::suite::VerifyingKey;

/// The rest of a line. Every method is `None` where the line has another form.
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

    /// 64 hexadecimal digits.
    pub(crate) fn digest(&mut self, name: &str) -> Option<Digest> {
        Digest::from_hex(self.text(name)?)
    }

    /// A bare value.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    /// Nothing may follow.
    pub(crate) fn end(mut self) -> Option<()> {
        self.0.next().is_none().then_some(())
    }

    /// The fields of a roster entry, in their order.
    pub(crate) fn entry(&mut self) -> Option<RosterEntry> {
        Some(RosterEntry {
            client: ClientId(self.number("client")?),
            organisation: OrganisationId(self.number("organisation")?),
            signing_key: VerifyingKey(self.digest("signing")?.0),
            tls_spki_sha256: self.digest("tls")?,
            not_after: self.number("not-after")?,
        })
    }
}

/// The fields of a roster entry, as [`Fields::entry`] reads them.
pub(crate) fn print_entry(entry: &RosterEntry) -> String {
    let RosterEntry { client, organisation, signing_key, tls_spki_sha256, not_after } = entry;
    let signing = Digest(signing_key.0);
    format!("client {client} organisation {organisation} signing {signing} tls {tls_spki_sha256} not-after {not_after}")
}

/// The lines behind the expected first one; `None` if that one is missing or the text does not end with a line end.
pub(crate) fn body<'a>(text: &'a str, title: &str) -> Option<Split<'a, char>> {
    // Not `lines`, which would drop an empty last line.
    let mut lines = text.strip_suffix('\n')?.split('\n');
    (lines.next()? == title && !text.contains('\r')).then_some(lines)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
