//! Two people in two roles sign one file about a model, one after the other: who may be the next.

use tributary_protocol::plan::Attestation;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;

/// Signatures that a file about a model needs.
const NEEDED: usize = 2;

/// Why somebody is not the next to sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignersFault {
    /// Nobody else needs to sign.
    #[error("two people have signed it, and it needs no more; carry it to the coordinator (`{install}`)")]
    Complete {
        /// The command that takes the file in there.
        install: &'static str,
    },
    /// The person or the role has signed.
    #[error(
        "{staff} has signed it as {role}; the second signature is another person's, in another role. Nothing was signed"
    )]
    Signed {
        /// Who.
        staff: StaffNumber,
        /// As what.
        role: Role,
    },
    /// The table gives it to others.
    #[error(
        "a {role} may not sign this for a model of {owner}'s plan; the table of roles gives it to others. Nothing was signed"
    )]
    Duty {
        /// The role.
        role: Role,
        /// Whose plan the model is of.
        owner: StaffNumber,
    },
}

/// Whether nobody of these has signed in this role, or at all, and a signature is still needed. `install` is the command that takes a complete file.
pub(crate) fn is_next(
    signatures: &[Attestation],
    (staff, role): (&StaffNumber, Role),
    install: &'static str,
) -> Result<(), SignersFault> {
    if signatures.len() >= NEEDED {
        return Err(SignersFault::Complete { install });
    }
    match signatures.iter().find(|signed| signed.staff == *staff || signed.role == role) {
        Some(signed) => Err(SignersFault::Signed { staff: signed.staff.clone(), role: signed.role }),
        None => Ok(()),
    }
}

/// Whether the table of roles lets somebody do this to a model of this owner's plan. Whether somebody else is the owner's deputy, the roster says where
/// the file is judged.
pub(crate) fn has_duty(
    (staff, role): (&StaffNumber, Role),
    owner: &StaffNumber,
    action: Action,
) -> Result<(), SignersFault> {
    match role.may(action, true) || (staff != owner && role.may(action, false)) {
        true => Ok(()),
        false => Err(SignersFault::Duty { role, owner: owner.clone() }),
    }
}
