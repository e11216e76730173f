//! One account for each unit of privacy: what protects a branch is not counted as what protects its customers.

use serde::{Deserialize, Serialize};

use super::RdpVector;
use crate::digest::Canonical;

/// Whose presence an account is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unit {
    /// One customer, with all rows.
    Customer,
    /// One branch, with everything that it holds.
    Branch,
}

impl Unit {
    /// Every unit, in the order of the accounts.
    pub const ALL: [Self; 2] = [Self::Customer, Self::Branch];

    /// The word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Branch => "branch",
        }
    }
}

/// An RDP vector for each unit of privacy: a charge, a spend, or a cap. Nothing is ever moved from one account to the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// What one customer's presence costs.
    pub customer: RdpVector,
    /// What one branch's presence costs.
    pub branch: RdpVector,
}

impl Default for Accounts {
    fn default() -> Self {
        Self::zero()
    }
}

impl Accounts {
    /// Nothing in any account.
    #[must_use]
    pub fn zero() -> Self {
        Self::customers(RdpVector::zero())
    }

    /// Something in the customers' account alone.
    #[must_use]
    pub fn customers(customer: RdpVector) -> Self {
        Self { customer, branch: RdpVector::zero() }
    }

    /// The account of a unit.
    #[must_use]
    pub fn of(&self, unit: Unit) -> &RdpVector {
        match unit {
            Unit::Customer => &self.customer,
            Unit::Branch => &self.branch,
        }
    }

    /// The composition of two charges, account by account.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.each(other, RdpVector::plus)
    }

    /// The smaller of two, order by order.
    #[must_use]
    pub fn least(&self, other: &Self) -> Self {
        self.each(other, RdpVector::least)
    }

    /// The larger of two, order by order.
    #[must_use]
    pub fn most(&self, other: &Self) -> Self {
        self.each(other, RdpVector::most)
    }

    /// What is missing here up to `other`, order by order; nothing where this is more already.
    #[must_use]
    pub fn missing_to(&self, other: &Self) -> Self {
        self.each(other, RdpVector::missing_to)
    }

    /// The composition of `count` equal charges.
    #[must_use]
    pub fn times(&self, count: u64) -> Self {
        Self { customer: self.customer.times(count), branch: self.branch.times(count) }
    }

    /// Whether each account is at most that of `other`, at every order.
    #[must_use]
    pub fn at_most(&self, other: &Self) -> bool {
        self.customer.at_most(&other.customer) && self.branch.at_most(&other.branch)
    }

    /// Whether each account stays within its own cap.
    #[must_use]
    pub fn within(&self, cap: &Self) -> bool {
        self.customer.within(&cap.customer) && self.branch.within(&cap.branch)
    }

    /// Every value of every account into a canonical encoding.
    #[must_use]
    pub(crate) fn canonical(&self, body: Canonical) -> Canonical {
        let values = self.customer.nanos().iter().chain(self.branch.nanos());
        values.fold(body, |body, value| body.u64(*value))
    }

    fn each(&self, other: &Self, of: impl Fn(&RdpVector, &RdpVector) -> RdpVector) -> Self {
        Self { customer: of(&self.customer, &other.customer), branch: of(&self.branch, &other.branch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_never_mixed() {
        let release = RdpVector::gaussian(1, 100);
        let one = Accounts { customer: release.times(4), branch: release.clone() };
        let two = one.plus(&Accounts::customers(release.clone()));
        assert_eq!((two.customer.clone(), two.branch.clone()), (release.times(5), release.clone()));
        assert_eq!(one.times(3).plus(&Accounts::zero()).of(Unit::Branch), &release.times(3));
        assert!(one.at_most(&two) && !two.at_most(&one));
        // Each has to be within its own cap; room in the other account is of no use.
        let cap = Accounts { customer: release.times(9), branch: RdpVector::zero() };
        assert!(two.customer.within(&cap.customer) && !two.within(&cap));
        assert!(Accounts::customers(release.times(9)).within(&cap), "an account without a charge needs no cap");
        assert_eq!(two.missing_to(&one), Accounts::zero());
        assert_eq!(one.missing_to(&two), Accounts::customers(release));
        assert_eq!((one.least(&two), two.least(&one)), (one.clone(), one));
    }

    /// Each account by itself: two in which one has more for customers and the other for branches.
    #[test]
    fn each_account_is_compared_with_its_own() {
        let times = |customer, branch| {
            let release = RdpVector::gaussian(1, 100);
            Accounts { customer: release.times(customer), branch: release.times(branch) }
        };
        let (one, two) = (times(3, 7), times(5, 2));
        assert_eq!((one.of(Unit::Customer), one.of(Unit::Branch)), (&times(3, 7).customer, &times(3, 7).branch));
        assert_eq!((one.plus(&two), one.times(4)), (times(8, 9), times(12, 28)));
        assert_eq!((one.least(&two), one.most(&two)), (times(3, 2), times(5, 7)));
        assert_eq!((one.missing_to(&two), two.missing_to(&one)), (times(2, 0), times(0, 5)));
        assert_eq!((one.missing_to(&times(3, 8)), times(3, 8).missing_to(&one)), (times(0, 1), times(0, 0)));
        for (other, fits) in [(times(3, 7), true), (times(4, 8), true), (times(2, 9), false), (times(9, 6), false)] {
            assert_eq!((one.at_most(&other), one.within(&other)), (fits, fits), "{other:?}");
        }
        assert_eq!((Accounts::default(), Accounts::customers(RdpVector::zero())), (times(0, 0), times(0, 0)));
        let names = Unit::ALL.map(|unit| (unit, unit.name()));
        assert_eq!(names, [(Unit::Customer, "customer"), (Unit::Branch, "branch")]);
    }
}
