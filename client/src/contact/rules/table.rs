//! A table that rules read.

use crate::data::MappedSource;

/// Where a table's rows come from, and the column of the customer's id.
#[derive(Clone, Debug)]
pub struct TableRules {
    /// How its file is written, or what is asked of its database.
    pub source: MappedSource,
    /// The column of the customer's id.
    pub customer: String,
    /// Whether it is believed without a line.
    pub may_be_empty: bool,
    /// Of a thousand lines, how many may be gone since the last list of the campaign.
    pub lost_permille_max: u16,
}
