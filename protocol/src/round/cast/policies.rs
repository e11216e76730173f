//! What branches admit: caps, policies, owners' grants, and the entries of budget files.

use alloc::vec::Vec;

use super::keys::{AUTHORITY_KEY, COORDINATOR_KEY, OWNER_KEY, federation, signing_key};
use super::people::{PROPOSER, staff};
use super::rosters::name;
use crate::budget::{FirstUse, population_digest};
use crate::ids::ClientId;
use crate::message::SignedBody;
use crate::plan::{Caps, Grant, GrantSubject, GrantUses, Plan, PrivacyMode, Run, Withdrawal};
use crate::privacy::Accounts;
use crate::roster::MemberName;
use crate::round::{Granted, ParticipantEvent, Policy, StageTerms, Timing};
use crate::secagg::suite::{Signature, Suite as _};
use crate::secagg::toy::Toy;
use crate::time::Millis;

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

/// A grant of the cast's owner for all plans like this one, of clients 1 to 20 of its bank; for this one alone if it has no noise.
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
        subject: match plan.privacy {
            PrivacyMode::None => GrantSubject::Plan(plan.digest()),
            _ => GrantSubject::Plans { proposer: staff(PROPOSER), purpose: plan.purpose.clone() },
        },
        uses: GrantUses::TRAIN,
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

/// A grant with what it allows in this plan: a thousand runs.
#[must_use]
pub fn granted(plan: &Plan, grant: Grant) -> Granted {
    let run = plan.charge_of_run().customer;
    Granted { grant, year: run.times(1_000), run, names_fields: true }
}

/// The owner takes a grant back.
#[must_use]
pub fn withdrawal(grant: &Grant) -> Withdrawal {
    let owner = Toy::verifying_key(&OWNER_KEY);
    let mut withdrawal = Withdrawal { grant: grant.digest(), owner, at: 0, signature: Signature::none() };
    withdrawal.signature = Toy::sign(&OWNER_KEY, &withdrawal.to_sign::<Toy>());
    withdrawal
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
