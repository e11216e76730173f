//! The last events, for `tributary client status`.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tributary_texts::Language;

use super::{Report, sentence};

/// So many are kept.
const KEPT: usize = 20;

/// What happened, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LastEvent {
    /// Unix seconds.
    pub at: u64,
    /// In words.
    pub text: String,
    /// In Chinese words.
    pub text_zh: String,
    /// As the daemon's events have it.
    pub event: serde_json::Value,
}

/// The last events of a daemon, the oldest first.
#[derive(Default)]
pub struct Last(VecDeque<LastEvent>);

impl Last {
    /// Keeps an event, unless it holds figures of rows: those are for the screen on which they were asked for.
    pub fn keep(&mut self, at: u64, report: &Report) {
        if report.tells_of_rows() {
            return;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        let event = serde_json::to_value(report).expect("reports have no maps with keys that are not texts");
        let said = sentence(report);
        let [text, text_zh] = [Language::English, Language::Chinese].map(|language| said.text(language).to_owned());
        self.0.push_back(LastEvent { at, text, text_zh, event });
    }

    /// All that are kept.
    #[must_use]
    pub fn all(&self) -> Vec<LastEvent> {
        self.0.iter().cloned().collect()
    }
}
