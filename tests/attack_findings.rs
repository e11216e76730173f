//! What an attack on a model came to, for tests of whoever takes a report of it.

use tributary_evidence::attacks::{ATTACKS_FORMAT, AttackedRows, Attacks, CanaryLine, claimed};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Plan, RunRef};

/// Findings on a model of this run, with the alarm that follows from them after a change.
pub(crate) fn findings(model: Digest, run: RunRef, plan: &Plan, change: impl FnOnce(&mut Attacks)) -> Attacks {
    let mut findings = Attacks {
        format: ATTACKS_FORMAT,
        generator: "tributary".into(),
        model: model.to_string(),
        plan: run.plan.to_string(),
        run: run.number,
        made_at: 0,
        rows: AttackedRows { kind: "invented".into(), branches: 2, members: 9, others: 9 },
        claimed: claimed(plan),
        delta: None,
        membership: None,
        canary: Some(CanaryLine { trials: 100, epsilon_low: "0.100000".into(), epsilon_most: "2.190000".into() }),
        reconstruction: None,
        poisoning: Vec::new(),
        spread: None,
        alarm: false,
    };
    change(&mut findings);
    findings.alarm = findings.is_alarming();
    findings
}
