//! What a daemon is at: its link, each run with what it waits for, and what happened last.

use serde::{Deserialize, Serialize};
use tributary_texts::{Said, screen};

use crate::telemetry::{LastEvent, RunName};
use crate::witness::WitnessStatus;

/// Everything that a daemon says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The link to the coordinator.
    pub link: LinkStatus,
    /// The runs.
    #[serde(flatten)]
    pub runs: RunsStatus,
    /// How this branch stands as a witness of the coordinator's journal.
    pub log: WitnessStatus,
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

/// A moment in Unix milliseconds, beside the time now.
fn at(unix_ms: u64, now_unix_ms: u64) -> Said {
    match unix_ms.checked_sub(now_unix_ms) {
        Some(left) => screen::in_seconds(left.div_ceil(1000)),
        None => screen::now(),
    }
}

impl Status {
    /// In words, at a time of this machine's clock.
    #[must_use]
    pub fn lines(&self, now_unix_ms: u64) -> Vec<Said> {
        let at = |unix_ms| at(unix_ms, now_unix_ms);
        let seconds_since = |second: u64| (now_unix_ms / 1000).saturating_sub(second);
        let mut lines = vec![match &self.link {
            LinkStatus::Connecting => screen::link_connecting(),
            LinkStatus::Connected { coordinator, transport, since } => {
                screen::link_connected(coordinator, transport, seconds_since(*since))
            }
            LinkStatus::Waiting { reason, again_unix_ms } => screen::link_waiting(reason, at(*again_unix_ms)),
        }];
        let RunsStatus { paused, runs, put_off, invited } = &self.runs;
        if *paused {
            lines.push(screen::status_paused());
        }
        if runs.is_empty() && put_off.is_empty() && invited.is_empty() {
            lines.push(screen::status_no_runs());
        }
        for RunStatus { of, reason, deadline_unix_ms, next } in runs {
            let until = deadline_unix_ms.map(|deadline| screen::status_until(at(deadline), next));
            lines.push(screen::status_run(of.said(), reason, until.unwrap_or_else(Said::empty)));
        }
        for PutOffStatus { of, reason, again_unix_ms } in put_off {
            lines.push(screen::status_put_off(of.said(), reason, at(*again_unix_ms)));
        }
        lines.extend(invited.iter().map(screen::status_invited));
        lines.push(match (self.log.entries, self.log.cosigned) {
            (None, _) => screen::status_log_none(),
            (Some(entries), None) => screen::status_log_seen(entries),
            (Some(entries), Some(at)) => screen::status_log(entries, seconds_since(at)),
        });
        if !self.log.refused.is_empty() {
            lines.push(screen::status_log_refused(self.log.refused.len()));
        }
        lines.extend(self.events.iter().map(|LastEvent { at, text, text_zh, .. }| {
            let seconds = format!("{:>6}", seconds_since(*at));
            screen::status_event(seconds, Said::verbatim(text_zh).with_english(text))
        }));
        lines
    }
}
