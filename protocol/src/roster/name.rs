//! A member's name in the roster: what its certificate calls it, without the federation's own name.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::NAME_PART_BYTES_MAX;

/// `ORGANISATION/ID`, such as `north-bank/branch-01`: the two parts of the URI `spiffe://DOMAIN/ORGANISATION/client/ID`. Plain ASCII of few
/// letters, so that no two names look alike by their encoding, and none can carry a line end, an escape or a mark of direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MemberName(Box<str>);

/// A text that is no member's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a member's name is ORGANISATION/ID, each 1 to {NAME_PART_BYTES_MAX} of a-z, 0-9, '-', '_' and '.', beginning and ending with a letter or digit"
)]
pub struct NameFault;

/// Whether a text may be a part of an identity: 1 to `bytes_max` of `a-z 0-9 - _ .`, beginning and ending with a letter or digit.
#[must_use]
pub fn is_name(text: &str, bytes_max: usize) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inside = text.bytes().all(|byte| letter(byte) || matches!(byte, b'-' | b'_' | b'.'));
    let ends = text.bytes().next().is_some_and(letter) && text.bytes().next_back().is_some_and(letter);
    text.len() <= bytes_max && inside && ends
}

impl MemberName {
    /// A name from its parts.
    ///
    /// # Errors
    /// [`NameFault`] if a part is none that a name may have.
    pub fn new(organisation: &str, id: &str) -> Result<Self, NameFault> {
        let good = is_name(organisation, NAME_PART_BYTES_MAX) && is_name(id, NAME_PART_BYTES_MAX);
        if good { Ok(Self(format!("{organisation}/{id}").into())) } else { Err(NameFault) }
    }

    /// Parses a name's text.
    ///
    /// # Errors
    /// [`NameFault`].
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let (organisation, id) = text.split_once('/').ok_or(NameFault)?;
        Self::new(organisation, id)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bank or partner.
    #[must_use]
    pub fn organisation(&self) -> &str {
        self.parts().0
    }

    /// The branch, unique within its organisation.
    #[must_use]
    pub fn id(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once('/').expect("parsing demands the stroke")
    }
}

impl fmt::Display for MemberName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for MemberName {
    type Error = NameFault;

    fn try_from(text: String) -> Result<Self, NameFault> {
        Self::parse(&text)
    }
}

impl From<MemberName> for String {
    fn from(name: MemberName) -> String {
        name.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};

    #[test]
    fn a_name_has_two_parts_of_few_letters() {
        let name = MemberName::parse("north-bank/branch-01").expect("a name");
        assert_eq!(
            (name.organisation(), name.id(), name.as_str()),
            ("north-bank", "branch-01", "north-bank/branch-01")
        );
        let part = "a".repeat(NAME_PART_BYTES_MAX);
        assert!(MemberName::new(&part, &part).is_ok() && MemberName::new(&part, &format!("{part}a")).is_err());
        assert!(MemberName::new(&format!("{part}a"), &part).is_err());
        for text in ["a/b", "0/9", "bank_1.north-x/branch-1_a.b"] {
            let name = MemberName::parse(text).expect("a name");
            assert_eq!((name.as_str(), alloc::string::ToString::to_string(&name).as_str()), (text, text));
        }
        let bad = [
            "",
            "bank",
            "bank/",
            "/branch",
            "bank/a/b",
            "bank//a",
            "Bank/a",
            "bank/-a",
            "bank/a.",
            "bank/a b",
            "bank/a\n",
            "bank/\u{1b}[2Ja",
            "bank/\u{430}",
            "bank/\u{202e}a",
            "bank/a\0",
        ];
        for text in bad {
            assert_eq!(MemberName::parse(text), Err(NameFault), "{text:?}");
            assert!(decode::<MemberName>(&encode(&text), 200).is_err(), "{text:?}");
        }
        assert_eq!(
            decode::<MemberName>(&encode(&"bank/a"), 200),
            MemberName::parse("bank/a").map_err(|_| unreachable!())
        );
    }
}
