//! Raises of a budget's caps: signing them, and the file in which one travels from the owner to a privacy officer and to the branch.
//!
//! ```text
//! tributary cap raise 1
//! body 0000..
//! ```
//!
//! The body is the encoding of what the owner signed, and of the officer's signature once there is one. Nothing is believed for being in a file: the
//! branch verifies both signatures, the officer's by the roster that it accepted last.

use std::path::Path;

use tributary_protocol::codec;
use tributary_protocol::message::SignedBody as _;
use tributary_protocol::plan::{Attestation, CapRaise};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::secagg::suite::Suite as _;

use crate::lines::{Fields, body, hex, read_titled};
use crate::people::SigningPerson;
use crate::suite::{RealSuite, SigningKey};
use tributary_storage::files::{self, Existing, FileError};

const TITLE: &str = "tributary cap raise 1";
const WHAT: &str = "raise of a budget's caps, as `tributary client budget raise` writes it";
/// Longest encoding: two texts, two keys and two signatures.
const BYTES_MAX: usize = 64 << 10;

/// What such a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRaise {
    /// What the owner signed.
    pub raise: CapRaise,
    /// The privacy officer's signature on it, once there is one.
    pub officer: Option<Attestation>,
}

/// Signs a raise as it stands, in its owner's name.
#[must_use]
pub fn sign_raise(owner: &SigningKey, mut raise: CapRaise) -> CapRaise {
    raise.owner = owner.verifying_key();
    raise.signature = RealSuite::sign(owner, &raise.to_sign::<RealSuite>());
    raise
}

/// A privacy officer's signature on a raise, at a second of the Unix clock.
#[must_use]
pub fn attest_raise(person: &SigningPerson, raise: &CapRaise, at: u64) -> Attestation {
    person.attest(Action::RaiseCap, raise.digest(), raise.federation, Role::PrivacyOfficer, at)
}

/// Whether the owner signed a raise as it stands.
#[must_use]
pub fn is_signed_raise(raise: &CapRaise) -> bool {
    RealSuite::verify(&raise.owner, &raise.to_sign::<RealSuite>(), &raise.signature)
}

/// Writes a raise's file; never replaces one.
///
/// # Errors
/// [`FileError`].
pub fn write_raise(signed: &SignedRaise, path: &Path) -> Result<(), FileError> {
    files::write_private(path, print(signed).as_bytes(), Existing::Keep)
}

/// Reads a raise's file. Says nothing about the signatures.
///
/// # Errors
/// [`FileError`].
pub fn read_raise(path: &Path) -> Result<SignedRaise, FileError> {
    let text = read_titled(path, TITLE, WHAT)?;
    let parse = || {
        let mut lines = body(&text, TITLE)?;
        let mut fields = Fields::of(lines.next()?);
        let bytes = fields.bytes("body")?;
        fields.end()?;
        let (raise, officer) = codec::decode(&bytes, BYTES_MAX).ok()?;
        let signed = SignedRaise { raise, officer };
        // One file holds one object, whoever reads it.
        (print(&signed) == text).then_some(signed)
    };
    parse().ok_or_else(|| FileError::content(path, WHAT))
}

fn print(SignedRaise { raise, officer }: &SignedRaise) -> String {
    format!("{TITLE}\nbody {}\n", hex(&codec::encode(&(raise, officer))))
}

#[cfg(test)]
mod tests {
    use tributary_protocol::digest::Digest;
    use tributary_protocol::plan::Caps;
    use tributary_protocol::roster::StaffNumber;
    use tributary_protocol::secagg::suite::Signature;

    use super::*;
    use crate::people::make_person;

    #[test]
    fn a_raise_comes_back_from_its_file_with_both_signatures() {
        let folder = tempfile::tempdir().unwrap();
        let owner = SigningKey::from_seed(&[1; 32]);
        let caps = |life: f64| Caps {
            life_bits: life.to_bits(),
            year_bits: 1.0_f64.to_bits(),
            branch_life_bits: 0,
            branch_year_bits: 0,
            delta_bits: 1e-6_f64.to_bits(),
        };
        let raise = CapRaise {
            federation: Digest([1; 32]),
            population: Digest([2; 32]),
            from: caps(4.0),
            to: caps(8.0),
            reason: "a second model".into(),
            ticket: "change 17".into(),
            owner: owner.verifying_key(),
            signature: Signature::none(),
        };
        assert!(!is_signed_raise(&raise));
        let raise = sign_raise(&owner, raise);
        assert!(is_signed_raise(&raise));
        let staff = StaffNumber::parse("north-bank/e20533").unwrap();
        let person = make_person(&folder.path().join("officer"), &staff, 5).unwrap();
        let officer = attest_raise(&person, &raise, 9);
        assert!(raise.is_attested_by(&officer));
        for (name, officer) in [("a", None), ("b", Some(officer))] {
            let signed = SignedRaise { raise: raise.clone(), officer };
            let path = folder.path().join(name);
            write_raise(&signed, &path).unwrap();
            assert_eq!(read_raise(&path).unwrap(), signed);
            assert!(matches!(write_raise(&signed, &path), Err(FileError::Exists { .. })));
            let text = print(&signed);
            for other in [text.replace("raise 1", "raise 2"), format!("{text}\n"), text.replace("body ", "body 00")] {
                let path = folder.path().join("other");
                files::write_private(&path, other.as_bytes(), Existing::Replace).unwrap();
                assert!(read_raise(&path).is_err(), "{other}");
            }
        }
    }
}
