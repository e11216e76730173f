//! `tributary plan try`: a plan's stages in one process, on public or invented data, before anything is spent.

mod rows;

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Instant;

use clap::{ArgGroup, Args};
use serde::Serialize;
use tributary_certs::entropy::OsEntropy;
use tributary_model::metrics::HeadFigures;
use tributary_model::planned::{self, Planned};
use tributary_model::weak_modes::{Build, ModeNotBuilt};
use tributary_planning::{Guarantee, Prediction};
use tributary_protocol::plan::ModelRef;
use tributary_rehearsal::{
    Judged, Noise, Rehearsal, RehearsalFault, Rehearsed, Spread, Summary, baseline, initial, judge, score_noise,
    side_by_side,
};
use tributary_texts::{Language, Said, evaluation, rehearsal as words};

use self::rows::Rows;
use super::reading::{as_file, of_schema};
use crate::exit::{Exit, Failure};
use crate::{json, typed};

/// What to try, on which rows.
#[derive(Args)]
#[command(group = ArgGroup::new("rows").required(true).args(["data", "synthetic"]))]
pub(crate) struct TryOptions {
    /// A plan.toml, or a plan's canonical file
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The plan's schema, where the plan is a canonical file; a plan.toml names it
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// A file of public rows; may be repeated
    #[arg(long, value_name = "FILE", requires_all = ["partition", "split"])]
    data: Vec<PathBuf>,
    /// Which row goes to which branch: a CSV file with the header row,branch
    #[arg(long, value_name = "FILE", requires = "data")]
    partition: Option<PathBuf>,
    /// Which rows are held out: a CSV file with the header row,y,part
    #[arg(long, value_name = "FILE", requires = "data")]
    split: Option<PathBuf>,
    /// Invented customers of so many branches instead; for plans on the schemas deposit_churn and deposit_churn_bins of the samples
    #[arg(long, value_name = "BRANCHES", value_parser = clap::value_parser!(u16).range(1..=256))]
    synthetic: Option<u16>,
    /// Median number of invented customers of a branch [default: 400]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(20..=100_000))]
    customers_per_branch: Option<u32>,
    /// Seed of invented customers; never of noise [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Runs, each with fresh noise
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    seeds: u16,
    /// The language; without it, that of the locale
    #[arg(long, value_name = "LANGUAGE", value_parser = typed::language())]
    lang: Option<Language>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl TryOptions {
    /// Options that would do nothing are misunderstandings.
    fn check(&self) -> Result<(), Failure> {
        let of_invented = self.customers_per_branch.is_some() || self.seed.is_some();
        if of_invented && self.synthetic.is_none() {
            return Err(Failure::usage(
                "--customers-per-branch and --seed belong to --synthetic; leave them out with --data",
            ));
        }
        if self.synthetic.is_some() && (self.partition.is_some() || self.split.is_some()) {
            return Err(Failure::usage("--partition and --split belong to --data; leave them out with --synthetic"));
        }
        Ok(())
    }
}

/// What was found.
#[derive(Serialize)]
struct Tried {
    /// Always: nothing left this process, and no budget was charged.
    spent: f64,
    branches: usize,
    customers: usize,
    customers_nominal: u64,
    held_out: usize,
    begins_from_zero: bool,
    /// What a run in earnest costs the unit of the plan's mode.
    epsilon: Option<f64>,
    epsilon_customer: Option<f64>,
    delta: Option<f64>,
    runs: u16,
    /// Of each head: the plan's runs.
    plan: Vec<Summary>,
    /// The same method without noise on all branches' rows.
    central: Vec<Judged>,
    /// The same on one branch's rows alone, over branches.
    alone: Vec<Summary>,
    /// What a stage of the first run that evaluates has told.
    evaluated: Vec<HeadFigures>,
    score_noise_predicted: Option<f64>,
    score_noise_measured: Option<f64>,
    seconds_run: f64,
    seconds_total: f64,
}

/// Tries a plan.
pub(super) fn run(options: &TryOptions) -> Result<Exit, Failure> {
    let begin = Instant::now();
    options.check()?;
    let planned = read(options)?;
    let schema = planned.schema().ok_or_else(|| Failure::failed("the plan's schema is not at hand"))?;
    let rows = match options.synthetic {
        Some(branches) => rows::invented(
            schema,
            usize::from(branches),
            (options.customers_per_branch.unwrap_or(400), options.seed.unwrap_or(1)),
        )?,
        None => rows::public(schema, &options.data, (options.partition.as_deref(), options.split.as_deref()))?,
    };
    let mut tried = rehearsed(&planned, &rows, options.seeds)?;
    tried.seconds_total = begin.elapsed().as_secs_f64();
    if options.json {
        json::print(&tried);
        return Ok(Exit::Done);
    }
    let language = options.lang.unwrap_or_else(Language::of_environment);
    for line in told(&tried) {
        println!("{}", line.text(language));
    }
    Ok(Exit::Done)
}

fn read(options: &TryOptions) -> Result<Planned, Failure> {
    let (file, own) = as_file(&options.plan)?;
    let schema = of_schema(options.schema.as_ref())?.or(own);
    let schema = schema.ok_or_else(|| {
        Failure::usage("a plan's canonical file does not hold its schema; give the file with --schema")
    })?;
    let plan = file.plan.validate().map_err(Failure::failed)?;
    Build::THIS
        .admits(plan.privacy)
        .map_err(|refused| Failure::settings(format!("{}; allowed: {}", refused.found(), ModeNotBuilt::ALLOWED)))?;
    if schema.digest() != plan.schema {
        return Err(Failure::failed(format!(
            "the schema has the digest {}, and the plan was made for {}; give the plan's own schema",
            schema.digest(),
            plan.schema
        )));
    }
    planned::check(&plan, Some(&schema)).map_err(Failure::failed)
}

/// Everything that a run gives, or a model to compare with.
fn rehearsed(planned: &Planned, rows: &Rows, runs: u16) -> Result<Tried, Failure> {
    let failed = |fault: RehearsalFault| Failure::failed(fault);
    let (plan, number) = (planned.plan(), rows.branches.len());
    let noise =
        Noise::shares(plan, number).map_err(|reason| failed(RehearsalFault::Cohort { branches: number, reason }))?;
    let customers: usize = rows.branches.iter().map(tributary_rehearsal::Branch::customers).sum();
    let rehearsal = Rehearsal::new(planned, &rows.branches).map_err(failed)?;
    let many = usize::from(runs);
    // The runs, the model of all rows, and each branch's own: nothing of it needs anything else of it.
    let done = side_by_side(many + 1 + number, |task| {
        let begin = Instant::now();
        let done = match task.checked_sub(many) {
            None => rehearsal.run(initial(planned), Some(noise), &mut OsEntropy),
            Some(0) => quiet(planned, &rows.branches, customers),
            Some(branch) => {
                let own = &rows.branches[branch - 1..branch];
                quiet(planned, own, own.iter().map(tributary_rehearsal::Branch::customers).sum())
            }
        };
        done.map(|done| (done, begin.elapsed().as_secs_f64()))
    });
    let mut done = done.map_err(failed)?;
    let mut alone = done.split_off(many);
    let (central, _) = alone.remove(0);
    let seconds_run = done.iter().map(|(_, seconds)| seconds).sum::<f64>() / f64::from(runs.max(1));
    let evaluated = done.first().map(|(run, _)| run.figures.clone()).unwrap_or_default();
    let models: Vec<_> = done.into_iter().map(|(run, _)| run.model).collect();
    let judged = |model| judge(model, &rows.held_out);
    let of_runs = models.iter().map(judged).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let of_branches = alone.iter().map(|(run, _)| judged(&run.model)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let (heads, guarantee) = (planned.architecture().heads(), Guarantee::of(planned));
    Ok(Tried {
        spent: 0.0,
        branches: number,
        customers,
        customers_nominal: plan.customers_nominal,
        held_out: rows.held_out.rows(),
        begins_from_zero: !matches!(plan.initial_model, ModelRef::Seed(_) | ModelRef::Zero),
        epsilon: guarantee.map(|own| own.epsilon),
        epsilon_customer: guarantee.and_then(|own| own.epsilon_customer),
        delta: guarantee.map(|own| own.delta),
        runs,
        plan: Summary::of(heads, &of_runs),
        central: judged(&central.model).map_err(failed)?,
        alone: Summary::of(heads, &of_branches),
        evaluated,
        score_noise_predicted: guarantee.and_then(|_| Prediction::of(planned, Some(number))).map(|own| own.score_noise),
        score_noise_measured: score_noise(&models, &rows.held_out).map_err(failed)?,
        seconds_run,
        seconds_total: 0.0,
    })
}

/// The same method without noise.
fn quiet(
    planned: &Planned,
    branches: &[tributary_rehearsal::Branch],
    customers: usize,
) -> Result<Rehearsed, RehearsalFault> {
    let quiet = baseline::without_noise(planned, u64::try_from(customers).unwrap_or(u64::MAX))?;
    Rehearsal::new(&quiet, branches)?.run(initial(&quiet), None, &mut OsEntropy)
}

fn told(tried: &Tried) -> Vec<Said> {
    let mut lines = vec![words::public_data(), words::size(tried.branches, tried.customers, tried.held_out)];
    if !is_near(tried.customers, tried.customers_nominal) {
        lines.push(words::other_size(tried.customers_nominal, tried.customers));
    }
    if tried.begins_from_zero {
        lines.push(words::begins_from_zero());
    }
    let figure = |value: f64| format!("{value:.4}");
    lines.push(match (tried.epsilon, tried.epsilon_customer, tried.delta) {
        (Some(epsilon), None, Some(delta)) => words::price(figure(epsilon), format_args!("{delta:e}")),
        (Some(epsilon), Some(customer), Some(delta)) => {
            words::price_of_branch(figure(epsilon), figure(customer), format_args!("{delta:e}"))
        }
        _ => words::no_price(),
    });
    lines.extend([Said::empty(), words::columns()]);
    for ((plan, central), alone) in tried.plan.iter().zip(&tried.central).zip(&tried.alone) {
        lines.push(evaluation::label(&plan.head));
        let rows = [
            (evaluation::auc(), plan.auc, central.auc, alone.auc),
            (evaluation::ks(), plan.ks, central.ks, alone.ks),
            (words::lift(), plan.lift_10, central.lift_10, alone.lift_10),
            (words::log_loss(), plan.log_loss, central.log_loss, alone.log_loss),
            (words::brier(), plan.brier, central.brier, alone.brier),
            (words::ece(), plan.ece, central.ece, alone.ece),
        ];
        lines.extend(rows.map(|(name, plan, central, alone)| row(&name, plan, (central, alone.map(|own| own.mean)))));
    }
    lines.push(Said::empty());
    for figures in &tried.evaluated {
        if let Some(auc) = figures.auc {
            lines.push(words::evaluated(&figures.head, figure(auc.value), figure(auc.low), figure(auc.high)));
        }
    }
    let noise = |value: f64| format!("{value:.3}");
    lines.extend(tried.score_noise_predicted.map(|own| words::noise_predicted(noise(own))));
    lines.extend(tried.score_noise_measured.map(|own| words::noise_measured(noise(own))));
    lines.push(words::time(tried.runs, format!("{:.2}", tried.seconds_run), format!("{:.2}", tried.seconds_total)));
    lines
}

/// Within a fifth.
fn is_near(customers: usize, nominal: u64) -> bool {
    let customers = u64::try_from(customers).unwrap_or(u64::MAX);
    customers.abs_diff(nominal).saturating_mul(5) <= nominal
}

fn row(name: &Said, plan: Option<Spread>, (central, alone): (Option<f64>, Option<f64>)) -> Said {
    let figure = |value: Option<f64>| value.map_or_else(words::absent, |value| Said::verbatim(format!("{value:.4}")));
    let spread = plan.and_then(|own| own.stddev).map_or(String::new(), |own| format!(" ({own:.4})"));
    let parts = [
        Said::joined(&[Said::verbatim("  "), name.clone()], ""),
        Said::joined(&[figure(plan.map(|own| own.mean)), verbatim(spread)], ""),
        figure(central),
        figure(alone),
    ];
    Said::joined(&parts, "; ")
}

fn verbatim(text: impl Display) -> Said {
    Said::verbatim(text)
}
