//! Whatever plan, policy and grant: what a branch accepts is what docs/PROTOCOL.md, docs/PRIVACY.md and docs/OPERATING.md let it accept.
//!
//! The judge here knows those texts and counts in whole units: every account is a multiple of one Gaussian charge, so that one number stands for all
//! orders. It shares no rule with the machine.

mod scenes;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use self::scenes::{Before, Granting, MODES, Scene, Wrong, scenes};
use super::four_eyes::{VICTIM, say, told_welcome};
use super::world::{World, plan};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::plan::{Approvals, Grant, GrantSubject, NoiseShare, Plan, PrivacyMode, Rhythm, Run, RunRef, Schedule};
use crate::privacy::{Accounts, ORDERS, RdpVector, Unit};
use crate::role::{Action, Role};
use crate::roster::{Roster, RosterGroup, SignedRoster};
use crate::round::agreement::welcome_message;
use crate::round::cast::{self, APPROVER, PROPOSER, attestation, coordinator_signs, person};
use crate::round::{Granted, ParticipantEvent, Policy};
use crate::secagg::parameters::{CoalitionRule, CohortRule};
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// When the branch is asked.
const NOW: u64 = 5_000;
/// Another plan owner of the roster.
const OTHER: &str = "bank-1/planner";
/// Groups of the roster: the branch is in the first two.
const GROUPS: [&str; 3] = ["all", "pilot", "strangers"];

/// So many units for a customer, and for the branch as one.
type Units = [u64; 2];

/// A figure that is as large as needed, or by so much larger or smaller.
fn with_slack(needed: u64, slack: i64) -> u64 {
    needed.saturating_add_signed(slack)
}

fn accounts([customer, branch]: Units) -> Accounts {
    let vector = |units: u64| {
        let nanos = ORDERS.iter().map(|order| 250_000 * units * u64::from(*order));
        RdpVector::from_nanos(nanos.collect()).expect("one value for each order")
    };
    Accounts { customer: vector(customer), branch: vector(branch) }
}

fn cohort([members, organisations, survivors, honest, coalition]: [u16; 5]) -> CohortRule {
    let usual = CohortRule::USUAL;
    CohortRule {
        coalition: CoalitionRule::Fraction { permille: 200 + coalition },
        cohort_min: usual.cohort_min + members,
        organisations_min: usual.organisations_min + organisations,
        survivors_permille: usual.survivors_permille + survivors,
        honest_min: usual.honest_min + honest,
    }
}

/// What the docs say. Units of a round, of a run and of what is left of one; docs/PRIVACY.md, "Cost".
impl Scene {
    fn round(&self) -> Units {
        let (units, overlap) = (self.units, u64::from(self.overlap));
        match self.mode {
            PrivacyMode::None => [0, 0],
            // A customer moves what each of its branches says in one sum.
            PrivacyMode::Customer => [units * overlap * overlap, 0],
            // A release at each of its branches.
            PrivacyMode::Local => [units * overlap, 0],
            // Two clipped vectors lie between a branch with a customer and the same without.
            PrivacyMode::Branch => [4 * units * overlap * overlap, units],
        }
    }

    fn rounds_of_run(&self) -> u32 {
        // A stage of one round has no retry.
        if self.rounds > 1 { self.rounds + self.retries } else { self.rounds }
    }

    fn times(&self, rounds: u32) -> Units {
        self.round().map(|units| units * u64::from(rounds))
    }

    fn run_costs(&self) -> Units {
        self.times(self.rounds_of_run())
    }

    /// What the run of another plan costs: five rounds and three retries, of two units a round.
    fn beside_left(&self) -> u64 {
        let stands = |before: &Before| self.grants[before.grant].wrong != Some(Wrong::Withdrawn);
        self.beside.filter(stands).map_or(0, |before| 2 * u64::from(8 - before.charged))
    }

    fn spent(&self) -> Units {
        let own: u32 = self.before.iter().chain(&self.again).map(|before| before.charged).sum();
        let [customer, branch] = self.times(own);
        [customer + self.beside.map_or(0, |before| 2 * u64::from(before.charged)), branch]
    }

    /// With what other runs have reserved, and with the rest of this one.
    fn would_be_spent(&self) -> Units {
        let left = self.rounds_of_run() - self.again.map_or(0, |before| before.charged);
        let ([customer, branch], [spent, spent_branch]) = (self.times(left), self.spent());
        [spent + customer + self.beside_left(), spent_branch + branch]
    }

    fn runs_before_cost(&self) -> Units {
        self.times(self.before.iter().map(|before| before.charged).sum())
    }

    fn cap(&self) -> Units {
        let (before, one) = (self.runs_before_cost(), self.run_costs());
        [0, 1].map(|unit| with_slack(before[unit] + one[unit], self.cap_slack))
    }

    fn plan_costs(&self) -> Units {
        self.run_costs().map(|units| units * u64::from(self.runs))
    }

    fn plan_cap(&self) -> Units {
        [0, 1].map(|unit| with_slack(self.plan_costs()[unit], self.policy.plan_slack[unit]))
    }

    fn caps(&self, slack: [i64; 2]) -> Units {
        [0, 1].map(|unit| with_slack(self.would_be_spent()[unit], slack[unit]))
    }

    fn rounds_max(&self) -> u32 {
        let all = u64::from((self.rounds + self.retries) * self.runs);
        u32::try_from(with_slack(all, self.policy.rounds_slack)).expect("few")
    }

    /// Uses of a grant, and what they cost a customer.
    fn used(&self, grant: usize) -> (u32, u64) {
        let own = self.before.iter().filter(|before| before.grant == grant);
        let cost: u64 = own.clone().map(|before| self.times(before.charged)[0]).sum();
        let beside = self.beside.filter(|before| before.grant == grant);
        let uses = own.count() + usize::from(beside.is_some());
        let beside = beside.map_or(0, |before| 2 * u64::from(before.charged) + self.beside_left());
        (u32::try_from(uses).expect("few"), cost + beside)
    }

    fn grant_caps(&self, grant: usize) -> Units {
        let (Granting { run_slack, year_slack, .. }, one) = (&self.grants[grant], self.run_costs()[0]);
        [with_slack(one, *run_slack), with_slack(one + self.used(grant).1, *year_slack)]
    }

    /// What must hold for a branch to accept the run, each with the line that says so.
    fn lines(&self) -> [(&'static str, bool); 14] {
        // Nothing spent is within anything, and a cap of nothing lets nothing be spent.
        let within = |spent: u64, cap: u64| spent == 0 || (cap > 0 && spent <= cap);
        let both = |spent: Units, cap: Units| (0..2).all(|unit| within(spent[unit], cap[unit]));
        let policy = &self.policy;
        let mode = MODES.iter().position(|mode| *mode == self.mode).expect("one of four");
        let (costs, cap, most) = (self.plan_costs(), self.cap(), self.plan_cap());
        // The plan's own cap may end its runs before all of them have cost what they may.
        let plan = |unit: usize| within(costs[unit], most[unit]) || cap[unit] <= most[unit];
        let (before, one) = (self.runs_before_cost(), self.run_costs());
        [
            ("policy.modes", policy.modes[mode]),
            ("policy.purposes", !self.other_purpose),
            ("policy.schema", !self.other_schema),
            ("policy.cohort", self.cohort.iter().zip(policy.cohort).all(|(plan, own)| *plan >= own)),
            ("policy.groups", self.group == 2 || policy.groups[self.group]),
            ("a member of the group", self.group < 2),
            ("policy.overlap_min", self.mode == PrivacyMode::None || self.overlap >= policy.overlap_min),
            ("policy.upload_offset_ms_min", self.offset >= policy.offset_min),
            ("policy.rounds_max", (self.rounds + self.retries) * self.runs <= self.rounds_max()),
            ("policy.epsilon_plan", plan(0) && plan(1)),
            ("the plan's cap over all runs", both([before[0] + one[0], before[1] + one[1]], cap)),
            ("policy.epsilon_life", both(self.would_be_spent(), self.caps(policy.life_slack))),
            ("policy.epsilon_year", both(self.would_be_spent(), self.caps(policy.year_slack))),
            ("the owner's grants", (0..2).any(|grant| self.grants_it(grant))),
        ]
    }

    /// The lines that forbid a branch to accept the run.
    fn forbidden(&self) -> Vec<&'static str> {
        self.lines().iter().filter(|(_, holds)| !holds).map(|(line, _)| *line).collect()
    }

    fn grants_it(&self, number: usize) -> bool {
        let grant = &self.grants[number];
        let about = match grant.wrong {
            None => true,
            Some(Wrong::Proposer | Wrong::Purpose) => !grant.standing,
            Some(Wrong::Plan) => grant.standing,
            Some(_) => false,
        };
        // A standing grant is somebody's plans for a purpose, and of no plan without noise.
        let about = about && (!grant.standing || (self.mode != PrivacyMode::None && !self.other_proposer));
        let (uses, cost) = self.used(number);
        let ([run, year], one) = (self.grant_caps(number), self.run_costs()[0]);
        let within = |spent: u64, cap: u64| spent == 0 || (cap > 0 && spent <= cap);
        // A run that was accepted goes on under its own grant.
        let bound = self.again.is_none_or(|before| before.grant == number);
        about && bound && uses < grant.runs && within(one, run) && within(cost + one, year)
    }
}

/// The scene as it is played.
impl Scene {
    fn plan(&self) -> Plan {
        let unit: u128 = 1 << 40;
        let square = u128::from(self.overlap).pow(2);
        let mut plan = plan(|_| {});
        let stage = &mut plan.stages[0];
        stage.rounds = self.rounds;
        stage.charge = accounts(self.round());
        stage.noise_variance = unit * 2_000 / u128::from(self.units);
        (stage.sensitivity_squared, stage.customer_sensitivity_squared) = (unit, unit);
        match self.mode {
            PrivacyMode::Customer => {
                (stage.sensitivity_squared, stage.customer_sensitivity_squared) = (unit * square, unit * square);
            }
            PrivacyMode::Local => {
                (stage.noise, stage.summed) = (NoiseShare::Inside, Unit::Branch);
                stage.releases = self.overlap.into();
            }
            PrivacyMode::Branch => {
                stage.summed = Unit::Branch;
                stage.customer_sensitivity_squared = 4 * unit * square;
            }
            PrivacyMode::None => (stage.noise_variance, plan.delta_bits) = (0, 0),
        }
        (plan.privacy, plan.overlap_max, plan.upload_offset_ms) = (self.mode, self.overlap, self.offset);
        (plan.retries, plan.runs, plan.cohort, plan.cap) =
            (self.retries, self.runs, cohort(self.cohort), accounts(self.cap()));
        plan.schedule = Schedule { rhythm: Rhythm::Interval { seconds: 10 }, ..plan.schedule };
        plan.group = GROUPS[self.group].into();
        if self.other_purpose {
            plan.purpose = "another".into();
        }
        if self.other_schema {
            plan.schema = Digest::of(b"another schema");
        }
        plan
    }

    fn grant(&self, number: usize, plan: &Plan) -> Granted {
        let Granting { standing, wrong, runs, .. } = self.grants[number].clone();
        let is = |one| wrong == Some(one);
        let mut grant = Grant { runs, ..cast::grant(plan) };
        grant.nonce[0] = u8::try_from(number).expect("one of two");
        let proposer = cast::staff(if is(Wrong::Proposer) { APPROVER } else { PROPOSER });
        let purpose = if is(Wrong::Purpose) { "nothing".into() } else { plan.purpose.clone() };
        grant.subject = match standing {
            true => GrantSubject::Plans { proposer, purpose },
            false => GrantSubject::Plan(if is(Wrong::Plan) { Digest::ZERO } else { plan.digest() }),
        };
        if is(Wrong::Branch) {
            grant.branches.retain(|branch| *branch != cast::name(VICTIM, 1));
        }
        if is(Wrong::Federation) {
            grant.federation.0[0] ^= 1;
        }
        (grant.not_before, grant.not_after) = match wrong {
            Some(Wrong::NotBegun) => (NOW + 1, u64::MAX),
            Some(Wrong::Over) => (0, NOW - 1),
            _ => (NOW, NOW),
        };
        let mut grant = cast::owner_signs(grant);
        if is(Wrong::Owner) {
            grant.owner.bytes[0] ^= 1;
        }
        if is(Wrong::Signature) {
            grant.signature.bytes[0] ^= 1;
        }
        let [run, year] = self.grant_caps(number).map(|units| accounts([units, 0]).customer);
        Granted { grant, run, year, names_fields: !is(Wrong::Fields) }
    }

    fn own(&self, grants: [Granted; 2]) -> Policy {
        let policy = &self.policy;
        let admitted = |(mode, admitted): (&PrivacyMode, bool)| admitted.then_some(*mode);
        let groups = GROUPS.iter().zip(policy.groups).filter(|(_, admitted)| *admitted);
        Policy {
            modes: MODES.iter().zip(policy.modes).filter_map(admitted).collect(),
            groups: groups.map(|(group, _)| (*group).into()).chain(["strangers".into()]).collect(),
            overlap_min: policy.overlap_min,
            upload_offset_ms_min: policy.offset_min,
            cohort: cohort(policy.cohort),
            rounds_max: self.rounds_max(),
            plan_cap: accounts(self.plan_cap()),
            cap: accounts(self.caps(policy.life_slack)),
            cap_year: accounts(self.caps(policy.year_slack)),
            grants: grants.into(),
            ..cast::policy(&plan(|_| {}))
        }
    }

    /// The branch's budget file.
    fn file(&self, plan: &Plan, grants: &[Granted; 2]) -> Vec<ParticipantEvent> {
        let mut file = [cast::begun(VICTIM, false)].to_vec();
        let mut has = |run: &Run, before: &Before, second: u64| {
            let mut accepted = cast::accepted(run);
            let ParticipantEvent::RunAccepted { grant, at, .. } = &mut accepted else { panic!("it is accepted") };
            (*grant, *at) = (grants[before.grant].grant.digest(), Millis(second * 1_000));
            file.push(accepted);
            file.extend((1..=before.charged).map(|round| ParticipantEvent::BudgetCharged {
                run: run.reference(),
                round: RoundId(round.into()),
                stage: 0,
                at: Millis(second * 1_000),
                descriptor: Digest::ZERO,
                charge: run.stages[0].charge.clone(),
            }));
        };
        let of = |number| Run::new(plan.clone().validate().expect("valid"), number).expect("one of its runs");
        for (number, before) in (1..).zip(&self.before) {
            has(&of(number), before, 10 * u64::from(number));
        }
        if let Some(before) = &self.beside {
            let mut other = super::world::plan(|plan| plan.name = "other".into());
            other.stages[0].noise_variance = 1_000 << 40;
            has(&cast::run(cast::priced(other)), before, 60);
        }
        if let Some(again) = &self.again {
            has(&of(self.number), again, 70);
        }
        let withdrawn = (0..2).filter(|number| self.grants[*number].wrong == Some(Wrong::Withdrawn));
        file.extend(
            withdrawn
                .map(|number| ParticipantEvent::GrantWithdrawn { withdrawal: cast::withdrawal(&grants[number].grant) }),
        );
        file
    }

    /// Whether the branch accepts, and what it answers.
    fn play(&self) -> Result<(), alloc::string::String> {
        let (plan, mut world) = (self.plan(), World::new(9, plan(|_| {})));
        let grants = [0, 1].map(|number| self.grant(number, &plan));
        world.reborn(VICTIM, self.own(grants.clone()), self.file(&plan, &grants));
        world.connect(VICTIM);
        let mut welcome = told_welcome(&mut world);
        let proposer = if self.other_proposer { OTHER } else { PROPOSER };
        welcome.approvals = Approvals {
            proposal: attestation(proposer, Role::PlanOwner, Action::ProposePlan, plan.digest()),
            approval: attestation(APPROVER, Role::PrivacyOfficer, Action::ApprovePlan, plan.digest()),
        };
        let run = RunRef { plan: plan.digest(), number: self.number };
        (welcome.plan, welcome.number, welcome.roster) = (plan, self.number, roster());
        let message = welcome_message::<Toy>(&welcome.nonce, run.id(), &welcome.roster, [welcome.at, welcome.begun]);
        welcome.signature = coordinator_signs(&message);
        world.now = Millis(NOW * 1_000);
        say(&mut world, welcome).map_or(Ok(()), |code| Err(alloc::format!("{code:?}")))
    }
}

fn roster() -> SignedRoster {
    let mut people = cast::people();
    people.push(person(OTHER, Role::PlanOwner));
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    let entries = cast::roster(9).roster.entries().to_vec();
    let group = |name: &str, members: &[u32]| RosterGroup {
        name: name.into(),
        members: members.iter().copied().map(ClientId).collect(),
    };
    let groups = [group("pilot", &[1, 2, 3, 4, 5, 6, 7, 8]), group("strangers", &[1, 2, 3, 5, 6, 7, 8, 9])];
    cast::signed_by_authority(Roster::new(1, Digest::ZERO, entries, groups.into(), people).expect("a roster"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn what_a_branch_accepts_is_what_its_policy_and_its_grant_allow(scene in scenes()) {
        let (forbidden, played) = (scene.forbidden(), scene.play());
        prop_assert_eq!(forbidden.is_empty(), played.is_ok(), "{:?} forbids it, and the branch says {:?}", forbidden, played);
    }
}

/// The scenes are worth playing: many are accepted, and each line forbids some of them that all others allow.
#[test]
fn each_line_alone_forbids_some_scenes() {
    let mut runner = TestRunner::deterministic();
    let scenes = (0..1_500).map(|_| scenes().new_tree(&mut runner).expect("a scene").current());
    let (mut alone, mut wrong) = (BTreeMap::<&str, u32>::new(), BTreeMap::<Option<Wrong>, u32>::new());
    for scene in scenes {
        match scene.forbidden().as_slice() {
            [] => *alone.entry("nothing").or_default() += 1,
            [line] => {
                *alone.entry(line).or_default() += 1;
                if *line == "the owner's grants" {
                    scene.grants.iter().for_each(|grant| *wrong.entry(grant.wrong).or_default() += 1);
                }
            }
            _ => {}
        }
    }
    assert_eq!(alone.len(), 15, "{alone:?}");
    assert!(alone["nothing"] > 100 && alone.values().all(|count| *count > 2), "{alone:?}");
    assert!(wrong.len() == 12 && wrong.values().all(|count| *count > 2), "{wrong:?}");
}
