//! The attacks themselves: a model and its plan from a verified bundle, rows from a folder, and what came out into a file that nobody has signed yet.

use std::path::PathBuf;

use clap::Args;
use tributary_certs::clock::unix_seconds;
use tributary_certs::entropy::OsEntropy;
use tributary_evidence::attacks::{
    ATTACKS_FORMAT, AttackedRows, Attacks, AttacksFile, CanaryLine, Measured, MembershipLine, PoisoningLine,
    ReconstructionLine, SpreadLine,
};
use tributary_evidence::paper::GENERATOR;
use tributary_model::weak_modes::{Build, ModeNotBuilt};
use tributary_rehearsal::attacks::{
    Canary, Membership, Poisoned, Rate, Reconstruction, Source, canary, membership, poisoning, reconstruction,
};
use tributary_rehearsal::{Noise, RehearsalFault, Spread};
use tributary_storage::files::{Existing, write_public};
use tributary_texts::{Language, attacks as words};

use super::page;
use super::rows::{Rows, of_folder};
use crate::bundle::{Registered, registered_in};
use crate::exit::Failure;
use crate::{json, typed};

/// What to attack, on which rows.
#[derive(Args)]
pub(crate) struct RunOptions {
    /// The audit bundle that holds the model with its plan
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// The roster authorities whose federation it must be: their list, or its fingerprint of 64 hexadecimal digits
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    authority: String,
    /// The model: its digest, or the first 8 or more digits of it
    #[arg(long, value_name = "DIGEST")]
    model: String,
    /// A folder of tables: NAME.csv has what a branch learnt from, NAME.held-out.csv what it did not
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What the rows are: public, or invented. Rows of a bank's customers are never attacked here: nothing protects the figures
    #[arg(long, value_name = "KIND", value_parser = ["public", "invented"])]
    rows: String,
    /// Runs with fresh noise for each figure
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(2..=100))]
    runs: u16,
    /// Models that the attacker makes for comparison, an even number
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=256))]
    references: u16,
    /// Trials with a canary, and as many without
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    trials: u32,
    /// Where the report is written; never replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The language; without it, that of the locale
    #[arg(long, value_name = "LANGUAGE", value_parser = typed::language())]
    lang: Option<Language>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Attacks of one customer's row, for each candidate.
const REPEATS: usize = 10;

/// Attacks a model.
///
/// # Errors
/// If the bundle is not in order, the model does not follow from it, or the rows do not fit.
pub(super) fn run(options: &RunOptions) -> Result<(), Failure> {
    let (_, _, registered) = registered_in(&options.bundle, &options.authority, &options.model)?;
    let plan = registered.planned.plan();
    Build::THIS
        .admits(plan.privacy)
        .map_err(|refused| Failure::settings(format!("{}; allowed: {}", refused.found(), ModeNotBuilt::ALLOWED)))?;
    let schema = registered.planned.schema().ok_or_else(|| {
        Failure::failed(
            "the bundle does not hold the schema of the model's plan, so no row can be read; have the run exported again, with days in which it was",
        )
    })?;
    let rows = of_folder(&options.data, schema)?;
    let findings = attacked(&registered, &rows, options).map_err(Failure::failed)?;
    let file = AttacksFile::new(findings);
    write_public(&options.out, file.to_json().as_bytes(), Existing::Keep).map_err(Failure::failed)?;
    if options.json {
        json::print(&serde_json::json!({ "file": options.out, "digest": file.digest(), "findings": file.findings }));
        return Ok(());
    }
    let language = options.lang.unwrap_or_else(Language::of_environment);
    page::told(&file.findings).iter().for_each(|line| println!("{}", line.text(language)));
    println!("{}", words::sign_it(options.out.display()).text(language));
    Ok(())
}

fn attacked(registered: &Registered, rows: &Rows, options: &RunOptions) -> Result<Attacks, RehearsalFault> {
    let Registered { planned, parameters, line, claimed, delta, .. } = registered;
    let (plan, branches) = (planned.plan(), rows.branches.as_slice());
    let number = branches.len();
    let noise = Noise::shares(plan, number).map_err(|reason| RehearsalFault::Cohort { branches: number, reason })?;
    let (noise, source): (_, Source<'_>) = (Some(noise), &|_| Box::new(OsEntropy));
    let members: usize = branches.iter().map(tributary_rehearsal::Branch::customers).sum();
    let told = membership(
        (planned, noise),
        (parameters, usize::from(options.references).div_ceil(2)),
        (branches, &rows.others),
        source,
    )?;
    let trials = usize::try_from(options.trials).unwrap_or(usize::MAX);
    let private = claimed.is_some();
    let bound = if private {
        canary((planned, branches), (noise, 1), (&rows.others, plan.delta()), (trials, source))?
    } else {
        None
    };
    let rebuilt = reconstruction((planned, branches), noise, &rows.others, (REPEATS, source))?;
    let mut liars = vec![0, 1, number.div_ceil(4), number / 2];
    liars.sort_unstable();
    liars.dedup();
    let poisoned = poisoning((planned, noise), (branches, &rows.others), (&liars, options.runs.into()), source)?;
    let mut findings = Attacks {
        format: ATTACKS_FORMAT,
        generator: GENERATOR.into(),
        model: line.model.clone(),
        plan: line.plan.clone(),
        run: line.run,
        made_at: unix_seconds(),
        rows: AttackedRows {
            kind: options.rows.clone(),
            branches: u32::try_from(number).unwrap_or(u32::MAX),
            members: members as u64,
            others: rows.others.customer_count() as u64,
        },
        claimed: claimed.clone(),
        delta: delta.clone(),
        membership: Some(membership_line(&told)),
        canary: bound.as_ref().map(canary_line),
        reconstruction: rebuilt.as_ref().map(reconstruction_line),
        poisoning: poisoning_lines(&poisoned),
        spread: poisoned.first().map(|honest| spread_line(honest, options.runs)),
        alarm: false,
    };
    findings.alarm = findings.is_alarming();
    Ok(findings)
}

fn figure(value: f64) -> String {
    format!("{value:.4}")
}

fn measured(rate: Rate) -> Measured {
    Measured { value: figure(rate.value), low: figure(rate.low), high: figure(rate.high) }
}

fn membership_line(found: &Membership) -> MembershipLine {
    let references = u32::try_from(found.references).unwrap_or(u32::MAX);
    MembershipLine { references, auc: found.auc.map(measured), found: found.found.map(measured) }
}

fn canary_line(found: &Canary) -> CanaryLine {
    CanaryLine {
        trials: found.trials as u64,
        epsilon_low: format!("{:.6}", found.epsilon_low),
        epsilon_most: format!("{:.6}", found.epsilon_most),
    }
}

fn reconstruction_line(found: &Reconstruction) -> ReconstructionLine {
    ReconstructionLine {
        candidates: u32::try_from(found.candidates).unwrap_or(u32::MAX),
        trials: found.trials as u64,
        exact: measured(found.exact),
        exact_without_noise: measured(found.exact_without_noise),
        by_chance: figure(found.by_chance),
    }
}

/// Each number of lying branches and label, beside the first, in which nobody lies.
fn poisoning_lines(poisoned: &[Poisoned]) -> Vec<PoisoningLine> {
    let mean = |spread: Option<Spread>| spread.map(|spread| spread.mean);
    let honest = |at: usize| mean(poisoned.first()?.heads.get(at)?.auc);
    let of = |one: &Poisoned| -> Vec<PoisoningLine> {
        let line = |(at, head): (usize, &tributary_rehearsal::Summary)| {
            let auc = mean(head.auc);
            let fall = honest(at).zip(auc).map(|(honest, auc)| figure(honest - auc));
            let branches = u32::try_from(one.branches).unwrap_or(u32::MAX);
            PoisoningLine { branches, label: head.head.clone(), auc: auc.map(figure), fall }
        };
        one.heads.iter().enumerate().map(line).collect()
    };
    poisoned.iter().flat_map(of).collect()
}

fn spread_line(honest: &Poisoned, runs: u16) -> SpreadLine {
    let spreads = honest.heads.iter().filter_map(|head| head.auc.and_then(|auc| auc.stddev));
    let auc = spreads.reduce(f64::max).map(figure);
    SpreadLine { runs: runs.into(), auc, score: honest.score_noise.map(figure) }
}
