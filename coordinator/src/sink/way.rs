//! What each way of the second copy has: a limit of time, and an answer that means that the lines are there.

use std::time::Duration;

use tributary_storage::files::FileError;

use super::entry::Line;

/// Why lines were not taken. Whoever is told of it does something about the receiver.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SinkFault {
    /// Not all of it was done in time.
    #[error("the receiver did not take the entries within {} seconds", .0.as_secs())]
    TooSlow(Duration),
    /// The network, or the handshake: a certificate that is not of the stated roots is told so.
    #[error("the receiver cannot be reached, or did not prove itself: {0}")]
    Network(#[source] std::io::Error),
    /// The own certificate.
    #[error("this coordinator's certificate for the receiver cannot be used: {0}")]
    Own(#[source] rustls::Error),
    /// A file that the settings name.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file of the second copy.
    #[error("the file cannot be written: {0}")]
    Disk(#[source] std::io::Error),
    /// It is no file.
    #[error("it is no ordinary file, and a pipe or a device keeps nothing")]
    NoFile,
    /// It ended the connection before it was told that it has everything.
    #[error("the receiver ended the connection before it had everything")]
    EndedEarly,
    /// It did not say that it has everything.
    #[error(
        "the receiver ended the connection without TLS's close_notify, so nobody knows what it has. Let it answer one (RFC 5425, section 4.4), or \
         set audit.sink.syslog.close_notify to false"
    )]
    NotAcknowledged,
    /// It speaks.
    #[error("the receiver sends more than a receiver of syslog has to say")]
    Speaks,
}

/// One way.
pub(super) trait Way: Send {
    /// Where lines go.
    fn target(&self) -> String;

    /// Gives lines away, and comes back when they are there for good.
    ///
    /// # Errors
    /// [`SinkFault`]: of these lines none, some or all may be there.
    fn deliver(&mut self, lines: &[Line]) -> Result<(), SinkFault>;
}
