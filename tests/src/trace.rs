//! What happened, as a digest of every step and, where somebody reads it, as lines.

use std::fmt;

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The coordinator.
    Centre,
    /// The client of this index; its number in the roster is one more.
    Branch(usize),
    /// Everything between and around them.
    World,
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Centre => formatter.write_str("coordinator"),
            Self::Branch(index) => write!(formatter, "client {}", index + 1),
            Self::World => formatter.write_str("world"),
        }
    }
}

/// Where the lines of a trace go.
pub(crate) type Lines<'a> = Option<&'a mut dyn FnMut(&str)>;

/// The steps of a run so far.
pub(crate) struct Trace<'a> {
    digest: u64,
    lines: Lines<'a>,
}

impl<'a> Trace<'a> {
    pub(crate) fn new(lines: Lines<'a>) -> Self {
        Self { digest: 0xcbf2_9ce4_8422_2325, lines }
    }

    /// Takes one step into account. `more` is written only where somebody reads it.
    pub(crate) fn note(&mut self, now: u64, who: Who, what: &str, more: impl FnOnce() -> String) {
        let who_number = match who {
            Who::Centre => 0,
            Who::World => 1,
            Who::Branch(index) => 2 + index as u64,
        };
        self.mix(now);
        self.mix(who_number);
        what.bytes().for_each(|byte| self.mix(byte.into()));
        if let Some(lines) = self.lines.as_mut() {
            lines(&format!("{now:>8} ms  {:<12} {what}{}", who.to_string(), more()));
        }
    }

    /// Digest of all steps.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    /// FNV-1a, a word at a time: tells runs apart, and is no more than that.
    fn mix(&mut self, word: u64) {
        self.digest = (self.digest ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }
}
