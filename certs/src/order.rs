//! Orders that stop a plan or the federation, or end a plan, and words that lift those that can be lifted: the file in which one travels.
//!
//! ```text
//! tributary order 1
//! attestation freeze subject 9f86.. federation 3d40.. staff north-bank/e20533 role privacy-officer at 1900000000 signature ed25519:77aa..
//! ```
//!
//! Nothing is believed for being in a file: the coordinator judges it by the signed roster in force.

use std::path::Path;

use tributary_protocol::plan::Attestation;
use tributary_protocol::role::Action;

use crate::attestation::{parse_attestation, print_attestation};
use crate::lines::body;
use tributary_storage::files::{self, Existing, FileError, read_titled};

const TITLE: &str = "tributary order 1";
const WHAT: &str = "order, as `tributary order` writes it";

/// Whether an action is an order that travels by itself.
#[must_use]
pub fn is_order(action: Action) -> bool {
    use Action::{AbortPlan, Freeze, PausePlan, ResumePlan, Thaw};
    matches!(action, Freeze | Thaw | PausePlan | ResumePlan | AbortPlan)
}

/// The text form.
#[must_use]
pub fn print_order(order: &Attestation) -> String {
    format!("{TITLE}\n{}\n", print_attestation(order))
}

/// Parses the text form; nothing for any other text.
#[must_use]
pub fn parse_order(text: &str) -> Option<Attestation> {
    let mut lines = body(text, TITLE)?;
    let order = parse_attestation(lines.next()?).filter(|order| is_order(order.action))?;
    lines.next().is_none().then_some(order)
}

/// Writes an order; never replaces a file.
///
/// # Errors
/// [`FileError`].
pub fn write_order(order: &Attestation, path: &Path) -> Result<(), FileError> {
    files::write_public(path, print_order(order).as_bytes(), Existing::Keep)
}

/// Reads an order. Says nothing about the signature.
///
/// # Errors
/// [`FileError`].
pub fn read_order(path: &Path) -> Result<Attestation, FileError> {
    let text = read_titled(path, TITLE, WHAT)?;
    parse_order(&text).ok_or_else(|| FileError::content(path, WHAT))
}

#[cfg(test)]
mod tests {
    use tributary_protocol::digest::Digest;
    use tributary_protocol::role::Role;
    use tributary_protocol::roster::StaffNumber;

    use super::*;
    use crate::entropy::OsEntropy;
    use crate::people::attest;
    use crate::suite::SigningKey;

    fn order(action: Action) -> Attestation {
        let key = SigningKey::generate(&mut OsEntropy);
        let staff = StaffNumber::parse("north-bank/e20533").unwrap();
        attest(&key, action, Digest([1; 32]), Digest([2; 32]), &staff, Role::PrivacyOfficer, 1_900_000_000).unwrap()
    }

    #[test]
    fn an_order_comes_back_as_it_was_signed_and_nothing_else_does() {
        for action in Action::ALL {
            let order = order(action);
            let text = print_order(&order);
            assert_eq!(parse_order(&text), is_order(action).then_some(order), "{action}");
        }
        let text = print_order(&order(Action::Freeze));
        for other in [
            text.replace("order 1", "order 2"),
            text.replace("freeze", "freezes"),
            text.replace(" at 1900000000", " at 01900000000"),
            text.replace("privacy-officer", "officer"),
            text.replace(" role", "  role"),
            format!("{text}\n"),
            text.trim_end().to_owned(),
        ] {
            assert_eq!(parse_order(&other), None, "{other}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.order");
        std::fs::write(&path, text.replace("order 1", "order 7")).unwrap();
        assert!(matches!(read_order(&path), Err(FileError::Version { found: 7, .. })));
    }
}
