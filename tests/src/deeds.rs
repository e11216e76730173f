//! What people do meanwhile and when, drawn from the seed before the run begins.

use tributary_protocol::role::{Action, Role};

use crate::cast::{CURED, Cast, Oddity, REVOKED};
use crate::dice::Dice;

/// Something that people do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    /// The coordinator's operator installs a roster of this place in turn, and what people have signed under it.
    Install { roster: usize },
    /// The one fickle owner takes its newest grant for a plan back.
    Withdraw { plan: usize },
    /// It grants that plan anew.
    Grant { plan: usize },
    /// Somebody stops a plan, or the federation.
    Order { by: Role, action: Action, plan: usize },
    /// People let everything go on that stands.
    Lift,
}

/// Who stops what, but for good.
const STOPS: [(Role, Action); 4] = [
    (Role::PlanOwner, Action::PausePlan),
    (Role::PrivacyOfficer, Action::PausePlan),
    (Role::PrivacyOfficer, Action::Freeze),
    (Role::PlatformOperator, Action::Freeze),
];

/// Who ends a plan for good.
const ENDS: [(Role, Action); 2] = [(Role::PlanOwner, Action::AbortPlan), (Role::PrivacyOfficer, Action::AbortPlan)];

/// Longest time until people do the next thing, in virtual milliseconds.
const NEXT_MS_MAX: u64 = 4_000;

/// What people do within the window in which faults strike, each with its moment. What stays undone they do when everything heals.
pub(crate) fn deeds(cast: &Cast, window_ms: u64, dice: &mut Dice) -> Vec<(u64, Deed)> {
    let mut deeds = Vec::new();
    if cast.rosters.len() > REVOKED {
        let at = dice.below(window_ms);
        let later = *dice.pick(&[0, NEXT_MS_MAX]);
        deeds.push((at, Deed::Install { roster: REVOKED }));
        deeds.push((at + dice.between(0, later), Deed::Install { roster: CURED }));
    }
    if let Some((client, Oddity::Fickle)) = cast.odd {
        let own = |plan: &usize| cast.plans[*plan].members.contains(&client);
        let plans: Vec<usize> = (0..cast.plans.len()).filter(own).collect();
        for _ in 0..dice.between(1, 3) {
            let (at, plan) = (dice.below(window_ms), *dice.pick(&plans));
            deeds.push((at, Deed::Withdraw { plan }));
            if dice.chance(600) {
                deeds.push((at + dice.between(0, NEXT_MS_MAX), Deed::Grant { plan }));
            }
        }
    }
    if dice.chance(250) {
        for _ in 0..dice.between(1, 3) {
            let (at, plan) = (dice.below(window_ms), dice.index(cast.plans.len()));
            let (by, action) = if dice.chance(60) { *dice.pick(&ENDS) } else { *dice.pick(&STOPS) };
            deeds.push((at, Deed::Order { by, action, plan }));
            deeds.push((at + dice.between(1, NEXT_MS_MAX), Deed::Lift));
        }
    }
    deeds
}
