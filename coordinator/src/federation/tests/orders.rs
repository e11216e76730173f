//! What people order, and whom a newer roster names.

use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::names;
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::{RosterAuthorities, read_roster};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Attestation;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::order_digest;

use super::*;

pub(super) fn authorities(world: &World) -> RosterAuthorities {
    RosterAuthorities::read(&world.house.coordinator().join(names::AUTHORITIES)).unwrap()
}

/// An order of the plan's author (`e1`) or the privacy officer (`e2`).
fn order(world: &World, (number, role): (&str, Role), action: Action, subject: Digest) -> Attestation {
    let person = SigningPerson::open(&world.house.path("people").join(number)).unwrap();
    person.attest(action, subject, authorities(world).digest(), role, now()).unwrap()
}

const OWNER: (&str, Role) = ("e1", Role::PlanOwner);
const OFFICER: (&str, Role) = ("e2", Role::PrivacyOfficer);

fn ordered(world: &mut World, order: Attestation) {
    world.arrive(Arrival::Ordered(Box::new(order)));
}

/// A roster with one more branch, signed after the last one.
fn next_roster(world: &World, id: &str) -> SignedRoster {
    let authority = world.house.path("authority");
    world.house.enrol(id, now());
    sign_roster(&authority).unwrap();
    read_roster(&authority.join(names::ROSTER), &authorities(world)).unwrap()
}

#[test]
fn a_pause_holds_a_run_until_two_people_let_it_go_on() {
    let mut world = World::new(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    world.begin();
    world.take_told();
    let plan = world.run(1).plan;
    let pause = order(&world, OWNER, Action::PausePlan, plan);
    ordered(&mut world, pause.clone());
    world.all_come();
    world.talk();
    let lines = world.take_lines();
    assert_eq!(lines[0], "test run 1: north-bank/e1 (plan-owner) has ordered pause-plan; the order counts from now on");
    let waits = lines.iter().filter(|line| line.contains("waiting for")).count();
    assert_eq!(waits, 1, "{lines:#?}");
    assert!(world.ends().is_empty() && world.status().runs[0].committed == 0);
    ordered(&mut world, pause.clone());
    assert_eq!(world.take_lines(), [""; 0], "it stands already");
    for by in [OWNER, OFFICER] {
        assert!(world.ends().is_empty());
        let resume = order(&world, by, Action::ResumePlan, order_digest(&pause));
        ordered(&mut world, resume);
        world.talk();
    }
    assert_eq!(world.ends(), vec![Ended::Finished(1); BRANCHES as usize], "{:#?}", world.lines());
}

/// It ends the plan with its run: nothing is released, no run follows, and another process says the same.
#[test]
fn an_aborted_plan_has_no_next_run() {
    let mut world = World::of_runs(3, |text| text);
    world.begin();
    world.all_come();
    world.talk_until(|event| matches!(event, Event::Round { .. }));
    let plan = world.run(1).plan;
    let abort = order(&world, OFFICER, Action::AbortPlan, plan);
    world.take_told();
    ordered(&mut world, abort);
    world.talk();
    let lines = world.take_lines();
    let told = "test run 1: the plan was aborted by north-bank/e2 (privacy-officer): 1 round, ";
    assert!(lines.iter().any(|line| line.starts_with(told)), "{lines:#?}");
    assert!(world.ends().iter().all(|end| matches!(end, Ended::Stopped(why) if why.contains("aborted"))));
    assert!(world.centre.is_through() && world.status().waiting.is_empty());
    assert!(crate::registry::list(&world.config).unwrap().is_empty(), "nothing is released");
    let mut world = world.restart();
    world.begin();
    assert!(world.centre.is_through() && world.take_lines().is_empty());
    assert_eq!(world.status().ended, 1);
}

/// Where no run is open, people hear of an order at once, and the run that begins later obeys it.
#[test]
fn an_order_that_no_run_takes_is_told_and_carried_to_the_next_one() {
    let mut world = World::new(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    let federation = authorities(&world).digest();
    let freeze = order(&world, OFFICER, Action::Freeze, federation);
    let told = "north-bank/e2 (privacy-officer) has ordered freeze; the order counts from now on";
    for expected in [vec![told], vec![]] {
        ordered(&mut world, freeze.clone());
        assert_eq!(world.take_lines(), expected);
    }
    let stranger = Attestation { at: 1, ..freeze.clone() };
    ordered(&mut world, stranger);
    assert_eq!(world.take_lines(), [""; 0], "nobody has signed that");
    world.begin();
    let lines = world.take_lines();
    assert_eq!(lines[..2], ["test run 1: open; its members are invited".to_owned(), format!("test run 1: {told}")]);
    world.all_come();
    world.talk();
    assert!(world.ends().is_empty(), "{:#?}", world.lines());
}

/// It counts from the next round on; then everybody joins again, and the new member with them.
#[test]
fn a_newer_roster_lets_its_members_in() {
    // Nobody waits for those who do not come.
    let mut world = World::new(|text| text.replace("gather_ms = 60000", "gather_ms = 0"));
    let members = |world: &World| world.centre.hands.members.count();
    let two = next_roster(&world, "branch-9");
    // Without a run it counts at once.
    world.arrive(Arrival::Roster(Box::new(two.clone())));
    assert_eq!(world.take_lines(), ["roster 2 is in force, 10 enrolled clients; everybody joins again"]);
    assert_eq!((world.status().roster_epoch, world.status().enrolled, members(&world)), (2, 10, 10));
    world.begin();
    world.all_come();
    world.talk_until(|event| matches!(event, Event::Session { .. }));
    let three = next_roster(&world, "branch-10");
    world.take_told();
    world.arrive(Arrival::Roster(Box::new(three)));
    // An older one changes nothing.
    world.arrive(Arrival::Roster(Box::new(two)));
    assert_eq!((world.status().roster_epoch, world.status().enrolled), (3, 11));
    world.talk_until(|event| matches!(event, Event::Roster { .. }));
    (10..=11).for_each(|number| world.comes(number));
    world.talk_until(|event| matches!(event, Event::Finished(_)));
    let lines = world.take_lines();
    let enrolled: Vec<&String> = lines.iter().filter(|line| line.contains("is in force")).collect();
    assert_eq!(enrolled, ["roster 3 is in force, 11 enrolled clients; everybody joins again"], "{lines:#?}");
    assert_eq!(members(&world), 11);
}

/// Something is wrong with a plan's run: nothing of it is opened, the others go on, and activated again it is tried again.
#[test]
fn a_run_that_cannot_be_opened_waits_for_whoever_mends_it() {
    let house = Federation::new(BRANCHES as usize);
    let config = house.settings(|text| text.replace("rounds = 3\n", "rounds = 3\ninitial_model = \"champion\"\n"));
    let mut world = World::at(house, config);
    world.begin();
    let fault = world.centre.stuck().expect("nothing else is left").to_owned();
    assert!(fault.contains("this registry has none"), "{fault}");
    let waiting = world.status().waiting;
    assert_eq!((waiting.len(), &waiting[0].reason, waiting[0].begins), (1, &fault, None));
    assert!(world.status().runs.is_empty() && world.take_told().is_empty());
    // Another plan is opened all the same.
    world.house.settings(|text| text.replace("name = \"test\"", "name = \"other\""));
    let job = |world: &World| Arrival::Plan(Box::new(crate::Job::open(&world.house.plan()).unwrap()));
    let other = job(&world);
    world.arrive(other);
    assert_eq!(world.take_lines(), ["other run 1: open; its members are invited"]);
    assert_eq!(world.status().waiting.len(), 1);
    assert_eq!(world.centre.stuck(), None);
    let again = job(&world);
    world.arrive(again);
    assert_eq!(world.take_lines(), [""; 0], "the same signatures are nothing new");
}
