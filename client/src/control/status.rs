//! What a daemon is at: its link, each run with what it waits for, and what happened last.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::telemetry::{LastEvent, RunName};

/// Everything that a daemon says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The link to the coordinator.
    pub link: LinkStatus,
    /// The runs.
    #[serde(flatten)]
    pub runs: RunsStatus,
    /// The last events, the oldest first.
    pub events: Vec<LastEvent>,
}

/// The link to the coordinator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkStatus {
    /// The first attempt is under way.
    Connecting,
    /// It stands.
    Connected {
        /// The coordinator's identity.
        coordinator: String,
        /// `quic` or `tcp`.
        transport: String,
        /// Since this Unix second.
        since: u64,
    },
    /// Another attempt follows.
    Waiting {
        /// Why, and what to do.
        reason: String,
        /// Unix milliseconds of the next attempt.
        again_unix_ms: u64,
    },
}

/// The runs of a branch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunsStatus {
    /// The operator has this branch take part in nothing.
    pub paused: bool,
    /// Those that it takes part in, or asks to.
    pub runs: Vec<RunStatus>,
    /// Those that it has refused or heard nothing of, and asks about again.
    pub put_off: Vec<PutOffStatus>,
    /// Those that wait for a place.
    pub invited: Vec<String>,
}

/// What a run waits for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunStatus {
    /// Which run.
    #[serde(flatten)]
    pub of: RunName,
    /// What it waits for.
    pub reason: String,
    /// Until this Unix millisecond, if there is a limit.
    pub deadline_unix_ms: Option<u64>,
    /// What is done then.
    pub next: String,
}

/// A run that is asked about again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PutOffStatus {
    /// Which run.
    #[serde(flatten)]
    pub of: RunName,
    /// Why it is put off.
    pub reason: String,
    /// When it is asked about again, in Unix milliseconds.
    pub again_unix_ms: u64,
}

/// A moment in Unix milliseconds, beside the seconds from now to it.
struct At {
    unix_ms: u64,
    now_unix_ms: u64,
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unix_ms.checked_sub(self.now_unix_ms) {
            Some(left) => write!(out, "in {} s", left.div_ceil(1000)),
            None => out.write_str("now"),
        }
    }
}

impl Status {
    /// In words, at a time of this machine's clock.
    #[must_use]
    pub fn lines(&self, now_unix_ms: u64) -> Vec<String> {
        let at = |unix_ms| At { unix_ms, now_unix_ms };
        let mut lines = vec![match &self.link {
            LinkStatus::Connecting => "link      the first attempt to connect is under way".to_owned(),
            LinkStatus::Connected { coordinator, transport, since } => {
                let seconds = (now_unix_ms / 1000).saturating_sub(*since);
                format!("link      connected to {coordinator} over {transport} for {seconds} s")
            }
            LinkStatus::Waiting { reason, again_unix_ms } => {
                format!("link      none: {reason}; next attempt {}", at(*again_unix_ms))
            }
        }];
        let RunsStatus { paused, runs, put_off, invited } = &self.runs;
        if *paused {
            lines.push("paused    this branch takes part in no run until `tributary client resume`".to_owned());
        }
        if runs.is_empty() && put_off.is_empty() && invited.is_empty() {
            lines.push("runs      none; the coordinator invites when one is open".to_owned());
        }
        for RunStatus { of, reason, deadline_unix_ms, next } in runs {
            let until = deadline_unix_ms.map_or_else(String::new, |deadline| format!("; {}: {next}", at(deadline)));
            lines.push(format!("runs      {of}: waits for {reason}{until}"));
        }
        for PutOffStatus { of, reason, again_unix_ms } in put_off {
            lines.push(format!("put off   {of}: {reason}; asked about again {}", at(*again_unix_ms)));
        }
        for run in invited {
            lines.push(format!("invited   {run}: waits for a place"));
        }
        for event in &self.events {
            let seconds = (now_unix_ms / 1000).saturating_sub(event.at);
            lines.push(format!("{seconds:>6} s ago  {}", event.text));
        }
        lines
    }
}
