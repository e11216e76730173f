//! Days as people type them.

use tributary_protocol::plan::Date;

/// What a day looks like.
pub(crate) const DAY: &str = "a day is YEAR-MONTH-DAY, such as 2027-01-31";

/// A day.
pub(crate) fn date(text: &str) -> Result<Date, &'static str> {
    Date::parse(text).ok_or(DAY)
}
