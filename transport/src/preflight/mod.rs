//! What a preflight finds: each line says what was tried, what was seen, what it means and what to ask of whom.

mod clocks;
mod machine;
mod trial;
mod ways;

use std::fmt;

use serde::Serialize;
use tributary_texts::{Language, Piece, Said, preflight as words};

pub use machine::{disk, open_files, udp_buffers};
pub use trial::TrialKeys;
pub use ways::network;

/// What a finding is about; the exit code of a preflight that found it at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A name has no address.
    Name = 10,
    /// UDP does not get through.
    Udp = 11,
    /// TCP does not get through.
    Tcp = 12,
    /// A proxy does not let the connection through.
    Proxy = 13,
    /// Packets of the smallest size that QUIC needs do not get through.
    Mtu = 14,
    /// The two clocks differ.
    Clock = 15,
    /// A certificate, or the handshake.
    Certificate = 16,
    /// A disk is full or not writable.
    Disk = 17,
    /// A file may not be used, or others may use it.
    Files = 18,
    /// The branch's data or its schema.
    Data = 19,
    /// The coordinator refuses this client.
    Refused = 20,
    /// A port of this machine cannot be opened.
    Port = 21,
    /// A limit of the operating system is too low.
    System = 22,
    /// A hook by which people are told.
    Notices = 23,
    /// The second copy of the coordinator's journal.
    AuditSink = 24,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Works, but not as well as it could.
    Warning,
    /// Must be mended.
    Fault,
}

/// One line. Programs read its English words.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What it is about.
    pub cause: Cause,
    /// How it ended.
    pub outcome: Outcome,
    /// What was tried.
    pub tried: String,
    /// What was seen.
    pub seen: String,
    /// What that means; empty where everything is as it should be.
    pub means: String,
    /// What to ask of whom; empty where nothing is.
    pub ask: String,
    /// The same four, for people.
    #[serde(skip)]
    said: [Said; 4],
}

/// Everything that was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds what is as it should be.
    pub fn good(&mut self, cause: Cause, tried: impl Piece, seen: impl Piece) {
        self.tell(cause, Outcome::Ok, [Said::of(tried), Said::of(seen), Said::empty(), Said::empty()]);
    }

    /// Adds what is not, in words that are English alone.
    pub fn bad(&mut self, cause: Cause, outcome: Outcome, sentences: [&str; 4]) {
        self.tell(cause, outcome, sentences.map(Said::verbatim));
    }

    /// Adds what is not.
    pub fn tell(&mut self, cause: Cause, outcome: Outcome, said: [Said; 4]) {
        let [tried, seen, means, ask] = said.each_ref().map(|said| said.text(Language::English).to_owned());
        self.0.push(Finding { cause, outcome, tried, seen, means, ask, said });
    }

    /// Adds a check whose error says by itself what it means and what to do.
    pub fn checked<T, E: Piece, S: Piece>(
        &mut self,
        cause: Cause,
        tried: impl Piece,
        result: Result<T, E>,
        seen: impl FnOnce(&T) -> S,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.good(cause, tried, seen(&value));
                Some(value)
            }
            Err(fault) => {
                let (means, ask) = (words::would_not_start(), words::as_the_message_says());
                self.tell(cause, Outcome::Fault, [Said::of(tried), Said::of(fault), means, ask]);
                None
            }
        }
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Finding] {
        &self.0
    }

    /// 0, or the first fault's cause.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let fault = self.0.iter().find(|finding| finding.outcome == Outcome::Fault);
        fault.map_or(0, |finding| finding.cause as u8)
    }

    /// For people, in this language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let mut lines = Vec::new();
        for Finding { cause, outcome, said: [tried, seen, means, ask], .. } in &self.0 {
            let mark = match outcome {
                Outcome::Ok => words::mark_good(),
                Outcome::Warning => words::mark_warning(),
                Outcome::Fault => words::mark_fault(),
            };
            lines.push(words::finding(mark, tried, seen));
            if *outcome != Outcome::Ok {
                lines.push(words::means(means));
                lines.push(words::ask(ask.text(language).replace('\n', "\n                 ")));
            }
            if *outcome == Outcome::Fault {
                lines.push(words::code(*cause as u8));
            }
        }
        lines.iter().map(|line| format!("{}\n", line.text(language))).collect()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text(Language::English))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_first_fault_s_cause() {
        let mut found = Findings::default();
        assert_eq!(found.exit_code(), 0);
        found.good(Cause::Name, "looking", "fine");
        found.bad(Cause::Udp, Outcome::Warning, ["a", "b", "c", "d"]);
        assert_eq!(found.exit_code(), 0);
        found.bad(Cause::Clock, Outcome::Fault, ["a", "b", "c", "d\ne"]);
        found.bad(Cause::Disk, Outcome::Fault, ["a", "b", "c", "d"]);
        assert_eq!(found.exit_code(), 15);
        let text = found.to_string();
        assert!(found.text(Language::Chinese).contains("代码   15"));
        assert!(
            text.contains("warning a: b\n          means  c\n          ask    d\n") && text.contains("code   15"),
            "{text}"
        );
    }
}
