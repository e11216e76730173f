//! Whether this branch joins a run whose plan says of which day the data must be.
//!
//! The answer rests on the operator's word, on the day and on the files' digests: never on a row. What the coordinator is told is that this branch is
//! not ready; why, stays here.

use tributary_protocol::plan::{Date, Plan, RunRef};

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
        reason: String,
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

    /// What to tell the operator where the files on the disk are other ones than those that were said to be ready.
    ///
    /// # Errors
    /// If a file of the folder cannot be used.
    pub fn replaced(&self, asked: Invitation<'_>, found: FileDigests) -> Result<Answer, ClientError> {
        let Some(as_of) = asked.plan.readiness.as_of.of_run(asked.begun) else { return Ok(Answer::Undated) };
        self.ask(&asked.noted(as_of))?;
        let before = match self.used(asked.run)? {
            Some(used) => format!("the run was joined with {}", used.statement.files.data),
            None => match self.word(asked.run, as_of)? {
                Some(word) => format!("{} was said to be ready", word.files.data),
                None => "nothing was said to be ready".to_owned(),
            },
        };
        let reason = format!(
            "{}: {before}, and the file that is here now has SHA-256 {}. Put the first one back, or look at the new one and say that it is ready: \
             `tributary client ready --run {}`",
            asked.words(as_of),
            found.data,
            asked.short()
        );
        Ok(Answer::NotReady { as_of, reason })
    }

    fn lacking(&self, asked: Invitation<'_>, as_of: Date) -> Result<String, ClientError> {
        let last = self.words()?.into_iter().next();
        let said = match last {
            Some(word) => format!("the last data that were said to be ready are of {}", word.date),
            None => "nobody has said here that any data are ready".to_owned(),
        };
        Ok(format!(
            "{}; {said}. Put the data of that day in place, look at them (`tributary client dataset check`), and say that they are ready: \
             `tributary client ready --run {}`",
            asked.words(as_of),
            asked.short()
        ))
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

    fn words(&self, as_of: Date) -> String {
        format!("{} run {} ({}) wants data of {as_of}", self.plan.name, self.run.number, self.short())
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
