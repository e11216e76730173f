//! When a bundle was made, and for which days it is judged.
//!
//! Nobody signs either. So what a bundle says of itself never excuses anything. What the plans keep is wanted at the earlier of its own time and the
//! verifier's clock. It is wanted of every run, unless whoever verifies it asks for days. The end of the days that are asked for is wanted by the
//! verifier's clock alone.

use tributary_protocol::plan::Date;
use tributary_protocol::time::Millis;

use super::contents::{Contents, DAY_MS, span_of};
use super::fault::Fault;
use super::format::CONTENTS;
use crate::report::shown::moment;

/// So many days before the end of the days the last entry and the cosignatures of more than half of the branches may be. Of a longer time nobody vouches
/// that nothing was cut off. It is a month and a few days: runs that are a month apart leave entries within it.
pub(super) const STALE_DAYS: u64 = 35;

/// The times by which a bundle is judged.
pub(super) struct Days<'a> {
    contents: Option<&'a Contents>,
    asked: Option<(Date, Date)>,
    now: Millis,
    /// The time at which kept parts are wanted.
    pub(super) made: Millis,
}

impl<'a> Days<'a> {
    /// Of what the bundle says itself, the verifier's clock, and the days for which it is asked, if any.
    pub(super) fn of(contents: Option<&'a Contents>, now: Millis, asked: Option<(Date, Date)>) -> Self {
        let made = contents.map_or(now, |contents| Millis(contents.made).min(now));
        Self { contents, asked, now, made }
    }

    /// Whether a run with entries of these times is of the days.
    pub(super) fn has(&self, span: Option<(Millis, Millis)>) -> bool {
        let Some((asked, (first, last))) = self.asked.map(span_of).zip(span) else { return true };
        first <= asked.1 && asked.0 <= last
    }

    /// What contradicts the journal, whose last entry is of this time.
    pub(super) fn fault(&self, last: Option<Millis>) -> Option<Fault> {
        let (made, last) = (Millis(self.contents?.made), last?);
        let reason = format!(
            "it says that the bundle was made at {}, and the journal has an entry of {}",
            moment(made),
            moment(last)
        );
        (made < last).then(|| Fault { part: CONTENTS.to_owned(), reason })
    }

    /// The end of the journal is missing, where its last entry or the cosignatures under it are much older than the end of the days.
    pub(super) fn stale(&self, last: Option<Millis>, cosigned: Option<Millis>) -> Option<String> {
        let end = match self.asked {
            Some(asked) => span_of(asked).1.min(self.now),
            None => self.contents.map_or(self.made, |contents| contents.span().1.min(self.made)),
        };
        let (last, cosigned) = (last?, cosigned?);
        let old = last.min(cosigned);
        (old.plus(STALE_DAYS * DAY_MS) < end).then(|| {
            format!(
                "an end of the journal within {STALE_DAYS} days of {}: its last entry is of {}, and more than half of the branches had cosigned at {}. Later entries may have been cut off. Hold a branch's newest checkpoint against it with --checkpoint, and name days that end sooner with --from and --to",
                moment(end),
                moment(last),
                moment(cosigned)
            )
        })
    }

    /// Days that were asked for, of which the bundle is not, or that came after it was made.
    pub(super) fn missing(&self) -> Option<String> {
        let (contents, (from, to)) = (self.contents?, self.asked?);
        let (own, asked) = (contents.span(), span_of((from, to)));
        let Contents { from: first, to: last, .. } = contents;
        if asked.0 < own.0 || own.1 < asked.1 {
            return Some(format!(
                "all of the days {from} to {to}: the bundle is of {first} to {last}, as it says itself"
            ));
        }
        // Days that are to come by the reader's clock nobody has.
        let (day, end) = (Date::of_second(self.made.0 / 1000), asked.1.min(self.now));
        (self.made.plus(DAY_MS) < end).then(|| {
            format!(
                "the days after {day}: the bundle was made on that day, and you ask for days up to {to}. Ask for days that end on {day} or sooner with --to, or have a new bundle made"
            )
        })
    }
}
