//! The operator's end of the socket.

use std::path::Path;

use tributary_daemon::control;

use super::pause::PauseFile;
use super::socket::{Request, Said};
use super::status::Status;
use crate::error::ClientError;
use crate::settings::Settings;

/// What the daemon of a settings file is at.
///
/// # Errors
/// If none runs, or it does not answer.
pub fn status(config: &Path) -> Result<Status, ClientError> {
    let settings = Settings::load(config)?;
    match ask(&settings.state_dir, Request::Status)? {
        Some(Said::Status(status)) => Ok(*status),
        Some(said) => Err(unexpected(&said)),
        None => Err(ClientError::File(format!(
            "{}: no daemon of these settings runs, so there is nothing to show. Start it: `tributary client run --config {}`",
            settings.state_dir.display(),
            config.display()
        ))),
    }
}

/// Has a branch leave every run and take part in none, whether or not its daemon runs; what was done, in words.
///
/// # Errors
/// If it could not be noted.
pub fn pause(config: &Path) -> Result<String, ClientError> {
    let settings = Settings::load(config)?;
    match ask(&settings.state_dir, Request::Pause)? {
        Some(Said::Paused) => {
            Ok("paused: this branch has left every run; its link to the coordinator stays".to_owned())
        }
        Some(said) => Err(unexpected(&said)),
        None => {
            PauseFile::of(&settings.state_dir).set().map_err(ClientError::file)?;
            Ok("paused: no daemon runs now, and the next one takes part in no run".to_owned())
        }
    }
}

/// Has a branch take part again.
///
/// # Errors
/// As for [`pause`].
pub fn resume(config: &Path) -> Result<String, ClientError> {
    let settings = Settings::load(config)?;
    match ask(&settings.state_dir, Request::Resume)? {
        Some(Said::Resumed) => Ok("resumed: this branch asks to be let into its runs again".to_owned()),
        Some(said) => Err(unexpected(&said)),
        None => {
            PauseFile::of(&settings.state_dir).clear().map_err(ClientError::file)?;
            Ok("resumed: no daemon runs now, and the next one takes part".to_owned())
        }
    }
}

fn unexpected(said: &Said) -> ClientError {
    ClientError::File(match said {
        Said::Fault(fault) => format!("the daemon could not do it: {fault}"),
        _ => "the daemon answered something else; compare its release with this one's, and start it anew".to_owned(),
    })
}

/// Asks the daemon of a state folder; nothing if none runs.
fn ask(state_dir: &Path, request: Request) -> Result<Option<Said>, ClientError> {
    control::ask(state_dir, &request).map_err(ClientError::File)
}
