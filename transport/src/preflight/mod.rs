//! What a preflight finds: each line says what was tried, what was seen, what it means and what to ask of whom.

mod clocks;
mod machine;
mod trial;
mod ways;

use std::fmt;

use serde::Serialize;

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

/// One line.
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
}

/// Everything that was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds what is as it should be.
    pub fn good(&mut self, cause: Cause, tried: impl Into<String>, seen: impl Into<String>) {
        self.add(cause, Outcome::Ok, [tried.into(), seen.into(), String::new(), String::new()]);
    }

    /// Adds what is not.
    pub fn bad(&mut self, cause: Cause, outcome: Outcome, sentences: [&str; 4]) {
        self.add(cause, outcome, sentences.map(str::to_owned));
    }

    /// Adds a check whose error says by itself what it means and what to do.
    pub fn checked<T, E: fmt::Display>(
        &mut self,
        cause: Cause,
        tried: &str,
        result: Result<T, E>,
        seen: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.good(cause, tried, seen(&value));
                Some(value)
            }
            Err(fault) => {
                let means = "the daemon would not start, or could not take part";
                self.bad(cause, Outcome::Fault, [tried, &fault.to_string(), means, "what the message says"]);
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

    fn add(&mut self, cause: Cause, outcome: Outcome, [tried, seen, means, ask]: [String; 4]) {
        self.0.push(Finding { cause, outcome, tried, seen, means, ask });
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { cause, outcome, tried, seen, means, ask } in &self.0 {
            let mark = match outcome {
                Outcome::Ok => "ok     ",
                Outcome::Warning => "warning",
                Outcome::Fault => "FAULT  ",
            };
            writeln!(formatter, "{mark} {tried}: {seen}")?;
            if *outcome != Outcome::Ok {
                writeln!(
                    formatter,
                    "          means  {means}\n          ask    {}",
                    ask.replace('\n', "\n                 ")
                )?;
            }
            if *outcome == Outcome::Fault {
                writeln!(formatter, "          code   {}", *cause as u8)?;
            }
        }
        Ok(())
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
        assert!(
            text.contains("warning a: b\n          means  c\n          ask    d\n") && text.contains("code   15"),
            "{text}"
        );
    }
}
