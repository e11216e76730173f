//! Of what a report is: which days, and which plans.

use serde::{Deserialize, Serialize};
use tributary_protocol::plan::{Date, Plan};
use tributary_protocol::time::Millis;

use super::parts::ComplianceReport;

/// The occasion of a report. It decides the period where nobody names one, and what the page begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The yearly assessment of important data and the yearly audit: the last 12 months.
    Yearly,
    /// The audit of the protection of personal information, every second year: the last 24 months.
    PersonalInformation,
    /// After a leak, where an authority may order an audit: the last 6 months, for which logs must be there.
    Leak,
}

impl Preset {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Yearly, Self::PersonalInformation, Self::Leak];

    /// The word in commands and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yearly => "yearly",
            Self::PersonalInformation => "personal-information",
            Self::Leak => "leak",
        }
    }

    /// Days that it covers up to its last one.
    #[must_use]
    pub const fn days(self) -> u64 {
        match self {
            Self::Yearly => 365,
            Self::PersonalInformation => 730,
            Self::Leak => 183,
        }
    }
}

/// The days of a report, both included, by the calendar of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    from: Date,
    to: Date,
}

/// Why two days are no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the first day is after the last one; name the earlier one with --from")]
pub struct NoPeriod;

impl Period {
    /// From one day to another, both included.
    ///
    /// # Errors
    /// [`NoPeriod`] if the first is after the last.
    pub fn new(from: Date, to: Date) -> Result<Self, NoPeriod> {
        if from.first_second() > to.first_second() { Err(NoPeriod) } else { Ok(Self { from, to }) }
    }

    /// The days of a preset that end with this one.
    #[must_use]
    pub fn ending(preset: Preset, to: Date) -> Self {
        let days = preset.days().saturating_sub(1).saturating_mul(86_400);
        Self { from: Date::of_second(to.first_second().saturating_sub(days)), to }
    }

    /// The first day.
    #[must_use]
    pub fn from(&self) -> Date {
        self.from
    }

    /// The last day.
    #[must_use]
    pub fn to(&self) -> Date {
        self.to
    }

    pub(super) fn has(&self, at: Millis) -> bool {
        at >= self.begins() && !self.is_before(at)
    }

    /// Whether the period is over at this moment.
    pub(super) fn is_before(&self, at: Millis) -> bool {
        at.0 / 1000 > self.to.last_second()
    }

    fn begins(&self) -> Millis {
        Millis(self.from.first_second().saturating_mul(1000))
    }

    /// Whether a moment is before the period.
    pub(super) fn is_after(&self, at: Millis) -> bool {
        at < self.begins()
    }
}

/// Which plans a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of a purpose.
    Purpose(String),
    /// The one whose digest begins with these digits.
    Plan(String),
}

/// Of what the report is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The occasion.
    pub preset: Option<Preset>,
    /// Which days.
    pub period: Period,
    /// Which plans.
    pub scope: Scope,
}

/// Why a scope is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope is all, purpose:NAME, or plan:DIGITS with at least 8 hexadecimal digits of the plan's digest")]
pub struct NoScope;

impl std::str::FromStr for Scope {
    type Err = NoScope;

    fn from_str(text: &str) -> Result<Self, NoScope> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("purpose", name)) if !name.is_empty() && name.len() <= 64 => Ok(Self::Purpose(name.to_owned())),
            Some(("plan", digits))
                if (8..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                Ok(Self::Plan(digits.to_ascii_lowercase()))
            }
            _ => Err(NoScope),
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => write!(formatter, "all"),
            Self::Purpose(name) => write!(formatter, "purpose:{name}"),
            Self::Plan(digits) => write!(formatter, "plan:{digits}"),
        }
    }
}

impl Scope {
    pub(super) fn has(&self, plan: &Plan) -> bool {
        match self {
            Self::All => true,
            Self::Purpose(name) => plan.purpose.raw() == name,
            Self::Plan(digits) => plan.digest().to_string().starts_with(digits.as_str()),
        }
    }
}

impl ComplianceReport {
    /// What was asked for; nothing where it is none that this program writes.
    #[must_use]
    pub fn asked(&self) -> Option<Asked> {
        let named = |name: &String| Preset::ALL.into_iter().find(|preset| preset.name() == name);
        let preset = self.preset.as_ref().map(named);
        let preset = preset.map_or(Some(None), |preset| preset.map(Some))?;
        let period = Period::new(Date::parse(&self.from)?, Date::parse(&self.to)?).ok()?;
        // A preset says which days they are.
        let fits = preset.is_none_or(|preset| period == Period::ending(preset, period.to));
        fits.then_some(Asked { preset, period, scope: self.scope.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn a_period_has_its_first_and_last_millisecond_and_no_other() {
        let period = Period::new(day("2026-02-27"), day("2026-03-01")).unwrap();
        let first = Millis(day("2026-02-27").first_second() * 1000);
        let after = Millis(day("2026-03-02").first_second() * 1000);
        assert!(period.has(first) && period.has(Millis(after.0 - 1)));
        assert!(!period.has(Millis(first.0 - 1)) && !period.has(after));
        assert!(period.is_after(Millis(first.0 - 1)) && period.is_before(after));
        assert_eq!(Period::new(day("2026-03-02"), day("2026-03-01")), Err(NoPeriod));
    }

    #[test]
    fn presets_cover_the_days_that_their_rules_ask_for() {
        let of = |preset| Period::ending(preset, day("2026-12-31")).from().to_string();
        assert_eq!(of(Preset::Yearly), "2026-01-01");
        assert_eq!(of(Preset::PersonalInformation), "2025-01-01");
        assert_eq!(of(Preset::Leak), "2026-07-02");
    }

    #[test]
    fn scopes_are_read_the_one_way_that_they_are_printed() {
        for text in ["all", "purpose:churn", "purpose:a:b", "plan:00ff00ff"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in ["", "All", "purpose:", "plan:", "plan:1234567", "plan:0000000g", "branch:1", "all:"] {
            assert_eq!(text.parse::<Scope>(), Err(NoScope), "{text}");
        }
    }
}
