//! `tributary plan advise`: what suits so many customers, before a plan is written.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use tributary_model::privacy::{DELTA_ALLOWED, EPSILON_ALLOWED, is_delta, is_epsilon};
use tributary_model::year::RUNS_A_MONTH_MAX;
use tributary_planning::advice::{Advice, Budget, Change, Choice, Method, Question, Scene, Verdict, advise, plan_toml};
use tributary_protocol::limits::CUSTOMERS_MAX;
use tributary_storage::files::{self, Existing};
use tributary_texts::{Language, Said, advice as words};

use super::reading::{of_schema, of_year};
use crate::exit::{Exit, Failure};
use crate::{json, typed};

/// What is known in public.
#[derive(Args)]
#[command(group = ArgGroup::new("of").required(true).args(["fields", "schema"]))]
#[command(group = ArgGroup::new("budget").required(true).args(["epsilon", "budget_year", "year"]))]
pub(crate) struct AdviseOptions {
    /// Customers of all branches together, as a plan would state them in public
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=CUSTOMERS_MAX))]
    customers: u64,
    /// Branches that take part
    #[arg(long, value_name = "N")]
    branches: u32,
    /// How many fields they learn from, where no schema is written yet
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(tributary_planning::advice::FIELDS_MAX)))]
    fields: Option<u32>,
    /// The feature schema
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// What one run may cost a customer
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    epsilon: Option<f64>,
    /// What all runs of a year may cost a customer; how many there are is proposed, or said by --runs
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    budget_year: Option<f64>,
    /// A year of spending, as `tributary plan year build` writes it: the epsilon of its kind of run counts
    #[arg(long, value_name = "FILE", requires = "kind")]
    year: Option<PathBuf>,
    /// The kind of run in that year
    #[arg(long, value_name = "NAME", requires = "year")]
    kind: Option<String>,
    /// Runs in the year
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(12 * RUNS_A_MONTH_MAX)))]
    runs: Option<u32>,
    /// Probability with which a statement of privacy may fail; with --year that of the year
    #[arg(long, value_name = "D", default_value_t = 1e-6, allow_negative_numbers = true, conflicts_with = "year")]
    delta: f64,
    /// Also write a plan.toml with the proposal; never replaced
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The language; without it, that of the locale
    #[arg(long, value_name = "LANGUAGE", value_parser = typed::language())]
    lang: Option<Language>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Says what suits.
pub(super) fn run(options: &AdviseOptions) -> Result<Exit, Failure> {
    let scene = scene(options)?;
    let (budget, delta) = budget(options)?;
    let question = Question { customers: options.customers, branches: options.branches, scene: &scene, budget, delta };
    let advice = advise(&question).map_err(Failure::usage)?;
    if let (Some(path), Some(schema)) = (&options.output, &options.schema) {
        // Where the plan lies, another relative path would lead to the schema.
        let schema = std::path::absolute(schema).map_err(Failure::failed)?;
        let text = plan_toml(&advice, &scene, &schema.display().to_string());
        files::write_public(path, text.as_bytes(), Existing::Keep).map_err(Failure::failed)?;
    }
    if options.json {
        json::print(&advice);
        return Ok(Exit::Done);
    }
    let language = options.lang.unwrap_or_else(Language::of_environment);
    for line in told(&advice, &scene) {
        println!("{}", line.text(language));
    }
    if let Some(path) = &options.output {
        println!("{}", words::written(files::shown(path)).text(language));
    }
    Ok(Exit::Done)
}

fn scene(options: &AdviseOptions) -> Result<Scene, Failure> {
    match of_schema(options.schema.as_ref())? {
        Some(schema) => Ok(Scene::of(schema)),
        None => options
            .fields
            .and_then(Scene::of_fields)
            .ok_or_else(|| Failure::usage("give --fields, or the schema with --schema")),
    }
}

fn budget(options: &AdviseOptions) -> Result<(Budget, f64), Failure> {
    let checked = |option: &str, found: f64, good: bool, allowed: &str| {
        if good {
            Ok(())
        } else {
            Err(Failure::usage(format!("--{option} {found} is out of range: it must be {allowed}")))
        }
    };
    if options.output.is_some() && options.schema.is_none() {
        return Err(Failure::usage("--output writes a plan, which names a schema: give --schema with it"));
    }
    if options.runs.is_some() && options.budget_year.is_none() {
        return Err(Failure::usage("--runs shares a year's budget: give --budget-year with it, or leave it out"));
    }
    let delta = options.delta;
    checked("delta", delta, is_delta(delta), DELTA_ALLOWED)?;
    if let Some(epsilon) = options.epsilon {
        checked("epsilon", epsilon, is_epsilon(epsilon) && epsilon <= 100.0, "above 0, at most 100")?;
        return Ok((Budget::Run(epsilon), delta));
    }
    if let Some(epsilon) = options.budget_year {
        checked("budget-year", epsilon, is_epsilon(epsilon) && epsilon <= 100.0, EPSILON_ALLOWED)?;
        return Ok((Budget::Year { epsilon, runs: options.runs }, delta));
    }
    let (Some(path), Some(name)) = (&options.year, &options.kind) else {
        return Err(Failure::usage("give --epsilon, --budget-year, or --year with --kind"));
    };
    let file = of_year(path)?;
    let names = || file.year.kinds.iter().map(|kind| kind.name.as_str()).collect::<Vec<_>>().join(", ");
    let kind = file.year.kinds.iter().find(|kind| kind.name == *name);
    let kind =
        kind.ok_or_else(|| Failure::usage(format!("the year has no kind of run {name:?}; its kinds are {}", names())))?;
    Ok((Budget::Run(kind.epsilon), file.year.delta))
}

fn told(advice: &Advice, scene: &Scene) -> Vec<Said> {
    let mut lines = vec![
        words::asked(advice.customers, advice.branches, advice.fields),
        words::spent(advice.epsilon, format_args!("{:e}", advice.delta)),
    ];
    if let (Some(runs), Some(epsilon)) = (advice.runs_a_year, advice.epsilon_year) {
        lines.push(words::in_a_year(runs, epsilon));
    }
    lines.extend([Said::empty(), said(advice.verdict), Said::empty()]);
    lines.push(words::proposed(named(&advice.proposed), advice.proposed.rounds));
    lines.extend(figures(&advice.proposed));
    for other in &advice.others {
        lines.push(words::other(named(other), other.rounds));
        lines.extend(figures(other));
    }
    if scene.schema().fields().len() == advice.fields && !advice.others.iter().chain([&advice.proposed]).any(is_staged)
    {
        lines.push(words::without_bins());
    }
    lines.extend([Said::empty(), words::why()]);
    lines.extend([words::noise_reason(), words::steps_reason(), words::signal_reason()].iter().map(indented));
    if let Some((verdict, customers)) = advice.next {
        lines.push(indented(&words::next(customers, said(verdict))));
    }
    lines.extend([Said::empty(), words::helps()]);
    lines.extend(advice.helps.iter().map(|help| {
        let auc = format!("{:.2}", help.auc);
        indented(&match help.change {
            Change::MoreBranches => words::more_branches(auc),
            Change::FewerFields => words::fewer_fields(auc),
            Change::LargerEpsilon => words::larger_epsilon(auc),
            Change::ModeLocal => words::mode_local(auc),
        })
    }));
    lines
}

fn is_staged(choice: &Choice) -> bool {
    choice.method == Method::Staged
}

fn indented(line: &Said) -> Said {
    Said::joined(&[Said::verbatim("  "), line.clone()], "")
}

fn said(verdict: Verdict) -> Said {
    match verdict {
        Verdict::Nothing => words::nothing(),
        Verdict::Rough => words::rough(),
        Verdict::Good => words::good(),
        Verdict::Full => words::full(),
    }
}

fn named(choice: &Choice) -> Said {
    let rate = choice.learning_rate.unwrap_or_default();
    match choice.method {
        Method::Staged => words::staged(),
        Method::Logistic => words::logistic(rate),
        Method::Perceptron => words::perceptron(rate),
        Method::Local => words::local(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn figures(choice: &Choice) -> [Said; 2] {
    let predicted = choice.predicted;
    let percent = |share: f64| format!("{:.0}", 100.0 * share);
    let (noise, learnt) = (format!("{:.2}", predicted.score_noise), percent(predicted.learnt));
    let auc = |value: f64| format!("{value:.2}");
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let seconds = format!("{:.0}", choice.seconds.ceil());
    [
        words::predicted(noise, learnt, percent(predicted.explained), auc(predicted.auc), auc(predicted.auc_without)),
        words::price(seconds, megabytes(choice.bytes_up), megabytes(choice.bytes_down)),
    ]
    .map(|line| indented(&line))
}
