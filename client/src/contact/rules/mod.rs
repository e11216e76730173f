//! Whom lists of a campaign may name: `rules.toml`, which the owner of the branch's data reads and signs. `docs/LISTS.md` explains every key.

mod attributes;
mod delivery;
mod parse;
mod table;
mod terms;

pub(crate) use attributes::AttributeRules;
pub(crate) use delivery::Origin as ColumnOrigin;
pub use parse::SAMPLE;
pub(crate) use table::TableRules;
pub use terms::Rules;
pub(crate) use terms::{Choice, HoldOut, Measure, Span, bank_day};
