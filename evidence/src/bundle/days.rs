//! When a bundle was made, and for which days it is judged.
//!
//! Nobody signs either. So what a bundle says of itself never excuses anything: what the plans keep is wanted at the earlier of its own time and the
//! verifier's clock, and of every run, but where whoever verifies it asks for days.

use tributary_protocol::plan::Date;
use tributary_protocol::time::Millis;

use super::contents::{Contents, span_of};
use super::fault::Fault;
use super::format::CONTENTS;
use crate::report::shown::moment;

/// The times by which a bundle is judged.
pub(super) struct Days<'a> {
    contents: Option<&'a Contents>,
    asked: Option<(Date, Date)>,
    /// The time at which kept parts are wanted.
    pub(super) made: Millis,
}

impl<'a> Days<'a> {
    /// Of what the bundle says itself, the verifier's clock, and the days for which it is asked, if any.
    pub(super) fn of(contents: Option<&'a Contents>, now: Millis, asked: Option<(Date, Date)>) -> Self {
        let made = contents.map_or(now, |contents| Millis(contents.made).min(now));
        Self { contents, asked, made }
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

    /// Days that were asked for, of which the bundle is not.
    pub(super) fn missing(&self) -> Option<String> {
        let (contents, (from, to)) = (self.contents?, self.asked?);
        let (own, asked) = (contents.span(), span_of((from, to)));
        let within = own.0 <= asked.0 && asked.1 <= own.1;
        let Contents { from: first, to: last, .. } = contents;
        (!within)
            .then(|| format!("all of the days {from} to {to}: the bundle is of {first} to {last}, as it says itself"))
    }
}
