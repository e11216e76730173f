//! What an owner declares of events, of the fields that come of them, and of consent.

use super::amount::Measure;
use super::moment::TimeColumn;
use super::window::Window;
use crate::data::mapping::MappedSource;

/// What a mapping says of tables beside the customers' own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Events {
    /// By how many minutes the bank's clock is ahead of UTC.
    pub utc_offset_minutes: i32,
    /// Tables of events and of balances.
    pub tables: Vec<EventTable>,
    /// Fields that are derived from them, each for one column of the schema.
    pub fields: Vec<DerivedField>,
    /// Who may be read at all: every one of these must hold.
    pub consents: Vec<Consent>,
    /// Over which days the labels are known.
    pub label: Option<LabelWindow>,
    /// Columns of the customers' table that are known only after the label.
    pub known_after_label: Vec<String>,
}

/// A table beside the customers' own.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSource {
    /// Its name, by which the settings say where it is.
    pub name: String,
    /// What it is, and what is asked of it.
    pub source: MappedSource,
}

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Each row is something that happened.
    Events,
    /// Each row is a balance at the end of a day. Those of one customer and day add up.
    Balances,
}

/// A table of events or balances.
#[derive(Clone, Debug, PartialEq)]
pub struct EventTable {
    /// Where it comes from.
    pub source: TableSource,
    /// What its rows are.
    pub holds: Holds,
    /// The column of the customer's key.
    pub customer: String,
    /// When it happened; of which day a balance is.
    pub time: TimeColumn,
    /// When the bank knew of it, where that is another day.
    pub booked: Option<TimeColumn>,
    /// When it ended: was read, answered or settled. Empty while it is open.
    pub until: Option<TimeColumn>,
    /// How much it was.
    pub amount: Option<Amount>,
    /// Which way it went.
    pub direction: Option<Direction>,
    /// Columns of codes.
    pub codes: Vec<Codes>,
    /// The column that tells events apart.
    pub id: Option<String>,
    /// Largest share of rows, in percent, whose customer the customers' table does not have.
    pub unknown_percent_max: u8,
}

/// A column of amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// The column.
    pub column: String,
    /// Its unit.
    pub measure: Measure,
    /// What a minus means.
    pub sign: Sign,
    /// Whether the minus may stand after the number.
    pub trailing_sign: bool,
}

/// What a minus before an amount means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It is a fault.
    Refused,
    /// The money went out, and came in without it.
    Direction,
    /// The number is below 0: a reversal, or an overdraft.
    Allowed,
}

/// A column of codes that say which way an amount went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The column.
    pub column: String,
    /// Codes for what came in.
    pub inward: Vec<String>,
    /// Codes for what went out.
    pub outward: Vec<String>,
}

/// A column of codes, each of which belongs to one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes {
    /// Its name for filters.
    pub name: String,
    /// The column.
    pub column: String,
    /// The groups, at most [`Codes::GROUPS_MAX`].
    pub groups: Vec<String>,
    /// Each code, and the number of its group.
    pub meanings: Vec<(String, u8)>,
    /// Whether a code that is not listed belongs to no group. Otherwise it is a fault of its row.
    pub others: bool,
}

impl Codes {
    /// Most groups of one column.
    pub const GROUPS_MAX: usize = 63;
    /// Most such columns of one table.
    pub const COLUMNS_MAX: usize = 4;
    /// The number of a code that belongs to no group.
    pub const OTHER: u8 = 63;
}

/// Which rows of a table a field looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of a column of codes, by its number: the groups, as bits.
    pub groups: Vec<(usize, u64)>,
    /// What came in, or what went out.
    pub inward: Option<bool>,
    /// Smallest amount, in the table's smallest unit.
    pub amount_min: Option<i64>,
}

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Events.
    Count,
    /// 1 if there is one, else 0.
    Any,
    /// Events that had no end by the day of the data.
    Open,
    /// Sum of amounts.
    Sum,
    /// What came in, without what went out.
    Net,
    /// Mean amount of an event; mean balance of a day.
    Mean,
    /// Largest amount.
    Max,
    /// Days from the last event to the day of the data.
    DaysSinceLast,
    /// Median of the days from one day with events to the next one.
    CycleDays,
    /// Days with events.
    ActiveDays,
    /// Groups of a column of codes that occur.
    Distinct(usize),
    /// Events that fit, among all events.
    ShareOfCount,
    /// Their amounts, among all amounts.
    ShareOfAmount,
    /// Events of the window, by the mean number in so many windows before it.
    Decay(u16),
    /// Mean hours from an event to its end.
    HoursMean,
    /// The balance of the last day that has one.
    Last,
    /// Mean balance of the window, by that of the window before it.
    TrendRatio,
    /// Slope of the balance over the window's days, for 30 days.
    TrendSlope,
}

/// A field that is derived from a table.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedField {
    /// The schema's column.
    pub to: String,
    /// The table, by its number.
    pub table: usize,
    /// What it is.
    pub function: Function,
    /// Over which days.
    pub window: Window,
    /// Over which rows.
    pub filter: Filter,
    /// So many of the table's smallest units are one of the schema's. 1 where the field is no amount.
    pub units: i64,
}

/// Who may be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Consent {
    /// A table of its own, and its column of the customer's key; else the customers' table.
    pub table: Option<(TableSource, String)>,
    /// The column.
    pub column: String,
    /// Its values.
    pub rule: ConsentRule,
    /// A column of purposes, and those that count. Rows for other purposes say nothing.
    pub purpose: Option<(String, Vec<String>)>,
}

/// What the values of a consent column mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentRule {
    /// These values allow; every other one, and none at all, refuses.
    Allowed(Vec<String>),
    /// These values refuse; every other one, and none at all, allows.
    Refused(Vec<String>),
}

/// Over which days after the day of the data a label is known.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelWindow {
    /// Days after the day of the data.
    pub days: u16,
    /// The column of the customers' table with the day on which it happened, where there is one.
    pub happened: Option<TimeColumn>,
}

impl Events {
    /// Whether nothing is declared.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.tables.is_empty() && self.consents.is_empty() && self.label.is_none() && self.known_after_label.is_empty()
    }

    /// Whether customers are looked at before their rows are.
    #[must_use]
    pub fn joins(&self) -> bool {
        !self.tables.is_empty() || !self.consents.is_empty()
    }

    /// Every table beside the customers' own, in the order in which they are read.
    pub fn sources(&self) -> impl Iterator<Item = &TableSource> {
        let consents = self.consents.iter().filter_map(|consent| consent.table.as_ref().map(|(source, _)| source));
        consents.chain(self.tables.iter().map(|table| &table.source))
    }
}

impl Function {
    /// Each of them, by its word.
    pub(super) const WORDS: [(&'static str, Self); 18] = [
        ("count", Self::Count),
        ("any", Self::Any),
        ("open", Self::Open),
        ("sum", Self::Sum),
        ("net", Self::Net),
        ("mean", Self::Mean),
        ("max", Self::Max),
        ("days_since_last", Self::DaysSinceLast),
        ("cycle_days", Self::CycleDays),
        ("active_days", Self::ActiveDays),
        ("distinct", Self::Distinct(0)),
        ("share_of_count", Self::ShareOfCount),
        ("share_of_amount", Self::ShareOfAmount),
        ("decay", Self::Decay(1)),
        ("hours_mean", Self::HoursMean),
        ("last", Self::Last),
        ("trend_ratio", Self::TrendRatio),
        ("trend_slope", Self::TrendSlope),
    ];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        let same = |word: &Self| std::mem::discriminant(word) == std::mem::discriminant(&self);
        Self::WORDS.iter().find(|(_, word)| same(word)).map_or("", |(name, _)| name)
    }

    /// Whether it is an amount in the schema's unit.
    #[must_use]
    pub fn is_amount(self) -> bool {
        matches!(self, Self::Sum | Self::Net | Self::Mean | Self::Max | Self::Last | Self::TrendSlope)
    }

    /// Whether it reads amounts.
    #[must_use]
    pub fn reads_amounts(self) -> bool {
        self.is_amount() || matches!(self, Self::ShareOfAmount | Self::TrendRatio)
    }

    /// Whether it may be missing: of a customer without events there is nothing to say. Counts and sums are 0 then.
    #[must_use]
    pub fn may_lack(self) -> bool {
        !matches!(
            self,
            Self::Count | Self::Any | Self::Open | Self::Sum | Self::Net | Self::ActiveDays | Self::Distinct(_)
        )
    }

    /// Whether rows of this kind have it.
    #[must_use]
    pub fn fits(self, holds: Holds) -> bool {
        match self {
            Self::Mean | Self::ShareOfAmount => true,
            Self::Last | Self::TrendRatio | Self::TrendSlope => holds == Holds::Balances,
            _ => holds == Holds::Events,
        }
    }

    /// How many windows it looks at.
    #[must_use]
    pub fn windows(self) -> u16 {
        match self {
            Self::Decay(former) => former.saturating_add(1),
            Self::TrendRatio => 2,
            _ => 1,
        }
    }

    /// Whether it keeps each day of its windows as a bit.
    #[must_use]
    pub fn keeps_days(self, holds: Holds) -> bool {
        match self {
            Self::Mean => holds == Holds::Balances,
            Self::CycleDays | Self::ActiveDays | Self::TrendRatio | Self::TrendSlope => true,
            _ => false,
        }
    }
}
