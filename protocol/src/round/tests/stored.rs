//! A session that was stored comes back whole, or not at all.

use alloc::vec::Vec;
use core::cell::Cell;
use core::iter::{once, repeat};

use super::world::{World, plan};
use crate::limits::COHORT_MAX;
use crate::message::ClosedReason;
use crate::round::{CoordinatorEvent, MaterialFault, SessionMaterial};

/// The parts of a session: the head, and one for each member.
fn parts() -> Vec<Vec<u8>> {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    while world.stored.is_empty() {
        assert!(world.step());
    }
    world.stored.into_values().next().expect("one session")
}

#[test]
fn a_stored_session_is_whole_or_refused() {
    let parts = parts();
    let read = |parts: &[Vec<u8>]| SessionMaterial::from_parts(parts);
    let whole = read(&parts).expect("whole");
    assert_eq!(whole.parts().collect::<Vec<_>>(), parts);
    assert_eq!(read(&[]), Err(MaterialFault::Incomplete));
    for at in 1..parts.len() {
        let (mut missing, mut twice, mut damaged) = (parts.clone(), parts.clone(), parts.clone());
        missing.remove(at);
        twice.insert(at, parts[at].clone());
        damaged[at].pop();
        assert_eq!([read(&missing), read(&twice)], [const { Err(MaterialFault::Incomplete) }; 2], "part {at}");
        assert!(matches!(read(&damaged), Err(MaterialFault::Damaged(_))), "part {at}");
    }
    let mut exchanged = parts.clone();
    exchanged.swap(1, 2);
    assert_eq!(read(&exchanged), Err(MaterialFault::Incomplete));
    assert!(matches!(read(&parts[1..]), Err(MaterialFault::Damaged(_))), "no head");
}

/// What is stored under a session's name is gone on with if it is what the ledger has keyed; otherwise another session is keyed.
#[test]
fn a_session_other_than_the_ledger_s_is_not_gone_on_with() {
    for changed in [false, true] {
        let mut world = World::new(9, plan(|_| {}));
        world.connect_all();
        while world.stored.is_empty() {
            assert!(world.step());
        }
        for event in &mut world.events {
            if let CoordinatorEvent::SessionKeyed { view, .. } = event {
                view.0[0] ^= u8::from(changed);
            }
        }
        // The process ended before anything was begun with it.
        let keyed = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::SessionKeyed { .. });
        let kept = world.events.iter().position(keyed).expect("one session") + 1;
        world.shorten(kept);
        world.restart_coordinator(9, plan(|_| {}));
        let closed = |event: &CoordinatorEvent| {
            matches!(event, CoordinatorEvent::SessionClosed { reason: ClosedReason::Restart, .. })
        };
        assert_eq!(world.events.iter().any(closed), changed);
        assert_eq!(world.coordinator.record().sessions.is_empty(), changed);
        world.run();
        world.pass_deadlines();
        assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    }
}

/// A file of any length costs no more memory than that of the largest cohort, and one part.
#[test]
fn no_more_parts_are_read_than_the_largest_cohort_has_and_one() {
    let (parts, read) = (parts(), Cell::new(0));
    let counted = |part: &Vec<u8>| {
        read.set(read.get() + 1);
        part.clone()
    };
    let endless = once(&parts[0]).chain(repeat(&parts[1])).map(counted);
    assert_eq!(SessionMaterial::from_parts(endless), Err(MaterialFault::Incomplete));
    assert_eq!(read.get(), 1 + COHORT_MAX + 1);
}
