//! `tributary config check`: which daemon a settings file is for, and every fault of it.

use std::path::{Path, PathBuf};

use clap::Args;
use tributary_settings::{Document, Fault, Faults};

use crate::exit::{Exit, Failure};
use crate::json;

/// What to check.
#[derive(Args)]
pub(crate) struct CheckOptions {
    /// The settings file
    file: PathBuf,
    /// Print what was found as one JSON object
    #[arg(long)]
    json: bool,
}

/// Whose settings a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Daemon {
    Coordinator,
    Client,
}

/// Checks a settings file without opening a port or touching a state directory.
///
/// # Errors
/// Only with `--json` off: every fault, as the message.
pub(crate) fn run(options: &CheckOptions) -> Result<Exit, Failure> {
    match (check(&options.file), options.json) {
        (Ok(report), false) => println!("{}: no fault\n{}", options.file.display(), report.text.trim_end()),
        (Ok(report), true) => json::print(
            &serde_json::json!({ "file": options.file, "daemon": report.daemon, "valid": true, "found": report.fields }),
        ),
        (Err(faults), false) => return Err(Failure::settings(faults)),
        (Err(faults), true) => {
            let list: Vec<serde_json::Value> = faults.faults.iter().map(describe).collect();
            json::print(&serde_json::json!({ "file": options.file, "valid": false, "faults": list }));
            return Ok(Exit::Settings);
        }
    }
    Ok(Exit::Done)
}

/// What a good file says.
struct Report {
    daemon: &'static str,
    text: String,
    fields: serde_json::Value,
}

fn check(file: &Path) -> Result<Report, Faults> {
    match daemon(file)? {
        #[cfg(feature = "coordinator")]
        Daemon::Coordinator => {
            let report = tributary_coordinator::cli::check(file)?;
            let fields = serde_json::to_value(&report).expect("a report is plain data");
            Ok(Report { daemon: "coordinator", text: report.to_string(), fields })
        }
        #[cfg(feature = "client")]
        Daemon::Client => {
            let now = crate::certs::unix_seconds();
            let lines = tributary_client::cli::check(file, now).map_err(|error| client_faults(file, error))?;
            Ok(Report { daemon: "client", text: lines.join("\n"), fields: serde_json::json!(lines) })
        }
        #[cfg(not(all(feature = "coordinator", feature = "client")))]
        other => {
            let word = if other == Daemon::Coordinator { "coordinator" } else { "client" };
            let found = format!("settings of a {word}, which this executable was built without");
            Err(whole(file, found, format!("an executable with the feature \"{word}\"")))
        }
    }
}

/// A client's file has a table `client`; a coordinator's has no such table. Both have a table `coordinator`.
fn daemon(file: &Path) -> Result<Daemon, Faults> {
    let document = Document::open(file)?;
    if document.has("client") {
        return Ok(Daemon::Client);
    }
    if document.has("coordinator") {
        return Ok(Daemon::Coordinator);
    }
    let allowed = "a table [client], for a branch, or a table [coordinator] without it, for the coordinator; of a plan.toml, `tributary plan lint` \
                   tells the faults";
    Err(whole(file, "neither a client's nor a coordinator's tables".into(), allowed.into()))
}

/// A file that the settings name counts as a fault of the settings.
#[cfg(feature = "client")]
fn client_faults(file: &Path, error: tributary_client::error::ClientError) -> Faults {
    match error {
        tributary_client::error::ClientError::Settings(faults) => faults,
        other => whole(file, other.to_string(), "settings that name files which can be used as they are".into()),
    }
}

fn whole(file: &Path, found: String, allowed: String) -> Faults {
    Faults { file: file.to_path_buf(), faults: vec![Fault { key: "(file)".into(), found, allowed }] }
}

fn describe(fault: &Fault) -> serde_json::Value {
    serde_json::json!({ "key": fault.key, "found": fault.found, "allowed": fault.allowed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_tell_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.toml");
        let found = |text: &str| {
            std::fs::write(&file, text).unwrap();
            daemon(&file).map_err(|faults| faults.to_string())
        };
        assert_eq!(found("[client]\nstate_dir = 'x'\n[coordinator]\naddress = 'y'\n"), Ok(Daemon::Client));
        assert_eq!(found("[coordinator]\nlisten = 'y'\n"), Ok(Daemon::Coordinator));
        assert!(found("[plan]\n[charter]\n").unwrap_err().contains("tributary plan lint"));
        assert!(found("[other]\n").unwrap_err().contains("[client]"));
        assert!(found("a = = 1").unwrap_err().contains("line 1"));
        assert!(daemon(Path::new("/nowhere")).is_err());
    }
}
