//! Whether this branch joins a run whose plan says of which day the data must be.
//!
//! The answer rests on the operator's word, on the day and on the files' digests: never on a row. What the coordinator is told is that this branch is
//! not ready; why, stays here.

use tributary_protocol::plan::{Date, Plan, RunRef};
use tributary_texts::{Said, ready as words};

use super::store::{AskedRun, FileDigests, Statement, Store};
use crate::error::ClientError;

/// A run, as a branch is asked about it.
#[derive(Clone, Copy)]
pub struct Invitation<'a> {
    /// Which run it is.
    pub run: RunRef,
    /// Its plan.
    pub plan: &'a Plan,
    /// When it began, in seconds of the Unix clock, by the coordinator's signed word.
    pub begun: u64,
}

/// What a branch makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The plan wants no data of a day.
    Undated,
    /// The operator has given the word, and these are the files.
    Ready(Statement),
    /// Other files than those in memory are ready: they are to be read.
    ReadAgain,
    /// It does not join now.
    NotReady {
        /// Of which day the data must be.
        as_of: Date,
        /// Why, and what to do. For the operator alone.
        reason: Said,
    },
}

impl Store {
    /// Judges an invitation by the files that are in memory.
    ///
    /// # Errors
    /// If a file of the folder cannot be used.
    pub fn judge(&self, asked: Invitation<'_>, files: FileDigests) -> Result<Answer, ClientError> {
        let Some(as_of) = asked.plan.readiness.as_of.of_run(asked.begun) else { return Ok(Answer::Undated) };
        let Some(word) = self.word(asked.run, as_of)? else {
            self.ask(&asked.noted(as_of))?;
            let reason = self.lacking(asked, as_of)?;
            return Ok(Answer::NotReady { as_of, reason });
        };
        if word.files != files {
            return Ok(Answer::ReadAgain);
        }
        self.join(asked.run, &word)?;
        Ok(Answer::Ready(word))
    }

    /// What to tell the operator where the files that were read are other ones than those that were said to be ready. Which ones they are depends on
    /// rows: `tributary client ready` and `dataset check` show that, and no line of a daemon.
    ///
    /// # Errors
    /// If a file of the folder cannot be used.
    pub fn replaced(&self, asked: Invitation<'_>) -> Result<Answer, ClientError> {
        let Some(as_of) = asked.plan.readiness.as_of.of_run(asked.begun) else { return Ok(Answer::Undated) };
        self.ask(&asked.noted(as_of))?;
        let before = match (self.used(asked.run)?, self.word(asked.run, as_of)?) {
            (Some(_), _) => words::joined_with_another(),
            (None, Some(_)) => words::said_of_another(),
            (None, None) => words::nothing_said(),
        };
        Ok(Answer::NotReady { as_of, reason: words::replaced(asked.words(as_of), before, asked.short()) })
    }

    fn lacking(&self, asked: Invitation<'_>, as_of: Date) -> Result<Said, ClientError> {
        let last = self.words()?.into_iter().next();
        let said = last.map_or_else(words::no_word, |word| words::last_word(word.date));
        Ok(words::lacking(asked.words(as_of), said, asked.short()))
    }
}

impl Invitation<'_> {
    fn noted(&self, as_of: Date) -> AskedRun {
        let RunRef { plan, number } = self.run;
        AskedRun { plan, number, name: self.plan.name.to_string(), as_of }
    }

    fn short(&self) -> String {
        format!("{}/{}", self.run.plan.short(), self.run.number)
    }

    fn words(&self, as_of: Date) -> Said {
        words::wants(&self.plan.name, self.run.number, self.run.plan.short(), as_of)
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
