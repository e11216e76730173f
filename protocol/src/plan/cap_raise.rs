//! The caps of a branch's budget, and how they are raised: by the owner of the data and a privacy officer, with a reason and a ticket.

use serde::{Deserialize, Serialize};

use super::attestation::{Attestation, AttestationFault, Over, Wanted};
use crate::digest::{Canonical, Digest};
use crate::limits::{CHARTER_REFERENCE_BYTES_MAX, CHARTER_TEXT_BYTES_MAX};
use crate::printable::Untrusted;
use crate::role::{Action, Role};
use crate::roster::{Holding, Roster, RosterEntry, StaffNumber};
use crate::secagg::suite::{Signature, Suite, VerifyingKey};
use crate::signed::SignedBody;

/// What a branch's policy lets be spent at most: bits of `f64` epsilons, at one delta. The branch's own are 0 where its policy admits none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Of a customer, for life.
    pub life_bits: u64,
    /// Of a customer, in a year.
    pub year_bits: u64,
    /// Of the branch as one unit, for life.
    pub branch_life_bits: u64,
    /// Of the branch as one unit, in a year.
    pub branch_year_bits: u64,
    /// The delta of all of them.
    pub delta_bits: u64,
}

impl Caps {
    fn values(&self) -> [f64; 5] {
        let Self { life_bits, year_bits, branch_life_bits, branch_year_bits, delta_bits } = *self;
        [life_bits, year_bits, branch_life_bits, branch_year_bits, delta_bits].map(f64::from_bits)
    }

    /// Whether they are numbers that a policy may have.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let [life, year, branch_life, branch_year, delta] = self.values();
        let sizes = self.values().iter().all(|value| value.is_finite() && value.is_sign_positive());
        sizes && life > 0.0 && year > 0.0 && year <= life && branch_year <= branch_life && delta > 0.0 && delta < 1.0
    }

    /// Whether none of them lets more be spent than another one's: a larger delta does, too.
    #[must_use]
    pub fn at_most(&self, other: &Self) -> bool {
        self.values().iter().zip(other.values()).all(|(own, other)| *own <= other)
    }

    /// The smaller of two, each by itself.
    #[must_use]
    pub fn least(&self, other: &Self) -> Self {
        let of = |own: u64, other: u64| if f64::from_bits(own) <= f64::from_bits(other) { own } else { other };
        Self {
            life_bits: of(self.life_bits, other.life_bits),
            year_bits: of(self.year_bits, other.year_bits),
            branch_life_bits: of(self.branch_life_bits, other.branch_life_bits),
            branch_year_bits: of(self.branch_year_bits, other.branch_year_bits),
            delta_bits: of(self.delta_bits, other.delta_bits),
        }
    }

    pub(crate) fn canonical(&self, body: Canonical) -> Canonical {
        let Self { life_bits, year_bits, branch_life_bits, branch_year_bits, delta_bits } = *self;
        [life_bits, year_bits, branch_life_bits, branch_year_bits, delta_bits].into_iter().fold(body, Canonical::u64)
    }
}

/// The owner of the data lets more be spent than before. It counts with a privacy officer's signature on it, and erases nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapRaise {
    /// In which federation: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// Salted digest of the population.
    pub population: Digest,
    /// The caps that the budget file has.
    pub from: Caps,
    /// The caps that it gets.
    pub to: Caps,
    /// Why, in words.
    pub reason: Untrusted,
    /// Where that was decided.
    pub ticket: Untrusted,
    /// The owner's public key.
    pub owner: VerifyingKey,
    /// Signature by the owner.
    pub signature: Signature,
}

impl SignedBody for CapRaise {
    const KIND: &'static str = "CAP-RAISE";

    fn canonical(&self) -> Canonical {
        let body = Canonical::new("tributary/cap-raise/1").digest(&self.federation).digest(&self.population);
        let body = self.to.canonical(self.from.canonical(body));
        self.owner.canonical(body.bytes(self.reason.raw().as_bytes()).bytes(self.ticket.raw().as_bytes()))
    }
}

/// Why a raise does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RaiseFault {
    /// The owner did not sign it as it stands.
    #[error("the owner of the budget did not sign it as it stands")]
    Owner,
    /// The privacy officer's signature does not count.
    #[error("the privacy officer's signature does not count: {0}")]
    Officer(AttestationFault),
    /// One key signed both; or the officer is the owner of this branch's data by the roster as well, or stands in for that owner.
    #[error(
        "one person signed both, or the officer is this branch's owner by the roster, or stands in for that owner; have a privacy officer sign who \
         does not own the data"
    )]
    OnePerson,
}

impl CapRaise {
    /// What the privacy officer signs.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.canonical().finish()
    }

    /// Whether the owner signed it as it stands.
    #[must_use]
    pub fn is_genuine<S: Suite>(&self) -> bool {
        S::verify(&self.owner, &self.to_sign::<S>(), &self.signature)
    }

    /// Whether it says why, where that was decided, and something that is a raise.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let words = |text: &Untrusted, most: usize| (1..=most).contains(&text.raw().len());
        let said = words(&self.reason, CHARTER_TEXT_BYTES_MAX) && words(&self.ticket, CHARTER_REFERENCE_BYTES_MAX);
        said && self.from.is_sound() && self.to.is_sound() && !self.to.at_most(&self.from)
    }

    /// Whether a privacy officer's signature is on it: by its own words, without a roster.
    #[must_use]
    pub fn is_attested_by(&self, officer: &Attestation) -> bool {
        let about = officer.subject == self.digest() && officer.federation == self.federation;
        about && officer.action == Action::RaiseCap && officer.role == Role::PrivacyOfficer
    }

    /// Whether both signatures count under a roster whose own signatures were verified, for a branch of it, at a second of the Unix clock.
    ///
    /// # Errors
    /// [`RaiseFault`].
    pub fn judge<S: Suite>(
        &self,
        officer: &Attestation,
        (roster, branch): (&Roster, &RosterEntry),
        now: Option<u64>,
    ) -> Result<(), RaiseFault> {
        if !self.is_genuine::<S>() {
            return Err(RaiseFault::Owner);
        }
        self.judge_role(officer, (roster, branch), now)?;
        let key = roster.person(&officer.staff).map(|person| &person.signing_key);
        match key.is_some_and(|key| S::verify(key, &officer.to_sign::<S>(), &officer.signature)) {
            true => Ok(()),
            false => Err(RaiseFault::Officer(AttestationFault::Signature)),
        }
    }

    /// The same without the signatures, for whoever verifies them elsewhere. Whoever owns the data lets nobody spend more of it alone: neither with one
    /// key, nor with the two keys of two roles.
    ///
    /// # Errors
    /// [`RaiseFault`].
    pub fn judge_role(
        &self,
        officer: &Attestation,
        (roster, branch): (&Roster, &RosterEntry),
        now: Option<u64>,
    ) -> Result<(), RaiseFault> {
        if !self.is_attested_by(officer) {
            return Err(RaiseFault::Officer(AttestationFault::Subject));
        }
        let (subject, federation) = (self.digest(), &self.federation);
        let (action, over) = (Action::RaiseCap, Over::Branch(branch));
        let wanted = Wanted { action, subject: &subject, federation, owner: None, over, now };
        officer.judge_role(roster, wanted).map_err(RaiseFault::Officer)?;
        let owns = |staff: &StaffNumber| {
            roster.person(staff).is_some_and(|person| {
                let mut owner = person.holdings_of(Role::BranchOwner);
                person.signing_key == self.owner || owner.any(|holding| holding.scope.has_branch(branch))
            })
        };
        // A deputy may do no more than the principal, who may not let itself spend more.
        let for_another = |holding: &Holding| !holding.deputy_of.as_ref().is_some_and(owns);
        match !owns(&officer.staff) && officer.judge_role_by(roster, wanted, for_another).is_ok() {
            true => Ok(()),
            false => Err(RaiseFault::OnePerson),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round::cast;
    use crate::secagg::toy::Toy;

    fn of([life, year, branch_life, branch_year, delta]: [f64; 5]) -> Caps {
        Caps {
            life_bits: life.to_bits(),
            year_bits: year.to_bits(),
            branch_life_bits: branch_life.to_bits(),
            branch_year_bits: branch_year.to_bits(),
            delta_bits: delta.to_bits(),
        }
    }

    const CAPS: [f64; 5] = [8.0, 2.0, 4.0, 2.0, 1e-6];

    /// The caps with another number at a place.
    fn with(place: usize, number: f64) -> Caps {
        let mut caps = CAPS;
        caps[place] = number;
        of(caps)
    }

    #[test]
    fn caps_are_numbers_that_a_policy_may_have() {
        let good = [[8.0, 2.0, 0.0, 0.0, 1e-6], [8.0, 8.0, 4.0, 4.0, 0.999]];
        assert!(good.into_iter().all(|caps| of(caps).is_sound()));
        for (place, number) in [
            (0, 0.0),
            (0, 1.0),
            (0, f64::INFINITY),
            (1, 0.0),
            (1, -1.0),
            (1, 9.0),
            (1, f64::NAN),
            (2, 1.0),
            (2, f64::INFINITY),
            (3, 5.0),
            (3, -1.0),
            (3, f64::NAN),
            (4, 0.0),
            (4, 1.0),
            (4, f64::NAN),
        ] {
            assert!(!with(place, number).is_sound(), "{number} at {place}");
        }
    }

    /// Each of the five by itself, whichever of two caps is asked.
    #[test]
    fn the_least_of_two_caps_is_no_more_than_either() {
        let least = |one: Caps, other: Caps| [one.least(&other), other.least(&one)];
        let (one, other) = (of(CAPS), of([7.0, 3.0, 5.0, 1.0, 1e-5]));
        assert_eq!(least(one, other), [of([7.0, 2.0, 4.0, 1.0, 1e-6]); 2]);
        for (place, number) in CAPS.into_iter().enumerate() {
            let lower = with(place, number / 2.0);
            assert_eq!(least(one, lower), [lower; 2], "{place}");
            assert!(lower.at_most(&one) && one.at_most(&one) && !one.at_most(&lower), "{place}");
        }
        // A number that is none is not at most anything.
        assert!(!with(0, f64::NAN).at_most(&one) && !one.at_most(&with(0, f64::NAN)));
    }

    #[test]
    fn a_raise_is_whole_with_words_within_their_limits_and_caps_of_which_one_is_higher() {
        let whole = |change: &dyn Fn(&mut CapRaise)| {
            let mut raise = CapRaise {
                federation: Digest::ZERO,
                population: Digest::ZERO,
                from: of(CAPS),
                to: with(0, 9.0),
                reason: "a second model".into(),
                ticket: "change 17".into(),
                owner: Toy::verifying_key(&cast::OWNER_KEY),
                signature: Signature::none(),
            };
            change(&mut raise);
            raise.is_whole()
        };
        assert!(whole(&|_| {}));
        let text = |bytes: usize| Untrusted::from("x".repeat(bytes).as_str());
        let (reason, ticket) = (CHARTER_TEXT_BYTES_MAX, CHARTER_REFERENCE_BYTES_MAX);
        for (bytes, holds) in [(0, false), (1, true), (reason, true), (reason + 1, false)] {
            assert_eq!(whole(&|raise| raise.reason = text(bytes)), holds, "a reason of {bytes}");
        }
        for (bytes, holds) in [(0, false), (1, true), (ticket, true), (ticket + 1, false)] {
            assert_eq!(whole(&|raise| raise.ticket = text(bytes)), holds, "a ticket of {bytes}");
        }
        // One of them is enough, also where others fall.
        for (place, number) in CAPS.into_iter().enumerate() {
            assert!(whole(&|raise| raise.to = with(place, number * 1.5)), "{place}");
            assert!(!whole(&|raise| raise.to = with(place, number / 2.0)), "{place}");
        }
        assert!(whole(&|raise| raise.to = of([9.0, 1.0, 3.0, 1.0, 1e-7])));
        assert!(!whole(&|raise| raise.to = raise.from));
        assert!(!whole(&|raise| raise.to.year_bits = f64::NAN.to_bits()));
        assert!(!whole(&|raise| raise.from.year_bits = f64::NAN.to_bits()));
        assert!(!whole(&|raise| raise.from.delta_bits = 0));
    }
}
