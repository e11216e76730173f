//! A plan that was put forward and is not to run: somebody whose role it is signs that, with a reason.

use super::approvals::Grounds;
use super::attestation::{Attestation, AttestationFault, Over, Wanted};
use crate::digest::{Canonical, Digest};
use crate::printable::{Untrusted, is_one_line};
use crate::role::Action;
use crate::roster::StaffNumber;
use crate::secagg::suite::Suite;

/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 500;

/// A signed rejection. It travels in the plan's file and ends that file's way: what is put forward after it is another file or another plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why, in the words of whoever signed.
    pub reason: Untrusted,
    /// The signature, over plan and reason.
    pub signed: Attestation,
}

/// What a rejection signs: the plan of this digest, for this reason.
#[must_use]
pub fn rejected(plan: &Digest, reason: &str) -> Digest {
    Canonical::new("tributary/rejection/1").digest(plan).bytes(reason.as_bytes()).finish()
}

/// Whether a text can be a reason: one line that can be shown as it is.
#[must_use]
pub fn is_reason(text: &str) -> bool {
    text.len() <= REASON_BYTES_MAX && is_one_line(text)
}

impl Rejection {
    /// Whether it counts for the plan of this digest, which this person put forward.
    ///
    /// # Errors
    /// [`AttestationFault`].
    pub fn judge<S: Suite>(
        &self,
        plan: &Digest,
        proposer: &StaffNumber,
        Grounds { roster, federation, group, now }: Grounds<'_>,
    ) -> Result<(), AttestationFault> {
        let (owner, subject) = (Some(proposer), &rejected(plan, self.reason.raw()));
        let wanted = Wanted { action: Action::RejectPlan, subject, federation, owner, over: Over::Group(group), now };
        self.signed.judge::<S>(roster, wanted)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::limits::HOLDING_SECONDS_MAX;
    use crate::plan::{ApprovalFault, Approvals};
    use crate::role::Role;
    use crate::roster::{Holding, Roster, Scope};
    use crate::round::cast::{self, attestation, federation, person, staff};
    use crate::secagg::toy::Toy;

    const AUTHOR: &str = "bank-1/author";
    const PLAN: Digest = Digest([3; 32]);

    fn number(role: Role) -> String {
        alloc::format!("bank-1/{}", role.name())
    }

    /// One person in each role, and the author, who owns plans.
    fn roster(scope: &Scope) -> Roster {
        let over_branches = Scope::Branches(alloc::vec![crate::ids::ClientId(1)]);
        let mut people: Vec<_> = Role::ALL.iter().map(|role| person(&number(*role), *role)).collect();
        people.push(person(AUTHOR, Role::PlanOwner));
        for Holding { role, scope: own, .. } in people.iter_mut().flat_map(|person| &mut person.holdings) {
            *own = if role.is_of_branches() { over_branches.clone() } else { scope.clone() };
        }
        people.sort_by(|one, other| one.staff.cmp(&other.staff));
        let entries = cast::roster(9).roster.entries().to_vec();
        Roster::new(1, Digest::ZERO, entries, Vec::new(), people).expect("a roster")
    }

    fn grounds<'a>(roster: &'a Roster, federation: &'a Digest, now: u64) -> Grounds<'a> {
        Grounds { roster, federation, group: "all", now: Some(now) }
    }

    fn by(who: &str, role: Role, reason: &str) -> Rejection {
        let subject = rejected(&PLAN, reason);
        Rejection { reason: reason.into(), signed: attestation(who, role, Action::RejectPlan, subject) }
    }

    /// Every role, at a plan of its own and of somebody else.
    #[test]
    fn a_privacy_officer_rejects_a_plan_of_others_and_nobody_else_does() {
        let roster = roster(&Scope::Federation);
        for role in Role::ALL {
            for own in [true, false] {
                let who = number(role);
                let proposer = staff(if own { &who } else { AUTHOR });
                let judged =
                    by(&who, role, "too weak").judge::<Toy>(&PLAN, &proposer, grounds(&roster, &federation(), 60));
                let expected = if role == Role::PrivacyOfficer && !own { Ok(()) } else { Err(AttestationFault::Duty) };
                assert_eq!((judged, role.may(Action::RejectPlan, own)), (expected, expected.is_ok()), "{role} {own}");
            }
        }
    }

    #[test]
    fn a_rejection_counts_for_its_plan_and_its_reason_alone() {
        let roster = roster(&Scope::Federation);
        let officer = number(Role::PrivacyOfficer);
        let judge = |rejection: &Rejection, plan: Digest, now| {
            rejection.judge::<Toy>(&plan, &staff(AUTHOR), grounds(&roster, &federation(), now))
        };
        let good = by(&officer, Role::PrivacyOfficer, "too weak");
        assert_eq!(judge(&good, PLAN, 60), Ok(()));
        assert_eq!(judge(&good, Digest([4; 32]), 60), Err(AttestationFault::Subject));
        // A role of all branches of the plan's group is enough.
        let narrow = self::roster(&Scope::Organisation(crate::ids::OrganisationId(1)));
        let by_narrow = good.judge::<Toy>(&PLAN, &staff(AUTHOR), grounds(&narrow, &federation(), 60));
        assert_eq!(by_narrow, Ok(()));
        let reworded = Rejection { reason: "too strong".into(), ..good.clone() };
        assert_eq!(judge(&reworded, PLAN, 60), Err(AttestationFault::Subject));
        assert_eq!(judge(&good, PLAN, 2 * HOLDING_SECONDS_MAX), Err(AttestationFault::Ended));
        let mut forged = good.clone();
        forged.signed.signature.bytes[0] ^= 1;
        assert_eq!(judge(&forged, PLAN, 60), Err(AttestationFault::Signature));
        let stranger = by("bank-1/stranger", Role::PrivacyOfficer, "too weak");
        assert_eq!(judge(&stranger, PLAN, 60), Err(AttestationFault::Person));
        let mut elsewhere = good;
        elsewhere.signed.federation = Digest::ZERO;
        assert_eq!(judge(&elsewhere, PLAN, 60), Err(AttestationFault::Federation));
        for (text, is) in [("a", true), ("", false), (" a", false), ("a\nb", false), ("a\u{202e}", false)] {
            assert_eq!(is_reason(text), is, "{text:?}");
        }
        assert!(is_reason(&"x".repeat(REASON_BYTES_MAX)) && !is_reason(&"x".repeat(REASON_BYTES_MAX + 1)));
    }

    /// A year is the whole federation's: every role, and a role of fewer branches.
    #[test]
    fn a_year_is_put_forward_by_a_plan_owner_and_approved_by_a_privacy_officer() {
        let whole = roster(&Scope::Federation);
        let year = |proposer: &str, role, approver: &str, by| Approvals {
            proposal: attestation(proposer, role, Action::ProposeYear, PLAN),
            approval: attestation(approver, by, Action::ApproveYear, PLAN),
        };
        let judge = |signed: Approvals, roster| signed.judge_year::<Toy>(&PLAN, grounds(roster, &federation(), 60));
        let (officer, duty) = (number(Role::PrivacyOfficer), AttestationFault::Duty);
        for role in Role::ALL {
            let proposed = judge(year(&number(role), role, &officer, Role::PrivacyOfficer), &whole);
            let approved = judge(year(AUTHOR, Role::PlanOwner, &number(role), role), &whole);
            let expected = |is: bool, fault| if is { Ok(()) } else { Err(fault) };
            assert_eq!(proposed, expected(role == Role::PlanOwner, ApprovalFault::Proposal(duty)), "{role}");
            assert_eq!(approved, expected(role == Role::PrivacyOfficer, ApprovalFault::Approval(duty)), "{role}");
        }
        let twice = year(AUTHOR, Role::PlanOwner, AUTHOR, Role::PrivacyOfficer);
        assert_eq!(judge(twice, &whole), Err(ApprovalFault::OnePerson));
        let narrow = roster(&Scope::Organisation(crate::ids::OrganisationId(1)));
        let good = year(AUTHOR, Role::PlanOwner, &officer, Role::PrivacyOfficer);
        assert_eq!(judge(good.clone(), &narrow), Err(ApprovalFault::Proposal(AttestationFault::Scope)));
        assert_eq!(judge(good, &whole), Ok(()));
        // A plan's signatures are none of a year's.
        let of_plan = Approvals {
            proposal: attestation(AUTHOR, Role::PlanOwner, Action::ProposePlan, PLAN),
            approval: attestation(&officer, Role::PrivacyOfficer, Action::ApprovePlan, PLAN),
        };
        assert_eq!(judge(of_plan, &whole), Err(ApprovalFault::Proposal(AttestationFault::Subject)));
    }
}
