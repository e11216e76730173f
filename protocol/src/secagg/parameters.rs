//! What every member derives from the frozen cohort: coalition, quorum, threshold, survivors (SA-1, sections 2 and 3).
//!
//! All integers, all fractions in thousandths, every rounding towards more privacy.

use serde::{Deserialize, Serialize};

use crate::limits::COHORT_MAX;

/// A member's own rule, from its policy; nobody else may set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortRule {
    /// Assumed coalition with the coordinator, in thousandths of the cohort (`fraction`; 200 is usual).
    pub coalition_permille: u16,
    /// Smallest cohort, and fewest survivors (`n_min`).
    pub cohort_min: u16,
    /// Fewest survivors, in thousandths of the cohort (800 is usual).
    pub survivors_permille: u16,
    /// Fewest honest survivors (`h_min`; 5 is usual).
    pub honest_min: u16,
}

/// The numbers that hold for one session; in ROSTER_FREEZE, in H_view and in every round descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Largest coalition with the coordinator that reveals nothing (C_max), in members.
    pub coalition_max: u16,
    /// Signatures that certify a survivor set (Q).
    pub quorum: u16,
    /// Shares that open a secret (t).
    pub threshold: u16,
    /// Fewest survivors whose sum may be released (U3_min).
    pub survivors_min: u16,
    /// Honest members among the fewest survivors, each carrying a noise share (h = U3_min - C_max).
    pub honest_min: u16,
}

/// Why a cohort cannot aggregate under a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CohortRefused {
    /// The rule itself makes no sense.
    #[error(
        "the cohort rule is not valid: fractions are 0 to 1000 thousandths and the smallest cohort is at least 2; correct the policy"
    )]
    RuleInvalid,
    /// More members than a session may have.
    #[error("the cohort has {cohort} members and a session has at most {limit}; select fewer")]
    TooLarge {
        /// Members of the cohort.
        cohort: usize,
        /// Members allowed.
        limit: usize,
    },
    /// Fewer members than the policy asks for.
    #[error("the cohort has {cohort} members and the policy asks for {needed}; wait for more members")]
    TooSmall {
        /// Members of the cohort.
        cohort: usize,
        /// Members needed.
        needed: u16,
    },
    /// A third or more of the cohort is assumed to collude: no quorum can be told from another.
    #[error("a coalition of {coalition} among {cohort} is a third or more; enlarge the cohort or choose local noise")]
    CoalitionTooLarge {
        /// Coalition assumed (C_max).
        coalition: usize,
        /// Members of the cohort.
        cohort: usize,
    },
    /// Too few honest members remain for the noise to hide one customer among.
    #[error(
        "{honest} honest survivors remain and the policy asks for {needed}; enlarge the cohort or choose local noise"
    )]
    TooFewHonest {
        /// Honest members among the fewest survivors.
        honest: u16,
        /// Honest members needed.
        needed: u16,
    },
}

/// How offered thresholds fall short of a member's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weaker {
    /// One number is below the member's own.
    #[error("the coordinator offers {name} {offered} and this policy gives {own}; the session is refused")]
    Below {
        /// Which number.
        name: &'static str,
        /// The value offered.
        offered: u16,
        /// The member's own value.
        own: u16,
    },
    /// The offered numbers contradict each other or the cohort.
    #[error("the offered thresholds contradict each other; the session is refused")]
    Inconsistent,
}

/// Why a member refuses the thresholds of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdsRefused {
    /// The cohort does not satisfy the member's rule at all.
    #[error(transparent)]
    Cohort(#[from] CohortRefused),
    /// The offer is weaker than the member's rule.
    #[error(transparent)]
    Weaker(#[from] Weaker),
}

impl CohortRule {
    /// The thresholds of a frozen cohort of `cohort` members (n1) under this rule, each member counting as its own organisation.
    ///
    /// # Errors
    /// [`CohortRefused`].
    pub fn thresholds(&self, cohort: usize) -> Result<Thresholds, CohortRefused> {
        if self.coalition_permille > 1000 || self.survivors_permille > 1000 || self.cohort_min < 2 {
            return Err(CohortRefused::RuleInvalid);
        }
        let members = u16::try_from(cohort).ok().filter(|_| cohort <= COHORT_MAX);
        let members = members.ok_or(CohortRefused::TooLarge { cohort, limit: COHORT_MAX })?;
        if members < self.cohort_min {
            return Err(CohortRefused::TooSmall { cohort, needed: self.cohort_min });
        }
        let coalition_max = permille_up(members, self.coalition_permille);
        if 3 * u32::from(coalition_max) >= u32::from(members) {
            return Err(CohortRefused::CoalitionTooLarge { coalition: coalition_max.into(), cohort });
        }
        let quorum = (members + coalition_max) / 2 + 1;
        let survivors_min = permille_up(members, self.survivors_permille).max(quorum).max(self.cohort_min);
        let honest_min = survivors_min - coalition_max;
        if honest_min < self.honest_min {
            return Err(CohortRefused::TooFewHonest { honest: honest_min, needed: self.honest_min });
        }
        Ok(Thresholds { coalition_max, quorum, threshold: quorum, survivors_min, honest_min })
    }

    /// Judges the thresholds that a coordinator offers for a frozen cohort.
    ///
    /// # Errors
    /// [`ThresholdsRefused`] if this rule refuses the cohort, gives more than is offered, or wants more honest members.
    pub fn accept(&self, cohort: usize, offered: &Thresholds) -> Result<(), ThresholdsRefused> {
        let own = self.thresholds(cohort)?;
        offered.not_weaker_than(&own)?;
        let (coalition, members) = (usize::from(offered.coalition_max), usize::from(offered.survivors_min));
        let quorum_min = (cohort + coalition) / 2 + 1;
        if coalition * 3 >= cohort || usize::from(offered.quorum) < quorum_min || members > cohort {
            return Err(Weaker::Inconsistent.into());
        }
        if offered.honest_min < self.honest_min {
            return Err(CohortRefused::TooFewHonest { honest: offered.honest_min, needed: self.honest_min }.into());
        }
        Ok(())
    }
}

impl Thresholds {
    /// Whether these thresholds protect at least as well as a member's own for the same cohort.
    ///
    /// `honest_min` is not compared: it is the divisor of the noise shares, and must be exactly `survivors_min - coalition_max`, so that
    /// a larger assumed coalition makes it smaller and every share larger. [`CohortRule::accept`] compares it with the policy's floor.
    ///
    /// # Errors
    /// [`Weaker`] names the first number that falls short.
    pub fn not_weaker_than(&self, own: &Thresholds) -> Result<(), Weaker> {
        let pairs = [
            ("coalition", self.coalition_max, own.coalition_max),
            ("quorum", self.quorum, own.quorum),
            ("threshold", self.threshold, own.threshold),
            ("survivors", self.survivors_min, own.survivors_min),
        ];
        if let Some((name, offered, own)) = pairs.into_iter().find(|(_, offered, own)| offered < own) {
            return Err(Weaker::Below { name, offered, own });
        }
        let consistent = self.survivors_min.checked_sub(self.coalition_max) == Some(self.honest_min)
            && self.threshold > self.coalition_max
            && self.survivors_min >= self.threshold.max(self.quorum);
        if consistent { Ok(()) } else { Err(Weaker::Inconsistent) }
    }
}

/// `ceil(count * permille / 1000)`.
fn permille_up(count: u16, permille: u16) -> u16 {
    let product = u32::from(count) * u32::from(permille);
    u16::try_from(product.div_ceil(1000)).expect("a fraction of at most one keeps the count's size")
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
