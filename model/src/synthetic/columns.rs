//! The invented columns: how each hangs on a customer's traits, and what it says about churn and deposits.

/// Traits behind the columns: wealth, engagement, digital use, contentment, thrift, age.
pub(super) const TRAITS: usize = 6;

/// One column. A customer's score in it is a mix of the traits and chance, standard normal before a branch's shift; the score becomes text by
/// [`Shape`] and moves the log-odds of the labels by the two weights.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Share of the score that comes from each trait, in tenths; the squares sum to less than 1, chance has the rest.
    pub(super) traits: [i8; TRAITS],
    /// Log-odds of churn for one unit of score.
    pub(super) churn: f64,
    /// Log-odds of taking a deposit for one unit of score.
    pub(super) deposit: f64,
    pub(super) shape: Shape,
    /// Share of missing values in per cent, and their code.
    pub(super) missing: Option<(f64, &'static str)>,
}

/// From a score to text.
pub(super) enum Shape {
    /// `exp(centre + spread * score)`, cut at `most`, without decimals.
    Amount { centre: f64, spread: f64, most: f64 },
    /// As an amount, less one: small counts with many zeros.
    Count { centre: f64, spread: f64, most: f64 },
    /// `sign(score) exp(|score| * spread)` hundreds.
    Flow { spread: f64 },
    /// Between `low` and `high` along a logistic curve, with `decimals` decimals.
    Between { low: f64, high: f64, decimals: usize },
    /// The first word whose bound is above the score.
    Words(Words),
    /// "yes" from this score on, "no" below.
    YesAbove(f64),
}

/// Words, each with the score below which it stands.
pub(super) type Words = &'static [(&'static str, f64)];

const TOP: f64 = f64::INFINITY;
const NEVER: Option<(f64, &str)> = None;

const CUSTOMER_TYPES: Words = &[("ordinary", 1.2), ("business_owner", 1.7), ("high_net_worth", TOP)];
const OCCUPATIONS: Words =
    &[("student", -1.6), ("worker", -0.7), ("service", 0.0), ("office", 0.8), ("professional", 1.5), ("owner", TOP)];
const REGIONS: Words = &[("rural", -0.5), ("suburban", 0.3), ("urban", TOP)];
const INCOMES: Words = &[("low", -0.6), ("middle", 0.5), ("upper", 1.4), ("high", TOP)];
const STATUSES: Words = &[("normal", 1.3), ("dormant", 2.2), ("frozen", TOP)];
const STAGES: Words = &[("lost", -2.2), ("dormant", -1.2), ("open", -0.7), ("activate", -0.2), ("active", TOP)];
const RISKS: Words = &[("low", 0.2), ("medium", 1.2), ("high", TOP)];

/// Name; shares of the traits in tenths; log-odds of churn and of a deposit; shape; missing values.
pub(super) static COLUMNS: [Column; 34] = [
    column("customer_type", [6, 0, 0, 0, 1, 2], -0.05, 0.1, Shape::Words(CUSTOMER_TYPES), NEVER),
    column("age", [1, 0, -4, 0, 2, 8], -0.15, 0.15, between(18.0, 90.0, 0), NEVER),
    column("occupation", [4, 1, 2, 0, 0, -2], -0.1, 0.12, Shape::Words(OCCUPATIONS), Some((4.0, "unknown"))),
    column("region", [3, 1, 4, 0, 0, -2], 0.08, -0.05, Shape::Words(REGIONS), NEVER),
    column("income_band", [7, 0, 1, 0, 0, 1], -0.08, 0.18, Shape::Words(INCOMES), Some((9.0, "unknown"))),
    column("tenure_months", [1, 1, -2, 2, 1, 6], -0.3, 0.05, amount(3.9, 0.9, 480.0), NEVER),
    column("account_status", [0, -6, 0, -1, 0, 0], 0.25, -0.12, Shape::Words(STATUSES), NEVER),
    column("lifecycle_stage", [1, 6, 1, 1, 0, 2], -0.2, 0.15, Shape::Words(STAGES), NEVER),
    column("months_since_last_deposit", [-1, -5, 0, 0, -3, 0], 0.18, -0.25, count(1.4, 0.9, 120.0), Some((8.0, "999"))),
    column("deposit_balance", [8, 1, 0, 0, 3, 2], -0.22, 0.15, amount(8.3, 1.5, 50_000_000.0), NEVER),
    column("aum", [8, 1, 0, 0, 0, 2], -0.12, 0.12, amount(8.9, 1.7, 100_000_000.0), Some((3.0, ""))),
    column("balance_trend_3m", [1, 3, 0, 2, 2, 0], -0.35, 0.2, between(-1.0, 1.0, 2), NEVER),
    column("loan_balance", [2, 1, 1, 0, -4, -1], 0.05, -0.18, count(3.5, 4.0, 20_000_000.0), NEVER),
    column("txn_count_90d", [2, 7, 2, 0, -1, -1], -0.28, 0.12, count(2.9, 1.0, 2000.0), NEVER),
    column("txn_amount_90d", [6, 5, 1, 0, -1, 0], -0.12, 0.1, count(7.8, 1.6, 20_000_000.0), NEVER),
    column("days_since_last_txn", [-1, -7, -1, 0, 0, 0], 0.32, -0.1, count(1.9, 1.1, 730.0), NEVER),
    column("net_flow_90d", [1, 3, 0, 2, 3, 0], -0.3, 0.22, flow(2.6), NEVER),
    column("large_transfer_out", [4, 0, 1, -2, -1, 0], 0.28, -0.05, Shape::YesAbove(1.4), NEVER),
    column("fixed_deposit_share", [2, 0, -2, 1, 6, 3], -0.25, 0.35, between(0.0, 1.0, 2), NEVER),
    column("deposits_maturing_90d", [4, 0, 0, 0, 4, 1], 0.12, 0.3, count(-2.0, 5.0, 20_000_000.0), NEVER),
    column("product_count", [4, 5, 1, 1, 0, 1], -0.3, 0.12, count(1.2, 0.45, 15.0), NEVER),
    column("has_wealth_product", [6, 2, 1, 0, -1, 1], -0.12, 0.1, Shape::YesAbove(0.9), NEVER),
    column("has_credit_card", [2, 4, 3, 0, -3, -1], -0.1, -0.08, Shape::YesAbove(0.2), NEVER),
    column("has_loan", [1, 2, 1, 0, -4, -1], -0.08, -0.15, Shape::YesAbove(0.8), NEVER),
    column("branch_visits_90d", [0, 4, -6, 0, 2, 3], -0.1, 0.15, count(0.6, 0.7, 60.0), NEVER),
    column("app_logins_30d", [1, 4, 7, 1, 0, -3], -0.22, 0.12, count(2.0, 1.2, 600.0), Some((12.0, "unknown"))),
    column("active_touch_ratio", [0, 5, 2, 3, 0, 0], -0.22, 0.18, between(0.0, 1.0, 2), Some((5.0, ""))),
    column("activity_decay", [0, -4, 0, -3, 0, 0], 0.42, -0.12, between(-1.0, 1.0, 2), NEVER),
    column("campaign_response_rate", [0, 4, 2, 3, 1, 0], -0.1, 0.4, between(0.0, 1.0, 2), Some((15.0, "-1"))),
    column("contacts_30d", [1, 2, 1, -1, 0, 0], 0.15, -0.15, count(0.9, 0.6, 30.0), NEVER),
    column("complaints_180d", [0, 1, 1, -7, 0, 0], 0.38, -0.15, count(-0.1, 0.7, 20.0), NEVER),
    column("csat", [0, 1, 0, 8, 0, 1], -0.35, 0.18, between(1.0, 5.0, 0), Some((25.0, "0"))),
    column("risk_level", [-3, 0, 0, -1, -4, -1], 0.15, -0.22, Shape::Words(RISKS), NEVER),
    column("rate_sensitivity", [1, 0, 2, -1, 5, 1], 0.2, 0.3, between(0.0, 1.0, 2), Some((6.0, ""))),
];

const fn column(
    name: &'static str,
    traits: [i8; TRAITS],
    churn: f64,
    deposit: f64,
    shape: Shape,
    missing: Option<(f64, &'static str)>,
) -> Column {
    Column { name, traits, churn, deposit, shape, missing }
}

const fn amount(centre: f64, spread: f64, most: f64) -> Shape {
    Shape::Amount { centre, spread, most }
}

const fn count(centre: f64, spread: f64, most: f64) -> Shape {
    Shape::Count { centre, spread, most }
}

const fn flow(spread: f64) -> Shape {
    Shape::Flow { spread }
}

const fn between(low: f64, high: f64, decimals: usize) -> Shape {
    Shape::Between { low, high, decimals }
}
