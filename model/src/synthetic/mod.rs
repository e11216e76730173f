//! Invented customers for demonstrations and tests: skewed branches that share one signal.
//!
//! Branches differ in size, in who their customers are (covariate shift) and in how often things happen (label shift); the weights behind
//! the labels are nearly the same everywhere, so that learning together pays. Nothing is drawn from real customers.

mod columns;
mod stream;

use columns::{COLUMNS, Column, Shape, TRAITS};
use stream::Stream;

use crate::schema::Schema;

/// The schema file that fits the invented rows; also a sample in the documentation.
pub const SCHEMA_TOML: &str = include_str!("../../../docs/samples/schemas/deposit_churn.toml");

/// What to invent.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticSpec {
    /// Number of branches.
    pub branches: usize,
    /// Median number of customers of a branch; branches range from about a third to three times as many.
    pub customers_per_branch: usize,
    /// Share of each branch's customers that is kept aside for testing, from 0 to 1.
    pub holdout_fraction: f64,
    /// The same seed gives the same rows.
    pub seed: u64,
}

impl Default for SyntheticSpec {
    fn default() -> Self {
        Self { branches: 10, customers_per_branch: 400, holdout_fraction: 0.2, seed: 1 }
    }
}

/// Invented rows of all branches.
#[derive(Clone, PartialEq, Eq)]
pub struct SyntheticData {
    /// Column names, for every row.
    pub header: Vec<String>,
    /// One entry for each branch.
    pub branches: Vec<SyntheticBranch>,
}

/// Invented rows of one branch; each row is one customer.
#[derive(Clone, PartialEq, Eq)]
pub struct SyntheticBranch {
    /// Rows to learn from.
    pub training: Vec<Vec<String>>,
    /// Rows to test with.
    pub held_out: Vec<Vec<String>>,
}

/// The audit column. It hangs on nothing, and nothing hangs on it.
const AUDITED: &str = "gender";

/// The same columns with bins for every number, for staged learning.
pub const BINNED_SCHEMA_TOML: &str = include_str!("../../../docs/samples/schemas/deposit_churn_bins.toml");

/// The parsed [`SCHEMA_TOML`].
///
/// # Panics
/// Never: the file is part of the program and tested with it.
#[must_use]
pub fn schema() -> Schema {
    Schema::parse(SCHEMA_TOML).expect("the built-in schema has no fault")
}

/// Invents rows. Every branch's rows depend on the seed and the branch's number alone, so that adding branches changes none of the others.
#[must_use]
pub fn generate(spec: &SyntheticSpec) -> SyntheticData {
    let names = COLUMNS.iter().map(|column| column.name);
    let header = ["customer_id"].into_iter().chain(names).chain(["churn", "deposit_propensity"]);
    SyntheticData {
        header: header.chain([AUDITED]).map(str::to_owned).collect(),
        branches: (0..spec.branches).map(|branch| self::branch(spec, branch)).collect(),
    }
}

/// How one branch differs from the others.
struct Leaning {
    customers: usize,
    traits: [f64; TRAITS],
    churn: f64,
    deposit: f64,
    /// Factors on the weights of churn and deposits, near 1, one pair for each column.
    weights: Vec<(f64, f64)>,
}

/// Log-odds of the two labels for an average customer.
const CHURN_BASE: f64 = -1.9;
const DEPOSIT_BASE: f64 = -1.3;
/// Scales all weights together: sets how well anyone can predict.
const SIGNAL: f64 = 0.85;

fn branch(spec: &SyntheticSpec, number: usize) -> SyntheticBranch {
    let mut leaning_stream = Stream::new(spec.seed, "branch", number as u64);
    let leaning = leaning(&mut leaning_stream, spec.customers_per_branch);
    let mut stream = Stream::new(spec.seed, "customers", number as u64);
    // Of its own, so that the other columns are what they are without it.
    let mut audited = Stream::new(spec.seed, "audit", number as u64);
    let mut rows = SyntheticBranch { training: Vec::new(), held_out: Vec::new() };
    for index in 0..leaning.customers {
        let mut row = customer(&mut stream, &leaning, &format!("b{number:03}c{index:06}"));
        row.push((if audited.uniform() < 0.5 { "female" } else { "male" }).to_owned());
        let held_out = stream.uniform() < spec.holdout_fraction;
        if held_out { rows.held_out.push(row) } else { rows.training.push(row) }
    }
    rows
}

fn leaning(stream: &mut Stream, customers_median: usize) -> Leaning {
    let factor = (0.5 * stream.normal()).exp().clamp(0.33, 3.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "three times a count, not negative")]
    let customers = (customers_median as f64 * factor) as usize;
    Leaning {
        customers: customers.max(1),
        traits: std::array::from_fn(|_| 0.45 * stream.normal()),
        churn: 0.35 * stream.normal(),
        deposit: 0.35 * stream.normal(),
        weights: COLUMNS.iter().map(|_| (1.0 + 0.1 * stream.normal(), 1.0 + 0.1 * stream.normal())).collect(),
    }
}

fn customer(stream: &mut Stream, leaning: &Leaning, id: &str) -> Vec<String> {
    let traits: [f64; TRAITS] = std::array::from_fn(|index| leaning.traits[index] + stream.normal());
    let (mut churn, mut deposit) = (CHURN_BASE + leaning.churn, DEPOSIT_BASE + leaning.deposit);
    let mut row = vec![id.to_owned()];
    for (column, (churn_factor, deposit_factor)) in COLUMNS.iter().zip(&leaning.weights) {
        let score = score(column, &traits, stream);
        churn += SIGNAL * column.churn * churn_factor * score;
        deposit += SIGNAL * column.deposit * deposit_factor * score;
        row.push(cell(column, score, stream));
    }
    row.push(label(stream, churn, 4.0, ["1", "0", ""]));
    row.push(label(stream, deposit, 6.0, ["yes", "no", "unknown"]));
    row
}

fn score(column: &Column, traits: &[f64; TRAITS], stream: &mut Stream) -> f64 {
    let shares = column.traits.map(|tenths| f64::from(tenths) / 10.0);
    let from_traits: f64 = shares.iter().zip(traits).map(|(share, value)| share * value).sum();
    let explained: f64 = shares.iter().map(|share| share * share).sum();
    from_traits + (1.0 - explained).sqrt() * stream.normal()
}

fn cell(column: &Column, score: f64, stream: &mut Stream) -> String {
    if let Some((percent, code)) = column.missing
        && stream.uniform() * 100.0 < percent
    {
        return code.to_owned();
    }
    match &column.shape {
        Shape::Amount { centre, spread, most } => format!("{:.0}", (centre + spread * score).exp().min(*most)),
        Shape::Count { centre, spread, most } => {
            format!("{:.0}", ((centre + spread * score).exp() - 1.0).clamp(0.0, *most).floor())
        }
        Shape::Flow { spread } => {
            // Adding 0 turns a rounded -0 into 0.
            format!("{:.0}", (score.signum() * 100.0 * ((spread * score.abs()).exp() - 1.0)).round() + 0.0)
        }
        Shape::Between { low, high, decimals } => {
            let share = 1.0 / (1.0 + (-1.2 * score).exp());
            format!("{:.decimals$}", low + (high - low) * share)
        }
        Shape::YesAbove(bound) => (if score < *bound { "no" } else { "yes" }).to_owned(),
        Shape::Words(words) => words.iter().find(|(_, bound)| score < *bound).map_or("", |(word, _)| *word).to_owned(),
    }
}

/// `words`: positive, negative, missing.
fn label(stream: &mut Stream, log_odds: f64, missing_percent: f64, words: [&str; 3]) -> String {
    let positive = stream.uniform() < 1.0 / (1.0 + (-log_odds).exp());
    let missing = stream.uniform() * 100.0 < missing_percent;
    let [yes, no, unknown] = words;
    let word = if missing {
        unknown
    } else if positive {
        yes
    } else {
        no
    };
    word.to_owned()
}

#[cfg(test)]
mod tests;
