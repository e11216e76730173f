//! What both daemons need: the wish to stop, metrics, the watchdog, lines of events, and notices for people who are elsewhere.
//!
//! Nothing here decides anything about a round, sees a row, or speaks to a peer.

pub mod control;
pub mod hours;
pub mod lines;
pub mod metrics;
pub mod notices;
pub mod outward;
pub mod stop;
pub mod syslog;
pub mod usage;
pub mod watchdog;

pub use metrics::{Metric, Metrics};
pub use stop::StopSignal;
pub use watchdog::{Pulse, Watchdog, WatchdogGuard};
