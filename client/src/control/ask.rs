//! The operator's end of the socket.

use std::path::Path;

use tributary_daemon::control;
use tributary_texts::{self as texts, screen};

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
        None => Err(ClientError::Said(screen::no_daemon(settings.state_dir.display(), config.display()))),
    }
}

/// Has a branch leave every run and take part in none, whether or not its daemon runs; what was done, in words.
///
/// # Errors
/// If it could not be noted.
pub fn pause(config: &Path) -> Result<texts::Said, ClientError> {
    let settings = Settings::load(config)?;
    match ask(&settings.state_dir, Request::Pause)? {
        Some(Said::Paused) => Ok(screen::paused_now()),
        Some(said) => Err(unexpected(&said)),
        None => {
            PauseFile::of(&settings.state_dir).set().map_err(ClientError::file)?;
            Ok(screen::paused_later())
        }
    }
}

/// Has a branch take part again.
///
/// # Errors
/// As for [`pause`].
pub fn resume(config: &Path) -> Result<texts::Said, ClientError> {
    let settings = Settings::load(config)?;
    match ask(&settings.state_dir, Request::Resume)? {
        Some(Said::Resumed) => Ok(screen::resumed_now()),
        Some(said) => Err(unexpected(&said)),
        None => {
            PauseFile::of(&settings.state_dir).clear().map_err(ClientError::file)?;
            Ok(screen::resumed_later())
        }
    }
}

fn unexpected(said: &Said) -> ClientError {
    ClientError::Said(match said {
        Said::Fault(fault) => screen::daemon_could_not(fault),
        _ => screen::daemon_of_another_release(),
    })
}

/// Asks the daemon of a state folder; nothing if none runs.
fn ask(state_dir: &Path, request: Request) -> Result<Option<Said>, ClientError> {
    control::ask_in_both(state_dir, &request).map_err(ClientError::Said)
}
