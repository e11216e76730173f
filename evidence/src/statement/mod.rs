//! The privacy statement of a plan, and of the model that it gave: in figures, in words, and as answers to the questions of NIST SP 800-226.
//!
//! Everything in it follows from the coordinator's ledger: the plan whole, and what was charged. Whoever has the ledger makes the same
//! statement again, byte for byte.

mod changes;
mod facts;
mod parts;
mod protection;
mod questions;
mod stated;
mod words;

pub use facts::{Facts, NothingStated};
pub use parts::{Answer, Figures, Protection, Release, STATEMENT_VERSION, STATEMENT_WORDING, Statement};

impl Statement {
    /// Makes the statement of a ledger.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let plan = facts.plan();
        let figures = facts.figures();
        let [proposed_by, approved_by] = facts.signers();
        Self {
            version: STATEMENT_VERSION,
            wording: STATEMENT_WORDING,
            plan_name: plan.name.to_string(),
            plan: plan.digest().to_string(),
            run: facts.run_number(),
            runs: plan.runs,
            purpose: plan.purpose.to_string(),
            proposed_by,
            approved_by,
            legal_basis: plan.charter.legal_basis.to_string(),
            assessment: plan.charter.assessment.reference.to_string(),
            prohibited_use: plan.charter.prohibited_use.to_string(),
            group: plan.group.clone(),
            group_size: facts.group_size(),
            mode: plan.privacy.name(),
            unit: words::unit(plan),
            neighbours: words::neighbours(plan),
            claim: words::claim(plan, &figures),
            model: facts.released().map(|model| model.to_string()),
            figures,
            releases: facts.releases(),
            protections: protection::protections(facts, &figures),
            visibility: protection::visibility(plan),
            assumptions: words::assumptions(plan),
            not_promised: words::not_promised(plan),
            changes: changes::CHANGES.to_vec(),
            questions: questions::answers(facts, &figures),
        }
    }
}

impl std::fmt::Display for Statement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        words::print(self, formatter)
    }
}

#[cfg(test)]
mod tests;
