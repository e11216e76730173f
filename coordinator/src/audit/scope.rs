//! How much of the journal goes into a bundle.

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::RunRef;

/// How much of the journal is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of it, up to the last day.
    Journal,
    /// One run.
    Run(RunRef),
    /// The runs of one plan.
    Plan(Digest),
    /// The runs of the days.
    Days,
}

impl Scope {
    /// Whether a run is of it, whose days are.
    pub(super) fn has(self, run: RunRef) -> bool {
        match self {
            Self::Journal | Self::Days => true,
            Self::Run(own) => own == run,
            Self::Plan(plan) => plan == run.plan,
        }
    }

    /// In words, where it is a part.
    pub(super) fn words(self) -> Option<String> {
        match self {
            Self::Journal => None,
            Self::Run(run) => Some(format!("run {} of the plan {}", run.number, run.plan)),
            Self::Plan(plan) => Some(format!("the runs of the plan {plan} in these days")),
            Self::Days => Some("the runs of these days".into()),
        }
    }
}
