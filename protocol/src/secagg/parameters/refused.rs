//! Why a cohort, an offer or a survivor set is refused.

use crate::ids::OrganisationId;

/// Why a cohort cannot aggregate under a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CohortRefused {
    /// The rule itself makes no sense.
    #[error(
        "the cohort rule is not valid: fractions are 0 to 1000 thousandths, the smallest cohort is at least 2, and at least 2 \
         organisations remain outside a coalition; correct the policy"
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
    #[error(
        "a coalition of {coalition} among {cohort} is a third or more, however few members of one organisation are counted; \
         enlarge the cohort, have more organisations in it, or choose local noise"
    )]
    CoalitionTooLarge {
        /// Coalition assumed (C_max).
        coalition: usize,
        /// Members of the cohort.
        cohort: usize,
    },
    /// A third or more of the cohort may collude, because the coalition is a fraction of the whole group that it was chosen from.
    #[error(
        "{cohort} members are too few for a group of {group}: {coalition} of the group may work with the coordinator, and they must be \
         fewer than a third of a cohort; {needed} members must be present, or the plan must name a smaller group"
    )]
    TooSmallForGroup {
        /// Members of the cohort.
        cohort: usize,
        /// Members of the group.
        group: usize,
        /// Coalition assumed (C_max).
        coalition: u16,
        /// Fewest members of a cohort.
        needed: u32,
    },
    /// A cohort larger than the group that it was chosen from.
    #[error("the cohort has {cohort} members and its group {group}: somebody in it is not of the plan's group")]
    OutsideGroup {
        /// Members of the cohort.
        cohort: usize,
        /// Members of the group.
        group: usize,
    },
    /// A cohort too large for everybody to be everybody's neighbour, with more collusion or losses than the sparse graph is made for.
    #[error(
        "no neighbour graph is made for {cohort} members of whom {coalition} collude and {lost} may be lost; ask for more \
         survivors (800 thousandths or above), assume less, or select at most 256 members"
    )]
    NoGraph {
        /// Members of the cohort.
        cohort: usize,
        /// Coalition assumed.
        coalition: usize,
        /// Members that may be lost.
        lost: usize,
    },
    /// Members of too few organisations.
    #[error("the cohort has members of {organisations} organisations and the policy asks for {needed}; wait for more")]
    OrganisationsMissing {
        /// Organisations in the cohort.
        organisations: usize,
        /// Organisations needed.
        needed: u16,
    },
    /// Without the assumed coalition too few organisations are left: their sum would be nearly one organisation's own.
    #[error(
        "{organisations} organisations remain without the operator {operator} and {others} others, and the policy asks for \
         {needed}; wait for members of more organisations"
    )]
    TooFewOrganisations {
        /// Organisations outside the largest coalition.
        organisations: usize,
        /// Organisations needed.
        needed: u16,
        /// The operator's organisation.
        operator: OrganisationId,
        /// Other organisations of a coalition.
        others: u16,
    },
    /// Too few honest members remain for the noise to hide one customer among.
    #[error(
        "{honest} honest survivors remain and {needed} are needed by the policy, or as a quarter of the cohort; enlarge the \
         cohort or choose local noise"
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

/// Why a member acknowledges no such survivor set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurvivorsRefused {
    /// The set is not made of members of the cohort, each once and in order.
    #[error("the survivor set names somebody outside the cohort, or a member twice; the round is refused")]
    NotMembers,
    /// Fewer survivors than agreed.
    #[error("{survivors} survivors are proposed where {needed} were agreed; the round is refused")]
    TooFew {
        /// Survivors proposed.
        survivors: usize,
        /// Survivors agreed (U3_min).
        needed: u16,
    },
    /// Too few of those who hold shares and certify are among the survivors.
    #[error(
        "{holders} of the committee survive where {needed} are needed to certify and to unmask; the round is refused"
    )]
    TooFewHolders {
        /// Members of the committee among the survivors.
        holders: usize,
        /// The larger of quorum and threshold.
        needed: u16,
    },
    /// Members of too few organisations.
    #[error("the cohort has members of {organisations} organisations and the policy asks for {needed}; wait for more")]
    OrganisationsMissing {
        /// Organisations in the cohort.
        organisations: usize,
        /// Organisations needed.
        needed: u16,
    },
    /// Without the assumed coalition too few organisations survive.
    #[error(
        "{organisations} organisations survive outside the assumed coalition and the policy asks for {needed}; the round is refused"
    )]
    TooFewOrganisations {
        /// Organisations outside the largest coalition.
        organisations: usize,
        /// Organisations needed.
        needed: u16,
    },
}
