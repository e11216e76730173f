//! The text form of a person's signature: one line, in every file that carries one.
//!
//! ```text
//! attestation approve-plan subject 9f86.. federation 3d40.. staff north-bank/e20533 role privacy-officer at 1900000000 signature ed25519:77aa..
//! ```
//!
//! No signature is believed for being in a file: by which key it must verify, the signed roster says.

use tributary_protocol::plan::Attestation;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;

use crate::lines::Fields;

const NAME: &str = "attestation";

/// Whether a line is meant to be one.
#[must_use]
pub fn is_attestation(line: &str) -> bool {
    line.split(' ').next() == Some(NAME)
}

/// The line, without an end.
#[must_use]
pub fn print_attestation(attestation: &Attestation) -> String {
    let Attestation { action, subject, federation, staff, role, at, signature } = attestation;
    format!(
        "{NAME} {action} subject {subject} federation {federation} staff {staff} role {role} at {at} signature {signature}"
    )
}

/// Parses a line; nothing for one that prints otherwise than it was read.
#[must_use]
pub fn parse_attestation(line: &str) -> Option<Attestation> {
    let mut fields = Fields::of(line);
    let attestation = Attestation {
        action: Action::of_name(fields.text(NAME)?)?,
        subject: fields.digest("subject")?,
        federation: fields.digest("federation")?,
        staff: StaffNumber::parse(fields.text("staff")?).ok()?,
        role: Role::of_name(fields.text("role")?)?,
        at: fields.number("at")?,
        signature: fields.signature("signature")?,
    };
    fields.end()?;
    (print_attestation(&attestation) == line).then_some(attestation)
}

#[cfg(test)]
#[path = "attestation_tests.rs"]
mod tests;
