//! Peers that do not keep to the protocol. Each is an honest machine and somebody between it and the network who has its signing key.

mod cheat;
mod deceiver;
mod heist;
mod lies;

pub(crate) use cheat::Cheat;
pub(crate) use deceiver::{Deceiver, Lie, Rumour};
pub(crate) use heist::{Letters, Target};
#[cfg(test)]
pub(crate) use lies::all as all_field_lies;
pub(crate) use lies::{Earned, Lie as FieldLie};
