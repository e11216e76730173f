//! Ledgers as a coordinator writes them, made without one.

use std::path::Path;

use tributary_journal::Journal;
use tributary_model::architecture::Architecture;
use tributary_model::privacy::{Target, calibrate, charged_rounds_max};
use tributary_model::update::{self, ClipRule, ClipSettings, ClipUnit};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId, SessionId};
use tributary_protocol::message::ClosedReason;
use tributary_protocol::plan::{ClipForm, Plan, PrivacyMode, RoundKind, ValidPlan};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::roster::RosterHead;
use tributary_protocol::round::{CoordinatorEvent, RoundDescriptor, RoundHead, SessionView};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_protocol::secagg::suite::Signature;
use tributary_protocol::time::Millis;

/// Delta of the plan.
pub(crate) const DELTA: f64 = 1e-6;
const SESSION: SessionId = SessionId([3; 32]);
const MODEL: Digest = Digest([4; 32]);
const VIEW: Digest = Digest([5; 32]);
const SET: Digest = Digest([6; 32]);

/// A plan of `rounds` rounds at an epsilon of 2.
pub(crate) fn plan(rounds: u32) -> ValidPlan {
    let architecture = Architecture::logistic(4, &["churn"]).unwrap();
    let (example_clip_norm, clip_units) = (0.5, 1 << 20);
    let settings = ClipSettings {
        example_clip_norm,
        clip_units,
        form: update::ClipForm::Exact,
        loss_bound: Some(4.0),
        unit: ClipUnit::Customer,
    };
    let sensitivity_squared = ClipRule::new(settings).unwrap().sensitivity_squared_units(5).unwrap();
    let rounds_charged_max = charged_rounds_max(rounds);
    let target = Target {
        epsilon: 2.0,
        delta: DELTA,
        rounds_charged: rounds_charged_max,
        sensitivity_squared_units: sensitivity_squared,
    };
    let noise_variance = calibrate(&target).unwrap().total_variance_units;
    let plan = Plan {
        name: "test".into(),
        purpose: "test".into(),
        schema: Digest([1; 32]),
        architecture: architecture.encode(),
        parameters: 5,
        riders: 3,
        initial_model: MODEL,
        privacy: PrivacyMode::Customer,
        overlap_max: 1,
        sampling_threshold: 0,
        local: None,
        ring: Ring::Bits64,
        clip_form: ClipForm::Exact,
        example_clip_norm_bits: example_clip_norm.to_bits(),
        loss_bound_bits: 4.0_f64.to_bits(),
        clip_units,
        sensitivity_squared,
        customer_sensitivity_squared: sensitivity_squared,
        noise_variance,
        round_charge: Accounts::customers(RdpVector::gaussian(sensitivity_squared, noise_variance)),
        statistics: None,
        evaluation: None,
        rounds,
        rounds_charged_max,
        customers_nominal: 1000,
        customers_max: 2000,
        session_rounds: 64,
        cohort: CohortRule::USUAL,
        group: "all".into(),
        round_deadline_ms: 1000,
        upload_offset_ms: 0,
        keying_deadline_ms: 1000,
    };
    plan.validate().unwrap()
}

/// The events of a plan with ten clients that goes well, and aborts its second round once.
pub(crate) fn events(plan: &ValidPlan) -> Vec<CoordinatorEvent> {
    let cohort: Vec<ClientId> = (1..=10).map(ClientId).collect();
    let thresholds = plan.cohort.thresholds(&[OrganisationId(1); 10], 10).unwrap();
    let view = SessionView { session: SESSION, view: VIEW, thresholds };
    let opened = Box::new(plan.plan().clone());
    let mut events = vec![
        CoordinatorEvent::PlanOpened {
            plan: opened,
            roster: RosterHead { epoch: 1, digest: Digest([2; 32]) },
            group_size: 10,
            delta_bits: DELTA.to_bits(),
        },
        CoordinatorEvent::SessionOpened { session: SESSION, candidates: cohort.clone() },
        CoordinatorEvent::SessionKeyed {
            session: SESSION,
            view: VIEW,
            cohort: cohort.clone(),
            organisations: vec![OrganisationId(1); 10],
            thresholds,
        },
    ];
    let start = |number, model| {
        let (round, kind, update_clip_norm_bits) = (RoundId(number), RoundKind::Train, 0);
        RoundDescriptor::derive(plan, &view, RoundHead { round, kind, model, update_clip_norm_bits })
    };
    // The second round is tried twice: its first attempt is charged like any other.
    let aborted = CoordinatorEvent::RoundAborted { round: RoundId(2), reason: ClosedReason::Deadline };
    let mut model = MODEL;
    for number in (1..=u64::from(plan.rounds) + 1).filter(|number| *number != 2) {
        if number == 3 {
            events.push(CoordinatorEvent::RoundStarted { descriptor: start(2, model) });
            events.push(aborted.clone());
        }
        let round = RoundId(number);
        let survivors: Vec<ClientId> = cohort.iter().copied().take(9).collect();
        let signatures = survivors.iter().map(|client| (*client, Signature(vec![7; 64]))).collect();
        events.push(CoordinatorEvent::RoundStarted { descriptor: start(number, model) });
        for client in &survivors {
            events.push(CoordinatorEvent::UpdateAdmitted {
                round,
                client: *client,
                vector: SET,
                head: SET,
                signature: Signature(vec![0; 64]),
            });
        }
        events.push(CoordinatorEvent::SurvivorsFrozen { round, survivors, digest: SET });
        events.push(CoordinatorEvent::QuorumReached { round, signatures });
        model = Digest([u8::try_from(10 + number).unwrap(); 32]);
        events.push(CoordinatorEvent::RoundCommitted { round, sum: SET, model, update_clip_norm_bits: 0 });
    }
    events.push(CoordinatorEvent::ModelReleased { model });
    events.push(CoordinatorEvent::SessionClosed { session: SESSION, reason: ClosedReason::Exhausted });
    events.push(CoordinatorEvent::PlanFinished { model, rounds: plan.rounds, complete: true });
    events
}

/// Writes events as the coordinator does.
pub(crate) fn write(path: &Path, events: Vec<CoordinatorEvent>) {
    let (mut journal, before) = Journal::open(path).unwrap();
    assert!(before.is_empty());
    for (at, event) in (0..).zip(events) {
        journal.append(Millis(at), event).unwrap();
    }
    journal.sync().unwrap();
}
