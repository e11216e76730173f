//! What each way of a message has: a limit of time, a result, and words for a failure in which no secret is.

use std::io::ErrorKind;
use std::time::Duration;

use crate::notices::message::Message;
use crate::outward;

/// Longest time for one message, all of it.
pub(in crate::notices) const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Why a message did not leave.
#[derive(Debug, thiserror::Error)]
pub enum HookFault {
    /// Nothing was done in time.
    #[error("it did not take the message in time, which is {} seconds", .0.as_secs())]
    TooSlow(Duration),
    /// The program.
    #[error("the program could not be used: {0}")]
    Program(#[source] std::io::Error),
    /// The program ended so.
    #[error("the program ended with {0}")]
    Ended(std::process::ExitStatus),
    /// The network, or a socket of this machine.
    #[error("{0}")]
    Network(#[source] std::io::Error),
    /// The mail server.
    #[error("the mail server did not take it: {0}")]
    Mail(String),
    /// The web service's answer.
    #[error("the web service answered with status {0}, and only 200 to 299 is success; no redirect is followed")]
    Status(u16),
    /// The web service, in words without its address.
    #[error("the web service could not be used: {0}")]
    Web(String),
}

/// One way.
pub(in crate::notices) trait Hook: Send {
    /// Its name in the settings.
    fn name(&self) -> &'static str;

    /// Where messages go, without a secret.
    fn target(&self) -> String;

    /// Gives a message away.
    ///
    /// # Errors
    /// [`HookFault`].
    fn deliver(&mut self, message: &Message) -> Result<(), HookFault>;
}

/// Does something that waits, within a limit of time.
pub(super) fn within<T>(limit: Duration, work: impl Future<Output = Result<T, HookFault>>) -> Result<T, HookFault> {
    match outward::within(limit, work) {
        Ok(result) => result,
        Err(fault) if fault.kind() == ErrorKind::TimedOut => Err(HookFault::TooSlow(limit)),
        Err(fault) => Err(HookFault::Network(fault)),
    }
}
