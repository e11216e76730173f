//! Peers that do not keep to the protocol. Each is an honest machine and somebody between it and the network who has its signing key.

mod cheat;
mod deceiver;
mod heist;

pub(crate) use cheat::Cheat;
pub(crate) use deceiver::{Deceiver, Lie, Rumour};
pub(crate) use heist::{Letters, Target};
