//! What every member derives from the frozen cohort: coalition, committee, quorum, threshold, survivors (docs/PROTOCOL.md, "Numbers").
//!
//! All integers, all fractions in thousandths, every rounding towards more privacy.

mod coalition;
mod cohort;
mod committee;
mod refused;

use alloc::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use coalition::Weights;
pub use coalition::{CoalitionRule, OUTSIDE_MIN};
use cohort::{Coalition, Cohort};
pub use committee::Committee;
pub use refused::{CohortRefused, SurvivorsRefused, ThresholdsRefused, Weaker};

use crate::ids::OrganisationId;
use crate::limits::{COHORT_MAX, COMPLETE_GRAPH_MAX, ROSTER_ENTRIES_MAX};
use crate::secagg::graph::Degree;

/// A member's own rule, from its policy; nobody else may set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortRule {
    /// Assumed coalition with the coordinator.
    pub coalition: CoalitionRule,
    /// Smallest cohort, and fewest survivors (`n_min`).
    pub cohort_min: u16,
    /// Fewest organisations in a cohort, whoever they are.
    pub organisations_min: u16,
    /// Fewest survivors, in thousandths of the cohort (800 is usual).
    pub survivors_permille: u16,
    /// Fewest honest survivors (`h_min`; 5 is usual).
    pub honest_min: u16,
}

/// The numbers that hold for one session; in ROSTER_FREEZE, in H_view and in every round descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Largest coalition with the coordinator that reveals nothing (C_max), in members of the cohort.
    pub coalition_max: u16,
    /// Most members of one organisation in the committee (h_org); the cohort's size where there is no cap.
    pub holder_cap: u16,
    /// Signatures of the committee that certify a survivor set (Q).
    pub quorum: u16,
    /// Shares that open a secret (t).
    pub threshold: u16,
    /// Fewest survivors whose sum may be released (U3_min).
    pub survivors_min: u16,
    /// Honest members among the fewest survivors, each carrying a noise share (h = U3_min - C_max).
    pub honest_min: u16,
}

impl CohortRule {
    /// What plans and policies ask for where they say nothing else: a fifth may collude, a fifth may be lost.
    pub const USUAL: Self = Self {
        coalition: CoalitionRule::Fraction { permille: 200 },
        cohort_min: 8,
        organisations_min: 1,
        survivors_permille: 800,
        honest_min: 5,
    };

    /// The thresholds of a frozen cohort under this rule. `members` gives each member's organisation, in the cohort's order; a rule that
    /// names a fraction looks at their number only. `group` is the size of the roster's group from which the cohort was chosen: of it a
    /// fraction is counted, because whoever chooses a cohort must not choose how many colluders are assumed in it.
    ///
    /// # Errors
    /// [`CohortRefused`].
    pub fn thresholds(&self, members: &[OrganisationId], group: usize) -> Result<Thresholds, CohortRefused> {
        self.thresholds_of(&self.cohort(members, group)?)
    }

    /// The fewest members that may be a cohort of a group of so many, and their thresholds; nothing where not even all of them may. In the
    /// form `organisations` it depends on whose they are, and nothing is said.
    #[must_use]
    pub fn smallest_cohort(&self, group: usize) -> Option<(u16, Thresholds)> {
        let CoalitionRule::Fraction { permille } = self.coalition else { return None };
        let most = u16::try_from(group.min(COHORT_MAX)).ok().filter(|_| self.is_valid())?;
        let coalition = permille_up(most_of_group(group)?, permille);
        let least = coalition.checked_mul(3)?.checked_add(1)?.max(self.cohort_min).max(self.organisations_min);
        let admitted = |size| {
            let cohort = Cohort { size, coalition: Coalition::Members(coalition) };
            self.thresholds_of(&cohort).ok().map(|thresholds| (size, thresholds))
        };
        (least..=most).find_map(admitted)
    }

    /// The fewest members that a group must have before any of its cohorts can be admitted; nothing where no group is large enough. In the
    /// form `organisations` it may take more, depending on whose they are.
    #[must_use]
    pub fn smallest_group(&self) -> Option<usize> {
        let least = usize::from(self.cohort_min);
        match self.coalition {
            CoalitionRule::Fraction { .. } => (least..=COHORT_MAX).find(|group| self.smallest_cohort(*group).is_some()),
            CoalitionRule::Organisations { .. } => Some(least).filter(|_| self.is_valid()),
        }
    }

    /// Judges the thresholds that a coordinator offers for a frozen cohort; `members` and `group` as for [`CohortRule::thresholds`].
    ///
    /// # Errors
    /// [`ThresholdsRefused`] if this rule refuses the cohort, gives more than is offered, or wants more honest members.
    pub fn accept(
        &self,
        members: &[OrganisationId],
        group: usize,
        offered: &Thresholds,
    ) -> Result<(), ThresholdsRefused> {
        let cohort = self.cohort(members, group)?;
        if !cohort.admits_cap(offered.holder_cap) {
            return Err(Weaker::Inconsistent.into());
        }
        // Quorum and threshold count in the committee that is offered, so that this member's own must as well.
        let own = self.derive(&cohort, offered.holder_cap)?;
        offered.not_weaker_than(&own, usize::from(cohort.size) <= COMPLETE_GRAPH_MAX)?;
        if offered.survivors_min > cohort.size || !offered.has_quorum_among(cohort.size) {
            return Err(Weaker::Inconsistent.into());
        }
        let needed = self.honest_needed(cohort.size);
        if offered.honest_min < needed {
            return Err(CohortRefused::TooFewHonest { honest: offered.honest_min, needed }.into());
        }
        Ok(())
    }

    /// Whether a member may acknowledge a survivor set (docs/PROTOCOL.md, "Who says what"). `thresholds` are those that it
    /// accepted for `members`; `survivors` are ascending indices into `members`.
    ///
    /// # Errors
    /// [`SurvivorsRefused`].
    pub fn admits_survivors(
        &self,
        members: &[OrganisationId],
        thresholds: &Thresholds,
        survivors: &[u32],
    ) -> Result<(), SurvivorsRefused> {
        let organisation = |index: &u32| members.get(*index as usize).copied();
        if !survivors.is_sorted_by(|a, b| a < b) || survivors.last().is_some_and(|last| organisation(last).is_none()) {
            return Err(SurvivorsRefused::NotMembers);
        }
        if survivors.len() < usize::from(thresholds.survivors_min) {
            return Err(SurvivorsRefused::TooFew { survivors: survivors.len(), needed: thresholds.survivors_min });
        }
        let holders = thresholds.committee(members).among(survivors);
        let needed = thresholds.quorum.max(thresholds.threshold);
        if holders < usize::from(needed) {
            return Err(SurvivorsRefused::TooFewHolders { holders, needed });
        }
        if let CoalitionRule::Organisations { operator, others, outside_min } = self.coalition {
            let organisations = Weights::new(survivors.iter().filter_map(organisation), operator, others).outside();
            if organisations < usize::from(outside_min) {
                return Err(SurvivorsRefused::TooFewOrganisations { organisations, needed: outside_min });
            }
        }
        Ok(())
    }

    /// Whether a plan's rule is at least as strict as a member's own, number by number.
    #[must_use]
    pub fn at_least_as_strict(&self, own: &Self) -> bool {
        self.coalition.at_least_as_strict(&own.coalition)
            && self.cohort_min >= own.cohort_min
            && self.organisations_min >= own.organisations_min
            && self.survivors_permille >= own.survivors_permille
            && self.honest_min >= own.honest_min
    }

    /// Whether the rule makes sense at all.
    fn is_valid(&self) -> bool {
        self.coalition.is_valid() && self.survivors_permille <= 1000 && self.cohort_min >= 2
    }

    /// The cohort as this rule sees it, if it may be one at all.
    fn cohort(&self, members: &[OrganisationId], group: usize) -> Result<Cohort, CohortRefused> {
        if !self.is_valid() {
            return Err(CohortRefused::RuleInvalid);
        }
        let cohort = members.len();
        let size = u16::try_from(cohort).ok().filter(|_| cohort <= COHORT_MAX);
        let size = size.ok_or(CohortRefused::TooLarge { cohort, limit: COHORT_MAX })?;
        if size < self.cohort_min {
            return Err(CohortRefused::TooSmall { cohort, needed: self.cohort_min });
        }
        if self.organisations_min > 1 {
            let organisations = members.iter().collect::<BTreeSet<_>>().len();
            if organisations < usize::from(self.organisations_min) {
                let needed = self.organisations_min;
                return Err(CohortRefused::OrganisationsMissing { organisations, needed });
            }
        }
        let coalition = match self.coalition {
            CoalitionRule::Fraction { permille } => {
                let whole = most_of_group(group).filter(|whole| *whole >= size);
                let whole = whole.ok_or(CohortRefused::OutsideGroup { cohort, group })?;
                let coalition = permille_up(whole, permille);
                if 3 * u32::from(coalition) >= u32::from(size) {
                    let needed = 3 * u32::from(coalition) + 1;
                    return Err(CohortRefused::TooSmallForGroup { cohort, group, coalition, needed });
                }
                Coalition::Members(coalition)
            }
            CoalitionRule::Organisations { operator, others, outside_min } => {
                let weights = Weights::new(members.iter().copied(), operator, others);
                let organisations = weights.outside();
                if organisations < usize::from(outside_min) {
                    let needed = outside_min;
                    return Err(CohortRefused::TooFewOrganisations { organisations, needed, operator, others });
                }
                Coalition::Organisations(weights)
            }
        };
        Ok(Cohort { size, coalition })
    }

    fn thresholds_of(&self, cohort: &Cohort) -> Result<Thresholds, CohortRefused> {
        let holder_cap = cohort.largest_cap().ok_or_else(|| cohort.too_large())?;
        self.derive(cohort, holder_cap)
    }

    /// The thresholds where at most `holder_cap` members of each organisation hold shares and certify.
    fn derive(&self, cohort: &Cohort, holder_cap: u16) -> Result<Thresholds, CohortRefused> {
        let coalition_max = cohort.coalition(cohort.size);
        let (among, colluding) = (cohort.committee(holder_cap), cohort.coalition(holder_cap));
        if 3 * u32::from(colluding) >= u32::from(among) {
            return Err(cohort.too_large());
        }
        let quorum = (among + colluding) / 2 + 1;
        let survivors_min = permille_up(cohort.size, self.survivors_permille).max(quorum).max(self.cohort_min);
        let threshold = if usize::from(cohort.size) <= COMPLETE_GRAPH_MAX {
            quorum
        } else {
            sparse(cohort.size, coalition_max, survivors_min).ok_or_else(|| cohort.no_graph(survivors_min))?.threshold
        };
        let honest_min = survivors_min.saturating_sub(coalition_max);
        let needed = self.honest_needed(cohort.size);
        if honest_min < needed {
            return Err(CohortRefused::TooFewHonest { honest: honest_min, needed });
        }
        Ok(Thresholds { coalition_max, holder_cap, quorum, threshold, survivors_min, honest_min })
    }

    /// At least a quarter of the cohort is honest, whatever the policy says: the shares of all survivors together then carry at most four
    /// times the noise that is guaranteed.
    fn honest_needed(&self, cohort: u16) -> u16 {
        self.honest_min.max(cohort.div_ceil(4))
    }
}

impl Thresholds {
    /// Who holds shares and certifies; `members` gives each member's organisation, in the cohort's order.
    #[must_use]
    pub fn committee(&self, members: &[OrganisationId]) -> Committee {
        Committee::new(members, self.holder_cap)
    }

    /// The neighbour graph's degree for a cohort of so many members with these thresholds; `None` where the graph is complete.
    ///
    /// Its threshold is these thresholds' own: [`CohortRule::accept`] admits no other.
    #[must_use]
    pub fn degree(&self, cohort: usize) -> Option<Degree> {
        sparse(u16::try_from(cohort).ok()?, self.coalition_max, self.survivors_min)
    }

    /// Whether these thresholds protect at least as well as a member's own for the same cohort and committee.
    ///
    /// The threshold of a sparse graph belongs to its degree and is not compared: a graph for fewer losses is sparser and opens with less.
    ///
    /// `honest_min` is not compared: it is the divisor of the noise shares, and must be exactly `survivors_min - coalition_max`, so that
    /// a larger assumed coalition makes it smaller and every share larger. [`CohortRule::accept`] compares it with the policy's floor.
    fn not_weaker_than(&self, own: &Thresholds, complete: bool) -> Result<(), Weaker> {
        let threshold = if complete { ("threshold", self.threshold, own.threshold) } else { ("threshold", 0, 0) };
        let pairs = [
            ("coalition", self.coalition_max, own.coalition_max),
            ("quorum", self.quorum, own.quorum),
            threshold,
            ("survivors", self.survivors_min, own.survivors_min),
        ];
        if let Some((name, offered, own)) = pairs.into_iter().find(|(_, offered, own)| offered < own) {
            return Err(Weaker::Below { name, offered, own });
        }
        if self.is_consistent() { Ok(()) } else { Err(Weaker::Inconsistent) }
    }

    /// Whether survivors, honest survivors, quorum and threshold fit each other.
    fn is_consistent(&self) -> bool {
        self.survivors_min.checked_sub(self.coalition_max) == Some(self.honest_min)
            && self.survivors_min >= self.threshold.max(self.quorum)
    }

    /// Where the whole cohort certifies: whether two certificates need an honest double signer under the coalition that is offered, which
    /// may be larger than a member's own. Under a cap the member's own coalition in the committee decides.
    fn has_quorum_among(&self, cohort: u16) -> bool {
        let sparse = self.degree(cohort.into()).map(|degree| degree.threshold);
        let opens_with = match usize::from(cohort) <= COMPLETE_GRAPH_MAX {
            true => self.threshold > self.coalition_max,
            false => sparse == Some(self.threshold),
        };
        let (coalition, cohort) = (u32::from(self.coalition_max), u32::from(cohort));
        u32::from(self.holder_cap) < cohort
            || (3 * coalition < cohort && 2 * u32::from(self.quorum) > cohort + coalition && opens_with)
    }
}

/// The sparse graph that withstands a coalition, and the loss of everybody who is not needed.
fn sparse(cohort: u16, coalition_max: u16, survivors_min: u16) -> Option<Degree> {
    Degree::for_cohort(cohort.into(), coalition_max.into(), cohort.checked_sub(survivors_min)?.into())
}

/// The size of a group, as far as a roster may have such a one.
fn most_of_group(group: usize) -> Option<u16> {
    u16::try_from(group).ok().filter(|_| group <= ROSTER_ENTRIES_MAX)
}

/// `ceil(count * permille / 1000)`.
fn permille_up(count: u16, permille: u16) -> u16 {
    let product = u32::from(count) * u32::from(permille);
    u16::try_from(product.div_ceil(1000)).expect("a fraction of at most one keeps the count's size")
}

#[cfg(test)]
mod tests;
