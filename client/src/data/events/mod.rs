//! From events to fields of customers: tables of transactions, contacts, calls and balances become counts, sums, recencies and trends over declared
//! windows that end with the day of the data. No field sees a day after it.
//!
//! ```text
//! consents ──► census (customers' keys alone) ──► standings ─┐
//! tables of events ──► Incoming: whose, when, what ──────────┴──► Tally of each field ──► Derived ──► joined with the customers' rows
//! ```

mod amount;
mod census;
mod declared;
mod derive;
mod derived;
mod incoming;
mod keys;
mod moment;
mod parse;
mod tally;
mod window;
mod words;

pub use declared::{ConsentRule, DerivedField, EventTable, Events, Function, LabelWindow, TableSource};
pub(super) use derive::derive;
pub(super) use derived::Derived;
pub use derived::{EventsRead, TableRead};
pub use incoming::EventCounts;
pub(super) use keys::Standing;
pub(super) use keys::key_text;
pub(crate) use keys::{Key, plainest};
pub(crate) use moment::bank_day_of;
pub(super) use moment::{TimeColumn, read_moment};
pub(super) use parse::events;
pub use window::Window;

#[cfg(test)]
mod tests;
