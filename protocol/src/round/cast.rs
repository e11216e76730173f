//! A small federation's plan, roster, policy and keys under the toy suite, for tests and fuzz targets.

use alloc::vec::Vec;

use super::{
    Contribution, CoordinatorSettings, ParticipantEvent, Policy, RoundDescriptor, RoundHead, SessionView, Timing,
};
use crate::budget::{FirstUse, Heads, population_digest};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::message::SignedBody;
use crate::plan::{ClipForm, Counting, LocalTraining, Plan, PrivacyMode, RoundKind, ValidPlan};
use crate::privacy::{Accounts, RdpVector};
use crate::roster::{ALL, AuthoritySignature, MemberName, Roster, RosterEntry, RosterGroup, SignedRoster};
use crate::secagg::mask::Sign;
use crate::secagg::masked_update::MaskSeeds;
use crate::secagg::modular::Ring;
use crate::secagg::parameters::CohortRule;
use crate::secagg::permit::BudgetReceipt;
use crate::secagg::suite::{SecretKey, Signature, Suite};
use crate::secagg::toy::Toy;

/// Coordinates of the cast's model.
pub const PARAMETERS: u32 = 5;

const COORDINATOR_KEY: [u8; 32] = [200; 32];
const AUTHORITY_KEY: [u8; 32] = [201; 32];
/// The key of every branch's owner.
pub const OWNER_KEY: [u8; 32] = [202; 32];

/// A valid plan of five rounds in sessions of three, for cohorts of eight and more.
#[must_use]
pub fn plan() -> Plan {
    Plan {
        name: "test".into(),
        purpose: "test".into(),
        schema: Digest::of(b"schema"),
        architecture: alloc::vec![1],
        parameters: PARAMETERS,
        riders: 2,
        initial_model: Digest::of(b"model 0"),
        privacy: PrivacyMode::Customer,
        overlap_max: 1,
        sampling_threshold: 0,
        local: None,
        ring: Ring::Bits64,
        clip_form: ClipForm::Exact,
        example_clip_norm_bits: 1.0_f64.to_bits(),
        loss_bound_bits: 4.0_f64.to_bits(),
        clip_units: 1 << 20,
        sensitivity_squared: 1 << 40,
        customer_sensitivity_squared: 1 << 40,
        noise_variance: 2000 << 40,
        round_charge: Accounts::customers(RdpVector::gaussian(1, 2000)),
        statistics: None,
        evaluation: None,
        rounds: 5,
        rounds_charged_max: 8,
        customers_nominal: 1000,
        customers_max: 2000,
        session_rounds: 3,
        cohort: CohortRule::USUAL,
        group: ALL.into(),
        round_deadline_ms: 1000,
        upload_offset_ms: 0,
        keying_deadline_ms: 500,
    }
}

/// The same plan with a round of statistics before training and one of evaluation behind it.
#[must_use]
pub fn counting_plan() -> Plan {
    let counting = Counting { cells: 12, bins: 3, sensitivity_squared: 2 << 40, noise_variance: 9000 << 40 };
    Plan { statistics: Some(counting), evaluation: Some(Counting { cells: 6, ..counting }), ..plan() }
}

/// A plan with what follows from its noise and mode set: what a customer moves in mode branch, without riders, and the charge of a round.
#[must_use]
pub fn priced(mut plan: Plan) -> Plan {
    plan.customer_sensitivity_squared = match plan.privacy {
        PrivacyMode::Branch => 4 * plan.sensitivity_squared * u128::from(plan.overlap_max).pow(2),
        _ => plan.sensitivity_squared,
    };
    plan.round_charge = plan.charge_without_coins();
    plan
}

/// The same plan in mode branch.
#[must_use]
pub fn branch_plan() -> Plan {
    let local = LocalTraining {
        steps: 4,
        learning_rate_bits: 0.5_f64.to_bits(),
        update_clip_norm_bits: 1.0_f64.to_bits(),
        adaptive: false,
    };
    priced(Plan { privacy: PrivacyMode::Branch, local: Some(local), ..plan() })
}

/// What so many rounds of a plan charge.
#[must_use]
pub fn cap(plan: &Plan, rounds: u64) -> Accounts {
    plan.round_charge.times(rounds)
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
        clip_norm_min_bits: 0.001_f64.to_bits(),
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
        signature: Signature(Vec::new()),
    };
    first.signature = Toy::sign(&OWNER_KEY, &first.to_sign::<Toy>());
    ParticipantEvent::BudgetBegun { population, salt, first }
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
        plan: plan.validate().expect("a valid plan"),
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
/// If the plan admits no cohort of ten.
#[must_use]
pub fn contribution(plan: &ValidPlan, (kind, round): (RoundKind, RoundId), model: Digest) -> Contribution {
    let thresholds = plan.cohort.thresholds(&[OrganisationId(1); 10], 10).expect("a cohort of ten");
    let view = SessionView { session: SessionId([1; 32]), view: Digest::ZERO, thresholds };
    let bound = plan.local.filter(|_| kind == RoundKind::Train).map_or(0, |local| local.update_clip_norm_bits);
    let descriptor =
        RoundDescriptor::derive(plan, &view, RoundHead { round, kind, model, update_clip_norm_bits: bound });
    let receipt = BudgetReceipt::new(round, descriptor.digest());
    let pairs = (2..=10_u8).map(|peer| (Sign::of_pair(ClientId(1), ClientId(peer.into())), SecretKey::new([peer; 32])));
    let seeds = MaskSeeds { self_seed: SecretKey::new([1; 32]), pairs: pairs.collect() };
    Contribution { descriptor, receipt, seeds }
}
