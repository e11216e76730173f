//! `tributary privacy`: what rounds cost, and what noise a target needs, by every accountant side by side.

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use tributary_model::privacy::accountant::{GaussianDp, PldError, PrivacyLoss, RdpCurve, SampledRound};
use tributary_model::privacy::{SampledTarget, calibrate_sampled, calibrate_tight, charge, epsilon_of};
use tributary_protocol::limits::PLAN_ROUNDS_MAX;
use tributary_protocol::printable::counted;

use crate::exit::{Exit, Failure};
use crate::json;

/// Beyond it noise multipliers have no use, and their squares no room.
const NOISE_MULTIPLIER_MAX: f64 = 1e9;

/// `tributary privacy`.
#[derive(Subcommand)]
pub(crate) enum PrivacyCommand {
    /// The epsilon of rounds with a given noise
    Account(AccountOptions),
    /// The noise that keeps rounds within an epsilon
    Calibrate(CalibrateOptions),
}

/// What to account for.
#[derive(Args)]
pub(crate) struct AccountOptions {
    /// Standard deviation of the noise in a sum, over what one customer can change
    #[arg(long, value_name = "Z", allow_negative_numbers = true)]
    noise_multiplier: f64,
    #[command(flatten)]
    plan: Plan,
}

/// What to calibrate for.
#[derive(Args)]
pub(crate) struct CalibrateOptions {
    /// The epsilon to stay within
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    epsilon: f64,
    #[command(flatten)]
    plan: Plan,
    /// Whose epsilon: the one that the ledger enforces, or the tight one, for comparison with other systems
    #[arg(long, value_name = "ACCOUNTANT", default_value = "enforced")]
    by: Accountant,
}

/// The rounds.
#[derive(Args)]
struct Plan {
    /// Probability of a customer's own secret coin to take part in a round; 1: every customer in every round
    #[arg(long, value_name = "Q", default_value_t = 1.0, allow_negative_numbers = true)]
    sampling_rate: f64,
    /// Rounds that are charged; a plan charges 5 per cent more than it plans, for retries
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..=i64::from(PLAN_ROUNDS_MAX)))]
    rounds: u32,
    /// Probability with which epsilon may fail; well below one over the number of customers
    #[arg(long, value_name = "D", allow_negative_numbers = true)]
    delta: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// By which accountant noise is calibrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Accountant {
    /// Rényi bound in integers
    Enforced,
    /// Privacy loss distributions
    Pld,
}

/// Every accountant's epsilon; nothing where there is none.
#[derive(Serialize)]
struct Figures {
    noise_multiplier: f64,
    epsilon_enforced: Option<f64>,
    epsilon_rdp: Option<f64>,
    epsilon_pld: Option<f64>,
    epsilon_gdp: Option<f64>,
    /// The order that proves the enforced epsilon.
    order: u32,
    #[serde(skip)]
    no_pld: Option<PldError>,
}

/// Does what was asked.
///
/// # Errors
/// If a number is out of range, or no noise meets the target.
pub(crate) fn run(command: &PrivacyCommand) -> Result<Exit, Failure> {
    let (plan, figures) = match command {
        PrivacyCommand::Account(AccountOptions { noise_multiplier, plan }) => {
            plan.check()?;
            let z = *noise_multiplier;
            in_range("noise-multiplier", z, z > 0.0 && z <= NOISE_MULTIPLIER_MAX, "above 0 and at most 1e9")?;
            (plan, plan.figures(z))
        }
        PrivacyCommand::Calibrate(options) => (&options.plan, options.figures()?),
    };
    if let Some(reason) = figures.no_pld {
        eprintln!("tributary: no figure by privacy loss distributions: {reason}");
    }
    if plan.json {
        json::print(&figures);
        return Ok(Exit::Done);
    }
    print!("{}", table(plan, &figures));
    if let PrivacyCommand::Calibrate(CalibrateOptions { by: Accountant::Pld, epsilon, .. }) = command {
        println!("Calibrated on PLD: the ledger will not admit all of these rounds under epsilon {epsilon}.");
    }
    Ok(Exit::Done)
}

impl CalibrateOptions {
    fn figures(&self) -> Result<Figures, Failure> {
        self.plan.check()?;
        let target = SampledTarget {
            epsilon: self.epsilon,
            delta: self.plan.delta,
            rounds_charged: self.plan.rounds,
            sampling_probability: self.plan.sampling_rate,
        };
        let noise_multiplier = match self.by {
            Accountant::Enforced => calibrate_sampled(&target),
            Accountant::Pld => calibrate_tight(&target),
        };
        noise_multiplier.map(|noise_multiplier| self.plan.figures(noise_multiplier)).map_err(Failure::usage)
    }
}

impl Plan {
    fn check(&self) -> Result<(), Failure> {
        let (q, delta) = (self.sampling_rate, self.delta);
        in_range("sampling-rate", q, q > 0.0 && q <= 1.0, "above 0 and at most 1")?;
        in_range(
            "delta",
            delta,
            delta > 0.0 && delta < 1.0,
            "above 0 and below 1, well below one over the number of customers",
        )
    }

    fn figures(&self, noise_multiplier: f64) -> Figures {
        let Self { sampling_rate, rounds, delta, .. } = *self;
        let round = SampledRound { sampling_probability: sampling_rate, noise_multiplier };
        let (enforced, order) = epsilon_of(&charge(round).times(rounds.into()), delta);
        let tight = PrivacyLoss::rounds(round, rounds).epsilon(delta);
        let exact = GaussianDp::round(noise_multiplier).times(rounds.into()).epsilon(delta);
        let finite = |epsilon: f64| Some(epsilon).filter(|epsilon| epsilon.is_finite());
        Figures {
            noise_multiplier,
            epsilon_enforced: finite(enforced),
            epsilon_rdp: finite(RdpCurve::round(round).times(rounds).epsilon(delta).epsilon),
            epsilon_pld: finite(tight.epsilon).filter(|_| tight.instead.is_none()),
            epsilon_gdp: finite(exact).filter(|_| sampling_rate == 1.0),
            order,
            no_pld: tight.instead,
        }
    }
}

fn in_range(option: &str, found: f64, good: bool, allowed: &str) -> Result<(), Failure> {
    if good { Ok(()) } else { Err(Failure::usage(format!("--{option} {found} is out of range: it must be {allowed}"))) }
}

fn table(plan: &Plan, figures: &Figures) -> String {
    let Plan { sampling_rate, rounds, delta, .. } = plan;
    let who = if *sampling_rate == 1.0 {
        "every customer in every round".to_owned()
    } else {
        format!("each customer in a round with probability {sampling_rate}, by a secret coin of the own branch")
    };
    let lines = [
        (
            figures.epsilon_enforced,
            "enforced",
            format!(
                "Rényi bound at order {}, in the ledger's integers; proved for sums of discrete shares",
                figures.order
            ),
        ),
        (figures.epsilon_rdp, "RDP", "the same bound in floating point".to_owned()),
        (
            figures.epsilon_pld,
            "PLD",
            "privacy loss distributions; a tight bound for continuous noise, reported only".to_owned(),
        ),
        (figures.epsilon_gdp, "GDP", "exact for continuous noise without sampling, reported only".to_owned()),
    ];
    let mut text = format!(
        "noise multiplier {}, {}, {who}; delta {delta}\n",
        up(figures.noise_multiplier),
        counted(rounds, "round")
    );
    for (epsilon, name, what) in lines {
        let epsilon = epsilon.map_or_else(|| "none".to_owned(), |epsilon| format!("{:.6}", up(epsilon)));
        text.push_str(&format!("  epsilon {epsilon:>12}  {name:<8}  {what}\n"));
    }
    text.push_str(
        "The unit is a customer with all rows, at one branch; neighbours differ by one customer, added or removed.\n",
    );
    text
}

/// Rounded up to six decimals: neither an epsilon nor a noise multiplier may look smaller than it is.
fn up(value: f64) -> f64 {
    (value * 1e6).ceil() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sampling_rate: f64, rounds: u32, delta: f64) -> Plan {
        Plan { sampling_rate, rounds, delta, json: false }
    }

    #[test]
    fn figures_stand_in_order() {
        let full = plan(1.0, 100, 1e-6).figures(42.2);
        let (enforced, rdp) = (full.epsilon_enforced.unwrap(), full.epsilon_rdp.unwrap());
        let (pld, gdp) = (full.epsilon_pld.unwrap(), full.epsilon_gdp.unwrap());
        assert!(gdp <= pld && pld < rdp && rdp <= enforced, "{gdp} {pld} {rdp} {enforced}");
        assert!((gdp - 1.0).abs() < 0.005 && (enforced - 1.08).abs() < 0.005);
        assert_eq!(plan(0.1, 100, 1e-6).figures(4.0).epsilon_gdp, None);
        let below = plan(1.0, 100, 1e-30).figures(42.2);
        assert!(below.epsilon_pld.is_none() && below.no_pld.is_some() && below.epsilon_enforced.is_some());
    }

    #[test]
    fn the_table_says_what_is_enforced_and_for_whom() {
        let plan = plan(0.1, 100, 1e-6);
        let text = table(&plan, &plan.figures(4.0));
        for part in [
            "enforced",
            "RDP",
            "PLD",
            "none  GDP",
            "probability 0.1",
            "delta 0.000001",
            "one customer, added or removed",
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
    }

    #[test]
    fn rounding_never_flatters() {
        assert_eq!(up(0.000_000_1), 1e-6);
        assert!(up(46.430_000_2) > 46.43);
    }
}
