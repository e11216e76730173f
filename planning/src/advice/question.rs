//! What is asked before a plan is written, and why it may have no answer.

use tributary_protocol::limits::COHORT_MIN;

use super::scene::Scene;

/// Most branches of one session.
pub const BRANCHES_MAX: u32 = 256;

/// What may be spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// Epsilon of one run.
    Run(f64),
    /// Epsilon of a year, and perhaps how many runs it pays for.
    Year {
        /// All runs of a year.
        epsilon: f64,
        /// Runs; chosen where absent.
        runs: Option<u32>,
    },
}

/// What is known before a plan is written. All of it is public.
pub struct Question<'a> {
    /// Customers of all branches.
    pub customers: u64,
    /// Branches.
    pub branches: u32,
    /// What they learn from.
    pub scene: &'a Scene,
    /// What may be spent.
    pub budget: Budget,
    /// Probability with which a statement of privacy may fail.
    pub delta: f64,
}

/// Why no advice can be given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AdviceFault {
    /// Too few branches.
    #[error(
        "{0} branches are too few for any plan: a sum of fewer than {COHORT_MIN} could be seen through by a coalition. Let more branches take part"
    )]
    FewBranches(u32),
    /// Too many.
    #[error("{0} branches are too many for one session: {BRANCHES_MAX} at most. Ask for a group of them")]
    ManyBranches(u32),
    /// Fewer customers than branches.
    #[error(
        "{customers} customers of {branches} branches: each branch needs one at least. Give the customers of all branches together"
    )]
    FewCustomers {
        /// Customers.
        customers: u64,
        /// Branches.
        branches: u32,
    },
    /// Delta.
    #[error(
        "a delta of {delta:e} is too large for {customers} customers: it would allow that one is revealed in full. Take one below {most:e}"
    )]
    Delta {
        /// What was asked for.
        delta: f64,
        /// Customers.
        customers: u64,
        /// Where it begins to be too large.
        most: f64,
    },
    /// The year pays for no run.
    #[error(
        "a year's budget of epsilon {epsilon} does not pay for {runs} runs with noise that can be drawn. Plan fewer runs, or a larger budget"
    )]
    Runs {
        /// The year's.
        epsilon: f64,
        /// Runs.
        runs: u32,
    },
    /// No plan at all.
    #[error("no plan can be made of these numbers: {0}")]
    Plan(String),
}
