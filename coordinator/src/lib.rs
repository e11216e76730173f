//! The coordinator daemon: a shell around the round machine of `tributary_protocol::round`. The shell carries, the machine decides.
//!
//! ```text
//! clients ══QUIC, TCP══ transport ─ connections ─► Arrival ─► runtime ─► shell ─ handle ─► Coordinator (machine)
//!                      ▲            │ fold                            │ outbox, in order
//!                      │         uploads (one sum)                    ├─ ledger: append, sync
//!                      └──────────── queues ◄──────────────────────── ├─ send, admit, close
//!                                                                     └─ server_update: unmask, step, store
//! ```

mod advance;
mod connections;
mod error;
mod identity;
mod keyring;
mod muster;
mod next_run;
mod office;
mod open;
pub mod orders;
mod plan;
mod preflight;
mod progress;
mod renewal;
mod report;
mod rereading;
mod roster_file;
mod runtime;
mod shell;
mod spool;
mod standing;
mod telemetry;
mod uploads;

pub mod cli;
pub mod settings;
pub mod store;

pub use error::CoordinatorError;
pub use identity::OwnIdentity;
pub use keyring::Keyring;
pub use open::{Opened, Report};
pub use plan::Job;
pub use report::{Event, Finished, Missing, Whom};
pub use runtime::run;
pub use tributary_transport::ListenError;
