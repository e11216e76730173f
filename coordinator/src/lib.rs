//! The coordinator daemon: a shell around the round machine of `tributary_protocol::round`. The shell carries, the machine decides.
//!
//! ```text
//! clients ══QUIC, TCP══ transport ─ connections ─► Arrival ─► federation ─► run::shell ─ handle ─► Coordinator (a machine for each open run)
//!                      ▲            │ fold                                    │ outbox, in order
//!                      │         run::uploads (one sum for each run)          ├─ hands: append, sync, keep
//!                      └──────────── queues ◄──────────────────────────────── ├─ hands: send, judge, close
//!                                                                             └─ run::advance: unmask, step, store
//! ```

#[cfg(test)]
extern crate self as tributary_coordinator;

/// What a run of attacks comes to, without attacks.
#[cfg(test)]
#[path = "../../tests/attack_findings.rs"]
mod attack_findings;
/// Certificates, roster and settings in a folder.
#[cfg(test)]
#[path = "../tests/support/federation.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod enrolled;
#[cfg(test)]
#[path = "../../tests/log.rs"]
mod log;

pub mod audit;
mod connections;
pub mod control;
mod error;
pub mod federation;
mod identity;
mod inbox;
mod noticing;
mod open;
mod preflight;
pub mod registry;
mod report;
mod run;
mod sink;

pub mod cli;
pub mod settings;
pub mod store;
mod witness;

pub use error::CoordinatorError;
pub use federation::keyring::Keyring;
pub use federation::{Ends, run};
pub use identity::OwnIdentity;
pub use open::{Opened, Report};
pub use report::{Event, Finished, Missing, RefusedFor, RunName, Told, Whom};
pub use run::job::Job;
pub use tributary_transport::ListenError;
