//! What a daemon's operator asks it, through a local socket in its state folder.
//!
//! One line is asked and one line of JSON answered. Only the daemon's user and the superuser are heard; whoever asks too much, too long or too often
//! holds up nobody but those who ask as well.

mod ask;
#[cfg(unix)]
mod serve;

use tokio::sync::oneshot;

pub use self::ask::ask;
#[cfg(unix)]
pub use self::serve::{SocketDoor, listen};

/// The socket's name in the state folder.
pub const SOCKET: &str = "control.sock";

/// Longest question, with its end of line.
pub const QUESTION_BYTES_MAX: usize = 256;

/// Longest answer.
pub const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// What may be asked.
pub trait Question: Sized + Send + 'static {
    /// The question of a line; nothing if it is none.
    fn of_line(line: &str) -> Option<Self>;

    /// As it is asked, without the end of line.
    fn line(&self) -> String;
}

/// A question that waits for the daemon's loop.
pub struct Asked<Q, A> {
    /// What is asked.
    pub question: Q,
    /// Where the answer goes.
    pub answer: oneshot::Sender<A>,
}

#[cfg(all(test, unix))]
mod tests;
