//! `tributary client status`, `pause` and `resume`: what the operator asks a running daemon, through a local socket in the state folder.
//!
//! ```text
//! STATE/control.sock    the socket, of mode 0600 in a folder of mode 0700
//! STATE/paused          is there as long as this branch takes part in nothing
//! ```
//!
//! One line is asked and one line of JSON answered. Only this daemon's user and the superuser are heard; whoever asks too much, too long or too
//! often holds up nobody but those who ask as well.

mod ask;
mod pause;
mod socket;
mod status;
#[cfg(test)]
#[cfg(unix)]
mod tests;

pub use ask::{pause, resume, status};
pub(crate) use pause::PauseFile;
pub(crate) use socket::{Asked, Request, Said};
pub use status::{LinkStatus, PutOffStatus, RunStatus, RunsStatus, Status};
