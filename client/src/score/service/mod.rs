//! `tributary client serve-scores`: customers scored one by one, for the branch's own systems on this machine.
//!
//! It listens on a Unix socket of mode 0600, or on a loopback address, where each request shows a token. A page in a browser reaches neither: the Host header
//! must name this place, an Origin is refused, and no answer lets another site read it.
//!
//! | bound | |
//! |---|---|
//! | connections at once | 32; a further one is told 503 and closed |
//! | requests that are worked on at once | 4; a further one is told 503 |
//! | body | 1 MiB, 1,000 customers |
//! | head of a request, one request, one connection | 5, 10 and 60 seconds |
//!
//! Whether the model may be used is judged before each request. No line of a log has a value of a customer.

mod app;
mod current;
mod door;
mod guard;
mod openapi;
mod question;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tributary_daemon::StopSignal;
use tributary_texts::{Language, Said, score as words};

use self::app::Service;
use self::current::Current;
use self::door::Door;
use super::rater::Turn;
use crate::data::read_schema;
use crate::error::ClientError;
use crate::settings::Settings;

/// Options of `client serve-scores`.
pub struct ServeOptions {
    /// The settings file.
    pub config: PathBuf,
    /// `champion`, `challenger`, or the first digits of a model's digest.
    pub model: String,
    /// The socket; by default in the state folder.
    pub socket: Option<PathBuf>,
    /// A loopback address instead, and the file with the token.
    pub listen: Option<(SocketAddr, PathBuf)>,
    /// Of answers that do not ask for another one.
    pub language: Language,
}

/// The name of the socket in the state folder.
const SOCKET: &str = "scores.sock";

/// Serves until somebody wishes to stop. `now` gives the seconds of the Unix clock; `tell` is told where it listens.
///
/// # Errors
/// If the model may not be used, or nothing can be listened on.
pub fn serve_scores(options: &ServeOptions, now: fn() -> u64, tell: &dyn Fn(&Said)) -> Result<(), ClientError> {
    let settings = Settings::load(&options.config)?;
    let schema = read_schema(&settings.schema_file)?;
    let socket = options.socket.clone().unwrap_or_else(|| settings.state_dir.join(SOCKET));
    let current = Current::new(settings, schema, options.model.clone());
    // What cannot be served is told now, and not to the first who asks.
    let rater = current.rater(now())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(ClientError::Runtime)?.block_on(async {
        let mut stop = StopSignal::listen();
        let door = match &options.listen {
            Some((address, token)) => Door::loopback(*address, token).await?,
            None => Door::socket(&socket)?,
        };
        let model = &rater.judge(Turn::Named).model;
        tell(&words::serving(door.place(), model.digest, words::state(model.state)));
        rater.doubt.iter().for_each(|doubt| tell(&words::warns(doubt)));
        drop(rater);
        let service = Arc::new(Service::new(current, door.guard(), options.language, now));
        tokio::select! {
            () = stop.wished() => {}
            () = door.serve(app::router(service)) => {}
        }
        tell(&words::served());
        Ok(())
    })
}
