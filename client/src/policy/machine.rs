//! The policy as the round machines of this branch apply it.

use tributary_protocol::round::Policy;
use tributary_protocol::secagg::suite::VerifyingKey;

use super::BranchPolicy;

impl BranchPolicy {
    /// With the keys of the identity: the coordinator's, and those of whoever signs rosters, of whom so many are needed. Nothing is granted yet.
    pub(crate) fn of_machines(
        &self,
        coordinator: VerifyingKey,
        (authorities, authorities_needed): (Vec<VerifyingKey>, usize),
    ) -> Policy {
        Policy {
            cohort: self.cohort,
            cap: self.life_cap(),
            cap_year: self.year_cap(),
            caps: self.epsilon_caps(),
            plan_cap: self.plan_cap(),
            modes: self.modes.clone(),
            purposes: self.purposes.clone(),
            schema: self.schema.digest,
            groups: self.groups.clone(),
            overlap_min: self.overlap_min,
            upload_offset_ms_min: self.terms.upload_offset_ms_min,
            rounds_max: self.terms.rounds_max,
            rounds_a_day: self.rounds_a_day,
            timing: self.timing,
            coordinator,
            authorities,
            authorities_needed,
            grants: Vec::new(),
        }
    }
}
