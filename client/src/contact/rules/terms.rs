//! What rules say, once they are read.

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::suite::VerifyingKey;

use super::attributes::AttributeRules;
use super::delivery::Delivery;
use super::table::TableRules;

/// The rules of one campaign's lists.
#[derive(Clone, Debug)]
pub struct Rules {
    /// SHA-256 of their text.
    pub digest: Digest,
    /// The campaign: lists of one campaign have one hold-out.
    pub campaign: String,
    /// What the model must be for.
    pub purpose: String,
    /// The branch that they are for; any branch of its owner, where they name none.
    pub branch: Option<MemberName>,
    /// Public keys of the branch's risk control: one of them approves a list.
    pub approvers: Vec<VerifyingKey>,
    /// Their last day by the bank's clock: no list is made, approved or delivered by them after it.
    pub last_day: Date,
    /// How far the bank's clock is ahead of UTC.
    pub utc_offset_minutes: u16,
    /// The label whose scores choose.
    pub label: String,
    /// Oldest scores, in days.
    pub scores_days_max: u16,
    /// States of the model that are taken.
    pub states: Vec<String>,
    /// Which customers are best.
    pub choice: Choice,
    /// The table of attributes.
    pub attributes: AttributeRules,
    /// Most lines of each team, where teams have quotas.
    pub quotas: Vec<Quota>,
    /// Contacts in a window.
    pub contacts: Option<ContactCap>,
    /// Who is left out at random.
    pub hold_out: Option<HoldOut>,
    /// The table of those who are never contacted, and of whom nobody is told.
    pub confidential: Option<Confidential>,
    /// How a list is handed to the bank's system.
    pub delivery: Delivery,
}

impl Rules {
    /// Longest time from the day of their signature to their last day, in days.
    pub(crate) const DAYS_MAX: u32 = 366;

    /// Their last second.
    #[must_use]
    pub(crate) fn last_second(&self) -> u64 {
        self.end_of(self.last_day)
    }

    /// The last second of a list that is made `now` for so many days after today, of which nothing counts after `end`: that of the last day which is whole
    /// before both, since the bank's systems know days alone. Nothing where not even today is.
    #[must_use]
    pub(crate) fn last_second_of_list(&self, now: u64, end: u64) -> Option<u64> {
        let days = u32::from(self.delivery.valid_days);
        let wanted = self.end_of(Date(bank_day(self, now).0.saturating_add(days)));
        let end = wanted.min(end).min(self.last_second());
        let day = bank_day(self, end);
        let whole = if self.end_of(day) <= end { day } else { day.before(1) };
        Some(self.end_of(whole)).filter(|end| *end >= now)
    }

    /// The last second of a day of the bank's clock.
    fn end_of(&self, day: Date) -> u64 {
        day.last_second().saturating_sub(u64::from(self.utc_offset_minutes) * 60)
    }

    /// Whether their last day is at most [`Self::DAYS_MAX`] days after that of a second.
    #[must_use]
    pub(crate) fn ends_soon_after(&self, second: u64) -> bool {
        self.last_day.0 <= bank_day(self, second).0.saturating_add(Self::DAYS_MAX)
    }
}

/// The day of a second by the bank's clock.
#[must_use]
pub(crate) fn bank_day(rules: &Rules, second: u64) -> Date {
    Date::of_second(second.saturating_add(u64::from(rules.utc_offset_minutes) * 60))
}

/// How the best are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// By which number.
    pub by: Measure,
    /// How many of them.
    pub span: Span,
}

/// A number of a scores file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The logit.
    Score,
    /// The calibrated probability.
    Probability,
    /// The tenth of the file, 1 being the highest.
    Decile,
    /// Points of a scorecard.
    Points,
}

impl Measure {
    /// The end of its column's name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Probability => "probability",
            Self::Decile => "decile",
            Self::Points => "points",
        }
    }

    /// Whether a value is as good as a threshold.
    #[must_use]
    pub fn reaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Decile => value <= threshold,
            _ => value >= threshold,
        }
    }
}

/// How many customers are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// At most so many, the best first.
    Top(u32),
    /// All that reach this value; of deciles all down to it.
    Threshold(f64),
}

/// Most lines of one team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The team's word in the table of attributes.
    pub team: String,
    /// Most lines.
    pub most: u32,
}

/// How often a customer may be contacted.
#[derive(Clone, Debug)]
pub struct ContactCap {
    /// Most contacts, that of the list included.
    pub most: u16,
    /// In so many days, the present one included.
    pub window_days: u16,
    /// A table of contacts outside of lists, and its column of days.
    pub table: Option<(TableRules, String)>,
}

/// A part of the chosen customers that is never contacted, so that the effect can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldOut {
    /// Of a thousand customers who are chosen for the first time.
    pub permille: u16,
    /// How long a customer stays held out.
    pub days: u16,
    /// Whether all campaigns of the branch have one hold-out.
    pub whole_branch: bool,
}

impl HoldOut {
    /// The group of a hold-out of all campaigns. A campaign has a name, and so is another group.
    pub(crate) const WHOLE_BRANCH: &str = "";

    /// The group of a campaign's customers.
    #[must_use]
    pub(crate) fn group<'a>(&self, campaign: &'a str) -> &'a str {
        if self.whole_branch { Self::WHOLE_BRANCH } else { campaign }
    }
}

/// The table of confidential suppressions.
#[derive(Clone, Debug)]
pub struct Confidential {
    /// The table.
    pub table: TableRules,
    /// Of a thousand chosen customers, how many are newly held out with each list.
    pub renewed_permille: u16,
}
