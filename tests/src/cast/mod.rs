//! Who plays: keys, roster, plans and policies of one run.

mod keys;
mod owners;
mod people;
mod plans;

use std::collections::BTreeMap;

use tributary_protocol::budget::{BudgetHead, FirstUse, Heads, Kept, population_digest};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId};
use tributary_protocol::message::SignedBody;
use tributary_protocol::plan::{Approvals, ModelRef, Plan, PrivacyMode, Run, RunRef, ValidPlan};
use tributary_protocol::privacy::Accounts;
use tributary_protocol::roster::{
    AuthoritySignature, Roster, RosterEntry, RosterGroup, SignedRoster, federation_digest,
};
use tributary_protocol::round::{
    BudgetRecord, CoordinatorSettings, Granted, Orders, ParticipantEvent, Policy, StageTerms, Timing,
};
use tributary_protocol::secagg::parameters::CoalitionRule;
use tributary_protocol::secagg::parameters::{CohortRefused, CohortRule, Thresholds};
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
use tributary_protocol::time::Millis;

pub(crate) use self::keys::Keyed;
use self::keys::{AUTHORITY, COORDINATOR, OWNER, STRANGER, name, seed_of};
pub(crate) use self::owners::{Files, Oddity, granted, withdrawal};
pub(crate) use self::people::{Holder, Staff};
use self::plans::{GATHER_MS, members_beside, plan, plan_beside, readiness};
pub(crate) use self::plans::{KEYING_DEADLINE_MS, LARGE, ROUND_DEADLINE_MS};
use crate::dice::Dice;
use crate::meaning::{Meaning, kind};
use crate::options::Options;

/// Most plans that are in force together.
const PLANS_MAX: u64 = 4;

/// How often there are several, in thousandths.
const SEVERAL_PERMILLE: u64 = 333;

/// From so many members on a plan can do without one of them.
const GRANTING_MIN: usize = 10;

/// Purpose of the dice that decide which plans are beside the first.
const BESIDE: u64 = 900;

/// Purpose of the dice that decide which client differs from all others, who is ready when, and whose role is revoked.
const ODD: u64 = 901;

/// Places of the authorities' rosters, in turn. Those that revoke a role and cure that are there in some seeds alone.
pub(crate) const OLD: usize = 0;
/// With which runs begin.
pub(crate) const PRESENT: usize = 1;
/// One client's entry is valid for a shorter time.
pub(crate) const NEXT: usize = 2;
/// Nobody holds one of the two roles that stand by a plan.
pub(crate) const REVOKED: usize = 3;
/// Somebody holds it again, or a deputy does.
pub(crate) const CURED: usize = 4;

/// A plan that is in force, with who stands by it.
pub(crate) struct Served {
    pub(crate) plan: ValidPlan,
    /// What its stages mean.
    pub(crate) meaning: Box<dyn Meaning>,
    /// Its group of the roster, ascending.
    pub(crate) members: Vec<ClientId>,
    /// The two signatures on it, at first.
    pub(crate) approvals: Approvals,
    /// The owner's grant for it, at first.
    pub(crate) granted: Granted,
    /// For whose data the owner has given none.
    pub(crate) ungranted: Option<ClientId>,
    /// Whose data are ready later, and when, if ever. A branch says so before it accepts a run.
    pub(crate) ready: BTreeMap<ClientId, u64>,
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
}

/// What does not change during a run.
pub(crate) struct Cast {
    /// The plans that are in force together; one most of the time.
    pub(crate) plans: Vec<Served>,
    /// The authorities' rosters in turn, and who holds which role by each.
    pub(crate) rosters: Vec<(SignedRoster, Staff)>,
    /// The client that differs from all others, and how.
    pub(crate) odd: Option<(ClientId, Oddity)>,
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
        let mut odd = Dice::new(dice.clone().word(), ODD);
        let (usual, oracle) = plan(options, dice);
        let meant = meaning.is_none() && options.clients <= LARGE;
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
        let usual = !liars && meant && matches!(rule.coalition, CoalitionRule::Fraction { .. });
        let groups_of = || std::iter::once(&everybody).chain(others.iter().map(|(_, _, members, _)| members));
        let different = oddity(groups_of(), &mut odd).filter(|_| usual);
        let plans: Vec<Served> = [(first.0, first.1, everybody.clone(), None)]
            .into_iter()
            .chain(others)
            .map(|(plan, meaning, members, ungranted)| {
                let initial_model = ModelRef::Digest(meaning.digest(&meaning.first_state()));
                let never = different.filter(|(_, how)| *how == Oddity::NeverReady).map(|(client, _)| client);
                let (readiness, ready) = readiness((&members, never), meant, &mut odd);
                let plan = meaning.plan(Plan { initial_model, readiness, ..plan });
                let plan = plan.validate().expect("the simulator's plans are valid");
                let (approvals, granted) = (Staff::FIRST.approvals::<S>(plan.digest()), granted::<S>(&plan, 0));
                let ungranted = ungranted.filter(|_| different.is_none());
                Served { plan, meaning, members, approvals, granted, ungranted, ready }
            })
            .collect();
        let entries: Vec<_> = (1..=options.clients).map(|number| entry::<S>(ClientId(number), number)).collect();
        let (_, before) = entries.split_last().expect("a roster has clients");
        let roster = |epoch, previous: &Roster, entries: &[RosterEntry], staff: Staff| {
            Roster::new(epoch, previous.digest(), entries.to_vec(), groups.clone(), staff.people::<S>())
                .expect("the simulator's rosters are valid")
        };
        let first = Staff::FIRST;
        let old = Roster::new(1, Digest::ZERO, before.to_vec(), groups.clone(), first.people::<S>());
        let old = old.expect("the simulator's rosters are valid");
        let present = roster(2, &old, &entries, first);
        let mut later = entries.clone();
        later.iter_mut().take(1).for_each(|entry| entry.not_after -= 1);
        let next = roster(3, &present, &later, first);
        let mut rosters = vec![(old, first), (present, first), (next, first)];
        if meant && odd.chance(250) {
            let cure = *odd.pick(&[Holder::First, Holder::Second, Holder::Deputy]);
            let officer = odd.chance(500);
            for (epoch, holder) in [(4, Holder::Nobody), (5, cure)] {
                let staff = if officer { Staff { officer: holder, ..first } } else { Staff { owner: holder, ..first } };
                let last = roster(epoch, &rosters[rosters.len() - 1].0, &later, staff);
                rosters.push((last, staff));
            }
        }
        let all = plans.iter().fold(Accounts::zero(), |sum, served| sum.plus(&served.plan.charge_max()));
        let cap = all.plus(&spent_before(&plans[0].plan));
        Self {
            rule,
            cap,
            rosters: rosters.into_iter().map(|(roster, staff)| (sign_roster::<S>(roster), staff)).collect(),
            odd: different,
            coordinator: S::verifying_key(&coordinator_key::<S>()),
            authority: S::verifying_key(&S::signing_key(seed_of(AUTHORITY))),
            plans,
        }
    }

    /// How a client differs from all others.
    pub(crate) fn oddity(&self, client: ClientId) -> Option<Oddity> {
        self.odd.filter(|(odd, _)| *odd == client).map(|(_, how)| how)
    }

    /// What a client may spend.
    pub(crate) fn cap_of(&self, client: ClientId) -> Accounts {
        if self.oddity(client) != Some(Oddity::Poor) {
            return self.cap.clone();
        }
        let dearest = self.plans.iter().fold(Accounts::zero(), |most, served| most.most(&served.plan.charge_max()));
        dearest.plus(&spent_before(&self.plans[0].plan))
    }

    /// What the owner of a client's data has granted, at first.
    pub(crate) fn files<S: Keyed>(&self, client: ClientId) -> Files {
        let own = self.plans.iter().filter(|served| served.ungranted != Some(client));
        if let Some(Oddity::Stingy { runs, short }) = self.oddity(client) {
            let plans: Vec<&ValidPlan> = own.map(|served| &served.plan).collect();
            return Files { granted: vec![owners::standing::<S>(&plans, (runs, short))], withdrawals: Vec::new() };
        }
        Files { granted: own.map(|served| served.granted.clone()).collect(), withdrawals: Vec::new() }
    }

    /// A client's own policy, under these grants.
    pub(crate) fn policy(&self, client: ClientId, grants: Vec<Granted>) -> Policy {
        let cap = self.cap_of(client);
        let first = &self.plans[0].plan;
        let mut groups: Vec<String> = self.plans.iter().map(|served| served.plan.group.clone()).collect();
        groups.dedup();
        Policy {
            cohort: self.rule,
            cap_year: cap.clone(),
            cap,
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
            grants,
        }
    }

    /// What the coordinator of a run starts with, under what its operator has installed.
    pub(crate) fn settings<S: Keyed>(
        &self,
        (plan, run): (usize, Run),
        (roster, approvals, orders): (usize, Approvals, Orders),
    ) -> CoordinatorSettings<S> {
        let served = &self.plans[plan];
        CoordinatorSettings {
            run,
            model: served.meaning.digest(&served.meaning.first_state()),
            approvals,
            federation: federation_digest(std::slice::from_ref(&self.authority), 1),
            not_before: Millis(0),
            roster: self.rosters[roster].0.clone(),
            signing_key: std::sync::Arc::new(coordinator_key::<S>()),
            heads: Heads::default(),
            orders,
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
        let roster = &self.rosters[PRESENT].0;
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
                epoch: roster.roster.epoch(),
                owner: first.owner.clone(),
                signature: Signature::none(),
            };
            head.signature = S::sign(&client_key::<S>(entry.client), &head.to_sign::<S>());
            Kept::Head(Box::new(head))
        };
        let kept = Kept::Roster(Box::new(roster.clone()));
        [kept].into_iter().chain(roster.roster.entries().iter().map(head)).collect()
    }
}

/// What the earlier plan cost.
fn spent_before(plan: &Plan) -> Accounts {
    plan.stages.iter().fold(Accounts::zero(), |most, stage| most.most(&stage.charge)).times(3)
}

/// Which client differs from all others, and how: of every plan so many are members that it can do without this one.
fn oddity<'a>(groups: impl Iterator<Item = &'a Vec<ClientId>>, dice: &mut Dice) -> Option<(ClientId, Oddity)> {
    let groups: Vec<_> = groups.collect();
    let client = *dice.pick(groups[0]);
    let spare = groups.iter().all(|members| members.len() >= GRANTING_MIN || !members.contains(&client));
    let how = match dice.below(6) {
        0..=2 => Oddity::Fickle,
        3 => Oddity::Stingy { runs: u32::try_from(dice.between(1, 3)).expect("small"), short: dice.chance(500) },
        4 => Oddity::Poor,
        _ => Oddity::NeverReady,
    };
    (spare && dice.chance(400)).then_some((client, how))
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

/// Each client's organisation: one of its own.
pub(crate) fn organisations(clients: &[ClientId]) -> Vec<OrganisationId> {
    clients.iter().map(|client| OrganisationId(client.0)).collect()
}

#[cfg(test)]
mod tests {
    use tributary_certs::suite::RealSuite;
    use tributary_protocol::secagg::graph::{Degree, Graph};

    use super::*;

    /// Frozen under the real suite: every member of a session must draw the same graph, whatever its version.
    #[test]
    fn the_real_suite_draws_its_golden_graph() {
        let graph = Graph::new::<RealSuite>(257, &Digest([7; 32]), Some(Degree { neighbours: 4, threshold: 1 }));
        assert_eq!([graph.neighbours(0), graph.neighbours(256)], [[114, 137, 251, 254], [124, 154, 178, 214]]);
    }
}
