//! Rounds that the daemon withholds: what is under way ends, nothing begins, and everything goes on as if nothing had been.

use super::orders::after_two_rounds;
use super::world::{World, plan};
use crate::round::{CoordinatorEvent, Input};

const WHY: &str = "the second copy lags";

fn started(world: &World) -> usize {
    world
        .events
        .iter()
        .filter(|event| matches!(event, CoordinatorEvent::RoundStarted { .. } | CoordinatorEvent::SessionOpened { .. }))
        .count()
}

#[test]
fn an_open_round_ends_well_and_none_begins_until_they_are_withheld_no_more() {
    let mut world = after_two_rounds();
    let (before, committed) = (started(&world), world.coordinator.record().committed_all());
    world.tell(Input::Withheld(Some(WHY.into())));
    world.run();
    world.pass_deadlines();
    let record = world.coordinator.record();
    assert_eq!((started(&world), world.finished, record.round.is_none()), (before, None, true));
    assert_eq!(record.committed_all(), committed + 1, "the open round is in the model");
    assert_eq!(world.coordinator.lacking().as_deref(), Some(WHY));
    assert_eq!(world.coordinator.wait().reason, WHY);
    let aborted = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::RoundAborted { .. });
    assert!(!world.events.iter().any(aborted));
    world.tell(Input::Withheld(None));
    world.run();
    assert_eq!(world.finished, Some(true));
    assert_eq!(world.coordinator.record().committed_all(), plan(|_| {}).rounds());
}

/// People's orders are told before it, and it ends none of them.
#[test]
fn members_that_come_meanwhile_take_part_when_rounds_go_on() {
    let mut world = super::orders::world(super::orders::people());
    world.tell(Input::Withheld(Some(WHY.into())));
    world.connect_all();
    world.run();
    assert_eq!(started(&world), 0);
    world.tell(Input::Withheld(None));
    world.run();
    assert_eq!(world.finished, Some(true));
}
