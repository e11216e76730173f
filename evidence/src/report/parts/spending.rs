//! What was spent.

use serde::{Deserialize, Serialize};

/// What was spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spending {
    /// Each branch, by the heads of its budget that it signed.
    pub branches: Vec<BranchSpend>,
    /// Each month of the period.
    pub months: Vec<MonthLine>,
    /// Each group of the roster: what a customer of it was charged, up to the end of each month.
    pub groups: Vec<GroupSpend>,
}

/// What a branch's customers were charged, over all plans: by the last head that it signed, and its signed uploads since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchSpend {
    /// Its number.
    pub client: u32,
    /// Its name.
    pub name: String,
    /// The delta at which its epsilons are stated: that of its caps; 1e-6 where its head names none.
    pub delta: String,
    /// Epsilon for life when the period began; nothing where the branch had signed no head before.
    pub opening: Option<String>,
    /// Epsilon for life when the period ended.
    pub closing: String,
    /// Epsilon that counted within a year then.
    pub year: String,
    /// The cap of a year, where its head names one.
    pub cap_year: Option<String>,
    /// The cap for life.
    pub cap_life: Option<String>,
    /// The last head's counter.
    pub counter: u64,
    /// Grants that the owner has taken back, and raises of caps, ever.
    pub withdrawn: u32,
}

/// A month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthLine {
    /// Year and month.
    pub month: String,
    /// Rounds that were started.
    pub charged: u32,
    /// Rounds that were committed.
    pub committed: u32,
    /// Rounds that were aborted.
    pub aborted: u32,
    /// Members that were missing in sums.
    pub dropouts: u32,
}

/// What a customer of a group was charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpend {
    /// The roster's group.
    pub group: String,
    /// The delta.
    pub delta: String,
    /// Epsilon over everything that was charged since the log began, up to the end of each month of [`Spending::months`].
    pub epsilon: Vec<String>,
    /// The lowest cap of a year that a branch of the group named.
    pub cap_year: Option<String>,
    /// The lowest cap for life.
    pub cap_life: Option<String>,
}
