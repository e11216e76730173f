//! Plans: what the simulated runs sum, of whom, how often.

use std::collections::BTreeMap;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::plan::{
    Agreement, AsOf, Assessment, Charter, Gates, Materiality, ModelRef, NoiseShare, Plan, PrivacyMode, Readiness,
    Retention, Rhythm, Schedule, Stage,
};
use tributary_protocol::privacy::{Accounts, RdpVector, Unit};
use tributary_protocol::roster::ALL;
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};

use crate::dice::Dice;
use crate::meaning::{Oracle, STATE_BYTES, kind};
use crate::options::Options;

/// Milliseconds that a round may take.
pub(crate) const ROUND_DEADLINE_MS: u64 = 5_000;

/// Milliseconds that a key set-up may take.
pub(crate) const KEYING_DEADLINE_MS: u64 = 5_000;

/// Milliseconds that the coordinator waits for the whole roster.
pub(super) const GATHER_MS: u64 = 1_000;

/// Above so many clients work that grows with the square of the cohort is kept rare.
pub(crate) const LARGE: u32 = 32;

/// Most rounds of a large cohort's session: each has its shares.
const SESSION_ROUNDS_MAX: u32 = 8;

/// Virtual milliseconds until the last branch is ready that ever is.
pub(crate) const READY_MS_MAX: u64 = 4_000;

/// Noised coordinates behind the model's, as in a real plan.
const RIDERS: u32 = 3;

/// More of them in a large model.
const LARGE_MODEL: u32 = 3_000;

/// Purpose of the dice that decide which stages a plan has, and how often it runs.
const STAGES: u64 = 700;

/// A plan, and stages whose oracle has a coordinate for every client. Their privacy is charged for as usual; the simulated data add no noise, so
/// that the sum can be compared exactly.
pub(super) fn plan(options: &Options, dice: &mut Dice) -> (Plan, Oracle) {
    let wide = dice.chance(500);
    let beside = dice.clone().word();
    // Some plans run out of charges soon, which must end their runs in order.
    let oracle = Oracle::new(options, (wide, dice.chance(100)), beside);
    let small = options.clients <= LARGE;
    let plan = Plan {
        name: "simulated".into(),
        purpose: "simulation".into(),
        schema: Digest::of(b"schema"),
        architecture: vec![1],
        initial_model: ModelRef::Zero,
        privacy: PrivacyMode::Customer,
        delta_bits: 1e-6_f64.to_bits(),
        overlap_max: 1,
        customers_nominal: 1000,
        customers_max: 2000,
        stages: Vec::new(),
        retries: 0,
        // Some plans run twice, over one budget of each client.
        runs: if small && Dice::new(beside, STAGES + 4).chance(250) { 2 } else { 1 },
        schedule: Schedule { not_before: 0, not_after: 300_000_000, rhythm: Rhythm::Interval { seconds: 0 } },
        cap: Accounts { customer: RdpVector::gaussian(1_000, 1), branch: RdpVector::gaussian(1_000, 1) },
        charter: charter(options.clients),
        session_rounds: session_rounds(options, dice),
        cohort: CohortRule { coalition: coalition(options, dice), ..CohortRule::USUAL },
        group: ALL.into(),
        round_deadline_ms: ROUND_DEADLINE_MS,
        upload_offset_ms: *Dice::new(beside, STAGES + 2).pick(&[0, 0, 40]),
        keying_deadline_ms: KEYING_DEADLINE_MS,
        readiness: Readiness::NONE,
        retention: Retention::USUAL,
        gates: Gates::USUAL,
    };
    (plan, oracle)
}

/// A plan beside the first, with a rule that its policies admit: small most of the time, and large now and then.
pub(super) fn plan_beside(options: &Options, (number, cohort): (u64, CohortRule), dice: &mut Dice) -> (Plan, Oracle) {
    let (first, _) = plan(options, &mut dice.clone());
    let rounds = u32::try_from(dice.between(1, 3)).expect("at most three");
    let more = if dice.chance(250) { LARGE_MODEL } else { 0 };
    let stage =
        stage((options.clients + RIDERS + more, dice.chance(500)), (kind::GRADIENT, rounds), (2000, STATE_BYTES));
    // A stage of one round is never repeated.
    let retries = if stage.may_retry() { 3 } else { 0 };
    let oracle = Oracle { stages: vec![stage], retries };
    let session_rounds = u32::try_from(dice.between(1, 4)).expect("at most four");
    let runs = if dice.chance(200) { 2 } else { 1 };
    (Plan { name: format!("beside {number}").into(), runs, session_rounds, cohort, ..first }, oracle)
}

/// The members of a plan beside the first: everybody, or fewer where those are a cohort.
pub(super) fn members_beside(rule: CohortRule, everybody: &[ClientId], dice: &mut Dice) -> Vec<ClientId> {
    // The roster before the present one is without its newest client.
    let (_, old) = everybody.split_last().expect("a roster has clients");
    let most = u64::try_from(old.len()).expect("a roster is small");
    let count = usize::try_from(dice.between(most.min(8), most)).expect("a roster is small");
    let members: Vec<ClientId> = old.iter().copied().skip(old.len() - count).collect();
    let organisations: Vec<OrganisationId> = members.iter().map(|client| OrganisationId(client.0)).collect();
    let fewer = dice.chance(600) && rule.thresholds(&organisations, members.len()).is_ok();
    if fewer { members } else { everybody.to_vec() }
}

fn stage((dimension, wide): (u32, bool), (name, rounds): (&str, u32), (multiplier, model_bytes): (u128, u32)) -> Stage {
    let reach: u32 = if wide { 1 << 20 } else { 1000 };
    let squared = u128::from(reach).pow(2);
    Stage {
        kind: name.into(),
        settings: vec![1],
        dimension,
        ring: if wide { Ring::Bits64 } else { Ring::Bits32 },
        summed: Unit::Customer,
        reach,
        sensitivity_squared: squared,
        customer_sensitivity_squared: squared,
        noise_variance: multiplier * squared,
        noise: NoiseShare::Divided,
        releases: 1,
        sampling_threshold: 0,
        charge: Accounts::customers(RdpVector::gaussian(squared, multiplier * squared)),
        rounds,
        model_bytes,
    }
}

impl Oracle {
    /// Training, and in some plans of small cohorts, for a large one has enough to do, a count before it, a second part of it, and an evaluation
    /// after it.
    fn new(options: &Options, (wide, short): (bool, bool), beside: u64) -> Self {
        let dimension = options.clients + RIDERS;
        let stage =
            |name, rounds, multiplier, model_bytes| stage((dimension, wide), (name, rounds), (multiplier, model_bytes));
        let has = |purpose, permille| options.clients <= LARGE && Dice::new(beside, purpose).chance(permille);
        let mut stages = vec![stage(kind::GRADIENT, options.rounds, 2000, STATE_BYTES)];
        if has(STAGES, 300) {
            stages.insert(0, stage(kind::COUNT, 1, 500, 0));
        }
        if has(STAGES + 3, 200) {
            stages.push(stage(kind::GRADIENT, options.rounds.div_ceil(2), 1500, STATE_BYTES));
        }
        if has(STAGES + 1, 300) {
            stages.push(stage(kind::EVALUATE, 1, 500, STATE_BYTES));
        }
        let repeated: u32 = stages.iter().filter(|stage| stage.may_retry()).map(|stage| stage.rounds).sum();
        let retries = match repeated {
            0 => 0,
            _ if short => 1,
            // The most that a plan may have.
            _ => repeated.div_ceil(20).max(3),
        };
        Self { stages, retries }
    }
}

/// What must be ready before a run of these members begins, and who is ready later. One may never be.
pub(super) fn readiness(
    (members, never): (&[ClientId], Option<ClientId>),
    may_wait: bool,
    dice: &mut Dice,
) -> (Readiness, BTreeMap<ClientId, u64>) {
    if !may_wait || !(dice.chance(250) || never.is_some()) {
        return (Readiness::NONE, BTreeMap::new());
    }
    let (least, count) = (u64::from(CohortRule::USUAL.cohort_min), members.len() as u64);
    // One or two may be missing for ever.
    let ready_min = u32::try_from(*dice.pick(&[0, least, (count - 2).max(least)])).expect("a roster is small");
    let late = members.iter().filter_map(|client| {
        let at = dice.between(1, READY_MS_MAX);
        dice.chance(300).then_some((*client, at))
    });
    let mut ready: BTreeMap<ClientId, u64> = late.collect();
    ready.extend(never.filter(|client| members.contains(client)).map(|client| (client, u64::MAX)));
    (Readiness { as_of: AsOf::MonthEnd, ready_min }, ready)
}

/// A bank's own branches most of the time, sometimes a consortium in which every client is an organisation and hardly one may be missing.
fn coalition(options: &Options, dice: &mut Dice) -> CoalitionRule {
    if dice.chance(800) {
        return CoalitionRule::Fraction { permille: 200 };
    }
    // Without the operator and one other organisation so many are left of the whole roster.
    let most = u64::from(options.clients.min(LARGE)) - 2;
    let outside_min = u16::try_from(*dice.pick(&[2, 6, most])).expect("a small number");
    CoalitionRule::Organisations { operator: OrganisationId(1), others: 1, outside_min }
}

/// A key set-up costs the square of the cohort: large ones make do with one for the whole plan most of the time.
fn session_rounds(options: &Options, dice: &mut Dice) -> u32 {
    let few = u32::try_from(dice.between(1, 4)).expect("at most four");
    let large = options.clients > LARGE && dice.chance(800);
    if large { options.rounds.clamp(1, SESSION_ROUNDS_MAX) } else { few }
}

/// The plan is client 1's organisation's, which has an agreement with every other one.
fn charter(clients: u32) -> Charter {
    let reference = |text: &str| (text.into(), Digest::of(text.as_bytes()));
    let agreement = |organisation| {
        let (reference, document) = reference("agreement");
        Agreement { organisation: OrganisationId(organisation), reference, document, until: u64::MAX }
    };
    let (assessment, document) = reference("assessment");
    Charter {
        legal_basis: "consent".into(),
        assessment: Assessment { reference: assessment, document, at: 0 },
        ticket: "change".into(),
        data_assets: vec!["asset".into()],
        intended_use: "simulation".into(),
        prohibited_use: "anything else".into(),
        materiality: Materiality::Low,
        review_by: u64::MAX,
        organisation: OrganisationId(1),
        agreements: (2..=clients).map(agreement).collect(),
        year: None,
    }
}
