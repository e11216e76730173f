//! What the owners of the data grant, and take back.

use tributary_protocol::message::SignedBody;
use tributary_protocol::plan::{Grant, GrantSubject, GrantUses, Plan, ValidPlan, Withdrawal};
use tributary_protocol::printable::Untrusted;
use tributary_protocol::privacy::RdpVector;
use tributary_protocol::roster::{MemberName, StaffNumber};
use tributary_protocol::round::Granted;
use tributary_protocol::secagg::suite::Signature;

use super::keys::{Keyed, OWNER, federation, name, seed_of};
use super::people::PROPOSER;

/// Runs for which a usual grant is good.
const GRANTED_RUNS: u32 = 5;

/// What the owner of a client's data has signed, as it lies in the client's folder.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) granted: Vec<Granted>,
    pub(crate) withdrawals: Vec<Withdrawal>,
}

/// How one owner differs from all others. Every plan can do without that client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// Takes grants back, and may grant anew.
    Fickle,
    /// One grant for all plans of the proposer, good for so many runs; a year of it pays for as many of the dearest, or for one less.
    Stingy { runs: u32, short: bool },
    /// Half of what all plans may cost is there to be spent.
    Poor,
    /// Its operator never says that the data are ready.
    NeverReady,
}

/// The grant for a plan with what it allows: a handful of runs. A later one has another number.
pub(crate) fn granted<S: Keyed>(plan: &ValidPlan, number: u8) -> Granted {
    let run = plan.charge_of_run().customer;
    let subject = GrantSubject::Plan(plan.digest());
    let grant = grant::<S>(plan, (subject, GRANTED_RUNS, number));
    Granted { grant, year: run.times(GRANTED_RUNS.into()), run, names_fields: true }
}

/// One grant for all plans.
pub(super) fn standing<S: Keyed>(plans: &[&ValidPlan], (runs, short): (u32, bool)) -> Granted {
    let charges = plans.iter().map(|plan| plan.charge_of_run().customer);
    let run = charges.fold(RdpVector::zero(), |most, charge| most.most(&charge));
    let proposer = StaffNumber::parse(PROPOSER).expect("a staff number");
    let purpose: Untrusted = plans[0].purpose.clone();
    let grant = grant::<S>(plans[0], (GrantSubject::Plans { proposer, purpose }, runs, 0));
    let year = run.times((runs - u32::from(short && runs > 1)).into());
    Granted { grant, year, run, names_fields: true }
}

/// The owner takes a grant back.
pub(crate) fn withdrawal<S: Keyed>(grant: &Grant) -> Withdrawal {
    let owner = S::signing_key(seed_of(OWNER));
    let (grant, at, signature) = (grant.digest(), 0, Signature::none());
    let mut withdrawal = Withdrawal { grant, owner: S::verifying_key(&owner), at, signature };
    withdrawal.signature = S::sign(&owner, &withdrawal.to_sign::<S>());
    withdrawal
}

fn grant<S: Keyed>(plan: &Plan, (subject, runs, number): (GrantSubject, u32, u8)) -> Grant {
    let owner = S::signing_key(seed_of(OWNER));
    let branches = plan.charter.agreements.iter().map(|agreement| agreement.organisation.0).chain([1]);
    let mut branches: Vec<MemberName> = branches.map(name).collect();
    branches.sort();
    let mut grant = Grant {
        federation: federation::<S>(),
        branches,
        subject,
        uses: GrantUses::TRAIN,
        epsilon_run_bits: 1.0_f64.to_bits(),
        epsilon_year_bits: 1.0_f64.to_bits(),
        delta_bits: 1e-6_f64.to_bits(),
        runs,
        fields: Vec::new(),
        not_before: 0,
        not_after: u64::MAX,
        nonce: [number; 16],
        owner: S::verifying_key(&owner),
        signature: Signature::none(),
    };
    grant.signature = S::sign(&owner, &grant.to_sign::<S>());
    grant
}
