//! Who is here and who is missing, where too few are: for the people on both sides. Nothing is decided by it.

use alloc::vec::Vec;

use super::{Coordinator, Phase};
use crate::ids::ClientId;
use crate::message::{MUSTER_NAMED_MAX, Muster};
use crate::secagg::suite::Suite;

impl<S: Suite> Coordinator<S> {
    /// Who is missing, where a round or a key set-up needs more members than are here; nothing where enough are, or something is under way.
    #[must_use]
    pub fn muster(&self) -> Option<Muster> {
        if self.keying.is_some() || !matches!(self.phase, Phase::Gathering) {
            return None;
        }
        let (here, needed, members) = match self.current() {
            Some(current) => {
                let present = self.present(current);
                let needed = usize::from(current.view.thresholds.survivors_min);
                if present.len() >= needed {
                    return None;
                }
                (present, needed, current.cohort().to_vec())
            }
            None => {
                let ready = self.ready_clients();
                if self.may_begin(&ready) {
                    return None;
                }
                let (rule, members) = (&self.settings.run.cohort, self.hopefuls());
                let smallest = rule.smallest_cohort(members.len()).map(|(needed, _)| usize::from(needed));
                let least = smallest.or_else(|| rule.smallest_group()).unwrap_or(0);
                (ready, least.max(self.ready_min()), members)
            }
        };
        let absent = members.iter().filter(|member| here.binary_search(member).is_err()).copied();
        let mut missing: Vec<ClientId> = absent.collect();
        let more = missing.len().saturating_sub(MUSTER_NAMED_MAX);
        missing.truncate(MUSTER_NAMED_MAX);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Some(Muster { here: count(here.len()), needed: count(needed), missing, more: count(more) })
    }

    /// Of those who are missing, the ones that are here and not ready, by their own word: their operators have not said that their data are. For the
    /// coordinator's people alone; other branches are told who is missing, and not why.
    #[must_use]
    pub fn late(&self) -> Vec<ClientId> {
        self.late.iter().copied().collect()
    }
}
