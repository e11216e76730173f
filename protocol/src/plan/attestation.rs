//! What a person signs: one action, on one object, in one federation.
//!
//! A signature counts by the roster in force, which says who may sign what. Nothing else makes a role: a certificate does not, and neither does the
//! coordinator.

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::limits::CLOCK_SKEW_SECONDS_MAX as SKEW;
use crate::role::{Action, Role};
use crate::roster::{Group, Holding, Roster, RosterEntry, Scope, StaffNumber};
use crate::secagg::suite::{Signature, Suite};
use crate::signed::SignedBody;

/// A person's signature on an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// What is done.
    pub action: Action,
    /// To what: the digest of a canonical encoding.
    pub subject: Digest,
    /// In which federation: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// By whom.
    pub staff: StaffNumber,
    /// In which role.
    pub role: Role,
    /// When, in seconds of the Unix clock of whoever signed.
    pub at: u64,
    /// Signature by the person's key.
    pub signature: Signature,
}

impl SignedBody for Attestation {
    const KIND: &'static str = "ATTEST";

    fn canonical(&self) -> Canonical {
        let body = Canonical::new("tributary/attestation/1").u8(self.action.number()).digest(&self.subject);
        let body = body.digest(&self.federation).bytes(self.staff.as_str().as_bytes());
        body.u8(self.role.number()).u64(self.at)
    }
}

/// Why a person's signature does not count. Numbers are stable on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub enum AttestationFault {
    /// It is for something else.
    #[error("it is a signature on another object or another action")]
    Subject,
    /// It is for another federation.
    #[error("it was signed for another federation")]
    Federation,
    /// The table gives that action to other roles.
    #[error("the role in which it was signed may not do this")]
    Duty,
    /// The roster does not have the person: never, or no more.
    #[error("the signed roster does not name whoever signed: the role was revoked, or was never given")]
    Person,
    /// The roster has the person, and not the role.
    #[error("whoever signed does not hold that role in the signed roster")]
    Role,
    /// The role is of fewer branches.
    #[error("the role of whoever signed is of other branches, or does not have all of those whose data this reaches")]
    Scope,
    /// The role begins later.
    #[error("the role of whoever signed had not begun")]
    NotYet,
    /// The role is over.
    #[error("the role of whoever signed has ended; renew it in the roster, or have somebody else who holds it sign")]
    Ended,
    /// A deputy whose principal does not hold the role then.
    #[error("whoever signed stands in for somebody who does not hold that role at that time")]
    Principal,
    /// The signature is dated later than now.
    #[error("it is dated later than this machine's clock shows")]
    Future,
    /// The signature does not verify by the roster's key.
    #[error(
        "the signature does not verify by the key that the signed roster has for this person: something was changed, or another key signed"
    )]
    Signature,
}

/// Whose data an action reaches.
#[derive(Clone, Copy)]
pub enum Over<'a> {
    /// One branch's.
    Branch(&'a RosterEntry),
    /// The branches of a group of the roster.
    Group(&'a str),
    /// The whole federation's.
    Federation,
}

impl Over<'_> {
    fn is_within(self, scope: &Scope, roster: &Roster) -> bool {
        let group = |name| {
            let mut entries = roster.walk();
            let mut members = roster.group(name).into_iter().flat_map(Group::members);
            members.all(|client| entries.find(client).is_some_and(|entry| scope.has_branch(entry)))
        };
        *scope == Scope::Federation
            || match self {
                Self::Branch(branch) => scope.has_branch(branch),
                Self::Group(name) => group(name),
                Self::Federation => false,
            }
    }
}

/// On what a person's signature is looked for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The action.
    pub action: Action,
    /// The object.
    pub subject: &'a Digest,
    /// The federation.
    pub federation: &'a Digest,
    /// Who put the object forward, where somebody did: it is that person's own, and their deputy's. See [`crate::role::Reach`].
    pub owner: Option<&'a StaffNumber>,
    /// Whose data it reaches: the scope of the role has all of it.
    pub over: Over<'a>,
    /// Seconds of the Unix clock now; without them nothing is judged by a clock.
    pub now: Option<u64>,
}

impl Attestation {
    /// Whether it counts under a roster whose own signatures were verified.
    ///
    /// # Errors
    /// The first [`AttestationFault`].
    pub fn judge<S: Suite>(&self, roster: &Roster, wanted: Wanted<'_>) -> Result<(), AttestationFault> {
        self.judge_role(roster, wanted)?;
        let key = roster.person(&self.staff).map(|person| &person.signing_key).ok_or(AttestationFault::Person)?;
        if S::verify(key, &self.to_sign::<S>(), &self.signature) { Ok(()) } else { Err(AttestationFault::Signature) }
    }

    /// The same without the signature, for whoever has verified that before: roles end, and signatures do not change.
    ///
    /// # Errors
    /// The first [`AttestationFault`].
    pub fn judge_role(&self, roster: &Roster, wanted: Wanted<'_>) -> Result<(), AttestationFault> {
        self.judge_role_by(roster, wanted, |_| true)
    }

    /// What can be judged without a roster: object, action, federation, whether the role may do this at all, and that it is not dated later than now.
    ///
    /// # Errors
    /// The first [`AttestationFault`].
    pub fn judge_words(&self, wanted: Wanted<'_>) -> Result<(), AttestationFault> {
        let holds = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        holds(self.action == wanted.action && self.subject == *wanted.subject, AttestationFault::Subject)?;
        holds(self.federation == *wanted.federation, AttestationFault::Federation)?;
        // Who stood in for whom stands in no file any more.
        holds(self.role.may(self.action, true) || self.role.may(self.action, false), AttestationFault::Duty)?;
        let later = wanted.now.is_some_and(|now| self.at > now.saturating_add(SKEW));
        holds(!later, AttestationFault::Future)
    }

    /// The same by some of the person's holdings of the role alone.
    pub(super) fn judge_role_by(
        &self,
        roster: &Roster,
        wanted: Wanted<'_>,
        counts: impl Fn(&Holding) -> bool,
    ) -> Result<(), AttestationFault> {
        let holds = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        holds(self.action == wanted.action && self.subject == *wanted.subject, AttestationFault::Subject)?;
        holds(self.federation == *wanted.federation, AttestationFault::Federation)?;
        let (owns, person) = (wanted.owner == Some(&self.staff), roster.person(&self.staff));
        // A deputy does what the principal may, also with what the principal has put forward.
        let for_owner = |holding: &Holding| wanted.owner.is_some() && holding.deputy_of.as_ref() == wanted.owner;
        let may = |own| self.role.may(self.action, own);
        let stands_in = person.is_some_and(|person| person.holdings_of(self.role).any(for_owner));
        holds(may(owns) || stands_in && may(true), AttestationFault::Duty)?;
        let person = person.ok_or(AttestationFault::Person)?;
        if let Some(now) = wanted.now {
            holds(self.at <= now.saturating_add(SKEW), AttestationFault::Future)?;
        }
        // Whoever holds a role twice, in person and as a deputy, may use either.
        let mut last = AttestationFault::Role;
        for holding in person.holdings_of(self.role).filter(|holding| counts(holding)) {
            let duty = holds(may(owns || for_owner(holding)), AttestationFault::Duty);
            match duty.and_then(|()| self.judge_holding(roster, holding, &wanted)) {
                Ok(()) => return Ok(()),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    fn judge_holding(&self, roster: &Roster, holding: &Holding, wanted: &Wanted<'_>) -> Result<(), AttestationFault> {
        if !wanted.over.is_within(&holding.scope, roster) {
            return Err(AttestationFault::Scope);
        }
        // The roster in force decides, so that a role that was renewed keeps what its holder signed before. A date before the role's first second wins
        // nothing: whoever signs writes it.
        let latest = wanted.now.map_or(self.at, |now| now.max(self.at));
        let stands = |holding: &Holding| match wanted.now {
            Some(now) if now.saturating_add(SKEW) < holding.from => Err(AttestationFault::NotYet),
            _ if latest > holding.until.saturating_add(SKEW) => Err(AttestationFault::Ended),
            _ => Ok(()),
        };
        stands(holding)?;
        let Some(principal) = &holding.deputy_of else { return Ok(()) };
        let principal = roster.person(principal).and_then(|person| person.holding(self.role));
        match principal.is_some_and(|principal| stands(principal).is_ok()) {
            true => Ok(()),
            false => Err(AttestationFault::Principal),
        }
    }
}

impl AttestationFault {
    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Subject => 1,
            Self::Federation => 2,
            Self::Duty => 3,
            Self::Person => 4,
            Self::Role => 5,
            Self::Scope => 6,
            Self::NotYet => 7,
            Self::Ended => 8,
            Self::Principal => 9,
            Self::Future => 10,
            Self::Signature => 11,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::roster::Person;
    use crate::round::cast::{self, APPROVER, PROPOSER, attested_at, federation, person, staff};
    use crate::secagg::toy::Toy;

    const OBJECT: Digest = Digest([3; 32]);

    /// The cast's roster of nine with these people.
    fn roster(mut people: Vec<Person>) -> Roster {
        people.sort_by(|one, other| one.staff.cmp(&other.staff));
        let entries = cast::roster(9).roster.entries().to_vec();
        Roster::new(1, Digest::ZERO, entries, Vec::new(), people).expect("a roster")
    }

    /// What is looked for on the object, over everything.
    fn wanted<'a>(
        action: Action,
        federation: &'a Digest,
        owner: Option<&'a StaffNumber>,
        now: Option<u64>,
    ) -> Wanted<'a> {
        Wanted { action, subject: &OBJECT, federation, owner, over: Over::Federation, now }
    }

    #[test]
    fn words_alone_say_object_action_federation_duty_and_a_date_that_has_come() {
        let (federation, now) = (federation(), 1_000);
        let judged = |now, change: fn(&mut Attestation)| {
            let mut signed = attested_at(900, APPROVER, Role::PrivacyOfficer, Action::ApprovePlan, OBJECT);
            change(&mut signed);
            signed.judge_words(wanted(Action::ApprovePlan, &federation, None, now))
        };
        type Row = (Result<(), AttestationFault>, fn(&mut Attestation));
        let rows: [Row; 8] = [
            (Ok(()), |_| {}),
            (Ok(()), |signed| signed.at = 1_300),
            (Err(AttestationFault::Future), |signed| signed.at = 1_301),
            (Err(AttestationFault::Subject), |signed| signed.subject = Digest::ZERO),
            (Err(AttestationFault::Subject), |signed| signed.action = Action::Freeze),
            (Err(AttestationFault::Federation), |signed| signed.federation = Digest::ZERO),
            (Err(AttestationFault::Duty), |signed| signed.role = Role::PlanOwner),
            (Err(AttestationFault::Duty), |signed| signed.role = Role::ModelUser),
        ];
        for (row, (expected, change)) in rows.into_iter().enumerate() {
            assert_eq!(judged(Some(now), change), expected, "row {row}");
        }
        assert_eq!(judged(None, |signed| signed.at = u64::MAX), Ok(()), "no clock");
        assert_eq!(judged(Some(u64::MAX), |signed| signed.at = u64::MAX), Ok(()));
        // Whether it was somebody's own is not in the words: a role that may do it to its own alone counts, too.
        let proposal = attested_at(0, PROPOSER, Role::PlanOwner, Action::ProposePlan, OBJECT);
        assert_eq!(proposal.judge_words(wanted(Action::ProposePlan, &federation, None, None)), Ok(()));
    }

    /// Of the role itself, and of that of the person for whom a deputy stands in; each with the difference that two clocks may have.
    #[test]
    fn a_signature_counts_while_the_role_does() {
        let federation = federation();
        let mut officer = person(APPROVER, Role::PrivacyOfficer);
        (officer.holdings[0].from, officer.holdings[0].until) = (1_000, 2_000);
        let mut deputy = person("bank-1/deputy", Role::PrivacyOfficer);
        deputy.holdings[0].deputy_of = Some(officer.staff.clone());
        let roster = roster([officer, deputy].to_vec());
        let judged = |who: &str, at, now| {
            let signed = attested_at(at, who, Role::PrivacyOfficer, Action::Freeze, OBJECT);
            signed.judge::<Toy>(&roster, wanted(Action::Freeze, &federation, None, now))
        };
        use AttestationFault::{Ended, Future, NotYet, Principal};
        for (at, now, expected) in [
            (0, Some(699), Err(NotYet)),
            (0, Some(700), Ok(())),
            (0, None, Ok(())),
            (0, Some(2_300), Ok(())),
            (0, Some(2_301), Err(Ended)),
            (1_300, Some(1_000), Ok(())),
            (1_301, Some(1_000), Err(Future)),
            // The later of the two counts, the clock's time and the date.
            (2_300, Some(2_001), Ok(())),
            (2_301, Some(2_001), Err(Ended)),
            (2_300, None, Ok(())),
            (2_301, None, Err(Ended)),
        ] {
            assert_eq!(judged(APPROVER, at, now), expected, "{at} {now:?}");
            let expected = expected.map_err(|fault| if fault == Future { fault } else { Principal });
            assert_eq!(judged("bank-1/deputy", at, now), expected, "the deputy: {at} {now:?}");
        }
    }

    /// What the role may not do is said before all that the roster and the clock say.
    #[test]
    fn what_nobody_put_forward_is_nobody_s_own() {
        let federation = federation();
        let principal = staff(PROPOSER);
        let mut deputy = person("bank-1/deputy", Role::PlanOwner);
        deputy.holdings[0].deputy_of = Some(principal.clone());
        let roster = roster([deputy, person(PROPOSER, Role::PlanOwner)].to_vec());
        let judged = |who: &str, at, action, owner| {
            let signed = attested_at(at, who, Role::PlanOwner, action, OBJECT);
            signed.judge::<Toy>(&roster, wanted(action, &federation, owner, Some(0)))
        };
        let duty = Err(AttestationFault::Duty);
        assert_eq!(judged(PROPOSER, 0, Action::PausePlan, Some(&principal)), Ok(()));
        assert_eq!(judged(PROPOSER, 0, Action::PausePlan, None), duty);
        assert_eq!(judged("bank-1/deputy", 0, Action::PausePlan, None), duty);
        assert_eq!(judged("bank-1/deputy", 301, Action::PausePlan, Some(&principal)), Err(AttestationFault::Future));
        assert_eq!(judged("bank-1/deputy", 301, Action::ApprovePlan, Some(&principal)), duty);
        assert_eq!(judged("bank-1/stranger", 301, Action::PausePlan, Some(&principal)), duty);
    }
}
