//! A plan as its author writes it, for tests. Every crate's tests take this one file, beside the types of a plan's settings.

use std::path::Path;

use tributary_model::server_optimizer::UpdateRule;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::plan::{Assessment, Charter, Materiality, ModelRef, Readiness, Rhythm, Schedule};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::CohortRule;

use super::{MechanismSettings, ModelKind, PlanSettings, PrivacyTarget, ScheduleSettings};

pub(crate) fn settings() -> PlanSettings {
    PlanSettings {
        name: "test".into(),
        schema: Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/schemas/bank_full.toml"),
        model: ModelKind::Logistic,
        rounds: 40,
        retries: 2,
        privacy: PrivacyTarget::Customer { epsilon: 4.0, delta: 1e-6 },
        example_clip_norm: 1.0,
        loss_bound: 4.0,
        ring: Ring::Bits64,
        clip_units: None,
        customers_nominal: 40_000,
        customers_max: 100_000,
        initial_model: ModelRef::Seed(1),
        session_rounds: 16,
        round_deadline_ms: 60_000,
        keying_deadline_ms: 30_000,
        cohort: CohortRule::USUAL,
        group: "all".into(),
        optimizer: UpdateRule::Sgd { learning_rate: 1.0, momentum: 0.9 },
        tail_fraction: 0.25,
        mechanism: MechanismSettings::default(),
        schedule: ScheduleSettings {
            runs_max: 1,
            schedule: Schedule { not_before: 0, not_after: 300_000_000, rhythm: Rhythm::Interval { seconds: 0 } },
            readiness: Readiness::NONE,
            epsilon_all_runs: None,
        },
        charter: charter(),
    }
}

fn charter() -> Charter {
    Charter {
        legal_basis: "consent".into(),
        assessment: Assessment { reference: "assessment 1".into(), document: Digest::of(b"assessment"), at: 0 },
        ticket: "change 1".into(),
        data_assets: vec!["asset 1".into()],
        intended_use: "tests".into(),
        prohibited_use: "anything else".into(),
        materiality: Materiality::Low,
        review_by: u64::MAX,
        organisation: OrganisationId(1),
        agreements: Vec::new(),
        year: None,
    }
}
