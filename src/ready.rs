//! `tributary client ready`: the operator's word that the data of their day are ready.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tributary_client::ready::{self, AskedRun, Statement, Survey, Target, Waiting};
use tributary_planning::portrait::groups;
use tributary_protocol::digest::Digest;
use tributary_texts::{Language, confirm as asked, ready as words};

use crate::branch::explained;
use crate::certs::unix_seconds;
use crate::confirm::{Act, Shown, drawn_group};
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
    /// The next run that wants data of the same day
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
    confirmed(&survey, options, language)?;
    let now = unix_seconds().saturating_mul(1000);
    let lines = survey.state(&target, now).map_err(failed)?;
    if options.json {
        let mut object = described(&survey, true);
        object["ready"] = lines.iter().map(|line| line.text(Language::English)).collect();
        crate::json::print(&object);
    } else {
        lines.iter().for_each(|line| println!("{}", line.text(language)));
    }
    Ok(Exit::Done)
}

/// Whether the operator has looked at everything that must be confirmed. Nobody is asked about what a run would not use: it is refused afterwards, with its
/// reason.
fn confirmed(survey: &Survey, options: &ReadyOptions, language: Language) -> Result<(), Failure> {
    if survey.alarms.is_empty() || !survey.is_usable() || survey.date().is_err() {
        return Ok(());
    }
    let digest = survey.digest();
    if !options.json {
        println!("{}", asked::data_to_confirm(groups(&digest).join("-")).text(language));
    }
    let (what, first, again) = (asked::data_set(), asked::read_asks(), asked::look_again());
    let confirmed =
        Shown { what, digest, first, again }.confirm_to(Act::Ready, language, options.confirm.as_ref(), |entropy| {
            vec![drawn_group(&digest, language, asked::group_of_data, entropy)]
        });
    confirmed.map_err(|fault| {
        let alarms: Vec<&str> = survey.alarms.iter().map(|alarm| alarm.text(language)).collect();
        let digest = asked::digest_is(digest);
        Failure {
            message: format!("{}\n  {}\n  {}", fault.message, alarms.join("\n  "), digest.text(language)),
            ..fault
        }
    })
}

/// What waits for the operator's word.
fn overview(config: &Path, json: bool, language: Language) -> Result<Exit, Failure> {
    let failed = |error| explained(&error, language);
    let (waiting, last) = ready::overview(config).map_err(failed)?;
    if json {
        let list: Vec<Value> = waiting.iter().map(described_run).collect();
        crate::json::print(&json!({ "asked": list, "last": last.as_ref().map(described_word) }));
        return Ok(Exit::Done);
    }
    let mut lines = Vec::new();
    for Waiting { asked: AskedRun { plan, number, name, as_of }, joined } in &waiting {
        lines.push(words::asks(name, number, as_of, plan.short()));
        lines.extend(joined.map(|word| words::joined_before(word.date, word.files.data)));
    }
    if waiting.is_empty() {
        lines.push(words::nobody_asks());
    }
    lines.push(last.map_or_else(words::never, |word| words::last(word.date, word.files.data)));
    lines.iter().for_each(|line| println!("{}", line.text(language)));
    Ok(Exit::Done)
}

fn described_run(Waiting { asked, joined }: &Waiting) -> Value {
    let AskedRun { plan, number, name, as_of } = asked;
    json!({
        "plan": plan.to_string(),
        "run": number,
        "name": name,
        "as_of": as_of.to_string(),
        "joined": joined.as_ref().map(described_word),
    })
}

fn described_word(word: &Statement) -> Value {
    json!({ "date": word.date.to_string(), "sha256": word.files.data.to_string(), "at_unix_ms": word.at })
}
