//! Why nothing was changed about a person.

use tributary_protocol::role::Role;
use tributary_protocol::roster::{PeopleFault, RosterError, StaffNumber};

use super::key::Unsigned;
use crate::enrolment::EnrolmentError;
use crate::inspect::date;
use crate::roster::RosterFileError;
use crate::token::TokenError;
use tributary_storage::files::FileError;

/// Why nothing was changed about a person.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The token of a person's key, or the key in it, cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The key did not sign.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
    /// The authority's folder cannot be used.
    #[error(transparent)]
    Office(#[from] EnrolmentError),
    /// The roster in force, or the list of those who sign it, cannot be read.
    #[error(transparent)]
    Roster(#[from] RosterFileError),
    /// No roster may have such people.
    #[error("nothing was changed: {0}")]
    Fault(#[from] PeopleFault),
    /// The members in the folder make no roster.
    #[error("nothing was changed: the members of this folder make no roster: {0}")]
    Members(RosterError),
    /// The key did not sign the request.
    #[error(
        "the request of {staff} is not signed by the key in it: it was changed on the way, or whoever made it does not have the key. Nothing was \
         changed; have it made again (`tributary certs person request`)"
    )]
    Unproved {
        /// Who is named in it.
        staff: StaffNumber,
    },
    /// Another key of somebody who has one.
    #[error(
        "{staff} has another key here, and that key has not signed for the new one. Nothing was changed. Have the request made with the old key at hand \
         (`tributary certs person request --old FOLDER`). If the old key is lost, see the person, then say so with --lost: every holder of a roster key \
         is shown it"
    )]
    OtherKey {
        /// Who.
        staff: StaffNumber,
    },
    /// A loss that is none.
    #[error(
        "{staff} has no other key here, or the old key has signed for the new one, so that nothing is lost; leave --lost away"
    )]
    NotLost {
        /// Who.
        staff: StaffNumber,
    },
    /// The key was lost before.
    #[error(
        "the key in the request of {staff} was said to be lost on {}, so that somebody else may have it. Nothing was changed; have another key made \
         (`tributary certs person request`)",
        date(*at)
    )]
    Lost {
        /// Who is named in the request.
        staff: StaffNumber,
        /// When, in Unix seconds.
        at: u64,
    },
    /// A key that is something else already.
    #[error(
        "{staff} has the key of {whose}. Nothing was changed; a person makes a key of its own (`tributary certs person request`)"
    )]
    KeyTaken {
        /// Who.
        staff: StaffNumber,
        /// Whose key it is.
        whose: &'static str,
    },
    /// Nobody of this staff number.
    #[error(
        "{staff} has no role here; the first one is given with the person's request (`tributary certs role grant --request`)"
    )]
    Unknown {
        /// Who.
        staff: StaffNumber,
    },
    /// A person without such a role.
    #[error("{staff} does not hold the role {role}; `tributary certs role list` shows who holds what")]
    NoRole {
        /// Who.
        staff: StaffNumber,
        /// Which.
        role: Role,
    },
    /// A deputy for longer than the principal.
    #[error(
        "{principal} holds the role {role} from {} until {}, and a deputy stands in within that time alone; choose another time, or renew the role of \
         {principal} first",
        date(*from),
        date(*until)
    )]
    DeputyTerm {
        /// For whom.
        principal: StaffNumber,
        /// Which role.
        role: Role,
        /// From when the principal holds it.
        from: u64,
        /// Until when.
        until: u64,
    },
    /// A scope that names nobody.
    #[error(
        "no enrolled branch is of {organisation}; name an organisation of the members list, or numbers of branches (clients:1,5-9)"
    )]
    Organisation {
        /// The name that was given.
        organisation: String,
    },
    /// A name under which nobody can give a role.
    #[error(
        "whoever gives a role is named by 1 to 64 of letters, digits, '@', '.', '_' and '-'; give a name with --by"
    )]
    Giver,
}
