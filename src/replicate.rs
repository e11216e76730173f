//! `tributary validate`: what an independent validator computes again of a model, before any signature. Everything comes from the bundle, and nothing from
//! the coordinator.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tributary_certs::clock::unix_seconds;
use tributary_certs::gates::ReportFile;
use tributary_client::data::read_csv;
use tributary_evidence::Item;
use tributary_evidence::bundle::{gate_figures, measured};
use tributary_evidence::card::figures;
use tributary_evidence::report::FigureLine;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_protocol::printable::counted;
use tributary_protocol::registry::Figure;
use tributary_rehearsal::{Judged, judge};
use tributary_storage::files::{Existing, write_private};

use crate::bundle::{Registered, registered_in};
use crate::draft::Draft;
use crate::exit::{Exit, Failure};
use crate::json;

/// `tributary validate`.
#[derive(Subcommand)]
pub(crate) enum ValidateCommand {
    /// Compute a model again from the signed uploads of a bundle, and write the draft of a validation
    Replicate(ReplicateOptions),
}

/// What to replicate.
#[derive(Args)]
pub(crate) struct ReplicateOptions {
    /// The audit bundle
    bundle: PathBuf,
    /// The roster authorities whose federation it must be: their list, or its fingerprint of 64 hexadecimal digits
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    authority: String,
    /// The model: its digest, or the first 8 or more digits of it
    #[arg(long, value_name = "DIGEST")]
    model: String,
    /// The report on its gates (`tributary model gates`): each figure is computed again
    #[arg(long, value_name = "FILE")]
    gates: Option<PathBuf>,
    /// A table of the validator's own, in the columns of the plan's schema: figures of it are shown, and are no part of what is signed
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// Where the draft is written (`tributary model validate --draft`); never replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How long a draft lets a validation hold at most, in days.
const VALID_DAYS: u64 = 365;

/// What was computed again.
struct Replicated {
    /// What was the same to the bit, a line each.
    same: Vec<String>,
    /// What could not be computed again, a line each.
    open: Vec<String>,
    /// What is known within its noise alone.
    within: Vec<FigureLine>,
    /// Figures of the validator's own rows, a line each.
    own: Vec<String>,
}

/// Replicates a model.
///
/// # Errors
/// If the bundle is not in order, a figure of the report is another one, or a file cannot be read or written.
pub(crate) fn run(command: &ValidateCommand) -> Result<Exit, Failure> {
    let ValidateCommand::Replicate(options) = command;
    let (bundle, audited, registered) = registered_in(&options.bundle, &options.authority, &options.model)?;
    let Registered { model, planned, parameters, line, .. } = &registered;
    let mut found = Replicated { same: Vec::new(), open: Vec::new(), within: Vec::new(), own: Vec::new() };
    let runs = audited.journal.iter().flat_map(|journal| &journal.runs);
    for run in runs.filter(|run| run.plan == line.plan && run.run == line.run) {
        let all = run.sums_verified.saturating_add(run.sums_not_verified);
        let sums =
            format!("{} of {} from the masked uploads that branches signed", run.sums_verified, counted(all, "sum"));
        found.add(run.sums_not_verified == 0, sums);
        found.same.push(format!("{} of the run from its sums", counted(run.models_verified, "model")));
    }
    found.add(line.follows, "the released parameters, learnt features and privacy statement".into());
    let card = line.card.as_ref().and_then(|card| Digest::from_hex(card)).map(|card| Item::Card(card).name());
    match card.and_then(|name| bundle.part(&name)) {
        Some(_) if line.card_follows => found.same.push("the model card".into()),
        Some(_) => found.open.push("the model card".into()),
        None => found.open.push("the model card is not in the bundle".into()),
    }
    match measured(&bundle, model).map_err(Failure::failed)? {
        Some(measured) => found.within = figures(measured.heads()),
        None => {
            found.open.push("the figures: the bundle has no evaluation of the model, or lacks its opened sum".into())
        }
    }
    found.open.extend(audited.missing.iter().map(|missing| format!("the bundle lacks {missing}")));
    if line.alarmed {
        found.open.push("a report of attacks shows a larger epsilon than the plan claims".into());
    }
    if let Some(path) = &options.gates {
        found.same.push(gates(path, model, audited.federation.as_deref(), |report| gate_figures(&bundle, report))?);
    }
    if let Some(path) = &options.table {
        let schema = planned.schema().ok_or_else(|| Failure::failed("the bundle does not hold the plan's schema"))?;
        let rows = read_csv(path, schema).map_err(Failure::failed)?;
        let judged = judge(parameters, &rows).map_err(Failure::failed)?;
        found.own = own(planned.architecture().heads(), &judged, &found.within);
    }
    let review = planned.plan().charter.review_by;
    let until = Date::of_second(review.min(unix_seconds().saturating_add(VALID_DAYS * 86_400)));
    let draft = found.draft(&line.model, &audited.bundle, until);
    write_private(&options.out, draft.to_json().as_bytes(), Existing::Keep).map_err(Failure::failed)?;
    if options.json {
        json::print(
            &serde_json::json!({ "file": options.out, "follows": line.follows, "draft": draft, "own": found.own }),
        );
    } else {
        let part = |title: &str, lines: &[String]| {
            if !lines.is_empty() {
                println!("{title}");
                lines.iter().for_each(|line| println!("  {line}"));
            }
        };
        part("the same to the bit:", &draft.same);
        part("not computed again:", &draft.open);
        part("known within the noise alone, with 95 % intervals:", &draft.within_noise);
        part(
            "of your own rows, for you alone (nothing protects these figures: leave them out of what you sign):",
            &found.own,
        );
        println!(
            "{}: read it, change what you find otherwise, and sign: tributary model validate REPORT --draft FILE",
            options.out.display()
        );
    }
    Ok(if line.follows && found.open.is_empty() { Exit::Done } else { Exit::Incomplete })
}

/// Compares each figure of a report with what the bundle gives.
fn gates(
    path: &Path,
    model: &Digest,
    federation: Option<&str>,
    again: impl FnOnce(&tributary_protocol::registry::GatesReport) -> Result<Vec<Figure>, String>,
) -> Result<String, Failure> {
    let file = ReportFile::read(path).map_err(Failure::failed)?;
    if file.report.model != *model {
        return Err(Failure::failed(format!("{} is a report on another model", path.display())));
    }
    let federation = federation.and_then(Digest::from_hex).unwrap_or(Digest::ZERO);
    file.report.check_model(&file.manifest, &federation).map_err(Failure::failed)?;
    let found = again(&file.report).map_err(Failure::failed)?;
    if file.report.figures.len() != found.len() {
        return Err(Failure::failed(format!(
            "the report has {} figures, and its gates have {}; no draft was written",
            file.report.figures.len(),
            found.len()
        )));
    }
    let place = file.report.figures.iter().zip(&found).position(|(said, found)| said != found);
    match place {
        None => Ok(format!("{} figures of the report on the gates", found.len())),
        Some(place) => Err(Failure::failed(format!(
            "gate {}: the report says {:?}, and the opened sum gives {:?}; no draft was written",
            place + 1,
            file.report.figures[place],
            found[place]
        ))),
    }
}

/// Figures of the validator's own rows, beside what the federation counted.
fn own(heads: &[String], judged: &[Judged], within: &[FigureLine]) -> Vec<String> {
    let of_head = |(head, judged): (&String, &Judged)| {
        let all = [("auc", judged.auc), ("ks", judged.ks), ("log_loss", judged.log_loss), ("brier", judged.brier)];
        let line = |(name, value): (&str, Option<f64>)| {
            let value = value?;
            let known = within.iter().find(|line| line.label == *head && line.figure == name && line.group.is_none());
            let beside = match known {
                None => "the federation counted none".to_owned(),
                Some(line) => {
                    let inside = [&line.low, &line.high].map(|end| end.parse::<f64>().ok());
                    let word = match inside {
                        [Some(low), Some(high)] if (low..=high).contains(&value) => "within",
                        _ => "outside of",
                    };
                    format!("{word} the interval {} to {}", line.low, line.high)
                }
            };
            Some(format!("{head} {name} {value:.4}, {beside}"))
        };
        all.into_iter().filter_map(line).collect::<Vec<_>>()
    };
    heads.iter().zip(judged).flat_map(of_head).collect()
}

impl Replicated {
    /// Adds a line about something that was the same to the bit, or could not be computed again.
    fn add(&mut self, same: bool, line: String) {
        let lines = if same { &mut self.same } else { &mut self.open };
        lines.push(line);
    }

    /// What the validator may sign, to be read and changed first. Figures of own rows are no part of it.
    fn draft(&self, model: &str, bundle: &str, until: Date) -> Draft {
        let of_all = self.within.iter().filter(|line| line.group.is_none());
        let within =
            of_all.map(|line| format!("{} {} {} ({} to {})", line.label, line.figure, line.value, line.low, line.high));
        let whole = if self.open.is_empty() { "replicated" } else { "replicated in part" };
        let short: String = bundle.chars().take(16).collect();
        let mut conditions = vec!["looked at again when a field changes its meaning".to_owned()];
        conditions.extend(self.open.iter().map(|line| format!("not computed again: {line}")));
        Draft {
            model: model.to_owned(),
            bundle: bundle.to_owned(),
            same: self.same.clone(),
            open: self.open.clone(),
            within_noise: within.collect(),
            findings: format!("{whole} from the bundle {short}: {}", self.same.join("; ")),
            conditions,
            valid_until: until.to_string(),
        }
    }
}
