//! What a daemon's operator asks it, through a local socket in its state folder.
//!
//! One line is asked and one line of JSON answered. Only the daemon's user and the superuser are heard; whoever asks too much, too long or too often
//! holds up nobody but those who ask as well.

mod ask;
mod question;
#[cfg(unix)]
mod serve;

pub use self::ask::{ask, ask_in_both};
pub use self::question::{ANSWER_BYTES_MAX, Asked, QUESTION_BYTES_MAX, Question, SOCKET};
#[cfg(unix)]
pub use self::serve::{SocketDoor, listen};

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests;
