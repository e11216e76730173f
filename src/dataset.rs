//! `tributary client dataset check` and `stamp`: what a branch's files hold, on its own screen, and of which day they are.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use tributary_client::data::FileError;
use tributary_client::ready::{self, Survey, SurveyedFile};
use tributary_protocol::plan::Date;
use tributary_storage::files::shown;

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
pub(crate) fn run(command: &DatasetCommand) -> Result<Exit, Failure> {
    match command {
        DatasetCommand::Check { config, json } => check(config, *json),
        DatasetCommand::Stamp { config, date } => stamp(config, *date),
    }
}

/// Reads every file as a run would, and shows all that it would say.
///
/// # Errors
/// If settings or schema have faults. A file that a run would not use is an exit code.
fn check(config: &Path, json: bool) -> Result<Exit, Failure> {
    let survey = ready::survey(config).map_err(explained)?;
    let usable = survey.is_usable() && is_dated_well(&survey);
    if json {
        crate::json::print(&described(&survey, usable));
    } else {
        show(&survey);
        println!(
            "{}",
            if usable { "a run would use this" } else { "a run would not use this, and stop before it connects" }
        );
    }
    Ok(if usable { Exit::Done } else { Exit::Failed })
}

/// Writes the ready file beside each file.
///
/// # Errors
/// If a file cannot be read or written.
fn stamp(config: &Path, date: Date) -> Result<Exit, Failure> {
    for path in ready::stamp(config, date).map_err(explained)? {
        println!("{}: written; the table is of {date}, and whoever changes it must write this file anew", shown(&path));
    }
    Ok(Exit::Done)
}

/// A ready file that is there must be right. Where there is none, a plan that names no day is joined all the same.
fn is_dated_well(survey: &Survey) -> bool {
    survey.files.iter().all(|file| file.date.is_ok() || !file.is_dated)
}

/// Shows everything that is known of a data set.
pub(crate) fn show(survey: &Survey) {
    survey.files.iter().for_each(show_file);
    match &survey.earlier {
        Some(earlier) => println!("since the data of {}:\n{}", earlier.date, earlier.changes),
        None => println!("no earlier data set is kept here, so there is nothing beside which this one could be laid"),
    }
    for alarm in &survey.alarms {
        println!("ASK: {alarm}");
    }
}

fn show_file(file: &SurveyedFile) {
    println!("{}, schema {}", file.key, file.schema);
    match &file.loaded {
        Ok(loaded) => {
            println!("{}", loaded.report);
            println!("SHA-256 {}", loaded.digest);
            for remark in &loaded.remarks {
                println!("{}: {}", if remark.stops { "STOPS" } else { "WARNING" }, remark.text);
            }
        }
        Err(fault) => println!("STOPS: {fault}"),
    }
    match &file.date {
        Ok(date) => println!("data of {date}"),
        Err(fault) if file.is_dated => println!("STOPS: {fault}"),
        Err(_) => println!(
            "of no declared day: a run whose plan names one is not joined with it (docs/OPERATING.md, \"The ready file\")"
        ),
    }
}

/// A data set as one JSON object.
pub(crate) fn described(survey: &Survey, usable: bool) -> Value {
    let list: Vec<Value> = survey.files.iter().map(described_file).collect();
    json!({
        "usable": usable,
        "date": survey.date().ok().map(|date| date.to_string()),
        "files": list,
        "earlier": survey.earlier,
        "alarms": survey.alarms,
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
        "date_fault": file.date.as_ref().err(),
        "report": report,
        "remarks": remarks,
        "faults": faults,
    })
}
