//! What a bundle says of itself: for which days it was made, and when. Nobody signs that; the verifier says it again.

use serde::{Deserialize, Serialize};
use tributary_protocol::plan::Date;
use tributary_protocol::time::Millis;

use crate::paper::to_json;

/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;

const VERSION: u32 = 1;

/// The part `contents.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    version: u32,
    /// First day, as the coordinator's clock counted days in UTC.
    pub from: String,
    /// Last day.
    pub to: String,
    /// When it was made, in milliseconds of the Unix clock.
    pub made: u64,
    /// Whether the journal goes on after the last day.
    pub goes_on: bool,
    /// Of what the bundle has entries, where it has a part of the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}

impl Contents {
    /// Of a bundle for these days.
    #[must_use]
    pub fn new((from, to): (Date, Date), made: Millis, goes_on: bool) -> Self {
        Self { version: VERSION, from: from.to_string(), to: to.to_string(), made: made.0, goes_on, part: None }
    }

    /// Of a part of the journal.
    #[must_use]
    pub fn of_part(self, part: Option<String>) -> Self {
        Self { part, ..self }
    }

    /// As they are written.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        to_json(self).into_bytes()
    }

    /// Reads them in their one form; nothing for anything else.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let contents: Self = serde_json::from_slice(bytes).ok()?;
        let days = Date::parse(&contents.from)? <= Date::parse(&contents.to)?;
        (days && contents.version == VERSION && contents.to_bytes() == bytes).then_some(contents)
    }

    /// First and last millisecond of its days.
    #[must_use]
    pub fn span(&self) -> (Millis, Millis) {
        let [from, to] = [&self.from, &self.to].map(|day| Date::parse(day).unwrap_or(Date::of_second(0)));
        span_of((from, to))
    }
}

/// First and last millisecond of these days.
#[must_use]
pub(super) fn span_of((from, to): (Date, Date)) -> (Millis, Millis) {
    let last = to.last_second().saturating_mul(1000).saturating_add(999);
    (Millis(from.first_second().saturating_mul(1000)), Millis(last))
}
