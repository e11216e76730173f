//! Raises of a budget's caps: signing them, and the file in which one travels from the owner to a privacy officer and to the branch.
//!
//! It holds what the owner signed, and the officer's signature once there is one. Nothing is believed for being in a file: the branch verifies both
//! signatures, the officer's by the roster that it accepted last.

use std::path::Path;

use tributary_protocol::message::SignedBody as _;
use tributary_protocol::plan::{Attestation, CapRaise};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::secagg::suite::Suite as _;
use tributary_storage::files::FileError;

use crate::object::ObjectFile;
use crate::people::{SigningPerson, Unsigned};
use crate::suite::{RealSuite, SigningKey};

const RAISE: ObjectFile = ObjectFile {
    title: "tributary cap raise 1",
    what: "raise of a budget's caps, as `tributary client budget raise` writes it",
    // Two texts, two keys and two signatures.
    bytes_max: 64 << 10,
};

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
///
/// # Errors
/// [`Unsigned`].
pub fn attest_raise(person: &SigningPerson, raise: &CapRaise, at: u64) -> Result<Attestation, Unsigned> {
    person.attest(Action::RaiseCap, raise.digest(), raise.federation, Role::PrivacyOfficer, at)
}

/// Writes a raise's file; never replaces one.
///
/// # Errors
/// [`FileError`].
pub fn write_raise(SignedRaise { raise, officer }: &SignedRaise, path: &Path) -> Result<(), FileError> {
    RAISE.write(&(raise, officer), path)
}

/// Reads a raise's file. Says nothing about the signatures.
///
/// # Errors
/// [`FileError`].
pub fn read_raise(path: &Path) -> Result<SignedRaise, FileError> {
    let (raise, officer) = RAISE.read(path)?;
    Ok(SignedRaise { raise, officer })
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
        assert!(!raise.is_genuine::<RealSuite>());
        let raise = sign_raise(&owner, raise);
        assert!(raise.is_genuine::<RealSuite>());
        let staff = StaffNumber::parse("north-bank/e20533").unwrap();
        let person = make_person(&folder.path().join("officer"), &staff, 5).unwrap();
        let officer = attest_raise(&person, &raise, 9).unwrap();
        assert!(raise.is_attested_by(&officer));
        for (name, officer) in [("a", None), ("b", Some(officer))] {
            let signed = SignedRaise { raise: raise.clone(), officer };
            let path = folder.path().join(name);
            write_raise(&signed, &path).unwrap();
            assert_eq!(read_raise(&path).unwrap(), signed);
        }
    }
}
