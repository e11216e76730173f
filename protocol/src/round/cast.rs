//! A small federation's plan, roster, policy and keys under the toy suite, for tests and fuzz targets.

use alloc::vec::Vec;

use super::{
    Contribution, CoordinatorSettings, ParticipantEvent, Policy, RoundDescriptor, RoundHead, SessionView, StageTerms,
    Timing,
};
use crate::budget::{FirstUse, Heads, population_digest};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::message::SignedBody;
use crate::plan::{ModelRef, NoiseShare, Plan, PrivacyMode, Retention, Run, Stage};
use crate::privacy::{Accounts, RdpVector, Unit};
use crate::roster::{ALL, AuthoritySignature, MemberName, Roster, RosterEntry, RosterGroup, SignedRoster};
use crate::secagg::mask::Sign;
use crate::secagg::masked_update::{MaskSeeds, mask};
use crate::secagg::modular::{Ring, RingWords};
use crate::secagg::parameters::CohortRule;
use crate::secagg::permit::{BudgetReceipt, Opened, Ticket, UnmaskPermit};
use crate::secagg::suite::{SecretKey, Signature, Suite};
use crate::secagg::toy::Toy;

/// Coordinates of the cast's model.
pub const PARAMETERS: u32 = 5;

const COORDINATOR_KEY: [u8; 32] = [200; 32];
const AUTHORITY_KEY: [u8; 32] = [201; 32];
/// The key of every branch's owner.
pub const OWNER_KEY: [u8; 32] = [202; 32];

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
        overlap_max: 1,
        customers_nominal: 1000,
        customers_max: 2000,
        stages: alloc::vec![stage()],
        retries: 3,
        runs: 1,
        session_rounds: 3,
        cohort: CohortRule::USUAL,
        group: ALL.into(),
        round_deadline_ms: 1000,
        upload_offset_ms: 0,
        keying_deadline_ms: 500,
        retention: Retention::USUAL,
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
    plan
}

/// The same plan in mode branch.
#[must_use]
pub fn branch_plan() -> Plan {
    priced(Plan { privacy: PrivacyMode::Branch, ..plan() })
}

/// What so many rounds of a plan's first stage charge.
///
/// # Panics
/// For a plan without a stage.
#[must_use]
pub fn cap(plan: &Plan, rounds: u64) -> Accounts {
    plan.stages[0].charge.times(rounds)
}

/// A client's policy that admits exactly this plan.
#[must_use]
pub fn policy(plan: &Plan) -> Policy {
    Policy {
        cohort: plan.cohort,
        cap: plan.charge_max(),
        plan_cap: plan.charge_max(),
        modes: alloc::vec![PrivacyMode::Customer, PrivacyMode::Local, PrivacyMode::Branch],
        purposes: alloc::vec![plan.purpose.raw().into()],
        schema: plan.schema,
        groups: alloc::vec![plan.group.clone()],
        overlap_min: 1,
        upload_offset_ms_min: 0,
        rounds_max: u32::MAX,
        rounds_a_day: u32::MAX,
        timing: Timing::Plain,
        coordinator: Toy::verifying_key(&COORDINATOR_KEY),
        authorities: alloc::vec![Toy::verifying_key(&AUTHORITY_KEY)],
        authorities_needed: 1,
    }
}

/// The first entry of a client's budget file: its owner has begun it, or lets it take the place of a lost one.
#[must_use]
pub fn begun(client: ClientId, adopts: bool) -> ParticipantEvent {
    let (population, salt) = (alloc::format!("customers of client {client}"), [client.0.to_le_bytes()[0]; 32]);
    let mut first = FirstUse {
        population: population_digest(&salt, &population),
        owner: Toy::verifying_key(&OWNER_KEY),
        signing_key: Toy::verifying_key(&signing_key(client)),
        adopts,
        signature: Signature::none(),
    };
    first.signature = Toy::sign(&OWNER_KEY, &first.to_sign::<Toy>());
    ParticipantEvent::BudgetBegun { population, salt, first }
}

/// The entry of a budget file that admits a run.
#[must_use]
pub fn accepted(run: &Run) -> ParticipantEvent {
    ParticipantEvent::RunAccepted {
        run: run.reference(),
        name: run.name.clone(),
        purpose: run.purpose.clone(),
        privacy: run.privacy,
        stages: run.stages.iter().map(StageTerms::of).collect(),
        retries: run.retries,
        charge_max: run.charge_of_run(),
    }
}

/// A client's signing key.
#[must_use]
pub fn signing_key(client: ClientId) -> [u8; 32] {
    let mut key = [7; 32];
    key[..4].copy_from_slice(&client.0.to_le_bytes());
    key
}

/// The roster of clients 1 to `clients`, all of one organisation, signed by its authority.
///
/// # Panics
/// With more clients than a roster may have.
#[must_use]
pub fn roster(clients: u32) -> SignedRoster {
    signed(1, Digest::ZERO, clients, |_| 1)
}

/// The roster of clients 1 to `clients`, each of the organisation that this says.
///
/// # Panics
/// With more clients than a roster may have.
#[must_use]
pub fn roster_of(clients: u32, organisation: fn(u32) -> u32) -> SignedRoster {
    signed(1, Digest::ZERO, clients, organisation)
}

/// The roster after another one, of clients 1 to `clients`.
///
/// # Panics
/// With more clients than a roster may have.
#[must_use]
pub fn next_roster(last: &Roster, clients: u32) -> SignedRoster {
    signed(last.epoch() + 1, last.digest(), clients, |_| 1)
}

/// A client's key after it has enrolled again.
#[must_use]
pub fn second_key(client: ClientId) -> [u8; 32] {
    let mut key = signing_key(client);
    key[31] = 8;
    key
}

/// As [`next_roster`], where one client has enrolled again with [`second_key`].
///
/// # Panics
/// With more clients than a roster may have.
#[must_use]
pub fn rekeyed_roster(last: &Roster, clients: u32, rekeyed: ClientId) -> SignedRoster {
    let mut entries: Vec<RosterEntry> = (1..=clients).map(|number| entry(ClientId(number))).collect();
    for entry in entries.iter_mut().filter(|entry| entry.client == rekeyed) {
        entry.signing_key = Toy::verifying_key(&second_key(rekeyed));
    }
    roster_after(last, entries, Vec::new())
}

/// As [`next_roster`], of these entries and groups.
///
/// # Panics
/// If they make no roster.
#[must_use]
pub fn roster_after(last: &Roster, entries: Vec<RosterEntry>, groups: Vec<RosterGroup>) -> SignedRoster {
    signed_by_authority(Roster::new(last.epoch() + 1, last.digest(), entries, groups).expect("a roster"))
}

/// A client's name in an organisation.
///
/// # Panics
/// Never: every number makes a name.
#[must_use]
pub fn name(ClientId(client): ClientId, organisation: u32) -> MemberName {
    MemberName::new(&alloc::format!("bank-{organisation}"), &alloc::format!("branch-{client}")).expect("a name")
}

/// A client's entry, valid for ever.
#[must_use]
pub fn entry(client: ClientId) -> RosterEntry {
    RosterEntry {
        client,
        name: name(client, 1),
        organisation: OrganisationId(1),
        signing_key: Toy::verifying_key(&signing_key(client)),
        tls_spki_sha256: Digest::of(&client.0.to_le_bytes()),
        not_after: u64::MAX,
    }
}

fn signed(epoch: u64, previous: Digest, clients: u32, organisation: fn(u32) -> u32) -> SignedRoster {
    let of_organisation = |number: u32| {
        let (client, organisation) = (ClientId(number), organisation(number));
        RosterEntry { name: name(client, organisation), organisation: OrganisationId(organisation), ..entry(client) }
    };
    let entries = (1..=clients).map(of_organisation).collect();
    let roster = Roster::new(epoch, previous, entries, Vec::new());
    signed_by_authority(roster.expect("few clients, in order, each with its own keys"))
}

fn signed_by_authority(roster: Roster) -> SignedRoster {
    let signature = Toy::sign(&AUTHORITY_KEY, &roster.signing_input());
    SignedRoster { roster, signatures: alloc::vec![AuthoritySignature { authority: 0, signature }] }
}

/// What the coordinator of so many clients starts with.
///
/// # Panics
/// For a plan that is not valid.
#[must_use]
pub fn settings(clients: u32, plan: Plan) -> CoordinatorSettings<Toy> {
    CoordinatorSettings {
        run: run(plan),
        model: first_model(),
        delta_bits: 1e-6_f64.to_bits(),
        roster: roster(clients),
        signing_key: COORDINATOR_KEY,
        heads: Heads::default(),
        gather_ms: 100,
    }
}

/// A signature by the coordinator's own key: a coordinator that lies can sign its lies.
#[must_use]
pub fn coordinator_signs(message: &[u8]) -> Signature {
    Toy::sign(&COORDINATOR_KEY, message)
}

/// Permission for one round of a cohort of ten, as the machine gives it after the charge: for tests of what comes of it.
///
/// # Panics
/// If the plan admits no cohort of ten, or has no such stage.
#[must_use]
pub fn contribution(run: &Run, head: RoundHead) -> Contribution {
    let thresholds = run.cohort.thresholds(&[OrganisationId(1); 10], 10).expect("a cohort of ten");
    let view = SessionView { session: SessionId([1; 32]), view: Digest::ZERO, thresholds };
    let descriptor = RoundDescriptor::derive(run, &view, head).expect("a stage of the plan");
    let receipt = BudgetReceipt::new(head.round, descriptor.digest());
    let pairs = (2..=10_u8).map(|peer| (Sign::of_pair(ClientId(1), ClientId(peer.into())), SecretKey::new([peer; 32])));
    let seeds = MaskSeeds { self_seed: SecretKey::new([1; 32]), pairs: pairs.collect() };
    Contribution { descriptor, receipt, seeds }
}

/// A round whose uploads came, for tests of what a coordinator does with them.
pub struct MaskedRound {
    /// The uploads, in the order of the values, each with the leave to fold it.
    pub uploads: Vec<(Ticket, Vec<u8>)>,
    /// Leave to unmask their sum.
    pub permit: UnmaskPermit,
}

/// The round of a descriptor in which each of these clients contributes its values, and others are lost after they were keyed.
#[must_use]
pub fn masked_round<S: Suite>(
    (round, descriptor, ring): (RoundId, Digest, Ring),
    values: &[(ClientId, Vec<i64>)],
    lost: &[ClientId],
) -> MaskedRound {
    let seed = |parts: &[&[u8]]| SecretKey::new(Digest::of_parts(parts).0);
    let pair = |one: ClientId, other: ClientId| {
        let (low, high) = (one.min(other).0.to_le_bytes(), one.max(other).0.to_le_bytes());
        seed(&[b"pair", &round.0.to_le_bytes(), &low, &high])
    };
    let own = |client: ClientId| seed(&[b"self", &round.0.to_le_bytes(), &client.0.to_le_bytes()]);
    let mut survivors: Vec<ClientId> = values.iter().map(|(client, _)| *client).collect();
    let uploads = values.iter().map(|(client, values)| {
        let peers = survivors.iter().chain(lost).filter(|peer| *peer != client);
        let pairs = peers.map(|peer| (Sign::of_pair(*client, *peer), pair(*client, *peer))).collect();
        let seeds = MaskSeeds { self_seed: own(*client), pairs };
        let words = RingWords::reduce(ring, values);
        let update = mask::<S>(words, BudgetReceipt::new(round, descriptor), seeds);
        (Ticket::new(round, *client, (ring, values.len()), update.digest()), update.into_bytes())
    });
    let uploads = uploads.collect();
    survivors.sort_unstable();
    let lost_pairs = lost.iter().flat_map(|lost| {
        let pairs = survivors.iter().map(move |survivor| (*survivor, *lost));
        pairs.map(|(survivor, lost)| (Sign::of_pair(survivor, lost), pair(survivor, lost)))
    });
    let lost_pairs = lost_pairs.collect();
    let survivors = survivors.iter().map(|client| (*client, own(*client))).collect();
    MaskedRound { uploads, permit: UnmaskPermit::new(Opened { round, descriptor, survivors, lost_pairs }) }
}
