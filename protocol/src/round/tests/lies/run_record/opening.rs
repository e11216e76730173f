//! Rows about how a run opens, and the rosters that it adopts.

use alloc::vec::Vec;

use super::{FIRST, Moment, NINTH, OVER, Row};
use crate::plan::Plan;
use crate::roster::{Roster, SignedRoster};
use crate::round::CoordinatorEvent;
use crate::round::cast::{self, counting_plan};

const OPENS_ONE: &str = "a ledger opens one run";
const VALID: &str = "the plan is valid, and allows a run of this number";
const BEGINS: &str = "a run begins from the state that its plan names";

fn plan_of(event: &mut CoordinatorEvent) -> &mut Plan {
    match event {
        CoordinatorEvent::RunOpened { plan, .. } => plan,
        _ => panic!("it opens"),
    }
}

pub(in super::super) const RUN_OPENED: &[Row] = &[
    (OPENS_ONE, is!(RunOpened), |moment| moment.record.run = Some(cast::run(counting_plan()))),
    (VALID, is!(RunOpened), |moment| plan_of(&mut moment.event).stages.clear()),
    (VALID, is!(RunOpened), |moment| plan_of(&mut moment.event).delta_bits = 1.0_f64.to_bits()),
    (VALID, is!(RunOpened), change!(RunOpened { number } => *number = 0)),
    (VALID, is!(RunOpened), change!(RunOpened { number } => *number = 2)),
    (BEGINS, is!(RunOpened), change!(RunOpened { model } => model.0[0] ^= 1)),
    (FIRST, is!(RosterAdopted), |moment| moment.record.run = None),
];

const OUTSIDE: &str = "a roster is adopted outside sessions";
const FORWARD: &str = "rosters go forward";
const GROUP: &str = "the group is as large as the roster says";

pub(in super::super) const ROSTER_ADOPTED: &[Row] = &[
    (OVER, is!(RosterAdopted), |moment| moment.record.finished = Some(true)),
    (OUTSIDE, is!(RosterAdopted), |moment| moment.record.keying = Some((NINTH, Vec::new()))),
    (OUTSIDE, is!(RosterAdopted), |moment| moment.keyed(NINTH)),
    (OUTSIDE, is!(RunFinished), |moment| {
        adopt(moment);
        moment.reopen();
    }),
    (FORWARD, is!(RunFinished), |moment| {
        adopt(moment);
        moment.record.roster = next().into();
    }),
    (FORWARD, is!(RosterAdopted), |moment| {
        let roster = SignedRoster { roster: Roster::none(), signatures: Vec::new() };
        moment.event = CoordinatorEvent::RosterAdopted { roster: roster.into(), group_size: 0 };
    }),
    (GROUP, is!(RosterAdopted), change!(RosterAdopted { group_size } => *group_size += 1)),
    (GROUP, is!(RosterAdopted), change!(RosterAdopted { group_size } => *group_size -= 1)),
    (GROUP, is!(RosterAdopted), |moment| {
        of_no_group(moment);
        let CoordinatorEvent::RosterAdopted { group_size, .. } = &mut moment.event else { panic!("it is adopted") };
        *group_size = 0;
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        let CoordinatorEvent::RosterAdopted { group_size, .. } = &mut moment.event else { panic!("it is adopted") };
        *group_size = 9;
    }),
];

/// The run is of a plan whose group no roster has.
pub(super) fn of_no_group(moment: &mut Moment) {
    let plan = Plan { group: "north".into(), ..counting_plan() };
    moment.record.approvals = Some(cast::approvals(&plan));
    moment.record.run = Some(cast::run(plan));
    assert_eq!((moment.record.group_size(), moment.record.group_members()), (0, Vec::new()));
}

fn next() -> Roster {
    cast::next_roster(&cast::roster(9).roster, 9).roster
}

fn adopt(moment: &mut Moment) {
    let roster = cast::next_roster(&cast::roster(9).roster, 9).into();
    moment.instead(CoordinatorEvent::RosterAdopted { roster, group_size: 9 });
}
