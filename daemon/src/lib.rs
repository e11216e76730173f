//! What both daemons need. Nothing here decides anything about a round, sees a row, or speaks to a peer.

pub mod control;
