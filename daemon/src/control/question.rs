//! What is asked, how long it may be, and where.

use tokio::sync::oneshot;

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
