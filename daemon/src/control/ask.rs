//! The operator's end of the socket.

use std::path::Path;

use serde::de::DeserializeOwned;
use tributary_texts::{Language, Said, screen};

use super::question::Question;

/// As [`ask_in_both`], for whoever speaks English alone.
///
/// # Errors
/// If it does not answer, in words for the operator.
pub fn ask<Q: Question, A: DeserializeOwned>(state_dir: &Path, question: &Q) -> Result<Option<A>, String> {
    ask_in_both(state_dir, question).map_err(|said| said.text(Language::English).to_owned())
}

/// Asks the daemon of a state folder; nothing if none runs.
///
/// # Errors
/// If it does not answer, in words for the operator.
#[cfg(unix)]
pub fn ask_in_both<Q: Question, A: DeserializeOwned>(state_dir: &Path, question: &Q) -> Result<Option<A>, Said> {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::question::{ANSWER_BYTES_MAX, SOCKET};

    let path = state_dir.join(SOCKET);
    let failed = |fault: std::io::Error| screen::daemon_silent(path.display(), fault);
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(fault) if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&fault.kind()) => return Ok(None),
        Err(fault) => return Err(failed(fault)),
    };
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).and_then(|()| stream.set_write_timeout(patience)).map_err(failed)?;
    stream.write_all(format!("{}\n", question.line()).as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).map_err(failed)?;
    serde_json::from_slice(&answer).map(Some).map_err(|fault| failed(fault.into()))
}

/// There are no such sockets outside Unix.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn ask_in_both<Q: Question, A: DeserializeOwned>(_: &Path, _: &Q) -> Result<Option<A>, Said> {
    Ok(None)
}
