//! What goes wrong where a federation lives: people stop runs, rosters change, files are put back, days pass, and runs follow each other.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::play::{Dice, Play, anybody, with};
use crate::ids::ClientId;
use crate::plan::{Approvals, Plan};
use crate::role::{Action, Role};
use crate::roster::{RosterEntry, RosterGroup};
use crate::round::cast::{self, APPROVER, PROPOSER, counting_plan};
use crate::round::orders::order_digest;
use crate::round::tests::orders::{self, OPERATOR, OTHER_OWNER, SECOND};
use crate::round::tests::world::{World, plan};
use crate::round::{CoordinatorEvent, CoordinatorSettings, Input, ParticipantInput, Policy, Timing};
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// A day and a year in milliseconds.
const DAY: u64 = 86_400_000;
const YEAR: u64 = 366 * DAY;
/// Nobody has a higher number.
const CLIENTS_MAX: u32 = 14;

/// The cast's settings under a roster that knows more people.
fn peopled(clients: u32, served: Plan) -> CoordinatorSettings<Toy> {
    CoordinatorSettings { roster: orders::roster_with(clients, orders::people()), ..cast::settings(clients, served) }
}

pub(super) fn people(number: u8) -> Play {
    Play { settings: peopled, also: Some(word), ..with(number, plan(|_| {})) }
}

/// Somebody says something: who may and who may not.
fn word(world: &mut World, dice: &mut Dice, play: &mut Play) {
    let staff = [APPROVER, PROPOSER, OPERATOR, SECOND, OTHER_OWNER];
    let roles = [Role::PrivacyOfficer, Role::PlanOwner, Role::PlatformOperator, Role::PrivacyOfficer, Role::PlanOwner];
    let who = dice.roll(staff.len());
    let role = roles[if dice.roll(8) == 0 { dice.roll(roles.len()) } else { who }];
    match dice.roll(12) {
        0..=8 => {
            let actions = [Action::Freeze, Action::Thaw, Action::PausePlan, Action::ResumePlan];
            // Few runs end for good.
            let action = if dice.roll(10) == 0 { Action::AbortPlan } else { actions[dice.roll(actions.len())] };
            let taken = world.events.iter().filter_map(|event| match event {
                CoordinatorEvent::OrderTaken { order } => Some(order_digest(order)),
                _ => None,
            });
            let taken: Vec<_> = taken.collect();
            let subject = match action {
                Action::Freeze => cast::federation(),
                Action::PausePlan | Action::AbortPlan => play.served.digest(),
                _ => dice.one(&taken).copied().unwrap_or(play.served.digest()),
            };
            let at = world.now.0 / 1_000;
            world.tell(Input::Ordered(Box::new(cast::attested_at(at, staff[who], role, action, subject))));
        }
        9 => {
            let approval = cast::attestation(staff[who], role, Action::ApprovePlan, play.served.digest());
            let approvals = Approvals { approval, ..cast::approvals(&play.served) };
            world.tell(Input::Approved(Box::new(approvals)));
        }
        10 => {
            let why = (dice.roll(2) == 0).then(|| String::from("another run is to end before this one"));
            world.tell(Input::Withheld(why));
            world.tell(Input::Timer);
        }
        _ => {
            let client = anybody(dice, play);
            world.withdraw(client, cast::withdrawal(&cast::grant(&play.served)));
        }
    }
}

pub(super) fn rosters(number: u8) -> Play {
    Play { also: Some(roster), ..with(number, plan(|_| {})) }
}

/// The operator installs a roster in which somebody is new, gone, or has other keys; everybody comes back by the door that knows it.
fn roster(world: &mut World, dice: &mut Dice, play: &mut Play) {
    let last =
        world.coordinator.record().roster.as_ref().map_or_else(|| cast::roster(play.clients).roster, Clone::clone);
    let next = match dice.roll(4) {
        0 => cast::rekeyed_roster(&last, play.clients, anybody(dice, play)),
        1 => {
            // Some entries end soon.
            let ends = world.now.0 / 1_000 + 1 + dice.roll(4) as u64;
            let entries = last.entries().iter().cloned();
            let entries = entries.map(|entry| RosterEntry {
                not_after: [entry.not_after, ends][usize::from(dice.roll(5) == 0)],
                ..entry
            });
            cast::roster_after(&last, entries.collect(), Vec::new())
        }
        2 => {
            let group = RosterGroup {
                name: "pilot".into(),
                members: last.entries().iter().map(|entry| entry.client).collect(),
            };
            cast::roster_after(&last, last.entries().to_vec(), [group].into())
        }
        _ => cast::next_roster(&last, play.clients - u32::try_from(dice.roll(3)).expect("few")),
    };
    play.installed = Some(next.clone());
    world.tell(Input::Roster(Box::new(next)));
    if dice.roll(2) == 0 {
        world.all_come_back();
    }
}

pub(super) fn older_files(number: u8) -> Play {
    Play { also: Some(older_file), ..with(number, plan(|plan| plan.session_rounds = 2)) }
}

/// A file is put back as it was before, at a branch or at the coordinator.
fn older_file(world: &mut World, dice: &mut Dice, play: &mut Play) {
    if dice.roll(4) == 0 {
        let kept = world.events.len() - dice.roll(world.events.len().min(30));
        world.shorten(kept);
        return play.restart(world);
    }
    let client = anybody(dice, play);
    let kept = world.branches[&client].events.len();
    world.cut(client);
    world.restore(client, kept - dice.roll(kept.min(40)));
    world.connect(client);
}

fn frugal(served: &Plan, client: ClientId) -> Policy {
    let strict = client.0.is_multiple_of(2);
    Policy {
        timing: if strict { Timing::Strict } else { Timing::Plain },
        rounds_a_day: 4,
        cap: served.charge_max().times(2),
        cap_year: served.charge_max(),
        ..cast::policy(served)
    }
}

pub(super) fn days(number: u8) -> Play {
    let served = plan(|plan| (plan.upload_offset_ms, plan.retries) = (20, 2));
    let second = plan(|plan| plan.name = "second".into());
    Play { policy: frugal, also: Some(day), next: [second].into(), ..with(number, served) }
}

/// Time passes, or somebody's training or somebody's workers take all of it.
fn day(world: &mut World, dice: &mut Dice, play: &mut Play) {
    let client = anybody(dice, play);
    match dice.roll(8) {
        0 | 1 => world.now = Millis(world.now.0 + dice.roll(5_000) as u64),
        2 => world.now = Millis(world.now.0 + DAY / 24 * (1 + dice.roll(30) as u64)),
        3 => world.now = Millis(world.now.0 + YEAR * dice.roll(2) as u64),
        4 | 5 => {
            let branch = world.branches.get_mut(&client).expect("one of them");
            branch.late = !branch.late;
        }
        6 => world.silent_workers = !world.silent_workers,
        _ => world.tell_branch(client, ParticipantInput::NotReady),
    }
    world.pass_at_branches();
}

pub(super) fn crowd(number: u8) -> Play {
    let served = plan(|plan| (plan.retries, plan.session_rounds) = (3, 2));
    Play { also: Some(leave), away: 6, clients: CLIENTS_MAX, ..with(number, served) }
}

/// Several leave at once, and come back one after the other.
fn leave(world: &mut World, dice: &mut Dice, play: &mut Play) {
    for _ in 0..dice.roll(8) {
        let client = anybody(dice, play);
        if world.branches[&client].connected {
            world.cut(client);
        }
    }
}

fn rich(served: &Plan, _: ClientId) -> Policy {
    Policy {
        cap: served.charge_max().times(9),
        cap_year: served.charge_max().times(9),
        plan_cap: served.charge_max().times(3),
        ..cast::policy(served)
    }
}

pub(super) fn runs(number: u8) -> Play {
    let next = [plan(|plan| plan.name = "third".into()), Plan { name: "second".into(), ..counting_plan() }];
    Play {
        policy: rich,
        also: Some(older_file),
        next: next.into(),
        ..with(number, plan(|plan| plan.stages[0].rounds = 2))
    }
}
