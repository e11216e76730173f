//! `tributary client dataset check` and `stamp`: what a branch's files hold, on its own screen, and of which day they are.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use tributary_client::data::FileError;
use tributary_client::ready::{self, Survey, SurveyedFile};
use tributary_protocol::plan::Date;
use tributary_storage::files::shown;
use tributary_texts::{Language, Said, dataset as words};

use crate::branch::explained;
use crate::exit::{Exit, Failure};

/// `tributary client dataset`.
#[derive(Subcommand)]
pub(crate) enum DatasetCommand {
    /// Read the files that a settings file names as a run would, and show what they hold: on this screen alone, nothing is sent
    Check {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write the ready file beside each file that a settings file names, where whoever exports them does not: of which day they are, and their
    /// checksum
    Stamp {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Of which day the data are
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = crate::typed::date)]
        date: Date,
    },
}

/// Looks at the branch's rows, or seals them.
///
/// # Errors
/// Why that was not done.
pub(crate) fn run(command: &DatasetCommand, language: Language) -> Result<Exit, Failure> {
    match command {
        DatasetCommand::Check { config, json } => check(config, *json, language),
        DatasetCommand::Stamp { config, date } => stamp(config, *date, language),
    }
}

/// Reads every file as a run would, and shows all that it would say.
///
/// # Errors
/// If settings or schema have faults. A file that a run would not use is an exit code.
fn check(config: &Path, json: bool, language: Language) -> Result<Exit, Failure> {
    let survey = ready::survey(config).map_err(|error| explained(&error, language))?;
    let usable = survey.is_usable() && is_dated_well(&survey);
    if json {
        crate::json::print(&described(&survey, usable));
    } else {
        show(&survey, language);
        let verdict = if usable { words::would_be_used() } else { words::would_not_be_used() };
        println!("{}", verdict.text(language));
    }
    Ok(if usable { Exit::Done } else { Exit::Failed })
}

/// Writes the ready file beside each file.
///
/// # Errors
/// If a file cannot be read or written.
fn stamp(config: &Path, date: Date, language: Language) -> Result<Exit, Failure> {
    for path in ready::stamp(config, date).map_err(|error| explained(&error, language))? {
        println!("{}", words::stamped(shown(&path), date).text(language));
    }
    Ok(Exit::Done)
}

/// A ready file that is there must be right. Where there is none, a plan that names no day is joined all the same.
fn is_dated_well(survey: &Survey) -> bool {
    survey.files.iter().all(|file| file.date.is_ok() || !file.is_dated)
}

/// Shows everything that is known of a data set.
pub(crate) fn show(survey: &Survey, language: Language) {
    let mut lines: Vec<Said> = survey.files.iter().flat_map(said).collect();
    lines.push(match &survey.earlier {
        Some(earlier) => words::since(&earlier.date, earlier.changes.said()),
        None => words::no_earlier(),
    });
    lines.extend(survey.alarms.iter().map(words::ask));
    lines.iter().for_each(|line| println!("{}", line.text(language)));
}

fn said(file: &SurveyedFile) -> Vec<Said> {
    let mut lines = vec![words::schema_of(file.key, &file.schema)];
    match &file.loaded {
        Ok(loaded) => {
            lines.push(loaded.report.said());
            lines.push(words::sha256(loaded.digest));
            lines.extend(loaded.remarks.iter().map(|remark| match remark.stops {
                true => words::stops(&remark.said),
                false => words::warns(&remark.said),
            }));
        }
        Err(fault) => lines.push(words::stops(fault)),
    }
    lines.push(match &file.date {
        Ok(date) => words::data_of(date),
        Err(fault) if file.is_dated => words::stops(fault),
        Err(_) => words::of_no_day(),
    });
    lines
}

/// A data set as one JSON object.
pub(crate) fn described(survey: &Survey, usable: bool) -> Value {
    let list: Vec<Value> = survey.files.iter().map(described_file).collect();
    json!({
        "usable": usable,
        "date": survey.date().ok().map(|date| date.to_string()),
        "files": list,
        "earlier": survey.earlier,
        "alarms": survey.alarms.iter().map(|alarm| alarm.text(Language::English)).collect::<Vec<_>>(),
        "confirm": survey.digest().to_string(),
    })
}

fn described_file(file: &SurveyedFile) -> Value {
    let (report, remarks, faults) = match &file.loaded {
        Ok(loaded) => (json!(loaded.report), json!(loaded.remarks), Value::Null),
        Err(FileError::Faults(faults)) => {
            let faults = json!({ "count": faults.count, "first": faults.told, "stopped": faults.stopped });
            (Value::Null, json!([]), faults)
        }
        Err(fault) => {
            let first = json!([{ "row": null, "column": null, "text": fault.to_string() }]);
            (Value::Null, json!([]), json!({ "count": 1, "first": first, "stopped": true }))
        }
    };
    json!({
        "key": file.key,
        "file": file.file,
        "schema": file.schema,
        "usable": file.is_usable(),
        "sha256": file.digest().map(|digest| digest.to_string()),
        "date": file.date.as_ref().ok().map(|date| date.to_string()),
        "date_fault": file.date.as_ref().err().map(|fault| fault.text(Language::English)),
        "report": report,
        "remarks": remarks,
        "faults": faults,
    })
}
