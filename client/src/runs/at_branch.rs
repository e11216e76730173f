//! One run at the branch: its machine, and what the shell keeps beside it.

use std::sync::Arc;
use std::time::Duration;

use tributary_certs::suite::RealSuite;
use tributary_protocol::ids::RunId;
use tributary_protocol::message::Welcome;
use tributary_protocol::plan::{Approvals, Plan, RunRef};
use tributary_protocol::round::{Branch, Participant};
use tributary_protocol::time::Millis;

use super::offered::Offered;
use super::vectors::Vectors;
use crate::policy::BranchPolicy;
use crate::ready::Told;
use crate::telemetry::RunName;

/// A run that this branch takes part in, or asks to.
pub(super) struct RunAtBranch {
    pub(super) participant: Participant<RealSuite>,
    pub(super) name: RunName,
    pub(super) offered: Offered,
    pub(super) vectors: Vectors,
    /// The public state that came with the last start.
    pub(super) model: Option<Vec<u8>>,
    pub(super) honest_min: u16,
    /// A round is open.
    pub(super) in_round: bool,
    /// The branch has accepted the run before this process, or a part of it: nobody has invited to it yet.
    pub(super) recorded: bool,
    /// When it asked to be let in, where the coordinator has said nothing since.
    pub(super) asked: Option<Millis>,
    /// The plan that was offered last, and who stands by it; nobody has judged them.
    pub(super) shown: Option<Box<(Plan, Approvals)>>,
    /// When it began, by the coordinator's welcome.
    pub(super) begun: Millis,
    /// It does not join now: its data are not ready.
    pub(super) waits: Option<Waits>,
    /// When it asks again, where the coordinator has refused it for now.
    pub(super) again: Option<Millis>,
    /// It has refused the run itself.
    pub(super) refuses: bool,
    /// Why, for the operator.
    pub(super) explanation: Option<String>,
    /// CPU time of this process when the first round began.
    pub(super) cpu_before: Option<Duration>,
    /// Longest public state of the plan that is judged.
    pub(super) state_bytes_judged: usize,
    /// The same of the plan that is admitted.
    pub(super) state_bytes_max: usize,
    pub(super) end: Option<End>,
}

/// A run whose data are not ready.
pub(super) struct Waits {
    /// What the operator is told, where there is something new.
    pub(super) told: Option<Told>,
    /// Whether the files are to be read again.
    pub(super) read: bool,
}

/// How a run comes to its end here.
pub(super) enum End {
    /// With the run.
    Finished {
        /// Rounds committed.
        rounds: u32,
    },
    /// This branch has refused it.
    Refused {
        /// What happened.
        reason: String,
    },
    /// The coordinator has refused this branch for good.
    Dismissed {
        /// What it says.
        reason: String,
    },
}

impl RunAtBranch {
    /// A run that this branch has heard of.
    pub(super) fn new(branch: &Branch<RealSuite>, policy: &Arc<BranchPolicy>, run: RunId) -> Self {
        let known = branch.record().accepted.iter().find(|(known, _)| known.id() == run);
        let name = known.map(|(known, terms)| RunName::of(known, terms.name.printable().into()));
        Self {
            participant: Participant::new(branch, run),
            name: name.unwrap_or_else(|| RunName::unknown(run)),
            offered: Offered::new(Arc::clone(policy)),
            vectors: Vectors::default(),
            model: None,
            honest_min: 1,
            in_round: false,
            recorded: known.is_some(),
            asked: None,
            shown: None,
            begun: Millis(0),
            waits: None,
            again: None,
            refuses: false,
            explanation: None,
            cpu_before: None,
            state_bytes_judged: 0,
            state_bytes_max: 0,
            end: None,
        }
    }

    /// Whether it takes one of the places for runs. One that was accepted before this process takes none until the coordinator answers: it may
    /// be over for long.
    pub(super) fn takes_place(&self) -> bool {
        !self.recorded || self.participant.run().is_some()
    }

    /// The coordinator welcomes this branch to the run: what it says is kept for people, whatever the machine makes of it.
    pub(super) fn welcomed(&mut self, run: RunId, welcome: &Welcome) {
        self.offered.welcome(&welcome.plan, welcome.number);
        self.begun = welcome.begun;
        self.shown = Some(Box::new((welcome.plan.clone(), welcome.approvals.clone())));
        let reference = RunRef { plan: welcome.plan.digest(), number: welcome.number };
        if reference.id() == run {
            self.name = RunName::of(&reference, welcome.plan.name.printable().into());
        }
    }
}
