//! What the demo's user asked for, judged before anything is made.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tributary_model::blocks::Blocks;
use tributary_model::schema::Schema;
use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use tributary_planning::build::tail_start;
use tributary_protocol::limits::{COHORT_MIN, COMPLETE_GRAPH_MAX};
use tributary_protocol::plan::PrivacyMode;

use super::defaults::{DEFAULTS, Family, Learning};
use crate::exit::Failure;

/// The network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Model {
    /// Logistic regression
    Logistic,
    /// A multi-layer perceptron
    Mlp,
}

/// How the model is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Method {
    /// Sums of clipped gradients
    Gradient,
    /// Additive tables, learnt in stages from sums of residuals: more for the same epsilon, where every number of the schema has bins
    Staged,
}

/// What protects the single customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Privacy {
    /// Clipping and noise shares of all branches, (epsilon, delta) for each customer
    Customer,
    /// Each branch's own noise in several local steps: needs no trust in anybody, and far more noise
    Local,
    /// (epsilon, delta) for a branch as a whole: meaningful among very many branches
    #[cfg(feature = "weak-modes")]
    Branch,
    /// Secure aggregation alone
    #[cfg(feature = "weak-modes")]
    None,
}

impl Privacy {
    /// The plan's word for it.
    pub(super) fn mode(self) -> PrivacyMode {
        match self {
            Self::Customer => PrivacyMode::Customer,
            Self::Local => PrivacyMode::Local,
            #[cfg(feature = "weak-modes")]
            Self::Branch => PrivacyMode::Branch,
            #[cfg(feature = "weak-modes")]
            Self::None => PrivacyMode::None,
        }
    }
}

/// `tributary demo`. What has no value was left to [`DEFAULTS`].
#[derive(Args, Clone)]
pub(crate) struct DemoOptions {
    /// Where everything is written and kept: absent or empty [default: a fresh temporary directory]
    #[arg(long)]
    pub(super) dir: Option<PathBuf>,
    /// Branches, each a process of its own [default: 10, or as many as the partition has]
    #[arg(long)]
    pub(super) branches: Option<usize>,
    /// Clients of other organisations beside the branches, each with an authority of its own and the whole noise by itself
    #[arg(long, value_name = "N", default_value_t = DEFAULTS.partners)]
    pub(super) partners: usize,
    /// Rounds to commit [default: 200, or 100 with --method gradient]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rounds: Option<u32>,
    /// Runs of the plan, one after the other, each with its own epsilon; logistic regression goes on from the model of the run before
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=24))]
    pub(super) runs: u32,
    /// Leave the federation up when the result was printed, and say what can be tried; Ctrl-C stops all of it
    #[arg(long)]
    pub(super) keep_running: bool,
    /// Privacy that one run may cost a customer; smaller is safer [default: 1 for --method staged and invented customers, otherwise 4]
    #[arg(long)]
    epsilon: Option<f64>,
    /// Probability with which that statement may fail
    #[arg(long, default_value_t = DEFAULTS.delta)]
    pub(super) delta: f64,
    /// The network
    #[arg(long, value_enum, default_value_t = Model::Logistic)]
    pub(super) model: Model,
    /// How the model is learnt [default: staged where it can be, that is a logistic model in mode customer, nothing sampled, every number with bins;
    /// otherwise gradient]
    #[arg(long, value_enum)]
    method: Option<Method>,
    /// What protects the single customer
    #[arg(long, value_enum, default_value_t = Privacy::Customer)]
    pub(super) privacy: Privacy,
    /// Probability with which each customer takes part in a round, by a secret coin of its branch
    #[arg(long, value_name = "Q", default_value_t = 1.0)]
    pub(super) sampling_rate: f64,
    /// Measure the model under privacy as well: noised counts by label and score, and by feature, for a part of the budget [default: true for
    /// --method staged and invented customers]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    measure: Option<bool>,
    /// Seed of invented data and of the first model; never of noise or keys
    #[arg(long, default_value_t = DEFAULTS.seed, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(super) seed: u64,
    /// A data file instead of invented customers; may be repeated
    #[arg(long, value_name = "FILE", requires_all = ["schema", "partition", "split"])]
    pub(super) data: Vec<PathBuf>,
    /// The data's feature schema, as docs/SCHEMA.md describes it
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(super) schema: Option<PathBuf>,
    /// Which row goes to which branch: a CSV file with the header row,branch
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(super) partition: Option<PathBuf>,
    /// Which rows are held out: a CSV file with the header row,y,part
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(super) split: Option<PathBuf>,
    /// Print the result as one JSON object, and nothing else on standard output
    #[arg(long)]
    pub(super) json: bool,
    /// Median number of invented customers of a branch
    #[arg(long, hide = true)]
    customers_per_branch: Option<usize>,
    /// L2 bound of a customer's gradient
    #[arg(long, hide = true)]
    clip_norm: Option<f64>,
    /// Step length for a mean gradient
    #[arg(long, hide = true)]
    learning_rate: Option<f64>,
    /// Share of the last step that the next one keeps
    #[arg(long, hide = true, default_value_t = DEFAULTS.momentum)]
    pub(super) momentum: f64,
    /// Share of the last rounds whose models are averaged
    #[arg(long, hide = true, default_value_t = DEFAULTS.tail_fraction)]
    pub(super) tail_fraction: f64,
    /// Largest number of rows of one customer
    #[arg(long, hide = true, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=32))]
    pub(super) rows_per_customer_max: u32,
    /// Address that the coordinator listens on
    #[arg(long, hide = true, default_value = "127.0.0.1:0")]
    pub(super) listen: String,
}

/// Where the rows come from.
pub(super) enum Source<'a> {
    /// Invented, for this many branches.
    Synthetic {
        /// Branches.
        branches: usize,
    },
    /// A data set and its division.
    Real(RealData<'a>),
}

/// A data set and its division.
pub(super) struct RealData<'a> {
    /// The rows, counted through all files.
    pub(super) data: &'a [PathBuf],
    /// Their schema.
    pub(super) schema: &'a Path,
    /// Row to branch.
    pub(super) partition: &'a Path,
    /// Row to training or test.
    pub(super) split: &'a Path,
}

impl DemoOptions {
    /// The same with a method, where none was asked for.
    ///
    /// # Errors
    /// The first number that no plan may have.
    pub(crate) fn settled(&self) -> Result<Self, Failure> {
        let mut settled = self.clone();
        settled.method.get_or_insert_with(|| if self.can_be_staged() { Method::Staged } else { Method::Gradient });
        settled.check()?;
        Ok(settled)
    }

    /// Whether staged learning takes what was asked for. A schema that cannot be read is another's to complain of.
    fn can_be_staged(&self) -> bool {
        let binned = |path: &PathBuf| {
            let schema = std::fs::read_to_string(path).ok().and_then(|text| Schema::parse(&text).ok());
            schema.is_some_and(|schema| Blocks::of(&schema, &[]).is_ok())
        };
        self.may_be_staged() && self.schema.as_ref().is_none_or(binned)
    }

    /// Whether a plan of these numbers can be learnt in stages, if its schema can.
    fn may_be_staged(&self) -> bool {
        let mode = self.privacy.mode();
        self.model == Model::Logistic
            && !mode.trains_locally()
            && self.sampling_rate >= 1.0
            && self.rounds.is_none_or(|rounds| rounds > 1)
    }

    /// Judges what needs no file.
    ///
    /// # Errors
    /// The first number that no plan may have.
    fn check(&self) -> Result<(), Failure> {
        if self.data.is_empty() {
            let branches = self.branches.unwrap_or(DEFAULTS.branches);
            check_branches(branches)?;
            check_partners(branches, self.partners)?;
        } else if self.partners > 0 {
            return Err(Failure::usage(
                "--partners invents customers for the partners, and --data brings the branches' own; leave one of the two out",
            ));
        }
        let range = |name: &str, good: bool, allowed: &str| {
            if good { Ok(()) } else { Err(Failure::usage(format!("--{name} must be {allowed}"))) }
        };
        let epsilon = self.epsilon();
        range("epsilon", epsilon > 0.0 && epsilon <= 100.0, "above 0 and at most 100")?;
        let all = f64::from(self.runs) * epsilon;
        range(
            "runs",
            self.runs == 1 || all <= 100.0,
            "so small that all runs together have an epsilon of at most 100",
        )?;
        range("delta", self.delta > 0.0 && self.delta <= 1e-3, "above 0 and at most 0.001")?;
        range("sampling-rate", self.sampling_rate > 1e-6 && self.sampling_rate <= 1.0, "above 0.000001 and at most 1")?;
        let mode = self.privacy.mode();
        let coins = matches!(mode, PrivacyMode::Customer | PrivacyMode::Local) || self.sampling_rate >= 1.0;
        range("sampling-rate", coins, "left out: only the privacy modes customer and local have coins")?;
        range(
            "measure",
            !(self.measures() && mode == PrivacyMode::Branch),
            "left out: counts have no bound for a whole branch",
        )?;
        let staged = "gradient, unless --model is logistic, --privacy is customer, nothing is sampled and --rounds is 2 or more (200 suit it)";
        range("method", self.method() == Method::Gradient || self.may_be_staged(), staged)?;
        let (clip_norm, learning_rate) = (self.clip_norm(), self.learning_rate());
        range("clip-norm", (1e-3..=1e3).contains(&clip_norm), "from 0.001 to 1000")?;
        range("learning-rate", learning_rate > 0.0 && learning_rate <= 1000.0, "above 0 and at most 1000")?;
        range("momentum", (0.0..1.0).contains(&self.momentum), "at least 0 and below 1")?;
        range("tail-fraction", (0.0..=1.0).contains(&self.tail_fraction), "from 0 to 1")?;
        range("customers-per-branch", (20..=1_000_000).contains(&self.customers_per_branch()), "from 20 to 1000000")
    }

    /// Where the rows come from.
    pub(super) fn source(&self) -> Source<'_> {
        match (&self.schema, &self.partition, &self.split) {
            (Some(schema), Some(partition), Some(split)) => {
                Source::Real(RealData { data: &self.data, schema, partition, split })
            }
            _ => Source::Synthetic { branches: self.branches.unwrap_or(DEFAULTS.branches) },
        }
    }

    /// The server optimizer of the plan, for the baselines: the same rule, rate and tail.
    pub(super) fn optimizer(&self) -> OptimizerSettings {
        let update_rule = UpdateRule::Sgd { learning_rate: self.learning_rate(), momentum: self.momentum };
        let fields = OptimizerFields { update_rule, tail_start: tail_start(self.rounds(), self.tail_fraction) };
        OptimizerSettings::new(fields).expect("the options were checked")
    }

    /// Whether a run goes on from the model of the one before. A perceptron cannot: where all weights begin from zero it learns nothing.
    pub(super) fn goes_on(&self) -> bool {
        self.runs > 1 && matches!(self.model, Model::Logistic)
    }

    /// Whether the branches' daemons stay when a run is over.
    pub(super) fn branches_stay(&self) -> bool {
        self.runs > 1 || self.coordinator_stays()
    }

    /// Whether the coordinator stays when its runs are over.
    pub(super) fn coordinator_stays(&self) -> bool {
        self.keep_running || self.no_month().is_none()
    }

    /// Why the demo does not end with a month at work; nothing where it does.
    pub(super) fn no_month(&self) -> Option<&'static str> {
        if !self.data.is_empty() {
            Some("lists need refusals, consents and risk levels, which the demo has for invented customers alone")
        } else if self.method() != Method::Staged {
            Some(
                "this way of learning leaves too much noise for the gates of so few customers; --method staged has a month",
            )
        } else if !self.measures() {
            Some("a model goes to work by measured gates, and nothing is measured; leave --measure=false out")
        } else {
            None
        }
    }

    /// Rounds of training, and one of each stage that counts.
    pub(super) fn rounds_of_all_stages(&self) -> u32 {
        self.rounds() + if self.measures() { 2 } else { 0 } + u32::from(self.method() == Method::Staged)
    }

    /// How the model is learnt.
    pub(super) fn method(&self) -> Method {
        self.method.unwrap_or(Method::Gradient)
    }

    /// Rounds of training.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(self.learning().rounds)
    }

    /// Privacy that one run may cost a customer.
    pub(super) fn epsilon(&self) -> f64 {
        self.epsilon.unwrap_or(if self.shows_staged() { DEFAULTS.epsilon_staged } else { DEFAULTS.epsilon })
    }

    /// Whether the model is measured under privacy as well.
    pub(super) fn measures(&self) -> bool {
        self.measure.unwrap_or(self.shows_staged())
    }

    /// Median number of invented customers of a branch.
    pub(super) fn customers_per_branch(&self) -> usize {
        self.customers_per_branch.unwrap_or(self.learning().customers_per_branch)
    }

    fn learning(&self) -> &'static Learning {
        match self.method() {
            Method::Gradient => &DEFAULTS.gradient,
            Method::Staged => &DEFAULTS.staged,
        }
    }

    /// Whether everything is as the demo shows it best: there are as many invented customers as a small epsilon needs.
    fn shows_staged(&self) -> bool {
        self.method() == Method::Staged && self.data.is_empty()
    }

    /// L2 bound of a customer's gradient.
    pub(super) fn clip_norm(&self) -> f64 {
        self.clip_norm.unwrap_or(self.family().clip_norm)
    }

    /// Step length for a mean gradient.
    pub(super) fn learning_rate(&self) -> f64 {
        self.learning_rate.unwrap_or(self.family().learning_rate)
    }

    fn family(&self) -> &'static Family {
        match self.model {
            Model::Logistic => &DEFAULTS.logistic,
            Model::Mlp => &DEFAULTS.perceptron,
        }
    }

    /// Hidden layers of the network.
    pub(super) fn hidden(&self) -> &'static [u32] {
        self.family().hidden
    }
}

/// A federation of this size, or the reason why not.
///
/// # Errors
/// With too few or too many branches.
pub(super) fn check_branches(branches: usize) -> Result<(), Failure> {
    if branches < COHORT_MIN {
        return Err(Failure::usage(format!(
            "{branches} branches are too few: with fewer than {COHORT_MIN} in a sum, a coalition of a fifth of them and the \
             coordinator could see through it, and too few honest branches would carry the noise. Take {COHORT_MIN} or more"
        )));
    }
    if branches > COMPLETE_GRAPH_MAX {
        return Err(Failure::usage(format!(
            "{branches} branches are too many: one session has at most {COMPLETE_GRAPH_MAX}"
        )));
    }
    Ok(())
}

/// Partners beside so many branches, or the reason why not.
///
/// # Errors
/// With more clients than one session has.
fn check_partners(branches: usize, partners: usize) -> Result<(), Failure> {
    if branches.saturating_add(partners) <= COMPLETE_GRAPH_MAX {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{branches} branches and {partners} partners are too many: one session has at most {COMPLETE_GRAPH_MAX} clients"
    )))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::exit::Exit;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: DemoOptions,
    }

    #[test]
    fn a_month_needs_a_measured_model_of_invented_customers() {
        let reason = |words: &[&str]| {
            let line = Line::try_parse_from([&["demo"], words].concat()).unwrap_or_else(|fault| panic!("{fault}"));
            line.options.settled().unwrap_or_else(|failure| panic!("{}", failure.message)).no_month()
        };
        assert_eq!(reason(&[]), None);
        assert_eq!(reason(&["--partners", "2", "--runs", "2", "--keep-running"]), None);
        for words in [&["--method", "gradient"][..], &["--model", "mlp"], &["--sampling-rate", "0.5", "--measure"]] {
            assert!(reason(words).is_some_and(|reason| reason.contains("--method staged")), "{words:?}");
        }
        assert!(reason(&["--measure=false"]).is_some_and(|reason| reason.contains("--measure=false")));
    }

    #[test]
    fn few_branches_are_refused_with_the_reason() {
        for branches in [0, 1, 7] {
            let failure = check_branches(branches).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.contains("too few") && failure.message.contains("noise"), "{}", failure.message);
        }
        assert!(check_branches(8).is_ok() && check_branches(256).is_ok());
        assert!(check_branches(257).unwrap_err().message.contains("256"));
    }

    #[test]
    fn partners_and_branches_share_one_session() {
        assert!(check_partners(8, 0).is_ok() && check_partners(8, 248).is_ok());
        assert!(check_partners(8, 249).unwrap_err().message.contains("256"));
        assert!(check_partners(8, usize::MAX).is_err());
    }
}
