//! What the coordinator offers in a run, as the shell knows it: how the public state of a start is judged, and the words of a refusal.

use std::sync::Arc;

use tributary_model::planned::Planned;
use tributary_model::stage::StateFault;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RunId;
use tributary_protocol::message::{Floor, RefusalCode};
use tributary_protocol::plan::{Plan, Run, RunRef};
use tributary_protocol::round::{BudgetRecord, ParticipantInput};
use tributary_protocol::time::Millis;

use crate::policy::{BranchPolicy, bound_refusal, budget, refusal};

/// What is known of a run that was offered.
pub(crate) struct Offered {
    policy: Arc<BranchPolicy>,
    /// The plan of the last welcome, admitted or not, and the number of its run.
    welcomed: Option<(Plan, u32)>,
    /// The run that is being judged, or was.
    judging: Option<RunRef>,
    /// Its plan as this branch reads it, once that is admitted.
    planned: Option<Arc<Planned>>,
    /// Why the policy does not admit the bound in the last start's public state.
    bound: Option<String>,
}

impl Offered {
    pub(crate) fn new(policy: Arc<BranchPolicy>) -> Self {
        Self { policy, welcomed: None, judging: None, planned: None, bound: None }
    }

    /// The coordinator welcomes this branch to a run of a plan.
    pub(crate) fn welcome(&mut self, plan: &Plan, number: u32) {
        self.welcomed = Some((plan.clone(), number));
    }

    /// The machine asks for a run to be judged.
    pub(crate) fn judge(&mut self, run: &Run) {
        (self.judging, self.planned) = (Some(run.reference()), None);
    }

    /// A run was judged; what the machine is to know of it.
    pub(crate) fn judged(&mut self, run: RunId, verdict: Result<Arc<Planned>, RefusalCode>) -> ParticipantInput {
        let verdict = verdict.map(|planned| {
            // A verdict on a run before this one says nothing of it.
            if self.judging.is_some_and(|judging| judging.id() == run) {
                self.planned = Some(planned);
            }
        });
        ParticipantInput::RunJudged { run, verdict }
    }

    /// Judges the public state with which a round of a stage starts: its digest, or why this branch's policy does not admit it.
    pub(crate) fn judge_state(&mut self, stage: u16, state: &[u8]) -> Result<Digest, RefusalCode> {
        self.bound = None;
        // Without an admitted plan, or such a stage in it, the digest does not matter: the machine refuses the start.
        let Some(stage) = self.planned.as_ref().and_then(|planned| planned.stage(stage)) else {
            return Ok(Digest::ZERO);
        };
        let weak = match stage.bound_of(state) {
            Ok(bound) => bound.filter(|bound| !self.policy.terms.admits_clip_norm(*bound)).map(Some),
            Err(StateFault::Bound) => Some(None),
            // The digest of what is no state of the stage is that of no model, and the machine refuses it for that.
            Err(StateFault::Length { .. } | StateFault::Parameters(_)) => None,
            // With it a customer could move the sum by more than is charged. No state has this digest, and the machine refuses it for that.
            Err(StateFault::Known) => return Ok(Digest::ZERO),
        };
        self.bound = weak.map(|bound| bound_refusal(bound, &self.policy));
        match self.bound {
            Some(_) => Err(RefusalCode::PolicyFloor(Floor::ClipNorm)),
            None => Ok(stage.state_digest(state)),
        }
    }

    /// What refuses a plan or a round on this branch's own screen, figures and all. The coordinator hears the code alone.
    pub(crate) fn words(&self, code: RefusalCode, (record, now): (&BudgetRecord, Millis)) -> Option<String> {
        let (plan, number) = self.welcomed.as_ref()?;
        match (code, &self.bound) {
            (RefusalCode::PolicyFloor(Floor::ClipNorm), Some(bound)) => Some(bound.clone()),
            (RefusalCode::PolicyFloor(floor), _) => Some(refusal(floor, plan, &self.policy)),
            (RefusalCode::BudgetExceeded, _) => {
                let run = RunRef { plan: plan.digest(), number: *number };
                Some(budget(plan, &run, &self.policy, (record, now)))
            }
            _ => None,
        }
    }

    /// Rounds of each stage that were charged in the run.
    pub(crate) fn charged(&self, record: &BudgetRecord) -> Vec<u32> {
        self.judging.map(|run| record.charged(&run).rounds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use tributary_model::parameters::Parameters;
    use tributary_model::schema::Schema;
    use tributary_model::stage::StageSettings;
    use tributary_protocol::plan::PrivacyMode;
    use tributary_protocol::round::cast;

    use super::*;
    use crate::judge::judge;
    use crate::judge::tests::{SCHEMA, count, gradient, local, plan_of, policy};

    /// What a branch knows of a plan of these stages that it has admitted.
    fn offered(privacy: PrivacyMode, stages: &[(StageSettings, u32)]) -> (Offered, Arc<Planned>) {
        let schema = Schema::parse(SCHEMA).unwrap();
        let mut policy = policy(&schema);
        policy.terms.clip_norm_min = 0.5;
        let run = cast::run(plan_of(&schema, &[], privacy, stages).plan().clone());
        let planned = Arc::new(judge(run.plan(), &schema, &policy).unwrap());
        let mut offered = Offered::new(Arc::new(policy));
        offered.welcome(&run, 1);
        assert_eq!(offered.judge_state(0, &[]), Ok(Digest::ZERO), "nothing is admitted yet");
        offered.judge(&run);
        let input = offered.judged(run.id(), Ok(Arc::clone(&planned)));
        assert!(matches!(input, ParticipantInput::RunJudged { run: judged, verdict: Ok(()) } if judged == run.id()));
        (offered, planned)
    }

    fn parameters(planned: &Planned) -> Parameters {
        Parameters::initial(planned.architecture(), 7)
    }

    #[test]
    fn a_state_is_known_by_its_stage_s_digest() {
        let (mut offered, planned) = offered(PrivacyMode::Customer, &[(count(), 1), (gradient_exact(), 5)]);
        let state = parameters(&planned).to_le_bytes();
        assert_eq!(offered.judge_state(1, &state), Ok(parameters(&planned).digest()));
        let short = offered.judge_state(1, &state[4..]).unwrap();
        assert_ne!(short, parameters(&planned).digest());
        assert!(offered.judge_state(0, &[]).is_ok(), "a stage that counts needs none");
        assert_eq!(offered.judge_state(2, &state), Ok(Digest::ZERO), "the plan has no such stage");
    }

    fn gradient_exact() -> StageSettings {
        gradient(tributary_model::update::ClipForm::Exact)
    }

    /// The machine never sees such a state: it hears of the policy's line.
    #[test]
    fn a_bound_below_the_policy_s_or_that_is_no_clip_norm_is_refused_with_both_figures() {
        let (mut offered, planned) = offered(PrivacyMode::Branch, &[(local(500.0, true), 5)]);
        let state = |bound: f64| [parameters(&planned).to_le_bytes(), bound.to_le_bytes().to_vec()].concat();
        let refused = Err(RefusalCode::PolicyFloor(Floor::ClipNorm));
        for bound in [500.0, 0.5, 700.0] {
            let expected = planned.stage(0).unwrap().state_digest(&state(bound));
            assert_eq!(offered.judge_state(0, &state(bound)), Ok(expected), "{bound}");
        }
        let record = BudgetRecord::default();
        let none = "is no clip norm";
        let cases = [(0.499, "is 0.499"), (0.0, none), (-1.0, none), (1e-300, none), (1e7, none), (f64::NAN, none)];
        for (bound, found) in cases {
            assert_eq!(offered.judge_state(0, &state(bound)), refused, "{bound}");
            let words = offered.words(RefusalCode::PolicyFloor(Floor::ClipNorm), (&record, Millis(0))).unwrap();
            assert!(words.contains("policy.clip_norm_min = 0.5") && words.contains(found), "{words}");
        }
        // Of the next start nothing of this is left, and another length is no state at all.
        assert!(offered.judge_state(0, &state(1.0)[1..]).is_ok());
        let words = offered.words(RefusalCode::PolicyFloor(Floor::ClipNorm), (&record, Millis(0))).unwrap();
        let norms = "update_clip_norm = 500 and an adapted bound down to 0.5 in stage 1 (local)";
        assert!(words.contains(norms), "{words}");
    }

    #[test]
    fn a_verdict_that_comes_too_late_belongs_to_no_other_run() {
        let (mut offered, planned) = offered(PrivacyMode::Branch, &[(local(500.0, true), 5)]);
        let schema = Schema::parse(SCHEMA).unwrap();
        let other = plan_of(&schema, &[], PrivacyMode::Branch, &[(local(2.0, false), 5)]);
        let late = cast::run(planned.plan().clone());
        offered.judge(&cast::run(other.plan().clone()));
        offered.judged(late.id(), Ok(planned));
        assert_eq!(offered.judge_state(0, &[0; 4]), Ok(Digest::ZERO));
    }

    #[test]
    fn noise_is_drawn_by_what_the_run_at_hand_was_charged() {
        let (offered, planned) = offered(PrivacyMode::Customer, &[(count(), 1), (gradient_exact(), 5)]);
        let run = RunRef { plan: planned.plan().digest(), number: 1 };
        let mut record = BudgetRecord::default();
        assert!(offered.charged(&record).is_empty());
        record.runs.entry(run).or_default().charged.rounds = vec![1, 3];
        record.runs.entry(RunRef { number: 2, ..run }).or_default().charged.rounds = vec![1, 5];
        assert_eq!(offered.charged(&record), [1, 3]);
    }
}
