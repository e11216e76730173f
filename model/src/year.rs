//! Years of spending, planned: which kinds of run in which months, what they come to by the accountant that branches enforce, and when the money
//! is gone.

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::privacy::{Accounts, Month, ORDERS, RdpVector, YearSpend};
use tributary_protocol::time::Millis;

use crate::privacy::{cap, epsilon_of, is_delta, is_epsilon};

/// Most months that are planned at once.
pub const PLANNED_MONTHS_MAX: u32 = 120;
/// Most kinds of run.
pub const RUN_KINDS_MAX: usize = 32;
/// Most runs of one kind in one month.
pub const RUNS_A_MONTH_MAX: u32 = 100;

/// Longest name of a kind of run.
pub const KIND_NAME_BYTES_MAX: usize = 64;

/// A kind of run: what one costs, and in which months there are how many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunKind {
    /// Its name.
    pub name: String,
    /// Epsilon of one run, retries included, at the plan's delta.
    pub epsilon: f64,
    /// The first month that has any.
    pub first: Month,
    /// The last month that may have any.
    pub last: Month,
    /// Months from one to the next; 1: every month.
    pub every: u32,
    /// Runs in each of them.
    pub runs: u32,
}

/// Spending over years, as its author puts it forward and a privacy officer approves it: one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct YearPlan {
    /// The first month.
    pub begins: Month,
    /// How many.
    pub months: u32,
    /// Delta of every epsilon.
    pub delta: f64,
    /// Cap of a year of days: of twelve monthly runs, each on the same day of a month.
    pub epsilon_year: f64,
    /// Cap for life.
    pub epsilon_life: f64,
    /// What is run, in the order in which it is paid.
    pub kinds: Vec<RunKind>,
}

/// What a [`YearPlan`] comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct YearOutlook {
    /// Digest of the plan: what people sign.
    pub digest: String,
    /// Delta of every epsilon.
    pub delta: f64,
    /// Cap of a year.
    pub epsilon_year_cap: f64,
    /// Cap for life.
    pub epsilon_life_cap: f64,
    /// What one run of each kind costs, and how often there is one.
    pub kinds: Vec<KindTerms>,
    /// Each month, in order.
    pub months: Vec<MonthOutlook>,
    /// Runs that are planned.
    pub runs_planned: u64,
    /// Runs that the caps pay for.
    pub runs_paid: u64,
    /// Epsilon of all that are paid.
    pub epsilon_life: f64,
    /// The first month in which the year's cap does not pay for a planned run.
    pub stops_in_year: Option<String>,
    /// The first month in which the cap for life does not pay for one: nothing of its price is run from there on.
    pub stops_for_life: Option<String>,
}

/// A kind of run, as people read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KindTerms {
    /// Its name.
    pub kind: String,
    /// Epsilon of one run.
    pub epsilon: f64,
    /// Its first month.
    pub first: String,
    /// Its last month.
    pub last: String,
    /// Months from one to the next.
    pub every_months: u32,
    /// Runs in each of them.
    pub runs: u32,
}

/// What one month comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MonthOutlook {
    /// The month, such as `2027-02`.
    pub month: String,
    /// Each kind that has runs in it.
    pub kinds: Vec<KindOutlook>,
    /// Epsilon of this month and the eleven before it.
    pub epsilon_year: f64,
    /// Epsilon of everything up to this month.
    pub epsilon_life: f64,
}

/// What one kind of run comes to in one month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KindOutlook {
    /// Its name.
    pub kind: String,
    /// Runs that are planned.
    pub planned: u32,
    /// Runs that the caps pay for.
    pub paid: u32,
}

/// What a run of so much epsilon may charge at most: the dearest release of Gaussian noise that is within it. Coins make no run dearer.
#[must_use]
pub fn charge_of_run(epsilon: f64, delta: f64) -> RdpVector {
    let cap = cap(epsilon, delta);
    let slope = ORDERS.iter().zip(cap.nanos()).map(|(order, nanos)| nanos / u64::from(*order)).max().unwrap_or(0);
    let nanos = ORDERS.iter().map(|order| u64::from(*order).saturating_mul(slope)).collect();
    RdpVector::from_nanos(nanos).unwrap_or_else(RdpVector::zero)
}

/// Whether a text can name a kind of run.
#[must_use]
pub fn is_kind_name(text: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
    (1..=KIND_NAME_BYTES_MAX).contains(&text.len()) && text.chars().all(letter)
}

impl RunKind {
    /// What it gives, for people and programs.
    #[must_use]
    pub fn terms(&self) -> KindTerms {
        KindTerms {
            kind: self.name.clone(),
            epsilon: self.epsilon,
            first: self.first.to_string(),
            last: self.last.to_string(),
            every_months: self.every,
            runs: self.runs,
        }
    }

    fn is_within(&self, first: Month, last: Month) -> bool {
        let months = first <= self.first && self.first <= self.last && self.last <= last;
        let counts = (1..=PLANNED_MONTHS_MAX).contains(&self.every) && (1..=RUNS_A_MONTH_MAX).contains(&self.runs);
        is_kind_name(&self.name) && is_epsilon(self.epsilon) && months && counts
    }

    /// Runs of it in a month.
    #[must_use]
    pub fn runs_in(&self, month: Month) -> u32 {
        let due =
            (self.first..=self.last).contains(&month) && (month.0 - self.first.0).is_multiple_of(self.every.max(1));
        if due { self.runs } else { 0 }
    }
}

impl YearPlan {
    /// The last month.
    #[must_use]
    pub const fn ends(&self) -> Month {
        self.begins.plus(self.months.saturating_sub(1))
    }

    /// The kind of a name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&RunKind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// Whether every value is one that a year.toml can give: what was read from elsewhere may hold anything.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let calendar = (Month(1970 * 12)..Month(9001 * 12)).contains(&self.begins);
        let whole = calendar && (1..=PLANNED_MONTHS_MAX).contains(&self.months) && self.kinds.len() <= RUN_KINDS_MAX;
        let caps =
            is_epsilon(self.epsilon_year) && is_epsilon(self.epsilon_life) && self.epsilon_year <= self.epsilon_life;
        let own = |(place, kind): (usize, &RunKind)| {
            let again = self.kinds.iter().take(place).any(|before| before.name == kind.name);
            !again && kind.is_within(self.begins, self.ends())
        };
        whole && caps && is_delta(self.delta) && self.kinds.iter().enumerate().all(own)
    }

    /// What its author and a privacy officer sign.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/year/1").u32(self.begins.0).u32(self.months).u64(self.delta.to_bits());
        let body = body.u64(self.epsilon_year.to_bits()).u64(self.epsilon_life.to_bits());
        let body = body.u32(u32::try_from(self.kinds.len()).unwrap_or(u32::MAX));
        let kinds = self.kinds.iter().fold(body, |body, kind| {
            let body = body.bytes(kind.name.as_bytes()).u64(kind.epsilon.to_bits());
            body.u32(kind.first.0).u32(kind.last.0).u32(kind.every).u32(kind.runs)
        });
        kinds.finish()
    }

    /// Runs every month in order, as a branch with these caps would: a run that a cap does not pay for is not begun, and later ones may be.
    #[must_use]
    pub fn outlook(&self) -> YearOutlook {
        let caps = [self.epsilon_life, self.epsilon_year].map(|epsilon| Accounts::customers(cap(epsilon, self.delta)));
        let [for_life, in_year] = &caps;
        let epsilon = |spent: &Accounts| epsilon_of(&spent.customer, self.delta).0;
        let charges: Vec<Accounts> =
            self.kinds.iter().map(|kind| Accounts::customers(charge_of_run(kind.epsilon, self.delta))).collect();
        let (mut life, mut year) = (Accounts::zero(), YearSpend::default());
        let [mut stops_in_year, mut stops_for_life] = [None, None];
        let mut months = Vec::new();
        for number in 0..self.months.min(PLANNED_MONTHS_MAX) {
            let month = self.begins.plus(number);
            let begins = Millis(month.first_second().saturating_mul(1000));
            year.pass((begins, begins));
            let mut kinds = Vec::new();
            for (kind, charge) in self.kinds.iter().zip(&charges) {
                let planned = kind.runs_in(month);
                let mut paid = 0;
                for _ in 0..planned {
                    let pays_life = life.plus(charge).within(for_life);
                    let pays_year = year.spent().plus(charge).within(in_year);
                    if !pays_life {
                        stops_for_life.get_or_insert_with(|| month.to_string());
                    } else if !pays_year {
                        stops_in_year.get_or_insert_with(|| month.to_string());
                    } else {
                        life = life.plus(charge);
                        year.charge(begins, charge);
                        paid += 1;
                    }
                }
                if planned > 0 {
                    kinds.push(KindOutlook { kind: kind.name.clone(), planned, paid });
                }
            }
            let (epsilon_year, epsilon_life) = (epsilon(&year.spent()), epsilon(&life));
            months.push(MonthOutlook { month: month.to_string(), kinds, epsilon_year, epsilon_life });
        }
        let count = |of: fn(&KindOutlook) -> u32| {
            months.iter().flat_map(|month| &month.kinds).map(|kind| u64::from(of(kind))).sum()
        };
        YearOutlook {
            digest: self.digest().to_string(),
            delta: self.delta,
            epsilon_year_cap: self.epsilon_year,
            epsilon_life_cap: self.epsilon_life,
            kinds: self.kinds.iter().map(RunKind::terms).collect(),
            runs_planned: count(|kind| kind.planned),
            runs_paid: count(|kind| kind.paid),
            epsilon_life: epsilon(&life),
            months,
            stops_in_year,
            stops_for_life,
        }
    }
}

/// For people, on one line.
impl std::fmt::Display for KindTerms {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, epsilon, first, last, every_months, runs } = self;
        let every = if *every_months == 1 { "each month".to_owned() } else { format!("every {every_months} months") };
        write!(out, "{kind}: epsilon {epsilon} a run, {runs} {every} from {first} to {last}")
    }
}

/// For people: a line for each month, and when the caps end it.
impl std::fmt::Display for YearOutlook {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { delta, epsilon_year_cap, epsilon_life_cap, .. } = self;
        writeln!(out, "Spending by month, at delta {delta:e}, by the bound that branches enforce")?;
        writeln!(out, "  caps       epsilon {epsilon_year_cap} in a year, {epsilon_life_cap} for life")?;
        for kind in &self.kinds {
            writeln!(out, "  kind       {kind}")?;
        }
        for month in &self.months {
            let kinds = month.kinds.iter().map(|KindOutlook { kind, planned, paid }| match paid == planned {
                true => format!("{planned} {kind}"),
                false => format!("{paid} of {planned} {kind}"),
            });
            let kinds = kinds.collect::<Vec<_>>().join(", ");
            let kinds = if kinds.is_empty() { "nothing".to_owned() } else { kinds };
            let MonthOutlook { month, epsilon_year, epsilon_life, .. } = month;
            writeln!(out, "  {month}    year {epsilon_year:.4}  life {epsilon_life:.4}  {kinds}")?;
        }
        writeln!(
            out,
            "  in all     {} of {} runs, epsilon {:.4}",
            self.runs_paid, self.runs_planned, self.epsilon_life
        )?;
        match &self.stops_in_year {
            Some(month) => writeln!(
                out,
                "  year       from {month} on a planned run has to wait: the year's cap does not pay for it"
            )?,
            None => writeln!(out, "  year       its cap pays for every planned run that the cap for life pays for")?,
        }
        match &self.stops_for_life {
            Some(month) => writeln!(out, "  stop       {month}: the cap for life does not pay for a planned run")?,
            None => writeln!(out, "  stop       none in these months")?,
        }
        writeln!(out, "  digest     {}", self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monthly(epsilon_year: f64, epsilon_life: f64) -> YearPlan {
        let begins = Month(2027 * 12);
        let last = begins.plus(35);
        let monthly = RunKind { name: "churn".into(), epsilon: 1.0, first: begins, last, every: 1, runs: 1 };
        YearPlan { begins, months: 36, delta: 1e-6, epsilon_year, epsilon_life, kinds: vec![monthly] }
    }

    /// What it comes to is what is known of the enforced bound: epsilon 1 a run, at delta 1e-6.
    #[test]
    fn twelve_monthly_runs_of_epsilon_1_charge_3_9_and_36_charge_7_2() {
        let outlook = monthly(100.0, 100.0).outlook();
        let after = |months: usize| format!("{:.1}", outlook.months[months - 1].epsilon_life);
        assert_eq!([1, 12, 24, 36].map(after), ["1.0", "3.9", "5.7", "7.2"]);
        let one = charge_of_run(1.0, 1e-6);
        assert!(one.within(&cap(1.0, 1e-6)) && epsilon_of(&one, 1e-6).0 > 0.999, "no less than the whole epsilon");
        // A year is twelve of them, and no more.
        let year = |months: usize| outlook.months[months - 1].epsilon_year;
        assert_eq!((year(12), year(13), year(36)), (outlook.months[11].epsilon_life, year(12), year(12)));
        assert!(year(11) < year(12));
        assert_eq!((outlook.runs_paid, &outlook.stops_in_year, &outlook.stops_for_life), (36, &None, &None));
    }

    #[test]
    fn caps_stop_it_in_the_month_in_which_they_do_not_pay() {
        // A life cap of 4 ends the project in its first year.
        let outlook = monthly(4.0, 4.0).outlook();
        assert_eq!((outlook.runs_paid, outlook.stops_for_life.as_deref()), (12, Some("2028-01")));
        assert!(outlook.epsilon_life <= 4.0);
        // A year's cap makes a run wait, and the next month pays again.
        let outlook = monthly(3.8, 8.0).outlook();
        assert_eq!((outlook.stops_in_year.as_deref(), outlook.stops_for_life.as_deref()), (Some("2027-12"), None));
        let paid = |month: usize| outlook.months[month].kinds[0].paid;
        assert_eq!((paid(10), paid(11), paid(12)), (1, 0, 1));
        assert!(outlook.months.iter().all(|month| month.epsilon_year <= 3.8 && month.epsilon_life <= 8.0));
        let text = outlook.to_string();
        assert!(text.contains("2027-12    year") && text.contains("0 of 1 churn"), "{text}");
        assert!(text.contains("from 2027-12 on a planned run has to wait"), "{text}");
        // One that pays for a run each month does so for ever.
        assert_eq!(monthly(4.0, 8.0).outlook().stops_in_year, None);
    }

    #[test]
    fn kinds_have_months_of_their_own() {
        let mut plan = monthly(100.0, 100.0);
        let first = plan.begins.plus(2);
        let quarterly =
            RunKind { name: "validation".into(), epsilon: 0.3, first, last: first.plus(7), every: 3, runs: 2 };
        plan.kinds.push(quarterly);
        let runs: Vec<u32> = (0..12).map(|month| plan.kinds[1].runs_in(plan.begins.plus(month))).collect();
        assert_eq!(runs, [0, 0, 2, 0, 0, 2, 0, 0, 2, 0, 0, 0]);
        let outlook = plan.outlook();
        assert_eq!((outlook.runs_planned, outlook.runs_paid), (42, 42));
        let both: Vec<&str> = outlook.months[2].kinds.iter().map(|kind| kind.kind.as_str()).collect();
        assert_eq!(both, ["churn", "validation"]);
    }

    /// What was read from elsewhere is bounded as a year.toml is.
    #[test]
    fn a_year_beyond_a_limit_is_not_valid() {
        assert!(monthly(4.0, 8.0).is_valid());
        let changes: [fn(&mut YearPlan); 21] = [
            |year| year.begins = Month(0),
            |year| year.begins = Month(u32::MAX),
            |year| year.months = 0,
            |year| year.months = PLANNED_MONTHS_MAX + 1,
            |year| year.delta = 0.0,
            |year| year.delta = 0.5,
            |year| year.delta = f64::NAN,
            |year| year.epsilon_year = f64::NAN,
            |year| year.epsilon_year = 9.0,
            |year| year.epsilon_life = f64::INFINITY,
            |year| year.kinds = vec![year.kinds[0].clone(); 2],
            |year| year.kinds[0].name.clear(),
            |year| year.kinds[0].name.push('\n'),
            |year| year.kinds[0].epsilon = 0.0,
            |year| year.kinds[0].epsilon = f64::NAN,
            |year| year.kinds[0].first = Month(year.begins.0 - 1),
            |year| year.kinds[0].last = year.begins.plus(36),
            |year| (year.kinds[0].first, year.kinds[0].last) = (year.kinds[0].last, year.kinds[0].first),
            |year| year.kinds[0].every = 0,
            |year| year.kinds[0].runs = 0,
            |year| year.kinds[0].runs = RUNS_A_MONTH_MAX + 1,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut year = monthly(4.0, 8.0);
            change(&mut year);
            assert!(!year.is_valid(), "change {number}");
        }
    }

    /// Whatever is changed makes another object to sign.
    #[test]
    fn the_digest_covers_every_field() {
        let changes: [fn(&mut YearPlan); 11] = [
            |plan| plan.begins = plan.begins.plus(1),
            |plan| plan.months -= 1,
            |plan| plan.delta = 1e-7,
            |plan| plan.epsilon_year = 3.0,
            |plan| plan.epsilon_life = 9.0,
            |plan| plan.kinds[0].name.push('s'),
            |plan| plan.kinds[0].epsilon = 0.5,
            |plan| plan.kinds[0].first = plan.kinds[0].first.plus(1),
            |plan| plan.kinds[0].last = plan.kinds[0].last.plus(1),
            |plan| plan.kinds[0].every = 2,
            |plan| plan.kinds[0].runs = 2,
        ];
        let plan = monthly(4.0, 8.0);
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = plan.clone();
            change(&mut changed);
            assert_ne!(changed.digest(), plan.digest(), "change {number}");
        }
    }
}
