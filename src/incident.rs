//! `tributary incident`: what people tell of incidents, and their timelines from the journal.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::told::{read_incident, sign_incident, write_incident};
use tributary_coordinator::registry::{Recordable, export_incident, federation, incidents, put_on_record};
use tributary_evidence::report::{IncidentLine, TimelineLine};
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::counted;
use tributary_protocol::registry::{IncidentStep, IncidentWord, Severity, Sight, SignedIncident};
use tributary_protocol::role::Role;
use tributary_storage::files::{Existing, shown, write_private};

use crate::certs::unix_seconds;
use crate::exit::{Exit, Failure};
use crate::inspect::{Asked, InspectionOptions};
use crate::verify::Beside;
use crate::{json, typed};

/// `tributary incident`.
#[derive(Subcommand)]
pub(crate) enum IncidentCommand {
    /// Tell that an incident has begun
    Open(TellOptions),
    /// Tell what is known of an incident that is open
    Note {
        /// The incident: its number, or the first 8 or more digits of its digest
        incident: String,
        #[command(flatten)]
        tell: TellOptions,
    },
    /// Tell that an incident is over: another person than the one who opened it
    Close {
        /// The incident: its number, or the first 8 or more digits of its digest
        incident: String,
        #[command(flatten)]
        tell: TellOptions,
    },
    /// Record a word that was signed elsewhere and carried here
    Install {
        /// The word, as `--out` wrote it
        file: PathBuf,
        /// The coordinator's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Every incident, each in one line
    List {
        #[command(flatten)]
        look: LookOptions,
    },
    /// One incident with its timeline: what people told, and what the journal has of that time
    Show {
        /// The incident: its number, or the first 8 or more digits of its digest
        incident: String,
        #[command(flatten)]
        look: LookOptions,
    },
    /// Write one incident as a file that somebody without the journal can verify (`tributary verify incident`)
    Export {
        /// The incident: its number, or the first 8 or more digits of its digest
        incident: String,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        look: LookOptions,
    },
}

/// What is told, by whom, and where it goes.
#[derive(Args)]
pub(crate) struct TellOptions {
    /// What: one line of 500 characters at most, without numbers of customers
    text: String,
    /// The folder of whoever signs (`tributary certs person request`)
    #[arg(long, value_name = "DIR")]
    person: PathBuf,
    /// In which role
    #[arg(long, value_name = "ROLE", value_parser = typed::role())]
    role: Role,
    /// How bad it is, by what is known now
    #[arg(long, value_name = "SEVERITY", value_parser = typed::word(Severity::ALL, Severity::name))]
    severity: Severity,
    /// When it happened, YYYY-MM-DDTHH:MM:SSZ [default: now]
    #[arg(long, value_name = "TIME", value_parser = typed::moment)]
    happened: Option<u64>,
    /// The coordinator's settings file: the word is recorded at once
    #[arg(long, value_name = "FILE", required_unless_present = "out")]
    config: Option<PathBuf>,
    /// Elsewhere than at the coordinator: the list of roster authorities, which names the federation
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with = "config")]
    authorities: Option<PathBuf>,
    /// Elsewhere than at the coordinator: where the signed word is written, to be carried there (`tributary incident install`)
    #[arg(long, value_name = "FILE", requires = "authorities")]
    out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Of what incidents are shown.
#[derive(Args)]
pub(crate) struct LookOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    inspection: InspectionOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: &IncidentCommand) -> Result<Exit, Failure> {
    match command {
        IncidentCommand::Open(tell) => told(IncidentStep::Open, None, tell),
        IncidentCommand::Note { incident, tell } => told(IncidentStep::Note, Some(incident), tell),
        IncidentCommand::Close { incident, tell } => told(IncidentStep::Close, Some(incident), tell),
        IncidentCommand::Install { file, config, json } => {
            recorded(config, read_incident(file).map_err(Failure::failed)?, *json)
        }
        IncidentCommand::List { look } => list(look),
        IncidentCommand::Show { incident, look } => show(incident, look),
        IncidentCommand::Export { incident, output, look } => export(incident, output, look),
    }
}

fn told(step: IncidentStep, incident: Option<&String>, options: &TellOptions) -> Result<Exit, Failure> {
    let TellOptions { text, person, role, severity, happened, config, authorities, out, json } = options;
    let federation = match (config, authorities) {
        (Some(config), _) => federation(config).map_err(Failure::failed)?,
        (None, Some(list)) => RosterAuthorities::read(list).map_err(Failure::failed)?.digest(),
        (None, None) => {
            return Err(Failure::usage("name the coordinator's settings with --config, or --authorities and --out"));
        }
    };
    let incident = match (incident, config) {
        (None, _) => Digest::ZERO,
        (Some(asked), Some(config)) => meant(all(config)?, asked)?.1,
        (Some(asked), None) => Digest::from_hex(asked).ok_or_else(|| {
            Failure::usage(
                "elsewhere than at the coordinator an incident is named by all 64 digits (`tributary incident list`)",
            )
        })?,
    };
    let person = SigningPerson::open(person).map_err(Failure::failed)?;
    let now = unix_seconds();
    let word = IncidentWord {
        federation,
        step,
        incident,
        severity: *severity,
        happened: happened.unwrap_or(now),
        text: text.as_str().into(),
    };
    let word = sign_incident(&person, *role, word, now).map_err(Failure::failed)?;
    match (out, config) {
        (Some(out), _) => {
            write_incident(&word, out).map_err(Failure::failed)?;
            if *json {
                json::print(&serde_json::json!({ "file": out, "word": word.id().to_string() }));
            } else {
                println!(
                    "{}: signed by {}; carry it to the coordinator and record it there (`tributary incident install`)",
                    shown(out),
                    person.staff()
                );
            }
            Ok(Exit::Done)
        }
        (None, Some(config)) => recorded(config, word, *json),
        (None, None) => Err(Failure::usage("name the coordinator's settings with --config")),
    }
}

fn recorded(config: &Path, word: SignedIncident, json: bool) -> Result<Exit, Failure> {
    let id = word.id();
    let incident = if word.word.step == IncidentStep::Open { id } else { word.word.incident };
    let words = put_on_record(config, &Recordable::Incident(Box::new(word))).map_err(Failure::failed)?;
    if json {
        json::print(&serde_json::json!({
            "recorded": words, "word": id.to_string(), "incident": incident.to_string(),
        }));
    } else {
        println!("recorded in the journal: {words}");
    }
    Ok(Exit::Done)
}

fn all(config: &Path) -> Result<Vec<IncidentLine>, Failure> {
    incidents(config, Beside::of).map_err(Failure::failed)
}

/// The one that is meant, and its digest.
fn meant(lines: Vec<IncidentLine>, asked: &str) -> Result<(IncidentLine, Digest), Failure> {
    let line = IncidentLine::meant(lines, asked).map_err(Failure::failed)?;
    let digest = Digest::from_hex(&line.incident).ok_or_else(|| Failure::failed("its digest is none"))?;
    Ok((line, digest))
}

fn list(look: &LookOptions) -> Result<Exit, Failure> {
    look.inspection.record(&look.config, &Asked::of(Sight::Incidents, "all"))?;
    let lines = all(&look.config)?;
    if look.json {
        json::print(&serde_json::json!({ "incidents": lines }));
        return Ok(Exit::Done);
    }
    if lines.is_empty() {
        println!("no incident was opened");
    }
    for line in &lines {
        println!("{}", head(line));
    }
    Ok(Exit::Done)
}

fn show(asked: &str, look: &LookOptions) -> Result<Exit, Failure> {
    look.inspection.record(&look.config, &Asked::of(Sight::Incidents, asked))?;
    let (line, _) = meant(all(&look.config)?, asked)?;
    if look.json {
        json::print(&line);
        return Ok(Exit::Done);
    }
    println!("{}\n  {}", head(&line), line.incident);
    line.timeline.iter().for_each(|of| println!("{}", told_line(of)));
    Ok(Exit::Done)
}

fn export(asked: &str, output: &Path, look: &LookOptions) -> Result<Exit, Failure> {
    if output.exists() {
        return Err(Failure::failed(format!(
            "{} exists; evidence is not replaced. Name another file",
            output.display()
        )));
    }
    look.inspection.record(&look.config, &Asked::of(Sight::Incidents, asked))?;
    let file = export_incident(&look.config, asked, Beside::of).map_err(Failure::failed)?;
    write_private(output, file.to_json().as_bytes(), Existing::Keep).map_err(Failure::failed)?;
    if look.json {
        json::print(&serde_json::json!({
            "file": output, "digest": file.digest(), "key": file.key(), "entries": file.paper.entries.len(),
        }));
    } else {
        println!(
            "{}: incident {} with {} of the journal, each with its proof\n  digest  {}\n  key     {}",
            output.display(),
            file.paper.incident.number,
            counted(file.paper.entries.len(), "entry"),
            file.digest(),
            file.key()
        );
    }
    Ok(Exit::Done)
}

fn head(line: &IncidentLine) -> String {
    let IncidentLine { number, state, severity, happened, opened_by, closed, closed_by, .. } = line;
    let closed = match (closed, closed_by) {
        (Some(at), Some(by)) => format!(", closed {at} by {by}"),
        _ => String::new(),
    };
    let words = line.timeline.iter().find(|of| of.what == "incident-open").map_or("", |of| of.text.as_str());
    format!("incident {number}, {state}, {severity}: began {happened}, opened by {opened_by}{closed}: {words}")
}

fn told_line(of: &TimelineLine) -> String {
    let TimelineLine { entry, at, what, run, who, role, severity, text, .. } = of;
    let more = [run, severity, who, role].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    format!("  {at}  entry {entry:>6}  {what}  {more}: {text}")
}
