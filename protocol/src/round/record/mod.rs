//! One rule book for each ledger: state from events, which event may follow which, and what each rests on.
//!
//! The machines assert by it, a resumed one and the simulator's judge replay by it, and whoever verifies a ledger later does the same. Nobody has
//! a second one.

mod budget;
mod budget_rules;
mod caps;
mod claims;
mod order_rules;
#[cfg(any(test, feature = "toy"))]
pub mod reliance;
mod reservations;
mod rule;
mod run;
mod run_rules;
mod uses;
mod words;

pub use budget::{AcceptedRun, BudgetRecord, RunSpend, SpendingRound};
pub use budget_rules::BudgetFault;
pub use claims::Claim;
pub use rule::OutOfOrder;
pub(crate) use rule::rule;
pub use run::{KeyedSession, Next, RunRecord};
