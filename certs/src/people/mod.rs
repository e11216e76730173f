//! People: their keys, made where they sign, and the roles that the next roster is to give them.
//!
//! ```text
//! person: key, request ─► office: role given, in a list ─► propose ─► holders sign ─► roster in force: the role counts
//! ```
//!
//! Nothing here makes a role by itself, and neither does a certificate: whoever has the whole of an authority's folder can write any list, and no
//! branch believes it before enough holders of roster keys have signed.
//!
//! Does **not** know whose hand brought a request: the holders ask the person for the key's fingerprint.

mod error;
mod folder;
#[cfg_attr(not(feature = "pkcs11"), path = "no_token.rs")]
mod in_token;
mod key;
pub(crate) mod lines;
mod listing;
#[cfg(feature = "pkcs11")]
mod place;
mod request;
mod roles;
mod signing;

pub use error::PeopleError;
pub(crate) use folder::people_of;
pub use folder::{Enlisted, KeyBefore, PersonRest, read_people};
pub use key::{PERSON_TOKEN, PersonKey, Unsigned};
pub use listing::{Listed, RoleState, list};
pub(crate) use request::is_proved;
pub use request::{PersonRequest, Word, fingerprint};
pub use roles::{
    AskedScope, Deputy, Giver, RoleGiven, Which, change_key, deputise, give_role, grant, grant_more, renew, revoke,
    scope_named,
};
pub use signing::{KeptIn, PERSON_KEY, PERSON_REQUEST, SigningPerson, attest, make_key, make_next_key, make_person};
