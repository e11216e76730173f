//! `tributary client ready`: the operator's word that the data of their day are ready.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tributary_client::ready::{self, AskedRun, Survey, Target};
use tributary_planning::portrait::groups;
use tributary_protocol::digest::Digest;
use tributary_texts::Language;

use crate::branch::explained;
use crate::certs::unix_seconds;
use crate::confirm::{Act, Shown};
use crate::dataset::{described, show};
use crate::exit::{Exit, Failure};

/// `tributary client ready`.
#[derive(Args)]
pub(crate) struct ReadyOptions {
    /// The client's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A run that waits for the word: its number, with the plan's first eight letters before it where two plans have one of that number,
    /// such as 9f86d081/2
    #[arg(long, value_name = "RUN", conflicts_with = "next")]
    run: Option<String>,
    /// The next run that wants data of the day of these
    #[arg(long)]
    next: bool,
    /// Where there is no terminal, and something has changed more than the settings allow: the digest that was shown with it
    #[arg(long, value_name = "DIGEST", value_parser = crate::typed::digest)]
    confirm: Option<Digest>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Shows the data set, asks where much has changed, and keeps the word.
///
/// # Errors
/// Why nothing is said to be ready.
pub(crate) fn run(options: &ReadyOptions, language: Language) -> Result<Exit, Failure> {
    let failed = |error| explained(&error, language);
    let target = match (&options.run, options.next) {
        (Some(run), _) => Target::Run(run.clone()),
        (None, true) => Target::Next,
        (None, false) => return overview(&options.config, options.json, language),
    };
    let survey = ready::survey(&options.config).map_err(failed)?;
    if !options.json {
        show(&survey, language);
    }
    confirmed(&survey, options)?;
    let now = unix_seconds().saturating_mul(1000);
    let lines = survey.state(&target, now).map_err(failed)?;
    if options.json {
        let mut object = described(&survey, true);
        object["ready"] = json!(lines);
        crate::json::print(&object);
    } else {
        lines.iter().for_each(|line| println!("{line}"));
    }
    Ok(Exit::Done)
}

/// Whether the operator has looked at everything that must be confirmed. What a run would not use is refused afterwards, with its reason.
fn confirmed(survey: &Survey, options: &ReadyOptions) -> Result<(), Failure> {
    if survey.alarms.is_empty() {
        return Ok(());
    }
    let digest = survey.digest();
    if !options.json {
        println!("\nTo be confirmed: the data set {}", groups(&digest).join("-"));
    }
    let shown = Shown {
        what: "this data set with its changes",
        digest,
        first: "Read every line that begins with ASK",
        again: "Look at the data again (`tributary client dataset check`)",
    };
    shown
        .confirm_to(Act::READY, options.confirm.as_ref(), |entropy| {
            vec![Act::READY.group_of(&digest, "data set", entropy)]
        })
        .map_err(|fault| Failure {
            message: format!("{}\n  {}\n  the digest is {digest}", fault.message, survey.alarms.join("\n  ")),
            ..fault
        })
}

/// What waits for the operator's word.
fn overview(config: &Path, json: bool, language: Language) -> Result<Exit, Failure> {
    let failed = |error| explained(&error, language);
    let (asked, last) = ready::overview(config).map_err(failed)?;
    if json {
        let list: Vec<Value> = asked.iter().map(described_run).collect();
        let last = last.map(|word| {
            json!({ "date": word.date.to_string(), "sha256": word.files.data.to_string(), "at_unix_ms": word.at })
        });
        crate::json::print(&json!({ "asked": list, "last": last }));
        return Ok(Exit::Done);
    }
    for AskedRun { plan, number, name, as_of } in &asked {
        println!("{name} run {number} wants data of {as_of}: `tributary client ready --run {}/{number}`", plan.short());
    }
    if asked.is_empty() {
        println!("no run waits for a word here");
    }
    match last {
        Some(word) => println!("the last word: data of {}, SHA-256 {}", word.date, word.files.data),
        None => println!("no word was given here yet"),
    }
    Ok(Exit::Done)
}

fn described_run(asked: &AskedRun) -> Value {
    let AskedRun { plan, number, name, as_of } = asked;
    json!({ "plan": plan.to_string(), "run": number, "name": name, "as_of": as_of.to_string() })
}
