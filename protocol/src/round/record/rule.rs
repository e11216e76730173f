//! A rule of a ledger, and what is said where an event breaks it.

use crate::ids::ClientId;

/// An event that cannot follow the ones before it: the rule that it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a recorded event cannot follow the ones before it: {0}")]
pub struct OutOfOrder(pub &'static str);

pub(crate) fn rule(holds: bool, text: &'static str) -> Result<(), OutOfOrder> {
    if holds { Ok(()) } else { Err(OutOfOrder(text)) }
}

pub(super) fn ascending(mut clients: impl Iterator<Item = ClientId>) -> bool {
    let mut last = None;
    clients.all(|client| last.replace(client).is_none_or(|last| last < client))
}
