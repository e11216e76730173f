//! Who plays: keys, roster, plans and policies of one run.

mod plans;

use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::budget::{BudgetHead, FirstUse, Heads, Kept, population_digest};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId};
use tributary_protocol::limits::HOLDING_SECONDS_MAX;
use tributary_protocol::message::SignedBody;
use tributary_protocol::plan::{
    Approvals, Attestation, Grant, GrantSubject, GrantUses, ModelRef, Plan, PrivacyMode, Run, RunRef, ValidPlan,
};
use tributary_protocol::privacy::Accounts;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{
    AuthoritySignature, Holding, MemberName, Person, Roster, RosterEntry, RosterGroup, Scope, SignedRoster,
    StaffNumber, federation_digest,
};
use tributary_protocol::round::{
    BudgetRecord, CoordinatorSettings, Granted, Orders, ParticipantEvent, Policy, StageTerms, Timing,
};
use tributary_protocol::secagg::parameters::CoalitionRule;
use tributary_protocol::secagg::parameters::{CohortRefused, CohortRule, Thresholds};
use tributary_protocol::secagg::suite::{Signature, Suite, VerifyingKey};
use tributary_protocol::secagg::toy::Toy;
use tributary_protocol::time::Millis;

use self::plans::{GATHER_MS, members_beside, plan, plan_beside};
pub(crate) use self::plans::{KEYING_DEADLINE_MS, LARGE, ROUND_DEADLINE_MS};
use crate::dice::Dice;
use crate::meaning::{Meaning, kind};
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

/// Most plans that are in force together.
const PLANS_MAX: u64 = 4;

/// How often there are several, in thousandths.
const SEVERAL_PERMILLE: u64 = 333;

/// From so many members on a plan can do without one of them.
const GRANTING_MIN: usize = 10;

/// Purpose of the dice that decide which plans are beside the first.
const BESIDE: u64 = 900;

const COORDINATOR: u32 = u32::MAX;
const AUTHORITY: u32 = u32::MAX - 1;
const STRANGER: u32 = u32::MAX - 2;
const OWNER: u32 = 1 << 30;

/// A plan that is in force, with who stands by it.
pub(crate) struct Served {
    pub(crate) plan: ValidPlan,
    /// What its stages mean.
    pub(crate) meaning: Box<dyn Meaning>,
    /// Its group of the roster, ascending.
    pub(crate) members: Vec<ClientId>,
    /// The two signatures on it.
    approvals: Approvals,
    /// The owner's grant for it.
    pub(crate) grant: Grant,
    /// For whose data the owner has given none.
    pub(crate) ungranted: Option<ClientId>,
}

impl Served {
    /// The run of a number, from 1.
    pub(crate) fn run(&self, number: u32) -> Run {
        Run::new(self.plan.clone(), number).expect("the plan allows it")
    }

    /// What the rule of plan and policies makes of a cohort, whose coalition is counted of the whole group.
    pub(crate) fn thresholds(&self, cohort: &[ClientId]) -> Result<Thresholds, CohortRefused> {
        self.plan.cohort.thresholds(&organisations(cohort), self.members.len())
    }

    /// The owner's grant with what it allows: a handful of runs.
    fn granted(&self) -> Granted {
        let run = self.plan.charge_of_run().customer;
        Granted { grant: self.grant.clone(), year: run.times(GRANTED_RUNS.into()), run, names_fields: true }
    }
}

/// What does not change during a run.
pub(crate) struct Cast {
    /// The plans that are in force together; one most of the time.
    pub(crate) plans: Vec<Served>,
    pub(crate) roster: SignedRoster,
    /// The roster before it, as the authorities signed it: without the newest client.
    pub(crate) old_roster: SignedRoster,
    /// The roster after it: one client's entry is valid for a shorter time.
    pub(crate) next_roster: SignedRoster,
    pub(crate) coordinator: VerifyingKey,
    pub(crate) rule: CohortRule,
    /// What a client may spend: every plan in full.
    pub(crate) cap: Accounts,
    authority: VerifyingKey,
}

impl Cast {
    /// The cast of a seed; of other stages than its own where they are given. With `liars` every owner has granted every plan.
    pub(crate) fn new<S: Keyed>(
        options: &Options,
        dice: &mut Dice,
        (meaning, liars): (Option<Box<dyn Meaning>>, bool),
    ) -> Self {
        let mut beside = Dice::new(dice.clone().word(), BESIDE);
        let (usual, oracle) = plan(options, dice);
        let alone = meaning.is_some() || options.clients > LARGE || !beside.chance(SEVERAL_PERMILLE);
        let more = if alone { 0 } else { beside.between(1, PLANS_MAX - 1) };
        let (rule, everybody) = (usual.cohort, (1..=options.clients).map(ClientId).collect::<Vec<_>>());
        let mut groups = Vec::new();
        let first: (Plan, Box<dyn Meaning>) = (usual, meaning.unwrap_or_else(|| Box::new(oracle)));
        let others = (1..=more).map(|number| {
            let members = members_beside(rule, &everybody, &mut beside);
            let (mut plan, oracle) = plan_beside(options, (number, rule), &mut beside);
            if members.len() < everybody.len() {
                plan.group = format!("group-{number}");
                groups.push(RosterGroup { name: plan.group.clone(), members: members.clone() });
            }
            // Where organisations count, one member less may be no cohort for ever.
            let counted = matches!(rule.coalition, CoalitionRule::Organisations { .. });
            let granting = liars || counted || members.len() < GRANTING_MIN || !beside.chance(300);
            let ungranted = (!granting).then(|| *beside.pick(&members));
            (plan, Box::new(oracle) as Box<dyn Meaning>, members, ungranted)
        });
        let others: Vec<_> = others.collect();
        let plans: Vec<Served> = [(first.0, first.1, everybody, None)]
            .into_iter()
            .chain(others)
            .map(|(plan, meaning, members, ungranted)| {
                let initial_model = ModelRef::Digest(meaning.digest(&meaning.first_state()));
                let plan = meaning.plan(Plan { initial_model, ..plan });
                let plan = plan.validate().expect("the simulator's plans are valid");
                let (approvals, grant) = (approvals::<S>(&plan), grant::<S>(&plan));
                Served { plan, meaning, members, approvals, grant, ungranted }
            })
            .collect();
        let entries: Vec<_> = (1..=options.clients).map(|number| entry::<S>(ClientId(number), number)).collect();
        let (_, before) = entries.split_last().expect("a roster has clients");
        let roster = |epoch, previous, entries: &[RosterEntry]| {
            Roster::new(epoch, previous, entries.to_vec(), groups.clone(), people::<S>())
                .expect("the simulator's rosters are valid")
        };
        let old = roster(1, Digest::ZERO, before);
        let present = roster(2, old.digest(), &entries);
        let mut later = entries.clone();
        later.iter_mut().take(1).for_each(|entry| entry.not_after -= 1);
        let next = roster(3, present.digest(), &later);
        let all = plans.iter().fold(Accounts::zero(), |sum, served| sum.plus(&served.plan.charge_max()));
        let cap = all.plus(&spent_before(&plans[0].plan));
        Self {
            rule,
            cap,
            roster: sign_roster::<S>(present),
            old_roster: sign_roster::<S>(old),
            next_roster: sign_roster::<S>(next),
            coordinator: S::verifying_key(&coordinator_key::<S>()),
            authority: S::verifying_key(&S::signing_key(seed_of(AUTHORITY))),
            plans,
        }
    }

    /// A client's own policy.
    pub(crate) fn policy(&self, client: ClientId) -> Policy {
        let own = self.plans.iter().filter(|served| served.ungranted != Some(client));
        let first = &self.plans[0].plan;
        let mut groups: Vec<String> = self.plans.iter().map(|served| served.plan.group.clone()).collect();
        groups.dedup();
        Policy {
            cohort: self.rule,
            cap: self.cap.clone(),
            cap_year: self.cap.clone(),
            caps: tributary_protocol::round::cast::caps(),
            plan_cap: self.cap.clone(),
            modes: vec![PrivacyMode::Customer],
            purposes: vec![first.purpose.raw().to_owned()],
            schema: first.schema,
            groups,
            overlap_min: 1,
            upload_offset_ms_min: 0,
            rounds_max: u32::MAX,
            rounds_a_day: u32::MAX,
            timing: Timing::Plain,
            coordinator: self.coordinator.clone(),
            authorities: vec![self.authority.clone()],
            authorities_needed: 1,
            grants: own.map(Served::granted).collect(),
        }
    }

    /// What the coordinator of a run starts with, before or after its operator has installed the newer roster.
    pub(crate) fn settings<S: Keyed>(&self, plan: usize, run: Run, newer: bool) -> CoordinatorSettings<S> {
        let served = &self.plans[plan];
        CoordinatorSettings {
            run,
            model: served.meaning.digest(&served.meaning.first_state()),
            approvals: served.approvals.clone(),
            federation: federation_digest(std::slice::from_ref(&self.authority), 1),
            not_before: Millis(0),
            roster: if newer { self.next_roster.clone() } else { self.roster.clone() },
            signing_key: std::sync::Arc::new(coordinator_key::<S>()),
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
        let charge = spent_before(&self.plans[0].plan);
        vec![
            ParticipantEvent::BudgetBegun { population, salt, first },
            ParticipantEvent::RunAccepted {
                run: EARLIER,
                name: "earlier".into(),
                purpose: self.plans[0].plan.purpose.clone(),
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
                withdrawn: Vec::new(),
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

/// Each client's organisation: one of its own.
pub(crate) fn organisations(clients: &[ClientId]) -> Vec<OrganisationId> {
    clients.iter().map(|client| OrganisationId(client.0)).collect()
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
