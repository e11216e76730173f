//! A lie in one field: what is wrong, and what it earns.

use tributary_protocol::ids::ClientId;
use tributary_protocol::message::RefusalCode;

/// What a lie to a client earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earned {
    /// A refusal or an abandonment with this code.
    Refusal(RefusalCode),
    /// Whoever says this is not believed to be the coordinator.
    Distrust,
}

/// A lie that is on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lie<E> {
    /// What is wrong.
    pub(crate) what: &'static str,
    /// The answer that it earns.
    pub(crate) earns: E,
}

/// What is wrong, what that earns, and how a message for or by this client becomes wrong; whether it is such a message at all.
pub(super) type Row<M, E> = (&'static str, E, fn(ClientId, &mut M) -> bool);
