//! People with roles, and what they sign.

use alloc::vec::Vec;

use super::keys::{federation, person_key};
use crate::digest::Digest;
use crate::limits::HOLDING_SECONDS_MAX;
use crate::message::SignedBody;
use crate::plan::{Approvals, Attestation, Plan};
use crate::role::{Action, Role};
use crate::roster::{Holding, Person, Scope, StaffNumber};
use crate::secagg::suite::{Signature, Suite as _};
use crate::secagg::toy::Toy;

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

/// A signature of one of the cast's people.
#[must_use]
pub fn attestation(number: &str, role: Role, action: Action, subject: Digest) -> Attestation {
    attested_at(0, number, role, action, subject)
}

/// The same at a second of the Unix clock.
#[must_use]
pub fn attested_at(at: u64, number: &str, role: Role, action: Action, subject: Digest) -> Attestation {
    let (federation, staff) = (federation(), staff(number));
    let signature = Signature::none();
    let mut signed = Attestation { action, subject, federation, staff, role, at, signature };
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
