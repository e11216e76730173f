//! `tributary demo`: the whole thing on one machine, in real processes.
//!
//! ```text
//! demo ─ prepare ─► data files, authority, identities, roster, settings
//!      ─ rounds  ─► coordinator and branches: this executable in its roles, over QUIC on loopback
//!      ─ month   ─► the model at work: gates, pilot, promotion, lists, exports, by the commands that people type
//!      ─ measure ─► held-out rows and baselines, outside the protocol
//!      ─ verify  ─► the ledger, as an auditor would
//! ```

mod bundle;
mod defaults;
mod events;
mod labels;
mod measure;
mod month;
mod options;
mod partners;
mod prepare;
mod processes;
mod progress;
mod report;
mod result;
mod rounds;
mod settings;
mod tries;
mod workplace;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, bail};
use tributary_certs::clock::unix_seconds;
use tributary_client::cli::budget;
use tributary_evidence::Verdict;
use tributary_model::train::CentralSettings;

use self::measure::{Measured, measure};
use self::month::Month;
pub(crate) use self::options::DemoOptions;
use self::prepare::{Branch, Prepared, prepare};
use self::processes::Processes;
use self::report::{released, report};
use self::result::{Figures, Table};
use self::rounds::{Interrupts, Trained, stay, train};
use self::tries::Tries;
use self::workplace::Workplace;
use crate::exit::{Exit, Failure};
use crate::json;
use crate::verify::judge_file;

/// Largest difference between the coordinator's epsilon and the one recomputed from its ledger: they are the same integers.
const EPSILON_TOLERANCE: f64 = 1e-9;

/// Runs the demo and prints its result.
///
/// # Errors
/// What could not be done, with the last words of the process that failed.
pub(crate) fn run(options: &DemoOptions) -> Result<Exit, Failure> {
    let options = &options.settled()?;
    let failed = |error: anyhow::Error| Failure::failed(format!("{error:#}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("the runtime could not be started").map_err(failed)?;
    let exit = runtime.block_on(perform(options)).map_err(failed);
    // Training of a baseline that nobody waits for any more is left behind, not waited for.
    runtime.shutdown_background();
    exit
}

async fn perform(options: &DemoOptions) -> anyhow::Result<Exit> {
    let begin = Instant::now();
    let workplace = Workplace::open(options.dir.as_deref())?;
    eprintln!("everything is written to {}", workplace.root().display());
    let kept = || format!("everything so far is kept in {}", workplace.root().display());
    let mut interrupts = Interrupts::listen()?;
    let prepared = prepare(options, &workplace).with_context(kept)?;
    eprintln!("{}, about {} customers", prepared.who(), prepared.customers_nominal);
    let mut processes = Processes::new()?;
    let exit = show(options, begin, &workplace, prepared, (&mut processes, &mut interrupts)).await;
    processes.stop().await;
    exit.with_context(kept)
}

/// The runs, the result and, where that was asked for, a federation that stays up.
async fn show(
    options: &DemoOptions,
    begin: Instant,
    workplace: &Workplace,
    prepared: Prepared,
    (processes, interrupts): (&mut Processes, &mut Interrupts),
) -> anyhow::Result<Exit> {
    let Some(trained) = train(options, workplace, &prepared, processes, interrupts).await? else {
        return Ok(interrupted(workplace));
    };
    let (mixed, first) = (prepared.mixed, prepared.branches.first().map(Branch::settings));
    let month = at_work(options, workplace, (&prepared, &trained), processes);
    let both = async { tokio::try_join!(month, judge(options, prepared.clone(), &trained)) };
    let (month, measured) = tokio::select! {
        done = both => done?,
        () = interrupts.wait() => return Ok(interrupted(workplace)),
    };
    if !options.keep_running {
        processes.stop().await;
    }
    verify(&trained)?;
    bundle::leave(workplace)?;
    let spent = |settings: &PathBuf| budget(settings, unix_seconds().saturating_mul(1000));
    let all =
        first.as_ref().filter(|_| trained.runs > 1).map(spent).transpose()?.and_then(|budget| budget.epsilon_spent);
    let mode = options.privacy.mode();
    let report = options.measures().then(|| report(workplace, &trained, month.as_ref())).transpose()?;
    let mixed = mixed.map(|mixed| (mixed, mode));
    let seconds = begin.elapsed().as_secs_f64();
    let figures = Figures::new(&trained, all, (measured, month), report.as_ref(), mixed, seconds);
    if options.json {
        json::print(&figures);
    } else {
        println!("{}", Table { figures: &figures, trained: &trained, root: workplace.root().to_path_buf() });
    }
    if let Some(branch) = first.filter(|_| options.keep_running) {
        eprintln!("\n{}", Tries { workplace, branch });
        stay(processes, interrupts).await?;
        eprintln!("stopped, and every process that was started; all of it is kept in {}", workplace.root().display());
    }
    Ok(Exit::Done)
}

/// The model at work, where the demo has a month for it.
async fn at_work(
    options: &DemoOptions,
    workplace: &Workplace,
    (prepared, trained): (&Prepared, &Trained),
    processes: &mut Processes,
) -> anyhow::Result<Option<Month>> {
    if let Some(reason) = options.no_month() {
        eprintln!("no month at work: {reason}");
        return Ok(None);
    }
    eprintln!("the model goes to work: gates, a pilot, lists of three branches, exports");
    let model = released(workplace, trained)?;
    let month = month::work(workplace, model, (prepared.branches.len(), options.data.is_empty()), processes).await;
    month.context("the month at work ended early").map(Some)
}

fn interrupted(workplace: &Workplace) -> Exit {
    eprintln!(
        "stopped, and every process that was started with it; what was written is kept in {}",
        workplace.root().display()
    );
    Exit::Interrupted
}

/// The demo believes the ledger, not the coordinator.
fn verify(trained: &Trained) -> anyhow::Result<()> {
    let finished = &trained.coordinator;
    let ledger = PathBuf::from(&finished.ledger);
    match judge_file(&ledger, finished.delta.unwrap_or(0.0)) {
        Verdict::Coordinator(report) => {
            let Some(report) = report.runs.last() else { bail!("the journal {} has no run", ledger.display()) };
            let same = match (report.epsilon, finished.epsilon) {
                (Some(own), Some(told)) => (own - told).abs() <= EPSILON_TOLERANCE,
                (own, told) => own == told,
            };
            if !same || report.rounds_committed != finished.rounds {
                bail!("the coordinator's last words and its ledger {} contradict each other", ledger.display());
            }
            Ok(())
        }
        Verdict::Bad(bad) => bail!("the ledger {} is not in order:\n{bad}", ledger.display()),
        Verdict::Budget(_) | Verdict::Heads(_) | Verdict::Empty => {
            bail!("{} is no coordinator's ledger", ledger.display())
        }
    }
}

async fn judge(options: &DemoOptions, prepared: Prepared, trained: &Trained) -> anyhow::Result<Measured> {
    let settings = CentralSettings { rounds: options.rounds(), optimizer: options.optimizer(), seed: options.seed };
    let (hidden, model_file) = (options.hidden(), PathBuf::from(&trained.coordinator.model_file));
    eprintln!("training the models to compare with");
    let measured = tokio::task::spawn_blocking(move || measure(&prepared, hidden, &settings, &model_file));
    measured.await.context("the comparison ended early")?
}
