//! Where a customer is in the register and its lists.

use tributary_texts::contact as words;

use crate::contact::pseudonym::Pseudonym;
use crate::contact::store::Store;
use crate::error::ClientError;

/// Longest id, in bytes.
const ID_BYTES_MAX: usize = 256;

/// An id as somebody types it.
///
/// # Errors
/// If it is none.
pub(super) fn id_of(text: &str) -> Result<&str, ClientError> {
    let id = text.trim();
    match (1..=ID_BYTES_MAX).contains(&id.len()) && !id.contains(char::is_control) {
        true => Ok(id),
        false => Err(ClientError::Said(words::no_id())),
    }
}

/// Where a customer is in kept lists.
pub(super) struct Lines {
    /// The number of a list, and of the line in it.
    pub(super) found: Vec<(u32, u32)>,
    /// Of each list whose file is not the one that the register names: why nobody can look into it.
    pub(super) unread: Vec<ClientError>,
}

impl Lines {
    /// Looks into every kept list, by the plainest spelling, so that no line is missed. A list that cannot be read holds no other up.
    pub(super) fn of(store: &Store, customer: Pseudonym) -> Self {
        let mut lines = Self { found: Vec::new(), unread: Vec::new() };
        for (number, _) in store.register().lists.iter().filter(|(_, list)| !list.purged) {
            match store.members(*number) {
                Ok(members) => {
                    let own = (1..).zip(members).filter(|(_, member)| *member == customer);
                    lines.found.extend(own.map(|(line, _)| (*number, line)));
                }
                Err(fault) => lines.unread.push(fault),
            }
        }
        lines
    }
}

/// Every list that has a line of a customer, with the number of the line.
///
/// # Errors
/// If a file is not the one that the register names.
pub(super) fn lines_of(store: &Store, customer: Pseudonym) -> Result<Vec<(u32, u32)>, ClientError> {
    let Lines { found, unread } = Lines::of(store, customer);
    unread.into_iter().next().map_or(Ok(found), Err)
}
