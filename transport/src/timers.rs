//! How long things may take: settings of an operator, within bounds.

use std::time::Duration;

/// Timers of a connection. The defaults suit firewalls that forget a UDP path after 15 to 30 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// A sign of life this often, so that firewalls keep the path open.
    pub keep_alive: Duration,
    /// Without any sign of life for this long the connection is cut.
    pub idle: Duration,
    /// A cut connection may be taken up again for this long; then the peer counts as gone.
    pub detached: Duration,
    /// A client that gets no answer over QUIC for this long tries TCP beside it.
    pub fallback: Duration,
    /// A client that fell back to TCP tries QUIC again this often, between rounds.
    pub probe: Duration,
    /// How long the transport that answered last is tried first.
    pub remembered: Duration,
    /// How long a question to the enrolment office may take, from the look-up of the name to the last byte of the answer.
    pub exchange: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(5),
            idle: Duration::from_secs(15),
            detached: Duration::from_secs(20),
            fallback: Duration::from_secs(3),
            probe: Duration::from_secs(60),
            remembered: Duration::from_secs(3_600),
            exchange: Duration::from_secs(60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Operators are told these figures, and firewalls have theirs.
    #[test]
    fn the_usual_timers_are_those_of_the_manuals() {
        let seconds = Duration::from_secs;
        let usual = Timers {
            keep_alive: seconds(5),
            idle: seconds(15),
            detached: seconds(20),
            fallback: seconds(3),
            probe: seconds(60),
            remembered: seconds(3_600),
            exchange: seconds(60),
        };
        assert_eq!(Timers::default(), usual);
    }
}
