//! Plans, their stages and their runs.

use crate::digest::Digest;
use crate::ids::OrganisationId;
use crate::plan::{
    Agreement, Assessment, Charter, Gates, Materiality, ModelRef, NoiseShare, Plan, PrivacyMode, Readiness, Retention,
    Rhythm, Run, Schedule, Stage,
};
use crate::privacy::{Accounts, RdpVector, Unit};
use crate::roster::ALL;
use crate::secagg::modular::Ring;
use crate::secagg::parameters::CohortRule;

/// Coordinates of the cast's model.
pub const PARAMETERS: u32 = 5;

/// The kind of the cast's one stage.
pub const KIND: &str = "probe";

/// A stage of five rounds, of noised sums over customers.
#[must_use]
pub fn stage() -> Stage {
    Stage {
        kind: KIND.into(),
        settings: alloc::vec![1, 2, 3],
        dimension: PARAMETERS + 2,
        ring: Ring::Bits64,
        summed: Unit::Customer,
        reach: 1 << 20,
        sensitivity_squared: 1 << 40,
        customer_sensitivity_squared: 1 << 40,
        noise_variance: 2000 << 40,
        noise: NoiseShare::Divided,
        releases: 1,
        sampling_threshold: 0,
        charge: Accounts::customers(RdpVector::gaussian(1, 2000)),
        rounds: 5,
        model_bytes: 4 * PARAMETERS,
    }
}

/// A valid plan of one stage of five rounds, in sessions of three, for cohorts of eight and more.
#[must_use]
pub fn plan() -> Plan {
    Plan {
        name: "test".into(),
        purpose: "test".into(),
        schema: Digest::of(b"schema"),
        architecture: alloc::vec![1],
        initial_model: ModelRef::Digest(first_model()),
        privacy: PrivacyMode::Customer,
        delta_bits: 1e-6_f64.to_bits(),
        overlap_max: 1,
        customers_nominal: 1000,
        customers_max: 2000,
        stages: alloc::vec![stage()],
        retries: 3,
        runs: 1,
        schedule: Schedule { not_before: 0, not_after: 300_000_000, rhythm: Rhythm::Interval { seconds: 0 } },
        cap: Accounts { customer: RdpVector::gaussian(1_000, 1), branch: RdpVector::gaussian(1_000, 1) },
        charter: charter(),
        session_rounds: 3,
        cohort: CohortRule::USUAL,
        group: ALL.into(),
        round_deadline_ms: 1000,
        upload_offset_ms: 0,
        keying_deadline_ms: 500,
        readiness: Readiness::NONE,
        retention: Retention::USUAL,
        gates: Gates::USUAL,
    }
}

/// An agreement for ever with an organisation.
#[must_use]
pub fn agreement(organisation: u32) -> Agreement {
    let (reference, document) = ("agreement".into(), Digest::of(b"agreement"));
    Agreement { organisation: OrganisationId(organisation), reference, document, until: u64::MAX }
}

/// A charter of organisation 1, which has agreements with 63 others.
#[must_use]
pub fn charter() -> Charter {
    let assessment = Assessment { reference: "assessment 1".into(), document: Digest::of(b"assessment"), at: 0 };
    Charter {
        legal_basis: "consent".into(),
        assessment,
        ticket: "change 1".into(),
        data_assets: alloc::vec!["asset 1".into()],
        intended_use: "tests".into(),
        prohibited_use: "anything else".into(),
        materiality: Materiality::Low,
        review_by: u64::MAX,
        organisation: OrganisationId(1),
        agreements: (2..=64).map(agreement).collect(),
        year: None,
    }
}

/// Digest of the public state from which runs of the cast's plans begin.
#[must_use]
pub fn first_model() -> Digest {
    Digest::of(b"model 0")
}

/// A run that is the first of its plan.
///
/// # Panics
/// For a plan that is not valid.
#[must_use]
pub fn run(plan: Plan) -> Run {
    Run::new(plan.validate().expect("a valid plan"), 1).expect("a valid plan has a first run")
}

/// The same plan with a stage of one round before the other and one after it. The first of them needs no public state.
#[must_use]
pub fn counting_plan() -> Plan {
    let counting = |kind: &str, dimension| Stage {
        kind: kind.into(),
        dimension,
        sensitivity_squared: 2 << 40,
        customer_sensitivity_squared: 2 << 40,
        noise_variance: 9000 << 40,
        charge: Accounts::customers(RdpVector::gaussian(2, 9000)),
        rounds: 1,
        ..stage()
    };
    let before = Stage { model_bytes: 0, ..counting("count", 12) };
    Plan { stages: alloc::vec![before, stage(), counting("evaluate", 6)], ..plan() }
}

/// A plan with what follows from noise and mode set in every stage: who adds the noise, what a customer moves, and the charge of a round.
#[must_use]
pub fn priced(mut plan: Plan) -> Plan {
    let (privacy, overlap) = (plan.privacy, u128::from(plan.overlap_max).pow(2));
    for stage in &mut plan.stages {
        (stage.noise, stage.summed) = match privacy {
            PrivacyMode::Local => (NoiseShare::Inside, Unit::Branch),
            PrivacyMode::Branch => (NoiseShare::Divided, Unit::Branch),
            PrivacyMode::Customer | PrivacyMode::None => (NoiseShare::Divided, stage.summed),
        };
        stage.customer_sensitivity_squared = match privacy {
            PrivacyMode::Branch => 4 * stage.sensitivity_squared * overlap,
            _ => stage.sensitivity_squared,
        };
        stage.charge = stage.charge_without_coins(privacy);
    }
    if privacy == PrivacyMode::None {
        plan.delta_bits = 0;
    }
    plan
}

/// The same plan in mode branch.
#[must_use]
pub fn branch_plan() -> Plan {
    priced(Plan { privacy: PrivacyMode::Branch, ..plan() })
}
