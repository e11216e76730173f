//! Who plays: keys, roster, plan and policies of one run.

use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::budget::{BudgetHead, FirstUse, Heads, Kept, population_digest};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId};
use tributary_protocol::limits::HOLDING_SECONDS_MAX;
use tributary_protocol::message::SignedBody;
use tributary_protocol::plan::{
    Agreement, Approvals, Assessment, Attestation, Charter, Grant, GrantSubject, GrantUses, Materiality, ModelRef, NoiseShare,
    Plan, PrivacyMode, Retention, Rhythm, Run, RunRef, Schedule, Stage, ValidPlan,
};
use tributary_protocol::privacy::{Accounts, RdpVector, Unit};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{
    ALL, AuthoritySignature, Holding, MemberName, Person, Roster, RosterEntry, Scope, SignedRoster, StaffNumber,
    federation_digest,
};
use tributary_protocol::round::{
    BudgetRecord, CoordinatorSettings, Granted, Orders, ParticipantEvent, Policy, StageTerms, Timing,
};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRefused, CohortRule, Thresholds};
use tributary_protocol::secagg::suite::{Signature, Suite, VerifyingKey};
use tributary_protocol::secagg::toy::Toy;
use tributary_protocol::time::Millis;

use crate::dice::Dice;
use crate::meaning::{Meaning, Oracle, STATE_BYTES, kind};
use crate::options::Options;

/// A suite whose signing keys can be made from a number.
pub(crate) trait Keyed: Suite {
    /// The signing key of a seed.
    fn signing_key(seed: [u8; 32]) -> Self::SigningKey;
}

impl Keyed for Toy {
    fn signing_key(seed: [u8; 32]) -> [u8; 32] {
        seed
    }
}

impl Keyed for RealSuite {
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

/// Purpose of the dice that decide which stages a plan has, and how often it runs.
const STAGES: u64 = 700;

const COORDINATOR: u32 = u32::MAX;
const AUTHORITY: u32 = u32::MAX - 1;
const STRANGER: u32 = u32::MAX - 2;
const OWNER: u32 = 1 << 30;

/// What does not change during a run.
pub(crate) struct Cast {
    pub(crate) plan: ValidPlan,
    /// What its stages mean.
    pub(crate) meaning: Box<dyn Meaning>,
    pub(crate) roster: SignedRoster,
    /// The roster before it, as the authorities signed it: without the newest client.
    pub(crate) old_roster: SignedRoster,
    /// The roster after it: one client's entry is valid for a shorter time.
    pub(crate) next_roster: SignedRoster,
    pub(crate) coordinator: VerifyingKey,
    pub(crate) rule: CohortRule,
    pub(crate) cap: Accounts,
    /// The two signatures on the plan.
    pub(crate) approvals: Approvals,
    /// The owner's grant for it, of every client.
    pub(crate) grant: Grant,
    authority: VerifyingKey,
}

impl Cast {
    /// The cast of a seed; of other stages than its own where they are given.
    pub(crate) fn new<S: Keyed>(options: &Options, dice: &mut Dice, meaning: Option<Box<dyn Meaning>>) -> Self {
        let (usual, oracle) = plan(options, dice);
        let meaning = meaning.unwrap_or_else(|| Box::new(oracle));
        let usual = Plan { initial_model: ModelRef::Digest(meaning.digest(&meaning.first_state())), ..usual };
        let plan = meaning.plan(usual).validate().expect("the simulator's plans are valid");
        let entries: Vec<_> = (1..=options.clients).map(|number| entry::<S>(ClientId(number), number)).collect();
        let (_, before) = entries.split_last().expect("a roster has clients");
        let old = Roster::new(1, Digest::ZERO, before.to_vec(), Vec::new(), people::<S>())
            .expect("the simulator's rosters are valid");
        let roster = Roster::new(2, old.digest(), entries, Vec::new(), people::<S>())
            .expect("the simulator's rosters are valid");
        let mut entries = roster.entries().to_vec();
        entries.iter_mut().take(1).for_each(|entry| entry.not_after -= 1);
        let next = Roster::new(3, roster.digest(), entries, Vec::new(), people::<S>())
            .expect("the simulator's rosters are valid");
        let cap = plan.charge_max().plus(&spent_before(&plan));
        Self {
            rule: plan.cohort,
            cap,
            roster: sign_roster::<S>(roster),
            old_roster: sign_roster::<S>(old),
            next_roster: sign_roster::<S>(next),
            coordinator: S::verifying_key(&coordinator_key::<S>()),
            authority: S::verifying_key(&S::signing_key(seed_of(AUTHORITY))),
            approvals: approvals::<S>(&plan),
            grant: grant::<S>(&plan),
            plan,
            meaning,
        }
    }

    /// The run of a number, from 1.
    pub(crate) fn run(&self, number: u32) -> Run {
        Run::new(self.plan.clone(), number).expect("the plan allows it")
    }

    /// A client's own policy.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            cohort: self.rule,
            cap: self.cap.clone(),
            cap_year: self.cap.clone(),
            caps: tributary_protocol::round::cast::caps(),
            plan_cap: self.cap.clone(),
            modes: vec![PrivacyMode::Customer],
            purposes: vec![self.plan.purpose.raw().to_owned()],
            schema: self.plan.schema,
            groups: vec![self.plan.group.clone()],
            overlap_min: 1,
            upload_offset_ms_min: 0,
            rounds_max: u32::MAX,
            rounds_a_day: u32::MAX,
            timing: Timing::Plain,
            coordinator: self.coordinator.clone(),
            authorities: vec![self.authority.clone()],
            authorities_needed: 1,
            grants: vec![self.granted()],
        }
    }

    /// The owner's grant with what it allows: a handful of runs.
    pub(crate) fn granted(&self) -> Granted {
        let run = self.plan.charge_of_run().customer;
        Granted { grant: self.grant.clone(), year: run.times(GRANTED_RUNS.into()), run, names_fields: true }
    }

    /// What the rule of plan and policies makes of a cohort, whose coalition is counted of the whole roster.
    pub(crate) fn thresholds(&self, cohort: &[ClientId]) -> Result<Thresholds, CohortRefused> {
        self.rule.thresholds(&organisations(cohort), self.roster.roster.entries().len())
    }

    /// What the coordinator of a run starts with, before or after its operator has installed the newer roster.
    pub(crate) fn settings<S: Keyed>(&self, run: Run, newer: bool) -> CoordinatorSettings<S> {
        CoordinatorSettings {
            run,
            model: self.meaning.digest(&self.meaning.first_state()),
            approvals: self.approvals.clone(),
            federation: federation_digest(std::slice::from_ref(&self.authority), 1),
            not_before: Millis(0),
            roster: if newer { self.next_roster.clone() } else { self.roster.clone() },
            signing_key: coordinator_key::<S>(),
            heads: Heads::default(),
            orders: Orders::default(),
            gather_ms: GATHER_MS,
        }
    }

    /// What a client's budget file holds before the plan: its first use, and another plan on the same customers.
    pub(crate) fn past<S: Keyed>(&self, client: ClientId) -> Vec<ParticipantEvent> {
        let (population, salt) = ("customers".to_owned(), seed_of(client.0));
        let owner = S::signing_key(seed_of(OWNER));
        let mut first = FirstUse {
            population: population_digest(&salt, &population),
            owner: S::verifying_key(&owner),
            signing_key: S::verifying_key(&client_key::<S>(client)),
            adopts: false,
            signature: Signature::none(),
        };
        first.signature = S::sign(&owner, &first.to_sign::<S>());
        let charge = spent_before(&self.plan);
        vec![
            ParticipantEvent::BudgetBegun { population, salt, first },
            ParticipantEvent::RunAccepted {
                run: EARLIER,
                name: "earlier".into(),
                purpose: self.plan.purpose.clone(),
                privacy: PrivacyMode::Customer,
                stages: vec![StageTerms { kind: kind::COUNT.into(), rounds: 1, charge: charge.clone() }],
                retries: 0,
                charge_max: charge.clone(),
                grant: EARLIER.plan,
                at: Millis(0),
                shown: Millis(0),
                until: Millis(0),
            },
            ParticipantEvent::BudgetCharged {
                run: EARLIER,
                round: RoundId(1),
                stage: 0,
                at: Millis(0),
                descriptor: EARLIER.plan,
                charge,
            },
        ]
    }

    /// What the coordinator keeps of that: each client's head, and the roster of the time.
    pub(crate) fn kept_before<S: Keyed>(&self) -> Vec<Kept> {
        let head = |entry: &RosterEntry| {
            let record = BudgetRecord::replay(&self.past::<S>(entry.client)).expect("a file that a branch writes");
            let first = record.begun.as_ref().expect("the past begins with it");
            let mut head = BudgetHead {
                client: entry.client,
                population: first.population,
                counter: record.counter,
                spent: record.spent.clone(),
                year: record.year.clone(),
                caps: record.caps,
                run: EARLIER,
                charged: record.charged(&EARLIER),
                others: Vec::new(),
                day: record.last_day(),
                epoch: self.roster.roster.epoch(),
                owner: first.owner.clone(),
                signature: Signature::none(),
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
    plan.stages.iter().fold(Accounts::zero(), |most, stage| most.most(&stage.charge)).times(3)
}

/// Runs for which the owner's grant is good.
const GRANTED_RUNS: u32 = 5;
const PROPOSER: (&str, u32) = ("bank-1/owner", u32::MAX - 3);
const APPROVER: (&str, u32) = ("bank-1/officer", u32::MAX - 4);

fn person<S: Keyed>((staff, key): (&str, u32), role: Role) -> Person {
    let holding = Holding { role, deputy_of: None, scope: Scope::Federation, from: 0, until: HOLDING_SECONDS_MAX };
    let staff = StaffNumber::parse(staff).expect("a staff number");
    Person { staff, signing_key: S::verifying_key(&S::signing_key(seed_of(key))), holdings: vec![holding] }
}

fn people<S: Keyed>() -> Vec<Person> {
    vec![person::<S>(APPROVER, Role::PrivacyOfficer), person::<S>(PROPOSER, Role::PlanOwner)]
}

fn federation<S: Keyed>() -> Digest {
    federation_digest(&[S::verifying_key(&S::signing_key(seed_of(AUTHORITY)))], 1)
}

fn approvals<S: Keyed>(plan: &ValidPlan) -> Approvals {
    let sign = |(staff, key): (&str, u32), role, action| {
        let staff = StaffNumber::parse(staff).expect("a staff number");
        let (subject, federation, signature) = (plan.digest(), federation::<S>(), Signature::none());
        let mut signed = Attestation { action, subject, federation, staff, role, at: 0, signature };
        signed.signature = S::sign(&S::signing_key(seed_of(key)), &signed.to_sign::<S>());
        signed
    };
    Approvals {
        proposal: sign(PROPOSER, Role::PlanOwner, Action::ProposePlan),
        approval: sign(APPROVER, Role::PrivacyOfficer, Action::ApprovePlan),
    }
}

fn grant<S: Keyed>(plan: &ValidPlan) -> Grant {
    let owner = S::signing_key(seed_of(OWNER));
    let branches = plan.charter.agreements.iter().map(|agreement| agreement.organisation.0).chain([1]);
    let mut branches: Vec<MemberName> = branches.map(name).collect();
    branches.sort();
    let mut grant = Grant {
        federation: federation::<S>(),
        branches,
        subject: GrantSubject::Plan(plan.digest()),
        uses: GrantUses::TRAIN,
        epsilon_run_bits: 1.0_f64.to_bits(),
        epsilon_year_bits: 1.0_f64.to_bits(),
        delta_bits: 1e-6_f64.to_bits(),
        runs: GRANTED_RUNS,
        fields: Vec::new(),
        not_before: 0,
        not_after: u64::MAX,
        nonce: [0; 16],
        owner: S::verifying_key(&owner),
        signature: Signature::none(),
    };
    grant.signature = S::sign(&owner, &grant.to_sign::<S>());
    grant
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
    }
}

fn name(client: u32) -> MemberName {
    MemberName::new(&format!("bank-{client}"), "branch").expect("a name")
}

/// The run of an earlier plan.
const EARLIER: RunRef = RunRef { plan: Digest([9; 32]), number: 1 };

/// A client's signing key.
pub(crate) fn client_key<S: Keyed>(client: ClientId) -> S::SigningKey {
    S::signing_key(seed_of(client.0))
}

/// The coordinator's signing key, which a lying coordinator has as well.
pub(crate) fn coordinator_key<S: Keyed>() -> S::SigningKey {
    S::signing_key(seed_of(COORDINATOR))
}

/// A roster entry whose key is the coordinator's own invention.
pub(crate) fn sybil<S: Keyed>(client: ClientId) -> RosterEntry {
    entry::<S>(client, STRANGER - client.0)
}

fn entry<S: Keyed>(client: ClientId, key: u32) -> RosterEntry {
    RosterEntry {
        client,
        name: name(client.0),
        organisation: OrganisationId(client.0),
        signing_key: S::verifying_key(&S::signing_key(seed_of(key))),
        tls_spki_sha256: Digest::of(&key.to_le_bytes()),
        not_after: u64::MAX,
    }
}

fn sign_roster<S: Keyed>(roster: Roster) -> SignedRoster {
    let signature = S::sign(&S::signing_key(seed_of(AUTHORITY)), &roster.signing_input());
    SignedRoster { roster, signatures: vec![AuthoritySignature { authority: 0, signature }] }
}

fn seed_of(number: u32) -> [u8; 32] {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    seed
}

/// A plan, and stages whose oracle has a coordinate for every client. Their privacy is charged for as usual; the simulated data add no noise, so
/// that the sum can be compared exactly.
fn plan(options: &Options, dice: &mut Dice) -> (Plan, Oracle) {
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
        retention: Retention::USUAL,
    };
    (plan, oracle)
}

impl Oracle {
    /// Training, and in some plans of small cohorts, for a large one has enough to do, a count before it, a second part of it, and an evaluation
    /// after it.
    fn new(options: &Options, (wide, short): (bool, bool), beside: u64) -> Self {
        let reach: u32 = if wide { 1 << 20 } else { 1000 };
        let squared = u128::from(reach).pow(2);
        let stage = |name: &str, rounds, multiplier, model_bytes| Stage {
            kind: name.into(),
            settings: vec![1],
            dimension: options.clients + RIDERS,
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
        };
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
