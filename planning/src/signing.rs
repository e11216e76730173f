//! Who may still sign a file that two people sign, asked before a person is.

use tributary_certs::people::Unsigned;
use tributary_model::weak_modes::ModeNotBuilt;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Attestation;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;

/// Why a file is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The action is about something else.
    #[error("{0} is nothing that is signed on such a file; nothing was signed")]
    Action(Action),
    /// It is there already.
    #[error(
        "the file has the signature {0} already; it is never replaced. Build the file anew (`tributary plan build`, for a year `tributary plan year \
         build`) if another person is to sign"
    )]
    Twice(Action),
    /// An approval of what nobody put forward.
    #[error(
        "nobody has put this forward yet; its author signs first (`tributary plan propose`, for a year `tributary plan year propose`), and nothing \
         was signed"
    )]
    NotProposed,
    /// Four eyes.
    #[error("{0} put this forward, and another person must judge it; nothing was signed")]
    OnePerson(StaffNumber),
    /// A mode in which this program has no part.
    #[error("nothing was signed: {0}")]
    Mode(#[from] ModeNotBuilt),
    /// A signature for another federation beside it.
    #[error(
        "the proposal in this file is for another federation (another list of roster authorities); nothing was signed"
    )]
    Federation,
    /// It was rejected.
    #[error(
        "{0} has rejected this plan, and nothing more is signed on this file. Cure what the reason names, and put the plan forward in a fresh file \
         (`tributary plan build`, `tributary plan propose`)"
    )]
    Rejected(StaffNumber),
    /// The reason of a rejection.
    #[error(
        "a reason is one line of 1 to 500 bytes, without blanks around it, control characters and marks of direction; nothing was signed"
    )]
    Reason,
    /// The person's key did not sign.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
}

/// The one role that the table gives an action of this kind.
pub(crate) fn role_of(action: Action) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.may(action, true) || role.may(action, false))
}

/// What is put forward first.
pub(crate) fn may_propose(action: Action, there: Option<&Attestation>) -> Result<Role, SigningError> {
    if there.is_some() { Err(SigningError::Twice(action)) } else { role_of(action).ok_or(SigningError::Action(action)) }
}

/// What somebody else says to a proposal.
pub(crate) fn may_judge(
    action: Action,
    there: Option<&Attestation>,
    proposal: Option<&Attestation>,
    (staff, federation): (&StaffNumber, Digest),
) -> Result<Role, SigningError> {
    let role = may_propose(action, there)?;
    let author = proposal.ok_or(SigningError::NotProposed)?;
    if author.federation != federation {
        return Err(SigningError::Federation);
    }
    if author.staff == *staff {
        return Err(SigningError::OnePerson(staff.clone()));
    }
    Ok(role)
}
