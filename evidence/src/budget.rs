//! A branch's budget file: nothing left the branch that was not charged before.

use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::printable::counted;
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{BudgetRecord, ParticipantEvent};

use crate::entries::{Bad, Entry};

/// What a verified budget file says.
#[derive(Debug, Serialize)]
pub struct BudgetReport {
    /// Entries of the file.
    pub entries: usize,
    /// Digest over all of them.
    pub head: String,
    /// Charges and adoptions, and one for the first use.
    pub counter: u64,
    /// Heads that were adopted: the file was an older copy so often, or took the place of a lost one.
    pub heads_adopted: usize,
    /// Epsilon of everything ever charged for a customer. Nothing where a charge has no finite epsilon at this delta.
    pub epsilon: Option<f64>,
    /// Epsilon of what of it counts within a year: the present day and the 364 or 365 before it, as far as the file knows that time has passed.
    pub epsilon_year: Option<f64>,
    /// What open runs add to the epsilon for life with all that they may still charge.
    pub epsilon_reserved: Option<f64>,
    /// Epsilon of everything ever charged for the branch as one unit; 0 where no plan was in mode branch.
    pub epsilon_branch: Option<f64>,
    /// What of that counts within a year.
    pub epsilon_branch_year: Option<f64>,
    /// Delta of all epsilons here.
    pub delta: f64,
    /// Deviations: raises of the caps, each in words.
    pub cap_raises: Vec<String>,
    /// What each run charged.
    pub runs: Vec<RunSpendReport>,
}

/// What one run charged.
#[derive(Debug, Serialize)]
pub struct RunSpendReport {
    /// Digest of the plan.
    pub plan: String,
    /// Which of its runs, from 1.
    pub run: u32,
    /// Rounds charged, of all stages.
    pub rounds: u32,
    /// The last round.
    pub last_round: u64,
    /// Epsilon of these rounds alone, for a customer.
    pub epsilon: Option<f64>,
    /// The same for the branch as one unit.
    pub epsilon_branch: Option<f64>,
}

/// Follows a budget file from its first entry.
///
/// # Errors
/// The first entry that breaks a rule.
pub(crate) fn audit(entries: &[Entry<ParticipantEvent>], head: String, delta: f64) -> Result<BudgetReport, Bad> {
    let mut record = BudgetRecord::default();
    let mut cap_raises = Vec::new();
    for entry in entries {
        if matches!(entry.event, ParticipantEvent::CapRaised { .. }) {
            cap_raises.push(record.describe(&entry.event, None));
        }
        // Of rosters the file has digests alone: heads are verified where a roster is at hand.
        record.verify::<RealSuite>(&entry.event, None).map_err(|reason| entry.bad(reason))?;
        record.apply(&entry.event);
    }
    let runs = record.runs.iter().map(|(run, spend)| RunSpendReport {
        plan: run.plan.to_string(),
        run: run.number,
        rounds: spend.charged.rounds.iter().fold(0, |sum, rounds| sum.saturating_add(*rounds)),
        last_round: spend.charged.last_round,
        epsilon: finite(Unit::Customer, &spend.spent, delta),
        epsilon_branch: finite(Unit::Branch, &spend.spent, delta),
    });
    let of = |unit, spent: &Accounts| finite(unit, spent, delta);
    let (spent, all) = (of(Unit::Customer, &record.spent), record.spent.plus(&record.reserved()));
    Ok(BudgetReport {
        entries: entries.len(),
        head,
        counter: record.counter,
        heads_adopted: entries
            .iter()
            .filter(|entry| matches!(entry.event, ParticipantEvent::HeadAdopted { .. }))
            .count(),
        epsilon: spent,
        epsilon_year: of(Unit::Customer, &record.year.spent()),
        epsilon_reserved: of(Unit::Customer, &all).zip(spent).map(|(all, spent)| (all - spent).max(0.0)),
        epsilon_branch: of(Unit::Branch, &record.spent),
        epsilon_branch_year: of(Unit::Branch, &record.year.spent()),
        delta,
        cap_raises,
        runs: runs.collect(),
    })
}

fn finite(unit: Unit, spent: &Accounts, delta: f64) -> Option<f64> {
    Some(epsilon_of(spent.of(unit), delta).0).filter(|epsilon| epsilon.is_finite())
}

impl fmt::Display for BudgetReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |epsilon: Option<f64>| epsilon.map_or("unbounded".to_owned(), |epsilon| format!("{epsilon:.6}"));
        writeln!(formatter, "  branch's budget file, {}", counted(self.entries, "entry"))?;
        writeln!(formatter, "  head     {}", self.head)?;
        let adopted = self.heads_adopted;
        writeln!(formatter, "  counter  {}, {} adopted from older copies", self.counter, counted(adopted, "head"))?;
        write!(formatter, "  spent    epsilon {} at delta {:e} for a customer", shown(self.epsilon), self.delta)?;
        if self.epsilon_branch != Some(0.0) {
            write!(formatter, ", and {} for the branch as one unit", shown(self.epsilon_branch))?;
        }
        write!(formatter, "\n  year     epsilon {} of it within a year", shown(self.epsilon_year))?;
        if self.epsilon_branch_year != Some(0.0) {
            write!(formatter, ", and {} for the branch as one unit", shown(self.epsilon_branch_year))?;
        }
        write!(formatter, "\n  reserved epsilon {} more, by runs that are not over", shown(self.epsilon_reserved))?;
        for raise in &self.cap_raises {
            write!(formatter, "\n  {raise}")?;
        }
        for run in &self.runs {
            let RunSpendReport { plan, run, rounds, last_round, epsilon, .. } = run;
            write!(
                formatter,
                "\n  plan     {plan}, run {run}: {}, the last is {last_round}, epsilon {}",
                counted(rounds, "round"),
                shown(*epsilon)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
