//! What an entry says that did not go as planned. It follows from the entry and the names of branches alone, so that whoever has a few entries of a
//! journal finds the same as whoever has all of it.

use tributary_protocol::ids::ClientId;
use tributary_protocol::plan::Plan;
use tributary_protocol::registry::{ModelStep, Notice, SignedStatement};
use tributary_protocol::role::Action;
use tributary_protocol::round::CoordinatorEvent;

/// What did not go as planned.
pub(crate) struct Deviates {
    pub(crate) what: &'static str,
    /// Which client, which round, or which person.
    pub(crate) who: Option<String>,
    /// Why, in the words of the protocol.
    pub(crate) why: String,
}

impl Deviates {
    fn new(what: &'static str, who: String, why: impl Into<String>) -> Option<Self> {
        Some(Self { what, who: Some(who), why: why.into() })
    }

    /// An event of a run.
    pub(crate) fn of_run(event: &CoordinatorEvent, name: impl Fn(ClientId) -> String) -> Option<Self> {
        match event {
            CoordinatorEvent::RoundAborted { round, reason } => {
                Self::new("round-aborted", format!("round {round}"), reason.to_string())
            }
            CoordinatorEvent::ClientRefused { client, code, .. } => {
                Self::new("refused", name(*client), code.to_string())
            }
            CoordinatorEvent::ClientChargedMore { client, .. } => {
                let why = "its budget file holds more rounds of this plan than this log; the larger figure counts";
                Self::new("charged-more", name(*client), why)
            }
            CoordinatorEvent::ClientEvicted { client, reason } => {
                Self::new("evicted", name(*client), reason.to_string())
            }
            CoordinatorEvent::BudgetBegun { client, first } if first.adopts => {
                let why = "a new budget file took the place of a lost one, by the signature of the data's owner";
                Self::new("budget-begun", name(*client), why)
            }
            CoordinatorEvent::OrderTaken { order } => {
                let what = match order.action {
                    Action::AbortPlan => "aborted",
                    Action::PausePlan | Action::Freeze => "stopped",
                    _ => return None,
                };
                Self::new(what, order.staff.to_string(), order.action.name())
            }
            _ => None,
        }
    }

    /// What happened to the journal itself.
    pub(crate) fn of_notice(notice: &Notice) -> Self {
        let who = match notice {
            Notice::LogDisputed { client, .. } => Some(format!("client {client}")),
            Notice::SinkFailed | Notice::SinkBack => None,
        };
        Self { what: notice.name(), who, why: notice.in_words() }
    }

    /// A statement that takes a model back.
    pub(crate) fn of_statement(signed: &SignedStatement) -> Option<Self> {
        let statement = &signed.statement;
        let takes_back = matches!(statement.step, ModelStep::RollBack | ModelStep::Withdraw);
        let words = format!("{}: {}", statement.in_words(), statement.reason);
        takes_back.then(|| Self::new(statement.step.name(), signed.second.staff.to_string(), words)).flatten()
    }
}

/// A run, for people: digits of its plan, and its number.
pub(crate) fn run_name(plan: &Plan, number: u32) -> String {
    let digits: String = plan.digest().to_string().chars().take(8).collect();
    format!("{digits}/{number}")
}
