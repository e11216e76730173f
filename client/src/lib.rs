//! The client daemon of a branch: a shell around the participant machine.

pub mod data;
