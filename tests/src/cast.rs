//! Who plays: keys, roster, plan and policies of one run.

use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::budget::{BudgetHead, FirstUse, Heads, Kept, population_digest};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId};
use tributary_protocol::message::SignedBody;
use tributary_protocol::plan::{ClipForm, Counting, Plan, PrivacyMode, RoundKind, ValidPlan};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::roster::{ALL, AuthoritySignature, MemberName, Roster, RosterEntry, SignedRoster};
use tributary_protocol::round::{CoordinatorSettings, ParticipantEvent, ParticipantRecord, Policy, Timing};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRefused, CohortRule, Thresholds};
use tributary_protocol::secagg::suite::{Signature, Suite, VerifyingKey};
use tributary_protocol::secagg::toy::Toy;
use tributary_protocol::time::Millis;

use crate::dice::Dice;
use crate::options::Options;

/// A suite whose signing keys can be made from a number.
pub(crate) trait Stage: Suite {
    /// The signing key of a seed.
    fn signing_key(seed: [u8; 32]) -> Self::SigningKey;
}

impl Stage for Toy {
    fn signing_key(seed: [u8; 32]) -> [u8; 32] {
        seed
    }
}

impl Stage for RealSuite {
    fn signing_key(seed: [u8; 32]) -> SigningKey {
        SigningKey::from_seed(&seed)
    }
}

/// Milliseconds that a round may take.
pub(crate) const ROUND_DEADLINE_MS: u64 = 5_000;

/// Milliseconds that a key set-up may take.
pub(crate) const KEYING_DEADLINE_MS: u64 = 5_000;

/// Milliseconds that the coordinator waits for the whole roster.
const GATHER_MS: u64 = 1_000;

/// Above so many clients work that grows with the square of the cohort is kept rare.
pub(crate) const LARGE: u32 = 32;

/// Most rounds of a large cohort's session: each has its shares.
const SESSION_ROUNDS_MAX: u32 = 8;

/// Noised coordinates behind the model's, as in a real plan.
const RIDERS: u32 = 3;

/// Purpose of the dice that decide whether a plan counts.
const COUNTS: u64 = 700;

const COORDINATOR: u32 = u32::MAX;
const AUTHORITY: u32 = u32::MAX - 1;
const STRANGER: u32 = u32::MAX - 2;
const OWNER: u32 = 1 << 30;

/// What does not change during a run.
pub(crate) struct Cast {
    pub(crate) plan: ValidPlan,
    pub(crate) roster: SignedRoster,
    /// The roster before it, as the authorities signed it: without the newest client.
    pub(crate) old_roster: SignedRoster,
    /// The roster after it: one client's entry is valid for a shorter time.
    pub(crate) next_roster: SignedRoster,
    pub(crate) coordinator: VerifyingKey,
    pub(crate) rule: CohortRule,
    pub(crate) cap: Accounts,
    authority: VerifyingKey,
}

impl Cast {
    /// The cast of a seed.
    pub(crate) fn new<S: Stage>(options: &Options, dice: &mut Dice) -> Self {
        let plan = plan(options, dice).validate().expect("the simulator's plans are valid");
        let entries: Vec<_> = (1..=options.clients).map(|number| entry::<S>(ClientId(number), number)).collect();
        let (_, before) = entries.split_last().expect("a roster has clients");
        let old = Roster::new(1, Digest::ZERO, before.to_vec(), Vec::new()).expect("the simulator's rosters are valid");
        let roster = Roster::new(2, old.digest(), entries, Vec::new()).expect("the simulator's rosters are valid");
        let mut entries = roster.entries().to_vec();
        entries.iter_mut().take(1).for_each(|entry| entry.not_after -= 1);
        let next = Roster::new(3, roster.digest(), entries, Vec::new()).expect("the simulator's rosters are valid");
        let cap = plan.charge_max().plus(&spent_before(&plan));
        Self {
            rule: plan.cohort,
            cap,
            roster: sign_roster::<S>(roster),
            old_roster: sign_roster::<S>(old),
            next_roster: sign_roster::<S>(next),
            coordinator: S::verifying_key(&coordinator_key::<S>()),
            authority: S::verifying_key(&S::signing_key(seed_of(AUTHORITY))),
            plan,
        }
    }

    /// A client's own policy.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            cohort: self.rule,
            cap: self.cap.clone(),
            plan_cap: self.cap.clone(),
            modes: vec![PrivacyMode::Customer],
            purposes: vec![self.plan.purpose.to_string()],
            schema: self.plan.schema,
            groups: vec![self.plan.group.clone()],
            overlap_min: 1,
            upload_offset_ms_min: 0,
            clip_norm_min_bits: 0.001_f64.to_bits(),
            rounds_max: u32::MAX,
            rounds_a_day: u32::MAX,
            timing: Timing::Plain,
            coordinator: self.coordinator,
            authorities: vec![self.authority],
            authorities_needed: 1,
        }
    }

    /// What the rule of plan and policies makes of a cohort, whose coalition is counted of the whole roster.
    pub(crate) fn thresholds(&self, cohort: &[ClientId]) -> Result<Thresholds, CohortRefused> {
        self.rule.thresholds(&organisations(cohort), self.roster.roster.entries().len())
    }

    /// What the coordinator starts with, before or after its operator has installed the newer roster.
    pub(crate) fn settings<S: Stage>(&self, newer: bool) -> CoordinatorSettings<S> {
        CoordinatorSettings {
            plan: self.plan.clone(),
            delta_bits: 1e-6_f64.to_bits(),
            roster: if newer { self.next_roster.clone() } else { self.roster.clone() },
            signing_key: coordinator_key::<S>(),
            heads: Heads::default(),
            gather_ms: GATHER_MS,
        }
    }

    /// What a client's budget file holds before the plan: its first use, and another plan on the same customers.
    pub(crate) fn past<S: Stage>(&self, client: ClientId) -> Vec<ParticipantEvent> {
        let (population, salt) = ("customers".to_owned(), seed_of(client.0));
        let owner = S::signing_key(seed_of(OWNER));
        let mut first = FirstUse {
            population: population_digest(&salt, &population),
            owner: S::verifying_key(&owner),
            signing_key: S::verifying_key(&client_key::<S>(client)),
            adopts: false,
            signature: Signature(Vec::new()),
        };
        first.signature = S::sign(&owner, &first.to_sign::<S>());
        let charge = spent_before(&self.plan);
        vec![
            ParticipantEvent::BudgetBegun { population, salt, first },
            ParticipantEvent::PlanAccepted {
                plan: EARLIER,
                name: "earlier".into(),
                purpose: self.plan.purpose.clone(),
                privacy: PrivacyMode::Customer,
                charge: charge.clone(),
                charge_max: charge.clone(),
                rounds_charged_max: 1,
            },
            ParticipantEvent::BudgetCharged {
                plan: EARLIER,
                round: RoundId(1),
                kind: RoundKind::Train,
                at: Millis(0),
                descriptor: EARLIER,
                charge,
            },
        ]
    }

    /// What the coordinator keeps of that: each client's head, and the roster of the time.
    pub(crate) fn kept_before<S: Stage>(&self) -> Vec<Kept> {
        let head = |entry: &RosterEntry| {
            let record = ParticipantRecord::replay(&self.past::<S>(entry.client));
            let first = record.begun.as_ref().expect("the past begins with it");
            let mut head = BudgetHead {
                client: entry.client,
                population: first.population,
                counter: record.counter,
                spent: record.spent.clone(),
                plan: EARLIER,
                charged: record.charged(&EARLIER),
                others: Vec::new(),
                day: record.last_day(),
                epoch: self.roster.roster.epoch(),
                owner: first.owner,
                signature: Signature(Vec::new()),
            };
            head.signature = S::sign(&client_key::<S>(entry.client), &head.to_sign::<S>());
            Kept::Head(Box::new(head))
        };
        let roster = Kept::Roster(Box::new(self.roster.clone()));
        [roster].into_iter().chain(self.roster.roster.entries().iter().map(head)).collect()
    }
}

/// What the earlier plan cost.
fn spent_before(plan: &Plan) -> Accounts {
    plan.round_charge.times(3)
}

/// The earlier plan.
const EARLIER: Digest = Digest([9; 32]);

/// The first model's bytes.
pub(crate) fn first_model() -> Vec<u8> {
    b"the first model, thirty-two byte".to_vec()
}

/// A client's signing key.
pub(crate) fn client_key<S: Stage>(client: ClientId) -> S::SigningKey {
    S::signing_key(seed_of(client.0))
}

/// The coordinator's signing key, which a lying coordinator has as well.
pub(crate) fn coordinator_key<S: Stage>() -> S::SigningKey {
    S::signing_key(seed_of(COORDINATOR))
}

/// A roster entry whose key is the coordinator's own invention.
pub(crate) fn sybil<S: Stage>(client: ClientId) -> RosterEntry {
    entry::<S>(client, STRANGER - client.0)
}

fn entry<S: Stage>(client: ClientId, key: u32) -> RosterEntry {
    RosterEntry {
        client,
        name: MemberName::new(&format!("bank-{client}"), "branch").expect("a name"),
        organisation: OrganisationId(client.0),
        signing_key: S::verifying_key(&S::signing_key(seed_of(key))),
        tls_spki_sha256: Digest::of(&key.to_le_bytes()),
        not_after: u64::MAX,
    }
}

fn sign_roster<S: Stage>(roster: Roster) -> SignedRoster {
    let signature = S::sign(&S::signing_key(seed_of(AUTHORITY)), &roster.signing_input());
    SignedRoster { roster, signatures: vec![AuthoritySignature { authority: 0, signature }] }
}

fn seed_of(number: u32) -> [u8; 32] {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    seed
}

/// A plan whose oracle has a coordinate for every client. Its privacy is charged for as usual; the simulated data add no noise, so that the
/// sum can be compared exactly.
fn plan(options: &Options, dice: &mut Dice) -> Plan {
    let wide = dice.chance(500);
    let units: u32 = if wide { 1 << 20 } else { 1000 };
    let squared = u128::from(units).pow(2);
    let rounds = options.rounds;
    // Some plans count customers before or after training, in small cohorts: a large one has enough to do.
    let beside = dice.clone().word();
    let counting = |purpose| {
        let counts = options.clients <= LARGE && Dice::new(beside, purpose).chance(300);
        let cells = options.clients + 3;
        counts.then(|| Counting { cells, bins: 10, sensitivity_squared: squared, noise_variance: 500 * squared })
    };
    // Some plans run out of charges, which must end them in order.
    let spare = if dice.chance(100) { 2 } else { 20 + rounds.saturating_mul(10) };
    Plan {
        name: "simulated".into(),
        purpose: "simulation".into(),
        schema: Digest::of(b"schema"),
        architecture: vec![1],
        parameters: options.clients,
        riders: RIDERS,
        initial_model: Digest::of(&first_model()),
        privacy: PrivacyMode::Customer,
        overlap_max: 1,
        sampling_threshold: 0,
        local: None,
        ring: if wide { Ring::Bits64 } else { Ring::Bits32 },
        clip_form: ClipForm::Exact,
        example_clip_norm_bits: 1.0_f64.to_bits(),
        loss_bound_bits: 4.0_f64.to_bits(),
        clip_units: units,
        sensitivity_squared: squared,
        customer_sensitivity_squared: squared,
        noise_variance: 2000 * squared,
        round_charge: Accounts::customers(RdpVector::gaussian(squared, 2000 * squared)),
        statistics: counting(COUNTS),
        evaluation: counting(COUNTS + 1),
        rounds,
        rounds_charged_max: rounds.saturating_add(spare),
        customers_nominal: 1000,
        customers_max: 2000,
        session_rounds: session_rounds(options, dice),
        cohort: CohortRule { coalition: coalition(options, dice), ..CohortRule::USUAL },
        group: ALL.into(),
        round_deadline_ms: ROUND_DEADLINE_MS,
        upload_offset_ms: *Dice::new(beside, COUNTS + 2).pick(&[0, 0, 40]),
        keying_deadline_ms: KEYING_DEADLINE_MS,
    }
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

/// Each client's organisation: one of its own.
pub(crate) fn organisations(clients: &[ClientId]) -> Vec<OrganisationId> {
    clients.iter().map(|client| OrganisationId(client.0)).collect()
}

/// A key set-up costs the square of the cohort: large ones make do with one for the whole plan most of the time.
fn session_rounds(options: &Options, dice: &mut Dice) -> u32 {
    let few = u32::try_from(dice.between(1, 4)).expect("at most four");
    let large = options.clients > LARGE && dice.chance(800);
    if large { options.rounds.clamp(1, SESSION_ROUNDS_MAX) } else { few }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::secagg::graph::{Degree, Graph};

    use super::*;

    /// Frozen under the real suite: every member of a session must draw the same graph, whatever its version.
    #[test]
    fn the_real_suite_draws_its_golden_graph() {
        let graph = Graph::new::<RealSuite>(257, &Digest([7; 32]), Some(Degree { neighbours: 4, threshold: 1 }));
        assert_eq!([graph.neighbours(0), graph.neighbours(256)], [[114, 137, 251, 254], [124, 154, 178, 214]]);
    }
}
