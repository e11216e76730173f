//! People of the simulated federation: who holds which role by which roster, and what they sign.

use tributary_protocol::digest::Digest;
use tributary_protocol::limits::HOLDING_SECONDS_MAX;
use tributary_protocol::message::SignedBody;
use tributary_protocol::plan::{Approvals, Attestation};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{Holding, Person, Scope, StaffNumber};
use tributary_protocol::secagg::suite::Signature;

use super::keys::{Keyed, federation, seed_of};

/// Somebody with a role: number at the employer, key, and the role.
#[derive(Clone, Copy)]
pub(crate) struct Signer {
    staff: &'static str,
    key: u32,
    role: Role,
}

/// Approves plans.
const OFFICER: Signer = Signer { staff: "bank-1/officer", key: u32::MAX - 4, role: Role::PrivacyOfficer };
const SECOND_OFFICER: Signer = Signer { staff: "bank-1/officer-2", key: 1 << 29, role: Role::PrivacyOfficer };
/// Runs the coordinator.
const OPERATOR: Signer = Signer { staff: "bank-1/operator", key: (1 << 29) + 1, role: Role::PlatformOperator };
/// Puts plans forward.
const OWNER: Signer = Signer { staff: PROPOSER, key: u32::MAX - 3, role: Role::PlanOwner };
const SECOND_OWNER: Signer = Signer { staff: "bank-1/owner-2", key: (1 << 29) + 2, role: Role::PlanOwner };

/// Whoever puts the plans forward at first.
pub(super) const PROPOSER: &str = "bank-1/owner";

/// Who holds a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Whoever held it at first.
    First,
    /// Nobody: it was revoked.
    Nobody,
    /// Somebody else.
    Second,
    /// Whoever held it at first, and somebody in that one's place.
    Deputy,
}

/// Who stands by plans, as a roster has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Staff {
    pub(crate) officer: Holder,
    pub(crate) owner: Holder,
}

impl Staff {
    /// At first.
    pub(crate) const FIRST: Self = Self { officer: Holder::First, owner: Holder::First };

    /// The people of the roster, ascending.
    pub(super) fn people<S: Keyed>(self) -> Vec<Person> {
        let role = |holder, first, second| {
            let (first, second): (Option<Signer>, Option<(Signer, Option<Signer>)>) = match holder {
                Holder::First => (Some(first), None),
                Holder::Nobody => (None, None),
                Holder::Second => (None, Some((second, None))),
                Holder::Deputy => (Some(first), Some((second, Some(first)))),
            };
            let second = second.map(|(second, place)| person::<S>(second, place));
            [first.map(|first| person::<S>(first, None)), second]
        };
        let officers = role(self.officer, OFFICER, SECOND_OFFICER);
        let owners = role(self.owner, OWNER, SECOND_OWNER);
        officers.into_iter().chain([Some(person::<S>(OPERATOR, None))]).chain(owners).flatten().collect()
    }

    fn officer(self) -> Signer {
        if matches!(self.officer, Holder::Second | Holder::Deputy) { SECOND_OFFICER } else { OFFICER }
    }

    fn owner(self) -> Signer {
        if matches!(self.owner, Holder::Second | Holder::Deputy) { SECOND_OWNER } else { OWNER }
    }

    /// The two signatures on a plan.
    pub(crate) fn approvals<S: Keyed>(self, plan: Digest) -> Approvals {
        Approvals {
            proposal: sign::<S>(self.owner(), Action::ProposePlan, plan),
            approval: sign::<S>(self.officer(), Action::ApprovePlan, plan),
        }
    }

    /// What somebody orders who may.
    pub(crate) fn order<S: Keyed>(self, (by, action): (Role, Action), subject: Digest) -> Attestation {
        let signer = match by {
            Role::PrivacyOfficer => self.officer(),
            Role::PlanOwner => self.owner(),
            _ => OPERATOR,
        };
        sign::<S>(signer, action, subject)
    }

    /// Whether somebody holds this role.
    pub(crate) fn has(self, role: Role) -> bool {
        match role {
            Role::PrivacyOfficer => self.officer != Holder::Nobody,
            Role::PlanOwner => self.owner != Holder::Nobody,
            _ => true,
        }
    }
}

fn person<S: Keyed>(Signer { staff, key, role }: Signer, place: Option<Signer>) -> Person {
    let staff_number = |text| StaffNumber::parse(text).expect("a staff number");
    let deputy_of = place.map(|principal| staff_number(principal.staff));
    let holding = Holding { role, deputy_of, scope: Scope::Federation, from: 0, until: HOLDING_SECONDS_MAX };
    let signing_key = S::verifying_key(&S::signing_key(seed_of(key)));
    Person { staff: staff_number(staff), signing_key, holdings: vec![holding] }
}

fn sign<S: Keyed>(Signer { staff, key, role }: Signer, action: Action, subject: Digest) -> Attestation {
    let staff = StaffNumber::parse(staff).expect("a staff number");
    let (federation, signature) = (federation::<S>(), Signature::none());
    let mut signed = Attestation { action, subject, federation, staff, role, at: 0, signature };
    signed.signature = S::sign(&S::signing_key(seed_of(key)), &signed.to_sign::<S>());
    signed
}
