//! A small federation's plan, roster, policy and keys under the toy suite, for tests and fuzz targets.

use alloc::vec::Vec;

use super::{
    Contribution, CoordinatorSettings, Granted, ParticipantEvent, Policy, RoundDescriptor, RoundHead, SessionView,
    StageTerms, Timing,
};
use crate::budget::{FirstUse, Heads, population_digest};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::limits::HOLDING_SECONDS_MAX;
use crate::message::SignedBody;
use crate::plan::{
    Agreement, Approvals, Assessment, Attestation, Caps, Charter, Grant, GrantSubject, Materiality, ModelRef,
    NoiseShare, Plan, PrivacyMode, Retention, Rhythm, Run, Schedule, Stage, Withdrawal,
};
use crate::privacy::{Accounts, RdpVector, Unit};
use crate::role::{Action, Role};
use crate::roster::{
    ALL, AuthoritySignature, Holding, MemberName, Person, Roster, RosterEntry, RosterGroup, Scope, SignedRoster,
    StaffNumber, federation_digest,
};
use crate::secagg::mask::Sign;
use crate::secagg::masked_update::{MaskSeeds, mask};
use crate::secagg::modular::{Ring, RingWords};
use crate::secagg::parameters::CohortRule;
use crate::secagg::permit::{BudgetReceipt, Opened, Ticket, UnmaskPermit};
use crate::secagg::suite::{SecretKey, Signature, Suite};
use crate::secagg::toy::Toy;
use crate::time::Millis;

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
        retention: Retention::USUAL,
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

/// What so many rounds of a plan's first stage charge.
///
/// # Panics
/// For a plan without a stage.
#[must_use]
pub fn cap(plan: &Plan, rounds: u64) -> Accounts {
    plan.stages[0].charge.times(rounds)
}

/// The epsilons of the cast's policies: figures alone, which the toy suite's tests compare.
#[must_use]
pub fn caps() -> Caps {
    Caps {
        life_bits: 8.0_f64.to_bits(),
        year_bits: 4.0_f64.to_bits(),
        branch_life_bits: 0,
        branch_year_bits: 0,
        delta_bits: 1e-6_f64.to_bits(),
    }
}

/// A client's policy that admits exactly this plan.
#[must_use]
pub fn policy(plan: &Plan) -> Policy {
    Policy {
        cohort: plan.cohort,
        cap: plan.charge_max(),
        caps: caps(),
        // Of a year there is enough, where a test does not say how much.
        cap_year: plan.charge_max().times(1_000),
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
        grants: alloc::vec![granted(plan, grant(plan))],
    }
}

/// A grant of the cast's owner for all plans like this one, of clients 1 to 20 of its bank.
#[must_use]
pub fn grant(plan: &Plan) -> Grant {
    grant_of(plan, (1..=20).map(|client| name(ClientId(client), 1)))
}

/// A grant of the cast's owner for all plans like this one, of these branches.
#[must_use]
pub fn grant_of(plan: &Plan, branches: impl Iterator<Item = MemberName>) -> Grant {
    let mut branches: Vec<MemberName> = branches.collect();
    branches.sort();
    let grant = Grant {
        federation: federation(),
        branches,
        subject: GrantSubject::Plans { proposer: staff(PROPOSER), purpose: plan.purpose.clone() },
        epsilon_run_bits: 1.0_f64.to_bits(),
        epsilon_year_bits: 1.0_f64.to_bits(),
        delta_bits: 1e-6_f64.to_bits(),
        runs: 1_000,
        fields: Vec::new(),
        not_before: 0,
        not_after: u64::MAX,
        nonce: [0; 16],
        owner: Toy::verifying_key(&OWNER_KEY),
        signature: Signature::none(),
    };
    owner_signs(grant)
}

/// A grant with its owner's signature on what it says now.
#[must_use]
pub fn owner_signs(mut grant: Grant) -> Grant {
    grant.signature = Toy::sign(&OWNER_KEY, &grant.to_sign::<Toy>());
    grant
}

/// A grant with what it allows in this plan: a hundred runs.
#[must_use]
pub fn granted(plan: &Plan, grant: Grant) -> Granted {
    Granted { grant, run: plan.charge_of_run(), year: plan.charge_of_run().times(1_000), names_fields: true }
}

/// The owner takes a grant back.
#[must_use]
pub fn withdrawal(grant: &Grant) -> Withdrawal {
    let owner = Toy::verifying_key(&OWNER_KEY);
    let mut withdrawal = Withdrawal { grant: grant.digest(), owner, at: 0, signature: Signature::none() };
    withdrawal.signature = Toy::sign(&OWNER_KEY, &withdrawal.to_sign::<Toy>());
    withdrawal
}

/// Staff number of the cast's plan owner.
pub const PROPOSER: &str = "bank-1/owner";
/// Staff number of the cast's privacy officer.
pub const APPROVER: &str = "bank-1/officer";

/// A staff number.
///
/// # Panics
/// For a text that is none.
#[must_use]
pub fn staff(text: &str) -> StaffNumber {
    StaffNumber::parse(text).expect("a staff number")
}

/// The key of one of the cast's people.
#[must_use]
pub fn person_key(staff: &str) -> [u8; 32] {
    Digest::of(staff.as_bytes()).0
}

/// Somebody who holds a role in the whole federation from the beginning, for a year.
#[must_use]
pub fn person(number: &str, role: Role) -> Person {
    let holding = Holding { role, deputy_of: None, scope: Scope::Federation, from: 0, until: HOLDING_SECONDS_MAX };
    let signing_key = Toy::verifying_key(&person_key(number));
    Person { staff: staff(number), signing_key, holdings: alloc::vec![holding] }
}

/// The cast's plan owner and privacy officer, as rosters list them.
#[must_use]
pub fn people() -> Vec<Person> {
    alloc::vec![person(APPROVER, Role::PrivacyOfficer), person(PROPOSER, Role::PlanOwner)]
}

/// What names the cast's federation.
#[must_use]
pub fn federation() -> Digest {
    federation_digest(&[Toy::verifying_key(&AUTHORITY_KEY)], 1)
}

/// A signature of one of the cast's people.
#[must_use]
pub fn attestation(number: &str, role: Role, action: Action, subject: Digest) -> Attestation {
    let (federation, staff) = (federation(), staff(number));
    let signature = Signature::none();
    let mut signed = Attestation { action, subject, federation, staff, role, at: 0, signature };
    signed.signature = Toy::sign(&person_key(number), &signed.to_sign::<Toy>());
    signed
}

/// The two signatures on a plan.
#[must_use]
pub fn approvals(plan: &Plan) -> Approvals {
    let plan = plan.digest();
    Approvals {
        proposal: attestation(PROPOSER, Role::PlanOwner, Action::ProposePlan, plan),
        approval: attestation(APPROVER, Role::PrivacyOfficer, Action::ApprovePlan, plan),
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
        grant: grant(run).digest(),
        at: Millis(0),
        shown: Millis(0),
        until: run.last_end(),
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
    signed_by_authority(Roster::new(last.epoch() + 1, last.digest(), entries, groups, people()).expect("a roster"))
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
    let roster = Roster::new(epoch, previous, entries, Vec::new(), people());
    signed_by_authority(roster.expect("few clients, in order, each with its own keys"))
}

/// A roster with its authority's signature.
#[must_use]
pub fn signed_by_authority(roster: Roster) -> SignedRoster {
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
        approvals: approvals(&plan),
        run: run(plan),
        model: first_model(),
        federation: federation(),
        not_before: Millis(0),
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
