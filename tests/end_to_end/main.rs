//! Real processes of the built executable: its command line, its ledgers, and the whole thing over real QUIC.

mod command_line;
mod demo;
mod federation;
mod ledger_verify;
mod support;
