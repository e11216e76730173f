//! Real processes of the built executable: its command line, its ledgers, and the whole thing over real QUIC.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod audit;
mod before_spending;
mod ceremony;
mod command_line;
mod cut_short;
mod dataset;
mod demo;
mod events;
mod exports;
mod federation;
mod fifth;
mod grants;
mod identity;
mod incidents;
mod kept_model;
mod kills;
mod languages;
mod ledger_verify;
mod lists;
mod lists_killed;
mod memory;
mod models;
mod month;
#[path = "../needed.rs"]
mod needed;
mod other_ledgers;
mod partners;
mod people;
mod pinned;
mod plans;
mod preflight;
mod privacy;
mod raise;
mod ready;
mod redteam;
mod reports;
mod runs;
mod scores;
#[cfg(feature = "simulate")]
mod simulate;
mod sink;
#[path = "../softhsm.rs"]
mod softhsm;
mod support;
mod thefts;
mod tokens;
mod units;
mod walk;
mod weak_modes;
mod witness;
