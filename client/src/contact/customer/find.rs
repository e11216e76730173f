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

/// Every list that has a line of a customer, with the number of the line: by the plainest spelling, so that none is missed.
///
/// # Errors
/// If a file is not the one that the register names.
pub(super) fn lines_of(store: &Store, customer: Pseudonym) -> Result<Vec<(u32, u32)>, ClientError> {
    let mut found = Vec::new();
    for (number, list) in &store.register().lists {
        if list.purged {
            continue;
        }
        let members = store.members(*number)?;
        found.extend((1..).zip(members).filter(|(_, member)| *member == customer).map(|(line, _)| (*number, line)));
    }
    Ok(found)
}
